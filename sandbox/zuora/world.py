"""The world's neutral rows as Zuora's records.

What does not belong here: how records are shown (objectquery, rest, zoql), and changes asked for through the API (writes, orders).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.world.model import INTEGRATION_ACTOR, CreditNote, Customer, Dispute, Invoice, Payment, Product, Refund, Row, Subscription, View
from sandbox.zuora.ids import native_id
from sandbox.zuora.tenant import INTEGRATION_USER, Tenant, day, exact, number

_YEARLY_FROM = timedelta(days=300)
_SUBSCRIPTION_STATUS = {
    "active": "Active", "past_due": "Active", "trialing": "Active", "canceled": "Cancelled", "unpaid": "Suspended", "paused": "Suspended",
    "incomplete": "Draft", "incomplete_expired": "Expired",
}
_INVOICE_STATUS = {"draft": "Draft", "open": "Posted", "paid": "Posted", "void": "Canceled", "uncollectible": "Posted"}
_PAYMENT_STATUS = {"succeeded": "Processed", "pending": "Processing", "failed": "Error"}
_GATEWAY_STATE = {"succeeded": "Settled", "pending": "Submitted", "failed": "FailedToSettle"}
_MEMO_STATUS = {"issued": "Posted", "void": "Canceled"}
_DISPUTE_STATUS = {  # a chargeback is a refund of the payment: under way, lost for good, or taken back
    "needs_response": "Processing", "under_review": "Processing", "warning_needs_response": "Processing",
    "warning_under_review": "Processing", "lost": "Processed", "won": "Canceled", "warning_closed": "Canceled", "prevented": "Canceled",
}
CHARGEBACK = "Chargeback"
_NO_NULLS = (None, "")


def load(tenant: Tenant, view: View) -> None:
    """A whole world into an empty tenant."""
    _Writer(tenant, view, is_history=True).write()


def apply(tenant: Tenant, view: View) -> None:
    """Rows that came or changed."""
    _Writer(tenant, view, is_history=False).write()


def _user(actor: str) -> str:
    return INTEGRATION_USER if actor == INTEGRATION_ACTOR else native_id("user", actor)


class _Writer:
    def __init__(self, tenant: Tenant, view: View, is_history: bool) -> None:
        self.tenant, self.view, self.is_history = tenant, view, is_history
        self.products = {row.key: (row.sku, row.name) for row in view.products}
        self.refunds_of_note: dict[int, list[Refund]] = defaultdict(list)
        self.refunds_of_payment: dict[int, Decimal] = defaultdict(Decimal)
        for refund in view.refunds:
            if refund.status != "failed":
                self.refunds_of_payment[refund.payment] += refund.amount
                if refund.credit_note is not None:
                    self.refunds_of_note[refund.credit_note].append(refund)
        self.credited: dict[int, Decimal] = defaultdict(Decimal)
        for note in view.credit_notes:
            if note.invoice is not None and note.status != "void" and not note.removed:
                self.credited[note.invoice] += note.total
        self.paid_at = {row.key: row.paid_at for row in view.invoices}
        self.accounts: set[str] = set()
        self._stamps: dict[Any, str] = {}

    def write(self) -> None:
        view = self.view
        for product in view.products:
            self.product(product)
        for customer in view.customers:
            self.customer(customer)
        for subscription in view.subscriptions:
            self.subscription(subscription)
        for invoice in view.invoices:
            self.invoice(invoice)
        for payment in view.payments:
            self.payment(payment)
        for note in view.credit_notes:
            self.credit_note(note)
        for refund in view.refunds:
            self.refund(refund)
        for dispute in view.disputes:
            self.dispute(dispute)
        self.sums()

    # ---------------------------------------------------------------- putting

    def stamp(self, at: Any) -> str:
        found = self._stamps.get(at)
        if found is None:
            found = self._stamps[at] = self.tenant.stamp(at)
        return found

    def audit(self, row: Row) -> Record:
        user = _user(row.actor)
        return {"createdById": user, "createdDate": self.stamp(row.created_at), "updatedById": user, "updatedDate": self.stamp(row.updated_at)}

    def put(self, kind: str, row: Row, record: Record, *, is_main: bool = False) -> None:
        """Put a record, or delete it in the vendor's way. `is_main`: it shows what the row has beyond the neutral fields."""
        record = {name: value for name, value in record.items() if value not in _NO_NULLS}
        if is_main and row.extra:
            record |= row.extra
        if "accountId" in record:
            self.accounts.add(record["accountId"])
        if row.removed:
            if self.is_history:
                self.tenant.store.put("_deleted", record["id"], {"kind": kind, "record": record})
            else:
                self.tenant.delete(kind, record["id"], record["updatedDate"])
            return
        if row.hidden:
            self.tenant.hide(kind, record["id"])
        before = None if self.is_history else self.tenant.get(kind, record["id"])
        if before is not None:  # what only the tenant itself keeps stays
            record = {**{name: value for name, value in before.items() if name.endswith("__c") and name not in record}, **record}
            if before == record:
                return
        self.tenant.put(kind, record)

    def product_of(self, key: int) -> tuple[str, str]:
        """Sku and name; a view of changes alone does not repeat the products."""
        if key not in self.products:
            kept = self.tenant.get("products", native_id("product", key)) or {}
            self.products[key] = (kept.get("sKU", ""), kept.get("name", "Subscription"))
        return self.products[key]

    # ---------------------------------------------------------------- one row each

    def product(self, row: Product) -> None:
        id, plan, charge = (native_id(entity, row.key) for entity in ("product", "product_rate_plan", "price"))
        audit = self.audit(row)
        begins = day(row.created_at)
        ends = "2099-12-31" if row.is_active else day(row.updated_at)
        self.put("products", row, {
            "id": id, "allowFeatureChanges": False, "category": "Base Products", "description": row.description, "name": row.name,
            "productNumber": f"PC-{row.key:08d}", "sKU": row.sku, "effectiveStartDate": begins, "effectiveEndDate": ends,
            "state": "active" if row.is_active else "retired", "SupportTier__c": row.tier, **audit}, is_main=True)
        self.put("product-rate-plans", row, {
            "id": plan, "productId": id, "name": f"{row.name} - standard", "productRatePlanNumber": f"PRP-{row.key:08d}",
            "effectiveStartDate": begins, "effectiveEndDate": ends, "state": "active", **audit})
        self.put("product-rate-plan-charges", row, {
            "id": charge, "productRatePlanId": plan, "name": row.name, "chargeType": "Recurring" if row.is_recurring else "OneTime",
            "chargeModel": "Per Unit Pricing", "billingPeriod": "Month" if row.is_recurring else None,
            "billingTiming": "IN_ADVANCE" if row.is_recurring else None, "billCycleType": "DefaultFromCustomer", "uOM": "Each",
            "taxable": True, "taxMode": "TaxExclusive", "taxCode": "STANDARD", "accountingCode": "Revenue", "defaultQuantity": 1.0,
            "triggerEvent": "ContractEffective", "endDateCondition": "Subscription_End" if row.is_recurring else None,
            "productRatePlanChargeNumber": f"PRPC-{row.key:08d}", **audit})
        self.put("product-rate-plan-charge-tiers", row, {
            "id": native_id("product_tier", row.key), "productRatePlanChargeId": charge, "active": True, "currency": row.currency, "tier": 1,
            "startingUnit": 0.0, "price": number(row.unit_price), "priceFormat": "PerUnit", **audit})

    def customer(self, row: Customer) -> None:
        tenant, id = self.tenant, native_id("customer", row.key)
        audit, linked = self.audit(row), row.erp_customer is not None
        contacts = {use: native_id("contact", f"{row.key}:{use}") for use in ("bill", "sold")}
        for use, contact in contacts.items():
            self.put("contacts", row, {
                "id": contact, "accountId": id, "firstName": "Accounts", "lastName": "Payable" if use == "bill" else "Receiving",
                "workEmail": row.email, "workPhone": row.phone, "address1": row.street, "city": row.city, "state": row.region,
                "postalCode": row.postcode, "country": row.country, "asBillTo": use == "bill", "asSoldTo": use == "sold",
                "asShipTo": use == "sold", **audit})
        kept = tenant.get("accounts", id) or {}
        sums = {name: kept.get(name, 0.0) for name in (
            "balance", "creditBalance", "mrr", "totalInvoiceBalance", "totalDebitMemoBalance", "unappliedBalance", "unappliedCreditMemoAmount")}
        self.put("accounts", row, {
            "id": id, "accountNumber": f"A{row.key:08d}", "name": row.name, "status": "Active" if row.is_active else "Canceled",
            "currency": row.currency, "batch": f"Batch{row.key % 5 + 1}", "allowInvoiceEdit": False, "autoPay": False,
            "bcdSettingOption": "ManualSet", "billCycleDay": 1, "paymentTerm": f"Net {row.terms_days}", "vATId": row.tax_id,
            "billToId": contacts["bill"], "soldToId": contacts["sold"], "shipToId": contacts["sold"], "taxExemptStatus": "No",
            "parentId": native_id("customer", row.parent) if row.parent is not None else None, "partnerAccount": False,
            "crmId": self.view.peer("crm", "customer", row.key, row.key) if linked else None, "lastInvoiceDate": kept.get("lastInvoiceDate"),
            "defaultPaymentMethodId": native_id("payment_method", row.key), "communicationProfileId": native_id("other", "communication"),
            "invoiceDeliveryPrefsEmail": True, "invoiceDeliveryPrefsPrint": False,
            "ErpCustomerId__c": self.view.peer("erp", "customer", row.erp_customer, row.key) if linked else None, "Domain__c": row.domain,
            **sums, **audit}, is_main=True)
        self.put("payment-methods", row, {
            "id": native_id("payment_method", row.key), "accountId": id, "active": True, "isSystem": False, "name": "Bank transfer",
            "type": "BankTransfer", "bankTransferType": "SEPA", "paymentMethodStatus": "Active", **audit})

    def subscription(self, row: Subscription) -> None:
        """Versions: the first has the row's id, which stays the original id; an end or a later change is a version of its own."""
        tenant, original = self.tenant, native_id("subscription", row.key)
        name = f"A-S{row.key:08d}"
        versions = sorted((held for held in tenant.rows_by("subscriptions", "originalId", original, hidden=True)), key=lambda held: held["version"]) \
            if not self.is_history else []
        status = _SUBSCRIPTION_STATUS.get(row.status, row.status)
        if row.removed and not versions and not self.is_history:
            return
        if not versions:
            ended = status == "Cancelled"
            first = self._version(row, 1, name, "Active" if ended else status, is_latest=not ended, ends=False, of_first=True)
            self._put_version(row, first)
            if ended:
                self._supersede(row, first)
                self._put_version(row, self._version(row, 2, name, status, is_latest=True, ends=True, of_first=False))
            return
        latest = versions[-1]
        wanted = self._version(row, latest["version"], name, status, is_latest=True, ends=status == "Cancelled", of_first=latest["version"] == 1)
        same = ("status", "termEndDate", "cMRR", "cancelledDate", "accountId")
        if row.removed:
            for held in versions:
                self._drop_version(held, self.stamp(row.updated_at))
            return
        if all(wanted.get(field) == latest.get(field) for field in same):
            self._put_version(row, {**wanted, "createdDate": latest["createdDate"], "orderId": latest.get("orderId")})
            return
        self._supersede(row, latest)
        self._put_version(row, self._version(row, latest["version"] + 1, name, status, is_latest=True, ends=status == "Cancelled", of_first=False))

    def _version(self, row: Subscription, version: int, name: str, status: str, *, is_latest: bool, ends: bool, of_first: bool) -> Record:
        id = native_id("subscription", row.key if version == 1 else f"{row.key}:{version}")
        months = 12 if row.period_end - row.period_start >= _YEARLY_FROM else 1
        monthly = row.quantity * row.unit_price / months
        at = self.audit(row)
        if not of_first:
            at["createdDate"] = at["updatedDate"]
        return {
            "id": id, "originalId": native_id("subscription", row.key), "name": name, "version": version, "isLatestVersion": is_latest,
            "previousSubscriptionId": None if version == 1 else
            native_id("subscription", row.key if version == 2 else f"{row.key}:{version - 1}"),
            "accountId": native_id("customer", row.customer), "invoiceOwnerId": native_id("customer", row.customer),
            "creatorAccountId": native_id("customer", row.customer), "status": status, "termType": "TERMED", "autoRenew": True,
            "renewalSetting": "RENEW_WITH_SPECIFIC_TERM", "initialTerm": months, "initialTermPeriodType": "Month", "renewalTerm": months,
            "renewalTermPeriodType": "Month", "currentTerm": months, "currentTermPeriodType": "Month",
            "contractEffectiveDate": day(row.start_at), "serviceActivationDate": day(row.start_at), "contractAcceptanceDate": day(row.start_at),
            "termStartDate": day(row.period_start), "termEndDate": day(row.period_end), "subscriptionStartDate": day(row.start_at),
            "subscriptionEndDate": day(row.ended_at) if ends and row.ended_at else day(row.period_end),
            "cancelledDate": day(row.canceled_at) if ends and row.canceled_at else None, "cancelReason": "Customer request" if ends else None,
            "cMRR": 0.0 if ends else number(monthly), "currency": row.currency, "orderId": native_id("billing_order", f"{row.key}:{version}"),
            "originalCreatedDate": self.stamp(row.created_at),
            "CrmContractId__c": self.view.peer("crm", "contract", row.contract, row.customer), **at}

    def _put_version(self, row: Subscription, record: Record) -> None:
        version, id = record["version"], record["id"]
        mark = row.key if version == 1 else f"{row.key}:{version}"
        at = {name: record[name] for name in ("createdById", "createdDate", "updatedById", "updatedDate")}
        is_end = record["status"] == "Cancelled"
        number_of_order = f"O-{row.key:08d}" if version == 1 else f"O-{row.key:08d}-{version}"
        action = "CreateSubscription" if version == 1 else "CancelSubscription" if is_end else "UpdateProduct"
        self.put("orders", row, {
            "id": record["orderId"], "orderNumber": number_of_order, "orderDate": record["createdDate"][:10], "accountId": record["accountId"],
            "status": "Completed", "state": "Complete", "category": "NewSales", **at})
        self.put("order-actions", row, {
            "id": native_id("order_action", mark), "orderId": record["orderId"], "subscriptionId": id, "subscriptionNumber": record["name"],
            "type": action, "sequence": 0, "contractEffectiveDate": record["cancelledDate"] or record["contractEffectiveDate"],
            "cancellationPolicy": "SpecificDate" if is_end else None, "cancellationEffectiveDate": record["cancelledDate"], **at})
        if version > 1:
            self.put("amendments", row, {
                "id": native_id("amendment", mark), "code": f"A-AM{row.key:08d}-{version - 1}", "subscriptionId": record["previousSubscriptionId"],
                "name": action, "type": "Cancellation" if is_end else "UpdateProduct", "status": "Completed",
                "contractEffectiveDate": record["cancelledDate"] or record["contractEffectiveDate"],
                "effectiveDate": record["cancelledDate"] or record["contractEffectiveDate"], **at})
        self.put("subscriptions", row, record, is_main=True)
        plan, charge = native_id("rate_plan", mark), native_id("subscription_item", mark)
        product_name = self.product_of(row.product)[1]
        months = record["currentTerm"]
        monthly = row.quantity * row.unit_price / months
        self.put("rate-plans", row, {
            "id": plan, "subscriptionId": id, "productRatePlanId": native_id("product_rate_plan", row.product),
            "productId": native_id("product", row.product), "name": f"{product_name} - standard",
            "originalRatePlanId": native_id("rate_plan", row.key), "subscriptionRatePlanNumber": f"SRP-{row.key:08d}",
            "amendmentId": native_id("amendment", mark) if version > 1 else None,
            "amendmentType": None if version == 1 else "RemoveProduct" if is_end else "UpdateProduct", **at})
        self.put("rate-plan-charges", row, {
            "id": charge, "ratePlanId": plan, "subscriptionId": id, "productRatePlanChargeId": native_id("price", row.product),
            "originalId": native_id("subscription_item", row.key), "chargeNumber": f"C-{row.key:08d}", "name": product_name, "version": version,
            "segment": 1, "isLastSegment": True, "chargeType": "Recurring", "chargeModel": "Per Unit Pricing",
            "billingPeriod": "Annual" if months == 12 else "Month", "billingTiming": "IN_ADVANCE", "quantity": float(row.quantity), "uOM": "Each",
            "mRR": number(monthly), "dMRC": 0.0, "tCV": number(row.quantity * row.unit_price), "dTCV": 0.0,
            "effectiveStartDate": record["subscriptionStartDate"], "effectiveEndDate": record["subscriptionEndDate"],
            "chargedThroughDate": day(row.period_end), "processedThroughDate": day(row.period_start), "endDateCondition": "Subscription_End",
            "accountingCode": "Revenue", **at})
        self.put("rate-plan-charge-tiers", row, {
            "id": native_id("rate_plan_tier", mark), "ratePlanChargeId": charge, "tier": 1, "currency": row.currency,
            "price": number(row.unit_price), "startingUnit": 0.0, "priceFormat": "PerUnit", **at})

    def _supersede(self, row: Subscription, record: Record) -> None:
        kept = {**record, "isLatestVersion": False, "status": "Expired", "updatedDate": self.stamp(row.updated_at), "updatedById": _user(row.actor)}
        self.tenant.put("subscriptions", {name: value for name, value in kept.items() if value not in _NO_NULLS})

    def _drop_version(self, held: Record, at: str) -> None:
        for plan in self.tenant.rows_by("rate-plans", "subscriptionId", held["id"], hidden=True):
            for charge in self.tenant.rows_by("rate-plan-charges", "ratePlanId", plan["id"], hidden=True):
                for tier in self.tenant.rows_by("rate-plan-charge-tiers", "ratePlanChargeId", charge["id"], hidden=True):
                    self.tenant.delete("rate-plan-charge-tiers", tier["id"], at)
                self.tenant.delete("rate-plan-charges", charge["id"], at)
            self.tenant.delete("rate-plans", plan["id"], at)
        self.tenant.delete("subscriptions", held["id"], at)

    def invoice(self, row: Invoice) -> None:
        tenant, id = self.tenant, native_id("invoice", row.key)
        account, audit = native_id("customer", row.customer), self.audit(row)
        is_draft, is_void = row.status == "draft", row.status == "void"
        kept = tenant.get("invoices", id) or {}
        credited = self.credited.get(row.key, Decimal(0))
        paid = Decimal(0) if is_void else row.amount_paid
        settled = min(credited, max(row.total - paid - row.amount_remaining, Decimal(0))) if not is_void else Decimal(0)
        recurring = row.subscription is not None
        self.put("invoices", row, {
            "id": id, "invoiceNumber": row.number, "accountId": account, "status": _INVOICE_STATUS.get(row.status, row.status),
            "invoiceDate": row.invoice_date.isoformat(), "dueDate": row.due_date.isoformat(), "targetDate": row.invoice_date.isoformat(),
            "amount": number(row.total), "amountWithoutTax": number(row.subtotal), "taxAmount": number(row.tax), "taxExemptAmount": 0.0,
            "balance": 0.0 if is_void else number(row.amount_remaining), "paymentAmount": number(paid),
            "refundAmount": kept.get("refundAmount", 0.0), "creditMemoAmount": kept.get("creditMemoAmount") or number(settled),
            "adjustmentAmount": 0.0, "creditBalanceAdjustmentAmount": 0.0, "currency": row.currency, "autoPay": False,
            "postedDate": None if is_draft else self.stamp(row.finalized_at), "postedBy": None if is_draft else audit["updatedById"],
            "reversed": False, "source": "BillRun" if recurring else "API", "sourceType": "Subscription" if recurring else "Standalone",
            "transferredToAccounting": "No", "includesRecurring": recurring, "includesOneTime": not recurring, "includesUsage": False,
            "isSplit": False, "soldToContactId": native_id("contact", f"{row.customer}:sold"),
            "billToContactId": native_id("contact", f"{row.customer}:bill"),
            "CollectionStatus__c": "Uncollectible" if row.status == "uncollectible" else None,
            "ErpOrderId__c": self.view.peer("erp", "order", row.order, row.customer), **audit}, is_main=True)
        if row.removed:
            tenant.store.delete("invoice_lines", id)
            return
        begins = row.invoice_date.isoformat()
        share = (row.amount_remaining / row.total) if row.total else Decimal(0)
        lines: list[list[Any]] = []
        balances: list[float] = []
        for line in row.lines:
            lines.append([
                native_id("invoice_line", f"{row.key}-{line.number}"), self.product_of(line.product)[0], line.description, float(line.quantity),
                number(line.unit_price), number(line.amount), number(line.tax), native_id("price", line.product), "Charge"])
            balances.append(number(line.amount if share == 1 else Decimal(0) if not share else
                                   (line.amount * share).quantize(Decimal("0.01"))))
        link: Record = {}
        if row.subscription is not None:
            link = {
                "subscriptionId": native_id("subscription", row.subscription), "subscriptionNumber": f"A-S{row.subscription:08d}",
                "ratePlanChargeId": native_id("subscription_item", row.subscription), "chargeNumber": f"C-{row.subscription:08d}"}
        content = {
            "created": audit["createdDate"], "updated": audit["createdDate"], "by": audit["createdById"], "rows": lines, "balances": balances,
            "shared": {"accountId": account, "start": begins, "end": begins, "source": "SubscriptionComponent" if link else "Rating",
                       "subscription": link}}
        before = tenant.store.get("invoice_lines", id)
        if before is not None and before["rows"] == lines:
            return
        if before is not None:
            content["updated"] = audit["updatedDate"]
        if row.hidden:
            for line_row in lines:
                tenant.hide("invoice-items", line_row[0])
        if self.is_history:
            tenant.store.put("invoice_lines", id, content)
        else:
            tenant.put_lines(id, content)

    def payment(self, row: Payment) -> None:
        id, account, audit = native_id("payment", row.key), native_id("customer", row.customer), self.audit(row)
        is_paid, is_pending = row.status == "succeeded", row.status == "pending"
        applied = row.amount if is_paid and row.invoice is not None else Decimal(0)
        refunded = min(self.refunds_of_payment.get(row.key, Decimal(0)), row.amount)
        kept = self.tenant.get("payments", id) or {}
        self.put("payments", row, {
            "id": id, "paymentNumber": row.number or f"P-{row.key:08d}", "accountId": account, "amount": number(row.amount),
            "appliedAmount": number(applied), "unappliedAmount": number(row.amount - applied) if is_paid else 0.0,
            "refundAmount": max(kept.get("refundAmount", 0.0), number(refunded)), "currency": row.currency,
            "effectiveDate": day(row.paid_at), "status": _PAYMENT_STATUS.get(row.status, row.status), "type": "Electronic",
            "gateway": "Gateway", "gatewayState": _GATEWAY_STATE.get(row.status, "NotSubmitted"),
            "gatewayResponseCode": "Approved" if is_paid else None if is_pending else "card_declined",
            "gatewayResponse": "Approved" if is_paid else None if is_pending else "The card was declined.",
            "referenceId": f"REF-{row.key}", "paymentMethodId": native_id("payment_method", row.customer),
            "settledOn": self.stamp(row.paid_at) if is_paid else None, "submittedOn": audit["createdDate"],
            "transferredToAccounting": "No", "source": "API", **audit}, is_main=True)
        if row.invoice is None or not is_paid:
            return
        link = {"paymentId": id, "invoiceId": native_id("invoice", row.invoice), "accountId": account}
        self.put("payment-applications", row, {
            "id": native_id("payment_application", row.key), **link, "applyAmount": number(row.amount), "effectiveDate": day(row.paid_at),
            "applicationGroupId": native_id("other", f"group:{row.key}"), "paymentApplicationStatus": "Applied", **audit})
        self.put("payment-parts", row, {"id": native_id("payment_part", row.key), **link, "amount": number(row.amount), **audit})

    def credit_note(self, row: CreditNote) -> None:
        id, account, audit = native_id("credit_note", row.key), native_id("customer", row.customer), self.audit(row)
        is_void = row.status == "void"
        refunds = sum((refund.amount for refund in self.refunds_of_note.get(row.key, ())), Decimal(0))
        invoice = self.tenant.get("invoices", native_id("invoice", row.invoice)) if row.invoice is not None else None
        paid_at = self.paid_at.get(row.invoice) if row.invoice is not None else None
        was_paid = paid_at is not None and paid_at <= row.created_at
        applied = row.total if invoice is not None and not was_paid and not is_void and not refunds else Decimal(0)
        left = Decimal(0) if is_void else max(row.total - applied - refunds, Decimal(0))
        posted = row.status != "draft"
        self.put("credit-memos", row, {
            "id": id, "memoNumber": row.number, "memoDate": row.issue_date.isoformat(), "accountId": account,
            "invoiceId": native_id("invoice", row.invoice) if row.invoice is not None else None,
            "status": _MEMO_STATUS.get(row.status, row.status), "totalAmount": number(row.total), "totalAmountWithoutTax": number(row.subtotal),
            "taxAmount": number(row.tax), "totalTaxExemptAmount": 0.0, "discountAmount": 0.0, "appliedAmount": number(applied),
            "refundAmount": number(refunds), "balance": number(left), "currency": row.currency, "reasonCode": row.reason or "Correcting invoice error",
            "source": "AdhocFromInvoice" if row.invoice is not None else "AdhocFromPrpc",
            "sourceType": "Invoice" if row.invoice is not None else "Standalone",
            "sourceId": native_id("invoice", row.invoice) if row.invoice is not None else None, "targetDate": row.issue_date.isoformat(),
            "postedOn": audit["createdDate"] if posted else None, "postedById": audit["createdById"] if posted else None,
            "cancelledOn": audit["updatedDate"] if is_void else None, "cancelledById": audit["updatedById"] if is_void else None,
            "reversed": False, "transferredToAccounting": "No", "autoApplyUponPosting": bool(applied), "excludeFromAutoApplyRules": False,
            "taxAutoCalculation": True, **audit}, is_main=True)
        by_charge = {item.get("productRatePlanChargeId"): item for item in self.tenant.items_of(invoice["id"])} if invoice and row.lines else {}
        for line in row.lines:
            charge = native_id("price", line.product)
            item = by_charge.get(charge) or {}
            self.put("credit-memo-items", row, {
                "id": native_id("credit_memo_item", f"{row.key}-{line.number}"), "creditMemoId": id, "invoiceItemId": item.get("id"),
                "ratePlanChargeId": item.get("ratePlanChargeId"), "productRatePlanChargeId": charge, "subscriptionId": item.get("subscriptionId"),
                "subscriptionNumber": item.get("subscriptionNumber"), "chargeName": line.description, "chargeNumber": item.get("chargeNumber"),
                "amount": number(line.amount + line.tax), "amountWithoutTax": number(line.amount), "taxAmount": number(line.tax),
                "unappliedAmount": number(line.amount + line.tax) if left == row.total else 0.0, "sku": self.product_of(line.product)[0],
                "quantity": float(line.quantity), "unitPrice": number(line.unit_price), "unitOfMeasure": "Each",
                "serviceStartDate": row.issue_date.isoformat(), "serviceEndDate": row.issue_date.isoformat(), "description": line.description,
                "processingType": "Charge", "sourceItemType": "InvoiceDetail" if item else "ProductRatePlanCharge", "taxMode": "TaxExclusive",
                **audit})
        if applied and invoice is not None:
            link = {"creditMemoId": id, "invoiceId": invoice["id"], "accountId": account, "amount": number(applied)}
            self.put("credit-memo-applications", row, {
                "id": native_id("credit_memo_application", row.key), **link, "effectiveDate": row.issue_date.isoformat(),
                "applicationGroupId": native_id("other", f"memo:{row.key}"), **audit})
            self.put("credit-memo-parts", row, {"id": native_id("credit_memo_part", row.key), **link, **audit})

    def refund(self, row: Refund) -> None:
        note = native_id("credit_note", row.credit_note) if row.credit_note is not None else None
        self._refund(row, native_id("refund", row.key), f"R-{row.key:08d}", row.payment, note, row.amount, row.currency,
                     _PAYMENT_STATUS.get(row.status, row.status), row.reason, None)

    def dispute(self, row: Dispute) -> None:
        """There is no object for it: a chargeback shows as a refund of the payment."""
        self._refund(row, native_id("dispute", row.key), f"R-CB{row.key:06d}", row.payment, None, row.amount, row.currency,
                     _DISPUTE_STATUS.get(row.status, row.status), CHARGEBACK, row.reason)

    def _refund(
        self, row: Refund | Dispute, id: str, visible: str, payment: int, note: str | None, amount: Decimal, currency: str, status: str,
        reason: str, comment: str | None,
    ) -> None:
        audit, account = self.audit(row), native_id("customer", row.customer)
        self.put("refunds", row, {
            "id": id, "refundNumber": visible, "accountId": account, "amount": number(amount), "currency": currency,
            "refundDate": day(row.created_at), "status": status, "type": "Electronic", "methodType": "CreditCard",
            "reasonCode": reason or "Standard Refund", "comment": comment, "referenceID": f"RREF-{visible}",
            "gatewayState": "Settled" if status == "Processed" else "Submitted", "sourceType": "CreditMemo" if note else "Payment",
            "paymentMethodId": native_id("payment_method", row.customer), "settledOn": audit["createdDate"] if status == "Processed" else None,
            "cancelledOn": audit["updatedDate"] if status == "Canceled" else None, "transferredToAccounting": "No", **audit}, is_main=True)
        self.put("refund-applications", row, {
            "id": native_id("refund_application", id), "refundId": id, "paymentId": native_id("payment", payment), "creditMemoId": note,
            "accountId": account, "applyAmount": number(amount), "effectiveDate": day(row.created_at),
            "applicationGroupId": native_id("other", f"refund:{id}"), **audit})

    # ---------------------------------------------------------------- sums

    def sums(self) -> None:
        """Account balances, monthly revenue and last invoice dates, once everything is in place."""
        tenant = self.tenant
        if not self.is_history:
            for id in sorted(self.accounts):
                tenant.refresh_account(id, by=native_id("user", "system"))
            return
        accounts = tenant.store.collection("accounts")
        owed: dict[str, Decimal] = defaultdict(Decimal)
        newest: dict[str, str] = {}
        for invoice in tenant.store.collection("invoices").values():
            if invoice.get("status") not in ("Draft", "Canceled"):
                owed[invoice["accountId"]] += exact(invoice.get("balance"))
                newest[invoice["accountId"]] = max(newest.get(invoice["accountId"], ""), invoice["invoiceDate"])
        credit: dict[str, Decimal] = defaultdict(Decimal)
        for memo in tenant.store.collection("credit-memos").values():
            if memo.get("status") not in ("Draft", "Canceled"):
                credit[memo["accountId"]] += exact(memo.get("balance"))
        unapplied: dict[str, Decimal] = defaultdict(Decimal)
        for payment in tenant.store.collection("payments").values():
            if payment.get("status") == "Processed":
                unapplied[payment["accountId"]] += exact(payment.get("unappliedAmount"))
        monthly: dict[str, Decimal] = defaultdict(Decimal)
        for subscription in tenant.store.collection("subscriptions").values():
            if subscription.get("isLatestVersion"):
                monthly[subscription["accountId"]] += exact(subscription.get("cMRR"))
        for id, account in list(accounts.items()):
            record = {**account, "totalInvoiceBalance": number(owed[id]), "unappliedCreditMemoAmount": number(credit[id]),
                      "unappliedBalance": number(unapplied[id]), "balance": number(owed[id] - credit[id] - unapplied[id]),
                      "mrr": number(monthly[id])}
            if id in newest:
                record["lastInvoiceDate"] = newest[id]
            tenant.store.put("accounts", id, record)

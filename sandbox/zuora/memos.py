"""Writes to billing documents: credit and debit memos, payments, refunds and chargebacks, with the sums that they move.

A memo lowers an invoice's balance only once it is applied. Every function answers the changed record or raises Refusal.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.protocol import Record
from sandbox.zuora.answers import INVALID, MISSING, NOT_FOUND, RULE, Refusal
from sandbox.zuora.rest import RESOURCE, needed, wanted_fields
from sandbox.zuora.tenant import Tenant, exact, number, rounded
from sandbox.zuora.world import CHARGEBACK

_MOST_ITEMS = 15_000
_MEMO, _DEBIT, _PAYMENT, _REFUND, _INVOICE = (RESOURCE[name] for name in ("credit-memos", "debit-memos", "payments", "refunds", "invoices"))


def money(value: Any, name: str, resource: int, *, zero: bool = False) -> Decimal:
    """A JSON number as an amount above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refusal(INVALID, f"'{name}' must be a number.", resource)
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise Refusal(INVALID, f"'{name}' must be a number.", resource) from None
    if amount < 0 or (amount == 0 and not zero):
        raise Refusal(INVALID, f"'{name}' must be greater than 0.", resource)
    return amount


def day_of(tenant: Tenant, value: Any, name: str, resource: int) -> str:
    if value is None:
        return tenant.today().isoformat()
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise Refusal(INVALID, f"'{name}' must be a date of the form yyyy-mm-dd.", resource) from None


def custom(tenant: Tenant, kind: str, body: Record, resource: int) -> Record:
    """The custom fields of a request; one that the tenant does not have is refused."""
    known = tenant.catalogue.custom.get(kind, {})
    found = {name: value for name, value in body.items() if "__" in name}
    for name in found:
        if name not in known and not name.endswith(("__NS", "__QT")):
            raise Refusal(21, f"Unknown field: '{name}'.", resource)
    return found


# ------------------------------------------------------------------ credit memos

_FROM_INVOICE = frozenset({"items", "invoiceId", "reasonCode", "comment", "effectiveDate", "autoPost", "autoApplyToInvoiceUponPosting",
                           "excludeFromAutoApplyRules", "taxAutoCalculation"})
_ITEM = frozenset({"invoiceItemId", "skuName", "amount", "quantity", "comment", "description", "taxItems", "taxMode", "unitOfMeasure",
                   "serviceStartDate", "serviceEndDate", "financeInformation", "excludeItemBillingFromRevenueAccounting", "contributeToCommitment"})
_FROM_CHARGES = frozenset({"accountId", "accountNumber", "charges", "effectiveDate", "reasonCode", "comment", "currency", "autoPost",
                           "excludeFromAutoApplyRules", "number", "billToContactId"})


def credit_from_invoice(tenant: Tenant, key: str, body: Any) -> Record:
    body = wanted_fields(body, _FROM_INVOICE, ("items",), _MEMO)
    invoice = needed(tenant, "invoices", key)
    if invoice["status"] != "Posted":
        raise Refusal(RULE, f"The invoice {invoice['invoiceNumber']} is not posted.", _MEMO)
    if not isinstance(body["items"], list) or len(body["items"]) > _MOST_ITEMS:
        raise Refusal(INVALID, f"'items' must be a list of up to {_MOST_ITEMS} items.", _MEMO)
    known = {item["id"]: item for item in tenant.items_of(invoice["id"])}
    memo_fields = custom(tenant, "credit-memos", body, _MEMO)
    items, total, tax_total = [], Decimal(0), Decimal(0)
    taken: dict[str, Decimal] = {}
    for given in body["items"]:
        given = wanted_fields(given, _ITEM, ("invoiceItemId", "skuName"), _MEMO)
        if "amount" not in given:
            raise Refusal(MISSING, "'amount' is required.", _MEMO)
        amount = money(given["amount"], "amount", _MEMO)
        source = known.get(given["invoiceItemId"])
        if source is None:
            raise Refusal(NOT_FOUND, f"Cannot find invoice item by id: '{given['invoiceItemId']}'.", _MEMO)
        before = taken.get(source["id"]) or sum(
            (exact(row["amountWithoutTax"]) for row in tenant.rows_by("credit-memo-items", "invoiceItemId", source["id"], hidden=True)
             if (tenant.get("credit-memos", row["creditMemoId"]) or {}).get("status") not in ("Canceled", None)), Decimal(0))
        if before + amount > exact(source["chargeAmount"]):
            raise Refusal(RULE, f"The amount {amount} exceeds what can be credited on the invoice item {source['id']}.", _MEMO)
        taken[source["id"]] = before + amount
        if given.get("taxItems"):
            tax = sum((money(line.get("amount"), "taxItems.amount", _MEMO, zero=True) for line in given["taxItems"]), Decimal(0))
        elif body.get("taxAutoCalculation") and exact(source["chargeAmount"]):
            tax = rounded(exact(source["taxAmount"]) * amount / exact(source["chargeAmount"]), invoice["currency"])
        else:
            tax = Decimal(0)
        total, tax_total = total + amount + tax, tax_total + tax
        items.append({
            "invoiceItemId": source["id"], "ratePlanChargeId": source.get("ratePlanChargeId"),
            "productRatePlanChargeId": source.get("productRatePlanChargeId"), "subscriptionId": source.get("subscriptionId"),
            "subscriptionNumber": source.get("subscriptionNumber"), "chargeName": given["skuName"], "chargeNumber": source.get("chargeNumber"),
            "amount": number(amount + tax), "amountWithoutTax": number(amount), "taxAmount": number(tax), "unappliedAmount": number(amount + tax),
            "sku": source.get("sKU"), "quantity": given.get("quantity"), "unitPrice": source.get("unitPrice"),
            "unitOfMeasure": given.get("unitOfMeasure"), "description": given.get("comment") or given.get("description"),
            "serviceStartDate": given.get("serviceStartDate") or source.get("serviceStartDate"),
            "serviceEndDate": given.get("serviceEndDate") or source.get("serviceEndDate"), "processingType": "Charge",
            "sourceItemType": "InvoiceDetail", "taxMode": given.get("taxMode", "TaxExclusive")})
    memo = _make_memo(tenant, invoice["accountId"], invoice["currency"], total, tax_total, body, items, {
        "invoiceId": invoice["id"], "source": "AdhocFromInvoice", "sourceType": "Invoice", "sourceId": invoice["id"],
        "autoApplyUponPosting": bool(body.get("autoApplyToInvoiceUponPosting")), **memo_fields})
    return post_memo(tenant, memo["id"]) if body.get("autoPost") else memo


def credit_from_charges(tenant: Tenant, body: Any) -> Record:
    body = wanted_fields(body, _FROM_CHARGES, ("charges",), _MEMO)
    key = body.get("accountId") or body.get("accountNumber")
    if not key:
        raise Refusal(MISSING, "'accountId' or 'accountNumber' is required.", _MEMO)
    account = needed(tenant, "accounts", key)
    memo_fields = custom(tenant, "credit-memos", body, _MEMO)
    items, total = [], Decimal(0)
    for given in body["charges"]:
        charge_id = given.get("productRatePlanChargeId") or given.get("chargeId")
        if not charge_id:
            raise Refusal(MISSING, "'productRatePlanChargeId' is required.", _MEMO)
        charge = tenant.get("product-rate-plan-charges", charge_id)
        if charge is None:
            raise Refusal(NOT_FOUND, f"Cannot find product rate plan charge by id: '{charge_id}'.", _MEMO)
        amount = money(given.get("amount"), "amount", _MEMO)
        total += amount
        items.append({
            "productRatePlanChargeId": charge_id, "chargeName": charge["name"], "amount": number(amount), "amountWithoutTax": number(amount),
            "taxAmount": 0.0, "unappliedAmount": number(amount), "quantity": given.get("quantity"), "description": given.get("description"),
            "processingType": "Charge", "sourceItemType": "ProductRatePlanCharge", "taxMode": "TaxExclusive"})
    memo = _make_memo(tenant, account["id"], body.get("currency") or account["currency"], total, Decimal(0), body, items, {
        "source": "AdhocFromPrpc", "sourceType": "Standalone", "autoApplyUponPosting": False, **memo_fields})
    return post_memo(tenant, memo["id"]) if body.get("autoPost") else memo


def _make_memo(
    tenant: Tenant, account: str, currency: str, total: Decimal, tax: Decimal, body: Record, items: list[Record], fields: Record,
) -> Record:
    when = day_of(tenant, body.get("effectiveDate"), "effectiveDate", _MEMO)
    memo = tenant.create("credit-memos", {
        "memoNumber": tenant.next_document("credit-memos", "CM"), "memoDate": when, "targetDate": when, "accountId": account, "status": "Draft",
        "totalAmount": number(total), "totalAmountWithoutTax": number(total - tax), "taxAmount": number(tax), "totalTaxExemptAmount": 0.0,
        "discountAmount": 0.0, "appliedAmount": 0.0, "refundAmount": 0.0, "balance": number(total), "currency": currency,
        "reasonCode": body.get("reasonCode") or "Correcting invoice error", "comments": body.get("comment"), "reversed": False,
        "transferredToAccounting": "No", "excludeFromAutoApplyRules": bool(body.get("excludeFromAutoApplyRules")),
        "taxAutoCalculation": bool(body.get("taxAutoCalculation", True)), **fields})
    for item in items:
        tenant.create("credit-memo-items", {"creditMemoId": memo["id"], **item})
    return memo


def _memo_in(tenant: Tenant, key: str, status: str, what: str) -> Record:
    memo = needed(tenant, "credit-memos", key)
    if memo["status"] != status:
        raise Refusal(RULE, f"The credit memo {memo['memoNumber']} is {memo['status']} and cannot be {what}.", _MEMO)
    return memo


def post_memo(tenant: Tenant, key: str) -> Record:
    memo = _memo_in(tenant, key, "Draft", "posted")
    memo = tenant.change("credit-memos", memo["id"], status="Posted", postedOn=tenant.stamp(tenant.now()), postedById=memo["updatedById"])
    invoice = tenant.get("invoices", memo.get("invoiceId"))
    if memo.get("autoApplyUponPosting") and invoice is not None:
        amount = min(exact(memo["balance"]), exact(invoice["balance"]))
        if amount > 0:
            _apply(tenant, memo["id"], "invoiceId", invoice["id"], amount, tenant.today().isoformat())
    tenant.refresh_account(memo["accountId"])
    return needed(tenant, "credit-memos", memo["id"])


def _apply(tenant: Tenant, memo_id: str, link: str, target: str, amount: Decimal, when: str) -> None:
    memo = needed(tenant, "credit-memos", memo_id)
    kind = "invoices" if link == "invoiceId" else "debit-memos"
    document = needed(tenant, kind, target)
    if amount > exact(memo["balance"]):
        raise Refusal(RULE, f"The amount {amount} exceeds the unapplied amount of the credit memo.", _MEMO)
    if amount > exact(document["balance"]):
        raise Refusal(RULE, f"The amount {amount} exceeds the balance of {document['id']}.", _MEMO)
    if document["status"] != "Posted" or document["accountId"] != memo["accountId"] or document["currency"] != memo["currency"]:
        raise Refusal(RULE, "A credit memo applies to posted documents of its own account and currency.", _MEMO)
    shared = {"creditMemoId": memo["id"], link: document["id"], "accountId": memo["accountId"], "amount": number(amount)}
    tenant.create("credit-memo-applications", {**shared, "effectiveDate": when})
    part = next((row for row in tenant.rows_by("credit-memo-parts", "creditMemoId", memo["id"]) if row.get(link) == document["id"]), None)
    if part is None:
        tenant.create("credit-memo-parts", shared)
    else:
        tenant.change("credit-memo-parts", part["id"], amount=number(exact(part["amount"]) + amount))
    left = exact(memo["balance"]) - amount
    tenant.change("credit-memos", memo["id"], appliedAmount=number(exact(memo["appliedAmount"]) + amount), balance=number(left))
    fields: dict[str, Any] = {"balance": number(exact(document["balance"]) - amount)}
    if kind == "invoices":
        fields["creditMemoAmount"] = number(exact(document.get("creditMemoAmount")) + amount)
    tenant.change(kind, document["id"], stamped=tenant.moves_stamps, **fields)
    _spread(tenant, memo["id"], left)


def _spread(tenant: Tenant, memo: str, left: Decimal) -> None:
    """What is unapplied of a memo lies on its last items."""
    for item in reversed(tenant.rows_by("credit-memo-items", "creditMemoId", memo, hidden=True)):
        mine = min(exact(item["amount"]), left)
        left -= mine
        if exact(item.get("unappliedAmount")) != mine:
            tenant.change("credit-memo-items", item["id"], unappliedAmount=number(mine))


def _targets(body: Any, resource: int) -> list[tuple[str, Record]]:
    body = wanted_fields(body, frozenset({"invoices", "debitMemos", "effectiveDate", "applicationRule"}), (), resource)
    found = [("invoiceId", entry) for entry in body.get("invoices") or ()] + [("debitMemoId", entry) for entry in body.get("debitMemos") or ()]
    if not found:
        raise Refusal(MISSING, "'invoices' or 'debitMemos' is required.", resource)
    for link, entry in found:
        if not isinstance(entry, dict) or not (entry.get(link) or entry.get(link.replace("Id", "Number"))):
            raise Refusal(MISSING, f"'{link}' is required.", resource)
    return found


def apply_memo(tenant: Tenant, key: str, body: Any) -> Record:
    memo = _memo_in(tenant, key, "Posted", "applied")
    targets = _targets(body, _MEMO)
    when = day_of(tenant, body.get("effectiveDate"), "effectiveDate", _MEMO)
    wanted = []
    for link, entry in targets:
        document = needed(tenant, "invoices" if link == "invoiceId" else "debit-memos", entry.get(link) or entry[link.replace("Id", "Number")])
        wanted.append((link, document, money(entry.get("amount"), "amount", _MEMO)))
    if sum((amount for _, _, amount in wanted), Decimal(0)) > exact(memo["balance"]):
        raise Refusal(RULE, "The total amount exceeds the unapplied amount of the credit memo.", _MEMO)
    for _, document, amount in wanted:  # all or nothing
        if amount > exact(document["balance"]) or document["status"] != "Posted" or document["accountId"] != memo["accountId"]:
            raise Refusal(RULE, f"{amount} cannot be applied to {document['id']}.", _MEMO)
    for link, document, amount in wanted:
        _apply(tenant, memo["id"], link, document["id"], amount, when)
    tenant.refresh_account(memo["accountId"])
    return needed(tenant, "credit-memos", memo["id"])


def unapply_memo(tenant: Tenant, key: str, body: Any) -> Record:
    memo = _memo_in(tenant, key, "Posted", "unapplied")
    targets = _targets(body, _MEMO)
    when = day_of(tenant, body.get("effectiveDate"), "effectiveDate", _MEMO)
    for link, entry in targets:
        kind = "invoices" if link == "invoiceId" else "debit-memos"
        document = needed(tenant, kind, entry.get(link) or entry[link.replace("Id", "Number")])
        amount = money(entry.get("amount"), "amount", _MEMO)
        part = next((row for row in tenant.rows_by("credit-memo-parts", "creditMemoId", memo["id"]) if row.get(link) == document["id"]), None)
        if part is None or amount > exact(part["amount"]):
            raise Refusal(RULE, f"{amount} is not applied to {document['id']}.", _MEMO)
        tenant.create("credit-memo-applications", {
            "creditMemoId": memo["id"], link: document["id"], "accountId": memo["accountId"], "amount": number(-amount), "effectiveDate": when})
        tenant.change("credit-memo-parts", part["id"], amount=number(exact(part["amount"]) - amount))
        memo = tenant.change("credit-memos", memo["id"], appliedAmount=number(exact(memo["appliedAmount"]) - amount),
                             balance=number(exact(memo["balance"]) + amount))
        fields: dict[str, Any] = {"balance": number(exact(document["balance"]) + amount)}
        if kind == "invoices":
            fields["creditMemoAmount"] = number(exact(document.get("creditMemoAmount")) - amount)
        tenant.change(kind, document["id"], stamped=tenant.moves_stamps, **fields)
    _spread(tenant, memo["id"], exact(memo["balance"]))
    tenant.refresh_account(memo["accountId"])
    return needed(tenant, "credit-memos", memo["id"])


def unpost_memo(tenant: Tenant, key: str) -> Record:
    memo = _memo_in(tenant, key, "Posted", "unposted")
    if exact(memo["appliedAmount"]) or exact(memo["refundAmount"]):
        raise Refusal(RULE, "A credit memo that is applied or refunded cannot be unposted.", _MEMO)
    memo = tenant.change("credit-memos", memo["id"], status="Draft", postedOn=None, postedById=None)
    tenant.refresh_account(memo["accountId"])
    return memo


def cancel_memo(tenant: Tenant, key: str) -> Record:
    memo = _memo_in(tenant, key, "Draft", "canceled")
    return tenant.change("credit-memos", memo["id"], status="Canceled", balance=0.0, cancelledOn=tenant.stamp(tenant.now()),
                         cancelledById=memo["updatedById"])


def reverse_memo(tenant: Tenant, key: str, body: Any) -> Record:
    """A posted memo that is not used is taken back by a debit memo over the same amount."""
    memo = _memo_in(tenant, key, "Posted", "reversed")
    if exact(memo["appliedAmount"]) or exact(memo["refundAmount"]) or memo.get("reversed"):
        raise Refusal(RULE, "A credit memo that is applied, refunded or reversed cannot be reversed.", _MEMO)
    when = day_of(tenant, (body or {}).get("applyEffectiveDate"), "applyEffectiveDate", _MEMO)
    debit = tenant.create("debit-memos", {
        "memoNumber": tenant.next_document("debit-memos", "DM"), "memoDate": when, "dueDate": when, "targetDate": when,
        "accountId": memo["accountId"], "status": "Posted", "totalAmount": memo["totalAmount"], "taxAmount": memo["taxAmount"],
        "totalAmountWithoutTax": memo["totalAmountWithoutTax"], "balance": memo["totalAmount"], "currency": memo["currency"],
        "creditMemoId": memo["id"], "reasonCode": memo["reasonCode"], "source": "AdhocFromCreditMemo", "sourceType": "CreditMemo",
        "postedOn": tenant.stamp(tenant.now()), "transferredToAccounting": "No"})
    for item in tenant.rows_by("credit-memo-items", "creditMemoId", memo["id"], hidden=True):
        tenant.create("debit-memo-items", {"debitMemoId": debit["id"], "balance": 0.0, **{
            name: item[name] for name in ("chargeName", "chargeNumber", "amount", "amountWithoutTax", "taxAmount", "sku", "quantity", "unitPrice",
                                          "subscriptionId", "subscriptionNumber", "ratePlanChargeId", "description") if name in item}})
    tenant.change("credit-memos", memo["id"], reversed=True)
    _apply(tenant, memo["id"], "debitMemoId", debit["id"], exact(memo["balance"]), when)
    tenant.refresh_account(memo["accountId"])
    return needed(tenant, "credit-memos", memo["id"])


def write_off_memo(tenant: Tenant, key: str, body: Any) -> Record:
    memo = _memo_in(tenant, key, "Posted", "written off")
    left = exact(memo["balance"])
    if not left:
        raise Refusal(RULE, "Nothing of the credit memo is left.", _MEMO)
    memo = tenant.change("credit-memos", memo["id"], balance=0.0, reasonCode="Write-off")
    tenant.refresh_account(memo["accountId"])
    return memo


def update_memo(tenant: Tenant, key: str, body: Any) -> Record:
    memo = needed(tenant, "credit-memos", key)
    body = wanted_fields(body, frozenset({"comment", "reasonCode", "effectiveDate", "items", "autoApplyUponPosting", "excludeFromAutoApplyRules",
                                          "transferredToAccounting"}), (), _MEMO)
    if memo["status"] != "Draft" and {"items", "effectiveDate"} & body.keys():
        raise Refusal(RULE, "Only a draft's items and date can be changed.", _MEMO)
    fields = custom(tenant, "credit-memos", body, _MEMO)
    for name, own in (("comment", "comments"), ("reasonCode", "reasonCode"), ("autoApplyUponPosting", "autoApplyUponPosting"),
                      ("excludeFromAutoApplyRules", "excludeFromAutoApplyRules"), ("transferredToAccounting", "transferredToAccounting")):
        if name in body:
            fields[own] = body[name]
    if "effectiveDate" in body:
        fields["memoDate"] = day_of(tenant, body["effectiveDate"], "effectiveDate", _MEMO)
    if "items" in body:
        total, tax = Decimal(0), Decimal(0)
        wanted = {entry.get("id"): entry for entry in body["items"]}
        for item in tenant.rows_by("credit-memo-items", "creditMemoId", memo["id"], hidden=True):
            entry = wanted.pop(item["id"], {})
            net = money(entry["amount"], "amount", _MEMO) if "amount" in entry else exact(item["amountWithoutTax"])
            gross = net + exact(item["taxAmount"])
            total, tax = total + gross, tax + exact(item["taxAmount"])
            tenant.change("credit-memo-items", item["id"], amount=number(gross), amountWithoutTax=number(net), unappliedAmount=number(gross))
        if wanted:
            raise Refusal(NOT_FOUND, f"Cannot find credit memo item by id: '{next(iter(wanted))}'.", _MEMO)
        fields |= {"totalAmount": number(total), "totalAmountWithoutTax": number(total - tax), "balance": number(total)}
    return tenant.change("credit-memos", memo["id"], **fields)


def delete_memo(tenant: Tenant, key: str) -> None:
    memo = needed(tenant, "credit-memos", key)
    if memo["status"] != "Canceled":
        raise Refusal(RULE, "Only a canceled credit memo can be deleted.", _MEMO)
    for item in tenant.rows_by("credit-memo-items", "creditMemoId", memo["id"], hidden=True):
        tenant.delete("credit-memo-items", item["id"])
    tenant.delete("credit-memos", memo["id"])


# ------------------------------------------------------------------ refunds and payments

_REFUND_FIELDS = frozenset({"totalAmount", "type", "methodType", "refundDate", "comment", "reasonCode", "referenceId", "paymentMethodId",
                            "gatewayId", "secondRefundReferenceId", "items", "financeInformation", "invoices", "debitMemos", "softDescriptor"})
_METHODS = frozenset({"ACH", "Cash", "Check", "CreditCard", "PayPal", "WireTransfer", "DebitCard", "CreditCardReferenceTransaction", "BankTransfer",
                      "Other"})


def _refund(tenant: Tenant, account: str, currency: str, body: Record, amount: Decimal, link: Record, source: str) -> Record:
    kind = body["type"]
    if kind not in ("External", "Electronic"):
        raise Refusal(INVALID, "'type' value should be one of: External, Electronic", _REFUND)
    if kind == "External" and body.get("methodType") not in _METHODS:
        raise Refusal(MISSING if not body.get("methodType") else INVALID, "'methodType' is required for an external refund.", _REFUND)
    when = day_of(tenant, body.get("refundDate"), "refundDate", _REFUND)
    refund = tenant.create("refunds", {
        "refundNumber": tenant.next_document("refunds", "R-"), "accountId": account, "amount": number(amount), "currency": currency,
        "refundDate": when, "status": "Processed", "type": kind, "methodType": body.get("methodType", "CreditCard"),
        "reasonCode": body.get("reasonCode") or "Standard Refund", "comment": body.get("comment"), "referenceID": body.get("referenceId"),
        "gatewayState": "NotSubmitted" if kind == "External" else "Submitted", "sourceType": source, "transferredToAccounting": "No",
        "settledOn": tenant.stamp(tenant.now()) if kind == "External" else None, **custom(tenant, "refunds", body, _REFUND)})
    tenant.create("refund-applications", {"refundId": refund["id"], "accountId": account, "applyAmount": number(amount), "effectiveDate": when, **link})
    return refund


def refund_memo(tenant: Tenant, key: str, body: Any) -> Record:
    memo = _memo_in(tenant, key, "Posted", "refunded")
    body = wanted_fields(body, _REFUND_FIELDS, ("totalAmount", "type"), _REFUND)
    amount = money(body["totalAmount"], "totalAmount", _REFUND)
    if amount > exact(memo["balance"]):
        raise Refusal(RULE, f"The amount {amount} exceeds the unapplied amount of the credit memo.", _REFUND)
    refund = _refund(tenant, memo["accountId"], memo["currency"], body, amount, {"creditMemoId": memo["id"]}, "CreditMemo")
    left = exact(memo["balance"]) - amount
    tenant.change("credit-memos", memo["id"], balance=number(left), refundAmount=number(exact(memo["refundAmount"]) + amount))
    _spread(tenant, memo["id"], left)
    tenant.refresh_account(memo["accountId"])
    return refund


def refund_payment(tenant: Tenant, key: str, body: Any, *, unapply: bool) -> Record:
    payment = needed(tenant, "payments", key)
    body = wanted_fields(body, _REFUND_FIELDS, ("totalAmount", "type"), _REFUND)
    amount = money(body["totalAmount"], "totalAmount", _REFUND)
    if payment["status"] != "Processed":
        raise Refusal(RULE, f"The payment {payment['paymentNumber']} is {payment['status']} and cannot be refunded.", _REFUND)
    if unapply:
        _unapply_payment(tenant, payment, amount)
        payment = needed(tenant, "payments", payment["id"])
    if amount > exact(payment.get("unappliedAmount")):
        raise Refusal(RULE, f"The amount {amount} exceeds the unapplied amount of the payment.", _REFUND)
    refund = _refund(tenant, payment["accountId"], payment["currency"], body, amount, {"paymentId": payment["id"]}, "Payment")
    tenant.change("payments", payment["id"], unappliedAmount=number(exact(payment["unappliedAmount"]) - amount),
                  refundAmount=number(exact(payment.get("refundAmount")) + amount))
    tenant.refresh_account(payment["accountId"])
    return refund


def _unapply_payment(tenant: Tenant, payment: Record, amount: Decimal) -> None:
    """Take a payment off its invoices until `amount` of it is free."""
    if amount > exact(payment.get("appliedAmount")) + exact(payment.get("unappliedAmount")):
        raise Refusal(RULE, f"The amount {amount} exceeds the payment.", _PAYMENT)
    wanted = amount - exact(payment.get("unappliedAmount"))
    for part in tenant.rows_by("payment-parts", "paymentId", payment["id"], hidden=True):
        if wanted <= 0:
            break
        mine = min(wanted, exact(part["amount"]))
        wanted -= mine
        tenant.change("payment-parts", part["id"], amount=number(exact(part["amount"]) - mine))
        tenant.create("payment-applications", {
            "paymentId": payment["id"], "invoiceId": part.get("invoiceId"), "accountId": payment["accountId"], "applyAmount": number(-mine),
            "effectiveDate": tenant.today().isoformat(), "paymentApplicationStatus": "Unapplied"})
        invoice = tenant.get("invoices", part.get("invoiceId"))
        if invoice is not None:
            tenant.change("invoices", invoice["id"], stamped=tenant.moves_stamps, balance=number(exact(invoice["balance"]) + mine),
                          paymentAmount=number(exact(invoice["paymentAmount"]) - mine))
        kept = needed(tenant, "payments", payment["id"])
        tenant.change("payments", payment["id"], appliedAmount=number(exact(kept["appliedAmount"]) - mine),
                      unappliedAmount=number(exact(kept.get("unappliedAmount")) + mine))


def chargeback(tenant: Tenant, key: str, body: Any) -> Record:
    """The bank took a payment back: the payment comes off its invoices and shows as refunded."""
    payment = needed(tenant, "payments", key)
    body = wanted_fields(body or {}, frozenset({"amount", "reasonCode", "comment", "referenceId", "gatewayReconciliationReason", "payoutId",
                                                "gatewayReconciliationStatus", "transferredToAccounting"}), (), _PAYMENT)
    amount = money(body["amount"], "amount", _PAYMENT) if "amount" in body else exact(payment["amount"])
    return refund_payment(tenant, payment["id"], {
        "totalAmount": number(amount), "type": "Electronic", "reasonCode": CHARGEBACK, "comment": body.get("comment") or body.get("reasonCode"),
        "referenceId": body.get("referenceId")}, unapply=True)


def cancel_refund(tenant: Tenant, key: str) -> Record:
    refund = needed(tenant, "refunds", key)
    if refund["status"] not in ("Processing", "Processed"):
        raise Refusal(RULE, f"The refund {refund['refundNumber']} is {refund['status']}.", _REFUND)
    if refund["type"] == "Electronic" and refund["status"] == "Processed":
        raise Refusal(RULE, "A processed electronic refund cannot be canceled.", _REFUND)
    for link in tenant.rows_by("refund-applications", "refundId", refund["id"], hidden=True):
        amount = exact(link["applyAmount"])
        memo, payment = tenant.get("credit-memos", link.get("creditMemoId")), tenant.get("payments", link.get("paymentId"))
        if memo is not None:
            tenant.change("credit-memos", memo["id"], balance=number(exact(memo["balance"]) + amount),
                          refundAmount=number(exact(memo["refundAmount"]) - amount))
        elif payment is not None:
            tenant.change("payments", payment["id"], unappliedAmount=number(exact(payment.get("unappliedAmount")) + amount),
                          refundAmount=number(exact(payment.get("refundAmount")) - amount))
    refund = tenant.change("refunds", refund["id"], status="Canceled", cancelledOn=tenant.stamp(tenant.now()))
    tenant.refresh_account(refund["accountId"])
    return refund


def update_refund(tenant: Tenant, key: str, body: Any) -> Record:
    refund = needed(tenant, "refunds", key)
    body = wanted_fields(body, frozenset({"comment", "reasonCode", "referenceId", "transferredToAccounting"}), (), _REFUND)
    renamed = {"referenceId": "referenceID"}
    fields = {renamed.get(name, name): value for name, value in body.items() if "__" not in name}
    return tenant.change("refunds", refund["id"], **fields, **custom(tenant, "refunds", body, _REFUND))


def create_payment(tenant: Tenant, body: Any) -> Record:
    body = wanted_fields(body, frozenset({
        "accountId", "accountNumber", "amount", "currency", "effectiveDate", "type", "comment", "paymentMethodId", "paymentMethodType",
        "referenceId", "invoices", "debitMemos", "gatewayId"}), ("amount", "currency", "type"), _PAYMENT)
    key = body.get("accountId") or body.get("accountNumber")
    if not key:
        raise Refusal(MISSING, "'accountId' or 'accountNumber' is required.", _PAYMENT)
    account = needed(tenant, "accounts", key)
    if body["type"] not in ("External", "Electronic"):
        raise Refusal(INVALID, "'type' value should be one of: External, Electronic", _PAYMENT)
    amount = money(body["amount"], "amount", _PAYMENT)
    targets = [(needed(tenant, "invoices", entry.get("invoiceId") or entry.get("invoiceNumber") or ""), money(entry.get("amount"), "amount", _PAYMENT))
               for entry in body.get("invoices") or ()]
    if sum((share for _, share in targets), Decimal(0)) > amount or any(share > exact(invoice["balance"]) for invoice, share in targets):
        raise Refusal(RULE, "The applied amounts exceed the payment or an invoice's balance.", _PAYMENT)
    when = day_of(tenant, body.get("effectiveDate"), "effectiveDate", _PAYMENT)
    payment = tenant.create("payments", {
        "paymentNumber": tenant.next_document("payments", "P-"), "accountId": account["id"], "amount": number(amount), "appliedAmount": 0.0,
        "unappliedAmount": number(amount), "refundAmount": 0.0, "currency": body["currency"], "effectiveDate": when, "status": "Processed",
        "type": body["type"], "comment": body.get("comment"), "referenceId": body.get("referenceId"), "gatewayState": "NotSubmitted",
        "paymentMethodId": body.get("paymentMethodId") or account.get("defaultPaymentMethodId"), "transferredToAccounting": "No", "source": "API"})
    for invoice, share in targets:
        _apply_payment(tenant, payment["id"], invoice["id"], share, when)
    tenant.refresh_account(account["id"])
    return needed(tenant, "payments", payment["id"])


def _apply_payment(tenant: Tenant, payment_id: str, invoice_id: str, amount: Decimal, when: str) -> None:
    payment, invoice = needed(tenant, "payments", payment_id), needed(tenant, "invoices", invoice_id)
    if amount > exact(payment["unappliedAmount"]) or amount > exact(invoice["balance"]) or invoice["status"] != "Posted":
        raise Refusal(RULE, f"{amount} cannot be applied to {invoice['id']}.", _PAYMENT)
    shared = {"paymentId": payment["id"], "invoiceId": invoice["id"], "accountId": payment["accountId"]}
    tenant.create("payment-applications", {**shared, "applyAmount": number(amount), "effectiveDate": when, "paymentApplicationStatus": "Applied"})
    part = next((row for row in tenant.rows_by("payment-parts", "paymentId", payment["id"]) if row.get("invoiceId") == invoice["id"]), None)
    if part is None:
        tenant.create("payment-parts", {**shared, "amount": number(amount)})
    else:
        tenant.change("payment-parts", part["id"], amount=number(exact(part["amount"]) + amount))
    tenant.change("payments", payment["id"], appliedAmount=number(exact(payment["appliedAmount"]) + amount),
                  unappliedAmount=number(exact(payment["unappliedAmount"]) - amount))
    tenant.change("invoices", invoice["id"], stamped=tenant.moves_stamps, balance=number(exact(invoice["balance"]) - amount),
                  paymentAmount=number(exact(invoice["paymentAmount"]) + amount))


def apply_payment(tenant: Tenant, key: str, body: Any) -> Record:
    payment = needed(tenant, "payments", key)
    targets = _targets(body, _PAYMENT)
    when = day_of(tenant, body.get("effectiveDate"), "effectiveDate", _PAYMENT)
    wanted = [(needed(tenant, "invoices", entry.get(link) or entry[link.replace("Id", "Number")]), money(entry.get("amount"), "amount", _PAYMENT))
              for link, entry in targets]
    if sum((amount for _, amount in wanted), Decimal(0)) > exact(payment["unappliedAmount"]):
        raise Refusal(RULE, "The amounts exceed the unapplied amount of the payment.", _PAYMENT)
    for invoice, amount in wanted:
        _apply_payment(tenant, payment["id"], invoice["id"], amount, when)
    tenant.refresh_account(payment["accountId"])
    return needed(tenant, "payments", payment["id"])

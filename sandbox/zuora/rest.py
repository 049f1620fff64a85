"""The `/v1` REST family's reads: the same records under other names, lists by page number, and the shapes of single objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from sandbox.protocol import Record, Request
from sandbox.zuora.answers import INVALID, NOT_FOUND, QUERY, Refusal
from sandbox.zuora.objects import KINDS, RELATIONS, Kind, pascal
from sandbox.zuora.tenant import Tenant

MOST_ROWS = 40
_DEFAULT_ROWS = 20
_INNER_ROWS = 300

# resource part of error codes, where the vendor names one
RESOURCE = {"subscriptions": 531003, "accounts": 531001, "orders": 583202, "credit-memos": 587050, "debit-memos": 587060, "invoices": 587040,
            "payments": 587010, "refunds": 587020}

_RENAMED: dict[str, dict[str, str]] = {
    "credit-memos": {"memoNumber": "number", "totalAmount": "amount", "memoDate": "creditMemoDate", "balance": "unappliedAmount",
                     "comments": "comment", "invoiceId": "referredInvoiceId"},
    "debit-memos": {"memoNumber": "number", "totalAmount": "amount", "memoDate": "debitMemoDate", "comments": "comment",
                    "invoiceId": "referredInvoiceId", "creditMemoId": "referredCreditMemoId"},
    "payments": {"paymentNumber": "number", "gateway": "gatewayId"},
    "refunds": {"refundNumber": "number", "referenceID": "referenceId", "gateway": "gatewayId"},
    "invoices": {},
    "credit-memo-items": {"invoiceItemId": "sourceItemId", "chargeName": "skuName"},
    "debit-memo-items": {"invoiceItemId": "sourceItemId", "chargeName": "skuName"},
    "credit-memo-parts": {}, "debit-memo-parts": {},
}
_LEFT_OUT: dict[str, frozenset[str]] = {
    "credit-memos": frozenset({"totalAmountWithoutTax", "discountAmount"}), "debit-memos": frozenset({"totalAmountWithoutTax"}),
    "payments": frozenset({"source", "sourceName", "accountingCode", "referencedPaymentID", "transferredToAccounting"}),
    "refunds": frozenset({"currency", "sourceType", "accountingCode", "transferredToAccounting"}),
    "invoices": frozenset({"isSplit", "reversed"}),
    "credit-memo-items": frozenset({"creditMemoId", "productRatePlanChargeId", "taxAmount"}),
    "debit-memo-items": frozenset({"debitMemoId", "productRatePlanChargeId", "taxAmount"}),
}


def stamp(text: str) -> str:
    """`2025-10-10 03:30:00`: the tenant's clock, without its offset."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")


def _text(value: Any) -> Any:
    """A number as the text that some documents show it as."""
    return f"{Decimal(repr(value)):f}" if isinstance(value, int | float) and not isinstance(value, bool) else value


def document(tenant: Tenant, kind: str, record: Record) -> Record:
    fields = tenant.catalogue.fields(KINDS[kind])
    renamed, left_out = _RENAMED.get(kind, {}), _LEFT_OUT.get(kind, frozenset())
    shown = {renamed.get(name, name): stamp(value) if fields.get(name) == "t" and isinstance(value, str) else value
             for name, value in record.items() if name not in left_out}
    if kind in ("credit-memos", "debit-memos", "payments"):
        account = tenant.get("accounts", record.get("accountId"))
        if account is not None:
            shown["accountNumber"] = account["accountNumber"]
    if kind == "refunds":
        for link in tenant.rows_by("refund-applications", "refundId", record["id"]):
            shown |= {name: link[name] for name in ("paymentId", "creditMemoId") if name in link}
    if kind == "invoices" and "postedDate" in shown:
        shown["postedDate"] = shown["postedDate"][:10]
    return shown


def needed(tenant: Tenant, kind: str, key: str) -> Record:
    """The record by id or number. Raises Refusal."""
    record = tenant.find(kind, key)
    if record is None:
        raise Refusal(NOT_FOUND, f"Cannot find entity by key: '{key}'.", RESOURCE.get(kind, 500000))
    return record


# ------------------------------------------------------------------ lists

# what each list may be filtered by: parameter -> field of the record
_SHARED = {"accountId": "accountId", "status": "status", "createdById": "createdById", "createdDate": "createdDate",
           "updatedById": "updatedById", "updatedDate": "updatedDate", "currency": "currency"}
LISTED: dict[str, dict[str, str]] = {
    "credit-memos": {**_SHARED, "accountNumber": "accountNumber", "number": "memoNumber", "creditMemoDate": "memoDate", "amount": "totalAmount",
                     "balance": "balance", "appliedAmount": "appliedAmount", "refundAmount": "refundAmount", "taxAmount": "taxAmount",
                     "referredInvoiceId": "invoiceId", "sourceId": "sourceId", "targetDate": "targetDate", "postedOn": "postedOn",
                     "autoApplyUponPosting": "autoApplyUponPosting", "transferredToAccounting": "transferredToAccounting"},
    "debit-memos": {**_SHARED, "accountNumber": "accountNumber", "number": "memoNumber", "debitMemoDate": "memoDate", "amount": "totalAmount",
                    "balance": "balance", "dueDate": "dueDate", "referredInvoiceId": "invoiceId"},
    "payments": {**_SHARED, "accountNumber": "accountNumber", "number": "paymentNumber", "amount": "amount", "effectiveDate": "effectiveDate",
                 "type": "type", "refundAmount": "refundAmount", "unappliedAmount": "unappliedAmount", "paymentMethodId": "paymentMethodId"},
    "refunds": {**_SHARED, "number": "refundNumber", "amount": "amount", "refundDate": "refundDate", "type": "type", "methodType": "methodType",
                "reasonCode": "reasonCode"},
    "orders": {"status": "status", "dateFilterOption": "", "startDate": "", "endDate": ""},
}
ROOT = {"credit-memos": "creditmemos", "debit-memos": "debitmemos", "payments": "payments", "refunds": "refunds", "orders": "orders"}


def listing(tenant: Tenant, kind: str, request: Request, *, show: Callable[[Record], Record] | None = None) -> Record:
    filters = LISTED[kind]
    rows = list(tenant.records(kind))
    fields = tenant.catalogue.fields(KINDS[kind])
    for name, value in request.query:
        if name in ("page", "pageSize", "sort"):
            continue
        if name not in filters:
            raise Refusal(QUERY, f"Unknown query parameter: {name}", RESOURCE.get(kind, 500000))
        field = filters[name]
        if field == "accountNumber":
            account = tenant.find("accounts", value)
            rows = [row for row in rows if account is not None and row.get("accountId") == account["id"]]
        elif field:
            rows = [row for row in rows if _same(fields.get(field, "s"), row.get(field), value)]
    rows.sort(key=lambda row: (datetime.fromisoformat(row["updatedDate"]).timestamp(), row["id"]), reverse=True)
    for sort in reversed([part for part in (request.param("sort") or "").split(",") if part]):
        sign, name = (sort[0], sort[1:]) if sort[0] in "+- " else ("+", sort)
        if not filters.get(name):
            raise Refusal(QUERY, f"Invalid sort: {sort}", RESOURCE.get(kind, 500000))
        key = filters[name]
        rows.sort(key=lambda row, key=key: (row.get(key) is not None, row.get(key) if row.get(key) is not None else ""), reverse=sign == "-")  # type: ignore[misc]
    shown = show or (lambda row: document(tenant, kind, row))
    return paged(request, ROOT[kind], rows, shown)


def _same(type: str, held: Any, wanted: str) -> bool:
    if held is None:
        return wanted == "null"
    if type == "n":
        try:
            return float(held) == float(wanted)
        except ValueError:
            return False
    if type == "b":
        return str(held).lower() == wanted.lower()
    if type == "t":
        return stamp(held).startswith(wanted.replace("T", " "))
    return str(held) == wanted


def paged(request: Request, root: str, rows: Sequence[Record], show: Callable[[Record], Record], most: int = MOST_ROWS) -> Record:
    page, size = (_whole(request, name, default) for name, default in (("page", 1), ("pageSize", _DEFAULT_ROWS)))
    size = min(size, most)
    start = (page - 1) * size
    answer: Record = {root: [show(row) for row in rows[start : start + size]]}
    if start + size < len(rows):
        kept = [(name, value) for name, value in request.query if name not in ("page", "pageSize")]
        answer["nextPage"] = f"{request.base_url}{request.path}?{urlencode([*kept, ('page', page + 1), ('pageSize', size)])}"
    return answer


def _whole(request: Request, name: str, default: int) -> int:
    text = request.param(name)
    if text is None:
        return default
    if not text.isdigit() or int(text) < 1:
        raise Refusal(INVALID, f"{name} must be a positive number.")
    return int(text)


# ------------------------------------------------------------------ single objects

_CONTACT = {"nickName": "nickname", "postalCode": "zipCode", "description": "contactDescription"}


def contact(tenant: Tenant, record: Record | None) -> Record | None:
    if record is None:
        return None
    return {_CONTACT.get(name, name): value for name, value in record.items() if not name.startswith(("created", "updated"))}


def account(tenant: Tenant, record: Record) -> Record:
    custom = {name: value for name, value in record.items() if "__" in name}
    basic = {name: record[name] for name in ("id", "name", "accountNumber", "notes", "status", "crmId", "batch", "invoiceTemplateId",
             "communicationProfileId", "parentId", "partnerAccount", "sequenceSetId", "defaultPaymentMethodId", "purchaseOrderNumber",
             "customerServiceRepName") if name in record}
    if "salesRepName" in record:
        basic["salesRep"] = record["salesRepName"]
    billing = {name: record[name] for name in ("billCycleDay", "currency", "paymentTerm", "paymentGateway", "invoiceDeliveryPrefsPrint",
               "invoiceDeliveryPrefsEmail", "autoPay") if name in record}
    metrics = {"balance": record.get("balance", 0.0), "totalInvoiceBalance": record.get("totalInvoiceBalance", 0.0),
               "creditBalance": record.get("creditBalance", 0.0), "contractedMrr": record.get("mrr", 0.0),
               "totalDebitMemoBalance": record.get("totalDebitMemoBalance", 0.0),
               "unappliedPaymentAmount": record.get("unappliedBalance", 0.0),
               "unappliedCreditMemoAmount": record.get("unappliedCreditMemoAmount", 0.0)}
    tax = {name: record[field] for name, field in (("VATId", "vATId"), ("exemptStatus", "taxExemptStatus"), ("companyCode", "taxCompanyCode"))
           if field in record}
    answer: Record = {"basicInfo": {**basic, **custom}, "billingAndPayment": billing, "metrics": metrics, "taxInfo": tax}
    for name, field in (("billToContact", "billToId"), ("soldToContact", "soldToId"), ("shipToContact", "shipToId")):
        shown = contact(tenant, tenant.get("contacts", record.get(field)))
        if shown is not None:
            answer[name] = shown
    return answer


_NOT_IN_SUMMARY = frozenset({"communicationProfileId", "crmId", "defaultPaymentMethodId", "paymentTerm"})


def account_summary(tenant: Tenant, record: Record) -> Record:
    whole = account(tenant, record)
    basic = {name: value for name, value in {**whole["basicInfo"], **whole["billingAndPayment"]}.items() if name not in _NOT_IN_SUMMARY}
    invoices = sorted(tenant.rows_by("invoices", "accountId", record["id"]), key=lambda row: row["invoiceDate"], reverse=True)
    payments = sorted(tenant.rows_by("payments", "accountId", record["id"]), key=lambda row: row["effectiveDate"], reverse=True)
    subscriptions = [row for row in tenant.rows_by("subscriptions", "accountId", record["id"]) if row.get("isLatestVersion")]
    return {
        "basicInfo": {**basic, "balance": _text(record.get("balance", 0.0))},
        "billToContact": whole.get("billToContact"), "soldToContact": whole.get("soldToContact"), "taxInfo": whole["taxInfo"],
        "subscriptions": [{
            "subscriptionNumber": row["name"], "termType": row.get("termType"), "status": row["status"],
            **{name: _text(row[name]) for name in ("initialTerm", "renewalTerm", "termStartDate", "termEndDate", "autoRenew") if name in row},
        } for row in subscriptions[:_INNER_ROWS]],
        "invoices": [{name: row[name] for name in ("id", "invoiceNumber", "invoiceDate", "dueDate", "amount", "balance", "status") if name in row}
                     for row in invoices[:6]],
        "payments": [{"id": row["id"], "paymentNumber": row["paymentNumber"], "paymentType": row["type"], "effectiveDate": row["effectiveDate"],
                      "status": row["status"]} for row in payments[:6]],
        "usage": [],
    }


def subscription(tenant: Tenant, record: Record) -> Record:
    owner = tenant.get("accounts", record.get("accountId")) or {}
    same = ("id", "accountId", "version", "status", "termType", "contractEffectiveDate", "serviceActivationDate", "subscriptionStartDate",
            "subscriptionEndDate", "initialTerm", "initialTermPeriodType", "currentTerm", "currentTermPeriodType", "renewalTerm",
            "renewalTermPeriodType", "renewalSetting", "autoRenew", "termStartDate", "termEndDate", "cancelReason", "notes", "isLatestVersion")
    answer: Record = {name: record[name] for name in same if name in record}
    answer |= {
        "subscriptionNumber": record["name"], "accountNumber": owner.get("accountNumber"), "accountName": owner.get("name"),
        "invoiceOwnerAccountId": record.get("invoiceOwnerId"), "invoiceOwnerAccountNumber": owner.get("accountNumber"),
        "invoiceOwnerAccountName": owner.get("name"), "customerAcceptanceDate": record.get("contractAcceptanceDate"),
        "contractedMrr": record.get("cMRR", 0.0), "revision": f"{record['version']}.0", "createTime": stamp(record["createdDate"]),
        "updateTime": stamp(record["updatedDate"]), "currency": record.get("currency"),
        **{name: value for name, value in record.items() if "__" in name},
    }
    plans = []
    for plan in tenant.rows_by("rate-plans", "subscriptionId", record["id"])[:_INNER_ROWS]:
        product = tenant.get("products", plan.get("productId")) or {}
        charges = []
        for charge in tenant.rows_by("rate-plan-charges", "ratePlanId", plan["id"])[:_INNER_ROWS]:
            tiers = tenant.rows_by("rate-plan-charge-tiers", "ratePlanChargeId", charge["id"])
            price = tiers[0].get("price") if tiers else None
            shown = {name: charge[name] for name in ("id", "productRatePlanChargeId", "name", "version", "segment", "quantity", "billingPeriod",
                     "billingTiming", "effectiveStartDate", "effectiveEndDate", "chargedThroughDate", "processedThroughDate", "description")
                     if name in charge}
            charges.append(shown | {
                "originalChargeId": charge.get("originalId"), "number": charge.get("chargeNumber"), "type": charge.get("chargeType"),
                "model": "PerUnit", "uom": charge.get("uOM"), "price": price, "currency": record.get("currency"), "mrr": charge.get("mRR"),
                "tcv": charge.get("tCV"), "dmrc": _text(charge.get("dMRC")),
                "tiers": [{"tier": tier["tier"], "price": tier["price"], "startingUnit": tier["startingUnit"], "priceFormat": tier["priceFormat"]}
                          for tier in tiers] or None})
        plans.append({
            "id": plan["id"], "productId": plan.get("productId"), "productName": product.get("name"), "productSku": product.get("sKU"),
            "productRatePlanId": plan.get("productRatePlanId"), "ratePlanName": plan.get("name"),
            "subscriptionRatePlanNumber": plan.get("subscriptionRatePlanNumber"), "ratePlanCharges": charges})
    return {name: value for name, value in answer.items() if value is not None} | {"ratePlans": plans}


def invoice_item(tenant: Tenant, record: Record) -> Record:
    renamed = {"sKU": "sku", "uOM": "unitOfMeasure", "subscriptionNumber": "subscriptionName", "ratePlanChargeId": "chargeId",
               "appliedToInvoiceItemId": "appliedToItemId"}
    shown = {renamed.get(name, name): stamp(value) if name == "chargeDate" else value for name, value in record.items()
             if name not in ("invoiceId", "accountId", "createdDate", "updatedDate", "createdById", "updatedById", "taxExemptAmount", "chargeNumber")}
    shown |= {name: _text(shown[name]) for name in ("chargeAmount", "taxAmount", "balance") if name in shown}
    shown["availableToCreditAmount"] = record.get("chargeAmount", 0.0)
    return shown


def catalogue_plan(tenant: Tenant, record: Record) -> Record:
    charges = []
    for charge in tenant.rows_by("product-rate-plan-charges", "productRatePlanId", record["id"]):
        tiers = tenant.rows_by("product-rate-plan-charge-tiers", "productRatePlanChargeId", charge["id"])
        charges.append({
            "id": charge["id"], "name": charge["name"], "type": charge["chargeType"], "model": "PerUnit", "uom": charge.get("uOM"),
            "billingPeriod": charge.get("billingPeriod"), "billingTiming": charge.get("billingTiming"), "taxable": charge.get("taxable"),
            "pricing": [{"currency": tier["currency"], "price": _text(tier["price"])} for tier in tiers]})
    same = ("id", "name", "description", "productRatePlanNumber", "effectiveStartDate", "effectiveEndDate")
    return {**{name: record[name] for name in same if name in record}, "status": "Active", "productRatePlanCharges": charges,
            **{name: value for name, value in record.items() if "__" in name}}


def catalogue_product(tenant: Tenant, record: Record) -> Record:
    """A product names the address of its rate plans; they are read there."""
    shown = {name: record[name] for name in ("id", "name", "description", "category", "effectiveStartDate", "effectiveEndDate", "productNumber")
             if name in record}
    return {**shown, "sku": record.get("sKU"), "productRatePlans": f"/v1/rateplan/{record['id']}/productRatePlan",
            **{name: value for name, value in record.items() if "__" in name}}


def order(tenant: Tenant, record: Record) -> Record:
    account_there = tenant.get("accounts", record["accountId"]) or {}
    actions: dict[str, list[Record]] = {}
    for action in tenant.rows_by("order-actions", "orderId", record["id"]):
        dates = [{"name": name, "triggerDate": action["contractEffectiveDate"]} for name in ("ContractEffective", "ServiceActivation")
                 if "contractEffectiveDate" in action]
        actions.setdefault(action["subscriptionNumber"], []).append({
            "type": action["type"], "sequence": action.get("sequence", 0), "triggerDates": dates})
    return {
        "orderNumber": record["orderNumber"], "orderDate": record["orderDate"], "status": record["status"],
        "existingAccountNumber": account_there.get("accountNumber"), "currency": account_there.get("currency"), "category": record.get("category"),
        "createdBy": record["createdById"], "createdDate": stamp(record["createdDate"]), "updatedBy": record["updatedById"],
        "updatedDate": stamp(record["updatedDate"]), "description": record.get("description", ""),
        "subscriptions": [{"subscriptionNumber": number, "subscriptionOwnerAccountNumber": account_there.get("accountNumber"),
                           "orderActions": held} for number, held in actions.items()],
    }


def billing_documents(tenant: Tenant, request: Request) -> Record:
    id = request.param("accountId") or request.param("accountKey")
    if not id:
        raise Refusal(22, "accountId is required.")
    rows = []
    for kind, type, number, date, amount in (
        ("invoices", "Invoice", "invoiceNumber", "invoiceDate", "amount"), ("credit-memos", "CreditMemo", "memoNumber", "memoDate", "totalAmount"),
        ("debit-memos", "DebitMemo", "memoNumber", "memoDate", "totalAmount"),
    ):
        for row in tenant.rows_by(kind, "accountId", id):
            rows.append({"id": row["id"], "documentType": type, "documentNumber": row[number], "documentDate": row[date], "amount": row[amount],
                         "balance": row.get("balance", 0.0), "status": row["status"], "accountId": id})
    rows.sort(key=lambda row: (row["documentDate"], row["documentNumber"]), reverse=True)
    return paged(request, "documents", rows, lambda row: row)


_XML_TYPES = {"s": "text", "n": "decimal", "i": "integer", "b": "boolean", "d": "date", "t": "datetime"}


def described(tenant: Tenant, kind: Kind, base_url: str) -> bytes:
    """The catalogue's description of an object, in XML; the custom fields are among its fields."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<object href="{escape(base_url)}/v1/describe/{kind.zoql}">',
             f"<name>{kind.zoql}</name>", f"<label>{kind.zoql}</label>", "<fields>"]
    for name, type in tenant.catalogue.fields(kind).items():
        is_custom = str("__" in name).lower()
        lines.append(
            f"<field><name>{pascal(name)}</name><label>{pascal(name)}</label><type>{_XML_TYPES[type]}</type><custom>{is_custom}</custom>"
            "<selectable>true</selectable><filterable>true</filterable><required>false</required>"
            f"<contexts><context>soap</context>{'<context>export</context>' if kind.in_zoql else ''}</contexts></field>")
    lines.append("</fields><related-objects>")
    for relation in RELATIONS.get(kind.path, {}).values():
        if not relation.many:
            named = KINDS[relation.kind].zoql
            lines.append(f'<object href="{escape(base_url)}/v1/describe/{named}"><name>{pascal(relation.name)}</name><label>{named}</label></object>')
    return "".join([*lines, "</related-objects></object>"]).encode()


def wanted_fields(body: Any, known: Mapping[str, Any] | frozenset[str], required: Sequence[str], resource: int) -> Record:
    """A request's body, its names checked: an unknown one and a missing one are refused."""
    if not isinstance(body, dict):
        raise Refusal(90, "The body must be a JSON object.", resource)
    for name in body:
        if name not in known and "__" not in name:
            raise Refusal(21, f"Unknown field: '{name}'.", resource)
    for name in required:
        if body.get(name) in (None, "", []):
            raise Refusal(22, f"'{name}' is required.", resource)
    return body

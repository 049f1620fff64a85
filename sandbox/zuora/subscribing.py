"""Writes to accounts, contacts, subscriptions, orders and usage, and the CRUD family over any object.

Every change of a subscription makes a new version of it with new ids, for itself, its rate plans and its charges.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.zuora.answers import INVALID, MISSING, NOT_FOUND, RULE, CrudRefusal, Refusal
from sandbox.zuora.memos import custom, day_of, money
from sandbox.zuora.objects import BY_ZOQL, Kind, pascal
from sandbox.zuora.rest import RESOURCE, needed, wanted_fields
from sandbox.zuora.tenant import Tenant, exact, number

_ACCOUNT, _SUBSCRIPTION, _ORDER = RESOURCE["accounts"], RESOURCE["subscriptions"], RESOURCE["orders"]

# ------------------------------------------------------------------ accounts and contacts

_PLAIN = {name: name for name in (
    "name", "notes", "batch", "crmId", "paymentTerm", "paymentGateway", "autoPay", "billCycleDay", "invoiceTemplateId", "communicationProfileId",
    "parentId", "partnerAccount", "sequenceSetId", "purchaseOrderNumber", "invoiceDeliveryPrefsEmail", "invoiceDeliveryPrefsPrint",
    "customerServiceRepName", "defaultPaymentMethodId", "billToContactId", "soldToContactId", "shipToContactId")}
_ACCOUNT_FIELDS: dict[str, str] = {**_PLAIN, "salesRep": "salesRepName", "billToContactId": "billToId", "soldToContactId": "soldToId",
                                   "shipToContactId": "shipToId"}
_ACCOUNT_OTHER = frozenset({"billToContact", "soldToContact", "shipToContact", "taxInfo", "additionalEmailAddresses", "tagging", "profileNumber"})
_CONTACT_FIELDS = {name: name for name in (
    "firstName", "lastName", "workEmail", "personalEmail", "workPhone", "homePhone", "mobilePhone", "otherPhone", "otherPhoneType", "fax",
    "address1", "address2", "city", "county", "state", "country", "taxRegion")} | {
    "nickname": "nickName", "zipCode": "postalCode", "postalCode": "postalCode", "contactDescription": "description"}
_TAX = {"VATId": "vATId", "exemptStatus": "taxExemptStatus", "companyCode": "taxCompanyCode"}


def update_account(tenant: Tenant, key: str, body: Any) -> Record:
    account = needed(tenant, "accounts", key)
    body = wanted_fields(body, frozenset(_ACCOUNT_FIELDS) | _ACCOUNT_OTHER, (), _ACCOUNT)
    fields: Record = {_ACCOUNT_FIELDS[name]: value for name, value in body.items() if name in _ACCOUNT_FIELDS}
    if "name" in fields and not fields["name"]:
        raise Refusal(MISSING, "'name' is required.", _ACCOUNT)
    if fields.get("parentId") and tenant.get("accounts", fields["parentId"]) is None:
        raise Refusal(NOT_FOUND, f"Cannot find entity by key: '{fields['parentId']}'.", _ACCOUNT)
    fields |= {_TAX[name]: value for name, value in (body.get("taxInfo") or {}).items() if name in _TAX}
    fields |= custom(tenant, "accounts", body, _ACCOUNT)
    for name, field in (("billToContact", "billToId"), ("soldToContact", "soldToId"), ("shipToContact", "shipToId")):
        if isinstance(body.get(name), dict):
            contact = tenant.get("contacts", account.get(field))
            if contact is not None:
                tenant.change("contacts", contact["id"], **_contact(body[name]))
    return tenant.change("accounts", account["id"], **fields)


def _contact(body: Any) -> Record:
    body = wanted_fields(body, frozenset(_CONTACT_FIELDS), (), _ACCOUNT)
    return {_CONTACT_FIELDS[name]: value for name, value in body.items() if name in _CONTACT_FIELDS}


def create_account(tenant: Tenant, body: Any) -> Record:
    body = wanted_fields(body, frozenset(_ACCOUNT_FIELDS) | _ACCOUNT_OTHER | {"currency", "accountNumber"}, ("name", "currency", "billToContact"), _ACCOUNT)
    fields: Record = {_ACCOUNT_FIELDS[name]: value for name, value in body.items() if name in _ACCOUNT_FIELDS}
    fields |= custom(tenant, "accounts", body, _ACCOUNT)
    if body.get("accountNumber") and tenant.find("accounts", body["accountNumber"]) is not None:
        raise Refusal(RULE, f"The account number {body['accountNumber']} is taken.", _ACCOUNT)
    contact_fields = _contact(body["billToContact"])
    for name in ("firstName", "lastName", "country"):
        if not contact_fields.get(name):
            raise Refusal(MISSING, f"'billToContact.{name}' is required.", _ACCOUNT)
    contact = tenant.create("contacts", {**contact_fields, "asBillTo": True, "asSoldTo": True, "asShipTo": True})
    account = tenant.create("accounts", {
        "accountNumber": body.get("accountNumber") or tenant.next_document("accounts", "A"), "status": "Active", "batch": "Batch1", "autoPay": False,
        "allowInvoiceEdit": False, "bcdSettingOption": "AutoSet", "billCycleDay": 1, "paymentTerm": "Due Upon Receipt", **fields,
        "currency": body["currency"], "billToId": contact["id"], "soldToId": contact["id"], "balance": 0.0, "creditBalance": 0.0, "mrr": 0.0,
        "totalInvoiceBalance": 0.0, "totalDebitMemoBalance": 0.0, "unappliedBalance": 0.0, "unappliedCreditMemoAmount": 0.0})
    tenant.change("contacts", contact["id"], stamped=False, accountId=account["id"])
    return account


def delete_account(tenant: Tenant, key: str) -> Record:
    account = needed(tenant, "accounts", key)
    if any(tenant.ids_by(kind, "accountId", account["id"], hidden=True) for kind in ("invoices", "payments")):
        raise Refusal(RULE, "An account with billing documents cannot be deleted.", _ACCOUNT)
    for contact in tenant.rows_by("contacts", "accountId", account["id"], hidden=True):
        tenant.delete("contacts", contact["id"])
    tenant.delete("accounts", account["id"])
    return account


def update_contact(tenant: Tenant, id: str, body: Any) -> Record:
    contact = needed(tenant, "contacts", id)
    return tenant.change("contacts", contact["id"], **_contact(body))


def create_contact(tenant: Tenant, body: Any) -> Record:
    body = wanted_fields(body, frozenset(_CONTACT_FIELDS) | {"accountId", "accountNumber"}, ("firstName", "lastName", "country"), _ACCOUNT)
    account = needed(tenant, "accounts", body.get("accountId") or body.get("accountNumber") or "")
    fields = _contact({name: value for name, value in body.items() if name not in ("accountId", "accountNumber")})
    return tenant.create("contacts", {"accountId": account["id"], **fields, "asBillTo": False, "asSoldTo": False, "asShipTo": False})


# ------------------------------------------------------------------ versions of a subscription


def latest(tenant: Tenant, key: str) -> Record:
    """The latest version, by number or by any version's id."""
    record = needed(tenant, "subscriptions", key)
    if record.get("isLatestVersion"):
        return record
    return next(row for row in tenant.rows_by("subscriptions", "originalId", record["originalId"], hidden=True) if row.get("isLatestVersion"))


def amend(tenant: Tenant, record: Record, action: str, order: Record | None, charge_fields: Record | None = None, **fields: Any) -> Record:
    """A new version: itself, its rate plans, charges and tiers under new ids. The one before stays as it was, expired."""
    stamp = tenant.stamp(tenant.now())
    later = {name: value for name, value in record.items() if name not in ("id", "createdDate", "createdById", "updatedDate", "updatedById")}
    later |= {"version": record["version"] + 1, "previousSubscriptionId": record["id"], "isLatestVersion": True, **fields}
    if order is not None:
        later["orderId"] = order["id"]
    version = tenant.create("subscriptions", later)
    tenant.change("subscriptions", record["id"], isLatestVersion=False, status="Expired")
    amendment = tenant.create("amendments", {
        "code": f"{record['name']}-AM{record['version']}", "subscriptionId": record["id"], "name": action, "status": "Completed",
        "type": {"CancelSubscription": "Cancellation", "RenewSubscription": "Renewal", "Suspend": "SuspendSubscription",
                 "Resume": "ResumeSubscription"}.get(action, action),
        "contractEffectiveDate": stamp[:10], "effectiveDate": stamp[:10]})
    kind_of_change = {"CancelSubscription": "RemoveProduct", "UpdateProduct": "UpdateProduct"}.get(action)
    ended = {"effectiveEndDate": fields["subscriptionEndDate"]} if fields.get("subscriptionEndDate") else {}
    for plan in tenant.rows_by("rate-plans", "subscriptionId", record["id"], hidden=True):
        copied = _copy(tenant, "rate-plans", plan, {
            "subscriptionId": version["id"], "originalRatePlanId": plan.get("originalRatePlanId", plan["id"]),
            "amendmentId": amendment["id"] if kind_of_change else None, "amendmentType": kind_of_change})
        for charge in tenant.rows_by("rate-plan-charges", "ratePlanId", plan["id"], hidden=True):
            new_charge = _copy(tenant, "rate-plan-charges", charge, {
                "ratePlanId": copied["id"], "subscriptionId": version["id"], "version": version["version"], **ended, **(charge_fields or {})})
            for tier in tenant.rows_by("rate-plan-charge-tiers", "ratePlanChargeId", charge["id"], hidden=True):
                _copy(tenant, "rate-plan-charge-tiers", tier, {"ratePlanChargeId": new_charge["id"]})
    if order is not None:
        tenant.create("order-actions", {
            "orderId": order["id"], "subscriptionId": version["id"], "subscriptionNumber": record["name"], "type": action, "sequence": 0,
            "contractEffectiveDate": fields.get("cancelledDate") or stamp[:10]})
    _revenue(tenant, record["accountId"])
    return version


def _copy(tenant: Tenant, kind: str, record: Record, fields: Record) -> Record:
    kept = {name: value for name, value in record.items() if name not in ("id", "createdDate", "createdById", "updatedDate", "updatedById")}
    return tenant.create(kind, {**kept, **fields})


def _revenue(tenant: Tenant, account: str) -> None:
    rows = [row for row in tenant.rows_by("subscriptions", "accountId", account, hidden=True) if row.get("isLatestVersion")]
    total = sum((exact(row.get("cMRR")) for row in rows), Decimal(0))
    if (tenant.get("accounts", account) or {}).get("mrr") != number(total):
        tenant.change("accounts", account, stamped=tenant.moves_stamps, mrr=number(total))


def _change(tenant: Tenant, record: Record, action: str, details: Record, when: str, order: Record | None) -> Record:
    """One order action on an existing subscription."""
    status = record["status"]
    if status in ("Cancelled", "Expired") and action != "RenewSubscription":
        raise Refusal(RULE, f"The subscription {record['name']} is {status}.", _SUBSCRIPTION)
    if action == "CancelSubscription":
        policy = details.get("cancellationPolicy")
        if policy not in ("EndOfCurrentTerm", "EndOfLastInvoicePeriod", "SpecificDate"):
            raise Refusal(INVALID if policy else MISSING, "'cancellationPolicy' value should be one of: EndOfCurrentTerm, "
                          "EndOfLastInvoicePeriod, SpecificDate", _SUBSCRIPTION)
        if policy == "SpecificDate" and not details.get("cancellationEffectiveDate"):
            raise Refusal(MISSING, "'cancellationEffectiveDate' is required.", _SUBSCRIPTION)
        end = details.get("cancellationEffectiveDate") if policy == "SpecificDate" else record.get("termEndDate")
        end = day_of(tenant, end, "cancellationEffectiveDate", _SUBSCRIPTION)
        return amend(tenant, record, action, order, status="Cancelled", cancelledDate=end, subscriptionEndDate=end, cMRR=0.0,
                     cancelReason=details.get("cancelReason"))
    if action == "UpdateProduct":
        charges = details.get("chargeUpdates") or [{}]
        quantity = ((charges[0].get("pricing") or {}).get("recurringPerUnit") or charges[0]).get("quantity") or charges[0].get("quantity")
        if quantity is None:
            raise Refusal(MISSING, "'chargeUpdates.pricing.recurringPerUnit.quantity' is required.", _ORDER)
        amount = money(quantity, "quantity", _ORDER)
        old = _only_charge(tenant, record)
        monthly = exact(old.get("mRR")) / exact(old.get("quantity") or 1) * amount
        return amend(tenant, record, action, order, {"quantity": number(amount), "mRR": number(monthly.quantize(Decimal("0.01"))),
                                                     "dMRC": number((monthly - exact(old.get("mRR"))).quantize(Decimal("0.01")))},
                     cMRR=number(monthly.quantize(Decimal("0.01"))))
    if action == "RenewSubscription":
        start, months = record.get("termEndDate"), record.get("renewalTerm", 12)
        if not start:
            raise Refusal(RULE, "An evergreen subscription cannot be renewed.", _SUBSCRIPTION)
        end = _later(start, months)
        return amend(tenant, record, action, order, {"effectiveEndDate": end}, status="Active", termStartDate=start, termEndDate=end,
                     subscriptionEndDate=end, currentTerm=months, cancelledDate=None)
    if action == "Suspend":
        return amend(tenant, record, action, order, status="Suspended")
    if action == "Resume":
        if status != "Suspended":
            raise Refusal(RULE, f"The subscription {record['name']} is not suspended.", _SUBSCRIPTION)
        return amend(tenant, record, action, order, status="Active")
    if action == "TermsAndConditions":
        allowed = ("autoRenew", "termType", "renewalSetting", "renewalTerm", "notes")
        if "termType" in details and details["termType"] not in ("TERMED", "EVERGREEN"):
            raise Refusal(INVALID, "'termType' value should be one of: TERMED, EVERGREEN", _SUBSCRIPTION)
        return amend(tenant, record, action, order, **{name: details[name] for name in allowed if name in details})
    if action == "OwnerTransfer":
        target = needed(tenant, "accounts", details.get("destinationAccountNumber") or details.get("destinationAccountId") or "")
        return amend(tenant, record, action, order, accountId=target["id"], invoiceOwnerId=target["id"])
    raise Refusal(INVALID, f"The order action '{action}' is not supported.", _ORDER)


def _only_charge(tenant: Tenant, record: Record) -> Record:
    for plan in tenant.rows_by("rate-plans", "subscriptionId", record["id"], hidden=True):
        for charge in tenant.rows_by("rate-plan-charges", "ratePlanId", plan["id"], hidden=True):
            return charge
    raise Refusal(RULE, f"The subscription {record['name']} has no charge.", _SUBSCRIPTION)


def _later(day: str, months: int) -> str:
    at = date.fromisoformat(day)
    month = at.month - 1 + months
    year, month = at.year + month // 12, month % 12 + 1
    last = 29 if month == 2 and year % 4 == 0 and (year % 100 or not year % 400) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    return date(year, month, min(at.day, last)).isoformat()


# ------------------------------------------------------------------ orders

_ORDER_FIELDS = frozenset({"orderDate", "existingAccountNumber", "existingAccountId", "newAccount", "subscriptions", "processingOptions", "category",
                           "description", "orderNumber", "status", "orderLineItems", "schedulingOptions", "reasonCode", "externallyManagedBy"})
_DETAILS = {"CreateSubscription": "createSubscription", "CancelSubscription": "cancelSubscription", "UpdateProduct": "updateProduct",
            "RenewSubscription": "renewSubscription", "Suspend": "suspend", "Resume": "resume", "TermsAndConditions": "termsAndConditions",
            "OwnerTransfer": "ownerTransfer", "AddProduct": "addProduct", "RemoveProduct": "removeProduct", "ChangePlan": "changePlan"}


def create_order(tenant: Tenant, body: Any) -> Record:
    body = wanted_fields(body, _ORDER_FIELDS, ("orderDate",), _ORDER)
    when = day_of(tenant, body["orderDate"], "orderDate", _ORDER)
    key = body.get("existingAccountNumber") or body.get("existingAccountId")
    if not key:
        raise Refusal(MISSING, "'existingAccountNumber' is required.", _ORDER)
    account = needed(tenant, "accounts", key)
    wanted: list[tuple[Record | None, str, Record, str]] = []
    for entry in body.get("subscriptions") or ():
        record = latest(tenant, entry["subscriptionNumber"]) if entry.get("subscriptionNumber") else None
        for action in entry.get("orderActions") or ():
            kind = action.get("type")
            if kind not in _DETAILS:
                raise Refusal(INVALID, f"'type' value should be one of: {', '.join(_DETAILS)}", _ORDER)
            dates = {given.get("name"): given.get("triggerDate") for given in action.get("triggerDates") or ()}
            if "ContractEffective" not in dates:
                raise Refusal(MISSING, "The trigger date 'ContractEffective' is required.", _ORDER)
            if record is None and kind != "CreateSubscription":
                raise Refusal(MISSING, "'subscriptionNumber' is required.", _ORDER)
            wanted.append((record, kind, action.get(_DETAILS[kind]) or {}, day_of(tenant, dates["ContractEffective"], "triggerDate", _ORDER)))
    if not wanted:
        raise Refusal(MISSING, "'subscriptions' is required.", _ORDER)
    order = tenant.create("orders", {
        "orderNumber": body.get("orderNumber") or tenant.next_document("orders", "O-"), "orderDate": when, "accountId": account["id"],
        "status": "Completed", "state": "Complete", "category": body.get("category", "NewSales"), "description": body.get("description")})
    try:
        numbers = []
        for record, kind, details, effective in wanted:
            made = _subscribe(tenant, account, order, details, effective) if kind == "CreateSubscription" else \
                _change(tenant, latest(tenant, (record or {})["name"]), kind, details, effective, order)
            numbers.append(made["name"])
    except Refusal:
        tenant.store.delete("orders", order["id"])
        tenant._note("orders", order["id"], order, None)
        raise
    return {"orderId": order["id"], "orderNumber": order["orderNumber"], "accountId": account["id"], "accountNumber": account["accountNumber"],
            "status": "Completed", "subscriptionNumbers": list(dict.fromkeys(numbers))}


def _subscribe(tenant: Tenant, account: Record, order: Record, details: Record, when: str) -> Record:
    terms = details.get("terms") or {}
    initial = terms.get("initialTerm") or {}
    kind = initial.get("termType", "TERMED")
    if kind not in ("TERMED", "EVERGREEN"):
        raise Refusal(INVALID, "'termType' value should be one of: TERMED, EVERGREEN", _SUBSCRIPTION)
    months = int(initial.get("period", 12))
    plans = details.get("subscribeToRatePlans") or ()
    if not plans:
        raise Refusal(MISSING, "'subscribeToRatePlans' is required.", _ORDER)
    end = _later(when, months) if kind == "TERMED" else None
    version = tenant.create("subscriptions", {
        "name": details.get("subscriptionNumber") or tenant.next_document("subscriptions", "A-S"), "version": 1, "isLatestVersion": True,
        "accountId": account["id"], "invoiceOwnerId": account["id"], "creatorAccountId": account["id"], "status": "Active", "termType": kind,
        "autoRenew": bool(terms.get("autoRenew", False)), "renewalSetting": "RENEW_WITH_SPECIFIC_TERM", "initialTerm": months,
        "initialTermPeriodType": "Month", "renewalTerm": months, "renewalTermPeriodType": "Month", "currentTerm": months,
        "currentTermPeriodType": "Month", "contractEffectiveDate": when, "serviceActivationDate": when, "contractAcceptanceDate": when,
        "termStartDate": when, "termEndDate": end, "subscriptionStartDate": when, "subscriptionEndDate": end, "currency": account["currency"],
        "orderId": order["id"], "originalCreatedDate": tenant.stamp(tenant.now()), **custom(tenant, "subscriptions", details, _SUBSCRIPTION)})
    tenant.change("subscriptions", version["id"], stamped=False, originalId=version["id"])
    monthly = Decimal(0)
    for given in plans:
        plan = tenant.get("product-rate-plans", given.get("productRatePlanId")) or tenant.find("product-rate-plans", given.get("productRatePlanNumber") or "")
        if plan is None:
            raise Refusal(NOT_FOUND, f"Cannot find product rate plan: '{given.get('productRatePlanId')}'.", _ORDER)
        made = tenant.create("rate-plans", {
            "subscriptionId": version["id"], "productRatePlanId": plan["id"], "productId": plan["productId"], "name": plan["name"],
            "subscriptionRatePlanNumber": tenant.next_document("rate-plans", "SRP-")})
        for charge in tenant.rows_by("product-rate-plan-charges", "productRatePlanId", plan["id"]):
            tiers = tenant.rows_by("product-rate-plan-charge-tiers", "productRatePlanChargeId", charge["id"])
            tier = next((row for row in tiers if row["currency"] == account["currency"]), tiers[0] if tiers else {"price": 0.0})
            override: Record = next((row for row in given.get("chargeOverrides") or () if row.get("productRatePlanChargeId") == charge["id"]), {})
            pricing: Record = (override.get("pricing") or {}).get("recurringPerUnit") or {}
            quantity = money(pricing.get("quantity", 1), "quantity", _ORDER)
            price = exact(pricing.get("listPrice", tier["price"]))
            mrr = price * quantity if charge["chargeType"] == "Recurring" else Decimal(0)
            monthly += mrr
            new = tenant.create("rate-plan-charges", {
                "ratePlanId": made["id"], "subscriptionId": version["id"], "productRatePlanChargeId": charge["id"], "name": charge["name"],
                "chargeNumber": tenant.next_document("rate-plan-charges", "C-"), "version": 1, "segment": 1, "isLastSegment": True,
                "chargeType": charge["chargeType"], "chargeModel": charge["chargeModel"], "billingPeriod": charge.get("billingPeriod"),
                "billingTiming": charge.get("billingTiming"), "quantity": number(quantity), "uOM": "Each", "mRR": number(mrr), "dMRC": number(mrr),
                "tCV": number(mrr * months), "dTCV": number(mrr * months), "effectiveStartDate": when, "effectiveEndDate": end,
                "endDateCondition": "Subscription_End", "accountingCode": "Revenue"})
            tenant.change("rate-plan-charges", new["id"], stamped=False, originalId=new["id"])
            tenant.create("rate-plan-charge-tiers", {"ratePlanChargeId": new["id"], "tier": 1, "currency": account["currency"],
                                                     "price": number(price), "startingUnit": 0.0, "priceFormat": "PerUnit"})
    version = tenant.change("subscriptions", version["id"], stamped=False, cMRR=number(monthly))
    tenant.create("order-actions", {"orderId": order["id"], "subscriptionId": version["id"], "subscriptionNumber": version["name"],
                                    "type": "CreateSubscription", "sequence": 0, "contractEffectiveDate": when})
    _revenue(tenant, account["id"])
    return version


_SUBSCRIPTION_WRITES = {"cancel": "CancelSubscription", "renew": "RenewSubscription", "suspend": "Suspend", "resume": "Resume"}


def act_on_subscription(tenant: Tenant, key: str, verb: str, body: Any) -> Record:
    """The older way, for tenants where orders have not replaced it."""
    record = latest(tenant, key)
    return _change(tenant, record, _SUBSCRIPTION_WRITES[verb], body or {}, tenant.today().isoformat(), None)


def update_subscription(tenant: Tenant, key: str, body: Any) -> Record:
    record = latest(tenant, key)
    body = wanted_fields(body, frozenset({"autoRenew", "termType", "renewalSetting", "renewalTerm", "notes", "update", "add", "remove", "change",
                                          "runBilling", "collect", "preview"}), (), _SUBSCRIPTION)
    fields = custom(tenant, "subscriptions", body, _SUBSCRIPTION)
    if body.get("update"):
        charges = body["update"][0].get("chargeUpdateDetails") or [{}]
        return _change(tenant, record, "UpdateProduct", {"chargeUpdates": charges}, tenant.today().isoformat(), None)
    if {"add", "remove", "change"} & body.keys():
        raise Refusal(INVALID, "Products are added, removed and changed through orders.", _SUBSCRIPTION)
    terms = {name: body[name] for name in ("autoRenew", "termType", "renewalSetting", "renewalTerm", "notes") if name in body}
    if terms.keys() - {"notes"}:
        return _change(tenant, record, "TermsAndConditions", terms, tenant.today().isoformat(), None)
    return tenant.change("subscriptions", record["id"], **terms, **fields)


# ------------------------------------------------------------------ CRUD and actions

MOST_OBJECTS = 50
_READ_ONLY = frozenset({"id", "createdDate", "createdById", "updatedDate", "updatedById", "balance", "version", "originalId"})


def kind_of(name: str) -> Kind:
    """An object as CRUD paths write it (`rate-plan-charge`) or as actions do (`RatePlanCharge`)."""
    kind = BY_ZOQL.get(name) or BY_ZOQL.get("".join(part[:1].upper() + part[1:] for part in name.split("-")))
    if kind is None or not kind.in_zoql:
        raise CrudRefusal("INVALID_TYPE", f"invalid type: {name}")
    return kind


def crud_record(tenant: Tenant, kind: Kind, record: Record) -> Record:
    fields = tenant.catalogue.fields(kind)
    return {pascal(name): tenant.moment(value).isoformat(timespec="milliseconds")  # type: ignore[union-attr]
            if fields.get(name) == "t" and isinstance(value, str) else value for name, value in record.items()}


def crud_fields(tenant: Tenant, kind: Kind, body: Any) -> Record:
    if not isinstance(body, dict):
        raise CrudRefusal("INVALID_VALUE", "An object is needed.")
    names = {pascal(name): name for name in tenant.catalogue.fields(kind)}
    fields: Record = {}
    for name, value in body.items():
        if name in ("Id", "fieldsToNull"):
            continue
        if name not in names:
            raise CrudRefusal("INVALID_FIELD", f"invalid field: {name}")
        if names[name] in _READ_ONLY:
            raise CrudRefusal("INVALID_FIELD", f"the field {name} cannot be written")
        type = tenant.catalogue.fields(kind)[names[name]]
        if value is not None and not isinstance(value, {"n": (int, float), "i": int, "b": bool}.get(type, str)):  # type: ignore[arg-type]
            raise CrudRefusal("INVALID_VALUE", f"invalid value for {name}")
        fields[names[name]] = value
    for name in body.get("fieldsToNull") or ():
        if name not in names:
            raise CrudRefusal("INVALID_FIELD", f"invalid field: {name}")
        fields[names[name]] = None
    return fields


def crud_create(tenant: Tenant, kind: Kind, body: Any) -> Record:
    fields = crud_fields(tenant, kind, body)
    required = {"accounts": ("name", "currency"), "contacts": ("firstName", "lastName"), "products": ("name",)}.get(kind.path, ())
    for name in required:
        if not fields.get(name):
            raise CrudRefusal("MISSING_REQUIRED_VALUE", f"missing required value: {pascal(name)}")
    if kind.path == "accounts":
        fields = {"accountNumber": tenant.next_document("accounts", "A"), "status": "Draft", "balance": 0.0, **fields}
    return tenant.create(kind.path, fields)


def crud_update(tenant: Tenant, kind: Kind, id: str, body: Any) -> Record:
    if tenant.get(kind.path, id) is None:
        raise CrudRefusal("INVALID_ID", f"invalid id for update: {id}")
    return tenant.change(kind.path, id, **crud_fields(tenant, kind, body))


def crud_delete(tenant: Tenant, kind: Kind, id: str) -> None:
    record = tenant.get(kind.path, id)
    if record is None:
        raise CrudRefusal("INVALID_ID", f"invalid id for delete: {id}")
    if kind.path == "invoices" and record.get("status") == "Posted":
        raise CrudRefusal("TRANSACTION_FAILED", "A posted invoice cannot be deleted.")
    tenant.delete(kind.path, id)
    if kind.path == "invoices":
        for item in tenant.items_of(id):
            tenant.store.put("_deleted", item["id"], {"kind": "invoice-items", "record": {**item, "updatedDate": tenant.stamp(tenant.now())}})
        tenant.store.delete("invoice_lines", id)
        tenant._cache.clear()
        tenant.refresh_account(record["accountId"])


def act(tenant: Tenant, verb: str, body: Any) -> list[Record]:
    """action/create, update, delete: each row has its own outcome."""
    if not isinstance(body, dict) or not body.get("type"):
        raise CrudRefusal("MISSING_REQUIRED_VALUE", "type is required.")
    kind = kind_of(body["type"])
    rows: Sequence[Any] = body.get("ids" if verb == "delete" else "objects") or ()
    if not rows or len(rows) > MOST_OBJECTS:
        raise CrudRefusal("MAX_RECORDS_EXCEEDED", f"1 to {MOST_OBJECTS} objects are allowed in one call.")
    results: list[Record] = []
    for row in rows:
        try:
            if verb == "create":
                id = crud_create(tenant, kind, row)["id"]
            elif verb == "update":
                id = crud_update(tenant, kind, str(row.get("Id", "")) if isinstance(row, dict) else "", row)["id"]
            else:
                id = str(row)
                crud_delete(tenant, kind, id)
            results.append({"id": id, "success": True} if verb == "delete" else {"Id": id, "Success": True})
        except CrudRefusal as refusal:
            errors = [{"Code": refusal.code, "Message": refusal.message}]
            results.append({"id": str(row), "success": False, "errors": [{"code": refusal.code, "message": refusal.message}]} if verb == "delete"
                           else {"Success": False, "Errors": errors})
    return results


_USAGE = {"AccountId", "AccountNumber", "UOM", "Quantity", "StartDateTime", "EndDateTime", "SubscriptionId", "SubscriptionNumber", "ChargeId",
          "ChargeNumber", "Description", "UniqueKey"}


def create_usage(tenant: Tenant, body: Any) -> Record:
    if not isinstance(body, dict):
        raise CrudRefusal("INVALID_VALUE", "An object is needed.")
    for name in body:
        if name not in _USAGE and "__" not in name:
            raise CrudRefusal("INVALID_FIELD", f"invalid field: {name}")
    for name in ("UOM", "Quantity", "StartDateTime"):
        if body.get(name) in (None, ""):
            raise CrudRefusal("MISSING_REQUIRED_VALUE", f"missing required value: {name}")
    if len(str(body.get("Description", ""))) > 200:
        raise CrudRefusal("INVALID_VALUE", "Description may have 200 characters.")
    key = body.get("AccountId") or body.get("AccountNumber")
    account = tenant.find("accounts", str(key)) if key else None
    if account is None:
        raise CrudRefusal("INVALID_VALUE", f"The account number {key} is invalid.")
    starts = tenant.moment(str(body["StartDateTime"]))
    if starts is None:
        raise CrudRefusal("INVALID_VALUE", "StartDateTime is invalid.")
    ends = tenant.moment(str(body.get("EndDateTime") or body["StartDateTime"])) or starts
    subscription = tenant.find("subscriptions", str(body.get("SubscriptionId") or body.get("SubscriptionNumber") or ""))
    if not isinstance(body["Quantity"], int | float) or isinstance(body["Quantity"], bool):
        raise CrudRefusal("INVALID_VALUE", "Quantity must be a number.")
    return tenant.create("usages", {
        "accountId": account["id"], "accountNumber": account["accountNumber"], "uOM": body["UOM"], "quantity": float(body["Quantity"]),
        "startDateTime": tenant.stamp(starts), "endDateTime": tenant.stamp(ends), "submissionDateTime": tenant.stamp(tenant.now()),
        "rbeStatus": "Pending", "sourceType": "API", "description": body.get("Description"), "uniqueKey": body.get("UniqueKey"),
        "subscriptionId": subscription["id"] if subscription else None, "ratePlanChargeId": body.get("ChargeId")})



"""Fusion's records: how a world row becomes one and what belongs to it. No HTTP and no decisions about requests here.

A stored record has Fusion's attribute names, leaves out what is null, holds its children as lists under their names, and private
parts under names that start with "_": `_hidden`, `_account` (the account number that an application belongs to).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.oracle_fusion.expression import stamp
from sandbox.oracle_fusion.ids import account_number, native_id, number, part, party_number
from sandbox.world.model import (
    INTEGRATION_ACTOR,
    Agent,
    Contact,
    CreditNote,
    Customer,
    Invoice,
    Line,
    Order,
    Payment,
    Product,
    Refund,
    Return,
    Row,
    Shipment,
    View,
)

Record = dict[str, Any]
Lookup = Callable[[str, str], Record | None]

LEGAL_ENTITY = {"LegalEntityId": 300_000_000_000_101, "LegalEntityIdentifier": "US0001", "Name": "Parent Company, Inc."}
BUSINESS_UNIT = {"id": 300_000_000_000_201, "name": "Operations BU"}
ORGANIZATION = {"OrganizationId": 300_000_000_000_301, "OrganizationCode": "M1", "OrganizationName": "Central Warehouse"}
BASE_CURRENCY = "USD"
CURRENCIES = {
    "USD": ("US Dollar", "$", 2, 1.0), "EUR": ("Euro", "€", 2, 1.09), "GBP": ("Pound Sterling", "£", 2, 1.27),
    "JPY": ("Yen", "¥", 0, 0.0067), "KWD": ("Kuwaiti Dinar", "KD", 3, 3.25),
}
RMA_OPEN = ("OPEN",)
ORDER_STATUS = {
    "pending_approval": ("DOO_DRAFT", "Draft"), "pending_fulfillment": ("OPEN", "Processing"),
    "partially_fulfilled": ("PARTIAL_CLOSE", "Partially Closed"), "pending_billing": ("OPEN", "Processing"), "billed": ("CLOSED", "Closed"),
    "closed": ("CLOSED", "Closed"), "cancelled": ("CANCELED", "Canceled"),
    "requested": ("DOO_DRAFT", "Draft"), "approved": ("OPEN", "Processing"), "received": ("OPEN", "Processing"),
    "credited": ("CLOSED", "Closed"), "rejected": ("CANCELED", "Canceled"),
}
LINE_STATUS = {
    "pending_approval": ("DOO_DRAFT", "Draft"), "pending_fulfillment": ("AWAIT_SHIP", "Awaiting Shipping"),
    "partially_fulfilled": ("AWAIT_SHIP", "Awaiting Shipping"), "pending_billing": ("AWAIT_BILLING", "Awaiting Billing"),
    "billed": ("BILLED", "Billed"), "closed": ("CLOSED", "Closed"), "cancelled": ("CANCELED", "Canceled"),
    "requested": ("DOO_DRAFT", "Draft"), "approved": ("AWAIT_RECEIPT", "Awaiting Receipt"), "received": ("AWAIT_BILLING", "Awaiting Billing"),
    "credited": ("BILLED", "Billed"), "rejected": ("CANCELED", "Canceled"),
}
SHIPMENT_STATUS = {
    "planned": ("OP", "Open"), "picked": ("PA", "Packed"), "shipped": ("IT", "In transit"), "delivered": ("CL", "Closed"),
    "cancelled": ("CL", "Closed"),
}
SHIPMENT_LINE_STATUS = {
    "planned": ("R", "Ready to release"), "picked": ("Y", "Staged"), "shipped": ("C", "Shipped"), "delivered": ("L", "Closed"),
    "cancelled": ("D", "Canceled"),
}
_INVOICE_STATUS = {"draft": "Incomplete", "open": "Complete", "paid": "Complete", "void": "Complete", "uncollectible": "Complete"}
_RECEIPT_STATE = {"succeeded": "Cleared", "pending": "Confirmed", "failed": "Reversed"}
_DONE = ("BILLED", "CLOSED", "CANCELED")


@dataclass(frozen=True)
class Pod:
    """What rendering needs beside the row: records stored before, other systems' ids, the integration's user name."""

    view: View
    find: Lookup
    user: str

    def customer(self, key: int) -> Record:
        return self.find("hubOrganizations", native_id("customer", key)) or {}

    def by_number(self, key: int) -> Record:
        """What a document says of the customer that it is for."""
        found = self.customer(key)
        return {"name": found.get("OrganizationName"), "party": number("customer", key), "account": account_number(key), "site": party_number(key)}

    def product(self, key: int) -> Record:
        return self.find("itemsV2", native_id("product", key)) or {}


def amount(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


def day(at: datetime) -> str:
    return at.date().isoformat()


def midnight(on: date) -> str:
    return f"{on.isoformat()}T00:00:00.000+00:00"


def lean(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


def finished(pod: Pod, row: Row, record: Record) -> Record:
    """The stamps, then what a fault adds; nulls are left out."""
    user = pod.user if row.actor == INTEGRATION_ACTOR else row.actor
    full = lean({
        **record, "CreatedBy": record.get("CreatedBy", "SEED_DATA_FROM_APPLICATION"), "CreationDate": stamp(row.created_at),
        "LastUpdatedBy": user, "LastUpdateDate": stamp(row.updated_at),
    })
    if row.hidden:
        full["_hidden"] = True
    full.update(row.extra)
    return full


def _stamps(pod: Pod, row: Row) -> Record:
    return {
        "CreatedBy": "SEED_DATA_FROM_APPLICATION", "CreationDate": stamp(row.created_at), "LastUpdateDate": stamp(row.updated_at),
        "LastUpdatedBy": pod.user if row.actor == INTEGRATION_ACTOR else row.actor,
    }


def fixed_records(at: datetime) -> Iterator[tuple[str, str, Record]]:
    """What a pod has before any customer: its company, business unit, warehouse, units and business events."""
    moment = stamp(at)
    stamps = {"CreatedBy": "SEED_DATA_FROM_APPLICATION", "CreationDate": moment, "LastUpdateDate": moment, "LastUpdatedBy": "SEED_DATA_FROM_APPLICATION"}
    yield "legalEntitiesLOV", str(LEGAL_ENTITY["LegalEntityId"]), {
        **LEGAL_ENTITY, "PartyId": 300_000_000_000_102, "EffectiveFrom": day(at), "LeSystemDateTime": moment}
    yield "inventoryOrganizations", str(ORGANIZATION["OrganizationId"]), {
        **ORGANIZATION, "LegalEntityId": LEGAL_ENTITY["LegalEntityId"], "LegalEntityName": LEGAL_ENTITY["Name"],
        "ManagementBusinessUnitId": BUSINESS_UNIT["id"], "ManagementBusinessUnitName": BUSINESS_UNIT["name"],
        "ProfitCenterBusinessUnitId": BUSINESS_UNIT["id"], "ProfitCenterBusinessUnitName": BUSINESS_UNIT["name"],
        "MasterOrganizationId": ORGANIZATION["OrganizationId"], "MasterOrganizationCode": ORGANIZATION["OrganizationCode"],
        "InventoryFlag": True, "ManufacturingPlantFlag": False, "Status": "Active", **stamps}
    yield "unitsOfMeasure", "1", {
        "UOMId": 1, "UOMCode": "Ea", "UOM": "Each", "UOMClassCode": "QTY", "UOMClass": "QTY", "UOMClassName": "Quantity", "Description": "Each",
        "BaseUnitFlag": True, "StandardConversion": 1, **stamps}
    for place, code in enumerate(("Completed", "Incompleted", "Paid"), 1):
        yield "erpBusinessEvents", str(place), {
            "ErpBusinessEventId": place, "BusinessEventCode": f"ReceivablesInvoice{code}",
            "BusinessEventIdentifier": f"FinArShared_Receivables_Invoice_{code}", "EnabledFlag": False, **stamps}
    for code in CURRENCIES:
        yield from currency_records(code, at)


def currency_records(code: str, at: datetime) -> Iterator[tuple[str, str, Record]]:
    name, symbol, precision, rate = CURRENCIES.get(code, (code, code, 2, 1.0))
    yield "currenciesLOV", code, {
        "CurrencyCode": code, "Name": name, "Description": name, "Symbol": symbol, "Precision": precision, "ExtendedPrecision": precision + 3,
        "EnabledFlag": "Y", "CurrencyFlag": "Y", "StartDateActive": day(at)}
    if code != BASE_CURRENCY:
        yield "currencyRates", f"{code}|{BASE_CURRENCY}", {
            "FromCurrency": code, "ToCurrency": BASE_CURRENCY, "ConversionRate": rate, "ConversionType": "Corporate",
            "UserConversionType": "Corporate"}


def terms(days: int) -> str:
    return f"{days} Net" if days else "IMMEDIATE"


def customer_records(pod: Pod, row: Customer) -> Iterator[tuple[str, str, Record]]:
    """The party with its children, its account and its credit profile."""
    party, own = number("customer", row.key), _stamps(pod, row)
    of_party = {"PartyId": party, "PartyNumber": party_number(row.key)}
    crm = pod.view.peer("crm", "customer", row.erp_customer, row.key) if row.erp_customer is not None else ""
    place: Record = {
        "Address1": row.street or None, "City": row.city or None, "State": row.region or None, "PostalCode": row.postcode or None,
        "Country": row.country or None}
    formatted = ", ".join(filter(None, (row.street, row.city, f"{row.region} {row.postcode}".strip(), row.country)))
    points = [
        {"ContactPointType": "EMAIL", "EmailAddress": row.email, "EmailPurpose": "BUSINESS"} if row.email else None,
        {"ContactPointType": "PHONE", "PhoneNumber": row.phone, "RawPhoneNumber": row.phone, "FormattedPhoneNumber": row.phone,
         "PhoneType": "GEN"} if row.phone else None,
        {"ContactPointType": "WEB", "URL": f"https://{row.domain}"} if row.domain else None,
    ]
    parent = [{
        "RelationshipRecId": number("relationship", row.key), "RelationshipId": number("relationship", row.key),
        "RelationshipType": "PARENT/SUBSIDIARY", "RelationshipCode": "SUBSIDIARY_OF", "SubjectPartyId": party,
        "SubjectPartyNumber": party_number(row.key), "SubjectPartyName": row.name, "ObjectPartyId": number("customer", row.parent),
        "ObjectPartyNumber": party_number(row.parent), "ObjectPartyName": pod.customer(row.parent).get("OrganizationName"),
        "StartDate": day(row.created_at), "Status": "A", "PercentageOwnership": 100, "PartyId": party, **own,
    }] if row.parent is not None else []
    yield "hubOrganizations", str(party), finished(pod, row, {
        **of_party, "OrganizationName": row.name, "PartyUsageCode": "CUSTOMER", "Status": "A" if row.is_active else "I",
        "TaxpayerIdentificationNumber": row.tax_id or None, "PreferredFunctionalCurrency": row.currency, "CurrencyCode": row.currency,
        "CorpCurrencyCode": BASE_CURRENCY, "SourceSystem": "CRM" if crm else None, "SourceSystemReferenceValue": crm or None,
        "EmailAddress": row.email or None, "RawPhoneNumber": row.phone or None,
        "URL": f"https://{row.domain}" if row.domain else None, "AddressNumber": f"{party_number(row.key)}-1", "AddressType": "BILL_TO", **place,
        "FormattedAddress": formatted or None, "CreatedByModule": "HZ_WS", "ThirdPartyFlag": False, "ValidatedFlag": False,
        "Address": [lean({
            "AddressId": number("address", row.key), "LocationId": number("address", row.key), "AddressNumber": f"{party_number(row.key)}-1",
            **of_party, **place, "FormattedAddress": formatted or None, "PrimaryFlag": True, "AddressType": "BILL_TO",
            "PartySiteName": row.name, "Status": "A", "StartDateActive": day(row.created_at), **own})],
        "ContactPoint": [{
            "ContactPointId": part("contact_point", row.key, place_), **of_party, **point, "PrimaryFlag": True, "Status": "A", **own}
            for place_, point in enumerate(points, 1) if point],
        "Relationship": [lean(one) for one in parent],
        "UsageAssignment": [{
            "PartyUsageAssignmentId": number("usage", row.key), "PartyId": party, "PartyUsageCode": "CUSTOMER", "StartDate": day(row.created_at),
            "StatusFlag": row.is_active, **own}],
        "SourceSystemReference": [{
            "SourceSystemReferenceId": number("reference", row.key), **of_party, "SourceSystem": "CRM", "SourceSystemReferenceValue": crm,
            "StartDate": day(row.created_at), "Status": "A", **own}] if crm else [],
        "OrganizationInformation": [{"OrganizationProfileId": party}],
    })
    account = {"AccountId": number("account", row.key), "AccountNumber": account_number(row.key)}
    hidden = {"_hidden": True} if row.hidden else {}
    yield "receivablesCustomerAccountActivities", str(account["AccountId"]), lean({
        **account, "CustomerId": party, "CustomerName": row.name, "TaxpayerIdentificationNumber": row.tax_id or None,
        "TotalOpenReceivablesForAccount": amount(row.balance), **own, **hidden})
    yield "customerProfiles", str(account["AccountId"]), lean({
        "CustomerAccountProfileId": number("profile", row.key), "CustomerAccountId": account["AccountId"], "PartyId": party,
        "AccountNumber": account["AccountNumber"], "ProfileClassName": "DEFAULT", "CreditChecking": "Y", "CreditHold": "Y" if row.credit_hold else "N",
        "CreditLimit": amount(row.credit_limit), "CreditCurrencyCode": row.currency, "PaymentTerms": terms(row.terms_days),
        "EffectiveStartDate": day(row.created_at), **own})


def person_record(pod: Pod, row: Contact | Agent) -> Record:
    if isinstance(row, Contact):
        kind, first, last, usage, job, phone = "contact", row.first_name, row.last_name, "CONTACT", row.title, row.phone
        employer = pod.customer(row.customer)
        organization: Record = {
            "OrganizationPartyId": number("customer", row.customer), "OrganizationPartyNumber": party_number(row.customer),
            "OrganizationPartyName": employer.get("OrganizationName")}
    else:
        kind, usage, job, phone, organization = "agent", "EMPLOYEE", "", "", {}
        first, _, last = row.name.rpartition(" ")
    party, own = number(kind, row.key), _stamps(pod, row)
    of_party = {"PartyId": party, "PartyNumber": f"{'P' if kind == 'contact' else 'E'}{party_number(row.key)}"}
    name = f"{first} {last}".strip()
    return finished(pod, row, {
        **of_party, "PersonName": name, "FirstName": first or None, "LastName": last or None, "JobTitle": job or None, "PartyUsageCode": usage,
        "Status": "A", "EmailAddress": row.email or None, "RawWorkPhoneNumber": phone or None, **organization, "DoNotEmailFlag": False,
        "DoNotCallFlag": False, "DoNotContactFlag": False, "DoNotMailFlag": False, "CreatedByModule": "HZ_WS", "ThirdPartyFlag": False,
        "ValidatedFlag": False,
        "ContactPoint": [{
            "ContactPointId": part("contact_point", 1_000_000 + row.key if kind == "contact" else 100_000_000 + row.key, 1), **of_party,
            "ContactPointType": "EMAIL", "EmailAddress": row.email, "PrimaryFlag": True, "Status": "A", **own}] if row.email else [],
        "Relationship": [lean({
            "RelationshipRecId": number("relationship", 1_000_000 + row.key), "RelationshipId": number("relationship", 1_000_000 + row.key),
            "RelationshipType": "CONTACT", "RelationshipCode": "CONTACT_OF", "SubjectPartyId": party,
            "SubjectPartyNumber": of_party["PartyNumber"], "SubjectPartyName": name,
            "ObjectPartyId": organization["OrganizationPartyId"], "ObjectPartyNumber": organization["OrganizationPartyNumber"],
            "ObjectPartyName": organization["OrganizationPartyName"], "StartDate": day(row.created_at), "Status": "A", "PartyId": party, **own})]
        if organization else [],
    })


def item_record(pod: Pod, row: Product) -> Record:
    record = finished(pod, row, {
        "ItemId": number("product", row.key), "ItemNumber": row.sku, "OrganizationId": ORGANIZATION["OrganizationId"],
        "OrganizationCode": ORGANIZATION["OrganizationCode"], "ItemDescription": row.name, "LongDescription": row.description or None,
        "FormattedDescription": row.description or None, "ItemClass": "Root Item Class",
        "UserItemTypeValue": "Subscription" if row.is_recurring else "Finished good", "ItemStatusValue": "Active" if row.is_active else "Inactive",
        "LifecyclePhaseValue": "Production", "ApprovalStatusValue": "Approved", "PrimaryUOMValue": "Each", "ListPrice": amount(row.unit_price),
        "CustomerOrderFlag": True, "CustomerOrderEnabledFlag": row.is_active, "InvoicedFlag": True, "InvoiceEnabledFlag": True,
        "ShippableFlag": not row.is_recurring, "ReturnableFlag": not row.is_recurring, "PurchasableFlag": False, "InventoryItemFlag": not row.is_recurring,
        "StockEnabledFlag": not row.is_recurring, "TaxableFlag": True, "CreationDateTime": stamp(row.created_at),
        "LastUpdateDateTime": stamp(row.updated_at),
    })
    if "CreationDate" not in row.extra:
        record["CreationDate"] = day(row.created_at)
    return record


def _parties(pod: Pod, customer: int) -> Record:
    known, who = pod.customer(customer), pod.by_number(customer)
    place = {name: known.get(name) for name in ("Address1", "City", "State", "PostalCode", "Country")}
    return {
        "billToCustomer": [lean({
            "AccountNumber": who["account"], "CustomerAccountId": number("account", customer), "SiteUseId": number("site_use", customer),
            "AddressUseType": "BILL_TO", "PartyName": who["name"], "PartyType": "ORGANIZATION", **place})],
        "shipToCustomer": [lean({
            "PartyId": who["party"], "PartyNumber": party_number(customer), "SiteId": number("address", customer), "AddressUseType": "SHIP_TO",
            "PartyName": who["name"], "PartyType": "ORGANIZATION", **place})],
    }


def _order_head(pod: Pod, row: Order | Return, kind: str, ordered: date) -> Record:
    code, text = ORDER_STATUS.get(row.status, (row.status, row.status))
    header, who = number(kind, row.key), pod.by_number(row.customer)
    is_draft, is_cancelled = code == "DOO_DRAFT", code == "CANCELED"
    return {
        "HeaderId": header, "OrderNumber": row.number, "SourceTransactionNumber": row.number, "SourceTransactionSystem": "OPS",
        "SourceTransactionId": str(header), "OrderKey": f"OPS:{header}", "SourceTransactionRevisionNumber": 1, "BuyingPartyId": who["party"],
        "BuyingPartyName": who["name"], "BuyingPartyNumber": party_number(row.customer), "TransactionOn": midnight(ordered),
        "TransactionTypeCode": "STD", "TransactionType": "Standard Orders", "TransactionDocumentTypeCode": "SO",
        "TransactionalCurrencyCode": row.currency, "TransactionalCurrencyName": CURRENCIES.get(row.currency, (row.currency,))[0],
        "RequestingBusinessUnitId": BUSINESS_UNIT["id"], "RequestingBusinessUnitName": BUSINESS_UNIT["name"],
        "RequestingLegalEntityId": LEGAL_ENTITY["LegalEntityId"], "RequestingLegalEntity": LEGAL_ENTITY["Name"], "StatusCode": code, "Status": text,
        "OpenFlag": code not in ("CLOSED", "CANCELED"), "OnHoldFlag": False, "CanceledFlag": is_cancelled, "SubmittedFlag": not is_draft,
        "SubmittedBy": None if is_draft else "SEED_DATA_FROM_APPLICATION", "SubmittedDate": None if is_draft else stamp(row.created_at),
        "FreezePriceFlag": False, "FreezeShippingChargeFlag": False, "FreezeTaxFlag": False, "PreCreditCheckedFlag": False,
        **_parties(pod, row.customer), "holds": [], "payments": [], "salesCredits": [], "notes": [], "attachments": [], "additionalInformation": [],
    }


def totals(header: int, currency: str, net: float, tax: float) -> list[Record]:
    rows = (("QP_TOTAL_NET_PRICE", "Total Net Price", net, False), ("QP_TOTAL_TAX", "Total Tax", tax, False),
            ("QP_TOTAL_PAY_NOW", "Pay Now", round(net + tax, 6), True))
    return [{
        "OrderTotalId": header * 10 % 10**15 + place, "TotalName": name, "TotalCode": code, "TotalAmount": value, "CurrencyCode": currency,
        "DisplayName": name, "PrimaryFlag": primary, "TotalGroup": "ORDER"} for place, (code, name, value, primary) in enumerate(rows, 1)]


def _order_line(pod: Pod, row: Order | Return, kind: str, line: Line, status: tuple[str, str], shipped: float | int | None) -> Record:
    id, product = part(f"{kind}_line", row.key, line.number), pod.product(line.product)
    is_return = kind == "return"
    return {
        "HeaderId": number(kind, row.key), "LineId": id, "FulfillLineId": id, "SourceTransactionLineId": str(line.number),
        "SourceTransactionLineNumber": str(line.number), "SourceTransactionScheduleId": "1", "SourceScheduleNumber": "1",
        "LineNumber": str(line.number), "DisplayLineNumber": str(line.number), "ProductId": number("product", line.product),
        "ProductNumber": product.get("ItemNumber"), "ProductDescription": line.description or product.get("ItemDescription"),
        "OrderedQuantity": amount(line.quantity), "OrderedUOM": "Each", "OrderedUOMCode": "Ea", "UnitListPrice": amount(line.unit_price),
        "UnitSellingPrice": amount(line.unit_price), "ExtendedAmount": amount(line.amount), "StatusCode": status[0], "Status": status[1],
        "OnHoldFlag": False, "OpenFlag": status[0] not in _DONE, "CanceledFlag": status[0] == "CANCELED",
        "CanceledQuantity": amount(line.quantity) if status[0] == "CANCELED" else None, "ShippedQuantity": shipped, "FulfilledQuantity": shipped,
        "RequestedFulfillmentOrganizationId": ORGANIZATION["OrganizationId"],
        "RequestedFulfillmentOrganizationCode": ORGANIZATION["OrganizationCode"], "TransactionCategoryCode": "RETURN" if is_return else "ORDER",
        "TransactionLineTypeCode": "ORA_RETURN" if is_return else "ORA_BUY", "TransactionLineType": "Return" if is_return else "Buy",
        "InvoiceInterfacedFlag": status[0] in ("AWAIT_BILLING", "BILLED"), **_stamps(pod, row),
    }


def order_record(pod: Pod, row: Order, taken: Callable[[str, str], str | None]) -> Record:
    """`taken`: the order that has a source system and id already, if one has."""
    head = _order_head(pod, row, "order", row.order_date)
    opportunity = pod.view.peer("crm", "opportunity", row.opportunity, row.customer)
    if opportunity:
        holder = taken("CRM", opportunity)
        source = opportunity if holder in (None, str(head["HeaderId"])) else f"{opportunity}-{row.key}"
        head |= {"SourceTransactionSystem": "CRM", "SourceTransactionId": source, "SourceTransactionNumber": opportunity, "OrderKey": f"CRM:{source}"}
    lines = []
    for line in row.lines:
        status = LINE_STATUS.get(row.status, (row.status, row.status))
        if row.status == "partially_fulfilled" and line.number == 1 and len(row.lines) > 1:
            status = ("SHIPPED", "Shipped")
        has_left = status[0] in ("SHIPPED", "AWAIT_BILLING", "BILLED", "CLOSED")
        lines.append(lean({
            **_order_line(pod, row, "order", line, status, amount(line.quantity) if has_left else None),
            "RequestedShipDate": midnight(row.order_date), "ScheduleShipDate": midnight(row.order_date)}))
    return finished(pod, row, {
        **head, "lines": lines, "totals": totals(head["HeaderId"], row.currency, float(row.subtotal), float(row.tax))})


def return_record(pod: Pod, row: Return) -> Record:
    """A return is an order whose lines are returns; each line refers to the order line that it takes back."""
    head = _order_head(pod, row, "return", row.created_at.date())
    ticket = pod.view.peer("support", "ticket", row.ticket, row.customer)
    original = pod.find("salesOrdersForOrderHub", native_id("order", row.order)) or {}
    lines = []
    for line in row.lines:
        status = LINE_STATUS.get(row.status, (row.status, row.status))
        came = row.received_at is not None
        lines.append(lean({
            **_order_line(pod, row, "return", line, status, None), "ReturnReasonCode": row.reason or None, "ReturnReason": row.reason or None,
            "RMADeliveredQuantity": amount(line.quantity) if came else None,
            "ActualCompletionDate": stamp(row.received_at) if row.received_at is not None else None,
            "originalOrderReference": [lean({
                "DocumentReferenceType": "ORIGINAL_SALES_ORDER", "OriginalSourceOrderSystem": original.get("SourceTransactionSystem"),
                "OriginalSourceOrderId": original.get("SourceTransactionId"), "OriginalSourceOrderNumber": original.get("OrderNumber"),
                "OriginalSourceLineId": str(line.number), "OriginalSourceLineNumber": str(line.number),
                "SourceTransactionLineId": str(line.number), "SourceTransactionScheduleId": "1"})] if original else [],
        }))
    return finished(pod, row, {
        **head, "CustomerPONumber": ticket or None, "lines": lines, "totals": totals(head["HeaderId"], row.currency, float(row.amount), 0.0)})


def invoice_record(pod: Pod, row: Invoice) -> Record:
    id, who, own = number("invoice", row.key), pod.by_number(row.customer), _stamps(pod, row)
    total, left = float(row.total), float(row.amount_remaining)
    order = pod.find("salesOrdersForOrderHub", native_id("order", row.order)) if row.order is not None else None
    is_void = row.status == "void"
    is_closed = is_void or not left
    left = 0.0 if is_void else left
    credited = round(total - float(row.amount_paid), 6) if is_void else round(total - float(row.amount_paid) - left, 6)
    closed_on = row.paid_at or row.updated_at
    lines = []
    for line in row.lines:
        line_id, product = part("invoice_line", row.key, line.number), pod.product(line.product)
        tax = float(line.tax)
        lines.append(lean({
            "CustomerTransactionLineId": line_id, "LineNumber": line.number, "ItemNumber": product.get("ItemNumber"),
            "Description": line.description, "Quantity": amount(line.quantity), "UnitOfMeasure": "Each",
            "UnitSellingPrice": amount(line.unit_price), "LineAmount": amount(line.amount), "LineAmountIncludesTax": "N",
            "SalesOrder": order["OrderNumber"] if order else None, "SalesOrderDate": order["TransactionOn"][:10] if order else None,
            "Warehouse": ORGANIZATION["OrganizationCode"], **own,
            "receivablesInvoiceLineTaxLines": [{
                "CustomerTransactionLineId": line_id, "Tax": "SALES TAX", "TaxAmount": tax, "TaxInclusiveIndicator": "N", "TaxLineNumber": 1,
                "TaxableAmount": amount(line.amount), "TaxRate": round(100 * tax / float(line.amount), 4) if line.amount else 0, **own}] if tax else [],
        }))
    return finished(pod, row, {
        "CustomerTransactionId": id, "TransactionNumber": str(100_000 + row.key), "TransactionDate": row.invoice_date.isoformat(),
        "AccountingDate": row.invoice_date.isoformat(), "DueDate": row.due_date.isoformat(), "BillingDate": row.invoice_date.isoformat(),
        "BusinessUnit": BUSINESS_UNIT["name"], "LegalEntityIdentifier": LEGAL_ENTITY["LegalEntityIdentifier"], "TransactionType": "Invoice",
        "TransactionSource": "Billing", "BillToCustomerName": who["name"], "BillToCustomerNumber": who["account"], "BillToSite": who["site"],
        "BillToPartyId": who["party"], "ShipToCustomerName": who["name"], "ShipToCustomerNumber": who["account"], "ShipToSite": who["site"],
        "InvoiceCurrencyCode": row.currency, "EnteredAmount": amount(row.total), "InvoiceBalanceAmount": left,
        "PaymentTerms": terms((row.due_date - row.invoice_date).days), "InvoiceStatus": _INVOICE_STATUS.get(row.status, row.status),
        "AllowCompletion": "N" if row.status == "draft" else "Y", "Intercompany": "N", "InvoicePrinted": "N",
        "CrossReference": pod.view.peer("billing", "invoice", row.key, row.customer) or None,
        "StructuredPaymentReference": row.number or None, "receivablesInvoiceLines": lines, "receivablesInvoiceDistributions": [],
        "receivablesInvoiceInstallments": [lean({
            "InstallmentId": number("installment", row.key), "InstallmentSequenceNumber": 1, "InstallmentDueDate": row.due_date.isoformat(),
            "OriginalAmount": amount(row.total), "InstallmentBalanceDue": left, "AccountedBalanceDue": left, "AmountPaid": amount(row.amount_paid),
            "InstallmentAmountCredited": credited, "InstallmentAmountAdjusted": 0, "InstallmentLineAmountOriginal": amount(row.subtotal),
            "InstallmentTaxAmountOriginal": amount(row.tax), "DisputeAmount": 0, "InstallmentStatus": "Closed" if is_closed else "Open",
            "InstallmentClosedDate": day(closed_on) if is_closed else None,
            "PaymentDaysLate": 0 if is_closed else max(0, (pod.view.as_of.date() - row.due_date).days), "ExcludeFromCollections": "N", **own})],
    })


def receipt_records(pod: Pod, row: Payment) -> Iterator[tuple[str, str, Record]]:
    id, who, own = number("payment", row.key), pod.by_number(row.customer), _stamps(pod, row)
    invoice = pod.find("receivablesInvoices", native_id("invoice", row.invoice)) if row.invoice is not None else None
    applied = float(row.amount) if invoice else 0.0
    on = day(row.paid_at)
    receipt_number = row.number or f"R-{row.key}"
    yield "standardReceipts", str(id), finished(pod, row, {
        "StandardReceiptId": id, "ReceiptNumber": receipt_number, "ReceiptDate": on, "AccountingDate": on, "MaturityDate": on,
        "Amount": amount(row.amount), "Currency": row.currency, "AccountedAmount": amount(row.amount),
        "UnappliedAmount": round(float(row.amount) - applied, 6), "BusinessUnit": BUSINESS_UNIT["name"], "CustomerName": who["name"],
        "CustomerAccountNumber": who["account"], "CustomerSite": who["site"], "ReceiptMethod": "Electronic",
        "State": _RECEIPT_STATE.get(row.status, row.status), "Status": "Applied" if applied else "Unapplied",
        "StructuredPaymentReference": pod.view.peer("billing", "payment", row.key, row.customer) or None,
        "remittanceReferences": [{
            "RemittanceReferenceId": number("remittance", row.key), "ReceiptMatchBy": "Transaction Number",
            "ReferenceNumber": invoice["TransactionNumber"], "ReferenceAmount": amount(row.amount), **own}] if invoice else [],
    })
    application = number("application", row.key)
    if invoice:
        yield "standardReceiptApplications", str(application), {
            **application_record(application, who["account"], invoice, applied, row.currency, on), "StandardReceiptId": id,
            "ReceiptNumber": receipt_number, "ReceiptMethod": "Electronic", "ProcessStatus": "Cleared", "CustomerSite": who["site"], **own}


def application_record(id: int, account: str, invoice: Record, value: float, currency: str, on: str) -> Record:
    installment = (invoice.get("receivablesInvoiceInstallments") or [{}])[0]
    return lean({
        "ApplicationId": id, "ActivityName": None, "ApplicationAmount": value, "ApplicationDate": on, "AccountingDate": on,
        "ApplicationStatus": "Applied", "EnteredCurrency": currency, "IsLatestApplication": "Y",
        "ReferenceInstallmentId": installment.get("InstallmentId"), "ReferenceTransactionId": invoice.get("CustomerTransactionId"),
        "ReferenceTransactionNumber": invoice.get("TransactionNumber"), "ReferenceTransactionStatus": installment.get("InstallmentStatus"),
        "_account": account,
    })


def credit_memo_records(pod: Pod, row: CreditNote) -> Iterator[tuple[str, str, Record]]:
    id, who, own = number("credit_note", row.key), pod.by_number(row.customer), _stamps(pod, row)
    invoice = pod.find("receivablesInvoices", native_id("invoice", row.invoice)) if row.invoice is not None else None
    is_void = row.status == "void"
    on, total = row.issue_date.isoformat(), float(row.total)
    applied = total if invoice and not is_void else 0.0
    lines = []
    for line in row.lines:
        line_id, product, tax = part("credit_line", row.key, line.number), pod.product(line.product), float(line.tax)
        lines.append(lean({
            "CustomerTransactionLineId": line_id, "LineNumber": line.number, "ItemNumber": product.get("ItemNumber"),
            "LineDescription": line.description, "LineQuantityCredit": -float(line.quantity), "UnitOfMeasure": "Each",
            "UnitSellingPrice": amount(line.unit_price), "LineAmountCredit": -float(line.amount), "LineAmountIncludesTax": "N",
            "LineCreditReason": row.reason or None, "Warehouse": ORGANIZATION["OrganizationCode"], **own,
            "receivablesCreditMemoLineTaxLines": [{
                "CustomerTrxLineId": line_id, "Tax": "SALES TAX", "TaxAmount": -tax, "TaxInclusiveIndicator": "N", "TaxLineNumber": 1,
                "TaxableAmount": -float(line.amount), **own}] if tax else [],
        }))
    status = {"issued": "Complete", "void": "Incomplete"}.get(row.status, row.status)
    yield "receivablesCreditMemos", str(id), finished(pod, row, {
        "CustomerTransactionId": id, "TransactionNumber": row.number or str(900_000 + row.key), "TransactionDate": on, "AccountingDate": on,
        "BillingDate": on, "BusinessUnit": BUSINESS_UNIT["name"], "LegalEntityIdentifier": LEGAL_ENTITY["LegalEntityIdentifier"],
        "TransactionType": "Credit Memo", "TransactionSource": "Billing", "BillToCustomerName": who["name"],
        "BillToCustomerNumber": who["account"], "BillToSite": who["site"], "CreditMemoCurrency": row.currency, "EnteredAmount": -total,
        "TransactionBalanceDue": 0.0 if is_void else -(total - applied) or 0.0, "CreditMemoStatus": status, "CreditReason": row.reason or None,
        "CreditMemoComments": row.reason or None, "CrossReference": pod.view.peer("billing", "credit_note", row.key, row.customer) or None,
        "CustomerReference": row.number or None, "AllowCompletion": "Y", "Intercompany": "N", "PrintStatus": "TO_PRINT", "GenerateBill": "Y",
        "receivablesCreditMemoLines": lines, "receivablesCreditMemoDistributions": [],
    })
    if invoice and not is_void:
        application = number("credit_application", row.key)
        yield "creditMemoApplications", str(application), {
            **application_record(application, who["account"], invoice, applied, row.currency, on), "CreditMemoId": id,
            "CreditMemoNumber": row.number or str(900_000 + row.key), "CreditMemoStatus": "Closed", "TransactionType": "Credit Memo",
            "BillToSiteNumber": who["site"], **own}


def refund_records(pod: Pod, row: Refund) -> Iterator[tuple[str, str, Record]]:
    """A refund is an application of a receipt or credit memo to the refund activity; what it takes from changes with it."""
    id, who, own = number("refund", row.key), pod.by_number(row.customer), _stamps(pod, row)
    status = {"succeeded": "Applied", "pending": "Pending", "failed": "Reversed"}.get(row.status, row.status)
    billing = pod.view.peer("billing", "refund", row.key, row.customer)
    common: Record = {
        "ApplicationId": id, "ApplicationAmount": float(row.amount), "ApplicationDate": day(row.created_at), "AccountingDate": day(row.created_at),
        "ApplicationStatus": status, "EnteredCurrency": row.currency, "IsLatestApplication": "Y", "_account": who["account"], **own, **row.extra,
    }
    if row.hidden:
        common["_hidden"] = True
    flex = [{"ApplicationId": id, "billingRefundId": billing, "__FLEX_Context": None}] if billing else []
    if row.credit_note is not None:
        source = pod.find("receivablesCreditMemos", native_id("credit_note", row.credit_note)) or {}
        yield "creditMemoApplications", str(id), lean({
            **common, "ActivityName": "Credit Memo Refund", "CreditMemoId": number("credit_note", row.credit_note),
            "CreditMemoNumber": source.get("TransactionNumber"), "CreditMemoStatus": "Closed", "TransactionType": "Credit Memo",
            "BillToSiteNumber": who["site"], "creditMemoApplicationDFF": flex})
        collection = "receivablesCreditMemos"
    else:
        source = pod.find("standardReceipts", native_id("payment", row.payment)) or {}
        yield "standardReceiptApplications", str(id), lean({
            **common, "ActivityName": "Receipt Refund", "StandardReceiptId": number("payment", row.payment),
            "ReceiptNumber": source.get("ReceiptNumber"), "ReceiptMethod": source.get("ReceiptMethod"), "ProcessStatus": "Cleared",
            "CustomerSite": who["site"], "standardReceiptApplicationDFF": flex})
        collection = "standardReceipts"
    key = source.get("CustomerTransactionId") or source.get("StandardReceiptId")
    if source and str(source.get("LastUpdateDate")) < stamp(row.updated_at):
        yield collection, str(key), {**source, "LastUpdateDate": stamp(row.updated_at), "LastUpdatedBy": own["LastUpdatedBy"]}


def shipment_records(pod: Pod, row: Shipment) -> Iterator[tuple[str, str, Record]]:
    id, who, own = number("shipment", row.key), pod.by_number(row.customer), _stamps(pod, row)
    order = pod.find("salesOrdersForOrderHub", native_id("order", row.order)) or {}
    code, text = SHIPMENT_STATUS.get(row.status, (row.status, row.status))
    known = pod.customer(row.customer)
    shipped = row.shipped_at
    yield "shipments", str(id), finished(pod, row, {
        "Shipment": row.number, "DeliveryId": id, "ShipmentStatus": text, "ShipmentStatusCode": code, **ORGANIZATION,
        "InitialPickupDate": row.planned_date.isoformat(), "InitialPickupDateTime": midnight(row.planned_date),
        "ActualShipDate": day(shipped) if shipped else None, "ActualShipDateTime": stamp(shipped) if shipped else None,
        "ConfirmedDate": day(shipped) if shipped else None, "ConfirmedDateTime": stamp(shipped) if shipped else None,
        "ActualDeliveryDate": stamp(row.delivered_at) if row.delivered_at else None, "Carrier": row.carrier or None,
        "Waybill": row.tracking_number or None, "PackingSlipNumber": row.number, "ShipToPartyId": who["party"], "ShipToCustomer": who["name"],
        "ShipToCustomerNumber": who["account"], "ShipToAddress1": known.get("Address1"), "ShipToCity": known.get("City"),
        "ShipToState": known.get("State"), "ShipToPostalCode": known.get("PostalCode"), "ShipToCountry": known.get("Country"),
        "SoldToPartyId": who["party"], "SoldToCustomer": who["name"], "SoldToCustomerNumber": who["account"], "Source": "Order Management",
        "SourceSystem": "OPS", "OrderTypeCode": "SALES_ORDER", "OrderType": "Sales order", "PlannedFlag": False,
    })
    line_code, line_text = SHIPMENT_LINE_STATUS.get(row.status, (row.status, row.status))
    for line in row.lines:
        line_id, product, quantity = part("shipment_line", row.key, line.number), pod.product(line.product), amount(line.quantity)
        yield "shipmentLines", str(line_id), lean({
            "ShipmentLine": line_id, "Shipment": row.number, "OrderTypeCode": "SALES_ORDER", "OrderType": "Sales order",
            "Order": order.get("OrderNumber"), "OrderLine": str(line.number), "OrderSchedule": "1",
            "SourceOrder": order.get("SourceTransactionNumber"), "SourceOrderLine": str(line.number), "SourceOrderFulfillmentLine": "1",
            "SourceOrderFulfillmentLineId": part("order_line", row.order, line.number), "Source": "Order Management",
            "InventoryItemId": number("product", line.product), "Item": product.get("ItemNumber"), "ItemDescription": line.description,
            "RequestedQuantity": quantity, "RequestedQuantityUOM": "Each", "RequestedQuantityUOMCode": "Ea",
            "ShippedQuantity": quantity if shipped else None, "DeliveredQuantity": quantity if row.delivered_at else None,
            "CancelledQuantity": quantity if row.status == "cancelled" else None, "PickedQuantity": quantity if row.status == "picked" else None,
            "LineStatus": line_text, "LineStatusCode": line_code, "TrackingNumber": row.tracking_number or None,
            "ActualShipDate": stamp(shipped) if shipped else None, "ScheduledShipDate": midnight(row.planned_date),
            "SellingPrice": amount(line.unit_price), "LineSellingPrice": amount(line.amount), "CurrencyCode": order.get("TransactionalCurrencyCode"),
            "LegalEntity": LEGAL_ENTITY["Name"], "LegalEntityId": LEGAL_ENTITY["LegalEntityId"], "BusinessUnit": BUSINESS_UNIT["name"],
            "BusinessUnitId": BUSINESS_UNIT["id"], **ORGANIZATION, "Carrier": row.carrier or None, "ShipToPartyId": who["party"],
            "ShipToCustomer": who["name"], "BillToPartyId": who["party"], "BillToCustomer": who["name"], **own,
            **({"_hidden": True} if row.hidden else {})})


def deleted_record(place: int, kind: str, record: Record, at: str, by: str) -> Record:
    """What the list of deleted records says of a party that is gone."""
    return {
        "DeletedRecordId": number("deleted", place), "ObjectCode": kind,
        "DisplayName": record.get("OrganizationName") or record.get("PersonName"), "KeyAttributeNames": "PartyId",
        "KeyAttributeValues": str(record.get("PartyId")), "PuidAttributeName": "PartyNumber", "PuidAttributeValue": record.get("PartyNumber"),
        "CreatedBy": by, "CreationDate": at, "LastUpdateDate": at, "LastUpdatedBy": by,
    }

"""What POST, PATCH, PUT, MERGE and DELETE do to records, with the business rules behind them. Function imports are in `functions`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.sap_s4hana.catalogue import SETS, EntitySet, Service
from sandbox.sap_s4hana.draft import Draft
from sandbox.sap_s4hana.errors import BAD_REQUEST, NOT_SUPPORTED, PRECONDITION, Refusal
from sandbox.sap_s4hana.records import FOREVER, FOREVER_DAY
from sandbox.sap_s4hana.wire import Unfit, amount, clock_time, day, empty, etag, guid, key_text, moment, quantity, received, stored_key

_DOCUMENTS = {
    # header: items, number of the item, type, sequence, first number
    "A_SalesOrder": ("A_SalesOrderItem", "SalesOrderItem", "SalesOrderType", 8_000_001),
    "A_CreditMemoRequest": ("A_CreditMemoRequestItem", "CreditMemoRequestItem", "CreditMemoRequestType", 79_000_001),
    "A_CustomerReturn": ("A_CustomerReturnItem", "CustomerReturnItem", "CustomerReturnType", 69_000_001),
}
_HEADER_OF = {items: header for header, (items, *_) in _DOCUMENTS.items()} | {
    "A_SalesOrderScheduleLine": "A_SalesOrder", "A_SalesOrderHeaderPartner": "A_SalesOrder", "A_SalesOrderText": "A_SalesOrder",
    "A_SalesOrderHeaderPrElement": "A_SalesOrder", "A_CustomerReturnPartner": "A_CustomerReturn",
    "A_CreditMemoReqPartner": "A_CreditMemoRequest", "A_OutbDeliveryItem": "A_OutbDeliveryHeader",
    "A_ReturnsDeliveryItem": "A_ReturnsDeliveryHeader",
}
_DELIVERIES = {
    # header: items, the documents that it follows with their items, type, first number
    "A_OutbDeliveryHeader": ("A_OutbDeliveryItem", "A_SalesOrder", "A_SalesOrderItem", "LF", 83_000_001),
    "A_ReturnsDeliveryHeader": ("A_ReturnsDeliveryItem", "A_CustomerReturn", "A_CustomerReturnItem", "LR", 88_000_001),
}
_ADDRESS_PARTS = ("A_AddressEmailAddress", "A_AddressPhoneNumber", "A_AddressHomePageURL", "A_BuPaAddressUsage")


def check_verb(entity: EntitySet, verb: str) -> None:
    if verb not in entity.verbs:
        word = {"POST": "Create", "PATCH": "Update", "DELETE": "Delete"}[verb]
        raise Refusal(405, NOT_SUPPORTED, f"{word} is not supported for entity set '{entity.name}'")


def check_version(entity: EntitySet, record: Record, if_match: str | None) -> None:
    """Optimistic locking: sets with a version column demand If-Match."""
    current = etag(entity, record)
    if not current:
        return
    if not if_match:
        raise Refusal(428, PRECONDITION, "The request must be conditional: header If-Match is missing")
    if if_match.strip() == "*":
        return
    if if_match.strip().replace("%3a", "%3A").replace(":", "%3A") != current:
        raise Refusal(412, PRECONDITION, "Precondition failed: the record was changed since it was read")


def update(draft: Draft, entity: EntitySet, record: Record, body: Any, *, replace: bool = False) -> Record:
    """PATCH and MERGE change what they name; PUT (`replace`) sets what it does not name to its initial value."""
    values, deep = _values(entity, body)
    if deep:
        raise Refusal(400, BAD_REQUEST, f"Deep update is not supported ({', '.join(deep)})")
    for name in entity.key:
        if name in values and stored_key(entity.properties[name], values[name]) != stored_key(entity.properties[name], record.get(name)):
            raise Refusal(400, BAD_REQUEST, f"Key property {name} cannot be changed", name)
        values.pop(name, None)
    if replace:
        initial = {**empty(entity), **entity.further}
        values = {name: initial[name] for name, one in entity.properties.items() if one.writable and name not in entity.key} | values
    changed = draft.put(entity.name, {**record, **values})
    return _follow(draft, entity, changed)


def delete(draft: Draft, entity: EntitySet, record: Record) -> None:
    draft.delete(entity.name, key_text(entity, record))
    header = _HEADER_OF.get(entity.name)
    if header is not None:
        _touch_header(draft, SETS[header], record)


def create(draft: Draft, service: Service, entity: EntitySet, body: Any, within: Mapping[str, Any] | None = None) -> Record:
    """`within`: the key of the record whose navigation was posted to."""
    values, deep = _values(entity, body)
    values = {**values, **(within or {})}
    if entity.name in _DOCUMENTS:
        return _create_document(draft, service, entity, values, deep)
    if entity.name == "A_BusinessPartner":
        return _create_partner(draft, service, values, deep)
    if entity.name in _DELIVERIES:
        return _create_delivery(draft, entity, values, deep)
    record = {**empty(entity), **values}
    _complete(draft, entity, record, values)
    missing = [name for name in entity.key if not record.get(name) and name not in ("Person", "PartnerCounter", "ValuationType", "Division")]
    if missing:
        raise Refusal(400, BAD_REQUEST, f"Property {missing[0]} is mandatory", missing[0])
    if draft.get(entity.name, key_text(entity, record)) is not None:
        raise Refusal(400, "/IWBEP/CM_MGW_RT/025", f"{entity.name} with this key exists already")
    draft.put(entity.name, record)
    for name, rows in deep.items():
        link = entity.navigations[name]
        shared = link.shared(record)
        for row in rows:
            create(draft, service, SETS[link.target], row, shared)
    return _follow(draft, entity, record)


def _values(entity: EntitySet, body: Any) -> tuple[Record, dict[str, list[Any]]]:
    """The properties of a payload in the form that they are kept in, and its nested rows by navigation."""
    if not isinstance(body, dict):
        raise Refusal(400, BAD_REQUEST, "The payload must be a JSON object")
    body = body.get("d", body) if set(body) == {"d"} else body
    values: Record = {}
    deep: dict[str, list[Any]] = {}
    for name, value in body.items():
        if name == "__metadata":
            continue
        if name in entity.navigations:
            if isinstance(value, dict) and "__deferred" in value:
                continue
            rows = value.get("results", [value]) if isinstance(value, dict) else value
            if not isinstance(rows, list):
                raise Refusal(400, BAD_REQUEST, f"Navigation {name} must hold a list", name)
            deep[name] = rows
            continue
        if name not in entity.properties:
            raise Refusal(400, BAD_REQUEST, f"Property '{name}' is invalid for type {entity.type_name}", name)
        one = entity.properties[name]
        if not one.writable:
            raise Refusal(400, BAD_REQUEST, f"Property '{name}' is read-only", name)
        try:
            values[name] = received(one, value)
        except Unfit as reason:
            raise Refusal(400, BAD_REQUEST, str(reason), name) from None
    return values, deep


def _follow(draft: Draft, entity: EntitySet, record: Record) -> Record:
    """What else changes with a record: its own stamps, its header's, amounts that follow from quantities."""
    name = entity.name
    if name == "A_BusinessPartner":
        return _renamed(draft, draft.put(name, {**record, **draft.changed_partner(), **_names(record)}))
    if name in ("A_OutbDeliveryHeader", "A_ReturnsDeliveryHeader"):
        stamps = {key: value for key, value in draft.changed_delivery(record).items() if key in SETS[name].properties}
        return draft.put(name, {**record, **stamps})
    if name in _DOCUMENTS:
        blocked = "C" if record.get("DeliveryBlockReason") or record.get("HeaderBillingBlockReason") else ""
        extra = {"TotalBlockStatus": blocked} if "TotalBlockStatus" in SETS[name].properties else {}
        return draft.put(name, {**record, **extra, **draft.changed_document(name, record)})
    if name == "A_Product":
        return draft.put(name, {**record, "LastChangeDate": day(draft.now), "LastChangeDateTime": moment(draft.now), "LastChangedByUser": draft.user})
    if name == "A_AddressHomePageURL":
        return draft.put(name, {**record, "URLFieldLength": len(record["WebsiteURL"])})
    if name == "A_BPRelationship":
        return draft.put(name, {**record, "LastChangeDate": day(draft.now), "LastChangeTime": clock_time(draft.now), "LastChangedByUser": draft.user})
    if name == "CreditManagementAccount":
        zero = Decimal(str(record.get("CreditLimitAmount") or 0)) == 0
        return draft.put(name, {**record, "CreditLimitIsZero": zero, "CreditLimitLastChangeDate": day(draft.now)})
    header = _HEADER_OF.get(name)
    if header in _DOCUMENTS and name == _DOCUMENTS[header][0]:
        record = draft.put(name, _priced(draft, entity, record, str(record.get("TransactionCurrency") or "")))
        if record.get("SalesDocumentRjcnReason") and name == "A_SalesOrderItem":
            record = draft.put(name, {**record, "SDProcessStatus": "C"})
    if header is not None:
        _touch_header(draft, SETS[header], record)
    return record


def _touch_header(draft: Draft, header: EntitySet, record: Record) -> None:
    id = stored_key(header.properties[header.key[0]], record.get(header.key[0]))
    held = draft.get(header.name, id)
    if held is None:
        return
    if header.name in _DOCUMENTS:
        items = draft.children(_DOCUMENTS[header.name][0], id)
        total = sum((Decimal(str(item["NetAmount"])) for item in items), Decimal(0))
        rejected = [bool(item.get("SalesDocumentRjcnReason")) for item in items]
        status = "C" if rejected and all(rejected) else "B" if any(rejected) else "A"
        draft.put(header.name, {
            **held, "TotalNetAmount": amount(total, str(held["TransactionCurrency"])), "OverallSDDocumentRejectionSts": status,
            **draft.changed_document(header.name, held)})
    else:
        stamps = {key: value for key, value in draft.changed_delivery(held).items() if key in header.properties}
        draft.put(header.name, {**held, **stamps})


# sales documents


def _create_document(draft: Draft, service: Service, entity: EntitySet, values: Record, deep: dict[str, list[Any]]) -> Record:
    items_name, item_key, type_name, first = _DOCUMENTS[entity.name]
    key = entity.key[0]
    for name in (type_name, "SalesOrganization", "DistributionChannel", "OrganizationDivision", "SoldToParty"):
        if not values.get(name):
            raise Refusal(400, "SLS_LORD/042", f"Enter a value for {name}", name)
    if values.get(key):
        raise Refusal(400, "SLS_LORD/050", f"Number {values[key]} cannot be given from outside", key)
    area = _sales_area(draft, values)
    if entity.name == "A_SalesOrder":
        _check_order_block(draft, values, area)
    number = draft.number(entity.name, first)
    currency = values.get("TransactionCurrency") or area["Currency"]
    today = day(draft.now)
    record = {
        **empty(entity), "TransactionCurrency": currency, **values, key: number, "CreationDate": today, "CreatedByUser": draft.user,
        **draft.changed_document(entity.name, {key: number}), **_first_statuses(entity),
    }
    if entity.name == "A_SalesOrder":
        defaults = {"SalesOrderDate": today, "PricingDate": today, "RequestedDeliveryDate": today,
                    "CustomerPaymentTerms": area["CustomerPaymentTerms"], "ShippingCondition": area["ShippingCondition"]}
    elif entity.name == "A_CreditMemoRequest":
        defaults = {"CreditMemoRequestDate": today, "BillingDocumentDate": today, "HeaderBillingBlockReason": "08"}
    else:
        defaults = {"CustomerReturnDate": today, "RetsMgmtProcess": number}
    record |= {name: value for name, value in defaults.items() if name not in values}
    draft.put(entity.name, record)
    for place, row in enumerate(deep.pop("to_Item", []), 1):
        item_values, item_deep = _values(SETS[items_name], row)
        item_values = {item_key: str(place * 10), **{name: value for name, value in item_values.items() if value != ""}, key: number}
        _add_item(draft, SETS[items_name], item_values, item_deep, str(currency))
    if entity.name == "A_CustomerReturn":
        draft.put("A_CustomerReturnOverviewStatus", {
            **empty(SETS["A_CustomerReturnOverviewStatus"]), "RetsMgmtProcess": number, "ReturnsDocument": number,
            "RetsMgmtProcessingStatus": "A", "RetsMgmtLogProcgStatus": "A", "RetsMgmtCompnProcgStatus": "A"})
    partner = next((link.target for link in entity.navigations.values() if link.name == "to_Partner"), "")
    draft.put(partner, {**empty(SETS[partner]), key: number, "PartnerFunction": "SP", "Customer": values["SoldToParty"]})
    for name, rows in deep.items():
        link = entity.navigations[name]
        for row in rows:
            if name == "to_Partner" and isinstance(row, dict) and row.get("PartnerFunction") == "SP":
                continue
            create(draft, service, SETS[link.target], row, link.shared(record))
    _touch_header(draft, entity, record)
    made = draft.get(entity.name, number) or record
    blocked = "C" if made.get("DeliveryBlockReason") or made.get("HeaderBillingBlockReason") else ""
    return draft.put(entity.name, {**made, "TotalBlockStatus": blocked} if "TotalBlockStatus" in made else made)


def _create_delivery(draft: Draft, entity: EntitySet, values: Record, deep: dict[str, list[Any]]) -> Record:
    """A delivery is made from orders, a returns delivery from returns: all items of a document, or the ones that are named."""
    items_name, source_name, source_items, kind, first = _DELIVERIES[entity.name]
    items = SETS[items_name]
    asked = [_values(items, row)[0] for row in deep.get("to_DeliveryDocumentItem", [])]
    if not asked or not all(row.get("ReferenceSDDocument") for row in asked):
        raise Refusal(400, "VL/001", "A delivery needs items that refer to a document", "ReferenceSDDocument")
    number = draft.number(entity.name, first)
    today = {"CreationDate": day(draft.now), "CreationTime": clock_time(draft.now), "CreatedByUser": draft.user}
    record: Record = {}
    for row in asked:
        source = draft.get(source_name, str(row["ReferenceSDDocument"]))
        if source is None:
            raise Refusal(400, "VL/002", f"Document {row['ReferenceSDDocument']} does not exist", "ReferenceSDDocument")
        if source.get("DeliveryBlockReason"):
            raise Refusal(400, "VL/003", f"Document {row['ReferenceSDDocument']} is blocked for delivery", "ReferenceSDDocument")
        if not record:
            party = source["SoldToParty"]
            record = {**empty(entity), "DeliveryDocumentType": kind, "DocumentDate": today["CreationDate"], "DeliveryDate": today["CreationDate"],
                      "SalesOrganization": source["SalesOrganization"], "SoldToParty": party, "ShipToParty": party, **values,
                      "DeliveryDocument": number, "DeliveryVersion": "0001", **today}
            record |= {name: "A" for name in ("OverallSDProcessStatus", "OverallPickingStatus", "OverallGoodsMovementStatus") if name in record}
        key = SETS[source_items].key[1]
        for held in draft.children(source_items, str(row["ReferenceSDDocument"])):
            if row.get("ReferenceSDDocumentItem") not in (None, "", "0", held[key]):
                continue
            units = row.get("ActualDeliveryQuantity") or held["RequestedQuantity"]
            item = {**empty(items), "DeliveryDocument": number, "DeliveryDocumentItem": held[key], "Material": held["Material"],
                    "ActualDeliveryQuantity": units, "DeliveryQuantityUnit": held["RequestedQuantityUnit"], "GoodsMovementStatus": "A",
                    "ReferenceSDDocument": row["ReferenceSDDocument"], "ReferenceSDDocumentItem": held[key], "DeliveryVersion": "0001"}
            extra = {"OriginalDeliveryQuantity": units, "PickingStatus": "A"} if "PickingStatus" in items.properties else {}
            draft.put(items_name, {**item, **extra})
    return draft.put(entity.name, record)


def _first_statuses(entity: EntitySet) -> Record:
    first = {"OverallSDProcessStatus": "A", "OverallDeliveryStatus": "A", "OverallTotalDeliveryStatus": "A", "OverallOrdReltdBillgStatus": "A",
             "OverallSDDocumentRejectionSts": "A", "TotalCreditCheckStatus": "A", "RetsMgmtProcessingStatus": "A",
             "RetsMgmtLogProcgStatus": "A", "RetsMgmtCompnProcgStatus": "A"}
    return {name: value for name, value in first.items() if name in entity.properties}


def _sales_area(draft: Draft, values: Record) -> Record:
    customer = values["SoldToParty"]
    words = f"{values['SalesOrganization']} {values['DistributionChannel']} {values['OrganizationDivision']}"
    key = {"Customer": customer, "SalesOrganization": values["SalesOrganization"], "DistributionChannel": values["DistributionChannel"],
           "Division": values["OrganizationDivision"]}
    area = draft.get("A_CustomerSalesArea", key_text(SETS["A_CustomerSalesArea"], key))
    if area is None:
        raise Refusal(400, "SLS_LORD/012", f"Customer {customer} is not defined in sales area {words}", "SoldToParty")
    return area


def _check_order_block(draft: Draft, values: Record, area: Record) -> None:
    customer = draft.get("A_Customer", str(values["SoldToParty"])) or {}
    if customer.get("OrderIsBlockedForCustomer") or area.get("OrderIsBlockedForCustomer"):
        raise Refusal(400, "V1/319", f"Customer {values['SoldToParty']} is blocked for sales orders", "SoldToParty")
    if customer.get("DeletionIndicator"):
        raise Refusal(400, "V1/317", f"Customer {values['SoldToParty']} is marked for deletion", "SoldToParty")


def _add_item(draft: Draft, entity: EntitySet, values: Record, deep: dict[str, list[Any]], currency: str) -> Record:
    record = {**empty(entity), "RequestedQuantityUnit": "PC", **values, "TransactionCurrency": currency}
    statuses = {"SDProcessStatus": "A", "DeliveryStatus": "A", "OrderRelatedBillingStatus": "A", "RetsMgmtItmProcgStatus": "A",
                "ReturnsDocumentStatus": "A"}
    record |= {name: value for name, value in statuses.items() if name in entity.properties}
    if entity.name == "A_CustomerReturnItem":
        record |= {"RetsMgmtProcess": record["CustomerReturn"], "RetsMgmtProcessItem": record["CustomerReturnItem"]}
        if not record["ReturnReason"]:
            raise Refusal(400, "SLS_LORD/042", "Enter a value for ReturnReason", "ReturnReason")
    if draft.get(entity.name, key_text(entity, record)) is not None:
        raise Refusal(400, "/IWBEP/CM_MGW_RT/025", f"Item {record[entity.key[1]]} exists already")
    record = draft.put(entity.name, _priced(draft, entity, record, currency))
    if entity.name == "A_SalesOrderItem":
        lines = deep.get("to_ScheduleLine") or [{}]
        for place, row in enumerate(lines, 1):
            line, _ = _values(SETS["A_SalesOrderScheduleLine"], row)
            asked = line.get("ScheduleLineOrderQuantity", record["RequestedQuantity"])
            wanted = line.get("RequestedDeliveryDate") or day(draft.now)
            draft.put("A_SalesOrderScheduleLine", {
                **empty(SETS["A_SalesOrderScheduleLine"]), "OrderQuantityUnit": record["RequestedQuantityUnit"], "ScheduleLine": str(place),
                **line, "SalesOrder": record["SalesOrder"], "SalesOrderItem": record["SalesOrderItem"], "RequestedDeliveryDate": wanted,
                "ConfirmedDeliveryDate": wanted, "ScheduleLineOrderQuantity": asked, "ConfdOrderQtyByMatlAvailCheck": asked,
                "OpenConfdDelivQtyInOrdQtyUnit": asked})
    return record


def _priced(draft: Draft, entity: EntitySet, record: Record, currency: str) -> Record:
    """Net amount from the product's price; a reference to a billing document brings that item's price."""
    units = Decimal(str(record.get("RequestedQuantity") or 0))
    if units < 0:
        raise Refusal(400, "V1/365", "The quantity must not be negative", "RequestedQuantity")
    price, material = Decimal(0), str(record.get("Material") or "")
    source = None
    if record.get("ReferenceSDDocument"):
        item = record.get("ReferenceSDDocumentItem") or "10"
        source = draft.get("A_BillingDocumentItem", f"{record['ReferenceSDDocument']}|{item}")
    if source is not None:
        material = material or str(source["Material"])
        billed = Decimal(str(source["BillingQuantity"]))
        price = Decimal(str(source["NetAmount"])) / billed if billed else Decimal(0)
    if not material:
        raise Refusal(400, "SLS_LORD/042", "Enter a value for Material", "Material")
    if draft.get("A_Product", material) is None:
        raise Refusal(400, "SLS_LORD/013", f"Material {material} is not defined", "Material")
    if source is None:
        prices = draft.children("A_ProductValuation", material)
        price = Decimal(str(prices[0]["StandardPrice"])) if prices else Decimal(0)
    net = amount(price * units, currency or "USD")
    extra = {"ConfdDelivQtyInOrderQtyUnit": quantity(units), "Subtotal1Amount": net} if entity.name == "A_SalesOrderItem" else {}
    return {**record, "Material": material, "NetAmount": net, **extra}


# business partners


def _names(record: Record) -> Record:
    if record.get("BusinessPartnerCategory") == "1":
        name = f"{record.get('FirstName', '')} {record.get('LastName', '')}".strip()
    else:
        name = " ".join(part for place in "1234" if (part := str(record.get(f"OrganizationBPName{place}") or "")))
    return {"BusinessPartnerFullName": name[:81], "BusinessPartnerName": name[:81]}


def _renamed(draft: Draft, record: Record) -> Record:
    """The customer shows its partner's name."""
    customer = draft.get("A_Customer", str(record["Customer"])) if record.get("Customer") else None
    if customer is not None:
        draft.put("A_Customer", {
            **customer, "CustomerName": record["BusinessPartnerName"][:80], "CustomerFullName": record["BusinessPartnerFullName"]})
    return record


def _create_partner(draft: Draft, service: Service, values: Record, deep: dict[str, list[Any]]) -> Record:
    entity = SETS["A_BusinessPartner"]
    if values.get("BusinessPartnerCategory") not in ("1", "2", "3"):
        raise Refusal(400, "R11/401", "Enter a valid business partner category", "BusinessPartnerCategory")
    required = {"1": "LastName", "2": "OrganizationBPName1"}.get(str(values["BusinessPartnerCategory"]))
    if required and not values.get(required):
        raise Refusal(400, "R11/402", f"Enter a value for {required}", required)
    number = str(values.get("BusinessPartner") or draft.number("A_BusinessPartner", 17_900_001))
    if draft.get(entity.name, number) is not None:
        raise Refusal(400, "R11/124", f"Business partner {number} already exists", "BusinessPartner")
    roles = {str(row.get("BusinessPartnerRole")) for row in deep.get("to_BusinessPartnerRole", []) if isinstance(row, dict)}
    customer_data = deep.pop("to_Customer", [])
    is_customer = bool(customer_data) or bool(roles & {"FLCU00", "FLCU01"})
    record = {
        **empty(entity), **values, "BusinessPartner": number, "Customer": number if is_customer else "",
        "BusinessPartnerUUID": guid(f"business partner {number}"), "CreatedByUser": draft.user, "CreationDate": day(draft.now),
        "CreationTime": clock_time(draft.now), "ETag": f"{draft.user}{draft.now:%Y%m%d%H%M%S}",
    }
    record |= _names(record)
    draft.put(entity.name, record)
    if is_customer:
        customer: Record = {
            **empty(SETS["A_Customer"]), "Customer": number, "CustomerAccountGroup": "CUST", "CustomerName": record["BusinessPartnerName"][:80],
            "CustomerFullName": record["BusinessPartnerFullName"], "CreationDate": day(draft.now), "CreatedByUser": draft.user}
        inner: dict[str, list[Any]] = {}
        for row in customer_data[:1]:
            given, inner = _values(SETS["A_Customer"], row)
            customer |= {**given, "Customer": number}
        draft.put("A_Customer", customer)
        for name, rows in inner.items():
            for row in rows:
                create(draft, service, SETS[SETS["A_Customer"].navigations[name].target], row, {"Customer": number})
    for name, rows in deep.items():
        link = entity.navigations[name]
        for row in rows:
            create(draft, service, SETS[link.target], row, link.shared(record))
    return record


def _complete(draft: Draft, entity: EntitySet, record: Record, values: Record) -> None:
    """What the system itself fills in for a new record."""
    name = entity.name
    if name == "A_BusinessPartnerAddress":
        record["AddressID"] = values.get("AddressID") or draft.number(name, 29_000_001)
        record |= {"AddressUUID": guid(f"address {record['AddressID']}"), "ValidityStartDate": record["ValidityStartDate"] or moment(draft.now),
                   "ValidityEndDate": record["ValidityEndDate"] or FOREVER}
    elif name in _ADDRESS_PARTS:
        if "OrdinalNumber" in record:
            record["OrdinalNumber"] = values.get("OrdinalNumber") or "1"
        if name == "A_AddressPhoneNumber":
            record["PhoneNumberType"] = values.get("PhoneNumberType") or "1"
        if "ValidityStartDate" in record:
            record["ValidityStartDate"] = record["ValidityStartDate"] or ("/Date(-62135596800000)/" if name == "A_AddressHomePageURL" else moment(draft.now))
        if "ValidityEndDate" in record:
            record["ValidityEndDate"] = record["ValidityEndDate"] or FOREVER
    elif name == "A_BusinessPartnerRole":
        record |= {"ValidFrom": record["ValidFrom"] or moment(draft.now), "ValidTo": record["ValidTo"] or FOREVER}
    elif name in ("A_BusinessPartnerContact", "A_BPRelationship"):
        record["RelationshipNumber"] = values.get("RelationshipNumber") or draft.number("relationship", 900_001)
        record |= {"ValidityEndDate": record["ValidityEndDate"] or FOREVER_DAY, "ValidityStartDate": record["ValidityStartDate"] or day(draft.now),
                   "RelationshipCategory": record["RelationshipCategory"] or "BUR001"}
    elif name in ("A_CustomerCompany", "A_CustomerSalesArea"):
        if draft.get("A_Customer", str(record["Customer"])) is None:
            raise Refusal(400, "F2/153", f"Customer {record['Customer']} does not exist", "Customer")
        if name == "A_CustomerCompany":
            record["CustomerAccountGroup"] = "CUST"
    elif name == "A_Product":
        record |= {"CreationDate": day(draft.now), "CreatedByUser": draft.user}
    elif name in _HEADER_OF:
        _complete_item(draft, entity, record, values)


def _complete_item(draft: Draft, entity: EntitySet, record: Record, values: Record) -> None:
    """An item posted by itself: its header must exist; it takes the next number and its header's currency."""
    header = SETS[_HEADER_OF[entity.name]]
    held = draft.get(header.name, str(record.get(header.key[0]) or ""))
    if held is None:
        raise Refusal(400, "SLS_LORD/018", f"{header.key[0]} {record.get(header.key[0])} does not exist", header.key[0])
    if header.name in _DOCUMENTS and entity.name == _DOCUMENTS[header.name][0]:
        taken = [int(row[entity.key[1]]) for row in draft.children(entity.name, str(record[header.key[0]]))]
        record[entity.key[1]] = values.get(entity.key[1]) or str(max(taken, default=0) // 10 * 10 + 10)
        record["TransactionCurrency"] = held["TransactionCurrency"]
        record["RequestedQuantityUnit"] = values.get("RequestedQuantityUnit") or "PC"
        record |= {name: "A" for name in ("SDProcessStatus", "DeliveryStatus", "OrderRelatedBillingStatus") if name in entity.properties}

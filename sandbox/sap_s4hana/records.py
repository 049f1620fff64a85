"""The world's rows as this tenant's master records and sales documents. Receivables are in `receivables`; no HTTP here.

What an installation decides (company, sales area, block and status codes) stands at the top.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.sap_s4hana.catalogue import SETS
from sandbox.sap_s4hana.ids import native_id
from sandbox.sap_s4hana.wire import amount, clock_time, day, empty, guid, key_text, moment, quantity
from sandbox.world.model import INTEGRATION_ACTOR, Contact, Customer, Line, Order, Product, Return, Row, Shipment, View

Change = tuple[str, str, Record | None]  # set, id, record or None where it is gone

FOREVER_DAY = "/Date(253402214400000)/"
FOREVER = "/Date(253402300799000+0000)/"
BLOCKED = "01"
CHANNEL, DIVISION = "10", "00"
LANGUAGE = "EN"

# (approval, processing, delivery, billing, rejection) by neutral status
_ORDER: dict[str, tuple[str, str, str, str, str]] = {
    "pending_approval": ("A", "A", "A", "A", "A"), "pending_fulfillment": ("", "A", "A", "A", "A"),
    "partially_fulfilled": ("", "B", "B", "A", "A"), "pending_billing": ("", "B", "C", "A", "A"),
    "billed": ("", "C", "C", "C", "A"), "closed": ("", "C", "C", "", "B"), "cancelled": ("", "C", "", "", "C"),
}
# (picking, goods movement, proof of delivery, processing, block)
_SHIPMENT: dict[str, tuple[str, str, str, str, str]] = {
    "planned": ("A", "A", "A", "A", ""), "picked": ("C", "A", "A", "B", ""), "shipped": ("C", "C", "A", "B", ""),
    "delivered": ("C", "C", "C", "C", ""), "cancelled": ("A", "A", "", "C", "C"),
}
# (approval, processing, logistics, compensation, document, rejection)
_RETURN: dict[str, tuple[str, str, str, str, str, str]] = {
    "requested": ("A", "A", "A", "A", "A", "A"), "approved": ("B", "B", "A", "A", "A", "A"), "received": ("B", "B", "C", "A", "B", "A"),
    "credited": ("B", "C", "C", "C", "C", "A"), "rejected": ("C", "C", "", "", "C", "C"),
}


@dataclass(frozen=True)
class Organisation:
    """The legal entity and the sales area that the tenant's documents belong to."""

    company_code: str = "1710"
    company_name: str = "Company Code 1710"
    sales_organization: str = "1710"
    country: str = "US"
    currency: str = "USD"
    plant: str = "1710"
    credit_segment: str = "1000"
    technical_user: str = "CC0000000001"  # what the communication user's changes carry
    pads_references: bool = True  # deliveries and accounting items show references to other documents with leading zeros


EMPTY: dict[str, Record] = {name: empty(entity) for name, entity in SETS.items()}


def user_of(actor: str, organisation: Organisation) -> str:
    if actor == INTEGRATION_ACTOR:
        return organisation.technical_user
    kind, _, number = actor.partition(":")
    return native_id("agent", number) if kind == "user" and number.isdigit() else "SAP_SYSTEM"


def terms_code(days: int) -> str:
    return f"NT{days:02d}"


def entry(name: str, row: Row | None, values: Record) -> Change:
    """A record of the set; a row's drifted fields are merged last, and a hidden row stays hidden."""
    record: Record = {**EMPTY[name], **values}
    if row is not None and row.hidden:
        record["_hidden"] = True
    return name, key_text(SETS[name], record), record


def main_entry(name: str, row: Row, values: Record) -> Change:
    set_name, id, record = entry(name, row, values)
    return set_name, id, {**(record or {}), **row.extra}


def gone(name: str, id: str) -> Change:
    return name, id, None


def fixed(organisation: Organisation) -> Iterator[Change]:
    """What a tenant has before any customer: its company and its sales organization."""
    yield entry("A_CompanyCode", None, {
        "CompanyCode": organisation.company_code, "CompanyCodeName": organisation.company_name[:25], "CityName": "Palo Alto",
        "Company": organisation.company_code, "Country": organisation.country, "Currency": organisation.currency, "Language": LANGUAGE,
        "ChartOfAccounts": "YCOA", "CreditControlArea": "A000", "ControllingArea": "A000", "FiscalYearVariant": "K4",
    })
    yield entry("A_SalesOrganization", None, {
        "SalesOrganization": organisation.sales_organization, "SalesOrganizationCurrency": organisation.currency,
        "CompanyCode": organisation.company_code,
    })
    yield entry("A_SalesOrganizationText", None, {
        "SalesOrganization": organisation.sales_organization, "Language": LANGUAGE,
        "SalesOrganizationName": f"Sales Org. {organisation.sales_organization}"[:20],
    })


# business partners


def _partner(row: Row, number: str, values: Record, organisation: Organisation) -> Record:
    changed = row.updated_at > row.created_at
    return {
        "BusinessPartner": number, "BusinessPartnerUUID": guid(f"business partner {number}"), "CorrespondenceLanguage": LANGUAGE,
        "Language": LANGUAGE, "CreatedByUser": user_of("system", organisation), "CreationDate": day(row.created_at),
        "CreationTime": clock_time(row.created_at), "LastChangeDate": day(row.updated_at) if changed else None,
        "LastChangeTime": clock_time(row.updated_at if changed else None),
        "LastChangedByUser": user_of(row.actor, organisation) if changed else "", "IsMarkedForArchiving": row.removed,
        "ETag": f"{user_of(row.actor, organisation)}{row.updated_at:%Y%m%d%H%M%S}", **values,
    }


def customer_changes(row: Customer, view: View, organisation: Organisation) -> Iterator[Change]:
    number, address = native_id("customer", row.key), native_id("address", row.key)
    names = [row.name[start : start + 40] for start in range(0, 160, 40)]
    area = {
        "Customer": number, "SalesOrganization": organisation.sales_organization, "DistributionChannel": CHANNEL, "Division": DIVISION}
    yield main_entry("A_BusinessPartner", row, _partner(row, number, {
        "Customer": number, "BusinessPartnerCategory": "2", "BusinessPartnerGrouping": "BP03", "BusinessPartnerFullName": row.name[:81],
        "BusinessPartnerName": row.name[:81], "OrganizationBPName1": names[0], "OrganizationBPName2": names[1],
        "OrganizationBPName3": names[2], "OrganizationBPName4": names[3], "SearchTerm1": row.name[:20].upper(),
        "BusinessPartnerIDByExtSystem": view.peer("crm", "customer", row.erp_customer, row.key),
        "BusinessPartnerIsBlocked": not row.is_active,
    }, organisation))
    for role in ("FLCU00", "FLCU01"):
        yield entry("A_BusinessPartnerRole", row, {
            "BusinessPartner": number, "BusinessPartnerRole": role, "ValidFrom": moment(row.created_at), "ValidTo": FOREVER})
    if row.tax_id:
        yield entry("A_BusinessPartnerTaxNumber", row, {
            "BusinessPartner": number, "BPTaxType": f"{row.country}0", "BPTaxNumber": row.tax_id[:20]})
    yield entry("A_BusinessPartnerAddress", row, {
        "BusinessPartner": number, "AddressID": address, "ValidityStartDate": moment(row.created_at), "ValidityEndDate": FOREVER,
        "AddressUUID": guid(f"address {address}"), "AddressTimeZone": "UTC", "CityName": row.city[:40], "Country": row.country,
        "County": row.region[:40] if len(row.region) > 3 else "", "FullName": row.name[:80], "Language": LANGUAGE,
        "PostalCode": row.postcode[:10], "Region": row.region if len(row.region) <= 3 else "", "StreetName": row.street[:60],
    })
    yield entry("A_BuPaAddressUsage", row, {
        "BusinessPartner": number, "AddressID": address, "AddressUsage": "XXDEFAULT", "ValidityStartDate": moment(row.created_at),
        "ValidityEndDate": FOREVER, "StandardUsage": True})
    if row.email:
        yield email_entry(row, address, "", row.email)
    if row.phone:
        yield phone_entry(row, address, "", row.phone)
    if row.domain:
        yield entry("A_AddressHomePageURL", row, {
            "AddressID": address, "Person": "", "OrdinalNumber": "1", "ValidityStartDate": "/Date(-62135596800000)/",
            "IsDefaultURLAddress": True, "WebsiteURL": f"https://{row.domain}", "URLFieldLength": len(f"https://{row.domain}"),
            "SearchURLAddress": row.domain[:50].upper(),
        })
    yield entry("A_Customer", row, {
        "Customer": number, "CustomerAccountGroup": "CUST", "CustomerName": row.name[:80], "CustomerFullName": row.name,
        "OrderIsBlockedForCustomer": BLOCKED if row.credit_hold else "", "DeletionIndicator": row.removed,
        "VATRegistration": row.tax_id[:20], "TaxNumber1": row.tax_id[:16], "CreationDate": day(row.created_at),
        "CreatedByUser": user_of("system", organisation),
    })
    yield entry("A_CustomerCompany", row, {
        "Customer": number, "CompanyCode": organisation.company_code, "ReconciliationAccount": "12100000",
        "PaymentTerms": terms_code(row.terms_days), "CustomerAccountGroup": "CUST", "DeletionIndicator": row.removed,
        "CustomerHeadOffice": native_id("customer", row.parent) if row.parent is not None else "",
    })
    yield entry("A_CustomerDunning", row, {
        "Customer": number, "CompanyCode": organisation.company_code, "DunningLevel": "1" if row.overdue_days > 30 else "0",
        "DunningProcedure": "0001", "CustomerAccountGroup": "CUST"})
    yield entry("A_CustomerSalesArea", row, {
        **area, "Currency": row.currency, "CustomerPaymentTerms": terms_code(row.terms_days), "CreditControlArea": "A000",
        "ShippingCondition": "01", "CustomerGroup": "01", "DeletionIndicator": row.removed})
    for function in ("SP", "SH", "BP", "PY"):
        yield entry("A_CustSalesPartnerFunc", row, {**area, "PartnerCounter": "0", "PartnerFunction": function, "BPCustomerNumber": number})
    yield entry("CreditManagementAccount", row, {
        "BusinessPartner": number, "CreditSegment": organisation.credit_segment, "CreditLimitAmount": amount(row.credit_limit, row.currency),
        "CreditLimitIsZero": row.credit_limit == 0, "CreditSegmentCurrency": row.currency, "CreditLimitLastChangeDate": day(row.updated_at)})


def email_entry(row: Row, address: str, person: str, email: str) -> Change:
    return entry("A_AddressEmailAddress", row, {
        "AddressID": address, "Person": person, "OrdinalNumber": "1", "IsDefaultEmailAddress": True, "EmailAddress": email,
        "SearchEmailAddress": email[:20].upper()})


def phone_entry(row: Row, address: str, person: str, phone: str) -> Change:
    return entry("A_AddressPhoneNumber", row, {
        "AddressID": address, "Person": person, "OrdinalNumber": "1", "IsDefaultPhoneNumber": True, "PhoneNumber": phone[:30],
        "InternationalPhoneNumber": phone[:30], "PhoneNumberType": "1"})


def contact_changes(row: Contact, view: View, organisation: Organisation) -> Iterator[Change]:
    person, company = native_id("contact", row.key), native_id("customer", row.customer)
    relationship, address = native_id("relationship", row.key), str(25_000_000 + row.key)
    since = {"RelationshipNumber": relationship, "ValidityEndDate": FOREVER_DAY}
    link = {**since, "BusinessPartnerCompany": company, "BusinessPartnerPerson": person}
    start, name = day(row.created_at), f"{row.first_name} {row.last_name}".strip()
    links = {"A_BusinessPartnerContact": link, "A_BPContactToAddress": {**link, "AddressID": address}, "A_BPContactToFuncAndDept": link,
             "A_BPRelationship": {**since, "BusinessPartner1": company, "BusinessPartner2": person}}
    yield main_entry("A_BusinessPartner", row, _partner(row, person, {
        "BusinessPartnerCategory": "1", "BusinessPartnerGrouping": "BP02", "BusinessPartnerFullName": name[:81],
        "BusinessPartnerName": name[:81], "FirstName": row.first_name[:40], "LastName": row.last_name[:40],
        "SearchTerm1": row.last_name[:20].upper(), "BusinessPartnerIDByExtSystem": view.peer("crm", "contact", row.key, row.customer)[:20],
    }, organisation))
    if row.removed:  # the person stays, marked for archiving; the relationship ends
        for set_name, key in links.items():
            yield gone(set_name, key_text(SETS[set_name], key))
        return
    yield entry("A_BusinessPartnerRole", row, {
        "BusinessPartner": person, "BusinessPartnerRole": "BUP001", "ValidFrom": moment(row.created_at), "ValidTo": FOREVER})
    yield entry("A_BusinessPartnerContact", row, {
        **link, "ValidityStartDate": start, "IsStandardRelationship": False, "RelationshipCategory": "BUR001"})
    yield entry("A_BPRelationship", row, {
        **links["A_BPRelationship"], "ValidityStartDate": start, "RelationshipCategory": "BUR001", "CreationDate": start,
        "CreatedByUser": user_of("system", organisation), "CreationTime": clock_time(row.created_at)})
    yield entry("A_BPContactToFuncAndDept", row, {
        **link, "ContactPersonFunctionName": row.title[:40], "EmailAddress": row.email, "PhoneNumber": row.phone[:30],
        "RelationshipCategory": "BUR001"})
    yield entry("A_BPContactToAddress", row, {
        **links["A_BPContactToAddress"], "Person": person, "FullName": name[:80], "IsDefaultAddress": True})
    if row.email:
        yield email_entry(row, address, person, row.email)
    if row.phone:
        yield phone_entry(row, address, person, row.phone)


def product_changes(row: Product, view: View, organisation: Organisation) -> Iterator[Change]:
    number, changed = native_id("product", row.key), row.updated_at > row.created_at
    unit = "EA" if row.is_recurring else "PC"
    yield main_entry("A_Product", row, {
        "Product": number, "ProductType": "SERV" if row.is_recurring else "HAWA", "BaseUnit": unit, "ProductGroup": "P001" if row.is_recurring else "L001",
        "ProductOldID": row.sku[:40], "CrossPlantStatus": "" if row.is_active else BLOCKED, "IsMarkedForDeletion": row.removed,
        "ItemCategoryGroup": "LEIS" if row.is_recurring else "NORM", "Division": DIVISION, "WeightUnit": "KG", "GrossWeight": "0.000",
        "NetWeight": "0.000", "ProductHierarchy": row.tier[:18], "CreationDate": day(row.created_at),
        "CreatedByUser": user_of("system", organisation), "LastChangeDate": day(row.updated_at) if changed else None,
        "LastChangedByUser": user_of(row.actor, organisation) if changed else "",
        "LastChangeDateTime": moment(row.updated_at) if changed else None,
    })
    yield entry("A_ProductDescription", row, {"Product": number, "Language": LANGUAGE, "ProductDescription": row.name[:40]})
    yield entry("A_ProductSalesDelivery", row, {
        "Product": number, "ProductSalesOrg": organisation.sales_organization, "ProductDistributionChnl": CHANNEL, "BaseUnit": unit,
        "ItemCategoryGroup": "LEIS" if row.is_recurring else "NORM", "IsMarkedForDeletion": row.removed})
    yield entry("A_ProductPlant", row, {"Product": number, "Plant": organisation.plant, "ProfitCenter": "YB110", "IsMarkedForDeletion": row.removed})
    yield entry("A_ProductUnitsOfMeasure", row, {
        "Product": number, "AlternativeUnit": unit, "QuantityNumerator": "1", "QuantityDenominator": "1", "BaseUnit": unit})
    yield entry("A_ProductValuation", row, {
        "Product": number, "ValuationArea": organisation.plant, "PriceDeterminationControl": "S", "ValuationClass": "3100",
        "StandardPrice": amount(row.unit_price, row.currency), "PriceUnitQty": "1", "MovingAveragePrice": amount(row.unit_price, row.currency),
        "Currency": row.currency, "BaseUnit": unit, "IsMarkedForDeletion": row.removed})


# sales documents


def sales_area(organisation: Organisation) -> Record:
    return {"SalesOrganization": organisation.sales_organization, "DistributionChannel": CHANNEL, "OrganizationDivision": DIVISION}


def stamps(row: Row, organisation: Organisation) -> Record:
    return {
        "CreationDate": day(row.created_at), "CreatedByUser": user_of(row.actor if row.actor == INTEGRATION_ACTOR else "system", organisation),
        "LastChangeDate": day(row.updated_at), "LastChangeDateTime": moment(row.updated_at)}


def item_number(line: Line) -> str:
    return str(line.number * 10)


def vanished(parent: str, children: tuple[str, ...], id: str, held: Any) -> Iterator[Change]:
    """A deleted document goes with everything under it. `held(child, id)`: the ids of the children that the tenant keeps of it."""
    for child in children:
        for child_id in held(child, id):
            yield gone(child, child_id)
    yield gone(parent, id)


def order_changes(row: Order, view: View, organisation: Organisation) -> Iterator[Change]:
    number, currency = native_id("order", row.key), row.currency
    approval, process, delivery, billing, rejection = _ORDER.get(row.status, ("", row.status, "A", "A", "A"))
    wanted = row.order_date + timedelta(days=7)
    yield main_entry("A_SalesOrder", row, {
        "SalesOrder": number, "SalesOrderType": "OR", **sales_area(organisation), "SoldToParty": native_id("customer", row.customer),
        **stamps(row, organisation), "ExternalDocumentID": row.number[:40],
        "PurchaseOrderByCustomer": view.peer("crm", "opportunity", row.opportunity, row.customer)[:35],
        "CustomerPurchaseOrderDate": day(row.order_date), "SalesOrderDate": day(row.order_date), "RequestedDeliveryDate": day(wanted),
        "PricingDate": day(row.order_date), "TotalNetAmount": amount(row.subtotal, currency), "TransactionCurrency": currency,
        "CustomerPaymentTerms": "NT30", "ShippingCondition": "01", "OverallSDProcessStatus": process, "OverallDeliveryStatus": delivery,
        "OverallTotalDeliveryStatus": delivery, "OverallOrdReltdBillgStatus": billing, "TotalCreditCheckStatus": "A",
        "OverallSDDocumentRejectionSts": rejection, "SalesDocApprovalStatus": approval,
    })
    yield entry("A_SalesOrderHeaderPartner", row, {"SalesOrder": number, "PartnerFunction": "SP", "Customer": native_id("customer", row.customer)})
    for line in row.lines:
        key = {"SalesOrder": number, "SalesOrderItem": item_number(line)}
        confirmed = quantity(line.quantity)
        yield entry("A_SalesOrderItem", row, {
            **key, "SalesOrderItemCategory": "TAN", "SalesOrderItemText": line.description[:40],
            "Material": native_id("product", line.product), "RequestedQuantity": confirmed, "RequestedQuantityUnit": "PC",
            "ConfdDelivQtyInOrderQtyUnit": confirmed, "TransactionCurrency": currency, "NetAmount": amount(line.amount, currency),
            "TaxAmount": amount(line.tax, currency), "CostAmount": amount(Decimal(0), currency),
            "Subtotal1Amount": amount(line.amount, currency), "ProductionPlant": organisation.plant, "ShippingPoint": organisation.plant,
            "SalesDocumentRjcnReason": "00" if rejection == "C" else "", "SDProcessStatus": process, "DeliveryStatus": delivery,
            "OrderRelatedBillingStatus": billing,
        })
        delivered = confirmed if delivery == "C" else "0"
        yield entry("A_SalesOrderScheduleLine", row, {
            **key, "ScheduleLine": "1", "RequestedDeliveryDate": day(wanted), "ConfirmedDeliveryDate": day(wanted), "OrderQuantityUnit": "PC",
            "ScheduleLineOrderQuantity": confirmed, "ConfdOrderQtyByMatlAvailCheck": confirmed, "DeliveredQtyInOrderQtyUnit": delivered,
            "OpenConfdDelivQtyInOrdQtyUnit": "0" if delivery == "C" else confirmed})


def follows_order(order: int, document: str, category: str, row: Row) -> Change:
    return entry("A_SalesOrderSubsqntProcFlow", None, {
        "SalesOrder": native_id("order", order), "DocRelationshipUUID": guid(f"{category} {document}"), "SubsequentDocument": document,
        "SubsequentDocumentCategory": category, "ProcessFlowLevel": "00", "CreationDate": day(row.created_at),
        "CreationTime": clock_time(row.created_at), "LastChangeDate": day(row.updated_at)})


def delivery_changes(row: Shipment, view: View, organisation: Organisation) -> Iterator[Change]:
    number, customer = native_id("shipment", row.key), native_id("customer", row.customer)
    picking, movement, proof, process, block = _SHIPMENT.get(row.status, ("A", row.status, "A", "A", ""))
    changed = row.updated_at > row.created_at
    last = day(row.updated_at) if changed else None
    version = {"DeliveryVersion": f"{int(row.updated_at.timestamp()) % 10_000:04d}"}
    yield main_entry("A_OutbDeliveryHeader", row, {
        "DeliveryDocument": number, "DeliveryDocumentType": "LF", "SalesOrganization": organisation.sales_organization,
        "ShippingPoint": organisation.plant, "SoldToParty": _reference(customer, organisation), "ShipToParty": _reference(customer, organisation),
        "DocumentDate": day(row.created_at), "DeliveryDate": day(row.planned_date), "PlannedGoodsIssueDate": day(row.planned_date),
        "PickingDate": day(row.planned_date), "LoadingDate": day(row.planned_date), "TransportationPlanningDate": day(row.planned_date),
        "ActualGoodsMovementDate": day(row.shipped_at), "ActualGoodsMovementTime": clock_time(row.shipped_at),
        "ProofOfDeliveryDate": day(row.delivered_at), "BillOfLading": row.tracking_number[:35], "MeansOfTransport": row.carrier[:20],
        "TotalNumberOfPackage": "1", "HeaderGrossWeight": "0", "HeaderWeightUnit": "KG", "OverallSDProcessStatus": process,
        "OverallPickingStatus": picking, "OverallPackingStatus": picking, "OverallGoodsMovementStatus": movement,
        "OverallDelivReltdBillgStatus": "A", "OverallProofOfDeliveryStatus": proof, "TotalCreditCheckStatus": "A", "TotalBlockStatus": block,
        "DeliveryBlockReason": BLOCKED if block else "", "CreatedByUser": user_of("system", organisation), "CreationDate": day(row.created_at),
        "CreationTime": clock_time(row.created_at), "LastChangedByUser": user_of(row.actor, organisation) if changed else "",
        "LastChangeDate": last, **version,
    })
    yield entry("A_OutbDeliveryPartner", row, {"SDDocument": number, "PartnerFunction": "SH", "Customer": customer})
    for line in row.lines:
        item = item_number(line).rjust(6, "0") if organisation.pads_references else item_number(line)
        yield entry("A_OutbDeliveryItem", row, {
            "DeliveryDocument": number, "DeliveryDocumentItem": item, "Material": native_id("product", line.product),
            "DeliveryDocumentItemText": line.description[:40], "OriginalDeliveryQuantity": quantity(line.quantity),
            "ActualDeliveryQuantity": "0" if row.status == "cancelled" else quantity(line.quantity), "DeliveryQuantityUnit": "PC",
            "Plant": organisation.plant, "PickingStatus": picking, "GoodsMovementStatus": movement, "DeliveryRelatedBillingStatus": "A",
            "ReferenceSDDocument": _reference(native_id("order", row.order), organisation), "ReferenceSDDocumentItem": item,
            "LastChangeDate": last, **version,
        })
        yield entry("A_OutbDeliveryDocFlow", None, {
            "PrecedingDocument": number, "PrecedingDocumentItem": item, "PrecedingDocumentCategory": "J", "SubsequentDocumentCategory": "R",
            "Subsequentdocument": f"49{row.key:08d}" if movement == "C" else "", "Deliveryversion": version["DeliveryVersion"]})
    yield follows_order(row.order, number, "J", row)


def _reference(number: str, organisation: Organisation) -> str:
    return number.rjust(10, "0") if organisation.pads_references else number


def return_changes(row: Return, view: View, organisation: Organisation) -> Iterator[Change]:
    number, currency = native_id("return", row.key), row.currency
    approval, process, logistics, compensation, document, rejection = _RETURN.get(row.status, ("", row.status, "A", "A", "A", "A"))
    by_invoice = row.invoice is not None
    reference = native_id("invoice", row.invoice) if row.invoice is not None else native_id("order", row.order)
    statuses = {"RetsMgmtProcessingStatus": process, "RetsMgmtLogProcgStatus": logistics, "RetsMgmtCompnProcgStatus": compensation}
    yield main_entry("A_CustomerReturn", row, {
        "CustomerReturn": number, "CustomerReturnType": "CBAR", **sales_area(organisation), **stamps(row, organisation),
        "SoldToParty": native_id("customer", row.customer), "PurchaseOrderByCustomer": view.peer("support", "ticket", row.ticket, row.customer)[:35],
        "CustomerReturnDate": day(row.created_at), "SDDocumentReason": "001", "TotalNetAmount": amount(row.amount, currency),
        "TransactionCurrency": currency, "ReferenceSDDocument": reference, "ReferenceSDDocumentCategory": "M" if by_invoice else "C",
        "RetsMgmtProcess": number, **statuses, "SalesDocApprovalStatus": approval, "OverallSDProcessStatus": document,
        "OverallSDDocumentRejectionSts": rejection,
    })
    yield entry("A_CustomerReturnPartner", row, {"CustomerReturn": number, "PartnerFunction": "SP", "Customer": native_id("customer", row.customer)})
    yield entry("A_CustomerReturnOverviewStatus", row, {"RetsMgmtProcess": number, "ReturnsDocument": number, **statuses})
    for line in row.lines:
        item = item_number(line)
        yield entry("A_CustomerReturnItem", row, {
            "CustomerReturn": number, "CustomerReturnItem": item, "CustomerReturnItemCategory": "CBXN",
            "CustomerReturnItemText": line.description[:40], "Material": native_id("product", line.product),
            "RequestedQuantity": quantity(line.quantity), "RequestedQuantityUnit": "PC", "TransactionCurrency": currency,
            "NetAmount": amount(line.amount, currency), "ProductionPlant": organisation.plant, "RetsMgmtProcess": number,
            "RetsMgmtProcessItem": item, "ReturnReason": row.reason[:3].strip().upper(), "CustRetItmFollowUpActivity": "0001",
            "ReturnsMaterialHasBeenReceived": "X" if row.received_at else "", "ReturnsRefundType": "1", "ReturnsRefundExtent": "100",
            "SalesDocumentRjcnReason": "00" if rejection == "C" else "", "CustRetMatlAuthzn": row.number[:20],
            "RetsMgmtItmProcgStatus": process if len(process) == 1 else "A", "ReturnsDocumentStatus": document, "SDProcessStatus": document,
            "ReferenceSDDocument": reference, "ReferenceSDDocumentItem": item,
        })
        steps = [("03", native_id("return_delivery", row.key))] if row.received_at else []
        steps += [("04", native_id("credit_note", row.credit_note))] if row.credit_note is not None else []
        for place, (kind, follower) in enumerate(steps, 1):
            yield entry("A_CustomerReturnProcessStep", None, {
                "RetsMgmtProcess": number, "RetsMgmtProcessItem": item, "RetsMgmtProcItmQtySplit": "1", "RetsMgmtProcessStep": f"{place:04d}",
                "ReturnsDocumentType": kind, "ReturnsDocument": follower, "ReturnsDocumentItem": item, "ReturnsDocumentStatus": "C",
                "RetsMgmtProcStepExecStatus": "C"})
    yield from _return_delivery(row, organisation)
    yield follows_order(row.order, number, "H", row)


def _return_delivery(row: Return, organisation: Organisation) -> Iterator[Change]:
    if row.received_at is None:
        return
    number, customer = native_id("return_delivery", row.key), native_id("customer", row.customer)
    version = {"LastChangeDate": day(row.received_at), "DeliveryVersion": "0001"}
    yield entry("A_ReturnsDeliveryHeader", row, {
        "DeliveryDocument": number, "DeliveryDocumentType": "LR", "SalesOrganization": organisation.sales_organization,
        "SoldToParty": customer, "ShipToParty": customer, "DocumentDate": day(row.received_at), "DeliveryDate": day(row.received_at),
        "ActualGoodsMovementDate": day(row.received_at), "ActualGoodsMovementTime": clock_time(row.received_at),
        "OverallSDProcessStatus": "C", "OverallGoodsMovementStatus": "C", "CreatedByUser": user_of("system", organisation),
        "CreationDate": day(row.received_at), "CreationTime": clock_time(row.received_at), **version})
    for line in row.lines:
        yield entry("A_ReturnsDeliveryItem", None, {
            "DeliveryDocument": number, "DeliveryDocumentItem": item_number(line), "Material": native_id("product", line.product),
            "DeliveryDocumentItemText": line.description[:40], "ActualDeliveryQuantity": quantity(line.quantity), "DeliveryQuantityUnit": "PC",
            "GoodsMovementStatus": "C", "ReferenceSDDocument": native_id("return", row.key), "ReferenceSDDocumentItem": item_number(line),
            **version})

"""What the org itself does with a write: fields that it derives, states that it guards, rows that follow from the written one.

Belongs here: the rules of single objects. Does not belong here: types and permissions of fields (records), routes, the world's rows.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sandbox.protocol import Record
from sandbox.salesforce.catalogue import SObject
from sandbox.salesforce.org import INTEGRATION_USER, ApiError, Org
from sandbox.salesforce.sales_objects import CONTRACT_STATUS_CODES, ORDER_STATUS_CODES, STAGES
from sandbox.salesforce.service_objects import CASE_STATUSES
from sandbox.salesforce.soql import parse_stamp

Derivation = Callable[[Org, Record, Record | None, Record], None]  # org, the row to be, the row before, the fields given

CLOSED_CASE_STATUSES = frozenset(label for label, is_closed in CASE_STATUSES if is_closed)
HISTORY_FIELDS = {  # field of the case -> its name in the history, its type there
    "Status": ("Status", "DynamicEnum"),
    "Priority": ("Priority", "DynamicEnum"),
    "Type": ("Type", "DynamicEnum"),
    "OwnerId": ("Owner", "EntityId"),
    "Subject": ("Subject", "Text"),
    "Credit_Hold__c": ("Credit_Hold__c", "Boolean"),
    "Lapsed_Cover__c": ("Lapsed_Cover__c", "Boolean"),
}


def contract_end(start: date, months: int) -> date:
    """The last day of a contract of so many months."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=1)


def stamped(org: Org, record: Record, *, creating: bool) -> Record:
    at = org.stamp()
    trail = {"LastModifiedDate": at, "LastModifiedById": INTEGRATION_USER, "SystemModstamp": at}
    return {**record, **({"CreatedDate": at, "CreatedById": INTEGRATION_USER} if creating else {}), **trail}


def derive(org: Org, sobject: SObject, record: Record, before: Record | None, given: Record) -> None:
    """Complete the row that a write is to leave behind. Raises `ApiError` where a state does not allow the write."""
    rule = _DERIVATIONS.get(sobject.name)
    if rule is not None:
        rule(org, record, before, given)


def _integrity(message: str, *fields: str) -> ApiError:
    return ApiError(400, "FIELD_INTEGRITY_EXCEPTION", message, list(fields))


# --- sales ---


def _contact(org: Org, record: Record, before: Record | None, given: Record) -> None:
    record["Name"] = f"{record.get('FirstName') or ''} {record['LastName']}".strip()


def _opportunity(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if before is None or "StageName" in given:
        stage = next((item for item in STAGES if item[0] == record["StageName"]), None)
        _, probability, closed, won, forecast = stage or (record["StageName"], 0, False, False, "Pipeline")
        if "Probability" not in given:
            record["Probability"] = float(probability)
        record |= {"IsClosed": closed, "IsWon": won, "ForecastCategory": forecast, "ForecastCategoryName": forecast}
        record.setdefault("HasOpportunityLineItem", False)
        if before is not None and before["StageName"] != record["StageName"]:
            record["LastStageChangeDate"] = org.stamp()
    record |= fiscal(date.fromisoformat(record["CloseDate"]))
    if record.get("Amount") is not None:
        record["ExpectedRevenue"] = round(record["Amount"] * (record.get("Probability") or 0) / 100, 2)


def fiscal(day: date) -> Record:
    quarter = (day.month + 2) // 3
    return {"Fiscal": f"{day.year} {quarter}", "FiscalQuarter": quarter, "FiscalYear": day.year}


def _contract(org: Org, record: Record, before: Record | None, given: Record) -> None:
    status = record.get("Status") or "Draft"
    if before is None and status not in ("Draft", "In Approval Process"):
        raise ApiError(400, "FAILED_ACTIVATION", "Choose a valid contract status and save your changes.", ["Status"])
    was_active = before is not None and before.get("StatusCode") == "Activated"
    if was_active:
        frozen = _changed(given, before, ("AccountId", "StartDate", "ContractTerm"))
        if frozen or status in ("Draft", "In Approval Process"):
            raise _integrity("an activated contract does not take this change", *(frozen or ["Status"]))
    record["StatusCode"] = CONTRACT_STATUS_CODES.get(status, status)
    if status == "Activated" and not was_active:
        record |= {"ActivatedDate": org.stamp(), "ActivatedById": INTEGRATION_USER}
    if record.get("StartDate") and record.get("ContractTerm"):
        record["EndDate"] = contract_end(date.fromisoformat(record["StartDate"]), record["ContractTerm"]).isoformat()
    if before is None:
        record["ContractNumber"] = f"{org.store.next_number('salesforce.contract_number', 50_000_000):08d}"


def _changed(given: Record, before: Record | None, names: tuple[str, ...]) -> list[str]:
    return sorted(name for name in names if name in given and given[name] != (before or {}).get(name))


def _order(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if before is None:
        if record["Status"] != "Draft":
            raise ApiError(400, "FAILED_ACTIVATION", "An order must have a draft status when it is created.", ["Status"])
        record |= {"OrderNumber": f"{org.store.next_number('salesforce.order_number', 50_000_000):08d}", "TotalAmount": 0.0}
    was_active = before is not None and before.get("StatusCode") == "Activated"
    if was_active and (frozen := _changed(given, before, ("AccountId", "EffectiveDate", "Pricebook2Id", "CurrencyIsoCode", "ContractId"))):
        raise _integrity("an activated order does not take this change", *frozen)
    record["StatusCode"] = ORDER_STATUS_CODES[record["Status"]]
    if record["StatusCode"] == "Activated" and not was_active:
        if not _members(org, "OrderItem", "OrderId", record.get("Id")):
            raise ApiError(400, "FAILED_ACTIVATION", "An order must have at least one product.", ["Status"])
        record |= {"ActivatedDate": org.stamp(), "ActivatedById": INTEGRATION_USER}
    elif was_active and record["StatusCode"] != "Activated":
        record |= {"ActivatedDate": None, "ActivatedById": None}


def _opportunity_line(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if given.get("UnitPrice") is not None and given.get("TotalPrice") is not None:
        raise _integrity("specify either the sales price or the total price, not both", "UnitPrice", "TotalPrice")
    opportunity = org.row("Opportunity", record["OpportunityId"]) or {}
    if not opportunity.get("Pricebook2Id"):
        raise _integrity("pricebook of the opportunity is not set", "PricebookEntryId")
    quantity = record["Quantity"]
    if given.get("TotalPrice") is not None and quantity:
        record["UnitPrice"] = round(record["TotalPrice"] / quantity, 2)
    elif record.get("UnitPrice") is None:
        raise ApiError(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [UnitPrice]", ["UnitPrice"])
    else:
        record["TotalPrice"] = round(record["UnitPrice"] * quantity, 2)
    entry, product = _priced(org, record)
    record |= {
        "Subtotal": record["TotalPrice"],
        "ListPrice": entry.get("UnitPrice", record["UnitPrice"]),
        "Product2Id": product.get("Id"),
        "ProductCode": product.get("ProductCode"),
        "Name": f"{opportunity.get('Name', '')} {product.get('Name', '')}".strip(),
        "CurrencyIsoCode": opportunity.get("CurrencyIsoCode"),
    }


def _priced(org: Org, record: Record) -> tuple[Record, Record]:
    """The price book entry of a line and its product."""
    entry = org.row("PricebookEntry", record.get("PricebookEntryId") or "") or {}
    return entry, org.row("Product2", record.get("Product2Id") or entry.get("Product2Id") or "") or {}


def _order_line(org: Org, record: Record, before: Record | None, given: Record) -> None:
    order = org.row("Order", record["OrderId"]) or {}
    if not order.get("Pricebook2Id"):
        raise _integrity("pricebook of the order is not set", "PricebookEntryId")
    if order.get("StatusCode") == "Activated":
        raise _integrity("an activated order takes no change of its products", "OrderId")
    entry, product = _priced(org, record)
    if entry.get("Pricebook2Id") != order["Pricebook2Id"]:
        raise _integrity("the price book entry belongs to another price book than the order", "PricebookEntryId")
    record |= {
        "TotalPrice": round(record["UnitPrice"] * record["Quantity"], 2),
        "ListPrice": entry.get("UnitPrice"),
        "AvailableQuantity": record["Quantity"],
        "Product2Id": product.get("Id"),
        "CurrencyIsoCode": order.get("CurrencyIsoCode"),
    }
    if before is None:
        record["OrderItemNumber"] = f"{org.store.next_number('salesforce.order_item_number', 50_000_000):010d}"


def _price(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if before is None:
        product = org.row("Product2", record["Product2Id"]) or {}
        record |= {"Name": product.get("Name"), "ProductCode": product.get("ProductCode")}


# --- service ---


def _asset(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if not record.get("AccountId") and not record.get("ContactId"):
        raise _integrity("Every asset needs an account, a contact, or both.", "AccountId", "ContactId")
    product = org.row("Product2", record.get("Product2Id") or "") or {}
    record |= {"ProductCode": product.get("ProductCode"), "StockKeepingUnit": product.get("StockKeepingUnit")}
    parent = org.row("Asset", record.get("ParentId") or "")
    record["AssetLevel"] = (parent.get("AssetLevel") or 1) + 1 if parent is not None else 1
    if parent is not None:
        record["RootAssetId"] = parent.get("RootAssetId") or parent["Id"]


def _service_contract(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if before is None:
        record["ContractNumber"] = f"{org.store.next_number('salesforce.service_contract_number', 50_000_000):08d}"
    if record.get("StartDate") and record.get("Term") and "EndDate" not in given:
        record["EndDate"] = contract_end(date.fromisoformat(record["StartDate"]), record["Term"]).isoformat()
    record |= service_totals(record, _members(org, "ContractLineItem", "ServiceContractId", record.get("Id")))


def service_totals(contract: Record, lines: list[Record]) -> Record:
    subtotal = round(sum(line.get("Subtotal") or 0 for line in lines), 2)
    total = round(sum(line.get("TotalPrice") or 0 for line in lines), 2)
    return {
        "LineItemCount": len(lines),
        "Subtotal": subtotal,
        "TotalPrice": total,
        "Discount": round(100 * (1 - total / subtotal), 2) if subtotal else 0.0,
        "GrandTotal": round(total + (contract.get("Tax") or 0) + (contract.get("ShippingHandling") or 0), 2),
    }


def _service_contract_line(org: Org, record: Record, before: Record | None, given: Record) -> None:
    entry, product = _priced(org, record)
    subtotal = round(record["UnitPrice"] * record["Quantity"], 2)
    contract = org.row("ServiceContract", record["ServiceContractId"]) or {}
    record |= {
        "Product2Id": product.get("Id"),
        "ListPrice": entry.get("UnitPrice"),
        "Subtotal": subtotal,
        "TotalPrice": round(subtotal * (1 - (record.get("Discount") or 0) / 100), 2),
        "CurrencyIsoCode": contract.get("CurrencyIsoCode"),
    }
    if before is None:
        record["LineItemNumber"] = f"{org.store.next_number('salesforce.service_line_number', 50_000_000):010d}"


def _case(org: Org, record: Record, before: Record | None, given: Record) -> None:
    contact = org.row("Contact", record.get("ContactId") or "") or {}
    if not record.get("AccountId"):
        record["AccountId"] = contact.get("AccountId")
    names = {"ContactPhone": "Phone", "ContactMobile": "MobilePhone", "ContactEmail": "Email", "ContactFax": "Fax"}
    record |= {name: contact.get(column) for name, column in names.items()}
    entitlement = org.row("Entitlement", record.get("EntitlementId") or "") or {}
    record["ServiceContractId"] = entitlement.get("ServiceContractId")
    is_closed = record.get("Status") in CLOSED_CASE_STATUSES
    was_closed = before is not None and bool(before.get("IsClosed"))
    record["IsClosed"] = is_closed
    if is_closed and not was_closed:
        record["ClosedDate"] = org.stamp()
    elif not is_closed:
        record["ClosedDate"] = None
    if before is None:
        record |= {"CaseNumber": f"{org.store.next_number('salesforce.case_number', 50_000_000):08d}", "IsClosedOnCreate": is_closed}
    if "IsStopped" in given:
        record["StopStartDate"] = org.stamp() if record["IsStopped"] else None


def _case_comment(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if before is None:
        record["CreatorName"] = (org.row("User", INTEGRATION_USER) or {}).get("Name")


def _email(org: Org, record: Record, before: Record | None, given: Record) -> None:
    if before is None and not record.get("MessageDate"):
        record["MessageDate"] = org.stamp()
    record.setdefault("HasAttachment", False)


def _milestone(org: Org, record: Record, before: Record | None, given: Record) -> None:
    done = record.get("CompletionDate")
    start, target = parse_stamp(record["StartDate"]), record.get("TargetDate")
    if done is not None and parse_stamp(done) < start:
        raise _integrity("the completion date is before the start date", "CompletionDate")
    late = target is not None and (done or org.stamp()) > target
    record |= {"IsCompleted": done is not None, "IsViolated": late}


_DERIVATIONS: dict[str, Derivation] = {
    "Contact": _contact,
    "Opportunity": _opportunity,
    "OpportunityLineItem": _opportunity_line,
    "Contract": _contract,
    "Order": _order,
    "OrderItem": _order_line,
    "PricebookEntry": _price,
    "Asset": _asset,
    "ServiceContract": _service_contract,
    "ContractLineItem": _service_contract_line,
    "Case": _case,
    "CaseComment": _case_comment,
    "EmailMessage": _email,
    "CaseMilestone": _milestone,
}


# --- rows that follow from a written one ---


def follow(org: Org, name: str, before: Record | None, after: Record) -> None:
    """Rows that change because this one was written: parents with totals, histories."""
    if name == "OpportunityLineItem" and before is None:
        parent = org.row("Opportunity", after["OpportunityId"])
        if parent is not None and not parent.get("HasOpportunityLineItem"):
            org.put("Opportunity", stamped(org, {**parent, "HasOpportunityLineItem": True}, creating=False))
    elif name == "Opportunity":
        _stage_history(org, before, after)
    elif name == "OrderItem":
        _total_order(org, after["OrderId"])
    elif name == "ContractLineItem":
        parent = org.row("ServiceContract", after["ServiceContractId"])
        if parent is not None:
            totals = service_totals(parent, _members(org, "ContractLineItem", "ServiceContractId", parent["Id"]))
            org.put("ServiceContract", stamped(org, {**parent, **totals}, creating=False))
    elif name == "CaseComment":
        parent = org.row("Case", after["ParentId"])
        if parent is not None and not parent.get("IsDeleted"):  # a comment is news of its case
            org.put("Case", stamped(org, parent, creating=False))
    elif name == "Case":
        _case_history(org, before, after)


def _members(org: Org, name: str, column: str, parent: Any) -> list[Record]:
    return [row for row in org.rows(name, deleted=False)[0] if row.get(column) == parent] if parent else []


def _total_order(org: Org, id: str) -> None:
    order = org.row("Order", id)
    if order is not None:
        total = round(sum(line.get("TotalPrice") or 0 for line in _members(org, "OrderItem", "OrderId", id)), 2)
        org.put("Order", stamped(org, {**order, "TotalAmount": total}, creating=False))


def _stage_history(org: Org, before: Record | None, after: Record) -> None:
    watched = ("StageName", "Amount", "CloseDate", "Probability")
    if before is not None and all(before.get(column) == after.get(column) for column in watched):
        return
    sobject = org.need_sobject("OpportunityHistory")
    kept = ("StageName", "Amount", "ExpectedRevenue", "CloseDate", "Probability", "ForecastCategory", "CurrencyIsoCode")
    fields = {column: after.get(column) for column in kept}
    row = {"Id": org.new_id(sobject), "IsDeleted": False, "OpportunityId": after["Id"], **fields}
    org.put("OpportunityHistory", stamped(org, row, creating=True))


def _case_history(org: Org, before: Record | None, after: Record) -> None:
    changes: list[tuple[str, str, Any, Any]] = []
    if before is None:
        changes.append(("created", "Text", None, None))
    else:
        for column, (label, kind) in HISTORY_FIELDS.items():
            old, new = before.get(column), after.get(column)
            if old == new:
                continue
            if column == "OwnerId":  # told twice: by name and by id
                changes.append((label, "Text", _owner_name(org, old), _owner_name(org, new)))
            changes.append((label, kind, old, new))
    sobject = org.need_sobject("CaseHistory")
    for label, kind, old, new in changes:
        row = {"Id": org.new_id(sobject), "IsDeleted": False, "CaseId": after["Id"], "Field": label, "DataType": kind, "OldValue": old, "NewValue": new}
        org.put("CaseHistory", stamped(org, row, creating=True))


def _owner_name(org: Org, id: str | None) -> Any:
    owner = org.row("User", id or "") or org.row("Group", id or "") or {}
    return owner.get("Name")

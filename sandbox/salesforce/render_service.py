"""What the service org has of the world beside its parties: cover, assets, cases with comments, e-mails, history and milestones.

Belongs here: which neutral field becomes which Salesforce field. Does not belong here: parties (render), sales (render_sales).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox.protocol import Record
from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.org import AUTOMATED_USER, STANDARD_PRICEBOOK
from sandbox.salesforce.render import TIERS, Rendered, Renderer, agent_id, day, number, words
from sandbox.salesforce.rules import CLOSED_CASE_STATUSES
from sandbox.salesforce.soql import stamp
from sandbox.world.model import Asset, Change, Customer, Ticket

QUEUE = salesforce_id("00G", 1)
SLA_PROCESS = salesforce_id("552", 1)
MILESTONE_TYPE = salesforce_id("557", 1)
BUSINESS_HOURS = salesforce_id("01m", 1)
SUPPORT_ADDRESS = "support@concord.example"
HOLD_TAG, LAPSED_TAG = "concord_credit_hold", "concord_lapsed_cover"
_STATUSES = {"new": "New", "open": "Working", "pending": "Waiting on Customer", "hold": "On Hold", "solved": "Solved", "closed": "Closed"}
_PRIORITIES = {"low": "Low", "normal": "Medium", "high": "High", "urgent": "Critical"}
_ASSET_STATUSES = {"installed": "Installed", "retired": "Obsolete"}
_ORIGINS = ("Phone", "Email", "Web")
_RESPONSE_MINUTES = {"Premium": 60, "Standard": 240, "Basic": 480}
_PARTS_PER_CASE = 10_000


def service(renderer: Renderer) -> Iterator[Rendered]:
    for customer in renderer.view.customers:
        yield from _cover(renderer, customer)
    for asset in renderer.view.assets:
        yield _asset(renderer, asset)
    for ticket in renderer.view.tickets:
        yield from _case(renderer, ticket)


def _cover(renderer: Renderer, row: Customer) -> Iterator[Rendered]:
    """The cover of a customer: a service contract with one line, and the entitlement that it gives."""
    if not row.entitlement_tier or row.entitlement_start is None:
        return
    tier = TIERS.get(row.entitlement_tier, row.entitlement_tier)
    account = renderer.id("customer", row.key)
    contract, line = renderer.id("service_contract", row.key), renderer.id("service_contract_line", row.key)
    product = next((one for one in renderer.view.products if one.tier == row.entitlement_tier), None)
    price = number(product.unit_price) if product is not None else 0.0
    months = None
    if row.entitlement_end is not None:
        months = max(1, round((row.entitlement_end - row.entitlement_start).days / 30.44))
    term = {"StartDate": day(row.entitlement_start), "EndDate": day(row.entitlement_end)}
    amounts = {"Subtotal": price, "TotalPrice": price}
    yield renderer.part(
        "ServiceContract",
        contract,
        row,
        {
            "OwnerId": renderer.owner(row.key),
            "Name": f"{row.name} {tier}"[:255],
            "AccountId": account,
            "ContractNumber": f"{row.key:08d}",
            **term,
            "Term": months,
            "ApprovalStatus": "Activated",
            "ActivationDate": stamp(row.created_at),
            "Pricebook2Id": STANDARD_PRICEBOOK,
            "Tax": None,
            "ShippingHandling": None,
            **amounts,
            "Discount": 0.0,
            "GrandTotal": price,
            "LineItemCount": 1,
            "RootServiceContractId": contract,
            "CurrencyIsoCode": row.currency,
        },
        account,
    )
    yield renderer.part(
        "ContractLineItem",
        line,
        row,
        {
            "ServiceContractId": contract,
            "LineItemNumber": f"{row.key:010d}",
            "PricebookEntryId": renderer.id("price", product.key) if product is not None else None,
            "Product2Id": renderer.id("product", product.key) if product is not None else None,
            **term,
            "Quantity": 1.0,
            "UnitPrice": price,
            "ListPrice": price,
            "Discount": None,
            **amounts,
            "RootContractLineItemId": line,
            "CurrencyIsoCode": row.currency,
        },
        account,
    )
    yield renderer.part(
        "Entitlement",
        renderer.id("entitlement", row.key),
        row,
        {
            "Name": f"{tier} Support",
            "AccountId": account,
            "Type": "Web Support" if tier == "Basic" else "Phone Support",
            "ServiceContractId": contract,
            "ContractLineItemId": line,
            **term,
            "SlaProcessId": SLA_PROCESS,
            "BusinessHoursId": BUSINESS_HOURS,
            "IsPerIncident": False,
            "Tier__c": tier,
            "CurrencyIsoCode": row.currency,
        },
        account,
    )


def _asset(renderer: Renderer, row: Asset) -> Rendered:
    id = renderer.id("asset", row.key)
    product = renderer.org.row("Product2", renderer.id("product", row.product)) or {}
    price = renderer.org.row("PricebookEntry", renderer.id("price", row.product)) or {}
    fields = {
        "AccountId": renderer.id("customer", row.customer),
        "RootAssetId": id,
        "AssetLevel": 1,
        "Product2Id": renderer.id("product", row.product),
        "ProductCode": product.get("ProductCode"),
        "StockKeepingUnit": product.get("StockKeepingUnit"),
        "IsCompetitorProduct": False,
        "IsInternal": False,
        "Name": row.name,
        "SerialNumber": words(row.serial_number),
        "InstallDate": day(row.installed_on),
        "PurchaseDate": day(row.installed_on),
        "UsageEndDate": day(row.cover_end),
        "Status": _ASSET_STATUSES.get(row.status, row.status),
        "Price": price.get("UnitPrice"),
        "Quantity": 1.0,
        "OwnerId": renderer.owner(row.customer),
        "CurrencyIsoCode": price.get("CurrencyIsoCode"),
    }
    return renderer.record("Asset", id, row, fields)


def _case(renderer: Renderer, row: Ticket) -> Iterator[Rendered]:
    id = renderer.id("ticket", row.key)
    status = _STATUSES.get(row.status, row.status)
    is_closed = status in CLOSED_CASE_STATUSES
    contact_id = renderer.id("contact", row.contact) if row.contact is not None else None
    contact = renderer.org.row("Contact", contact_id or "") or {}
    entitlement = _entitlement(renderer, row)
    opening = row.comments[0] if row.comments and not row.comments[0].is_agent else None
    answered = _first_answer(row)
    sla = _milestone_fields(renderer, row, entitlement, answered)
    fields = {
        "CaseNumber": f"{1_000 + row.key:08d}",
        "ContactId": contact_id,
        "AccountId": renderer.id("customer", row.customer),
        "EntitlementId": entitlement.get("Id"),
        "ServiceContractId": entitlement.get("ServiceContractId"),
        "BusinessHoursId": BUSINESS_HOURS,
        "SuppliedName": contact.get("Name"),
        "SuppliedEmail": contact.get("Email"),
        "Type": row.type.capitalize() if row.type else None,
        "Status": status,
        "Origin": _ORIGINS[row.key % len(_ORIGINS)],
        "Subject": row.subject,
        "Priority": _PRIORITIES.get(row.priority, row.priority) or None,
        "Description": opening.body if opening else None,
        "IsClosed": is_closed,
        "ClosedDate": stamp(row.solved_at or row.updated_at) if is_closed else None,
        "IsClosedOnCreate": False,
        "IsEscalated": status == "Escalated",
        "OwnerId": agent_id(renderer.org, row.assignee) if row.assignee is not None else QUEUE,
        "SlaStartDate": stamp(row.created_at) if entitlement else None,
        "SlaExitDate": sla["CompletionDate"] if sla else None,
        "IsStopped": False,
        "MilestoneStatus": _milestone_status(sla, is_closed),
        "ContactPhone": contact.get("Phone"),
        "ContactEmail": contact.get("Email"),
        "ERP_Order_Number__c": words(row.order_number),
        "Credit_Hold__c": HOLD_TAG in row.tags,
        "Lapsed_Cover__c": LAPSED_TAG in row.tags,
    }
    yield renderer.record("Case", id, row, fields, created_by=AUTOMATED_USER)
    yield from _comments(renderer, row, id, contact)
    yield from _history(renderer, row, id)
    if sla:
        yield renderer.part("CaseMilestone", renderer.id("milestone", row.key), row, sla, id)


def _entitlement(renderer: Renderer, row: Ticket) -> Record:
    """The customer's entitlement where it covered the day on which the case was opened."""
    held = renderer.org.row("Entitlement", renderer.id("entitlement", row.customer))
    if held is None or held.get("IsDeleted"):
        return {}
    opened = row.created_at.date().isoformat()
    return held if held["StartDate"] <= opened and (held["EndDate"] is None or opened <= held["EndDate"]) else {}


def _first_answer(row: Ticket) -> datetime | None:
    moments = [comment.at for comment in row.comments if comment.is_agent and comment.is_public]
    moments += [change.at for change in row.changes if change.agent is not None]
    return min(moments, default=None)


def _comments(renderer: Renderer, row: Ticket, case: str, contact: Record) -> Iterator[Rendered]:
    for place, comment in enumerate(row.comments):
        author = renderer.org.row("User", agent_id(renderer.org, comment.author)) if comment.is_agent else None
        person = author or (renderer.org.row("Contact", renderer.id("contact", comment.author)) if not comment.is_agent else None) or {}
        fields = {"ParentId": case, "IsPublished": comment.is_public, "CommentBody": comment.body, "CreatorName": person.get("Name")}
        by = agent_id(renderer.org, comment.author) if comment.is_agent else AUTOMATED_USER  # a customer writes through the site's own user
        yield renderer.part("CaseComment", renderer.id("comment", row.key * _PARTS_PER_CASE + place), row, fields, case, at=comment.at, by=by)
    if _ORIGINS[row.key % len(_ORIGINS)] == "Email" and row.comments and not row.comments[0].is_agent:
        opening = row.comments[0]
        mail = {
            "ParentId": case,
            "Incoming": True,
            "FromName": contact.get("Name"),
            "FromAddress": contact.get("Email"),
            "ToAddress": SUPPORT_ADDRESS,
            "Subject": row.subject,
            "TextBody": opening.body,
            "Status": "2" if any(comment.is_agent for comment in row.comments) else "1",
            "MessageDate": stamp(opening.at),
            "HasAttachment": False,
        }
        yield renderer.part("EmailMessage", renderer.id("email", row.key), row, mail, case, at=opening.at, by=AUTOMATED_USER)


def _history(renderer: Renderer, row: Ticket, case: str) -> Iterator[Rendered]:
    entries: list[tuple[datetime, str, str, str, Any, Any]] = [(row.created_at, AUTOMATED_USER, "created", "Text", None, None)]
    for change in row.changes:
        by = agent_id(renderer.org, change.agent) if change.agent is not None else AUTOMATED_USER
        entries += [(change.at, by, *entry) for entry in _told(renderer, change)]
    for place, (at, by, name, kind, old, new) in enumerate(entries):
        fields = {"CaseId": case, "Field": name, "DataType": kind, "OldValue": old, "NewValue": new}
        yield renderer.part("CaseHistory", renderer.id("change", row.key * _PARTS_PER_CASE + place), row, fields, case, at=at, by=by)


def _told(renderer: Renderer, change: Change) -> Iterator[tuple[str, str, Any, Any]]:
    """A change as the history tells it; a new owner is told twice, by name and by id."""
    old, new = change.old, change.new
    if change.field == "status":
        yield "Status", "DynamicEnum", _STATUSES.get(old or "", old), _STATUSES.get(new or "", new)
    elif change.field == "priority":
        yield "Priority", "DynamicEnum", _PRIORITIES.get(old or "", old), _PRIORITIES.get(new or "", new)
    elif change.field == "assignee":
        users = [agent_id(renderer.org, int(one)) if one and one.isdigit() else None for one in (old, new)]
        names = [(renderer.org.row("User", user or "") or {}).get("Name") for user in users]
        yield "Owner", "Text", names[0], names[1]
        yield "Owner", "EntityId", users[0], users[1]
    elif change.field == "tags":
        for tag, name in ((HOLD_TAG, "Credit_Hold__c"), (LAPSED_TAG, "Lapsed_Cover__c")):
            was, became = tag in (old or ""), tag in (new or "")
            if was != became:
                yield name, "Boolean", was, became
    else:
        yield change.field, "Text", old, new


def _milestone_fields(renderer: Renderer, row: Ticket, entitlement: Record, answered: datetime | None) -> Record:
    """The timer of the first answer, which the entitlement starts."""
    if not entitlement:
        return {}
    minutes = _RESPONSE_MINUTES.get(entitlement["Tier__c"], _RESPONSE_MINUTES["Basic"])
    target = row.created_at + timedelta(minutes=minutes)
    seen = answered or row.updated_at
    elapsed = max(0, int((seen - row.created_at).total_seconds()) // 60)
    left = int((target - seen).total_seconds()) if answered is None else 0
    return {
        "CaseId": renderer.id("ticket", row.key),
        "MilestoneTypeId": MILESTONE_TYPE,
        "BusinessHoursId": BUSINESS_HOURS,
        "StartDate": stamp(row.created_at),
        "TargetDate": stamp(target),
        "CompletionDate": stamp(answered) if answered else None,
        "IsCompleted": answered is not None,
        "IsViolated": seen > target,
        "TargetResponseInMins": minutes,
        "TargetResponseInHrs": round(minutes / 60, 2),
        "TargetResponseInDays": round(minutes / 1440, 2),
        "ElapsedTimeInMins": elapsed,
        "ElapsedTimeInHrs": round(elapsed / 60, 2),
        "ElapsedTimeInDays": round(elapsed / 1440, 2),
        "TimeRemainingInMins": f"{left // 60:02d}:{left % 60:02d}" if left > 0 else "00:00",
        "TimeRemainingInHrs": f"{left / 3600:.2f}" if left > 0 else "0.00",
        "TimeRemainingInDays": f"{left / 86400:.2f}" if left > 0 else "0.00",
        "TimeSinceTargetInMins": f"{-left // 60:02d}:{-left % 60:02d}" if left < 0 else None,
        "TimeSinceTargetInHrs": f"{-left / 3600:.2f}" if left < 0 else None,
        "TimeSinceTargetInDays": f"{-left / 86400:.2f}" if left < 0 else None,
    }


def _milestone_status(sla: Record, is_closed: bool) -> str | None:
    if not sla:
        return None
    if not sla["IsViolated"]:
        return "Compliant"
    return "Closed Violation" if is_closed or sla["IsCompleted"] else "Open Violation"

"""What the sales org has of the world beside its parties: opportunities with lines and stage history, their orders, contracts.

Belongs here: which neutral field becomes which Salesforce field. Does not belong here: parties (render), service (render_service).
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.protocol import Record
from sandbox.salesforce.org import INTEGRATION_USER, STANDARD_PRICEBOOK
from sandbox.salesforce.render import TIERS, Rendered, Renderer, number, words
from sandbox.salesforce.rules import contract_end, fiscal
from sandbox.salesforce.sales_objects import CONTRACT_STATUS_CODES, STAGES
from sandbox.salesforce.soql import stamp
from sandbox.world.model import Contract, Line, Opportunity

_STAGES = {"prospecting": "Prospecting", "negotiation": "Negotiation/Review", "won": "Closed Won", "lost": "Closed Lost"}
_CONTRACT_STATUS = {"draft": "Draft", "activated": "Activated", "terminated": "Terminated", "expired": "Expired"}
_LINES_PER_DOCUMENT = 10_000
_LABELS = [stage[0] for stage in STAGES]


def sales(renderer: Renderer) -> Iterator[Rendered]:
    for opportunity in renderer.view.opportunities:
        yield from _opportunity(renderer, opportunity)
    for contract in renderer.view.contracts:
        yield _contract(renderer, contract)


def _opportunity(renderer: Renderer, row: Opportunity) -> Iterator[Rendered]:
    stage = _STAGES.get(row.stage, row.stage)
    _, _, closed, won, forecast = next((item for item in STAGES if item[0] == stage), (stage, 0, False, False, "Pipeline"))
    id = renderer.id("opportunity", row.key)
    order = renderer.view.peer("erp", "order", row.order, row.customer)
    fields = {
        "AccountId": renderer.id("customer", row.customer),
        "Name": row.name,
        "StageName": stage,
        "Amount": number(row.amount),
        "Probability": float(row.probability),
        "ExpectedRevenue": round(float(row.amount) * row.probability / 100, 2),
        "TotalOpportunityQuantity": float(sum(line.quantity for line in row.lines)) if row.lines else None,
        "CloseDate": row.close_date.isoformat(),
        "IsClosed": closed,
        "IsWon": won,
        "ForecastCategory": forecast,
        "ForecastCategoryName": forecast,
        "HasOpportunityLineItem": bool(row.lines),
        "Pricebook2Id": STANDARD_PRICEBOOK,
        "OwnerId": renderer.owner(row.customer),
        **fiscal(row.close_date),
        "CurrencyIsoCode": row.currency,
        "ERP_Sales_Order_Id__c": words(order),
    }
    yield renderer.record("Opportunity", id, row, fields)
    for line in row.lines:
        item = {
            "OpportunityId": id,
            "SortOrder": line.number,
            **_line(renderer, line),
            "Name": f"{row.name} {line.description}"[:376],
            "Subtotal": number(line.amount),
            "CurrencyIsoCode": row.currency,
        }
        line_id = renderer.id("opportunity_line", row.key * _LINES_PER_DOCUMENT + line.number)
        yield renderer.part("OpportunityLineItem", line_id, row, item, id)
    place = _LABELS.index(stage) if stage in _LABELS else len(_LABELS)
    step = {
        "OpportunityId": id,
        **{name: fields[name] for name in ("StageName", "Amount", "ExpectedRevenue", "CloseDate", "Probability", "ForecastCategory")},
        "CurrencyIsoCode": row.currency,
    }
    yield renderer.part("OpportunityHistory", renderer.id("stage_change", row.key * 100 + place), row, step, "")
    if won and row.order is not None:
        yield from _order(renderer, row, id, order)


def _line(renderer: Renderer, line: Line) -> Record:
    return {
        "PricebookEntryId": renderer.id("price", line.product),
        "Product2Id": renderer.id("product", line.product),
        "Quantity": number(line.quantity),
        "UnitPrice": number(line.unit_price),
        "ListPrice": number(line.unit_price),
        "TotalPrice": number(line.amount),
        "Description": words(line.description),
    }


def _order(renderer: Renderer, row: Opportunity, opportunity: str, reference: str) -> Iterator[Rendered]:
    """The order that a won opportunity became; the ERP's id of it stands in the reference number."""
    id = renderer.id("order", row.key)
    fields = {
        "AccountId": renderer.id("customer", row.customer),
        "OpportunityId": opportunity,
        "OrderNumber": f"{row.key:08d}",
        "OrderReferenceNumber": words(reference),
        "EffectiveDate": row.close_date.isoformat(),
        "Status": "Activated",
        "StatusCode": "Activated",
        "Type": "New",
        "TotalAmount": number(sum((line.amount for line in row.lines), start=row.amount * 0)),
        "Pricebook2Id": STANDARD_PRICEBOOK,
        "IsReductionOrder": False,
        "ActivatedDate": stamp(row.updated_at),
        "ActivatedById": INTEGRATION_USER,
        "OwnerId": renderer.owner(row.customer),
        "CurrencyIsoCode": row.currency,
    }
    yield renderer.part("Order", id, row, fields, opportunity)
    for line in row.lines:
        number_of_line = row.key * _LINES_PER_DOCUMENT + line.number
        item = {
            "OrderId": id,
            "OrderItemNumber": f"{number_of_line:010d}",
            **_line(renderer, line),
            "AvailableQuantity": number(line.quantity),
            "ServiceDate": row.close_date.isoformat(),
            "CurrencyIsoCode": row.currency,
        }
        yield renderer.part("OrderItem", renderer.id("order_line", number_of_line), row, item, opportunity)


def _contract(renderer: Renderer, row: Contract) -> Rendered:
    status = _CONTRACT_STATUS.get(row.status, row.status)
    live = status != "Draft"
    fields = {
        "AccountId": renderer.id("customer", row.customer),
        "ContractNumber": row.number,
        "Status": status,
        "StatusCode": CONTRACT_STATUS_CODES.get(status, status),
        "StartDate": row.start_date.isoformat(),
        "EndDate": contract_end(row.start_date, row.term_months).isoformat(),
        "ContractTerm": row.term_months,
        "OwnerId": renderer.owner(row.customer),
        "ActivatedById": INTEGRATION_USER if live else None,
        "ActivatedDate": stamp(row.created_at) if live else None,
        "Tier__c": words(TIERS.get(row.tier, row.tier)),
        "Billing_Subscription_Id__c": words(renderer.view.peer("billing", "subscription", row.subscription, row.customer)),
    }
    return renderer.record("Contract", renderer.id("contract", row.key), row, fields)

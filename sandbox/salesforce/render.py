"""The neutral world in Salesforce's form: accounts, contacts, users, products, opportunities with lines, contracts.

Belongs here: which neutral field becomes which Salesforce field. Does not belong here: anything a client can ask for.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.salesforce.catalogue import CONTRACT_STATUS_CODES, STAGES
from sandbox.salesforce.org import AUTOMATED_USER, INTEGRATION_USER, ORGANIZATION_ID, STANDARD_PRICEBOOK, Org
from sandbox.salesforce.soql import parse_stamp, stamp
from sandbox.world.model import (
    INTEGRATION_ACTOR,
    Agent,
    Contact,
    Contract,
    Customer,
    Opportunity,
    Product,
    Row,
    View,
    native_id,
    salesforce_id,
)

_STAGES = {"prospecting": "Prospecting", "negotiation": "Negotiation/Review", "won": "Closed Won", "lost": "Closed Lost"}
_CONTRACT_STATUS = {"draft": "Draft", "activated": "Activated", "terminated": "Terminated", "expired": "Expired"}
_TIERS = {"basic": "Basic", "standard": "Standard", "premium": "Premium"}
_LINES_PER_OPPORTUNITY = 10_000
_FIRST_AGENT = 1_000_001
_STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")


@dataclass(frozen=True)
class Rendered:
    """A native record and the neutral row's `extra` fields that are already merged into it."""

    object: str
    record: Record
    extra: dict[str, Any]


def _id(entity: str, key: int) -> str:
    return native_id("salesforce", entity, key)


def agent_id(key: int) -> str:
    """The user id of an agent. The first user id belongs to the integration user, so the first agent has one of its own."""
    return _id("agent", key if key != 1 else _FIRST_AGENT)


def _number(value: Decimal) -> float:
    return float(value)


def _day(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None


def _words(text: str) -> str | None:
    return text or None


def contract_end(start: date, months: int) -> date:
    """The last day of a contract of so many months."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=1)


class Renderer:
    """Renders the rows of one view; `users` are the ids among which ownership is spread."""

    def __init__(self, view: View, users: list[str]) -> None:
        self.view = view
        self.agents = {agent_id(agent.key): agent for agent in view.agents}
        self.users = users or [INTEGRATION_USER]

    def actor(self, name: str) -> str:
        """The user id behind a neutral actor: the integration user, the automated process, or one of the people."""
        if name == INTEGRATION_ACTOR:
            return INTEGRATION_USER
        if name == "system":
            return AUTOMATED_USER
        for id, agent in self.agents.items():
            if name in (agent.name, agent.email):
                return id
        tail = name.rsplit(":", 1)[-1]
        if tail.isdigit() and (id := agent_id(int(tail))) in self.users:
            return id
        people = [id for id in self.users if id != INTEGRATION_USER]
        if not people:
            return AUTOMATED_USER
        return people[int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) % len(people)]

    def owner(self, key: int) -> str:
        return self.users[key % len(self.users)]

    def record(self, object: str, id: str, row: Row, fields: Record, *, extra: bool = True) -> Rendered:
        actor = self.actor(row.actor)
        full: Record = {
            "Id": id,
            "IsDeleted": row.removed,
            **fields,
            "CreatedDate": stamp(row.created_at),
            "CreatedById": INTEGRATION_USER,
            "LastModifiedDate": stamp(row.updated_at),
            "LastModifiedById": actor,
            "SystemModstamp": stamp(row.updated_at),
        }
        if object == "User":
            del full["IsDeleted"]
        if not extra:
            return Rendered(object, full, {})
        if row.hidden:
            full["_hidden"] = True
        full.update(row.extra)
        return Rendered(object, full, row.extra)

    def rendered(self) -> Iterator[Rendered]:
        for agent in self.view.agents:
            yield self.user(agent)
        for product in self.view.products:
            yield from self.product(product)
        for customer in self.view.customers:
            yield self.account(customer)
        for contact in self.view.contacts:
            yield self.contact(contact)
        for opportunity in self.view.opportunities:
            yield from self.opportunity(opportunity)
        for contract in self.view.contracts:
            yield self.contract(contract)

    def user(self, row: Agent) -> Rendered:
        first, _, last = row.name.rpartition(" ")
        fields = {
            "Username": f"{row.email}.concord",
            "Name": row.name,
            "FirstName": _words(first),
            "LastName": last,
            "Email": row.email,
            "Alias": row.name[:8].lower(),
            "IsActive": not row.removed,
            "UserType": "Standard",
            "TimeZoneSidKey": "America/Los_Angeles",
        }
        return self.record("User", agent_id(row.key), row, fields)

    def product(self, row: Product) -> Iterator[Rendered]:
        fields = {
            "Name": row.name,
            "ProductCode": row.sku,
            "Description": _words(row.description),
            "IsActive": row.is_active,
            "Family": "Subscription" if row.is_recurring else "Goods",
            "StockKeepingUnit": row.sku,
            "IsArchived": False,
            "CurrencyIsoCode": row.currency,
        }
        id = _id("product", row.key)
        yield self.record("Product2", id, row, fields)
        price = {
            "Name": row.name,
            "Pricebook2Id": STANDARD_PRICEBOOK,
            "Product2Id": id,
            "UnitPrice": _number(row.unit_price),
            "IsActive": row.is_active,
            "UseStandardPrice": False,
            "ProductCode": row.sku,
            "CurrencyIsoCode": row.currency,
        }
        yield self.record("PricebookEntry", _id("price", row.key), row, price, extra=False)

    def account(self, row: Customer) -> Rendered:
        fields = {
            "Name": row.name,
            "Type": "Customer - Direct" if row.is_active else "Other",
            "ParentId": _id("customer", row.parent) if row.parent is not None else None,
            "AccountNumber": f"A{row.key:07d}",
            "Website": f"https://www.{row.domain}" if row.domain else None,
            "Phone": _words(row.phone),
            "BillingStreet": _words(row.street),
            "BillingCity": _words(row.city),
            "BillingState": _words(row.region),
            "BillingPostalCode": _words(row.postcode),
            "BillingCountry": _words(row.country),
            "OwnerId": self.owner(row.key),
            "CurrencyIsoCode": row.currency,
            "Tax_Id__c": _words(row.tax_id),
            "ERP_Customer_Id__c": native_id("netsuite", "customer", row.erp_customer) if row.erp_customer is not None else None,
            "Credit_Status__c": "Hold" if row.credit_hold else "OK",
            "Credit_Limit__c": _number(row.credit_limit),
            "ERP_Balance__c": _number(row.balance),
            "Overdue_Amount__c": _number(row.overdue_amount),
            "Overdue_Days__c": float(row.overdue_days),
            "Entitlement_Tier__c": _words(_TIERS.get(row.entitlement_tier, row.entitlement_tier)),
            "Entitlement_Start__c": _day(row.entitlement_start),
            "Entitlement_End__c": _day(row.entitlement_end),
        }
        return self.record("Account", _id("customer", row.key), row, fields)

    def contact(self, row: Contact) -> Rendered:
        fields = {
            "AccountId": _id("customer", row.customer),
            "FirstName": _words(row.first_name),
            "LastName": row.last_name,
            "Name": f"{row.first_name} {row.last_name}".strip(),
            "Title": _words(row.title),
            "Email": _words(row.email),
            "Phone": _words(row.phone),
            "OwnerId": self.owner(row.customer),
            "HasOptedOutOfEmail": False,
            "DoNotCall": False,
        }
        return self.record("Contact", _id("contact", row.key), row, fields)

    def opportunity(self, row: Opportunity) -> Iterator[Rendered]:
        stage = _STAGES.get(row.stage, row.stage)
        _, _, closed, won, forecast = next((item for item in STAGES if item[0] == stage), (stage, 0, False, False, "Pipeline"))
        id = _id("opportunity", row.key)
        fields = {
            "AccountId": _id("customer", row.customer),
            "Name": row.name,
            "StageName": stage,
            "Amount": _number(row.amount),
            "Probability": float(row.probability),
            "ExpectedRevenue": round(float(row.amount) * row.probability / 100, 2),
            "CloseDate": row.close_date.isoformat(),
            "IsClosed": closed,
            "IsWon": won,
            "ForecastCategory": forecast,
            "ForecastCategoryName": forecast,
            "HasOpportunityLineItem": bool(row.lines),
            "Pricebook2Id": STANDARD_PRICEBOOK,
            "OwnerId": self.owner(row.customer),
            "CurrencyIsoCode": row.currency,
            "ERP_Sales_Order_Id__c": native_id("netsuite", "order", row.order) if row.order is not None else None,
        }
        yield self.record("Opportunity", id, row, fields)
        for line in row.lines:
            item = {
                "OpportunityId": id,
                "SortOrder": line.number,
                "PricebookEntryId": _id("price", line.product),
                "Product2Id": _id("product", line.product),
                "Name": f"{row.name} {line.description}"[:376],
                "Quantity": _number(line.quantity),
                "UnitPrice": _number(line.unit_price),
                "ListPrice": _number(line.unit_price),
                "TotalPrice": _number(line.amount),
                "Subtotal": _number(line.amount),
                "Description": _words(line.description),
                "CurrencyIsoCode": row.currency,
            }
            yield self.record(
                "OpportunityLineItem", _id("opportunity_line", row.key * _LINES_PER_OPPORTUNITY + line.number), row, item, extra=False
            )

    def contract(self, row: Contract) -> Rendered:
        status = _CONTRACT_STATUS.get(row.status, row.status)
        live = status != "Draft"
        fields = {
            "AccountId": _id("customer", row.customer),
            "ContractNumber": row.number,
            "Status": status,
            "StatusCode": CONTRACT_STATUS_CODES.get(status, status),
            "StartDate": row.start_date.isoformat(),
            "EndDate": contract_end(row.start_date, row.term_months).isoformat(),
            "ContractTerm": row.term_months,
            "OwnerId": self.owner(row.customer),
            "ActivatedById": INTEGRATION_USER if live else None,
            "ActivatedDate": stamp(row.created_at) if live else None,
            "Tier__c": _words(_TIERS.get(row.tier, row.tier)),
            "Billing_Subscription_Id__c": native_id("stripe", "subscription", row.subscription) if row.subscription is not None else None,
        }
        return self.record("Contract", _id("contract", row.key), row, fields)


def _fixed(object: str, id: str, at: str, fields: Record) -> tuple[str, Record]:
    trail = {
        "CreatedDate": at,
        "CreatedById": INTEGRATION_USER,
        "LastModifiedDate": at,
        "LastModifiedById": INTEGRATION_USER,
        "SystemModstamp": at,
    }
    return object, {"Id": id, **fields, **trail}


def setup_records(at: datetime, username: str) -> Iterator[tuple[str, Record]]:
    """What every org has before any business: its own row, the stages, the standard price book, the two technical users."""
    when = stamp(at)
    yield _fixed(
        "Organization",
        ORGANIZATION_ID,
        when,
        {
            "Name": "Concord Sandbox",
            "IsSandbox": True,
            "InstanceName": "CS1",
            "DefaultCurrencyIsoCode": "USD",
            "TimeZoneSidKey": "America/Los_Angeles",
        },
    )
    yield _fixed(
        "Pricebook2", STANDARD_PRICEBOOK, when, {"IsDeleted": False, "Name": "Standard Price Book", "IsActive": True, "IsStandard": True}
    )
    technical = (
        (INTEGRATION_USER, "Concord Integration", username, "Standard"),
        (AUTOMATED_USER, "Automated Process", "autoproc@concord.example", "AutomatedProcess"),
    )
    for id, name, login, kind in technical:
        first, _, last = name.partition(" ")
        yield _fixed(
            "User",
            id,
            when,
            {
                "Username": login,
                "Name": name,
                "FirstName": first,
                "LastName": last,
                "Email": login,
                "Alias": name[:8].lower(),
                "IsActive": True,
                "UserType": kind,
                "TimeZoneSidKey": "America/Los_Angeles",
            },
        )
    for number, (label, probability, closed, won, forecast) in enumerate(STAGES, start=1):
        yield _fixed(
            "OpportunityStage",
            salesforce_id("01J", number),
            when,
            {
                "ApiName": label,
                "MasterLabel": label,
                "IsActive": True,
                "IsClosed": closed,
                "IsWon": won,
                "ForecastCategory": forecast,
                "DefaultProbability": float(probability),
                "SortOrder": number,
            },
        )


class Landing:
    """Brings rendered rows into the org, and later views on top of what clients have written since."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self._loaded: dict[tuple[str, str], Record] = {}

    def load(self, view: View) -> None:
        start = min((row.created_at for row in (*view.customers, *view.agents, *view.products)), default=view.as_of)
        for object, record in setup_records(start, self.org.settings.username):
            self.org.store.put(object, record["Id"], record)
        renderer = Renderer(view, sorted(agent_id(agent.key) for agent in view.agents))
        for item in renderer.rendered():
            self._loaded[item.object, item.record["Id"]] = item.record
            self.org.store.put(item.object, item.record["Id"], item.record)
            for column, value in item.extra.items():
                self.org.add_field(item.object, column, value)
        self.org.forget_caches()

    def apply(self, view: View) -> None:
        """A view says what the world holds; only what changed since the last view goes in, so clients' writes stay."""
        known = sorted({*self.org.user_ids(), *(agent_id(agent.key) for agent in view.agents)})
        renderer = Renderer(view, known)
        lines: dict[str, set[str]] = {_id("opportunity", row.key): set() for row in view.opportunities}
        for item in renderer.rendered():
            if item.object == "OpportunityLineItem":
                lines[item.record["OpportunityId"]].add(item.record["Id"])
            for column, value in item.extra.items():
                self.org.add_field(item.object, column, value)
            self._bring(item)
        if lines:
            self._drop_lines(lines)

    def _bring(self, item: Rendered) -> None:
        id = item.record["Id"]
        current = self.org.row(item.object, id)
        world = f"_world.{item.object}"
        last = self.org.store.get(world, id) or self._loaded.get((item.object, id))
        if current is None or last is None:
            self.org.put(item.object, item.record)
            self.org.store.put(world, id, item.record)
            return
        fresh = {**item.record, "OwnerId": last["OwnerId"]} if "OwnerId" in last else item.record
        changed = {key: value for key, value in fresh.items() if key not in _STAMPS and (key not in last or last[key] != value)}
        gone = [key for key in last if key not in fresh]
        is_part = item.object in ("OpportunityLineItem", "PricebookEntry")  # their stamps are those of the row they came from
        is_newer = fresh["SystemModstamp"] > last["SystemModstamp"] and not is_part
        if not changed and not gone and not is_newer:
            return
        at = fresh["SystemModstamp"]
        if at <= current["SystemModstamp"]:  # a client wrote later than the world's change: the row must still move for readers
            at = stamp(max(self.org.now(), parse_stamp(current["SystemModstamp"]) + timedelta(seconds=1)))
        trail = {"SystemModstamp": at}
        if fresh["LastModifiedById"] != AUTOMATED_USER:  # an automated change moves the system stamp alone
            trail |= {"LastModifiedDate": at, "LastModifiedById": fresh["LastModifiedById"]}
        kept = {key: value for key, value in current.items() if key not in gone}
        self.org.put(item.object, {**kept, **changed, **trail})
        self.org.store.put(world, id, fresh)

    def _drop_lines(self, lines: dict[str, set[str]]) -> None:
        at = self.org.stamp()
        for row in list(self.org.rows("OpportunityLineItem", deleted=False)[0]):
            kept = lines.get(row["OpportunityId"])
            if kept is not None and row["Id"] not in kept and ("OpportunityLineItem", row["Id"]) in self._loaded:
                self.org.put("OpportunityLineItem", {**row, "IsDeleted": True, "LastModifiedDate": at, "SystemModstamp": at})

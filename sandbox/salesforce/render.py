"""The neutral world in Salesforce's form: what every org has of it (people, products, accounts, contacts), and the words for a row.

Belongs here: which neutral field becomes which Salesforce field. Does not belong here: opportunities and contracts (render_sales),
cases, assets and cover (render_service), bringing the rows into the org (landing), anything a client can ask for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.protocol import Record
from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.org import AUTOMATED_USER, INTEGRATION_USER, STANDARD_PRICEBOOK, Org
from sandbox.salesforce.soql import stamp
from sandbox.world.model import INTEGRATION_ACTOR, Agent, Contact, Customer, Product, Row, View

TIERS = {"basic": "Basic", "standard": "Standard", "premium": "Premium"}
PROFILE = salesforce_id("00e", 1)
ROLE = salesforce_id("00E", 1)
_FIRST_AGENT = 1_000_001


@dataclass(frozen=True)
class Rendered:
    """A native record and the neutral row's `extra` fields that are already merged into it.

    `parent`: of a row that belongs to another (a line, a comment), the id of that other; where the world drops such a row, it goes.
    """

    object: str
    record: Record
    extra: dict[str, Any] = field(default_factory=dict)
    parent: str = ""


def number(value: Decimal) -> float:
    return float(value)


def day(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None


def words(text: str) -> str | None:
    return text or None


def agent_id(org: Org, key: int) -> str:
    """The user id of an agent. The first user id belongs to the integration user, so the first agent has one of its own."""
    return org.world_id("agent", key if key != 1 else _FIRST_AGENT)


class Renderer:
    """Renders the rows of one view; `users` are the ids among which ownership is spread."""

    def __init__(self, org: Org, view: View, users: list[str]) -> None:
        self.org = org
        self.view = view
        self.agents = {agent_id(org, agent.key): agent for agent in view.agents}
        self.users = users or [INTEGRATION_USER]

    def id(self, entity: str, key: int) -> str:
        return self.org.world_id(entity, key)

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
        if tail.isdigit() and (id := agent_id(self.org, int(tail))) in self.users:
            return id
        people = [id for id in self.users if id != INTEGRATION_USER]
        if not people:
            return AUTOMATED_USER
        return people[int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) % len(people)]

    def owner(self, key: int) -> str:
        return self.users[key % len(self.users)]

    def record(self, object: str, id: str, row: Row, fields: Record, *, created_by: str = INTEGRATION_USER) -> Rendered:
        """The record that stands for a neutral row, its extra fields over it."""
        full = self._full(id, fields, row.removed, row.created_at, created_by, row.updated_at, self.actor(row.actor))
        if object == "User":
            del full["IsDeleted"]
        if row.hidden:
            full["_hidden"] = True
        full.update(row.extra)
        return Rendered(object, full, row.extra)

    def part(self, object: str, id: str, row: Row, fields: Record, parent: str, *, at: datetime | None = None, by: str = "") -> Rendered:
        """A record that belongs to that of a neutral row. `at`, `by`: when and by whom it was made, where that is not the row's."""
        made, changed = at or row.created_at, at or row.updated_at
        full = self._full(id, fields, row.removed, made, by or INTEGRATION_USER, changed, by or self.actor(row.actor))
        return Rendered(object, full, parent=parent)

    @staticmethod
    def _full(id: str, fields: Record, removed: bool, made: datetime, maker: str, changed: datetime, changer: str) -> Record:
        return {
            "Id": id,
            "IsDeleted": removed,
            **fields,
            "CreatedDate": stamp(made),
            "CreatedById": maker,
            "LastModifiedDate": stamp(changed),
            "LastModifiedById": changer,
            "SystemModstamp": stamp(changed),
        }

    def parties(self) -> Iterator[Rendered]:
        for agent in self.view.agents:
            yield self.user(agent)
        for product in self.view.products:
            yield from self.product(product)
        for customer in self.view.customers:
            yield self.account(customer)
        for contact in self.view.contacts:
            yield from self.contact(contact)

    def user(self, row: Agent) -> Rendered:
        first, _, last = row.name.rpartition(" ")
        fields = {
            "Username": f"{row.email}.concord",
            "Name": row.name,
            "FirstName": words(first),
            "LastName": last,
            "Email": row.email,
            "Alias": row.name[:8].lower(),
            "IsActive": not row.removed,
            "UserType": "Standard",
            "ProfileId": PROFILE,
            "UserRoleId": ROLE,
            "TimeZoneSidKey": "America/Los_Angeles",
        }
        return self.record("User", agent_id(self.org, row.key), row, fields)

    def product(self, row: Product) -> Iterator[Rendered]:
        fields = {
            "Name": row.name,
            "ProductCode": row.sku,
            "Description": words(row.description),
            "IsActive": row.is_active,
            "Family": "Subscription" if row.is_recurring else "Goods",
            "StockKeepingUnit": row.sku,
            "IsArchived": False,
            "CurrencyIsoCode": row.currency,
        }
        id = self.id("product", row.key)
        yield self.record("Product2", id, row, fields)
        price = {
            "Name": row.name,
            "Pricebook2Id": STANDARD_PRICEBOOK,
            "Product2Id": id,
            "UnitPrice": number(row.unit_price),
            "IsActive": row.is_active,
            "UseStandardPrice": False,
            "ProductCode": row.sku,
            "IsArchived": False,
            "CurrencyIsoCode": row.currency,
        }
        yield self.part("PricebookEntry", self.id("price", row.key), row, price, id)

    def account(self, row: Customer) -> Rendered:
        id = self.id("customer", row.key)
        linked = row.erp_customer
        fields = {
            "Name": row.name,
            "Type": "Customer - Direct" if row.is_active else "Other",
            "ParentId": self.id("customer", row.parent) if row.parent is not None else None,
            "AccountNumber": f"A{row.key:07d}",
            "Website": f"https://www.{row.domain}" if row.domain else None,
            "PhotoUrl": f"/services/images/photo/{id}",
            "Phone": words(row.phone),
            "BillingStreet": words(row.street),
            "BillingCity": words(row.city),
            "BillingState": words(row.region),
            "BillingPostalCode": words(row.postcode),
            "BillingCountry": words(row.country),
            "CleanStatus": "Pending",
            "OwnerId": self.owner(row.key),
            "CurrencyIsoCode": row.currency,
            "Tax_Id__c": words(row.tax_id),
            "ERP_Customer_Id__c": words(self.view.peer("erp", "customer", linked, row.key)),
            "Credit_Status__c": "Hold" if row.credit_hold else "OK",
            "Credit_Limit__c": number(row.credit_limit),
            "ERP_Balance__c": number(row.balance),
            "Overdue_Amount__c": number(row.overdue_amount),
            "Overdue_Days__c": float(row.overdue_days),
            "Entitlement_Tier__c": words(TIERS.get(row.entitlement_tier, row.entitlement_tier)),
            "Entitlement_Start__c": day(row.entitlement_start),
            "Entitlement_End__c": day(row.entitlement_end),
        }
        if self.org.settings.cloud == "service":  # a second account of one customer names nobody in the CRM
            fields["CRM_Account_Id__c"] = words(self.view.peer("crm", "customer", row.key, row.key)) if linked == row.key else None
        return self.record("Account", id, row, fields)

    def contact(self, row: Contact) -> Iterator[Rendered]:
        id, account = self.id("contact", row.key), self.id("customer", row.customer)
        fields = {
            "AccountId": account,
            "FirstName": words(row.first_name),
            "LastName": row.last_name,
            "Name": f"{row.first_name} {row.last_name}".strip(),
            "Title": words(row.title),
            "Email": words(row.email),
            "Phone": words(row.phone),
            "OwnerId": self.owner(row.customer),
            "HasOptedOutOfEmail": False,
            "DoNotCall": False,
            "IsEmailBounced": False,
        }
        yield self.record("Contact", id, row, fields)
        relation = {"AccountId": account, "ContactId": id, "IsDirect": True, "IsActive": True}
        yield self.part("AccountContactRelation", self.id("account_contact", row.key), row, relation, id)

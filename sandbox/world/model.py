"""The neutral rows of the world and a system's view of them.

A `View` is one system's own copy: faults change one view, never the others. Vendors turn a view into their native records.
Every amount is a Decimal in the row's currency; every time is an aware UTC datetime with whole seconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Peers = Callable[[str, str, int, int], str]  # role, entity, key, customer -> native id
Peer = Callable[[str, str, int | None, int], str]  # the same as `View.peer` offers it

INTEGRATION_ACTOR = "integration"  # rows last written by Concord; every other actor is a person or the vendor's system


@dataclass(kw_only=True)
class Row:
    """What every neutral row carries.

    `extra`: native top-level fields that the vendor merges into its record last (schema drift faults).
    `hidden`: kept out of lists, queries and exports but counted in totals and readable by id (silent incompleteness).
    `removed`: deleted at `updated_at`, in the vendor's own way. `actor`: who changed the row last.
    """

    key: int
    created_at: datetime
    updated_at: datetime
    actor: str = INTEGRATION_ACTOR
    extra: dict[str, Any] = field(default_factory=dict)
    hidden: bool = False
    removed: bool = False


@dataclass(kw_only=True)
class Customer(Row):
    name: str
    domain: str
    tax_id: str  # VAT or registration number, "" where unknown
    email: str
    phone: str
    street: str
    city: str
    region: str
    postcode: str
    country: str  # ISO 3166 alpha-2
    currency: str  # ISO 4217
    parent: int | None = None
    is_active: bool = True
    terms_days: int = 30
    credit_limit: Decimal = Decimal(0)
    credit_hold: bool = False
    balance: Decimal = Decimal(0)
    overdue_amount: Decimal = Decimal(0)
    overdue_days: int = 0
    # what support and CRM hold as entitlement; the owner is the subscription
    entitlement_tier: str = ""  # "", basic, standard, premium
    entitlement_start: date | None = None
    entitlement_end: date | None = None
    erp_customer: int | None = None  # world key whose ERP id this system holds as explicit link; None: no link is kept


@dataclass(kw_only=True)
class Contact(Row):
    customer: int
    first_name: str
    last_name: str
    email: str
    phone: str
    title: str = ""


@dataclass(kw_only=True)
class Agent(Row):
    """A user of the system: sales person in CRM, agent in support."""

    name: str
    email: str


@dataclass(kw_only=True)
class Product(Row):
    sku: str
    name: str
    description: str
    unit_price: Decimal
    currency: str
    is_recurring: bool
    tier: str = ""  # the support tier that a subscription to it gives
    is_active: bool = True


@dataclass(kw_only=True)
class Line:
    number: int  # 1, 2, ...
    product: int
    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal  # net, before tax
    tax: Decimal = Decimal(0)


@dataclass(kw_only=True)
class Opportunity(Row):
    customer: int
    name: str
    stage: str  # neutral: prospecting, negotiation, won, lost; any other text is shown as it is
    amount: Decimal
    currency: str
    close_date: date
    probability: int
    lines: list[Line] = field(default_factory=list)
    order: int | None = None


@dataclass(kw_only=True)
class Contract(Row):
    customer: int
    number: str
    status: str  # neutral: draft, activated, terminated, expired; any other text is shown as it is
    start_date: date
    term_months: int
    tier: str
    subscription: int | None = None


@dataclass(kw_only=True)
class Subscription(Row):
    customer: int
    product: int
    status: str  # Stripe's own words: active, past_due, trialing, canceled, ...
    currency: str
    quantity: int
    unit_price: Decimal
    start_at: datetime
    period_start: datetime
    period_end: datetime
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    contract: int | None = None


@dataclass(kw_only=True)
class Order(Row):
    """A sales order in the ERP."""

    customer: int
    number: str
    status: str  # neutral: pending_approval, pending_fulfillment, partially_fulfilled, pending_billing, billed, closed, cancelled
    order_date: date
    currency: str
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    lines: list[Line] = field(default_factory=list)
    opportunity: int | None = None


@dataclass(kw_only=True)
class Invoice(Row):
    customer: int
    number: str
    status: str  # neutral: draft, open, paid, void, uncollectible
    invoice_date: date
    due_date: date
    finalized_at: datetime
    currency: str
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    amount_paid: Decimal
    amount_remaining: Decimal
    lines: list[Line] = field(default_factory=list)
    subscription: int | None = None
    order: int | None = None
    paid_at: datetime | None = None


@dataclass(kw_only=True)
class Payment(Row):
    customer: int
    invoice: int | None
    amount: Decimal
    currency: str
    status: str  # neutral: succeeded, pending, failed
    paid_at: datetime
    number: str = ""


@dataclass(kw_only=True)
class CreditNote(Row):
    customer: int
    invoice: int | None
    number: str
    status: str  # neutral: issued, void
    issue_date: date
    currency: str
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    reason: str
    lines: list[Line] = field(default_factory=list)


@dataclass(kw_only=True)
class Refund(Row):
    customer: int
    payment: int
    credit_note: int | None
    amount: Decimal
    currency: str
    status: str  # succeeded, pending, failed
    reason: str = ""


@dataclass(kw_only=True)
class Dispute(Row):
    customer: int
    payment: int
    amount: Decimal
    currency: str
    status: str  # Stripe's own words
    reason: str


@dataclass(kw_only=True)
class Shipment(Row):
    """A delivery of an order's goods. `order` and `lines` as in the ERP's order."""

    customer: int
    order: int
    number: str
    status: str  # neutral: planned, picked, shipped, delivered, cancelled
    planned_date: date
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    carrier: str = ""
    tracking_number: str = ""
    lines: list[Line] = field(default_factory=list)


@dataclass(kw_only=True)
class Return(Row):
    """Goods that a customer sends back (RMA), in the ERP."""

    customer: int
    order: int
    invoice: int | None
    number: str
    status: str  # neutral: requested, approved, received, credited, rejected
    reason: str
    currency: str
    amount: Decimal
    received_at: datetime | None = None
    credit_note: int | None = None
    ticket: int | None = None  # the case that asked for it
    lines: list[Line] = field(default_factory=list)


@dataclass(kw_only=True)
class Asset(Row):
    """A delivered product at a customer, as the support desk keeps it."""

    customer: int
    product: int
    name: str
    serial_number: str
    status: str  # neutral: installed, retired
    installed_on: date
    cover_end: date | None = None


@dataclass(kw_only=True)
class Comment:
    at: datetime
    author: int  # key of an Agent, or of a Contact when is_agent is False
    is_agent: bool
    is_public: bool
    body: str


@dataclass(kw_only=True)
class Change:
    """One step of a ticket's history."""

    at: datetime
    field: str  # status, priority, assignee, tags, ...
    old: str | None
    new: str | None
    agent: int | None


@dataclass(kw_only=True)
class Ticket(Row):
    customer: int
    contact: int | None
    assignee: int | None
    subject: str
    type: str  # problem, incident, question, task
    priority: str  # low, normal, high, urgent
    status: str  # new, open, pending, hold, solved, closed; any other text is shown as it is
    order: int | None = None
    order_number: str = ""
    tags: list[str] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    solved_at: datetime | None = None


def nobody(role: str, entity: str, key: int | None, customer: int) -> str:
    """The peers of a system that stands alone."""
    return ""


@dataclass
class View:
    """What one connected account holds. A system ignores the entities that it does not keep."""

    system: str
    as_of: datetime  # the world's "now" when it was made
    role: str = ""
    name: str = ""  # of the account; several of one system may be connected
    peers: Peers = nobody
    customers: list[Customer] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    opportunities: list[Opportunity] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    credit_notes: list[CreditNote] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)

    def peer(self, role: str, entity: str, key: int | None, customer: int) -> str:
        """The id under which the system of `role` that serves `customer` keeps this row of the world.

        "" where `key` is None, where no system has that role, or where that system does not keep the entity.
        """
        return "" if key is None else self.peers(role, entity, key, customer)


def native_id(system: str, entity: str, key: int | str) -> str:
    """The id under which `system` keeps the world's row `key` of `entity`; the same in every run.

    Raises KeyError where the system does not keep the entity.
    """
    named: str = importlib.import_module(f"sandbox.{system}.ids").native_id(entity, key)
    return named

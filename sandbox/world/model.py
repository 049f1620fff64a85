"""The neutral rows of the world and a system's view of them.

A `View` is one system's own copy: faults change one view, never the others. Vendors turn a view into their native records.
Every amount is a Decimal in the row's currency; every time is an aware UTC datetime with whole seconds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

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


@dataclass
class View:
    """What one system holds. A system ignores the entities that it does not keep."""

    system: str
    as_of: datetime  # the world's "now" when it was made
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


_SALESFORCE_PREFIX = {
    "customer": "001", "contact": "003", "opportunity": "006", "opportunity_line": "00k", "agent": "005", "contract": "800",
    "product": "01t", "price": "01u", "pricebook": "01s", "order": "801", "ticket": "500",
}
_STRIPE_PREFIX = {
    "customer": "cus_", "product": "prod_", "price": "price_", "subscription": "sub_", "subscription_item": "si_", "invoice": "in_",
    "invoice_line": "il_", "payment": "ch_", "payment_intent": "pi_", "credit_note": "cn_", "credit_note_line": "cnli_",
    "refund": "re_", "dispute": "dp_", "event": "evt_", "invoice_payment": "inpay_",
}
# NetSuite numbers every transaction from one sequence; entities have their own
_NETSUITE_OFFSET = {
    "customer": 1_000, "contact": 2_000_000, "product": 500, "agent": 10, "order": 10_000_000, "invoice": 20_000_000,
    "payment": 40_000_000, "credit_note": 50_000_000, "refund": 60_000_000,
}
_ZENDESK_OFFSET = {
    "customer": 31_000_000_000, "contact": 42_000_000_000, "agent": 41_000_000_000, "ticket": 5_000, "comment": 71_000_000_000,
    "audit": 81_000_000_000,
}
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def salesforce_id(prefix: str, number: int) -> str:
    """An 18-character id: 3 of prefix, 12 of pod and number, 3 of checksum (the sheet's rule, docs: salesforce ids)."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    fifteen = prefix + "5g0" + digits.rjust(9, "0")
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, char in enumerate(fifteen[start : start + 5]) if "A" <= char <= "Z")
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return fifteen + suffix


def native_id(system: str, entity: str, key: int | str) -> str:
    """The id under which `system` keeps the world's row `key` of `entity`; the same in every run.

    Raises KeyError where the system does not keep the entity.
    """
    if system == "salesforce":
        return salesforce_id(_SALESFORCE_PREFIX[entity], int(key))
    if system == "stripe":
        digest = hashlib.blake2b(f"{entity}:{key}".encode(), digest_size=10).hexdigest()
        return _STRIPE_PREFIX[entity] + digest
    if system == "netsuite":
        return str(_NETSUITE_OFFSET[entity] + int(key))
    if system == "zendesk":
        return str(_ZENDESK_OFFSET[entity] + int(key))
    raise KeyError(f"unknown system {system!r}")

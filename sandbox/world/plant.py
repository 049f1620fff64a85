"""Planting faults: which kinds there are, how many are wanted, and what each does to one system's view.

Every fault takes a customer that no other fault has, and either leaves no second trace or logs it as a truth entry of its
own. Faults of the connection between client and vendor belong to `sandbox.faults`.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sandbox.protocol import SandboxError
from sandbox.world.documents import make_invoice, make_line, open_items, sums
from sandbox.world.landscape import Landscape
from sandbox.world.model import INTEGRATION_ACTOR, Comment, Customer, Invoice, Row, Subscription, Ticket, View
from sandbox.world.parties import EXPONENTS, TIERS, entitlement_end, minor_unit, moment_between, quantize
from sandbox.world.plant_operations import OPERATIONS, OPERATIONS_COUNTS, waiting_orders
from sandbox.world.tickets import OPEN_STATUSES
from sandbox.world.truth import Fault, Subject, subject

INVOICE_GRACE = timedelta(minutes=15)

# counts at scale 1
DEFAULT_COUNTS = {
    "hold_not_propagated_support": 4,
    "hold_not_propagated_crm": 4,
    "invoice_missing_in_erp": 4,
    "invoice_missing_in_billing": 2,
    "invoice_amount_cent": 3,
    "invoice_amount_far": 3,
    "invoice_wrong_currency": 2,
    "invoice_minor_units": 2,
    "invoice_tax_missing": 3,
    "invoice_status": 3,
    "subscription_cancelled_entitlement_lives": 4,
    "subscription_active_entitlement_missing": 3,
    "tier_mismatch": 3,
    "case_without_cover": 4,
    "contract_status_contradiction": 3,
    "account_status_contradiction": 2,
    "unmapped_status": 4,
    "duplicate_customer": 4,
    "crm_overwrites_erp_field": 3,
    "customer_missing": 3,
    "stale_connection": 1,
    "schema_extra_field": 2,
    "schema_retyped_field": 2,
    "silent_incompleteness": 3,
    "benign_late_invoice": 2,
    "benign_rounding": 5,
    "benign_month_end_burst": 1,
    **OPERATIONS_COUNTS,
}


class FaultPlan(BaseModel):
    """How many faults of each kind to plant; kinds left out are not planted."""

    model_config = ConfigDict(extra="forbid")

    faults: dict[str, int] = Field(default_factory=dict)
    stale_role: Literal["erp", "crm", "billing", "support"] = "crm"  # its first account
    incomplete: Literal["support.contacts", "support.tickets", "crm.contacts"] = "support.contacts"
    unlinked: float = Field(default=0.0, ge=0, le=1)  # share of the customers that keep no ids of each other (sandbox.world.unlinked)

    @field_validator("faults")
    @classmethod
    def _known(cls, faults: dict[str, int]) -> dict[str, int]:
        unknown = sorted(faults.keys() - DEFAULT_COUNTS.keys())
        if unknown:
            raise ValueError(f"unknown kind {', '.join(unknown)}; known kinds are {', '.join(sorted(DEFAULT_COUNTS))}")
        negative = sorted(kind for kind, count in faults.items() if count < 0)
        if negative:
            raise ValueError(f"the count of {', '.join(negative)} is below zero")
        return {kind: faults[kind] for kind in sorted(faults)}


def default_plan(scale: float = 1.0) -> FaultPlan:
    """Every kind; fewer of each in a smaller world, but at least one."""
    return FaultPlan(faults={kind: max(1, round(count * min(scale, 1.0))) for kind, count in DEFAULT_COUNTS.items()})


def load_plan(path: Path) -> FaultPlan:
    """Read a plan from a YAML or JSON file. Raises SandboxError that names the file, the field and the known kinds."""
    try:
        content = json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())
    except OSError as error:
        raise SandboxError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, yaml.YAMLError) as error:
        raise SandboxError(f"{path}: not YAML or JSON ({error})") from error
    try:
        return FaultPlan.model_validate(content or {})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
        raise SandboxError(f"{path}: {problems}") from error


@dataclass
class World:
    """Each account's view, the truth, and what is needed to let the world live on."""

    seed: int
    scale: float
    as_of: datetime
    roles: dict[str, View]  # what all systems of a role hold together
    landscape: Landscape
    views: dict[str, View]  # by account, of the same rows
    truth: list[Fault]
    notes: dict[str, Any]
    untouchable: set[int]  # customers with a planted fault: later days leave them as they are
    stale_accounts: frozenset[str]
    next_keys: dict[str, int]
    step: int = 0

    def tell(self, faults: Iterable[Fault]) -> None:
        """Add to the truth what the connected systems can show."""
        self.truth += [told for fault in faults for told in self.landscape.resolve(fault)]

    def new_key(self, entity: str) -> int:
        self.next_keys[entity] += 1
        return self.next_keys[entity]


@dataclass
class Planter:
    """The views under change, who is taken already, and the truth so far."""

    plan: FaultPlan
    views: dict[str, View]
    anchor: datetime
    rng: random.Random
    aliases: dict[int, str]
    used: set[int] = field(default_factory=set)
    truth: list[Fault] = field(default_factory=list)
    items_of: dict[int, int] = field(default_factory=dict)  # customer key -> key whose open items it shows
    next_keys: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        erp, support, billing = self.views["erp"], self.views["support"], self.views["billing"]
        self.by_key = {system: {row.key: row for row in view.customers} for system, view in self.views.items()}
        self.subscription_of = {row.customer: row for row in billing.subscriptions}
        self.contract_of = {row.customer: row for row in self.views["crm"].contracts if row.subscription is not None}
        self.tier_of = {row.key: row.tier for row in billing.products if row.tier}
        self.contacts_of: dict[int, list[int]] = {}
        for contact in support.contacts:
            self.contacts_of.setdefault(contact.customer, []).append(contact.key)
        self.tickets_of: dict[int, list[Ticket]] = {}
        for ticket in support.tickets:
            self.tickets_of.setdefault(ticket.customer, []).append(ticket)
        credited = {note.invoice for note in billing.credit_notes} | {None}
        disputed = {dispute.payment for dispute in billing.disputes}
        disputed_invoices = {payment.invoice for payment in billing.payments if payment.key in disputed}
        self.clean_invoices: dict[int, list[Invoice]] = {}  # settled, undisputed, not credited, of the last months
        for invoice in billing.invoices:
            age = self.anchor - invoice.finalized_at
            is_clean = invoice.status == "paid" and invoice.total > 0 and invoice.key not in credited | disputed_invoices
            if is_clean and timedelta(days=3) < age < timedelta(days=300):
                self.clean_invoices.setdefault(invoice.customer, []).append(invoice)
        self.erp_invoices = {row.key: row for row in erp.invoices}
        sources: dict[str, list[Any]] = {
            "customer": erp.customers,
            "invoice": billing.invoices,
            "payment": billing.payments,
            "ticket": support.tickets,
            "order": erp.orders,
            "opportunity": self.views["crm"].opportunities,
            "credit_note": [*billing.credit_notes, *billing.refunds],  # a credit and its refund share a key
            "return": erp.returns,
        }
        self.next_keys = {name: max((row.key for row in rows), default=0) for name, rows in sources.items()}

    def new_key(self, entity: str) -> int:
        self.next_keys[entity] += 1
        return self.next_keys[entity]

    def days_ago(self, low: float, high: float) -> datetime:
        return moment_between(self.rng, self.anchor - timedelta(days=high), self.anchor - timedelta(days=low)).replace(microsecond=0)

    def victim(self, kind: str, fits: Callable[[Customer], bool] = lambda customer: True) -> int:
        """A plain customer that no fault has yet: active, not on hold, linked everywhere. Raises SandboxError when none is left."""
        fitting = []
        for key, customer in self.by_key["erp"].items():
            if key in self.used or customer.credit_hold or not customer.is_active or not customer.tax_id:
                continue
            if all(self.by_key[system][key].erp_customer == key for system in self.views) and fits(customer):
                fitting.append(key)
        if not fitting:
            raise SandboxError(
                f"the world is too small for the fault plan: no customer is left for {kind}; lower the counts or raise the scale"
            )
        chosen = self.rng.choice(fitting)
        self.used.add(chosen)
        return chosen

    def log(
        self,
        kind: str,
        finding: str | None,
        classification: str | None,
        subjects: Iterable[Subject],
        note: str,
        visible_from: datetime | None = None,
        domain: str | None = None,
    ) -> None:
        self.truth.append(
            Fault(f"{kind}-{len(self.truth) + 1}", kind, finding, classification, tuple(subjects), visible_from or self.anchor, note, domain)
        )

    def has_open_ticket(self, customer: int) -> bool:
        return any(ticket.status in OPEN_STATUSES for ticket in self.tickets_of.get(customer, ()))


def plant(planter: Planter) -> None:
    """Plant all faults of the plan, the most demanding kinds first, so that a small world still holds them."""
    for kind, planted in _KINDS.items():
        count = planter.plan.faults.get(kind, 0)
        if count:
            planted(planter, count)


def clamp_stale(world: World, name: str) -> None:
    """Nothing in the stale account changed in the last four days."""
    view = world.views[name]
    latest = world.as_of - timedelta(days=4, hours=1)
    rows: list[Row] = []
    for value in vars(view).values():
        if isinstance(value, list):
            rows.extend(value)
    for row in rows:
        row.updated_at = min(row.updated_at, latest - timedelta(seconds=row.key % 7_200))
        row.created_at = min(row.created_at, row.updated_at)
    world.stale_accounts = frozenset({name})
    subjects = (Subject(name, "connection", name),)
    fault = f"stale_connection-{len(world.truth) + 1}"
    world.truth.append(Fault(fault, "stale_connection", "D13", "stale", subjects, world.as_of, f"no change in {name} for four days"))


def _stamp(row: Row, at: datetime, actor: str = INTEGRATION_ACTOR) -> None:
    row.updated_at, row.actor = max(at, row.created_at), actor


# -- benign look-alikes -------------------------------------------------------------------------------------------------


def _month_end_burst(planter: Planter, count: int) -> None:
    """Many invoices in the last hours of last month, in both systems alike."""
    erp, billing = planter.views["erp"], planter.views["billing"]
    month_start = planter.anchor.replace(day=1, hour=0, minute=0, second=0)
    products = [product for product in billing.products if not product.is_recurring]
    customers = [customer for customer in erp.customers if customer.is_active]
    size = max(10, len(billing.invoices) // 60) * count
    keys = []
    for _ in range(size):
        customer = planter.rng.choice(customers)
        at = moment_between(planter.rng, month_start - timedelta(hours=5), month_start - timedelta(minutes=1))
        product = planter.rng.choice(products)
        price = quantize(Decimal(planter.rng.randint(20, 400)), customer.currency)
        line = make_line(1, product, Decimal(planter.rng.randint(1, 9)), price, customer.currency, customer.country)
        invoice = make_invoice(planter.new_key("invoice"), customer, at, [line])
        keys.append(invoice.key)
        erp.invoices.append(invoice)
        billing.invoices.append(copy.copy(invoice))
        planter.erp_invoices[invoice.key] = invoice
    subjects = [subject("billing", "invoice", key) for key in keys]
    planter.log("benign_month_end_burst", None, None, subjects, f"{size} invoices in the last hours of the month, equal in both systems")


def _late_invoice(planter: Planter, count: int) -> None:
    billing = planter.views["billing"]
    products = [product for product in billing.products if not product.is_recurring]
    for _ in range(count):
        key = planter.victim("benign_late_invoice")
        customer = planter.by_key["billing"][key]
        at = planter.anchor - timedelta(minutes=5)
        product = planter.rng.choice(products)
        price = quantize(Decimal(planter.rng.randint(20, 900)), customer.currency)
        line = make_line(1, product, Decimal(planter.rng.randint(1, 5)), price, customer.currency, customer.country)
        invoice = make_invoice(planter.new_key("invoice"), customer, at, [line])
        billing.invoices.append(invoice)
        planter.log(
            "benign_late_invoice",
            "D4",
            "missing_in_erp",
            [subject("billing", "invoice", invoice.key)],
            "not in the ERP yet; no finding until its grace has passed",
            at + INVOICE_GRACE,
        )


def _rounding(planter: Planter, count: int) -> None:
    for _ in range(count):
        billed, posted = _invoice_victim(planter, "benign_rounding")
        _shift_amount(posted, minor_unit(posted.currency))
        planter.log("benign_rounding", None, None, _invoice_subjects(billed), "one minor unit apart: inside the tolerance")


# -- identity -----------------------------------------------------------------------------------------------------------


def _customer_missing(planter: Planter, count: int) -> None:
    """A customer gone from one system, with all that hangs on it, so that nothing else looks wrong."""
    views = planter.views
    for number in range(count):
        system = ("crm", "support", "billing")[number % 3]
        key = planter.victim("customer_missing", lambda customer: customer.key not in planter.subscription_of)
        lists = ["customers", "contacts", "opportunities", "contracts", "tickets", "assets"]
        _drop(views[system], key, lists)
        if system == "billing":
            for view in (views["billing"], views["erp"]):
                _drop(view, key, ["invoices", "payments", "credit_notes", "refunds", "disputes", "returns"])
            planter.clean_invoices.pop(key, None)
        if system == "crm":
            for order in views["erp"].orders:
                if order.customer == key:
                    order.opportunity = None
        subjects = [subject("erp", "customer", key), Subject(system, "customer", "")]
        planter.log("customer_missing", "D15", "missing", subjects, f"not in {system}")


def _drop(view: View, customer: int, names: Iterable[str]) -> None:
    for name in names:
        rows = getattr(view, name)
        rows[:] = [row for row in rows if (row.key if name == "customers" else row.customer) != customer]


def _duplicate_customer(planter: Planter, count: int) -> None:
    for number in range(count):
        system = ("crm", "support")[number % 2]
        key = planter.victim("duplicate_customer")
        original = planter.by_key[system][key]
        shares_tax_id = number % 4 < 2
        at = planter.days_ago(2, 20)
        double = replace(
            original,
            key=planter.new_key("customer"),
            name=planter.aliases.get(key) or _respelled(planter.rng, original.name),
            tax_id=original.tax_id if shares_tax_id else "",
            erp_customer=None,
            created_at=at,
            updated_at=at,
            actor="user:2",
        )
        planter.views[system].customers.append(double)
        planter.items_of[double.key] = key
        shared = "tax id" if shares_tax_id else "domain"
        planter.log(
            "duplicate_customer",
            "D15",
            "duplicate",
            [subject(system, "customer", key), subject(system, "customer", double.key)],
            f"{original.name!r} again as {double.name!r}, same {shared}, no link",
        )


def _respelled(rng: random.Random, name: str) -> str:
    """The name as a hurried person would write it."""
    words = {"Inc.": "Incorporated", "LLC": "L.L.C.", "Corp.": "Corporation", "Ltd": "Limited", "GmbH": "Gmbh", "&": "and", "Co": "Company"}
    parts = [words.get(part, part) for part in name.split()]
    text = " ".join(parts)
    return text.upper() if rng.random() < 0.4 or text == name else text


# -- states -------------------------------------------------------------------------------------------------------------


def _account_status(planter: Planter, count: int) -> None:
    for _ in range(count):
        key = planter.victim("account_status_contradiction", lambda customer: customer.key not in planter.subscription_of)
        erp = planter.by_key["erp"][key]
        erp.is_active = False
        _stamp(erp, planter.days_ago(5, 9), "system")
        planter.log(
            "account_status_contradiction",
            "D1",
            "status",
            [subject("erp", "customer", key), subject("crm", "customer", key)],
            "inactive in the ERP, an active customer in CRM",
        )


def _cancel(planter: Planter, kind: str, oldest: float, newest: float) -> tuple[int, Subscription]:
    """Cancel a running subscription in billing; CRM knows the end. No ticket is open, none came after the end."""
    latest_end = planter.anchor - timedelta(days=newest)

    def fits(customer: Customer) -> bool:
        held = planter.subscription_of.get(customer.key)
        if held is None or held.status != "active" or held.start_at > planter.anchor - timedelta(days=oldest + 40):
            return False
        if (held.period_end - planter.anchor).days < 20 or planter.has_open_ticket(customer.key):
            return False
        return all(ticket.created_at < latest_end - timedelta(days=oldest - newest) for ticket in planter.tickets_of.get(customer.key, ()))

    key = planter.victim(kind, fits)
    held = planter.subscription_of[key]
    ended = planter.days_ago(newest, oldest)
    held.status, held.canceled_at, held.ended_at, held.updated_at = "canceled", ended, ended, ended
    crm = planter.by_key["crm"][key]
    crm.entitlement_end = entitlement_end(held)
    _stamp(crm, ended + timedelta(minutes=4))
    return key, held


def _contract_status(planter: Planter, count: int) -> None:
    for _ in range(count):
        key, held = _cancel(planter, "contract_status_contradiction", 24, 12)
        support = planter.by_key["support"][key]
        support.entitlement_end = entitlement_end(held)
        _stamp(support, held.updated_at + timedelta(minutes=4))
        contract = planter.contract_of[key]
        planter.log(
            "contract_status_contradiction",
            "D1",
            "status",
            [subject("crm", "contract", contract.key), subject("billing", "subscription", held.key)],
            "contract activated in CRM, its subscription canceled in billing",
        )


def _entitlement_lives(planter: Planter, count: int) -> None:
    for _ in range(count):
        key, held = _cancel(planter, "subscription_cancelled_entitlement_lives", 10, 4.2)
        contract = planter.contract_of[key]
        contract.status = "terminated"
        _stamp(contract, held.updated_at + timedelta(minutes=6), "user:3")
        planter.log(
            "subscription_cancelled_entitlement_lives",
            "D3",
            "lapsed_but_entitled",
            [subject("billing", "subscription", held.key), subject("support", "customer", key)],
            "canceled in billing, support still shows cover to the old end",
        )


def _entitlement_missing(planter: Planter, count: int) -> None:
    for _ in range(count):
        key, held = _covered(planter, "subscription_active_entitlement_missing")
        support = planter.by_key["support"][key]
        support.entitlement_tier, support.entitlement_start, support.entitlement_end = "", None, None
        _stamp(support, planter.days_ago(1, 6))
        planter.log(
            "subscription_active_entitlement_missing",
            "D3",
            "missing",
            [subject("billing", "subscription", held.key), subject("support", "customer", key)],
            "paid for, but support shows no cover",
        )


def _tier_mismatch(planter: Planter, count: int) -> None:
    for _ in range(count):
        key, held = _covered(planter, "tier_mismatch")
        support = planter.by_key["support"][key]
        support.entitlement_tier = planter.rng.choice([tier for tier in TIERS if tier != planter.tier_of[held.product]])
        _stamp(support, planter.days_ago(1, 6))
        planter.log(
            "tier_mismatch",
            "D3",
            "tier",
            [subject("billing", "subscription", held.key), subject("support", "customer", key)],
            f"billing sells {planter.tier_of[held.product]}, support gives {support.entitlement_tier}",
        )


def _covered(planter: Planter, kind: str) -> tuple[int, Subscription]:
    def fits(customer: Customer) -> bool:
        held = planter.subscription_of.get(customer.key)
        return held is not None and held.status == "active" and not planter.has_open_ticket(customer.key)

    key = planter.victim(kind, fits)
    return key, planter.subscription_of[key]


def _case_without_cover(planter: Planter, count: int) -> None:
    support = planter.views["support"]
    for _ in range(count):
        key = planter.victim(
            "case_without_cover",
            lambda customer: (
                customer.key in planter.subscription_of
                and planter.subscription_of[customer.key].ended_at is not None
                and not planter.has_open_ticket(customer.key)
                and bool(planter.contacts_of.get(customer.key))
            ),
        )
        at = planter.days_ago(0.2, 2) if planter.plan.stale_role != "support" else planter.days_ago(5, 6)
        contact = planter.contacts_of[key][0]
        ticket = Ticket(
            key=planter.new_key("ticket"),
            created_at=at,
            updated_at=at,
            actor="user:7",
            customer=key,
            contact=contact,
            assignee=7,
            subject="Unit stopped working",
            type="incident",
            priority="high",
            status="open",
            tags=["incident"],
            comments=[Comment(at=at, author=contact, is_agent=False, is_public=True, body="Unit stopped working. Please send someone.")],
        )
        support.tickets.append(ticket)
        planter.log(
            "case_without_cover",
            "D3",
            "case_without_cover",
            [subject("support", "ticket", ticket.key), subject("support", "customer", key)],
            "opened after cover had ended",
        )


def _hold(planter: Planter, count: int, kind: str, missing_in: str) -> None:
    for _ in range(count):
        busy = waiting_orders(planter)
        key = planter.victim(kind, lambda customer, busy=busy: customer.key not in busy)  # type: ignore[misc]
        at = planter.days_ago(0.1, 3)
        for system in ("erp", "crm", "support"):
            row = planter.by_key[system][key]
            if system == missing_in:
                _stamp(row, planter.days_ago(4.1, 12))
            else:
                row.credit_hold = True
                _stamp(row, at, "system" if system == "erp" else INTEGRATION_ACTOR)
        planter.log(
            kind,
            "D2",
            "not_propagated",
            [subject("erp", "customer", key), subject(missing_in, "customer", key)],
            f"on hold in the ERP, not in {missing_in}",
        )


def _hold_support(planter: Planter, count: int) -> None:
    _hold(planter, count, "hold_not_propagated_support", "support")


def _hold_crm(planter: Planter, count: int) -> None:
    _hold(planter, count, "hold_not_propagated_crm", "crm")


def _crm_overwrites(planter: Planter, count: int) -> None:
    # who owes something has its ERP row rewritten as days pass, and the ERP's change would be the later one
    owing = open_items(planter.views["erp"].invoices, planter.anchor.date())
    for number in range(count):
        key = planter.victim("crm_overwrites_erp_field", lambda customer: customer.key not in owing)
        _stamp(planter.by_key["erp"][key], planter.days_ago(10, 20), "system")
        crm = planter.by_key["crm"][key]
        crm.credit_limit = quantize(crm.credit_limit * Decimal("1.5") + 100, crm.currency)
        _stamp(crm, planter.days_ago(0.1, 4), f"user:{number % 5 + 1}")
        planter.log(
            "crm_overwrites_erp_field",
            "D11",
            "ownership",
            [subject("crm", "customer", key), subject("erp", "customer", key)],
            "a person in CRM changed the credit limit, which the ERP owns",
        )


def _unmapped_status(planter: Planter, count: int) -> None:
    """A code that no value map knows, in turn in four places."""
    for number in range(count):
        system, entity, rows, value = (
            ("crm", "opportunity", planter.views["crm"].opportunities, "Verbal Commit"),
            ("erp", "order", planter.views["erp"].orders, "Z"),
            ("support", "ticket", planter.views["support"].tickets, "escalated"),
            ("crm", "contract", planter.views["crm"].contracts, "In Renegotiation"),
        )[number % 4]
        field_name = "stage" if entity == "opportunity" else "status"
        statuses = {
            "opportunity": ("negotiation",),
            "order": ("pending_billing", "pending_fulfillment", "billed"),
            "ticket": ("open", "pending", "solved"),
            "contract": ("activated",),
        }[entity]
        owners = {row.customer for row in rows if getattr(row, field_name) in statuses}
        key = planter.victim("unmapped_status", lambda customer, owners=owners: customer.key in owners)  # type: ignore[misc]
        chosen = planter.rng.choice([row for row in rows if row.customer == key and getattr(row, field_name) in statuses])
        setattr(chosen, field_name, value)
        planter.log("unmapped_status", "D5", "unmapped", [subject(system, entity, chosen.key)], f"{field_name} {value!r}")


# -- invoices -----------------------------------------------------------------------------------------------------------


def _invoice_victim(planter: Planter, kind: str, fits: Callable[[Invoice], bool] = lambda invoice: True) -> tuple[Invoice, Invoice]:
    """A settled invoice of a new victim, as billing and as the ERP hold it."""
    key = planter.victim(kind, lambda customer: any(fits(invoice) for invoice in planter.clean_invoices.get(customer.key, ())))
    billed = planter.rng.choice([invoice for invoice in planter.clean_invoices[key] if fits(invoice)])
    return billed, planter.erp_invoices[billed.key]


def _invoice_subjects(invoice: Invoice) -> list[Subject]:
    return [subject("billing", "invoice", invoice.key), subject("erp", "invoice", invoice.key)]


def _rewrite(invoice: Invoice, lines: list[Any]) -> None:
    """Give the invoice these lines and the totals that follow; a settled one stays settled."""
    invoice.lines = lines
    invoice.subtotal, invoice.tax, invoice.total = sums(lines)
    if invoice.status == "paid":
        invoice.amount_paid = invoice.total
    else:
        invoice.amount_remaining = invoice.total - invoice.amount_paid


def _shift_amount(invoice: Invoice, difference: Decimal) -> None:
    first = invoice.lines[0]
    _rewrite(invoice, [replace(first, amount=first.amount + difference), *invoice.lines[1:]])


def _payment_subjects(planter: Planter, role: str, invoice: int) -> list[Subject]:
    """The payments that one side alone still has: they go with the invoice, and are no fault of their own."""
    return [subject(role, "payment", row.key) for row in planter.views[role].payments if row.invoice == invoice]


def _drop_document(view: View, invoice: int) -> None:
    view.invoices[:] = [row for row in view.invoices if row.key != invoice]
    view.payments[:] = [row for row in view.payments if row.invoice != invoice]


def _missing_in_erp(planter: Planter, count: int) -> None:
    for _ in range(count):
        billed, _posted = _invoice_victim(planter, "invoice_missing_in_erp")
        _drop_document(planter.views["erp"], billed.key)
        subjects = [subject("billing", "invoice", billed.key), *_payment_subjects(planter, "billing", billed.key)]
        planter.log("invoice_missing_in_erp", "D4", "missing_in_erp", subjects, "never reached the ERP")


def _missing_in_billing(planter: Planter, count: int) -> None:
    for _ in range(count):
        billed, _posted = _invoice_victim(planter, "invoice_missing_in_billing", lambda invoice: invoice.subscription is None)
        _drop_document(planter.views["billing"], billed.key)
        planter.log(
            "invoice_missing_in_billing",
            "D4",
            "missing_in_billing",
            [subject("erp", "invoice", billed.key), *_payment_subjects(planter, "erp", billed.key)],
            "billing does not know it",
        )


def _amount_cent(planter: Planter, count: int) -> None:
    """Just over the tolerance: one minor unit more than it allows."""
    for _ in range(count):
        billed, posted = _invoice_victim(planter, "invoice_amount_cent")
        unit = minor_unit(billed.currency)
        allowed = max(len(billed.lines) * unit, quantize(billed.total * Decimal("0.0001"), billed.currency) + unit)
        _shift_amount(posted, allowed + unit)
        planter.log("invoice_amount_cent", "D4", "amount", _invoice_subjects(billed), f"{allowed + unit} {billed.currency} more in the ERP")


def _amount_far(planter: Planter, count: int) -> None:
    for _ in range(count):
        billed, posted = _invoice_victim(planter, "invoice_amount_far")
        difference = quantize(max(billed.total * Decimal("0.31"), 10 * minor_unit(billed.currency)), billed.currency)
        _shift_amount(posted, difference)
        planter.log("invoice_amount_far", "D4", "amount", _invoice_subjects(billed), f"{difference} {billed.currency} more in the ERP")


def _wrong_currency(planter: Planter, count: int) -> None:
    for _ in range(count):
        billed, posted = _invoice_victim(planter, "invoice_wrong_currency", lambda invoice: invoice.currency in ("EUR", "GBP", "USD"))
        posted.currency = "EUR" if billed.currency != "EUR" else "USD"
        planter.log("invoice_wrong_currency", "D4", "currency", _invoice_subjects(billed), f"{billed.currency} posted as {posted.currency}")


def _minor_units(planter: Planter, count: int) -> None:
    for _ in range(count):
        billed, posted = _invoice_victim(planter, "invoice_minor_units", lambda invoice: EXPONENTS.get(invoice.currency, 2) == 2)
        lines = [replace(line, unit_price=line.unit_price * 100, amount=line.amount * 100, tax=line.tax * 100) for line in posted.lines]
        _rewrite(posted, lines)
        planter.log("invoice_minor_units", "D4", "amount", _invoice_subjects(billed), "cents posted as units: a hundred times too much")


def _tax_missing(planter: Planter, count: int) -> None:
    for _ in range(count):
        billed, posted = _invoice_victim(planter, "invoice_tax_missing", lambda invoice: invoice.tax > 50 * minor_unit(invoice.currency))
        _rewrite(posted, [replace(line, tax=Decimal(0)) for line in posted.lines])
        planter.log("invoice_tax_missing", "D4", "tax", _invoice_subjects(billed), "posted without its tax")


def _invoice_status(planter: Planter, count: int) -> None:
    def fits(invoice: Invoice) -> bool:
        return invoice.paid_at is not None and timedelta(days=2) < planter.anchor - invoice.paid_at < timedelta(days=200)

    for _ in range(count):
        billed, posted = _invoice_victim(planter, "invoice_status", fits)
        posted.status, posted.paid_at, posted.updated_at = "open", None, posted.finalized_at
        posted.amount_paid, posted.amount_remaining = Decimal(0), posted.total
        payments = planter.views["erp"].payments
        payments[:] = [row for row in payments if row.invoice != billed.key]
        subjects = [*_invoice_subjects(billed), *_payment_subjects(planter, "billing", billed.key)]
        planter.log("invoice_status", "D4", "status", subjects, "paid in billing for days, open in the ERP")


# -- connection and schema ----------------------------------------------------------------------------------------------


def _silent_contacts(planter: Planter) -> list[Any]:
    """Contacts that nothing else points to."""
    asking = {ticket.contact for ticket in planter.views["support"].tickets}
    asking |= {comment.author for ticket in planter.views["support"].tickets for comment in ticket.comments if not comment.is_agent}
    return [
        row for row in planter.views["support"].contacts if row.key not in asking and row.customer not in planter.used and not row.extra
    ]


def _extra_field(planter: Planter, count: int) -> None:
    places: tuple[tuple[str, str, str, str, Any], ...] = (
        ("billing", "customers", "customer", "loyalty_segment", "gold"),
        ("support", "tickets", "ticket", "sla_breach_risk", 0.25),
        ("support", "customers", "customer", "region_code", "EMEA-1"),
        ("billing", "invoices", "invoice", "carbon_grams", 1200),
    )
    if count > len(places):
        raise SandboxError(f"schema_extra_field: at most {len(places)}, {count} asked for")
    for system, name, entity, column, value in places[:count]:
        rows = getattr(planter.views[system], name)
        for row in rows:
            row.extra = {**row.extra, column: value}
        shown = Subject(system, entity, column, customers=_customers(rows))
        planter.log("schema_extra_field", "D10", "added", [shown], f"every {entity} of {system} now has {column}")


def _customers(rows: Iterable[Any]) -> frozenset[int]:
    return frozenset(getattr(row, "customer", row.key) for row in rows)


def _retyped_field(planter: Planter, count: int) -> None:
    free = _silent_contacts(planter)
    if len(free) < count:
        raise SandboxError(f"schema_retyped_field: the world has {len(free)} contacts to spare, {count} asked for")
    chosen = planter.rng.sample(free, count)
    for contact in chosen:
        contact.extra = {"created_at": "yesterday"}
    subjects = [Subject("support", "contact", "created_at", customers=_customers(chosen))]
    keys = ", ".join(subject("support", "contact", contact.key).id for contact in chosen)
    planter.log("schema_retyped_field", "D10", "retyped", subjects, f"a word instead of a time on users {keys}")


def _silent_incompleteness(planter: Planter, count: int) -> None:
    system, _, name = planter.plan.incomplete.partition(".")
    if planter.plan.incomplete == "support.contacts":
        free = _silent_contacts(planter)
    else:
        free = [row for row in getattr(planter.views[system], name) if row.customer not in planter.used and not row.extra]
        free = [row for row in free if not isinstance(row, Ticket) or row.status == "closed"]
    if len(free) < count:
        raise SandboxError(f"silent_incompleteness: the world has {len(free)} rows to hide, {count} asked for")
    chosen = planter.rng.sample(free, count)
    for row in chosen:
        row.hidden = True
    entity = name.removesuffix("s")
    hidden = ", ".join(subject(system, entity, row.key).id for row in chosen)
    planter.log("silent_incompleteness", "D14", "incomplete", [Subject(system, entity, name, customers=_customers(chosen))], f"counted but never listed: {hidden}")


# in this order: bursts before victims are taken, then the kinds that fit fewest customers
_KINDS: dict[str, Callable[[Planter, int], None]] = {
    "benign_month_end_burst": _month_end_burst,
    "account_status_contradiction": _account_status,
    "customer_missing": _customer_missing,
    "case_without_cover": _case_without_cover,
    "contract_status_contradiction": _contract_status,
    "subscription_cancelled_entitlement_lives": _entitlement_lives,
    "subscription_active_entitlement_missing": _entitlement_missing,
    "tier_mismatch": _tier_mismatch,
    "crm_overwrites_erp_field": _crm_overwrites,
    "unmapped_status": _unmapped_status,
    "invoice_tax_missing": _tax_missing,
    "invoice_status": _invoice_status,
    "invoice_wrong_currency": _wrong_currency,
    "invoice_minor_units": _minor_units,
    "invoice_missing_in_billing": _missing_in_billing,
    "invoice_missing_in_erp": _missing_in_erp,
    "invoice_amount_cent": _amount_cent,
    "invoice_amount_far": _amount_far,
    "benign_rounding": _rounding,
    "benign_late_invoice": _late_invoice,
    "hold_not_propagated_support": _hold_support,
    "hold_not_propagated_crm": _hold_crm,
    "duplicate_customer": _duplicate_customer,
    "schema_retyped_field": _retyped_field,
    "silent_incompleteness": _silent_incompleteness,
    "schema_extra_field": _extra_field,
    **OPERATIONS,
}

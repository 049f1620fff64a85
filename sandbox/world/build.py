"""From the neutral company to each system's own copy, with the faults planted: the world that the sandbox serves."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.world.documents import open_items, write_balances
from sandbox.world.generate import generate
from sandbox.world.model import INTEGRATION_ACTOR, Customer, View
from sandbox.world.parties import Company, dice, moment_between
from sandbox.world.plant import FaultPlan, Planter, World, clamp_stale, plant
from sandbox.world.tickets import HOLD_TAG, LAPSED_TAG, tag_open_tickets

__all__ = ["SYSTEMS", "World", "build_world"]

# which of the company's entities each system keeps
_KEPT = {
    "netsuite": ("customers", "contacts", "agents", "products", "orders", "invoices", "payments", "credit_notes", "refunds"),
    "salesforce": ("customers", "contacts", "agents", "products", "opportunities", "contracts"),
    "stripe": ("customers", "products", "subscriptions", "invoices", "payments", "credit_notes", "refunds", "disputes"),
    "zendesk": ("customers", "contacts", "agents", "tickets"),
}
SYSTEMS = tuple(_KEPT)


def build_world(seed: int, scale: float, faults: FaultPlan, data: Path | None, anchor: datetime) -> World:
    """The same arguments give the same world. `anchor` is its now; history ends there.

    Raises SandboxError when the data folder lacks a set, or when the world is too small for the faults asked for.
    """
    anchor = anchor.astimezone(UTC).replace(microsecond=0)
    if data is None:
        company = generate(seed, scale, anchor)
    else:
        from sandbox.world.retail import read_company  # polars is wanted only here

        company = read_company(data, seed, scale, anchor)
    _set_credit_state(company, seed)
    views = {system: _copy_for(system, company.view, seed) for system in SYSTEMS}
    planter = Planter(faults, views, anchor, dice(seed, "faults"), company.aliases)
    planter.items_of = {customer.key: customer.key for customer in company.view.customers}
    plant(planter)
    # balances come last, from what the ERP now shows: an invoice fault there never makes a second finding on the customer
    items = open_items(views["netsuite"].invoices, anchor.date())
    items.update({double: items[original] for double, original in planter.items_of.items() if original in items})
    write_balances(views.values(), items)
    if faults.faults.get("stale_connection"):
        clamp_stale(planter)
    return World(
        seed=seed,
        scale=scale,
        as_of=anchor,
        views=views,
        truth=planter.truth,
        notes=company.notes,
        untouchable=planter.used,
        stale_systems=frozenset({faults.stale_system} if faults.faults.get("stale_connection") else ()),
        next_keys=planter.next_keys,
    )


def _set_credit_state(company: Company, seed: int) -> None:
    """Some customers on hold, a few inactive, some without tax id; open tickets of the first carry the integration's tag."""
    rng = dice(seed, "credit state")
    view = company.view
    with_subscription = {subscription.customer for subscription in view.subscriptions}
    lapsed = {subscription.customer for subscription in view.subscriptions if subscription.ended_at is not None}
    owing = open_items(view.invoices, view.as_of.date())
    for customer in view.customers:
        draw = rng.random()
        if draw < 0.04:
            customer.credit_hold = True
        elif draw < 0.07 and customer.key not in with_subscription and customer.key not in owing:
            customer.is_active = False
        elif draw > 0.95:
            customer.tax_id = ""
    tag_open_tickets(view, {customer.key for customer in view.customers if customer.credit_hold}, HOLD_TAG)
    tag_open_tickets(view, lapsed, LAPSED_TAG)


def _copy_for(system: str, company: View, seed: int) -> View:
    """The system's own rows: copied one level deep; lines, comments and changes stay shared and are never changed in place."""
    rng = dice(seed, f"copy {system}")
    view = View(system, company.as_of)
    for name in _KEPT[system]:
        rows: list[Any] = [copy.copy(row) for row in getattr(company, name)]
        if system == "netsuite" and name == "payments":
            rows = [row for row in rows if row.status != "failed"]  # a failed attempt never becomes a document
        setattr(view, name, rows)
    recent = company.as_of - timedelta(minutes=15)
    for customer in view.customers:
        _touch(customer, system, rng.random(), moment_between(rng, company.as_of - timedelta(days=60), recent), rng.randint(1, 5))
        # one customer in ten has no explicit link in one of the other systems; tax id or domain still tell
        if system != "netsuite" and customer.tax_id and customer.key % 10 == 4 and (customer.key // 10) % 3 == _link_turn(system):
            customer.erp_customer = None
    return view


def _touch(customer: Customer, system: str, draw: float, at: datetime, person: int) -> None:
    """Each system has its own last change of the row; in CRM and support half of them are the integration's."""
    customer.updated_at = max(at, customer.created_at)
    if system in ("salesforce", "zendesk"):
        customer.actor = INTEGRATION_ACTOR if draw < 0.5 else f"user:{person}"
    else:
        customer.actor = "system"


def _link_turn(system: str) -> int:
    return ("salesforce", "stripe", "zendesk").index(system)

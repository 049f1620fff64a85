"""From the neutral company to each system's own copy, with the faults planted: the world that the sandbox serves."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.world.documents import open_items, write_balances
from sandbox.world.generate import generate
from sandbox.world.landscape import DEFAULT, KEPT, ROLES, Account, Landscape
from sandbox.world.logistics import make_assets, make_returns, make_shipments
from sandbox.world.model import INTEGRATION_ACTOR, Customer, View
from sandbox.world.parties import Company, dice, moment_between
from sandbox.world.plant import FaultPlan, Planter, World, clamp_stale, plant
from sandbox.world.tickets import HOLD_TAG, LAPSED_TAG, tag_open_tickets
from sandbox.world.unlinked import withhold_keys

__all__ = ["World", "build_world"]

_DRAWN_AS = {"erp": "netsuite", "crm": "salesforce", "billing": "stripe", "support": "zendesk"}  # keeps the worlds of earlier seeds


def build_world(
    seed: int, scale: float, faults: FaultPlan, data: Path | None, anchor: datetime, accounts: Sequence[Account] = DEFAULT,
) -> World:
    """The same arguments give the same world. `anchor` is its now; history ends there. `accounts` only decide who keeps what.

    Raises SandboxError when the data folder lacks a set, or when the world is too small for the faults asked for.
    """
    anchor = anchor.astimezone(UTC).replace(microsecond=0)
    if data is None:
        company = generate(seed, scale, anchor)
    else:
        from sandbox.world.retail import read_company  # polars is wanted only here

        company = read_company(data, seed, scale, anchor)
    _set_credit_state(company, seed)
    _add_logistics(company.view, seed)
    views = {role: _copy_for(role, company.view, seed) for role in ROLES}
    planter = Planter(faults, views, anchor, dice(seed, "faults"), company.aliases)
    planter.items_of = {customer.key: customer.key for customer in company.view.customers}
    plant(planter)
    if faults.unlinked:
        withhold_keys(views, faults.unlinked, planter.used, dice(seed, "unlinked"))
    # balances come last, from what the ERP now shows: an invoice fault there never makes a second finding on the customer
    items = open_items(views["erp"].invoices, anchor.date())
    items.update({double: items[original] for double, original in planter.items_of.items() if original in items})
    write_balances(views.values(), items)
    landscape = Landscape(accounts, views)
    world = World(
        seed=seed,
        scale=scale,
        as_of=anchor,
        roles=views,
        landscape=landscape,
        views=landscape.split(views),
        truth=[],
        notes=company.notes,
        untouchable=planter.used,
        stale_accounts=frozenset(),
        next_keys=planter.next_keys,
    )
    world.tell(planter.truth)
    stale = [account.name for account in accounts if account.role == faults.stale_role][:1]
    if faults.faults.get("stale_connection") and stale:
        clamp_stale(world, stale[0])
    return world


def _set_credit_state(company: Company, seed: int) -> None:
    """Some customers on hold, a few inactive, some without tax id; open tickets of the first carry the integration's tag."""
    rng = dice(seed, "credit state")
    view = company.view
    with_subscription = {subscription.customer for subscription in view.subscriptions}
    lapsed = {subscription.customer for subscription in view.subscriptions if subscription.ended_at is not None}
    owing = open_items(view.invoices, view.as_of.date())
    waiting = {order.customer for order in view.orders if order.status in ("pending_approval", "pending_fulfillment", "partially_fulfilled")}
    for customer in view.customers:
        draw = rng.random()
        if draw < 0.04:
            customer.credit_hold = customer.key not in waiting  # an order on its way would be blocked: a contradiction that nobody planted
        elif draw < 0.07 and customer.key not in with_subscription and customer.key not in owing:
            customer.is_active = False
        elif draw > 0.95:
            customer.tax_id = ""
    tag_open_tickets(view, {customer.key for customer in view.customers if customer.credit_hold}, HOLD_TAG)
    tag_open_tickets(view, lapsed, LAPSED_TAG)


def _add_logistics(view: View, seed: int) -> None:
    """What becomes of the goods ordered; a world that reads real orders gets it by the same rules."""
    rng = dice(seed, "logistics")
    view.shipments = make_shipments(rng, view.orders, view.as_of)
    view.returns = make_returns(
        rng, view.orders, view.invoices, view.credit_notes, view.tickets, max(3, len(view.orders) // 40), view.as_of)
    view.assets = make_assets(rng, view.shipments, view.products, max(5, len(view.shipments) // 4))


def _copy_for(role: str, company: View, seed: int) -> View:
    """The role's own rows: copied one level deep; lines, comments and changes stay shared and are never changed in place."""
    rng = dice(seed, f"copy {_DRAWN_AS[role]}")
    view = View(role, company.as_of, role)
    for name in KEPT[role]:
        rows: list[Any] = [copy.copy(row) for row in getattr(company, name)]
        if role == "erp" and name == "payments":
            rows = [row for row in rows if row.status != "failed"]  # a failed attempt never becomes a document
        setattr(view, name, rows)
    recent = company.as_of - timedelta(minutes=15)
    for customer in view.customers:
        _touch(customer, role, rng.random(), moment_between(rng, company.as_of - timedelta(days=60), recent), rng.randint(1, 5))
        # one customer in ten has no explicit link in one of the other systems; tax id or domain still tell
        if role != "erp" and customer.tax_id and customer.key % 10 == 4 and (customer.key // 10) % 3 == ROLES.index(role) - 1:
            customer.erp_customer = None
    if role == "erp":
        _hold_after_shipping(view)
    return view


def _hold_after_shipping(view: View) -> None:
    """Nothing leaves a customer on hold: the hold came after the last goods."""
    left: dict[int, datetime] = {}
    for shipment in view.shipments:
        if shipment.shipped_at is not None:
            left[shipment.customer] = max(shipment.shipped_at, left.get(shipment.customer, shipment.shipped_at))
    for customer in view.customers:
        if customer.credit_hold and customer.key in left:
            customer.updated_at = max(customer.updated_at, left[customer.key] + timedelta(hours=1))


def _touch(customer: Customer, role: str, draw: float, at: datetime, person: int) -> None:
    """Each system has its own last change of the row; in CRM and support half of them are the integration's."""
    customer.updated_at = max(at, customer.created_at)
    if role in ("crm", "support"):
        customer.actor = INTEGRATION_ACTOR if draw < 0.5 else f"user:{person}"
    else:
        customer.actor = "system"

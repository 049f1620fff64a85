"""One step of the company's life after the anchor: what happened since, as partial views for the vendors to take in.

Only rows that belong to the systems' own users are told: what the integration writes to CRM and support is left alone.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.world.documents import make_invoice, open_items, pay, random_lines
from sandbox.world.landscape import ROLES
from sandbox.world.model import Customer, Invoice, Opportunity, Payment, View
from sandbox.world.parties import covered_at, dice
from sandbox.world.plant import World
from sandbox.world.tickets import make_ticket
from sandbox.world.truth import Fault, subject


def advance_world(world: World, as_of: datetime) -> dict[str, View]:
    """Live on to `as_of`; returns what changed, by account. The same steps from the same world give the same rows."""
    world.step += 1
    rng = dice(world.seed, f"step {world.step}")
    erp, crm, billing, support = (world.roles[role] for role in ROLES)
    changed = {role: View(role, as_of, role) for role in ROLES}
    plain = [customer for customer in erp.customers if customer.is_active and customer.key not in world.untouchable]
    volume = max(1, len(erp.customers) // 100)

    goods = [product for product in erp.products if not product.is_recurring]
    for number in range(volume):
        customer = rng.choice(plain)
        at = as_of - timedelta(hours=3, minutes=rng.randint(0, 240), seconds=number)
        invoice = make_invoice(world.new_key("invoice"), customer, at, random_lines(rng, goods, customer))
        payment = pay(invoice, world.new_key("payment"), at + timedelta(minutes=20))
        for view in (erp, billing):
            view.invoices.append(copy.copy(invoice))
            view.payments.append(copy.copy(payment))
        _tell(changed, world, invoice, payment)

    billed = {invoice.key: invoice for invoice in billing.invoices}
    settleable = [
        invoice
        for invoice in erp.invoices
        if invoice.status == "open"
        and invoice.customer not in world.untouchable
        and invoice.key in billed
        and billed[invoice.key].status == "open"
    ]
    for invoice in rng.sample(settleable, min(volume, len(settleable))):
        payment = pay(invoice, world.new_key("payment"), as_of - timedelta(minutes=rng.randint(30, 200)))
        pay(billed[invoice.key], payment.key, payment.paid_at)
        erp.payments.append(payment)
        billing.payments.append(copy.copy(payment))
        _tell(changed, world, invoice, payment)

    touched: dict[int, Customer] = {}
    _move_holds(world, touched, plain, as_of, rng.random(), rng.random())
    items = open_items(erp.invoices, as_of.date())
    for customer in erp.customers:
        state = items.get(customer.key, (Decimal(0), Decimal(0), 0))
        if state != (customer.balance, customer.overdue_amount, customer.overdue_days):
            customer.balance, customer.overdue_amount, customer.overdue_days = state
            touched[customer.key] = customer
    for customer in touched.values():
        customer.updated_at, customer.actor = as_of - timedelta(minutes=10), "system"
    changed["erp"].customers = [copy.copy(customer) for customer in touched.values()]

    covered = [held for held in billing.subscriptions if covered_at(held, as_of) and held.customer not in world.untouchable]
    contacts = {contact.customer: contact for contact in support.contacts if not contact.hidden and not contact.extra}
    covered = [held for held in covered if held.customer in contacts]
    for _ in range(min(2, len(covered))):
        customer_key = rng.choice(covered).customer
        at = as_of - timedelta(minutes=rng.randint(60, 300))
        ticket = make_ticket(rng, world.new_key("ticket"), at, "new", customer_key, contacts[customer_key], support.agents[5:], [], as_of)
        support.tickets.append(ticket)
        changed["support"].tickets.append(ticket)

    customer = rng.choice([customer for customer in crm.customers if customer.key not in world.untouchable])
    lines = random_lines(rng, goods, customer)
    opportunity = Opportunity(
        key=world.new_key("opportunity"),
        created_at=as_of - timedelta(hours=2),
        updated_at=as_of - timedelta(hours=1),
        actor="user:1",
        customer=customer.key,
        name=f"{customer.name} {as_of:%Y-%m}",
        stage="prospecting",
        amount=sum((line.amount for line in lines), Decimal(0)),
        currency=customer.currency,
        close_date=(as_of + timedelta(days=45)).date(),
        probability=10,
        lines=lines,
    )
    crm.opportunities.append(opportunity)
    changed["crm"].opportunities.append(opportunity)

    world.as_of = as_of
    for view in world.roles.values():
        view.as_of = as_of
    world.views = world.landscape.split(world.roles)
    return {name: view for name, view in world.landscape.split(changed).items() if name not in world.stale_accounts}


def _tell(changed: dict[str, View], world: World, invoice: Invoice, payment: Payment) -> None:
    for name in ("erp", "billing"):
        source = invoice if name == "erp" else next(row for row in reversed(world.roles[name].invoices) if row.key == invoice.key)
        changed[name].invoices.append(copy.copy(source))
        changed[name].payments.append(copy.copy(payment))


def _move_holds(world: World, touched: dict[int, Customer], plain: list[Customer], as_of: datetime, first: float, second: float) -> None:
    """One customer more on hold, and every other day one released, in the ERP alone: carrying it on is the integration's work."""
    waiting = {order.customer for order in world.roles["erp"].orders if order.status in ("pending_approval", "pending_fulfillment", "partially_fulfilled")}
    free = [customer for customer in plain if not customer.credit_hold and customer.key not in waiting]
    held = [customer for customer in plain if customer.credit_hold]
    moves = [(free, first, True)] + ([(held, second, False)] if world.step % 2 == 0 else [])
    for candidates, draw, on_hold in moves:
        if not candidates:
            continue
        customer = candidates[int(draw * len(candidates))]
        customer.credit_hold = on_hold
        touched[customer.key] = customer
        world.untouchable.add(customer.key)
        word = "set" if on_hold else "released"
        for system in ("crm", "support"):
            world.tell([
                Fault(
                    f"hold_{word}-{world.step}-{system}",
                    f"hold_{word}",
                    "D2",
                    "not_propagated",
                    (subject("erp", "customer", customer.key), subject(system, "customer", customer.key)),
                    as_of - timedelta(minutes=9),
                    f"hold {word} in the ERP on day {world.step}; until the integration carries it to {system}",
                )
            ])

"""The company made up from a seed: everything of the neutral truth, no faults. Real data is read in `retail`."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.world.documents import credit, failed_attempts, make_disputes, make_invoice, make_line, make_order, random_lines, settle_most
from sandbox.world.model import (
    Agent,
    Contact,
    CreditNote,
    Customer,
    Invoice,
    Line,
    Opportunity,
    Order,
    Product,
    Refund,
    Subscription,
    Ticket,
    View,
)
from sandbox.world.parties import (
    CURRENCIES,
    Company,
    add_months,
    dice,
    entitle,
    make_agents,
    make_contacts,
    make_customer,
    make_subscriptions,
    make_tier_products,
    moment_between,
)
from sandbox.world.tickets import make_ticket

HISTORY = timedelta(days=548)  # 18 months
_Wanted = tuple[datetime, Customer, list[Line], Order | None, Subscription | None]  # an invoice to be

_STEMS = ["Alder", "Amber", "Anchor", "Arbor", "Aspen", "Atlas", "Beacon", "Birch", "Bluebell", "Boulder", "Bramble", "Canyon", "Cedar", "Cobalt", "Compass", "Copper", "Coral", "Crescent", "Delta", "Ember", "Falcon", "Fern", "Flint", "Foxglove", "Garnet", "Glacier", "Granite", "Harbor", "Hazel", "Heron", "Indigo", "Iris", "Juniper", "Kestrel", "Lantern", "Larch", "Linden", "Lumen", "Maple", "Marble", "Meadow", "Meridian", "Nimbus", "Onyx", "Orchard", "Osprey", "Pebble", "Pine", "Quarry", "Raven", "Saffron", "Sequoia", "Slate", "Summit", "Tamarind", "Thistle", "Umber", "Vantage", "Willow", "Zephyr"]
_TRADES = (
    "Analytics Bakery Ceramics Dental Energy Foods Freight Instruments Interiors Labs Logistics Media Motors Optics Outfitters Packaging "
)
_TRADES += "Pharma Robotics Software Textiles Tools Toys Travel Water"
_SUFFIXES = {
    "US": ("Inc.", "LLC", "Corp."),
    "GB": ("Ltd", "PLC"),
    "DE": ("GmbH", "AG"),
    "FR": ("SARL", "SAS"),
    "JP": ("K.K.",),
    "KW": ("W.L.L.",),
}
_GOODS = ["Label Printer", "Barcode Scanner", "Docking Station", "Shelf Bracket", "Packing Tape", "Thermal Paper", "Hand Truck", "Pallet Jack", "Work Light", "Safety Vest", "Cable Kit", "Power Strip", "Battery Pack", "Wall Mount", "Tool Case", "Storage Bin", "Floor Mat", "Air Filter", "Desk Fan", "Wireless Headset", "Monitor Arm", "Label Roll", "Box Cutter", "Shipping Scale", "Stretch Wrap", "Tablet Stand", "Key Cabinet"]


def generate(seed: int, scale: float, anchor: datetime) -> Company:
    """About 400 customers and 3,000 invoices over 18 months at scale 1; no smaller than 100 customers."""
    view = View("company", anchor)
    view.agents = make_agents(anchor)
    view.customers = _customers(dice(seed, "customers"), max(100, round(400 * scale)), anchor)
    size = len(view.customers) / 400
    view.contacts = make_contacts(dice(seed, "contacts"), view.customers, round(800 * size), anchor)
    view.products = _products(dice(seed, "products"), anchor)
    rng = dice(seed, "subscriptions")
    tiers = [product for product in view.products if product.tier]
    view.subscriptions, view.contracts = make_subscriptions(rng, view.customers, tiers, anchor, count=round(300 * size))
    by_key = {customer.key: customer for customer in view.customers}
    products = {product.key: product for product in view.products}
    for subscription in view.subscriptions:
        entitle(by_key[subscription.customer], subscription, products[subscription.product].tier)
    goods = [product for product in view.products if not product.is_recurring]
    rng = dice(seed, "orders")
    view.orders = _orders(rng, view.customers, goods, round(1200 * size), anchor)
    view.opportunities = make_opportunities(dice(seed, "opportunities"), view, goods, round(500 * size), anchor)
    view.invoices = _invoices(dice(seed, "invoices"), view, goods, round(3000 * size), anchor)
    rng = dice(seed, "payments")
    view.payments = settle_most(rng, view.invoices, anchor)
    view.credit_notes, view.refunds = _credits(rng, view, round(90 * size), anchor)
    view.disputes = make_disputes(rng, view.payments, max(2, round(12 * size)), anchor)
    view.payments += failed_attempts(rng, view.payments, round(40 * size), len(view.payments) + 1)
    view.tickets = _tickets(dice(seed, "tickets"), view, round(1500 * size), anchor)
    return Company(view, notes={"source": "generated"})


def _customers(rng: random.Random, count: int, anchor: datetime) -> list[Customer]:
    stems = [f"{stem} {trade}" for stem in _STEMS for trade in _TRADES.split()]
    rng.shuffle(stems)
    customers = []
    for key, stem in enumerate(stems[:count] if count <= len(stems) else _numbered(stems, count), start=1):
        country = rng.choices(list(CURRENCIES), weights=(45, 18, 14, 10, 8, 5))[0]
        name = f"{stem} {rng.choice(_SUFFIXES[country])}"
        customers.append(make_customer(rng, key, name, country, CURRENCIES[country], anchor))
    return customers


def _numbered(stems: list[str], count: int) -> list[str]:
    """More names than stems: a second word from the stems keeps them apart."""
    return [stem if turn == 0 else f"{_STEMS[turn % len(_STEMS)]} & {stem}" for turn in range(count // len(stems) + 1) for stem in stems][
        :count
    ]


def _products(rng: random.Random, anchor: datetime) -> list[Product]:
    products = make_tier_products(anchor, "USD")
    for key, name in enumerate(_GOODS, start=len(products) + 1):
        price = Decimal(rng.randint(4, 900)) + Decimal(rng.choice(("0.00", "0.50", "0.95", "0.99")))
        products.append(
            Product(
                key=key,
                created_at=anchor - timedelta(days=1000),
                updated_at=anchor - timedelta(days=rng.randint(20, 300)),
                actor="system",
                sku=f"{name[:3].upper()}-{key:04d}",
                name=name,
                description=f"{name}, standard model",
                unit_price=price,
                currency="USD",
                is_recurring=False,
            )
        )
    return products


def _moments(rng: random.Random, count: int, start: datetime, end: datetime) -> list[datetime]:
    return sorted(moment_between(rng, start, end) for _ in range(count))


def _orders(rng: random.Random, customers: list[Customer], goods: list[Product], count: int, anchor: datetime) -> list[Order]:
    orders = []
    for key, at in enumerate(_moments(rng, count, anchor - HISTORY, anchor - timedelta(hours=2)), start=1):
        customer = rng.choice(customers)
        orders.append(make_order(rng, key, customer, at, random_lines(rng, goods, customer), anchor))
    return orders


def make_opportunities(rng: random.Random, view: View, goods: list[Product], count: int, anchor: datetime) -> list[Opportunity]:
    customers = {customer.key: customer for customer in view.customers}
    won = rng.sample([order for order in view.orders if order.status != "cancelled"], min(len(view.orders), round(count * 0.5)))
    opportunities = []
    for key in range(1, count + 1):
        order = won[key - 1] if key <= len(won) else None
        if order is not None:
            customer, stage, lines, order.opportunity = customers[order.customer], "won", order.lines, key
            closed, created = order.created_at, order.created_at - timedelta(days=rng.randint(5, 90))
        else:
            customer = rng.choice(view.customers)
            stage, lines = rng.choice(("lost", "prospecting", "negotiation")), random_lines(rng, goods, customer)
            created = moment_between(rng, anchor - (HISTORY if stage == "lost" else timedelta(days=80)), anchor - timedelta(hours=3))
            closed = min(created + timedelta(days=30), anchor - timedelta(hours=2)) if stage == "lost" else anchor + timedelta(days=45)
        updated = closed if stage in ("won", "lost") else moment_between(rng, created, anchor - timedelta(minutes=25))
        opportunities.append(
            Opportunity(
                key=key,
                created_at=created,
                updated_at=max(created, updated),
                actor=f"user:{rng.randint(1, 5)}",
                customer=customer.key,
                name=f"{customer.name} {closed:%Y-%m}",
                stage=stage,
                amount=sum((line.amount for line in lines), Decimal(0)),
                currency=customer.currency,
                close_date=closed.date(),
                probability={"won": 100, "lost": 0, "prospecting": 10, "negotiation": 75}[stage],
                lines=lines,
                order=order.key if order else None,
            )
        )
    return opportunities


def _invoices(rng: random.Random, view: View, goods: list[Product], count: int, anchor: datetime) -> list[Invoice]:
    """Invoices for orders, for each subscription year, and the rest for things bought without an order; numbered in time order."""
    customers = {customer.key: customer for customer in view.customers}
    wanted: list[_Wanted] = []
    for order in view.orders:
        if order.status in ("billed", "closed"):
            at = min(order.created_at + timedelta(days=rng.randint(0, 6), hours=1), anchor - timedelta(hours=1))
            wanted.append((at, customers[order.customer], order.lines, order, None))
    wanted += _subscription_years(view, anchor)
    for at in _moments(rng, max(0, count - len(wanted)), anchor - HISTORY, anchor - timedelta(hours=1)):
        customer = rng.choice(view.customers)
        wanted.append((at, customer, random_lines(rng, goods, customer), None, None))
    wanted.sort(key=lambda item: item[0])
    return [
        make_invoice(key, customer, at, lines, order=order, subscription=subscription)
        for key, (at, customer, lines, order, subscription) in enumerate(wanted, start=1)
    ]


def _subscription_years(view: View, anchor: datetime) -> list[_Wanted]:
    customers = {customer.key: customer for customer in view.customers}
    products = {product.key: product for product in view.products}
    wanted: list[_Wanted] = []
    for subscription in view.subscriptions:
        customer, starts = customers[subscription.customer], subscription.start_at
        quantity = Decimal(subscription.quantity)
        while subscription.status != "trialing" and starts < (subscription.ended_at or anchor):
            product = products[subscription.product]
            line = make_line(1, product, quantity, subscription.unit_price, customer.currency, customer.country)
            wanted.append((starts + timedelta(minutes=3), customer, [line], None, subscription))
            starts = add_months(starts, 12)
    return wanted


def subscription_invoices(view: View, anchor: datetime, first_key: int) -> list[Invoice]:
    """One invoice for each year of each subscription so far, in time order."""
    wanted = sorted(_subscription_years(view, anchor), key=lambda item: item[0])
    return [
        make_invoice(key, customer, at, lines, subscription=subscription)
        for key, (at, customer, lines, _order, subscription) in enumerate(wanted, start=first_key)
    ]


def _credits(rng: random.Random, view: View, count: int, anchor: datetime) -> tuple[list[CreditNote], list[Refund]]:
    notes, refunds = [], []
    invoices = {invoice.key: invoice for invoice in view.invoices}
    paid = [payment for payment in view.payments if invoices[payment.invoice or 0].subscription is None]
    for key, payment in enumerate(rng.sample(paid, min(count, len(paid))), start=1):
        invoice = invoices[payment.invoice or 0]
        at = min(payment.paid_at + timedelta(days=rng.randint(1, 20)), anchor - timedelta(minutes=45))
        note, refund = credit(
            invoice, payment, key, at, [invoice.lines[0]], rng.choice(("product_unsatisfactory", "order_change", "duplicate"))
        )
        notes.append(note)
        refunds.append(refund)
    return notes, refunds


def _tickets(rng: random.Random, view: View, count: int, anchor: datetime) -> list[Ticket]:
    contacts: dict[int, list[Contact]] = {}
    for contact in view.contacts:
        contacts.setdefault(contact.customer, []).append(contact)
    orders: dict[int, list[Order]] = {}
    for order in view.orders:
        orders.setdefault(order.customer, []).append(order)
    agents: list[Agent] = view.agents[5:]
    lasting = [subscription for subscription in view.subscriptions if subscription.ended_at is None]
    tickets = []
    for key in range(1, count + 1):
        status = rng.choices(("closed", "solved", "open", "pending", "new", "hold"), weights=(76, 12, 5, 4, 2, 1))[0]
        is_done = status in ("closed", "solved")
        subscription = rng.choice(view.subscriptions if is_done else lasting)
        last = (subscription.ended_at or anchor) - timedelta(minutes=30)
        recent = anchor - timedelta(days=25)
        first = max(subscription.start_at, last - timedelta(days=500)) if is_done else max(subscription.start_at, recent)
        at = moment_between(rng, first + timedelta(minutes=5), last)
        tickets.append(
            make_ticket(
                rng,
                key,
                at,
                status,
                subscription.customer,
                rng.choice(contacts[subscription.customer]),
                agents,
                orders.get(subscription.customer, []),
                anchor,
            )
        )
    return tickets

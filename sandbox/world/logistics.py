"""What happens to goods after an order: shipments, returns, and the installed base that support knows. Money belongs to `documents`."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

from sandbox.world.model import Asset, CreditNote, Invoice, Line, Order, Product, Return, Shipment, Ticket

_CARRIERS = ("DHL", "UPS", "FedEx", "GLS")
_REASONS = ("damaged in transit", "wrong article", "no longer needed", "defective", "too many delivered")
_SHIPPED = {
    "partially_fulfilled": "shipped", "pending_billing": "shipped", "billed": "delivered", "closed": "delivered", "pending_fulfillment": "planned",
}


def make_shipments(rng: random.Random, orders: list[Order], anchor: datetime) -> list[Shipment]:
    """One delivery for each order on its way or done; a partly fulfilled order has shipped its first line only."""
    shipments = []
    for order in orders:
        status = _SHIPPED.get(order.status)
        if status is None or (status == "planned" and rng.random() < 0.5):
            continue
        planned = order.created_at + timedelta(days=rng.randint(1, 6), hours=rng.randint(1, 8))
        if status == "planned":  # still to come, as far ahead as it was when it was ordered
            planned += anchor + timedelta(days=1) - order.created_at
        late = timedelta(days=rng.choice((0, 0, 0, 0, 1, 2, 5)))
        shipped = min(planned + late, anchor - timedelta(hours=2)) if status != "planned" else None
        delivered = shipped + timedelta(days=rng.randint(1, 4)) if shipped and status == "delivered" else None
        if delivered is not None and delivered > anchor - timedelta(hours=1):
            status, delivered = "shipped", None
        at = delivered or shipped or order.updated_at
        shipments.append(Shipment(
            key=order.key, created_at=order.created_at + timedelta(minutes=30), updated_at=max(at, order.created_at + timedelta(minutes=30)),
            actor="system", customer=order.customer, order=order.key, number=f"SH-{order.key:06d}", status=status,
            planned_date=planned.date(), shipped_at=shipped, delivered_at=delivered, carrier=rng.choice(_CARRIERS),
            tracking_number=f"1Z{order.key:010d}" if shipped else "",
            lines=order.lines[:1] if order.status == "partially_fulfilled" else order.lines,
        ))
    return shipments


def make_returns(
    rng: random.Random, orders: list[Order], invoices: list[Invoice], notes: list[CreditNote], tickets: list[Ticket], count: int, anchor: datetime,
) -> list[Return]:
    """Goods sent back from delivered orders, some credited, some on their way; the invoice and the case are named where there are any."""
    billed = {invoice.order: invoice for invoice in invoices if invoice.order is not None}
    noted = {note.invoice: note for note in notes if note.invoice is not None}
    asked = {ticket.order: ticket for ticket in tickets if ticket.order is not None}
    done = [order for order in orders if order.status in ("billed", "closed") and anchor - order.created_at > timedelta(days=12)]
    credited = [order for order in done if order.key in billed and billed[order.key].key in noted]
    rest = [order for order in done if order.key not in billed or billed[order.key].key not in noted]
    chosen = rng.sample(credited, min(count // 2, len(credited)))
    chosen += rng.sample(rest, min(count - len(chosen), len(rest)))
    returns = []
    for key, order in enumerate(chosen, start=1):
        invoice = billed.get(order.key)
        note = noted.get(invoice.key) if invoice is not None else None
        at = order.created_at + timedelta(days=rng.randint(8, 11))
        received = None
        if note is not None:  # credited once the goods were back
            status, received = "credited", max(note.created_at - timedelta(hours=rng.randint(1, 60)), order.created_at + timedelta(hours=3))
            at = max(min(at, received - timedelta(days=rng.randint(1, 5))), order.created_at + timedelta(hours=1))
        elif anchor - at > timedelta(days=12):  # what was to come back has come back long since
            status = "rejected"
        else:
            status = rng.choice(("requested", "approved", "received"))
            received = min(at + timedelta(days=rng.randint(1, 5)), anchor - timedelta(hours=3)) if status == "received" else None
        line = order.lines[0]
        back = Line(
            number=1, product=line.product, description=line.description, quantity=Decimal(1), unit_price=line.unit_price,
            amount=line.unit_price, tax=Decimal(0))
        case = asked.get(order.key)
        returns.append(Return(
            key=key, created_at=at, updated_at=max(at, received or at), actor="system", customer=order.customer, order=order.key,
            invoice=invoice.key if invoice is not None else None, number=f"RMA-{key:05d}", status=status, reason=rng.choice(_REASONS),
            currency=order.currency, amount=back.amount, received_at=received, credit_note=note.key if note is not None else None,
            ticket=case.key if case is not None else None, lines=[back],
        ))
    return returns


def make_assets(rng: random.Random, shipments: list[Shipment], products: list[Product], count: int) -> list[Asset]:
    """Devices of delivered goods, each with a serial number; a few are retired."""
    names = {product.key: product.name for product in products}
    delivered = [shipment for shipment in shipments if shipment.delivered_at is not None and shipment.lines]
    assets = []
    for key, shipment in enumerate(rng.sample(delivered, min(count, len(delivered))), start=1):
        assert shipment.delivered_at is not None
        line = shipment.lines[0]
        assets.append(Asset(
            key=key, created_at=shipment.delivered_at, updated_at=shipment.delivered_at, actor="system", customer=shipment.customer,
            product=line.product, name=names.get(line.product, line.description), serial_number=f"SN{key:07d}",
            status="retired" if rng.random() < 0.06 else "installed", installed_on=shipment.delivered_at.date(),
            cover_end=(shipment.delivered_at + timedelta(days=365)).date(),
        ))
    return assets

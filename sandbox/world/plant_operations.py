"""Faults of the order chain: deals, orders, credits, returns, shipments, contracts. What `plant` says of faults holds here too.

A fault here raises no finding of the drift catalogue; the truth names the domain and class of the exception that it makes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.world.documents import credit, make_order, random_lines, sums
from sandbox.world.model import Change, Comment, CreditNote, Customer, Invoice, Line, Opportunity, Order, Return, Shipment, Ticket
from sandbox.world.parties import TIERS, quantize
from sandbox.world.tickets import HOLD_TAG, tag_open_tickets
from sandbox.world.truth import subject

if TYPE_CHECKING:
    from sandbox.world.plant import Planter

REFUND_APPROVED = "refund_approved"
OPERATIONS_COUNTS = {
    "deal_without_order": 2,
    "deal_amount": 2,
    "deal_ordered_twice": 1,
    "order_before_deal": 1,
    "order_waits_for_approval": 2,
    "credit_unposted": 2,
    "refund_unposted": 1,
    "credit_amount": 1,
    "credit_unknown_to_billing": 1,
    "case_closed_without_credit": 2,
    "return_overdue": 2,
    "return_not_credited": 1,
    "return_never_received": 1,
    "shipment_delayed": 2,
    "shipped_on_hold": 1,
    "contract_tier": 1,
    "customer_currency": 1,
}


def waiting_orders(planter: Planter) -> set[int]:
    """Customers with an order on its way, or with goods that left in the last days: a hold there would be a contradiction of its own."""
    erp = planter.views["erp"]
    open_states = ("pending_approval", "pending_fulfillment", "partially_fulfilled")
    recently = planter.anchor - timedelta(days=5)
    waiting = {order.customer for order in erp.orders if order.status in open_states}
    return waiting | {row.customer for row in erp.shipments if row.shipped_at is not None and row.shipped_at > recently}


# -- orders -------------------------------------------------------------------------------------------------------------


def _new_order(planter: Planter, customer: int, at: datetime, status: str, lines: list[Line] | None = None) -> Order:
    erp = planter.views["erp"]
    buyer = planter.by_key["erp"][customer]
    goods = [product for product in erp.products if not product.is_recurring]
    chosen = lines if lines is not None else random_lines(planter.rng, goods, buyer)
    order = make_order(planter.rng, planter.new_key("order"), buyer, at, chosen, planter.anchor, is_billed=False)
    order.status, order.updated_at = status, at + timedelta(hours=1)
    erp.orders.append(order)
    return order


def _new_deal(planter: Planter, customer: int, stage: str, at: datetime, lines: list[Line]) -> Opportunity:
    buyer = planter.by_key["crm"][customer]
    deal = Opportunity(
        key=planter.new_key("opportunity"), created_at=at - timedelta(days=20), updated_at=at, actor="user:2", customer=customer,
        name=f"{buyer.name} {at:%Y-%m}", stage=stage, amount=sum((line.amount for line in lines), Decimal(0)), currency=buyer.currency,
        close_date=(at if stage == "won" else planter.anchor + timedelta(days=30)).date(), probability=100 if stage == "won" else 75, lines=lines)
    planter.views["crm"].opportunities.append(deal)
    return deal


def _sold_deals(planter: Planter) -> dict[int, tuple[Opportunity, Order]]:
    """A won deal with its billed order, for each customer that has one."""
    orders = {order.key: order for order in planter.views["erp"].orders if order.status == "billed"}
    return {deal.customer: (deal, orders[deal.order]) for deal in planter.views["crm"].opportunities if deal.stage == "won" and deal.order in orders}


def _deal_without_order(planter: Planter, count: int) -> None:
    for _ in range(count):
        key = planter.victim("deal_without_order")
        goods = [product for product in planter.views["erp"].products if not product.is_recurring]
        deal = _new_deal(planter, key, "won", planter.days_ago(5, 12), random_lines(planter.rng, goods, planter.by_key["erp"][key]))
        planter.log("deal_without_order", None, "missing_in_erp", [subject("crm", "opportunity", deal.key)], "won, never ordered", domain="order")


def _deal_amount(planter: Planter, count: int) -> None:
    for _ in range(count):
        sold = _sold_deals(planter)
        key = planter.victim("deal_amount", lambda customer, sold=sold: customer.key in sold)  # type: ignore[misc]
        deal, order = sold[key]
        deal.amount = quantize(deal.amount * Decimal("1.2") + 10, deal.currency)
        subjects = [subject("crm", "opportunity", deal.key), subject("erp", "order", order.key)]
        planter.log("deal_amount", None, "amount", subjects, "sold for a fifth more than was ordered", domain="order")


def _deal_ordered_twice(planter: Planter, count: int) -> None:
    for _ in range(count):
        sold = _sold_deals(planter)
        key = planter.victim("deal_ordered_twice", lambda customer, sold=sold: customer.key in sold)  # type: ignore[misc]
        deal, first = sold[key]
        again = _new_order(planter, key, planter.days_ago(3, 6), "pending_fulfillment", first.lines)
        again.opportunity = deal.key
        planter.log("deal_ordered_twice", None, "duplicate", [subject("erp", "order", again.key)], "a second order of the same deal", domain="order")


def _order_before_deal(planter: Planter, count: int) -> None:
    for _ in range(count):
        key = planter.victim("order_before_deal")
        order = _new_order(planter, key, planter.days_ago(3, 7), "pending_fulfillment")
        deal = _new_deal(planter, key, "negotiation", order.created_at, order.lines)
        order.opportunity = deal.key
        subjects = [subject("crm", "opportunity", deal.key), subject("erp", "order", order.key)]
        planter.log("order_before_deal", None, "early", subjects, "ordered while the deal is in negotiation", domain="order")


def _order_waits(planter: Planter, count: int) -> None:
    for _ in range(count):
        key = planter.victim("order_waits_for_approval")
        order = _new_order(planter, key, planter.days_ago(5, 9), "pending_approval")
        planter.log("order_waits_for_approval", None, "blocked", [subject("erp", "order", order.key)], "nobody approves it", domain="order")


# -- credits and refunds ------------------------------------------------------------------------------------------------


def _granted(planter: Planter, kind: str, oldest: float, newest: float) -> CreditNote:
    """A new credit with its refund on a settled invoice of goods, alike in billing and the ERP, so many days ago."""
    erp, billing = planter.views["erp"], planter.views["billing"]
    orders = {order.key for order in erp.orders}
    gone = {back.order for back in erp.returns}
    payments = {row.invoice: row for row in billing.payments if row.status == "succeeded"}
    latest = planter.anchor - timedelta(days=oldest + 1)
    found = {
        invoice.customer: invoice for rows in planter.clean_invoices.values() for invoice in rows
        if invoice.order in orders and invoice.order not in gone and invoice.key in payments and payments[invoice.key].paid_at < latest}
    invoice = found[planter.victim(kind, lambda customer: customer.key in found)]
    at = planter.days_ago(newest, oldest)
    note, refund = credit(invoice, payments[invoice.key], planter.new_key("credit_note"), at, [invoice.lines[0]], "order_change")
    for view in (erp, billing):
        view.credit_notes.append(copy.copy(note))
        view.refunds.append(copy.copy(refund))
    return note


def _credit_unposted(planter: Planter, count: int) -> None:
    erp = planter.views["erp"]
    for _ in range(count):
        note = _granted(planter, "credit_unposted", 15, 3)
        erp.credit_notes[:] = [row for row in erp.credit_notes if row.key != note.key]
        erp.refunds[:] = [row for row in erp.refunds if row.credit_note != note.key]
        subjects = [subject("billing", "credit_note", note.key), subject("billing", "refund", note.key)]
        planter.log("credit_unposted", None, "unposted", subjects, "credited and refunded in billing, unknown to the ERP", domain="credit")


def _refund_unposted(planter: Planter, count: int) -> None:
    erp = planter.views["erp"]
    for _ in range(count):
        note = _granted(planter, "refund_unposted", 15, 3)
        erp.refunds[:] = [row for row in erp.refunds if row.credit_note != note.key]
        planter.log("refund_unposted", None, "unposted", [subject("billing", "refund", note.key)], "the refund never reached the ledger", domain="credit")


def _credit_amount(planter: Planter, count: int) -> None:
    for _ in range(count):
        note = _granted(planter, "credit_amount", 15, 3)
        posted = next(row for row in planter.views["erp"].credit_notes if row.key == note.key)
        more = quantize(note.total * Decimal("0.25") + 1, note.currency)
        posted.lines = [replace(note.lines[0], amount=note.lines[0].amount + more), *note.lines[1:]]
        posted.subtotal, posted.tax, posted.total = sums(posted.lines)
        subjects = [subject("billing", "credit_note", note.key), subject("erp", "credit_note", note.key)]
        planter.log("credit_amount", None, "amount", subjects, f"{more} {note.currency} more in the ERP", domain="credit")


def _credit_unknown_to_billing(planter: Planter, count: int) -> None:
    erp = planter.views["erp"]
    for _ in range(count):
        key = planter.victim("credit_unknown_to_billing", lambda customer: _goods_invoice(planter, customer) is not None)
        invoice = _goods_invoice(planter, planter.by_key["erp"][key])
        assert invoice is not None
        lines = [invoice.lines[0]]
        net, tax, total = sums(lines)
        at = planter.days_ago(2, 2.9)
        note = CreditNote(
            key=planter.new_key("credit_note"), created_at=at, updated_at=at, actor="system", customer=key, invoice=invoice.key,
            number=f"{invoice.number}-CX", status="issued", issue_date=at.date(), currency=invoice.currency, subtotal=net, tax=tax, total=total,
            reason="goodwill", lines=lines)
        erp.credit_notes.append(note)
        planter.log("credit_unknown_to_billing", None, "missing_in_billing", [subject("erp", "credit_note", note.key)],
                    "the ERP names a credit note that billing does not have", domain="credit")


def _goods_invoice(planter: Planter, customer: Customer) -> Invoice | None:
    """A settled invoice of goods, from before the last three days, that was never credited."""
    return next((invoice for invoice in planter.clean_invoices.get(customer.key, ()) if invoice.order is not None), None)


def _case_closed(planter: Planter, count: int) -> None:
    """Approved and told to be done, and no credit was ever made."""
    support = planter.views["support"]
    for _ in range(count):
        orders = {invoice.order: invoice for rows in planter.clean_invoices.values() for invoice in rows if invoice.order is not None}
        by_customer = {order.customer: order for order in planter.views["erp"].orders if order.key in orders}
        key = planter.victim(
            "case_closed_without_credit",
            lambda customer, known=by_customer: (  # type: ignore[misc]
                customer.key in known and bool(planter.contacts_of.get(customer.key)) and _is_covered(planter, customer.key)))
        order, contact = by_customer[key], planter.contacts_of[key][0]
        at = planter.days_ago(8, 10)
        solved = at + timedelta(days=1)
        ticket = Ticket(
            key=planter.new_key("ticket"), created_at=at, updated_at=solved, actor="user:7", customer=key, contact=contact, assignee=7,
            subject="Refund for a damaged delivery", type=REFUND_APPROVED, priority="normal", status="solved", order=order.key,
            order_number=order.number, tags=[REFUND_APPROVED], solved_at=solved,
            comments=[Comment(at=at, author=contact, is_agent=False, is_public=True, body="The delivery was damaged, please refund it.")],
            changes=[Change(at=at + timedelta(hours=1), field="status", old="new", new="open", agent=7),
                     Change(at=solved, field="status", old="open", new="solved", agent=7)])
        support.tickets.append(ticket)
        planter.log("case_closed_without_credit", None, "case_closed_early", [subject("support", "ticket", ticket.key)],
                    "the refund was approved, the case solved, nothing was credited", domain="credit")


def _is_covered(planter: Planter, customer: int) -> bool:
    held = planter.subscription_of.get(customer)
    return held is not None and held.status == "active" and held.start_at < planter.anchor - timedelta(days=20)


# -- returns ------------------------------------------------------------------------------------------------------------


def _return(planter: Planter, order: Order, invoice: int | None, at: datetime, status: str, received: datetime | None = None) -> Return:
    line = order.lines[0]
    goods = Line(number=1, product=line.product, description=line.description, quantity=Decimal(1), unit_price=line.unit_price,
                 amount=line.unit_price, tax=Decimal(0))
    key = planter.new_key("return")
    back = Return(
        key=key, created_at=at, updated_at=received or at, actor="system", customer=order.customer, order=order.key, invoice=invoice,
        number=f"RMA-{key:05d}", status=status, reason="wrong article", currency=order.currency, amount=goods.amount, received_at=received, lines=[goods])
    planter.views["erp"].returns.append(back)
    return back


def _returnable(planter: Planter, kind: str, days: int) -> tuple[Order, Invoice]:
    """An order with a settled invoice that is at least so old and was neither credited nor sent back."""
    orders = {order.key: order for order in planter.views["erp"].orders}
    gone = {back.order for back in planter.views["erp"].returns}
    latest = planter.anchor - timedelta(days=days)
    found = {
        invoice.customer: invoice for rows in planter.clean_invoices.values() for invoice in rows
        if invoice.order in orders and invoice.order not in gone and orders[invoice.order].created_at < latest}
    invoice = found[planter.victim(kind, lambda customer: customer.key in found)]
    assert invoice.order is not None
    return orders[invoice.order], invoice


def _return_overdue(planter: Planter, count: int) -> None:
    for _ in range(count):
        order, invoice = _returnable(planter, "return_overdue", 60)
        back = _return(planter, order, invoice.key, planter.days_ago(35, 50), "approved")
        planter.log("return_overdue", None, "open", [subject("erp", "return", back.key)], "approved, the goods never came", domain="return")


def _return_not_credited(planter: Planter, count: int) -> None:
    for _ in range(count):
        order, invoice = _returnable(planter, "return_not_credited", 45)
        received = planter.days_ago(18, 28)
        back = _return(planter, order, invoice.key, received - timedelta(days=4), "received", received)
        planter.log("return_not_credited", None, "received_not_credited", [subject("erp", "return", back.key)], "the goods are back, no credit", domain="return")


def _return_never_received(planter: Planter, count: int) -> None:
    """Credited and refunded in advance, and nothing was ever sent."""
    erp = planter.views["erp"]
    for _ in range(count):
        note = _granted(planter, "return_never_received", 60, 35)
        invoice = next(row for row in erp.invoices if row.key == note.invoice)
        order = next(row for row in erp.orders if row.key == invoice.order)
        back = _return(planter, order, invoice.key, note.created_at - timedelta(hours=20), "approved")
        planter.log("return_never_received", None, "unreceived", [subject("erp", "return", back.key)], "credited, the goods never came", domain="return")


# -- shipments ----------------------------------------------------------------------------------------------------------


def _ship(planter: Planter, order: Order, status: str, planned: datetime, shipped: datetime | None = None) -> Shipment:
    shipment = Shipment(
        key=order.key, created_at=order.created_at + timedelta(minutes=30), updated_at=shipped or order.created_at + timedelta(hours=2), actor="system",
        customer=order.customer, order=order.key, number=f"SH-{order.key:06d}", status=status, planned_date=planned.date(), shipped_at=shipped,
        carrier="DHL", tracking_number=f"1Z{order.key:010d}" if shipped else "", lines=order.lines)
    planter.views["erp"].shipments.append(shipment)
    return shipment


def _shipment_delayed(planter: Planter, count: int) -> None:
    for _ in range(count):
        key = planter.victim("shipment_delayed")
        order = _new_order(planter, key, planter.days_ago(9, 11), "pending_fulfillment")
        shipment = _ship(planter, order, "picked", planter.anchor - timedelta(days=6))
        planter.log("shipment_delayed", None, "delayed", [subject("erp", "shipment", shipment.key)], "days late, the customer was not told", domain="shipment")


def _shipped_on_hold(planter: Planter, count: int) -> None:
    """The hold is known everywhere, and the goods leave all the same."""
    for _ in range(count):
        busy = waiting_orders(planter)
        key = planter.victim("shipped_on_hold", lambda customer, busy=busy: customer.key not in busy)  # type: ignore[misc]
        at = planter.days_ago(6, 7)
        for role in ("erp", "crm", "support"):
            row = planter.by_key[role][key]
            row.credit_hold = True
            row.updated_at, row.actor = max(at, row.created_at), "system" if role == "erp" else "integration"
        tag_open_tickets(planter.views["support"], {key}, HOLD_TAG)
        order = _new_order(planter, key, planter.days_ago(8, 9), "pending_billing")
        shipment = _ship(planter, order, "shipped", planter.anchor - timedelta(days=4), planter.days_ago(2, 3))
        planter.log("shipped_on_hold", None, "shipped_while_on_hold", [subject("erp", "shipment", shipment.key)], "left days after the hold", domain="shipment")


# -- contracts and accounts ---------------------------------------------------------------------------------------------


def _contract_tier(planter: Planter, count: int) -> None:
    for _ in range(count):
        key = planter.victim(
            "contract_tier",
            lambda customer: customer.key in planter.contract_of and planter.subscription_of[customer.key].status == "active")
        contract, held = planter.contract_of[key], planter.subscription_of[key]
        contract.tier = next(tier for tier in TIERS if tier != planter.tier_of[held.product])
        subjects = [subject("crm", "contract", contract.key), subject("billing", "subscription", held.key)]
        planter.log("contract_tier", None, "contract_tier", subjects, "the contract promises another tier than billing sells", domain="entitlement")


def _customer_currency(planter: Planter, count: int) -> None:
    for _ in range(count):
        key = planter.victim("customer_currency")
        account = planter.by_key["crm"][key]
        account.currency = "EUR" if account.currency != "EUR" else "USD"
        planter.log("customer_currency", None, "currency_mismatch", [subject("crm", "customer", key)], "CRM keeps it in another currency", domain="customer")


# the kinds that fit fewest customers first
OPERATIONS: dict[str, Callable[[Planter, int], None]] = {
    "return_never_received": _return_never_received,
    "credit_unposted": _credit_unposted,
    "refund_unposted": _refund_unposted,
    "credit_amount": _credit_amount,
    "contract_tier": _contract_tier,
    "deal_amount": _deal_amount,
    "deal_ordered_twice": _deal_ordered_twice,
    "return_overdue": _return_overdue,
    "return_not_credited": _return_not_credited,
    "credit_unknown_to_billing": _credit_unknown_to_billing,
    "case_closed_without_credit": _case_closed,
    "shipped_on_hold": _shipped_on_hold,
    "deal_without_order": _deal_without_order,
    "order_before_deal": _order_before_deal,
    "order_waits_for_approval": _order_waits,
    "shipment_delayed": _shipment_delayed,
    "customer_currency": _customer_currency,
}

"""Documents with amounts: lines, invoices, their payment, credit and refund, and the open items of a customer."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.world.model import CreditNote, Customer, Dispute, Invoice, Line, Order, Payment, Product, Refund, Subscription, View
from sandbox.world.parties import RATES, TAX_RATES, moment_between, quantize


def make_line(number: int, product: Product, quantity: Decimal, unit_price: Decimal, currency: str, country: str) -> Line:
    amount = quantize(quantity * unit_price, currency)
    tax = quantize(amount * TAX_RATES.get(country, Decimal(0)), currency)
    return Line(
        number=number, product=product.key, description=product.name, quantity=quantity, unit_price=unit_price, amount=amount, tax=tax
    )


def random_lines(rng: random.Random, products: list[Product], customer: Customer) -> list[Line]:
    count = rng.randint(11, 18) if rng.random() < 0.02 else rng.randint(1, 6)
    lines = []
    for number in range(1, count + 1):
        product = rng.choice(products)
        price = quantize(product.unit_price / RATES[product.currency] * RATES[customer.currency], customer.currency)
        lines.append(make_line(number, product, Decimal(rng.randint(1, 12)), price, customer.currency, customer.country))
    return lines


def sums(lines: Iterable[Line]) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and total of the lines."""
    rows = list(lines)
    net, tax = sum((line.amount for line in rows), Decimal(0)), sum((line.tax for line in rows), Decimal(0))
    return net, tax, net + tax


def make_order(
    rng: random.Random, key: int, customer: Customer, at: datetime, lines: list[Line], anchor: datetime, *, is_billed: bool | None = None
) -> Order:
    net, tax, total = sums(lines)
    if is_billed is None:
        is_billed = (anchor - at).days > 12 and rng.random() < 0.97
    if is_billed:
        status = "closed" if rng.random() < 0.1 else "billed"
    else:
        states = ("pending_approval", "pending_fulfillment", "partially_fulfilled", "pending_billing")
        status = "cancelled" if (anchor - at).days > 12 else rng.choice(states)
        if status == "pending_approval" and (anchor - at).days >= 1:  # nobody waits longer for an approval
            status = "pending_fulfillment"
    updated = min(at + timedelta(days=rng.randint(0, 10), seconds=rng.randrange(3600)), anchor - timedelta(minutes=20))
    return Order(
        key=key,
        created_at=at,
        updated_at=max(at, updated),
        actor="system",
        customer=customer.key,
        number=f"SO{key:06d}",
        status=status,
        order_date=at.date(),
        currency=customer.currency,
        subtotal=net,
        tax=tax,
        total=total,
        lines=lines,
    )


def make_invoice(
    key: int,
    customer: Customer,
    at: datetime,
    lines: list[Line],
    *,
    order: Order | None = None,
    subscription: Subscription | None = None,
    number: str = "",
) -> Invoice:
    """An open invoice, finalized at `at`."""
    net, tax, total = sums(lines)
    return Invoice(
        key=key,
        created_at=at - timedelta(minutes=1),
        updated_at=at,
        actor="system",
        customer=customer.key,
        number=number or f"INV-{key:06d}",
        status="open",
        invoice_date=at.date(),
        due_date=at.date() + timedelta(days=customer.terms_days),
        finalized_at=at,
        currency=customer.currency,
        subtotal=net,
        tax=tax,
        total=total,
        amount_paid=Decimal(0),
        amount_remaining=total,
        lines=lines,
        subscription=subscription.key if subscription else None,
        order=order.key if order else None,
    )


def pay(invoice: Invoice, key: int, at: datetime) -> Payment:
    """Settle the invoice in full."""
    invoice.status, invoice.paid_at, invoice.updated_at = "paid", at, at
    invoice.amount_paid, invoice.amount_remaining = invoice.total, Decimal(0)
    return Payment(
        key=key,
        created_at=at,
        updated_at=at,
        actor="system",
        customer=invoice.customer,
        invoice=invoice.key,
        amount=invoice.total,
        currency=invoice.currency,
        status="succeeded",
        paid_at=at,
        number=f"PAY-{key:06d}",
    )


def settle_most(rng: random.Random, invoices: list[Invoice], anchor: datetime) -> list[Payment]:
    """Pay what would have been paid by now: most invoices around their due date, few never, the newest not yet."""
    payments: list[Payment] = []
    for invoice in invoices:
        terms = (invoice.due_date - invoice.invoice_date).days
        at = invoice.finalized_at + timedelta(days=rng.randint(1, terms + 8), seconds=rng.randrange(86_400))
        is_paid = invoice.total > 0 and rng.random() > 0.03 and at < anchor - timedelta(minutes=30)
        if invoice.total == 0:  # nothing to collect: settled as it is finalized
            invoice.status, invoice.paid_at = "paid", invoice.finalized_at
        elif is_paid:
            payments.append(pay(invoice, len(payments) + 1, at))
    return payments


def failed_attempts(rng: random.Random, payments: list[Payment], count: int, first_key: int) -> list[Payment]:
    """Card attempts that failed some hours before the one that worked; only billing knows them."""
    failed = []
    for key, payment in enumerate(rng.sample(payments, min(count, len(payments))), start=first_key):
        at = payment.paid_at - timedelta(hours=5)
        failed.append(
            Payment(
                key=key,
                created_at=at,
                updated_at=at,
                actor="system",
                customer=payment.customer,
                invoice=payment.invoice,
                amount=payment.amount,
                currency=payment.currency,
                status="failed",
                paid_at=at,
                number=f"PAY-{key:06d}",
            )
        )
    return failed


def credit(
    invoice: Invoice, payment: Payment, key: int, at: datetime, lines: list[Line], reason: str, number: str = ""
) -> tuple[CreditNote, Refund]:
    """A credit note on a paid invoice, and the money back for it at once: no credit stays unapplied."""
    net, tax, total = sums(lines)
    note = CreditNote(
        key=key,
        created_at=at,
        updated_at=at,
        actor="system",
        customer=invoice.customer,
        invoice=invoice.key,
        number=number or f"{invoice.number}-CN-{key:02d}",
        status="issued",
        issue_date=at.date(),
        currency=invoice.currency,
        subtotal=net,
        tax=tax,
        total=total,
        reason=reason,
        lines=lines,
    )
    refund = Refund(
        key=key,
        created_at=at,
        updated_at=at,
        actor="system",
        customer=invoice.customer,
        payment=payment.key,
        credit_note=key,
        amount=total,
        currency=invoice.currency,
        status="succeeded",
        reason="requested_by_customer",
    )
    return note, refund


def make_disputes(rng: random.Random, payments: list[Payment], count: int, anchor: datetime) -> list[Dispute]:
    recent = [payment for payment in payments if payment.status == "succeeded" and anchor - payment.paid_at < timedelta(days=120)]
    disputes = []
    for key, payment in enumerate(rng.sample(recent, min(count, len(recent))), start=1):
        at = moment_between(rng, payment.paid_at, anchor - timedelta(minutes=40))
        disputes.append(
            Dispute(
                key=key,
                created_at=at,
                updated_at=at,
                actor="system",
                customer=payment.customer,
                payment=payment.key,
                amount=payment.amount,
                currency=payment.currency,
                status=rng.choice(("needs_response", "under_review", "won", "lost")),
                reason=rng.choice(("product_not_received", "duplicate", "fraudulent", "general")),
            )
        )
    return disputes


def open_items(invoices: Iterable[Invoice], today: date) -> dict[int, tuple[Decimal, Decimal, int]]:
    """Balance, overdue amount and days since the oldest overdue due date, for each customer that owes something."""
    items: dict[int, tuple[Decimal, Decimal, int]] = {}
    for invoice in invoices:
        if invoice.status != "open" or not invoice.amount_remaining:
            continue
        balance, overdue, days = items.get(invoice.customer, (Decimal(0), Decimal(0), 0))
        late = (today - invoice.due_date).days
        if late > 0:
            overdue, days = overdue + invoice.amount_remaining, max(days, late)
        items[invoice.customer] = (balance + invoice.amount_remaining, overdue, days)
    return items


def write_balances(views: Iterable[View], items: dict[int, tuple[Decimal, Decimal, int]]) -> None:
    for view in views:
        for customer in view.customers:
            customer.balance, customer.overdue_amount, customer.overdue_days = items.get(customer.key, (Decimal(0), Decimal(0), 0))

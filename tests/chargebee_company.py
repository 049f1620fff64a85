"""A small company as Chargebee keeps it, and a real server in front of the stand-in: for the tests of sandbox and connector.

What does not belong here: assertions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from sandbox.chargebee.api import Chargebee, create
from sandbox.chargebee.ids import native_id
from sandbox.protocol import Clock, Request, Response, Store
from sandbox.world.model import Contact, CreditNote, Customer, Dispute, Invoice, Line, Payment, Product, Refund, Subscription, View
from tests.sandbox.served import served

NOW = datetime.now(UTC).replace(microsecond=0)
KEY = "test_concord_chargebee"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def customer(key: int, currency: str = "USD", **fields: Any) -> Customer:
    at = ago(500 - key)
    defaults: dict[str, Any] = {
        "created_at": at, "updated_at": ago(50 - key) if key % 2 else at, "name": f"Firm {key}", "domain": f"firm{key}.example",
        "tax_id": f"DE{key:09d}", "email": f"pay@firm{key}.example", "phone": "+49 1", "street": "Weg 1", "city": "Ulm", "region": "BW",
        "postcode": "89073", "country": "DE", "erp_customer": key}
    return Customer(key=key, currency=currency, **{**defaults, **fields})


def invoice(key: int, owner: int, *, status: str = "open", lines: int = 2, currency: str = "USD", price: str = "10.00", age: float = 5,
            **fields: Any) -> Invoice:
    unit = Decimal(price)
    rows = [Line(number=n, product=1, description=f"Seat {n}", quantity=Decimal(1), unit_price=unit, amount=unit, tax=unit / 5)
            for n in range(1, lines + 1)]
    subtotal, tax = unit * lines, unit / 5 * lines
    total, is_paid = subtotal + tax, status == "paid"
    defaults: dict[str, Any] = {
        "created_at": ago(age), "updated_at": ago(age - 1), "number": f"R-{key}", "invoice_date": ago(age).date(),
        "due_date": ago(age - 30).date(), "finalized_at": ago(age) + timedelta(hours=1), "amount_paid": total if is_paid else Decimal(0),
        "amount_remaining": Decimal(0) if is_paid else total, "paid_at": ago(age - 1) if is_paid else None}
    return Invoice(key=key, customer=owner, status=status, currency=currency, subtotal=subtotal, tax=tax, total=total, lines=rows,
                   **{**defaults, **fields})


def payment(key: int, owner: int, of: int | None, amount: str, status: str = "succeeded", age: float = 4) -> Payment:
    return Payment(key=key, created_at=ago(age), updated_at=ago(age), customer=owner, invoice=of, amount=Decimal(amount), currency="USD",
                   status=status, paid_at=ago(age), number=f"PAY-{key}")


def peers(role: str, entity: str, key: int, customer: int) -> str:
    """The other systems' ids of the world's rows."""
    return f"{role}-{entity}-{key}"


def company() -> View:
    old = ago(600)
    products = [
        Product(key=1, created_at=old, updated_at=old, sku="SEAT", name="Seat", description="A seat", unit_price=Decimal("10.00"),
                currency="USD", is_recurring=True, tier="standard"),
        Product(key=2, created_at=old, updated_at=ago(9), sku="BOX", name="Box", description="", unit_price=Decimal("7.50"), currency="USD",
                is_recurring=False, is_active=False)]
    subscriptions = [
        Subscription(key=n, created_at=ago(90), updated_at=ago(2 if n == 2 else 90), customer=n, product=1, status=status, currency="USD",
                     quantity=3, unit_price=Decimal("10.00"), start_at=ago(90), period_start=ago(10), period_end=ago(-20),
                     canceled_at=ago(2) if n in (2, 5) else None, ended_at=ago(2) if n == 2 else None, contract=n)
        for n, status in ((1, "active"), (2, "canceled"), (3, "past_due"), (4, "trialing"), (5, "active"), (6, "in_limbo"))]
    invoices = [
        invoice(1, 1, lines=13, subscription=1), invoice(2, 1, status="paid", order=7), invoice(3, 2, status="draft"),
        invoice(4, 3, currency="JPY", price="500"), invoice(5, 4, currency="KWD", price="1.250"), invoice(6, 1, age=60, hidden=True),
        invoice(7, 2, status="in_limbo", extra={"ai_summary": "late"}), invoice(8, 2, age=45), invoice(9, 2, status="void"),
        invoice(10, 2, status="uncollectible"),
        invoice(11, 6, age=450, status="paid", updated_at=ago(450)), invoice(12, 6, age=451, status="paid", updated_at=ago(451)),
        invoice(13, 7, amount_remaining=Decimal("18.00"))]
    line = Line(number=1, product=1, description="Seat", quantity=Decimal(1), unit_price=Decimal(5), amount=Decimal(5), tax=Decimal(1))
    notes = [
        CreditNote(key=1, created_at=ago(3), updated_at=ago(3), customer=1, invoice=2, number="R-2-CN-01", status="issued",
                   issue_date=ago(3).date(), currency="USD", subtotal=Decimal(5), tax=Decimal(1), total=Decimal(6), reason="order_change",
                   lines=[line]),
        CreditNote(key=2, created_at=ago(3), updated_at=ago(2), customer=7, invoice=13, number="R-13-CN-01", status="issued",
                   issue_date=ago(3).date(), currency="USD", subtotal=Decimal(5), tax=Decimal(1), total=Decimal(6), reason="goodwill",
                   lines=[line]),
        CreditNote(key=3, created_at=ago(3), updated_at=ago(2), customer=6, invoice=11, number="", status="void", issue_date=ago(3).date(),
                   currency="USD", subtotal=Decimal(5), tax=Decimal(1), total=Decimal(6), reason="", lines=[line])]
    return View(
        system="chargebee", as_of=NOW, role="billing", name="chargebee", peers=peers, products=products, subscriptions=subscriptions,
        invoices=invoices, credit_notes=notes,
        customers=[customer(n, {3: "JPY", 4: "KWD"}.get(n, "USD"), **({"parent": 1} if n in (2, 8) else {})) for n in range(1, 26)]
        + [customer(26, removed=True, updated_at=ago(3)), customer(27, erp_customer=None, hidden=True)],
        contacts=[Contact(key=1, created_at=old, updated_at=old, customer=1, first_name="Uwe", last_name="Buch", email="ap@firm1.example",
                          phone="", title="AP")],
        payments=[payment(1, 1, 2, "24.00"), payment(2, 2, None, "9.00"), payment(3, 2, 8, "8.00", "failed"), payment(4, 1, 1, "1.00", "pending")],
        refunds=[Refund(key=1, created_at=ago(3), updated_at=ago(3), customer=1, payment=1, credit_note=1, amount=Decimal(6), currency="USD",
                        status="succeeded", reason="requested_by_customer")],
        disputes=[Dispute(key=1, created_at=ago(2), updated_at=ago(2), customer=1, payment=1, amount=Decimal("24.00"), currency="USD",
                          status="needs_response", reason="fraudulent")])


def cid(entity: str, key: int | str) -> str:
    return native_id(entity, key)


@dataclass
class Site:
    """A site behind a real server. `vendor` and `clock` are its inside; `requests` are what came, as method, path and query."""

    url: str
    vendor: Chargebee
    clock: Clock
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)  # given instead of the vendor's, first come first served

    def ask(self, method: str, path: str, *, key: str = KEY, headers: dict[str, str] | None = None, params: Any = None,
            data: Any = None) -> requests.Response:
        return requests.request(method, f"{self.url}/api/v2/{path}", params=params, data=data, auth=(key, ""), headers=headers, timeout=20)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.ask("GET", path, params={name.replace("__", "["): value for name, value in params.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def all(self, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        rows: list[dict[str, Any]] = []
        offset: dict[str, str] = {}
        while True:
            answer = self.ask("GET", path, params={**params, **offset})
            assert answer.status_code == 200, answer.text
            rows += answer.json()["list"]
            if "next_offset" not in answer.json():
                return rows
            offset = {"offset": answer.json()["next_offset"]}

    def post(self, path: str, /, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        answer = self.ask("POST", path, data=fields, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def serving(home: Path, view: View | None, **settings: Any) -> Iterator[Site]:
    """The stand-in, loaded with a view, behind a server of its own."""
    clock, store = Clock(), Store(home / "store_chargebee.jsonl")
    vendor = create(store, clock, **{"requests_per_minute": None, **settings})
    assert isinstance(vendor, Chargebee)
    if view is not None:
        vendor.load(view)
    store.take_effects()
    store.open_log()
    site = Site("", vendor, clock)

    def answer(request: Request) -> Response:
        site.requests.append((request.method, request.path, urlencode(request.query)))
        return site.answers.pop(0) if site.answers else vendor.handle(request)

    with served(answer, clock) as site.url:
        yield site


def many_customers(count: int) -> View:
    """A site of many customers, for the time that reading them takes."""
    dice = random.Random(5)
    rows = [customer(n, created_at=ago(300) + timedelta(minutes=n), updated_at=ago(dice.random() * 200)) for n in range(1, count + 1)]
    return View("chargebee", NOW, role="billing", customers=rows)

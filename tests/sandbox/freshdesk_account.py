"""A small hand-made Freshdesk account served over HTTP, for the tests of its stand-in, its reader and its reverse-sync target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import requests

from sandbox.freshdesk import create
from sandbox.freshdesk.api import Freshdesk
from sandbox.protocol import Clock, Request, Response, Store
from sandbox.world.model import Agent, Asset, Change, Comment, Contact, Customer, Product, Ticket, View
from tests.sandbox.served import served as served_alone

KEY = "freshdesk-sandbox-key"
NOW = datetime.now(UTC).replace(microsecond=0)
CUT = 0  # the status of an answer that never comes: the connection is closed instead
UNLIMITED: dict[str, Any] = {
    "requests_per_minute": None, "ticket_creates_per_minute": None, "ticket_updates_per_minute": None, "ticket_lists_per_minute": None,
    "contact_lists_per_minute": None, "search_lag_seconds": 0.0,
}


def ago(**step: float) -> datetime:
    return NOW - timedelta(**step)


def customer(key: int, **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "key": key, "created_at": ago(days=400), "updated_at": ago(days=10) + timedelta(hours=key), "name": f"Northwind {key}",
        "domain": f"northwind{key}.example", "tax_id": f"DE{key:09d}", "email": f"ap@northwind{key}.example", "phone": "", "street": "Kai 1",
        "city": "Hamburg", "region": "", "postcode": "20457", "country": "DE", "currency": "EUR", "erp_customer": key,
        "balance": Decimal("1250.75"), "overdue_amount": Decimal("10.5"), "overdue_days": 3, "entitlement_tier": "standard",
        "entitlement_start": date(2026, 1, 1), "entitlement_end": date(2026, 12, 31),
    }
    return Customer(**{**values, **changes})


def contact(key: int, **changes: Any) -> Contact:
    values: dict[str, Any] = {
        "key": key, "created_at": ago(days=300), "updated_at": ago(days=30) + timedelta(minutes=key), "customer": 1, "first_name": "Ana",
        "last_name": f"Ruiz {key}", "email": f"ana{key}@northwind1.example", "phone": "+49 30 1234", "title": "Buyer",
    }
    return Contact(**{**values, **changes})


def ticket(key: int, **changes: Any) -> Ticket:
    opened = ago(days=5) + timedelta(minutes=key)
    values: dict[str, Any] = {
        "key": key, "created_at": opened, "updated_at": opened + timedelta(hours=2), "customer": 1, "contact": 1, "assignee": 1,
        "subject": f"Pump {key} stopped", "type": "incident", "priority": "high", "status": "open", "order_number": f"SO{key}",
        "comments": [
            Comment(at=opened, author=1, is_agent=False, is_public=True, body="It stopped this morning."),
            Comment(at=opened + timedelta(hours=1), author=1, is_agent=True, is_public=False, body="Check the fuse."),
            Comment(at=opened + timedelta(hours=2), author=1, is_agent=True, is_public=True, body="Which <model> is it?"),
        ],
        "changes": [Change(at=opened + timedelta(hours=1), field="status", old="new", new="open", agent=1)],
    }
    return Ticket(**{**values, **changes})


def peers(role: str, entity: str, key: int, customer_key: int) -> str:
    return f"{role}-{entity}-{key}" if role in ("erp", "crm") else ""


def world(**parts: Any) -> View:
    values: dict[str, Any] = {
        "customers": [customer(key) for key in (1, 2, 3)],
        "contacts": [contact(1), contact(2, customer=2)],
        "agents": [Agent(key=1, created_at=ago(days=500), updated_at=ago(days=100), name="Ben Okoro", email="ben@concord.example")],
        "products": [
            Product(
                key=1, created_at=ago(days=500), updated_at=ago(days=100), sku="PUMP-1", name="Pump", description="A pump",
                unit_price=Decimal(900), currency="EUR", is_recurring=False)
        ],
        "assets": [
            Asset(
                key=1, created_at=ago(days=90), updated_at=ago(days=80), customer=1, product=1, name="Pump in hall 3", serial_number="P-77",
                status="installed", installed_on=date(2026, 3, 1), cover_end=date(2027, 2, 28))
        ],
        "tickets": [ticket(1), ticket(2, customer=2, contact=2)],
    }
    return View(system="freshdesk", role="support", as_of=NOW, peers=peers, **{**values, **parts})


@dataclass
class Desk:
    """A served account. `seen`: method and path with query of every request."""

    vendor: Freshdesk
    clock: Clock
    url: str = ""
    seen: list[str] = field(default_factory=list)
    limited: list[int] = field(default_factory=list)  # numbers of requests to answer with 429
    before: dict[int, Any] = field(default_factory=dict)  # what happens just before the request of this number

    def call(self, method: str, path: str, *, key: str = KEY, **options: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/api/v2{path}", auth=(key, "X"), timeout=20, **options)

    def get(self, path: str, **params: Any) -> Any:
        response = self.call("GET", path, params=params)
        assert response.status_code == 200, (response.status_code, response.text)
        return response.json()

    def apply(self, **parts: Any) -> None:
        empty = dict.fromkeys(("customers", "contacts", "agents", "products", "assets", "tickets"), [])
        self.vendor.apply(world(**{**empty, **parts}))


@contextmanager
def served(view: View | None = None, **settings: Any) -> Iterator[Desk]:
    clock = Clock()
    vendor = create(Store(), clock, **{**UNLIMITED, **settings})
    vendor.load(view or world())
    desk = Desk(vendor, clock)

    def answer(request: Request) -> Response | None:
        query = f"?{urlencode(request.query)}" if request.query else ""
        desk.seen.append(f"{request.method} {request.path}{query}")
        number = len(desk.seen)
        if (step := desk.before.pop(number, None)) is not None:
            step()
        response = vendor.rate_limited(request) if number in desk.limited else vendor.handle(request)
        return None if response.status == CUT else response

    with served_alone(answer, clock) as desk.url:
        yield desk

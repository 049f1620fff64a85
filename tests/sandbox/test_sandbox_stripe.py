"""The Stripe stand-in, driven over HTTP by the vendor's own client and by plain requests."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stripe as official

from sandbox import server as server_module
from sandbox.protocol import Clock, Request, Store
from sandbox.stripe import api as stand_in
from sandbox.stripe.account import minor_units
from sandbox.world.landscape import standard_peers
from sandbox.world.model import (
    CreditNote,
    Customer,
    Dispute,
    Invoice,
    Line,
    Payment,
    Product,
    Refund,
    Subscription,
    View,
    native_id,
)
from tests.sandbox.served import served

BASIL, OLD = "2026-10-28.endive", "2022-11-15"
NOW = datetime.now(UTC).replace(microsecond=0)


def sid(entity: str, key: int | str) -> str:
    return native_id("stripe", entity, key)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def customer(key: int, currency: str = "USD", **fields: Any) -> Customer:
    at = ago(100 - key)
    defaults: dict[str, Any] = {
        "created_at": at, "updated_at": at, "name": f"Firm {key}", "domain": f"firm{key}.example", "tax_id": f"DE{key:09d}",
        "email": f"pay@firm{key}.example", "phone": "+49 1", "street": "Weg 1", "city": "Ulm", "region": "BW", "postcode": "89073",
        "country": "DE", "erp_customer": key}
    return Customer(key=key, currency=currency, **{**defaults, **fields})


def invoice(key: int, owner: int, *, status: str = "open", lines: int = 2, currency: str = "USD", price: str = "10.00", age: float = 5,
            **fields: Any) -> Invoice:
    unit = Decimal(price)
    rows = [Line(number=n, product=1, description=f"Seat {n}", quantity=Decimal(1), unit_price=unit, amount=unit, tax=unit / 5)
            for n in range(1, lines + 1)]
    subtotal, tax = unit * lines, unit / 5 * lines
    total, is_paid = subtotal + tax, status == "paid"
    defaults: dict[str, Any] = {
        "created_at": ago(age), "updated_at": ago(age - 1), "number": f"INV-{key}", "invoice_date": ago(age).date(),
        "due_date": ago(age - 30).date(), "finalized_at": ago(age) + timedelta(hours=1), "amount_paid": total if is_paid else Decimal(0),
        "amount_remaining": Decimal(0) if is_paid else total, "paid_at": ago(age - 1) if is_paid else None}
    return Invoice(key=key, customer=owner, status=status, currency=currency, subtotal=subtotal, tax=tax, total=total, lines=rows,
                   **{**defaults, **fields})


def payment(key: int, owner: int, of: int | None, amount: str, status: str = "succeeded", age: float = 4) -> Payment:
    return Payment(key=key, created_at=ago(age), updated_at=ago(age), customer=owner, invoice=of, amount=Decimal(amount), currency="USD",
                   status=status, paid_at=ago(age))


def world() -> View:
    old = ago(200)
    product = Product(key=1, created_at=old, updated_at=old, sku="SEAT", name="Seat", description="A seat", unit_price=Decimal("10.00"),
                      currency="USD", is_recurring=True, tier="standard")
    subscriptions = [
        Subscription(key=n, created_at=ago(90), updated_at=ago(2 if n == 2 else 90), customer=n, product=1,
                     status="canceled" if n == 2 else "active", currency="USD", quantity=3, unit_price=Decimal("10.00"), start_at=ago(90),
                     period_start=ago(10), period_end=ago(-20), canceled_at=ago(2) if n == 2 else None,
                     ended_at=ago(2) if n == 2 else None, contract=n)
        for n in (1, 2)]
    invoices = [
        invoice(1, 1, lines=13, subscription=1), invoice(2, 1, status="paid", order=7), invoice(3, 2, status="draft"),
        invoice(4, 3, currency="JPY", price="500"), invoice(5, 4, currency="KWD", price="1.250"),
        invoice(6, 1, age=60, hidden=True), invoice(7, 2, status="in_limbo", extra={"ai_summary": "late"}), invoice(8, 2, age=45),
    ]
    return View(
        peers=standard_peers,
        system="stripe", as_of=NOW, products=[product], subscriptions=subscriptions, invoices=invoices,
        customers=[customer(n, {3: "JPY", 4: "KWD"}.get(n, "USD")) for n in range(1, 26)]
        + [customer(26, removed=True, updated_at=ago(3)), customer(27, erp_customer=None, hidden=True)],
        payments=[payment(1, 1, 2, "24.00"), payment(2, 2, None, "9.00"), payment(3, 2, None, "8.00", "failed")],
        refunds=[Refund(key=1, created_at=ago(1), updated_at=ago(1), customer=2, payment=2, credit_note=None, amount=Decimal("4.00"),
                        currency="USD", status="succeeded")],
        credit_notes=[CreditNote(key=1, created_at=ago(2), updated_at=ago(2), customer=2, invoice=8, number="CN-1", status="issued",
                                 issue_date=ago(2).date(), currency="USD", subtotal=Decimal("2.00"), tax=Decimal(0),
                                 total=Decimal("2.00"), reason="order_change")],
        disputes=[Dispute(key=1, created_at=ago(1), updated_at=ago(1), customer=2, payment=2, amount=Decimal("5.00"), currency="USD",
                          status="needs_response", reason="fraudulent")],
    )


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Site:
    url: str
    vendor: stand_in.Stripe
    clock: Clock

    def ask(self, method: str, path: str, form: dict[str, Any] | None = None, *, key: str = "sk_test_concord", version: str = BASIL,
            **headers: str) -> Answer:
        body = urllib.parse.urlencode(form, doseq=True).encode() if form is not None else None
        names = {"authorization": f"Bearer {key}", "stripe-version": version} if key else {}
        names |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, names, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers.items()), json.load(answer))
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, dict(refusal.headers.items()), json.load(refusal))

    def get(self, path: str, version: str = BASIL, **query: Any) -> Any:
        answer = self.ask("GET", path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else ""), version=version)
        assert answer.status == 200, answer.body
        return answer.body

    def client(self, version: str | None = None) -> official.StripeClient:
        return official.StripeClient("sk_test_concord", base_addresses={"api": self.url}, max_network_retries=0,
                                     **({"stripe_version": version} if version else {}))


@contextmanager
def open_site(view: View | None, **settings: Any) -> Iterator[Site]:
    clock = Clock()
    vendor = stand_in.Stripe(Store(), clock, stand_in.Settings(**{"requests_per_second": None, **settings}))
    if view is not None:
        vendor.load(view)

    with served(vendor.handle, clock) as url:
        yield Site(url, vendor, clock)


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site(world()) as opened:
        yield opened


def error(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.body
    found: dict[str, Any] = answer.body["error"]
    return found


# ------------------------------------------------------------------ the official client


def test_official_client_pages_through_everything_once(site: Site) -> None:
    listed = [row.id for row in site.client().v1.customers.list({"limit": 7}).auto_paging_iter()]
    assert listed == [sid("customer", key) for key in range(25, 0, -1)]  # newest first, without the deleted and the hidden one


def test_official_client_follows_nested_lines_beyond_ten(site: Site) -> None:
    client = site.client()
    billed = client.v1.invoices.retrieve(sid("invoice", 1))
    assert (len(billed.lines.data), billed.lines.has_more) == (10, True)
    assert billed.lines.url == f"/v1/invoices/{billed.id}/lines"
    lines = list(client.v1.invoices.line_items.list(billed.id, {"limit": 4}).auto_paging_iter())
    assert [line.description for line in lines] == [f"Seat {n}" for n in range(1, 14)]
    assert len({line.id for line in lines}) == 13


def test_official_client_upserts_with_an_idempotency_key(site: Site) -> None:
    client = site.client()
    id = sid("customer", 1)
    first = client.v1.customers.update(id, {"metadata": {"credit_hold": "yes", "domain": ""}}, {"idempotency_key": "k1"})
    again = client.v1.customers.update(id, {"metadata": {"credit_hold": "yes", "domain": ""}}, {"idempotency_key": "k1"})
    assert first.last_response.headers["idempotency-key"] == "k1" and "idempotent-replayed" not in first.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert first.metadata == again.metadata
    assert first.metadata["credit_hold"] == "yes" and "domain" not in first.metadata and first.metadata["erp_customer_id"] == "1001"
    updates = client.v1.events.list({"type": "customer.updated"}).data
    assert [event.data.object["id"] for event in updates] == [id]
    assert json.loads(str(updates[0].data.previous_attributes)) == {"metadata": {"domain": "firm1.example", "credit_hold": None}}
    assert updates[0].request.idempotency_key == "k1"


def test_official_client_raises_its_error_classes(site: Site) -> None:
    client = site.client()
    with pytest.raises(official.InvalidRequestError) as gone:
        client.v1.customers.retrieve("cus_nope")
    assert (gone.value.http_status, gone.value.code, gone.value.param) == (404, "resource_missing", "id")
    with pytest.raises(official.AuthenticationError):
        official.StripeClient("sk_test_wrong", base_addresses={"api": site.url}).v1.customers.list()
    with pytest.raises(official.PermissionError):
        official.StripeClient("rk_test_concord_read", base_addresses={"api": site.url}).v1.customers.create({"name": "x"})
    with pytest.raises(official.CardError) as declined:
        client.v1.invoices.pay(sid("invoice", 1), {"payment_method": "pm_card_chargeDeclined"})
    assert declined.value.code == "card_declined"
    client.v1.customers.update(sid("customer", 1), {"name": "a"}, {"idempotency_key": "same"})
    with pytest.raises(official.IdempotencyError):
        client.v1.customers.update(sid("customer", 1), {"name": "b"}, {"idempotency_key": "same"})


def test_official_client_verifies_signed_webhooks(site: Site) -> None:
    sent = list(stand_in.webhooks(site.vendor, 0, int(time.time())))
    assert len(sent) > 5
    for body, header in sent:
        event = official.Webhook.construct_event(body, header, "whsec_concord_sandbox")
        assert event.id.startswith("evt_")
    with pytest.raises(official.SignatureVerificationError):
        official.Webhook.construct_event(sent[0][0] + b" ", sent[0][1], "whsec_concord_sandbox")


# ------------------------------------------------------------------ transport


def test_keys_are_verified(site: Site) -> None:
    assert "did not provide" in error(site.ask("GET", "/v1/customers", key=""), 401)["message"]
    wrong = error(site.ask("GET", "/v1/customers", key="sk_test_wrong1234"), 401)
    assert wrong["message"] == "Invalid API Key provided: sk_test_****1234"
    assert error(site.ask("GET", "/v1/customers", key="pk_test_x"), 403)["code"] == "secret_key_required"
    assert site.ask("GET", "/v1/customers", key="", authorization="Basic c2tfdGVzdF9jb25jb3JkOg==").status == 200
    assert error(site.ask("GET", "/v1/customers", stripe_account="acct_1"), 403)["code"] == "account_invalid"


def test_restricted_key_is_held_to_its_resources() -> None:
    with open_site(world(), restricted_keys={"rk_test_1": {"invoices": "read", "customers": "write"}}) as site:
        assert site.ask("GET", "/v1/invoices", key="rk_test_1").status == 200
        assert site.ask("POST", f"/v1/customers/{sid('customer', 1)}", {"name": "n"}, key="rk_test_1").status == 200
        assert site.ask("GET", "/v1/charges", key="rk_test_1").status == 403
        assert site.ask("POST", f"/v1/invoices/{sid('invoice', 1)}/void", {}, key="rk_test_1").status == 403


def test_versions(site: Site) -> None:
    assert site.ask("GET", "/v1/customers", version=BASIL).headers["stripe-version"] == BASIL
    for version in ("yesterday", "2027-01-01.endive", "2025-03-31", "2022-11-15.basil", "2026-10-28.nosuch"):
        assert "Invalid Stripe API version" in error(site.ask("GET", "/v1/customers", version=version), 400)["message"]


def test_parameters_are_checked(site: Site) -> None:
    cases = {
        "/v1/customers?foo=1": ("parameter_unknown", "foo"), "/v1/customers?limit=0": ("parameter_invalid_integer", "limit"),
        "/v1/customers?limit=101": ("parameter_invalid_integer", "limit"), "/v1/customers?limit=x": ("parameter_invalid_integer", "limit"),
        "/v1/customers?created[since]=1": ("parameter_unknown", "created[since]"), "/v1/subscription_items": ("parameter_missing", "subscription"),
        "/v1/customers?starting_after=cus_x": ("resource_missing", "starting_after"),
        "/v1/invoices?customer=cus_x": ("resource_missing", "customer"), "/v1/invoices?status=late": (None, "status"),
        "/v1/events?type=a&types[]=b": (None, "types"), "/v1/customers?updated[gte]=1": ("parameter_unknown", "updated"),
    }
    for path, (code, param) in cases.items():
        found = error(site.ask("GET", path), 400)
        assert (found.get("code"), found["param"]) == (code, param), path
    both = f"/v1/customers?starting_after={sid('customer', 3)}&ending_before={sid('customer', 1)}"
    assert site.ask("GET", both).status == 400
    assert error(site.ask("GET", "/v1/quotes"), 404)["message"].startswith("Unrecognized request URL")
    wrong_type = site.ask("POST", f"/v1/customers/{sid('customer', 1)}", {"name": "x"}, content_type="application/json")
    assert "content type" in error(wrong_type, 400)["message"]
    assert error(site.ask("POST", f"/v1/customers/{sid('customer', 1)}", {"credit_limit": "1"}), 400)["code"] == "parameter_unknown"


def test_rate_and_concurrency_limits() -> None:
    with open_site(world(), requests_per_second=3) as site:
        answers = [site.ask("GET", "/v1/products") for _ in range(6)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429, 429]
        assert answers[3].body["error"]["code"] == "rate_limit" and answers[3].headers["stripe-rate-limited-reason"] == "global-rate"
        time.sleep(1.05)
        assert site.ask("GET", "/v1/products").status == 200
    headers = {"authorization": "Bearer sk_test_concord"}
    busy = site.vendor.handle(Request("GET", "/v1/products", site.url, headers=headers, in_flight=101))
    assert (busy.status, busy.headers["stripe-rate-limited-reason"]) == (429, "global-concurrency")
    codes = [json.loads(site.vendor.rate_limited(Request(method, path, site.url)).body)["error"]["code"]
             for method, path in (("GET", "/v1/invoices"), ("POST", "/v1/customers"), ("POST", "/v1/customers/cus_1"))]
    assert codes == ["rate_limit", "rate_limit", "lock_timeout"]
    assert site.vendor.unavailable(Request("GET", "/v1/invoices", site.url)).status == 500


# ------------------------------------------------------------------ lists


def test_lists_page_both_ways_and_filter_by_created(site: Site) -> None:
    first = site.get("/v1/customers", limit=3)
    assert first["has_more"] and first["url"] == "/v1/customers" and first["object"] == "list"
    second = site.get("/v1/customers", limit=3, starting_after=first["data"][-1]["id"])
    back = site.get("/v1/customers", limit=3, ending_before=second["data"][0]["id"])
    assert [row["id"] for row in back["data"]] == [row["id"] for row in first["data"]] and not back["has_more"]
    low, high = int(ago(90).timestamp()), int(ago(85).timestamp())
    window = site.get("/v1/customers", **{"created[gt]": low, "created[lte]": high, "limit": 100})
    assert [row["id"] for row in window["data"]] == [sid("customer", key) for key in (15, 14, 13, 12, 11)]
    assert len(site.get("/v1/customers")["data"]) == 10
    assert [row["id"] for row in site.get("/v1/customers", email="pay@firm9.example")["data"]] == [sid("customer", 9)]
    assert [row["id"] for row in site.get("/v1/invoices", subscription=sid("subscription", 1))["data"]] == [sid("invoice", 1)]


def test_subscriptions_leave_out_canceled_ones_unless_asked(site: Site) -> None:
    assert [row["id"] for row in site.get("/v1/subscriptions")["data"]] == [sid("subscription", 1)]
    assert len(site.get("/v1/subscriptions", status="all")["data"]) == 2
    assert [row["status"] for row in site.get("/v1/subscriptions", status="ended")["data"]] == ["canceled"]


def test_hidden_rows_are_counted_and_readable_but_never_listed(site: Site) -> None:
    listed = {row["id"] for row in site.get("/v1/invoices", limit=100)["data"]}
    assert sid("invoice", 6) not in listed and len(listed) == 7
    assert site.get(f"/v1/invoices/{sid('invoice', 6)}")["number"] == "INV-6"
    found = site.get("/v1/invoices/search", **{"query": "created>0", "limit": 100, "expand[]": "total_count"})
    assert found["total_count"] == 8 and len(found["data"]) == 7
    assert not [event for event in site.get("/v1/events", limit=100)["data"] if event["data"]["object"]["id"] == sid("invoice", 6)]


def test_search_language(site: Site) -> None:
    def ids(query: str, kind: str = "customers") -> list[str]:
        return [row["id"] for row in site.get(f"/v1/{kind}/search", query=query)["data"]]

    assert ids('metadata["erp_customer_id"]:"1003"') == [sid("customer", 3)]
    assert ids('name:"firm 4" OR email~"firm5.example"') == [sid("customer", 5), sid("customer", 4)]
    assert ids(f'customer:"{sid("customer", 1)}" -status:"paid"', "invoices") == [sid("invoice", 1)]
    assert site.ask("GET", "/v1/customers/search?query=name%3A%22a%22+AND+name%3A%22b%22+OR+name%3A%22c%22").status == 400
    assert site.ask("GET", "/v1/customers/search?query=domain%3A%22a%22").status == 400
    pages, page = [], site.get("/v1/customers/search", query="created>0", limit=20)
    pages += page["data"]
    page = site.get("/v1/customers/search", query="created>0", limit=20, page=page["next_page"])
    assert len(pages + page["data"]) == 25 and not page["has_more"] and page["next_page"] is None


# ------------------------------------------------------------------ shapes


def test_both_payload_shapes(site: Site) -> None:
    path = f"/v1/invoices/{sid('invoice', 1)}"
    new, old = site.get(path, BASIL), site.get(path, OLD)
    assert new["parent"]["subscription_details"]["subscription"] == old["subscription"] == sid("subscription", 1)
    assert "subscription" not in new and "tax" not in new and "parent" not in old and "total_taxes" not in old
    assert sum(tax["amount"] for tax in new["total_taxes"]) == old["tax"] == 2600
    new_line, old_line = new["lines"]["data"][0], old["lines"]["data"][0]
    assert new_line["pricing"]["price_details"] == {"price": sid("price", 1), "product": sid("product", 1)}
    assert (old_line["price"]["id"], old_line["price"]["product"], old_line["type"]) == (sid("price", 1), sid("product", 1), "subscription")
    assert new_line["taxes"][0]["amount"] == old_line["tax_amounts"][0]["amount"] == 200 and new_line["id"] == old_line["id"]
    new_sub, old_sub = (site.get(f"/v1/subscriptions/{sid('subscription', 1)}", version) for version in (BASIL, OLD))
    assert "current_period_end" not in new_sub and "current_period_end" not in old_sub["items"]["data"][0]
    assert new_sub["items"]["data"][0]["current_period_end"] == old_sub["current_period_end"] == int(ago(-20).timestamp())
    paid_old, paid_new = (site.get(f"/v1/invoices/{sid('invoice', 2)}", version) for version in (OLD, BASIL))
    assert paid_old["charge"] == sid("payment", 1) and paid_old["paid"] and "charge" not in paid_new
    assert site.get(f"/v1/charges/{sid('payment', 1)}", OLD)["invoice"] == sid("invoice", 2)
    assert "invoice" not in site.get(f"/v1/charges/{sid('payment', 1)}", BASIL)
    paid = site.get("/v1/invoice_payments", invoice=sid("invoice", 2))["data"][0]
    assert (paid["status"], paid["amount_paid"], paid["payment"]["payment_intent"]) == ("paid", 2400, sid("payment_intent", 1))
    assert site.ask("GET", "/v1/invoice_payments", version=OLD).status == 404
    note_new, note_old = (site.get(f"/v1/credit_notes/{sid('credit_note', 1)}", version) for version in (BASIL, OLD))
    assert note_new["pre_payment_amount"] == 200 and "pre_payment_amount" not in note_old and note_old["refund"] is None


def test_minor_units_follow_the_currency(site: Site) -> None:
    yen, dinar = (site.get(f"/v1/invoices/{sid('invoice', key)}") for key in (4, 5))
    assert (yen["currency"], yen["subtotal"], yen["total"]) == ("jpy", 1000, 1200)
    assert (dinar["currency"], dinar["subtotal"], dinar["total"]) == ("kwd", 2500, 3000)
    assert [minor_units(Decimal("1.005"), "USD"), minor_units(Decimal("7"), "UGX"), minor_units(Decimal("-0.5"), "EUR")] == [101, 700, -50]
    refused = site.ask("POST", "/v1/credit_notes", {"invoice": sid("invoice", 5), "amount": "1255"})
    assert "KWD" in error(refused, 400)["message"]


def test_world_fields_reach_the_payload(site: Site) -> None:
    first = site.get(f"/v1/customers/{sid('customer', 1)}")
    assert first["metadata"] == {"erp_customer_id": "1001", "tax_id": "DE000000001", "domain": "firm1.example"}
    assert site.get(f"/v1/invoices/{sid('invoice', 2)}")["metadata"] == {"erp_order_id": native_id("netsuite", "order", 7)}
    odd = site.get(f"/v1/invoices/{sid('invoice', 7)}")
    assert (odd["status"], odd["ai_summary"]) == ("in_limbo", "late")
    draft = site.get(f"/v1/invoices/{sid('invoice', 3)}")
    assert draft["number"] is None and draft["status_transitions"]["finalized_at"] is None
    charge = site.get(f"/v1/charges/{sid('payment', 2)}")
    assert (charge["amount_refunded"], charge["refunded"], charge["disputed"]) == (400, False, True)
    failed = site.get(f"/v1/charges/{sid('payment', 3)}")
    assert (failed["status"], failed["paid"], failed["failure_code"]) == ("failed", False, "card_declined")
    product = site.get("/v1/products")["data"][0]
    assert product["metadata"] == {"sku": "SEAT", "tier": "standard"} and product["default_price"] == sid("price", 1)
    assert site.get(f"/v1/invoices/{sid('invoice', 8)}")["pre_payment_credit_notes_amount"] == 200


def test_expansion(site: Site) -> None:
    shown = site.get("/v1/invoices", **{"expand[]": ["data.customer", "data.payments"], "limit": 100})["data"]
    assert all(row["customer"]["object"] == "customer" for row in shown)
    paid = next(row for row in shown if row["id"] == sid("invoice", 2))
    assert paid["payments"]["data"][0]["object"] == "invoice_payment"
    charge = site.get(f"/v1/charges/{sid('payment', 2)}", **{"expand[0]": "refunds", "expand[1]": "payment_intent.customer"})
    assert charge["refunds"]["data"][0]["amount"] == 400 and charge["payment_intent"]["customer"]["name"] == "Firm 2"
    assert site.ask("GET", f"/v1/charges/{sid('payment', 2)}?expand[]=amount").status == 400
    assert site.ask("GET", "/v1/charges?expand[]=customer").status == 400
    assert site.ask("GET", f"/v1/charges/{sid('payment', 2)}?expand[]=a.b.c.d.e").status == 400


# ------------------------------------------------------------------ events


def test_events_tell_the_last_thirty_days_in_the_accounts_version(site: Site) -> None:
    events = list(site.client().v1.events.list({"limit": 5}).auto_paging_iter())
    times = [event.created for event in events]
    assert times == sorted(times, reverse=True) and min(times) >= int(ago(30).timestamp())
    assert {event.api_version for event in events} == {"2023-08-16"}
    told = [(event.type, event.data.object["status"]) for event in reversed(events) if event.data.object["id"] == sid("invoice", 2)]
    assert told == [("invoice.created", "draft"), ("invoice.finalized", "open"), ("invoice.paid", "paid")]
    paid = next(event for event in events if event.type == "invoice.paid")
    assert paid.data.previous_attributes["status"] == "open" and "subscription" in paid.data.object  # the shape before basil
    assert {"customer.deleted", "customer.subscription.deleted", "credit_note.created", "refund.created", "charge.refunded",
            "charge.dispute.created", "invoice_payment.paid"} <= {event.type for event in events}
    long = next(event for event in events if event.data.object["id"] == sid("invoice", 1))
    assert len(long.data.object["lines"]["data"]) == 10 and long.data.object["lines"]["has_more"]
    some = site.get("/v1/events", **{"types[]": ["invoice.paid", "refund.created"], "created[gte]": int(ago(10).timestamp())})
    assert [event["type"] for event in some["data"]] == ["refund.created", "invoice.paid"]
    assert {event["type"] for event in site.get("/v1/events", type="charge.*", limit=100)["data"]} >= {"charge.failed", "charge.refunded"}


def test_events_end_after_thirty_days_and_cursors_with_them(site: Site) -> None:
    oldest = site.get("/v1/events", limit=100)["data"][-1]
    site.clock.advance(timedelta(days=31))
    assert site.get("/v1/events")["data"] == []
    assert site.ask("GET", f"/v1/events/{oldest['id']}").status == 404
    assert error(site.ask("GET", f"/v1/events?starting_after={oldest['id']}"), 400)["param"] == "starting_after"


def test_events_keep_the_object_as_it_was(site: Site) -> None:
    id = sid("customer", 1)
    site.ask("POST", f"/v1/customers/{id}", {"name": "First"})
    site.ask("POST", f"/v1/customers/{id}", {"name": "Second"})
    newest = site.get("/v1/events", type="customer.updated")["data"]
    assert [event["data"]["object"]["name"] for event in newest] == ["Second", "First"]
    assert [event["data"]["previous_attributes"] for event in newest] == [{"name": "First"}, {"name": "Firm 1"}]


def test_apply_moves_the_world_on_with_events(site: Site) -> None:
    moment = NOW + timedelta(seconds=1)
    changed = invoice(1, 1, status="paid", lines=13, subscription=1, updated_at=moment, paid_at=moment)
    site.vendor.apply(View(
        peers=standard_peers,
        system="stripe", as_of=moment, invoices=[changed, invoice(9, 2, created_at=moment, updated_at=moment, finalized_at=moment)],
        customers=[customer(1), customer(5, removed=True, updated_at=moment)], payments=[payment(9, 1, 1, "156.00", age=0)]))
    site.clock.advance(timedelta(seconds=5))
    paid = site.get(f"/v1/invoices/{sid('invoice', 1)}", OLD)
    assert (paid["status"], paid["amount_remaining"], paid["charge"]) == ("paid", 0, sid("payment", 9))
    told = {event["type"]: event["data"] for event in site.get("/v1/events", limit=100, **{"created[gte]": int(moment.timestamp())})["data"]}
    assert {"invoice.paid", "invoice.updated", "invoice.created", "invoice.finalized", "customer.deleted"} <= set(told)
    assert told["invoice.paid"]["previous_attributes"]["status"] == "open" and "customer.updated" not in told
    assert site.get(f"/v1/customers/{sid('customer', 5)}")["deleted"]
    assert site.get("/v1/invoices", limit=1)["data"][0]["id"] == sid("invoice", 9)


# ------------------------------------------------------------------ idempotency


def test_idempotency_window_mismatch_and_free_keys(site: Site) -> None:
    first = site.ask("POST", "/v1/customers", {"name": "New"}, idempotency_key="a")
    again = site.ask("POST", "/v1/customers", {"name": "New"}, idempotency_key="a")
    assert again.body == first.body and again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert error(site.ask("POST", "/v1/customers", {"name": "Other"}, idempotency_key="a"), 400)["type"] == "idempotency_error"
    assert error(site.ask("POST", "/v1/products", {"name": "New"}, idempotency_key="a"), 400)["type"] == "idempotency_error"
    assert site.ask("POST", "/v1/customers", {"nome": "x"}, idempotency_key="b").status == 400
    assert site.ask("POST", "/v1/customers", {"name": "x"}, idempotency_key="b").status == 200  # a refused form leaves the key free
    site.clock.advance(timedelta(hours=24))
    later = site.ask("POST", "/v1/customers", {"name": "New"}, idempotency_key="a")
    assert later.status == 200 and later.body["id"] != first.body["id"]
    assert site.ask("POST", "/v1/customers", {"name": "x"}, idempotency_key="k" * 256).status == 400


def test_a_failed_execution_is_replayed_too(site: Site) -> None:
    form = {"charge": sid("payment", 3)}
    first = site.ask("POST", "/v1/refunds", form, idempotency_key="r")
    assert first.status == 400
    again = site.ask("POST", "/v1/refunds", form, idempotency_key="r")
    assert again.body == first.body and again.headers["idempotent-replayed"] == "true"


def test_a_key_in_use_is_a_conflict_and_a_locked_object_times_out() -> None:
    with open_site(world(), lock_timeout_seconds=0.6) as site:
        answers: list[Answer] = []
        with site.vendor.store.lock:
            running = threading.Thread(target=lambda: answers.append(site.ask("POST", "/v1/customers", {"name": "x"}, idempotency_key="z")))
            running.start()
            time.sleep(0.2)
            conflict = error(site.ask("POST", "/v1/customers", {"name": "x"}, idempotency_key="z"), 409)
            assert (conflict["type"], conflict["code"]) == ("idempotency_error", "idempotency_key_in_use")
            running.join()
        assert error(answers[0], 429)["code"] == "lock_timeout" and answers[0].headers["stripe-should-retry"] == "true"
        assert site.ask("POST", "/v1/customers", {"name": "x"}, idempotency_key="z").status == 200


def test_writes_survive_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "stripe.log"

    def opened() -> stand_in.Stripe:
        vendor = stand_in.Stripe(Store(log), Clock(), stand_in.Settings())
        vendor.load(world())
        vendor.store.open_log()
        return vendor

    def post(vendor: stand_in.Stripe) -> tuple[dict[str, str], Any]:
        headers = {"authorization": "Bearer sk_test_concord", "stripe-version": BASIL, "idempotency-key": "once",
                   "content-type": "application/x-www-form-urlencoded"}
        answer = vendor.handle(Request("POST", "/v1/credit_notes", "", headers=headers, body=f"invoice={sid('invoice', 1)}&amount=100".encode()))
        return answer.headers, json.loads(answer.body)

    first, note = post(opened())
    vendor = opened()
    again, same = post(vendor)
    assert "idempotent-replayed" not in first and again["idempotent-replayed"] == "true" and same == note
    assert vendor.account.get("invoices", sid("invoice", 1))["amount_remaining"] == 15500  # type: ignore[index]
    events = [record for record in vendor.account.walk("events") if record["type"] == "credit_note.created"]
    assert len(events) == 2


# ------------------------------------------------------------------ credit notes, refunds, deletes


def test_credit_note_lowers_the_open_rest_first(site: Site) -> None:
    client, id = site.client(), sid("invoice", 1)  # 13 lines of 10.00 and 20 % tax: 156.00
    line = client.v1.invoices.line_items.list(id).data[0]
    note = client.v1.credit_notes.create({
        "invoice": id, "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "quantity": 1}], "reason": "order_change",
        "email_type": "none", "metadata": {"credit_request_id": "7"}})
    assert (note.subtotal, note.total, note.type, note["pre_payment_amount"], note["post_payment_amount"]) == (
        1000, 1200, "pre_payment", 1200, 0)
    after = client.v1.invoices.retrieve(id)
    assert (after.total, after.amount_remaining, after.pre_payment_credit_notes_amount, after.status) == (15600, 14400, 1200, "open")
    twice = site.ask("POST", "/v1/credit_notes", {
        "invoice": id, "lines[0][type]": "invoice_line_item", "lines[0][invoice_line_item]": line.id, "lines[0][amount]": "1"})
    assert "left to credit" in error(twice, 400)["message"]
    assert "exceeds" in error(site.ask("POST", "/v1/credit_notes", {"invoice": id, "amount": "14401"}), 400)["message"]
    voided = client.v1.credit_notes.void_credit_note(note.id)
    assert voided.status == "void" and client.v1.invoices.retrieve(id).amount_remaining == 15600
    client.v1.credit_notes.create({"invoice": id, "amount": 15600})
    settled = client.v1.invoices.retrieve(id)
    assert (settled.status, settled.amount_remaining, settled.amount_paid) == ("paid", 0, 0)
    types = [event["type"] for event in site.get("/v1/events", limit=3)["data"]]
    assert types == ["invoice.updated", "invoice.paid", "credit_note.created"]


def test_credit_note_on_a_paid_invoice_must_be_distributed(site: Site) -> None:
    client, id = site.client(), sid("invoice", 2)  # 24.00, paid
    assert "must equal" in error(site.ask("POST", "/v1/credit_notes", {"invoice": id, "amount": "1000"}), 400)["message"]
    form = {"invoice": id, "amount": "1000", "refund_amount": "600", "credit_amount": "300", "out_of_band_amount": "100"}
    preview = site.get("/v1/credit_notes/preview", **form)
    assert preview["post_payment_amount"] == 1000 and site.get("/v1/credit_notes", invoice=id)["data"] == []
    note = site.ask("POST", "/v1/credit_notes", form).body
    assert (note["type"], note["post_payment_amount"], note["refunds"][0]["amount_refunded"]) == ("post_payment", 1000, 600)
    charge = client.v1.charges.retrieve(sid("payment", 1))
    assert (charge.amount_refunded, charge.refunded) == (600, False)
    assert client.v1.customers.retrieve(sid("customer", 1)).balance == -300
    ledger = site.get(f"/v1/customers/{sid('customer', 1)}/balance_transactions")["data"]
    assert [(row["amount"], row["type"], row["credit_note"]) for row in ledger] == [(-300, "credit_note", note["id"])]
    assert client.v1.invoices.retrieve(id).post_payment_credit_notes_amount == 1000
    assert site.ask("POST", f"/v1/credit_notes/{note['id']}/void", {}).status == 400
    assert site.ask("POST", "/v1/credit_notes", {"invoice": sid("invoice", 3), "amount": "1"}).status == 400  # a draft
    assert error(site.ask("POST", "/v1/credit_notes", {"amount": "1"}), 400)["code"] == "parameter_missing"


def test_refunds(site: Site) -> None:
    id = sid("payment", 1)
    assert "greater than unrefunded" in error(site.ask("POST", "/v1/refunds", {"charge": id, "amount": "2401"}), 400)["message"]
    made = site.ask("POST", "/v1/refunds", {"charge": id, "metadata[case]": "1"}).body
    assert (made["amount"], made["status"], made["metadata"]) == (2400, "succeeded", {"case": "1"})
    assert error(site.ask("POST", "/v1/refunds", {"charge": id}), 400)["code"] == "charge_already_refunded"
    assert error(site.ask("POST", "/v1/refunds", {"charge": sid("payment", 2)}), 400)["code"] == "charge_disputed"
    assert site.get(f"/v1/invoices/{sid('invoice', 2)}")["status"] == "paid"


def test_deleted_customers_leave_stubs(site: Site) -> None:
    stub = {"id": sid("customer", 26), "object": "customer", "deleted": True}
    assert site.get(f"/v1/customers/{sid('customer', 26)}") == stub
    gone = site.client().v1.customers.delete(sid("customer", 1))
    assert gone.deleted
    assert sid("customer", 1) not in {row["id"] for row in site.get("/v1/customers", limit=100)["data"]}
    assert site.ask("POST", f"/v1/customers/{sid('customer', 1)}", {"name": "x"}).status == 404
    held = site.get(f"/v1/invoices/{sid('invoice', 1)}", **{"expand[]": "customer"})
    assert held["customer"] == {"id": sid("customer", 1), "object": "customer", "deleted": True}
    assert site.get(f"/v1/subscriptions/{sid('subscription', 1)}")["status"] == "canceled"
    assert {"customer.deleted", "customer.subscription.deleted"} <= {row["type"] for row in site.get("/v1/events", limit=3)["data"]}


def test_invoice_transitions(site: Site) -> None:
    draft, due = sid("invoice", 3), sid("invoice", 1)
    assert error(site.ask("DELETE", f"/v1/invoices/{due}"), 400)["code"] == "invoice_not_editable"
    assert site.ask("POST", f"/v1/invoices/{draft}/finalize", {}).body["status"] == "open"
    paid = site.ask("POST", f"/v1/invoices/{due}/pay", {}, version=OLD).body
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 15600, 0)
    assert site.get(f"/v1/charges/{paid['charge']}")["metadata"] == {"invoice_id": due}
    assert error(site.ask("POST", f"/v1/invoices/{due}/pay", {}), 400)["code"] == "invoice_already_paid"
    assert site.ask("POST", f"/v1/invoices/{draft}/void", {}).body["status_transitions"]["voided_at"]


def test_subscription_items_are_added_changed_and_paged(site: Site) -> None:
    id, price = sid("subscription", 1), sid("price", 1)
    form: dict[str, Any] = {f"items[{n}][price]": price for n in range(11)} | {"proration_behavior": "none", "items[11][id]": sid("subscription_item", 1),
                                                                              "items[11][quantity]": "5"}
    shown = site.ask("POST", f"/v1/subscriptions/{id}", form).body["items"]
    assert len(shown["data"]) == 10 and shown["has_more"] and shown["data"][0]["quantity"] == 5
    rest = site.get(shown["url"] + f"&limit=100&starting_after={shown['data'][-1]['id']}")
    assert len(rest["data"]) == 2 and not rest["has_more"]
    del form["proration_behavior"]
    assert error(site.ask("POST", f"/v1/subscriptions/{id}", form), 400)["param"] == "proration_behavior"
    ended = site.ask("DELETE", f"/v1/subscriptions/{id}").body
    assert ended["status"] == "canceled" and ended["ended_at"]
    assert site.ask("DELETE", f"/v1/subscriptions/{id}").status == 404


# ------------------------------------------------------------------ behind the sandbox's own server


@pytest.mark.parametrize("kind", ["500", "500_after", "cut_after", "cut_before"])
def test_official_client_retries_without_a_second_effect(tmp_path: Path, kind: str) -> None:
    with server_module.running(tmp_path, scale=0.05, vendors=("stripe",)) as sandbox:
        for url in (sandbox.url("stripe"), sandbox.root_url("stripe")):
            client = official.StripeClient("sk_test_concord", base_addresses={"api": url}, max_network_retries=2)
            sandbox.fault(vendor="stripe", kind=kind, count=1)
            made = client.v1.customers.create({"name": f"Once {url}"}, {"idempotency_key": url})
            found = [row.id for row in client.v1.customers.list({"limit": 5}).data if row.name == f"Once {url}"]
            assert found == [made.id]


def test_advancing_the_sandbox_brings_events(tmp_path: Path) -> None:
    with server_module.running(tmp_path, scale=0.05, vendors=("stripe",)) as sandbox:
        client = official.StripeClient("sk_test_concord", base_addresses={"api": sandbox.url("stripe")})
        before = {event.id for event in client.v1.events.list({"limit": 100}).auto_paging_iter()}
        now = sandbox.advance(3)
        events = list(client.v1.events.list({"limit": 100}).auto_paging_iter())
        assert [event for event in events if event.id not in before]
        assert all(int((now - timedelta(days=30)).timestamp()) <= event.created <= now.timestamp() + 1 for event in events)


# ------------------------------------------------------------------ size


def test_many_invoices_load_and_page() -> None:
    view = world()
    view.invoices = [invoice(key, 1 + key % 25, lines=15, age=5.01 + key / 30) for key in range(1200)]
    with open_site(view) as site:
        client = site.client()
        assert sum(1 for _ in client.v1.events.list({"limit": 100, "type": "invoice.created"}).auto_paging_iter()) == 750
        rows, page = 0, site.get("/v1/invoices", limit=100)
        while True:
            rows += len(page["data"])
            if not page["has_more"]:
                break
            page = site.get("/v1/invoices", limit=100, starting_after=page["data"][-1]["id"])
    assert rows == 1200


def test_dates_of_invoices_are_unix_seconds(site: Site) -> None:
    shown = site.get(f"/v1/invoices/{sid('invoice', 2)}")
    due = datetime.fromtimestamp(shown["due_date"], UTC)
    assert due.date() == ago(-25).date() and isinstance(due.date(), date)

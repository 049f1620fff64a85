"""The Zuora stand-in: a hand-made tenant driven request by request, the vendor's own client over HTTP, and the published samples."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from concord.settings import PROJECT
from sandbox.protocol import Clock, Request, Response, Store
from sandbox.server import running
from sandbox.world.model import CreditNote, Customer, Dispute, Invoice, Line, Payment, Product, Refund, Subscription, View, native_id
from sandbox.zuora import create

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
SAMPLES = PROJECT.parent / "shared" / "specs" / "zuora" / "samples"


def zid(entity: str, key: int | str) -> str:
    return native_id("zuora", entity, key)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def customer(key: int, **fields: Any) -> Customer:
    at = ago(100 - key)
    defaults: dict[str, Any] = {
        "created_at": at, "updated_at": at, "name": f"Firm {key}", "domain": f"firm{key}.example", "tax_id": f"DE{key:09d}",
        "email": f"pay@firm{key}.example", "phone": "+49 1", "street": "Weg 1", "city": "Ulm", "region": "BW", "postcode": "89073",
        "country": "DE", "currency": "EUR", "erp_customer": key}
    return Customer(key=key, **{**defaults, **fields})


def line(number: int, amount: str, tax: str = "0", quantity: str = "1") -> Line:
    return Line(number=number, product=1, description=f"Seat {number}", quantity=Decimal(quantity), unit_price=Decimal(amount) / Decimal(quantity),
                amount=Decimal(amount), tax=Decimal(tax))


def invoice(key: int, owner: int, amount: str = "100.00", *, status: str = "open", age: float = 5, **fields: Any) -> Invoice:
    net, tax = Decimal(amount), Decimal(amount) / 5
    is_paid = status == "paid"
    defaults: dict[str, Any] = {
        "created_at": ago(age), "updated_at": ago(age - 1), "number": f"INV-{key}", "invoice_date": ago(age).date(),
        "due_date": ago(age - 30).date(), "finalized_at": ago(age), "subtotal": net, "tax": tax, "total": net + tax,
        "amount_paid": net + tax if is_paid else Decimal(0), "amount_remaining": Decimal(0) if is_paid else net + tax,
        "paid_at": ago(age - 1) if is_paid else None, "lines": [line(1, str(net), str(tax))], "currency": "EUR"}
    return Invoice(key=key, customer=owner, status=status, **{**defaults, **fields})


def subscription(key: int, owner: int, **fields: Any) -> Subscription:
    defaults: dict[str, Any] = {
        "created_at": ago(90), "updated_at": ago(90), "product": 1, "status": "active", "currency": "EUR", "quantity": 3,
        "unit_price": Decimal("10.00"), "start_at": ago(90), "period_start": ago(10), "period_end": ago(-20), "contract": key}
    return Subscription(key=key, customer=owner, **{**defaults, **fields})


def world(**fields: Any) -> View:
    product = Product(key=1, created_at=ago(200), updated_at=ago(200), sku="SEAT", name="Seat", description="A seat",
                      unit_price=Decimal("10.00"), currency="EUR", is_recurring=True, tier="standard")
    filled: dict[str, Any] = {
        "customers": [customer(n) for n in range(1, 26)] + [customer(26, parent=1, is_active=False, extra={"aiScore": 7}),
                                                            customer(27, hidden=True), customer(28, removed=True)],
        "products": [product],
        "subscriptions": [subscription(1, 1), subscription(2, 2, status="canceled", updated_at=ago(3), canceled_at=ago(4), ended_at=ago(3))],
        "invoices": [invoice(1, 1, subscription=1), invoice(2, 1, status="paid", order=7, age=9), invoice(3, 2, status="draft"),
                     invoice(4, 3, status="void"), invoice(5, 4, status="in_limbo"), invoice(6, 5, status="uncollectible", age=80)],
        "payments": [Payment(key=1, created_at=ago(8), updated_at=ago(8), customer=1, invoice=2, amount=Decimal("120.00"), currency="EUR",
                             status="succeeded", paid_at=ago(8)),
                     Payment(key=2, created_at=ago(7), updated_at=ago(7), customer=2, invoice=None, amount=Decimal("5.10"), currency="EUR",
                             status="failed", paid_at=ago(7))],
        "credit_notes": [CreditNote(key=1, created_at=ago(2), updated_at=ago(2), customer=1, invoice=2, number="CN-1", status="issued",
                                    issue_date=date(2026, 3, 18), currency="EUR", subtotal=Decimal("10.00"), tax=Decimal("2.00"),
                                    total=Decimal("12.00"), reason="Damaged", lines=[line(1, "10.00", "2.00")])],
        "refunds": [Refund(key=1, created_at=ago(2), updated_at=ago(2), customer=1, payment=1, credit_note=1, amount=Decimal("12.00"),
                           currency="EUR", status="succeeded")],
        "disputes": [Dispute(key=1, created_at=ago(1), updated_at=ago(1), customer=1, payment=1, amount=Decimal("120.00"), currency="EUR",
                             status="needs_response", reason="fraudulent")]}
    return View(system="zuora", as_of=NOW, peers=lambda role, entity, key, owner: f"{role}-{entity}-{key}", **{**filled, **fields})


class Tenant:
    """One tenant and a client that is logged in."""

    def __init__(self, view: View | None = None, **settings: Any) -> None:
        self.clock = Clock(NOW - datetime.now(UTC))
        self.store = Store()
        self.vendor: Any = create(self.store, self.clock, job_seconds=0.0, **settings)
        self.vendor.load(view or world())
        self.token = self.log_in()

    def log_in(self) -> str:
        body = urlencode({"client_id": "5f0e7a52-3c1d-4b8e-9a46-c0c07d200011", "client_secret": "zuora-sandbox-secret", "grant_type": "client_credentials"}).encode()
        answer = self.send("POST", "/oauth/token", raw=body, headers={"content-type": "application/x-www-form-urlencoded"}, anonymous=True)
        return str(json.loads(answer.body)["access_token"])

    def send(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, headers: Mapping[str, str] | None = None,
             anonymous: bool = False, in_flight: int = 1) -> Response:
        parts = urlsplit(path)
        sent = {} if anonymous else {"authorization": f"Bearer {self.token}"}
        content = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
        if body is not None:
            sent["content-type"] = "application/json"
        answer: Response = self.vendor.handle(Request(
            method, parts.path, "http://zuora", tuple(parse_qsl(parts.query, keep_blank_values=True)), {**sent, **(headers or {})}, content,
            in_flight))
        return answer

    def get(self, path: str, *filters: str, **params: Any) -> Any:
        pairs = [("filter[]", text) for text in filters]
        pairs += [(name.replace("__", "[]"), str(value)) for name, value in params.items()]
        return json.loads(self.send("GET", f"{path}?{urlencode(pairs)}" if pairs else path).body)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return json.loads(self.send("POST", path, body, headers={name.replace("_", "-"): value for name, value in headers.items()}).body)

    def put(self, path: str, body: Any = None) -> Any:
        return json.loads(self.send("PUT", path, body).body)

    def every(self, kind: str, *filters: str, size: int = 7, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = self.get(f"/object-query/{kind}", *filters, pageSize=size, **params)
        while True:
            found += page["data"]
            if "nextPage" not in page:
                return found
            page = self.get(f"/object-query/{kind}", *filters, pageSize=size, cursor=page["nextPage"], **params)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


# ------------------------------------------------------------------ login and limits


def test_a_token_ends_and_each_family_says_so_in_its_own_words(tenant):
    assert tenant.send("GET", "/object-query/accounts").status == 200
    tenant.clock.advance(timedelta(seconds=3600))
    refused = tenant.send("GET", "/object-query/accounts")
    assert refused.status == 401 and json.loads(refused.body) == {"message": "Authentication error"} and "Bearer" in refused.headers["WWW-Authenticate"]
    assert json.loads(tenant.send("GET", "/v1/payments").body)["reasons"][0]["code"] == 90000011
    tenant.token = tenant.log_in()
    assert tenant.send("GET", "/object-query/accounts").status == 200
    tenant.vendor.expire_tokens()
    assert tenant.send("GET", "/object-query/accounts").status == 401


@pytest.mark.parametrize(("form", "status"), [
    ({"client_id": "5f0e7a52-3c1d-4b8e-9a46-c0c07d200011", "client_secret": "wrong", "grant_type": "client_credentials"}, 401),
    ({"client_id": "5f0e7a52-3c1d-4b8e-9a46-c0c07d200011", "client_secret": "zuora-sandbox-secret", "grant_type": "password"}, 400)])
def test_wrong_credentials_get_no_token(tenant, form, status):
    answer = tenant.send("POST", "/oauth/token", raw=urlencode(form).encode(), headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status == status and b"access_token" not in answer.body


def test_user_and_password_open_the_door_too(tenant):
    pair = {"apiaccesskeyid": "concord@zuora.example", "apisecretaccesskey": "zuora-sandbox-password"}
    assert tenant.send("GET", "/v1/payments", anonymous=True, headers=pair).status == 200
    basic = base64.b64encode(":".join(pair.values()).encode()).decode()
    assert tenant.send("GET", "/v1/payments", anonymous=True, headers={"authorization": f"Basic {basic}"}).status == 200
    assert tenant.send("GET", "/v1/payments", anonymous=True, headers={**pair, "apisecretaccesskey": "x"}).status == 401


def test_too_many_at_once_and_too_many_a_minute_differ_in_their_headers():
    tenant = Tenant(requests_per_minute=3)
    crowded = tenant.send("GET", "/v1/payments", in_flight=41)
    assert crowded.status == 429 and crowded.headers["Concurrency-Limit-Remaining"] == "0" and "Retry-After" in crowded.headers
    assert tenant.send("GET", "/object-query/accounts", in_flight=41).status == 200  # a group of its own, with a higher limit
    assert tenant.send("GET", "/v1/payments").status == 200
    spent = tenant.send("GET", "/v1/payments")
    assert spent.status == 429 and spent.headers["ratelimit-remaining"] == "0" and int(spent.headers["Retry-After"]) > 0
    assert json.loads(spent.body)["reasons"][0]["code"] == 50000070


def test_every_answer_carries_the_request_id_and_echoes_the_track_id(tenant):
    answer = tenant.send("GET", "/v1/payments", headers={"zuora-track-id": "t-1"})
    assert answer.headers["Zuora-Track-Id"] == "t-1" and answer.headers["Zuora-Request-Id"] and "w=60" in answer.headers["ratelimit-limit"]


# ------------------------------------------------------------------ object query


def test_lists_come_newest_first_ten_at_a_time_without_nulls(tenant):
    page = tenant.get("/object-query/accounts")
    stamps = [datetime.fromisoformat(row["updatedDate"]) for row in page["data"]]
    assert len(stamps) == 10 and stamps == sorted(stamps, reverse=True)
    assert "notes" not in page["data"][0]
    assert tenant.get("/object-query/accounts", includeNullFields="true")["data"][0]["notes"] is None
    place = json.loads(base64.b64decode(page["nextPage"]))
    assert [part["orderBy"] for part in place] == [{"field": "UpdatedDate", "order": "DESC"}, {"field": "Id", "order": "DESC"}]


@pytest.mark.parametrize("sort", ["updateddate.ASC", "updateddate.DESC", "accountnumber.ASC", "name.DESC", "parentid.ASC"])
def test_the_cursor_walks_all_rows_once(tenant, sort):
    ids = [row["id"] for row in tenant.every("accounts", sort__=sort)]
    assert len(ids) == len(set(ids)) == 26


def test_rows_of_one_second_are_not_lost_between_pages():
    tenant = Tenant(world(customers=[customer(n, created_at=ago(1), updated_at=ago(1)) for n in range(1, 40)]))
    assert len({row["id"] for row in tenant.every("accounts", f"updateddate.GE:{ago(1).isoformat()}", sort__="updateddate.ASC")}) == 39


def test_filters_are_joined_by_and(tenant):
    assert {row["invoiceNumber"] for row in tenant.every("invoices", "status.EQ:Posted", "balance.GT:0")} == {"INV-1", "INV-6"}
    assert [row["invoiceNumber"] for row in tenant.every("invoices", "invoicenumber.SW:INV-", "status.IN:[Draft, Canceled]", sort__="invoicenumber.ASC")] == [
        "INV-3", "INV-4"]
    assert [row["id"] for row in tenant.every("accounts", f"parentid.EQ:{zid('customer', 1)}")] == [zid("customer", 26)]
    assert len(tenant.every("accounts", "parentid.EQ:null")) == 25
    assert len(tenant.every("accounts", "parentid.NE:null")) == 1


def test_update_filters_compare_moments_not_texts():
    """Winter and summer offsets differ: 23:30-08:00 is later than 00:15-07:00 of the same night as texts would not tell."""
    early, late = datetime(2026, 3, 8, 9, 30, tzinfo=UTC), datetime(2026, 3, 8, 10, 30, tzinfo=UTC)  # the clock jumps between them
    tenant = Tenant(world(customers=[customer(1, updated_at=early), customer(2, updated_at=late)]))
    rows = tenant.every("accounts", sort__="updateddate.ASC")
    assert [row["updatedDate"] for row in rows] == ["2026-03-08T01:30:00-08:00", "2026-03-08T03:30:00-07:00"]
    assert [row["accountNumber"] for row in tenant.every("accounts", "updateddate.GE:2026-03-08T10:00:00+00:00")] == ["A00000002"]
    assert len(tenant.every("accounts", "updateddate.GE:2026-03-08T01:30:00")) == 2  # without offset in the tenant's zone


@pytest.mark.parametrize(("kind", "query", "code"), [
    ("accounts", {"pageSize": "100"}, "50000060"), ("accounts", {"filter[]": "foo.EQ:1"}, "50000027"),
    ("accounts", {"filter[]": "notes.EQ:x"}, "50000027"), ("accounts", {"filter[]": "name.LIKE:x"}, "50000027"),
    ("accounts", {"filter[]": "balance.GT:much"}, "50000027"), ("accounts", {"sort[]": "notes.ASC"}, "50000027"),
    ("accounts", {"expand[]": "nobody"}, "50000027"), ("accounts", {"cursor": "%%%"}, "50000020"), ("accounts", {"limit": "5"}, "50000023"),
    ("invoice-items", {}, "50000027"), ("rate-plans", {"pageSize": "5"}, "50000027")])
def test_what_the_object_query_does_not_take_is_refused(tenant, kind, query, code):
    answer = tenant.send("GET", f"/object-query/{kind}?{urlencode(query)}")
    body = json.loads(answer.body)
    assert answer.status == 400 and body["reasons"][0]["code"] == code and body["requestId"]


def test_columns_and_expansions(tenant):
    row = tenant.get("/object-query/subscriptions", "version.EQ:2", expand__="rateplans.rateplancharges.rateplanchargetiers")["data"][0]
    assert row["ratePlans"][0]["ratePlanCharges"][0]["ratePlanChargeTiers"][0]["price"] == 10.0
    row = tenant.get(f"/object-query/invoices/{zid('invoice', 1)}?expand[]=account.billto&expand[]=invoiceitems&fields[]=id,invoicenumber&account.fields[]=name")
    assert row["account"]["name"] == "Firm 1" and row["account"]["billTo"]["workEmail"] == "pay@firm1.example" and "status" not in row["account"]
    assert set(row) == {"id", "invoiceNumber", "account", "invoiceItems"} and row["invoiceItems"][0]["chargeAmount"] == 100.0


def test_objects_are_found_by_their_number_too(tenant):
    assert tenant.get("/object-query/accounts/A00000003")["id"] == zid("customer", 3)
    assert tenant.get("/object-query/subscriptions/A-S00000002")["version"] == 2
    missing = tenant.send("GET", "/object-query/accounts/nope")
    assert missing.status == 404 and json.loads(missing.body)["reasons"]


def test_items_and_tax_lines_hang_on_their_invoice(tenant):
    [item] = tenant.every("invoice-items", f"invoiceid.EQ:{zid('invoice', 1)}")
    assert (item["chargeAmount"], item["taxAmount"], item["sKU"], item["subscriptionNumber"]) == (100.0, 20.0, "SEAT", "A-S00000001")
    [tax] = tenant.every("taxation-items", f"invoiceitemid.EQ:{item['id']}")
    assert (tax["taxAmount"], tax["taxableAmount"], tax["taxRate"]) == (20.0, 100.0, 0.2)
    assert tenant.get(f"/object-query/invoice-items/{item['id']}")["invoiceId"] == zid("invoice", 1)


def test_some_documents_show_numbers_as_texts(tenant):
    [item] = tenant.get("/v1/invoices/INV-1/items")["invoiceItems"][:1]
    assert isinstance(item["chargeAmount"], str) and isinstance(item["taxAmount"], str) and isinstance(item["unitPrice"], float)
    held = tenant.get(f"/object-query/invoice-items/{item['id']}")
    assert Decimal(item["chargeAmount"]) == Decimal(str(held["chargeAmount"]))
    invoice = tenant.get("/v1/invoices/INV-1")
    assert isinstance(invoice["amount"], float) and "reversed" not in invoice
    assert isinstance(tenant.get(f"/v1/accounts/{invoice['accountId']}/summary")["basicInfo"]["balance"], str)


def test_a_product_names_the_address_of_its_rate_plans(tenant):
    [product] = tenant.get("/v1/catalog/products")["products"][:1]
    plans = tenant.get(product["productRatePlans"])["productRatePlans"]
    assert plans and isinstance(plans[0]["productRatePlanCharges"][0]["pricing"][0]["price"], str)


def test_a_tenant_without_invoice_settlement_refuses_its_objects():
    tenant = Tenant(invoice_settlement=False, forbidden=["refunds"])
    refused = tenant.send("GET", "/object-query/credit-memos")
    assert refused.status == 403 and json.loads(refused.body)["reasons"][0]["code"] == "50000030"
    assert json.loads(tenant.send("GET", "/object-query/refunds").body)["reasons"][0]["code"] == "50000010"
    assert tenant.send("GET", "/object-query/payments").status == 200


# ------------------------------------------------------------------ the world's rows


def test_links_to_other_systems_and_hierarchy(tenant):
    account = tenant.get(f"/object-query/accounts/{zid('customer', 26)}")
    assert (account["ErpCustomerId__c"], account["crmId"], account["parentId"], account["status"], account["aiScore"]) == (
        "erp-customer-26", "crm-customer-26", zid("customer", 1), "Canceled", 7)
    assert tenant.get("/object-query/invoices/INV-2")["ErpOrderId__c"] == "erp-order-7"
    assert tenant.get("/object-query/subscriptions/A-S00000001")["CrmContractId__c"] == "crm-contract-1"
    unlinked = Tenant(world(customers=[customer(1, erp_customer=None)])).get("/object-query/accounts/A00000001")
    assert "ErpCustomerId__c" not in unlinked and "crmId" not in unlinked


def test_states_in_the_vendors_spelling(tenant):
    states = {row["invoiceNumber"]: (row["status"], row["balance"]) for row in tenant.every("invoices")}
    assert states == {"INV-1": ("Posted", 120.0), "INV-2": ("Posted", 0.0), "INV-3": ("Draft", 120.0), "INV-4": ("Canceled", 0.0),
                      "INV-5": ("in_limbo", 120.0), "INV-6": ("Posted", 120.0)}
    assert tenant.get("/object-query/subscriptions/A-S00000002")["status"] == "Cancelled"
    assert {row["paymentNumber"]: row["status"] for row in tenant.every("payments")} == {"P-00000001": "Processed", "P-00000002": "Error"}
    chargeback = tenant.get(f"/object-query/refunds/{zid('dispute', 1)}")
    assert (chargeback["reasonCode"], chargeback["status"], chargeback["amount"]) == ("Chargeback", "Processing", 120.0)
    account = tenant.get("/object-query/accounts/A00000001")
    assert (account["totalInvoiceBalance"], account["balance"], account["mrr"]) == (120.0, 120.0, 30.0)


def test_a_subscription_version_has_a_new_id_and_keeps_its_original_one(tenant):
    versions = tenant.every("subscriptions", "name.EQ:A-S00000002", sort__="version.ASC")
    assert [row["version"] for row in versions] == [1, 2] and [row["isLatestVersion"] for row in versions] == [False, True]
    assert {row["originalId"] for row in versions} == {versions[0]["id"]} == {zid("subscription", 2)}
    assert versions[1]["id"] != versions[0]["id"] and versions[1]["previousSubscriptionId"] == versions[0]["id"]
    assert versions[0]["updatedDate"] == versions[1]["updatedDate"]  # the older one is touched too


def test_a_change_of_the_world_makes_the_next_version(tenant):
    view = View(system="zuora", as_of=NOW, subscriptions=[subscription(1, 1, status="canceled", canceled_at=NOW, ended_at=NOW, updated_at=NOW)],
                invoices=[invoice(1, 1, status="paid", subscription=1, updated_at=NOW)])
    tenant.vendor.apply(view)
    rows = tenant.every("subscriptions", "name.EQ:A-S00000001", sort__="version.ASC")
    assert [(row["version"], row["status"]) for row in rows] == [(1, "Expired"), (2, "Cancelled")]
    assert tenant.get("/object-query/invoices/INV-1")["balance"] == 0.0
    assert tenant.get("/object-query/accounts/A00000001")["totalInvoiceBalance"] == 0.0
    assert tenant.get("/object-query/invoice-items", f"invoiceid.EQ:{zid('invoice', 1)}")["data"][0]["sKU"] == "SEAT"
    tenant.vendor.apply(view)
    assert len(tenant.every("subscriptions", "name.EQ:A-S00000001")) == 2  # told twice, happened once


def test_hidden_rows_are_counted_and_readable_but_not_listed_and_removed_ones_are_gone(tenant):
    ids = {row["id"] for row in tenant.every("accounts")}
    assert zid("customer", 27) not in ids and zid("customer", 28) not in ids
    assert tenant.get(f"/object-query/accounts/{zid('customer', 27)}")["name"] == "Firm 27"
    assert tenant.send("GET", f"/object-query/accounts/{zid('customer', 28)}").status == 404
    counted = tenant.post("/v1/action/query", {"queryString": "select Id from Account"})
    assert counted["size"] == 27 and len(counted["records"]) == 26
    tenant.vendor.apply(View(system="zuora", as_of=NOW, customers=[customer(5, removed=True, updated_at=NOW)]))
    assert tenant.send("GET", f"/object-query/accounts/{zid('customer', 5)}").status == 404


# ------------------------------------------------------------------ ZOQL


def test_zoql_goes_on_by_locator_until_done_and_the_locator_dies_of_idleness(tenant):
    first = tenant.post("/v1/action/query", {"queryString": "select Id, Name, UpdatedDate, Notes from Account where Name like 'Firm%'",
                                             "conf": {"batchSize": 10}})
    assert not first["done"] and len(first["records"]) == 10 and set(first["records"][0]) == {"Id", "Name", "UpdatedDate"}
    assert first["records"][0]["UpdatedDate"].endswith(".000-08:00")
    second = tenant.post("/v1/action/queryMore", {"queryLocator": first["queryLocator"]})
    assert second["done"] and len({row["Id"] for row in first["records"] + second["records"]}) == 26
    again = tenant.post("/v1/action/query", {"queryString": "select Id from Account", "conf": {"batchSize": 10}})["queryLocator"]
    tenant.clock.advance(timedelta(minutes=16))
    gone = tenant.send("POST", "/v1/action/queryMore", {"queryLocator": again})
    assert gone.status == 400 and json.loads(gone.body)["faultcode"] == "fns:INVALID_QUERY_LOCATOR"


def test_zoql_caps_a_batch_at_two_thousand():
    tenant = Tenant(world(customers=[customer(n) for n in range(1, 2103)]))
    page = tenant.post("/v1/action/query", {"queryString": "select Id from Account", "conf": {"batchSize": 5000}})
    assert len(page["records"]) == 2000 and page["size"] == 2102
    assert page["queryLocator"].endswith("-2000")


def test_zoql_conditions(tenant):
    def names(where: str) -> set[str]:
        return {row["InvoiceNumber"] for row in tenant.post("/v1/action/query", {"queryString": f"select InvoiceNumber from Invoice where {where}"})["records"]}

    assert names("Status = 'Posted' and Balance > 0") == {"INV-1", "INV-6"}
    assert names("Status = 'Draft' or Status = 'Canceled'") == {"INV-3", "INV-4"}
    assert names("InvoiceDate >= '2026-03-15' and Status != 'Draft'") == {"INV-1", "INV-4", "INV-5"}
    assert names("UpdatedDate < '2026-01-10T00:00:00'") == {"INV-6"}
    assert names("ErpOrderId__c = 'erp-order-7'") == {"INV-2"}


@pytest.mark.parametrize("query", [
    "select * from Account", "select Id from Nothing", "select Id from CreditMemo", "select Nope from Account", "select Id from Account order by Id",
    "select Id from Account where (Name = 'a')", "select Id from Account where Name in ('a')", "SELECT Id FROM Account",
    "select Id from Account where Name like '%a%'", "select Account.Name, Invoice.Id from Invoice", "select Id from Account where Balance = 'much'",
    "select count(Id) from Account"])
def test_what_zoql_cannot_do_is_a_fault(tenant, query):
    answer = tenant.send("POST", "/v1/action/query", {"queryString": query})
    assert answer.status == 400 and json.loads(answer.body)["faultstring"]


# ------------------------------------------------------------------ jobs


def test_data_query_waits_then_leaves_a_file_that_needs_no_token():
    tenant = Tenant()
    tenant.vendor._jobs.seconds = 10.0
    body = {"query": "SELECT id, balance, updateddate FROM account WHERE updateddate >= TIMESTAMP '2026-01-01 00:00:00'", "outputFormat": "JSON",
            "compression": "NONE", "output": {"target": "S3"}}
    job = tenant.post("/query/jobs", body)["data"]
    assert job["queryStatus"] == "accepted" and len(job["id"]) == 64 and "dataFile" not in job
    tenant.clock.advance(timedelta(seconds=6))
    assert tenant.get(f"/query/jobs/{job['id']}")["data"]["queryStatus"] == "in_progress"
    tenant.clock.advance(timedelta(seconds=6))
    done = tenant.get(f"/query/jobs/{job['id']}")["data"]
    path = done["dataFile"].removeprefix("http://zuora")
    rows = [json.loads(text) for text in tenant.send("GET", path, anonymous=True).body.splitlines()]
    assert done["queryStatus"] == "completed" and done["outputRows"] == len(rows) == 5 and rows[0]["updateddate"].endswith("Z")
    assert tenant.send("GET", path).status == 400  # a token beside the signature
    assert tenant.send("GET", path.replace("Signature=", "Signature=x"), anonymous=True).status == 403


def run_query(tenant: Tenant, query: str, **more: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    job = tenant.post("/query/jobs", {"query": query, "outputFormat": "CSV", "compression": "NONE", "output": {"target": "S3"}, **more})["data"]
    done = tenant.get(f"/query/jobs/{job['id']}")["data"]
    if "dataFile" not in done:
        return done, []
    text = tenant.send("GET", done["dataFile"].removeprefix("http://zuora"), anonymous=True).body.decode()
    return done, list(csv.DictReader(io.StringIO(text)))


def test_data_query_sees_deleted_rows_and_counts_all(tenant):
    _, rows = run_query(tenant, "SELECT id, deleted FROM account WHERE deleted = true", readDeleted=True)
    assert rows == [{"id": zid("customer", 28), "deleted": "true"}]
    assert run_query(tenant, "SELECT id FROM account WHERE deleted = true")[1] == []
    assert run_query(tenant, "SELECT count(*) AS n FROM account")[1] == [{"n": "27"}]
    _, joined = run_query(tenant, "SELECT a.name, i.amount FROM invoice i JOIN account a ON a.id = i.accountid WHERE i.invoicenumber = 'INV-1'")
    assert joined == [{"name": "Firm 1", "amount": "120"}]


@pytest.mark.parametrize(("query", "code"), [
    ("SELEC id", "SYNTAX_ERROR"), ("SELECT id FROM nothing", "TABLE_NOT_FOUND"), ("SELECT nope FROM account", "COLUMN_NOT_FOUND"),
    ("DROP TABLE account", "SYNTAX_ERROR"), ("SELECT * FROM read_csv('/etc/passwd')", "TABLE_NOT_FOUND")])
def test_a_bad_data_query_fails_as_a_job(tenant, query, code):
    done, _ = run_query(tenant, query)
    assert done["queryStatus"] == "failed" and done["errorCode"] == code and done["errorMessage"]


def test_data_query_refuses_what_it_does_not_know(tenant):
    fine = {"query": "SELECT 1", "outputFormat": "CSV", "compression": "NONE", "output": {"target": "S3"}}
    for change in ({"outputFormat": "XML"}, {"compression": "LZ4"}, {"output": {"target": "FTP"}}, {"query": ""}, {"limit": 3}):
        assert tenant.send("POST", "/query/jobs", {**fine, **change}).status == 400


def batch(tenant: Tenant, query: str, **more: Any) -> dict[str, Any]:
    body = {"format": "csv", "version": "1.2", "name": "n", "encrypted": "none", "useQueryLabels": "true", "dateTimeUtc": "true",
            "queries": [{"name": "q", "type": "zoqlexport", "query": query, "deleted": {"column": "Deleted", "format": "Boolean"}}], **more}
    job = tenant.post("/v1/batch-query/", body)
    if "id" not in job:
        return dict(job)
    done = tenant.get(f"/v1/batch-query/jobs/{job['id']}")
    files = [done["batches"][0]["fileId"]] if "fileId" in done["batches"][0] else done["batches"][0].get("segments", [])
    done["rows"] = [row for file in files for row in csv.reader(io.StringIO(tenant.send("GET", f"/v1/files/{file}").body.decode()))]
    return dict(done)


def test_aqua_stateful_runs_give_changes_and_deletes(tenant):
    query, state = "select Id, Name, Notes, UpdatedDate from Account", {"partner": "concord", "project": "p"}
    first = batch(tenant, query, **state)
    assert first["status"] == "completed" and first["batches"][0]["full"] and first["batches"][0]["recordCount"] == 26
    assert first["rows"][0] == ["Account.Id", "Account.Name", "Account.Notes", "Account.UpdatedDate", "Deleted"]
    assert first["rows"][1][3].endswith("+0000")
    tenant.clock.advance(timedelta(minutes=5))
    tenant.put("/v1/accounts/A00000001", {"notes": "x"})
    tenant.send("DELETE", "/v1/accounts/A00000010")
    later = batch(tenant, query, **state)
    assert not later["batches"][0]["full"]
    assert {(row[0], row[2], row[4]) for row in later["rows"][1:]} == {(zid("customer", 1), "x", "false"), (zid("customer", 10), "", "true")}
    assert batch(tenant, query + " where Name = 'Firm 1'", **{**state, "project": "other"})["batches"][0]["full"]  # another project starts anew
    assert batch(tenant, "select Id from Account", **state)["batches"][0]["full"]  # so do other columns


def test_aqua_says_no_with_status_200(tenant):
    answer = tenant.send("POST", "/v1/batch-query/", {"partner": "who", "project": "p", "version": "1.1", "queries": [{"query": "select Id from Account"}]})
    assert answer.status == 200 and json.loads(answer.body) == {"errorCode": "90006", "message": "Partner ID is not recognized."}
    failed = batch(tenant, "select Nope from Account")
    assert failed["status"] == "error" and failed["batches"][0]["status"] == "aborted" and "Nope" in failed["batches"][0]["message"]


def test_aqua_follows_relations_orders_and_splits(tenant):
    done = batch(tenant, "select InvoiceNumber, Account.Name, Amount from Invoice where Status = 'Posted' order by InvoiceNumber desc")
    assert done["rows"][0][:3] == ["Invoice.InvoiceNumber", "Account.Name", "Invoice.Amount"]
    assert [row[:3] for row in done["rows"][1:]] == [["INV-6", "Firm 5", "120"], ["INV-2", "Firm 1", "120"], ["INV-1", "Firm 1", "120"]]
    split = Tenant(aqua_segment_rows=10, aqua_ragged=True)
    done = batch(split, "select Id from Account")
    assert len(done["batches"][0]["segments"]) == 3 and len(done["rows"]) == 29 and len(done["rows"][-1]) > len(done["rows"][0])


def test_a_single_export(tenant):
    id = tenant.post("/v1/object/export", {"Format": "csv", "Query": "select Id from Product"})["Id"]
    state = tenant.get(f"/v1/object/export/{id}")
    assert state["Status"] == "Completed" and tenant.send("GET", f"/v1/files/{state['FileId']}").body.startswith(b"Product.Id\n")


# ------------------------------------------------------------------ writes


def credit(tenant: Tenant, amount: float, key: str = "INV-1", **more: Any) -> dict[str, Any]:
    body = {"items": [{"invoiceItemId": zid("invoice_line", f"{key.removeprefix('INV-')}-1"), "skuName": "Seat", "amount": amount}], **more}
    return dict(tenant.post(f"/v1/credit-memos/invoice/{key}", body))


def test_a_credit_memo_lowers_the_balance_only_once_it_is_applied(tenant):
    memo = credit(tenant, 30.0, reasonCode="Customer Satisfaction", comment="case 5", SupportCaseId__c="5")
    assert (memo["success"], memo["status"], memo["amount"], memo["unappliedAmount"]) == (True, "Draft", 30.0, 30.0)
    posted = tenant.put(f"/v1/credit-memos/{memo['id']}/post")
    assert posted["status"] == "Posted" and tenant.get("/v1/invoices/INV-1")["balance"] == 120.0
    assert tenant.get("/v1/accounts/A00000001")["metrics"]["balance"] == 90.0  # what is unapplied counts for the account
    applied = tenant.put(f"/v1/credit-memos/{memo['number']}/apply", {"invoices": [{"invoiceId": zid("invoice", 1), "amount": 20.0}]})
    assert (applied["appliedAmount"], applied["unappliedAmount"]) == (20.0, 10.0)
    held = tenant.get("/v1/invoices/INV-1")
    assert (held["balance"], held["creditMemoAmount"]) == (100.0, 20.0)
    refund = tenant.post(f"/v1/credit-memos/{memo['id']}/refund", {"totalAmount": 10.0, "type": "External", "methodType": "Check"})
    assert refund["success"] and refund["creditMemoId"] == memo["id"] and tenant.get(f"/v1/credit-memos/{memo['id']}")["unappliedAmount"] == 0.0
    back = tenant.put(f"/v1/credit-memos/{memo['id']}/unapply", {"invoices": [{"invoiceId": zid("invoice", 1), "amount": 5.0}]})
    assert back["unappliedAmount"] == 5.0 and tenant.get("/v1/invoices/INV-1")["balance"] == 105.0
    assert tenant.get(f"/object-query/credit-memos/{memo['id']}")["SupportCaseId__c"] == "5"
    amounts = [row["amount"] for row in tenant.every("credit-memo-applications", f"creditmemoid.EQ:{memo['id']}")]
    assert sorted(amounts) == [-5.0, 20.0]


def test_posting_and_applying_in_one_go(tenant):
    memo = credit(tenant, 100.0, autoPost=True, autoApplyToInvoiceUponPosting=True, taxAutoCalculation=True)
    assert (memo["status"], memo["amount"], memo["taxAmount"], memo["appliedAmount"]) == ("Posted", 120.0, 20.0, 120.0)
    assert tenant.get("/v1/invoices/INV-1")["balance"] == 0.0
    assert tenant.get("/object-query/accounts/A00000001")["updatedDate"].startswith("2026-03-20")


@pytest.mark.parametrize(("body", "kind"), [
    ({}, 22), ({"items": []}, 22), ({"items": [{"skuName": "x", "amount": 1}]}, 22), ({"items": [{"invoiceItemId": "no", "skuName": "x", "amount": 1}]}, 40),
    ({"items": [{"invoiceItemId": "ITEM", "skuName": "x", "amount": 101}]}, 30), ({"items": [{"invoiceItemId": "ITEM", "skuName": "x", "amount": -1}]}, 20),
    ({"items": [{"invoiceItemId": "ITEM", "skuName": "x", "amount": 1}], "nope": 1}, 21),
    ({"items": [{"invoiceItemId": "ITEM", "skuName": "x", "amount": 1}], "Nope__c": 1}, 21),
    ({"items": [{"invoiceItemId": "ITEM", "skuName": "x", "amount": 1}], "effectiveDate": "tomorrow"}, 20),
    ({"items": [{"invoiceItemId": "ITEM", "skuName": "\U0001f600", "amount": 1}]}, 20)])
def test_failures_come_with_status_200_and_change_nothing(tenant, body, kind):
    body = json.loads(json.dumps(body).replace("ITEM", zid("invoice_line", "1-1")))
    raw = json.dumps(body, ensure_ascii=False).encode()
    answer = tenant.send("POST", "/v1/credit-memos/invoice/INV-1", raw=raw, headers={"content-type": "application/json"})
    told = json.loads(answer.body)
    assert answer.status == 200 and told["success"] is False and told["processId"] and told["reasons"][0]["code"] % 100 == kind
    assert tenant.get("/v1/invoices/INV-1")["balance"] == 120.0 and len(tenant.every("credit-memos")) == 1


def test_a_memo_has_a_life_of_states(tenant):
    memo = credit(tenant, 10.0)
    path = f"/v1/credit-memos/{memo['id']}"
    assert tenant.put(path + "/apply", {"invoices": [{"invoiceId": zid("invoice", 1), "amount": 1}]})["reasons"][0]["code"] % 100 == 30
    assert json.loads(tenant.send("DELETE", path).body)["success"] is False
    assert tenant.put(path, {"comment": "later", "items": [{"id": tenant.get(path + "/items")["items"][0]["id"], "amount": 8}]})["amount"] == 8.0
    assert tenant.put(path + "/post")["status"] == "Posted"
    assert tenant.put(path + "/unpost")["status"] == "Draft"
    assert tenant.put(path + "/cancel")["status"] == "Canceled"
    assert json.loads(tenant.send("DELETE", path).body) == {"success": True}
    assert tenant.get(path)["success"] is False
    assert credit(tenant, 95.0)["success"] and credit(tenant, 6.0)["reasons"][0]["code"] % 100 == 30  # together more than the item


def test_a_posted_memo_is_reversed_by_a_debit_memo(tenant):
    memo = credit(tenant, 10.0, autoPost=True)
    done = tenant.put(f"/v1/credit-memos/{memo['id']}/reverse", {})
    assert done["reversed"] and done["unappliedAmount"] == 0.0
    [debit] = tenant.get("/v1/debit-memos")["debitmemos"]
    assert debit["amount"] == 10.0 and debit["balance"] == 0.0 and debit["referredCreditMemoId"] == memo["id"]


def test_payments_refunds_and_chargebacks(tenant):
    paid = tenant.post("/v1/payments", {"accountId": zid("customer", 1), "amount": 50.0, "currency": "EUR", "type": "External",
                                        "invoices": [{"invoiceId": zid("invoice", 1), "amount": 40.0}]})
    assert (paid["appliedAmount"], paid["unappliedAmount"]) == (40.0, 10.0) and tenant.get("/v1/invoices/INV-1")["balance"] == 80.0
    too_much = tenant.post(f"/v1/payments/{paid['id']}/refunds", {"totalAmount": 11.0, "type": "Electronic"})
    assert too_much["success"] is False
    back = tenant.post(f"/v1/payments/{paid['number']}/refunds/unapply", {"totalAmount": 25.0, "type": "Electronic"})
    assert back["success"] and tenant.get("/v1/invoices/INV-1")["balance"] == 95.0
    taken = tenant.post(f"/v1/gateway-settlement/payments/{paid['id']}/chargeback", {})
    assert taken["success"] is False  # half of it is refunded already
    taken = tenant.post(f"/v1/gateway-settlement/payments/{paid['id']}/chargeback", {"amount": 25.0})
    assert taken["reasonCode"] == "Chargeback" and tenant.get("/v1/invoices/INV-1")["balance"] == 120.0


def test_an_order_makes_a_new_version(tenant):
    def order(kind: str, **details: Any) -> dict[str, Any]:
        action = {"type": kind, "triggerDates": [{"name": "ContractEffective", "triggerDate": "2026-03-20"}], **details}
        return dict(tenant.post("/v1/orders", {"orderDate": "2026-03-20", "existingAccountNumber": "A00000001", "subscriptions": [
            {"subscriptionNumber": "A-S00000001", "orderActions": [action]}]}))

    done = order("UpdateProduct", updateProduct={"chargeUpdates": [{"chargeNumber": "C-00000001", "pricing": {"recurringPerUnit": {"quantity": 5}}}]})
    assert done["success"] and done["subscriptionNumbers"] == ["A-S00000001"]
    latest = tenant.get("/v1/subscriptions/A-S00000001")
    [charge] = latest["ratePlans"][0]["ratePlanCharges"]
    assert (latest["version"], charge["quantity"], latest["contractedMrr"]) == (2, 5.0, 50.0) and latest["id"] != zid("subscription", 1)
    assert charge["originalChargeId"] == zid("subscription_item", 1) != charge["id"]
    assert order("CancelSubscription", cancelSubscription={"cancellationPolicy": "SpecificDate", "cancellationEffectiveDate": "2026-03-25"})["success"]
    ended = tenant.get("/object-query/subscriptions/A-S00000001")
    assert (ended["version"], ended["status"], ended["cancelledDate"], ended["originalId"]) == (3, "Cancelled", "2026-03-25", zid("subscription", 1))
    assert order("Suspend")["success"] is False
    assert tenant.get("/v1/subscriptions/A-S00000001/versions/1")["status"] == "Expired"
    assert len(tenant.every("amendments", "subscriptionid.NE:null")) >= 2


def test_a_subscription_is_created_by_an_order(tenant):
    done = tenant.post("/v1/orders", {"orderDate": "2026-03-20", "existingAccountNumber": "A00000003", "subscriptions": [{"orderActions": [{
        "type": "CreateSubscription", "triggerDates": [{"name": "ContractEffective", "triggerDate": "2026-01-31"}],
        "createSubscription": {"terms": {"initialTerm": {"period": 1, "termType": "TERMED"}},
                               "subscribeToRatePlans": [{"productRatePlanId": zid("product_rate_plan", 1)}]}}]}]})
    row = tenant.get(f"/object-query/subscriptions/{done['subscriptionNumbers'][0]}")
    assert (row["termEndDate"], row["cMRR"], row["originalId"]) == ("2026-02-28", 10.0, row["id"])
    assert tenant.get(f"/v1/orders/{done['orderNumber']}")["order"]["subscriptions"][0]["orderActions"][0]["type"] == "CreateSubscription"


def test_idempotency_repeats_the_first_answer_failures_too(tenant):
    body = {"items": [{"invoiceItemId": zid("invoice_line", "1-1"), "skuName": "Seat", "amount": 5.0}]}
    first = tenant.send("POST", "/v1/credit-memos/invoice/INV-1", body, headers={"idempotency-key": "k"})
    again = tenant.send("POST", "/v1/credit-memos/invoice/INV-1", body, headers={"idempotency-key": "k"})
    assert again.body == first.body and len(tenant.every("credit-memos")) == 2
    assert tenant.send("POST", "/v1/credit-memos/invoice/INV-2", body, headers={"idempotency-key": "k"}).status == 422
    failed = tenant.send("POST", "/v1/credit-memos/invoice/INV-3", body, headers={"idempotency-key": "f"})
    assert json.loads(failed.body)["success"] is False
    assert tenant.send("POST", "/v1/credit-memos/invoice/INV-3", body, headers={"idempotency-key": "f"}).body == failed.body
    tenant.clock.advance(timedelta(hours=25))
    tenant.token = tenant.log_in()
    later = tenant.send("POST", "/v1/credit-memos/invoice/INV-1", body, headers={"idempotency-key": "k"})
    assert json.loads(later.body)["id"] != json.loads(first.body)["id"]
    assert tenant.send("POST", "/v1/credit-memos/invoice/INV-1", body, headers={"idempotency-key": "x" * 255}).status == 400


def test_a_key_in_progress_is_a_conflict(tenant):
    tenant.vendor._keys_running.add("busy")
    assert tenant.send("POST", "/v1/payments", {}, headers={"idempotency-key": "busy"}).status == 409


def test_accounts_and_contacts(tenant):
    assert tenant.put("/v1/accounts/A00000002", {"notes": "n", "ErpCustomerId__c": "77", "taxInfo": {"VATId": "X"},
                                                 "billToContact": {"workEmail": "new@firm2.example"}})["success"]
    account = tenant.get("/object-query/accounts/A00000002", expand__="billto")
    assert (account["ErpCustomerId__c"], account["vATId"], account["billTo"]["workEmail"]) == ("77", "X", "new@firm2.example")
    assert account["updatedById"] == zid("user", "integration")
    assert tenant.put("/v1/accounts/A00000002", {"balance": 3})["reasons"][0]["code"] % 100 == 21
    assert tenant.put("/v1/accounts/nope", {})["reasons"][0]["code"] % 100 == 40
    made = tenant.post("/v1/accounts", {"name": "New", "currency": "EUR", "billToContact": {"firstName": "A", "lastName": "B", "country": "DE"}})
    assert made["success"] and tenant.get(f"/v1/accounts/{made['accountNumber']}")["basicInfo"]["name"] == "New"
    gone = json.loads(tenant.send("DELETE", f"/v1/accounts/{made['accountId']}").body)
    assert tenant.get(f"/v1/operations/jobs/{gone['jobId']}")["status"] == "Completed"
    assert json.loads(tenant.send("DELETE", "/v1/accounts/A00000001").body)["success"] is False


def test_crud_and_actions_have_failures_of_their_own(tenant):
    rows = tenant.post("/v1/action/update", {"type": "Account", "objects": [
        {"Id": zid("customer", 1), "Notes": "a"}, {"Id": "no", "Notes": "b"}, {"Id": zid("customer", 2), "Nope": 1}]})
    assert [row["Success"] for row in rows] == [True, False, False] and rows[2]["Errors"][0]["Code"] == "INVALID_FIELD"
    missing = tenant.send("GET", "/v1/object/account/no")
    assert missing.status == 404 and json.loads(missing.body) == {"records": [], "size": 0, "done": True}
    wrong = tenant.send("PUT", f"/v1/object/account/{zid('customer', 1)}", {"AccountNumber": 1})
    assert wrong.status == 400 and json.loads(wrong.body)["Success"] is False
    assert tenant.get(f"/v1/object/account/{zid('customer', 1)}")["VATId"] == "DE000000001"
    made = tenant.post("/v1/object/usage", {"AccountNumber": "A00000001", "UOM": "Each", "Quantity": 2, "StartDateTime": "2026-03-01T00:00:00-08:00"})
    assert made["Success"] and tenant.get(f"/object-query/usages/{made['Id']}")["quantity"] == 2.0
    refused = tenant.send("POST", "/v1/object/usage", {"AccountNumber": "A1", "UOM": "Each", "Quantity": 2, "StartDateTime": "2026-03-01T00:00:00-08:00"})
    assert refused.status == 400 and json.loads(refused.body)["Errors"][0]["Message"] == "The account number A1 is invalid."
    assert tenant.post("/v1/action/delete", {"type": "Account", "ids": [zid("customer", 20), "no"]})[1]["success"] is False


def test_methods_media_types_and_versions(tenant):
    assert tenant.send("DELETE", "/v1/payments").status == 405
    assert tenant.send("POST", "/v1/payments", raw=b"<a/>", headers={"content-type": "text/xml"}).status == 415
    assert json.loads(tenant.send("POST", "/v1/payments", raw=b"{", headers={"content-type": "application/json"}).body)["reasons"][0]["code"] == 50000090
    assert tenant.send("GET", "/v1/payments", headers={"zuora-version": "latest"}).status == 400
    assert tenant.send("GET", "/v1/payments", headers={"zuora-version": "341.0"}).status == 200


def test_rest_lists_page_by_number_and_cap_at_forty():
    tenant = Tenant(world(payments=[Payment(key=n, created_at=ago(8), updated_at=ago(n / 100), customer=1, invoice=None, amount=Decimal(n),
                                            currency="EUR", status="succeeded", paid_at=ago(8)) for n in range(1, 101)]))
    page = tenant.get("/v1/payments", pageSize=1000)
    assert page["success"] and len(page["payments"]) == 40 and page["payments"][0]["number"] == "P-00000001"
    assert page["payments"][0]["createdDate"] == "2026-03-12 05:00:00"
    seen = page["payments"]
    while "nextPage" in page:
        page = json.loads(tenant.send("GET", page["nextPage"].removeprefix("http://zuora")).body)
        seen += page["payments"]
    assert len({row["id"] for row in seen}) == 100
    assert [row["amount"] for row in tenant.get("/v1/payments", sort="-number", pageSize=2)["payments"]] == [100.0, 99.0]
    assert len(tenant.get("/v1/payments", amount="7", accountNumber="A00000001")["payments"]) == 1
    assert tenant.get("/v1/payments", colour="red")["reasons"][0]["code"] % 100 == 23


def test_describe_names_the_custom_fields(tenant):
    answer = tenant.send("GET", "/v1/describe/Account")
    assert answer.headers["content-type"].startswith("application/xml") and b"<name>ErpCustomerId__c</name>" in answer.body


def test_a_restart_keeps_what_was_written(tmp_path):
    def start() -> Tenant:
        tenant = Tenant.__new__(Tenant)
        tenant.clock, tenant.store = Clock(NOW - datetime.now(UTC)), Store(tmp_path / "log.jsonl")
        tenant.vendor = create(tenant.store, tenant.clock, job_seconds=0.0)
        tenant.vendor.load(world())
        tenant.store.open_log()
        tenant.vendor._account._cache.clear()
        tenant.token = tenant.log_in()
        return tenant

    credit(start(), 10.0, autoPost=True, autoApplyToInvoiceUponPosting=True)
    again = start()
    assert again.get("/v1/invoices/INV-1")["balance"] == 110.0 and len(again.every("credit-memos")) == 2


def test_callouts_meet_a_challenge_repeat_and_come_in_any_order(tenant):
    definition = {"name": "Posted", "eventTypeName": "CreditMemoPosted", "calloutActive": True, "callout": {
        "calloutBaseurl": "https://receiver.example/zuora", "requiredAuth": True, "calloutAuth": {"username": "sim", "password": "secret"},
        "calloutParams": {"CreditMemoId": "<CreditMemo.Id>", "Number": "<CreditMemo.MemoNumber>", "AccountNumber": "<Account.AccountNumber>"}}}
    plain = {**definition, "callout": {**definition["callout"], "calloutBaseurl": "http://receiver.example"}}
    assert tenant.send("POST", "/notifications/notification-definitions", plain).status == 400
    made = tenant.post("/notifications/notification-definitions", definition)
    assert tenant.get(f"/notifications/notification-definitions/{made['id']}")["eventTypeName"] == "CreditMemoPosted"
    memos = [credit(tenant, amount, autoPost=True) for amount in (1.0, 2.0)]
    seen: list[tuple[dict[str, str], dict[str, str]]] = []

    def receive(method: str, address: str, headers: Mapping[str, str], body: bytes) -> int:
        seen.append((dict(headers), json.loads(body)))
        if "Authorization" not in headers:
            return 401
        return 500 if len(seen) == 2 else 200

    assert tenant.vendor.callouts.deliver(receive, twice=True, reverse=True) == 4
    assert "Authorization" not in seen[0][0] and seen[1][0]["Authorization"] == "Basic c2ltOnNlY3JldA=="
    arrived = [body for headers, body in seen if "Authorization" in headers]
    assert [body["CreditMemoId"] for body in arrived[-2:]] == [memos[0]["id"]] * 2 and arrived[-1]["AccountNumber"] == "A00000001"
    same = [headers for headers, body in seen if body["CreditMemoId"] == memos[1]["id"]]
    assert len({headers["Zuora-Notification-Id"] for headers in same}) == 1 and len({headers["Zuora-Request-Id"] for headers in same}) > 1
    history = tenant.get("/v1/notification-history/callout")["calloutHistories"]
    assert len(history) == 2
    assert tenant.post("/notifications/callout-histories/resend", [history[0]["eventContext"]]) == {"resent": 1}
    assert tenant.vendor.callouts.deliver(receive) == 1


# ------------------------------------------------------------------ the published samples, field by field

def _kinds(value: Any) -> str:
    return {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object", type(None): "null"}[type(value)]


def _same_fields(sample: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    for name, value in sample.items():
        assert name in ours, f"{name} is missing"
        assert _kinds(value) == _kinds(ours[name]), name


@pytest.mark.skipif(not SAMPLES.exists(), reason="the published samples are not beside the project")
class TestSamples:
    def sample(self, name: str) -> Any:
        return json.loads((SAMPLES / f"{name}.json").read_text())

    def test_token(self, tenant):
        body = urlencode({"client_id": "5f0e7a52-3c1d-4b8e-9a46-c0c07d200011", "client_secret": "zuora-sandbox-secret", "grant_type": "client_credentials"}).encode()
        answer = tenant.send("POST", "/oauth/token", raw=body, headers={"content-type": "application/x-www-form-urlencoded"})
        _same_fields(self.sample("oauth_token"), json.loads(answer.body))

    def test_object_query(self, tenant):
        sample = self.sample("object_query_accounts_page1")
        ours = tenant.get("/object-query/accounts", f"id.EQ:{zid('customer', 1)}")
        _same_fields(sample["data"][0], ours["data"][0])
        _same_fields(sample, tenant.get("/object-query/accounts", pageSize=1))
        assert "nextPage" not in tenant.get("/object-query/accounts", pageSize=99) and "nextPage" not in self.sample("object_query_accounts_last")

    def test_object_query_error(self, tenant):
        sample = self.sample("object_query_error")
        answer = tenant.send("GET", "/object-query/accounts?filter[]=foo.EQ:1")
        body = json.loads(answer.body)
        assert answer.status == sample["status"] and body["reasons"] == sample["body"]["reasons"]

    def test_action_query(self, tenant):
        sample = self.sample("action_query_page1")
        ours = tenant.post("/v1/action/query", {**sample["request"], "conf": {"batchSize": 1}})
        _same_fields(sample["response"], ours)
        _same_fields(sample["response"]["records"][0], ours["records"][0])
        more = tenant.post("/v1/action/queryMore", {"queryLocator": ours["queryLocator"]})
        _same_fields(self.sample("action_query_more")["response"], more)

    def test_credit_memo(self, tenant):
        sample = self.sample("credit_memo_from_invoice")
        body = {**sample["request"]["body"]}
        body["items"] = [{**body["items"][0], "invoiceItemId": zid("invoice_line", "1-1")}]
        ours = tenant.post("/v1/credit-memos/invoice/INV-1", body, Idempotency_Key="s-1")
        _same_fields(sample["response"], ours)
        for name in ("amount", "appliedAmount", "unappliedAmount", "status", "source", "sourceType", "creditMemoDate", "reasonCode", "comment"):
            assert ours[name] == sample["response"][name], name

    def test_aqua(self, tenant):
        sample = self.sample("aqua_job")
        body = {**sample["submit_request"], "partner": "concord"}
        tenant.vendor._jobs.seconds = 5.0
        submitted = tenant.post("/v1/batch-query/", body)
        _same_fields(sample["submit_response"], submitted)
        _same_fields(sample["submit_response"]["batches"][0], submitted["batches"][0])
        tenant.clock.advance(timedelta(seconds=6))
        done = tenant.get(f"/v1/batch-query/jobs/{submitted['id']}")
        _same_fields(sample["poll_completed"], done)
        _same_fields(sample["poll_completed"]["batches"][0], done["batches"][0])
        text = tenant.send("GET", f"/v1/files/{done['batches'][0]['fileId']}").body.decode()
        assert text.splitlines()[0] == sample["csv"].splitlines()[0]
        assert tenant.post("/v1/batch-query/", {**body, "partner": "unknown"}) == sample["unrecognized_partner_http_200"]

    def test_data_query(self, tenant):
        sample = self.sample("data_query_job")
        tenant.vendor._jobs.seconds = 5.0
        submitted = tenant.post("/query/jobs", sample["submit_request"])
        _same_fields(sample["submit_response"]["data"], submitted["data"])
        tenant.clock.advance(timedelta(seconds=4))
        _same_fields(sample["poll_in_progress"]["data"], tenant.get(f"/query/jobs/{submitted['data']['id']}")["data"])
        tenant.clock.advance(timedelta(seconds=4))
        done = tenant.get(f"/query/jobs/{submitted['data']['id']}")["data"]
        _same_fields(sample["poll_completed"]["data"], done)
        file = tenant.send("GET", done["dataFile"].removeprefix("http://zuora"), anonymous=True).body.splitlines()
        _same_fields(json.loads(sample["data_file_jsonl"].splitlines()[0]), json.loads(file[0]))

    def test_errors(self, tenant):
        sample = self.sample("errors")
        _same_fields(sample["200_not_found"]["body"], tenant.get("/v1/accounts/A-S404"))
        _same_fields(sample["401_v1"]["body"], json.loads(tenant.send("GET", "/v1/payments", anonymous=True).body))
        _same_fields(sample["400_action_query"]["body"], tenant.post("/v1/action/query", {"queryString": "select"}))
        assert tenant.get("/v1/object/account/x") == sample["404_crud"]["body"]
        limited = tenant.vendor.rate_limited(Request("GET", "/v1/payments", "http://zuora"))
        assert limited.status == 429 and {name.lower() for name in sample["429_rate"]["headers"]} <= {name.lower() for name in limited.headers}
        crowded = tenant.send("GET", "/v1/payments", in_flight=41)
        assert sample["429_concurrency"]["headers"].keys() <= crowded.headers.keys()
        _same_fields(sample["500_object_query"]["body"], json.loads(tenant.vendor.unavailable(Request("GET", "/object-query/accounts", "")).body))


# ------------------------------------------------------------------ the vendor's own client


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    sdk = pytest.importorskip("zuora_sdk")
    home: Path = tmp_path_factory.mktemp("home")
    id = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"  # the client takes no shorter one
    with running(home=home, seed=7, scale=0.05, vendors=("zuora",), vendor_settings={"zuora": {"client_id": id}}) as sandbox:
        client = pytest.importorskip("zuora_sdk.zuora_client").ZuoraClient(id, "zuora-sandbox-secret", None, sdk.Configuration(host=sandbox.url("zuora")))
        client.initialize()
        yield sdk, client
        client.stop_auto_auth()


def test_the_official_client_reads_every_object(official):
    sdk, client = official
    api = sdk.ObjectQueriesApi(client.api_client)
    any_time = ["updateddate.GE:2000-01-01T00:00:00-07:00"]
    for name in ("accounts", "contacts", "products", "product_rate_plans", "product_rate_plan_charges", "product_rate_plan_charge_tiers", "subscriptions",
                 "rate_plans", "rate_plan_charges", "rate_plan_charge_tiers", "invoices", "invoice_items", "taxation_items", "payments",
                 "payment_applications", "payment_parts", "payment_methods", "refunds", "refund_applications", "credit_memos", "credit_memo_items",
                 "orderss", "order_actions", "amendments"):  # the client's own spelling
        page = getattr(api, f"query_{name}")(page_size=2, filter=any_time, sort=["updateddate.ASC"])
        assert len(page.data) == 2 and page.data[0].id and page.data[0].updated_date, name
        following = getattr(api, f"query_{name}")(page_size=2, filter=any_time, sort=["updateddate.ASC"], cursor=page.next_page)
        assert following.data[0].id not in {row.id for row in page.data}, name


def test_the_official_client_walks_expands_and_gets_one(official):
    sdk, client = official
    api = sdk.ObjectQueriesApi(client.api_client)
    found, cursor = [], None
    while True:
        page = api.query_subscriptions(page_size=40, sort=["updateddate.ASC"], expand=["account", "rateplans.rateplancharges"], cursor=cursor)
        found += page.data
        cursor = page.next_page
        if not cursor:
            break
    assert len({row.id for row in found}) == len(found) > 40
    assert found[0].account.id == found[0].account_id and found[0].rate_plans
    assert api.query_account_by_key(found[0].account_id).account_number.startswith("A")
    with pytest.raises(sdk.ApiException) as refused:
        api.query_accounts(filter=["nope.EQ:1"])
    assert refused.value.status == 400


def test_the_official_client_queries_and_credits(official):
    sdk, client = official
    actions = sdk.ActionsApi(client.api_client)
    page = actions.action_post_query({"queryString": "select Id, InvoiceNumber, Balance from Invoice where Status = 'Posted' and Balance > 10",
                                 "conf": {"batchSize": 1}})
    assert page.size and not page.done and actions.action_postquery_more({"queryLocator": page.query_locator}).records
    record = page.records[0]
    number = record["InvoiceNumber"] if isinstance(record, dict) else record.additional_properties["InvoiceNumber"]
    invoices = sdk.InvoicesApi(client.api_client)
    items = invoices.get_invoice_items(number).invoice_items
    memo = sdk.CreditMemosApi(client.api_client).create_credit_memo_from_invoice(number, {
        "items": [{"invoiceItemId": items[0].id, "skuName": "Goods", "amount": 1.25}], "autoPost": True, "autoApplyToInvoiceUponPosting": True,
        "taxAutoCalculation": False,  # the client asks for it unless told otherwise
    }, idempotency_key="sdk-1")
    assert memo.success and memo.amount == 1.25 and memo.applied_amount == 1.25 and memo.status == "Posted"
    assert any(row.id == memo.id for row in sdk.CreditMemosApi(client.api_client).get_credit_memos(page_size=5).creditmemos)


def test_the_official_client_sees_accounts_subscriptions_and_failures(official):
    sdk, client = official
    account = sdk.ObjectQueriesApi(client.api_client).query_accounts(page_size=1).data[0]
    detail = sdk.AccountsApi(client.api_client).get_account(account.id)
    assert detail.basic_info.account_number == account.account_number and detail.metrics.balance is not None
    subscription = sdk.ObjectQueriesApi(client.api_client).query_subscriptions(page_size=1).data[0]
    assert sdk.SubscriptionsApi(client.api_client).get_subscription_by_key(subscription.name).subscription_number == subscription.name
    with pytest.raises(sdk.ApiException) as missing:  # the client itself takes success:false with status 200 for an error
        answer = sdk.AccountsApi(client.api_client).get_account("A-404")
        if answer.success is False:
            raise sdk.ApiException(status=200, reason=str(answer.reasons))
    assert missing.value.status in (200, 400, 404)

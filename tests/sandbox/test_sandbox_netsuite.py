"""The NetSuite sandbox over real HTTP: login in both ways, SuiteQL with its quirks, the record service, and its refusals."""

from __future__ import annotations

import csv
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from requests_oauthlib import OAuth1

from sandbox.netsuite.api import NetSuite, Settings
from sandbox.protocol import Clock, Request, Store
from sandbox.world.landscape import standard_peers
from sandbox.world.model import (
    Agent,
    Contact,
    CreditNote,
    Customer,
    Invoice,
    Line,
    Order,
    Payment,
    Product,
    Refund,
    Return,
    Shipment,
    View,
    native_id,
)
from tests.sandbox.served import served

AT = datetime(2024, 5, 24, 3, 30, tzinfo=UTC)  # still the 23rd, 20:30, in Los Angeles
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
HEADERS = {"Prefer": "transient"}
SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "specs" / "netsuite" / "samples"
STAMP = "TO_CHAR(lastmodifieddate,'YYYY-MM-DD\"T\"HH24:MI:SS')"


def _customer(key: int, **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "key": key, "created_at": AT - timedelta(days=400), "updated_at": AT, "name": f"Acme {key}", "domain": "acme.test",
        "tax_id": f"DE{key}", "email": "ap@acme.test", "phone": "", "street": "1 Main", "city": "Austin", "region": "TX", "postcode": "78701",
        "country": "US", "currency": "USD", "credit_limit": Decimal("5000"), "erp_customer": key,
    }
    return Customer(**{**values, **changes})


def _lines() -> list[Line]:
    return [Line(number=1, product=1, description="Widget", quantity=Decimal(2), unit_price=Decimal(50), amount=Decimal(100), tax=Decimal(8))]


def _view() -> View:
    stamp: dict[str, Any] = {"created_at": AT, "updated_at": AT}
    money: dict[str, Any] = {"currency": "USD", "subtotal": Decimal(100), "tax": Decimal(8), "total": Decimal(108), "lines": _lines()}
    days: dict[str, Any] = {"invoice_date": date(2024, 5, 1), "due_date": date(2024, 5, 31), "finalized_at": AT}
    view = View(system="netsuite", as_of=AT, peers=standard_peers)
    view.customers = [_customer(1, credit_hold=True, balance=Decimal("108.5")), _customer(2, parent=1, erp_customer=None, currency="CHF")]
    view.contacts = [Contact(key=1, customer=1, first_name="Ann", last_name="Lee", email="ann@acme.test", phone="1", **stamp)]
    view.products = [Product(key=1, sku="SKU-1", name="Widget", description="", unit_price=Decimal(".5"), currency="USD", is_recurring=False, **stamp)]
    view.orders = [Order(key=1, customer=1, number="SO1", status="pending_fulfillment", order_date=date(2024, 5, 1), opportunity=7, **money, **stamp)]
    view.invoices = [
        Invoice(key=1, customer=1, number="B-1", status="open", amount_paid=Decimal(0), amount_remaining=Decimal(108), order=1, **days, **money, **stamp),
        Invoice(key=2, customer=1, number="B-2", status="strange", amount_paid=Decimal(0), amount_remaining=Decimal(108), **days, **money, **stamp),
        Invoice(key=3, customer=2, number="B-3", status="paid", amount_paid=Decimal(108), amount_remaining=Decimal(0), **days, **money, **stamp),
    ]
    view.payments = [Payment(key=1, customer=2, invoice=3, amount=Decimal(108), currency="USD", status="succeeded", paid_at=AT, **stamp)]
    view.credit_notes = [CreditNote(key=1, customer=2, invoice=3, number="CM-1", status="issued", issue_date=date(2024, 5, 20), reason="damaged", **money, **stamp)]
    view.refunds = [Refund(key=1, customer=2, payment=1, credit_note=1, amount=Decimal(108), currency="USD", status="succeeded", **stamp)]
    return view


@dataclass
class Account:
    vendor: NetSuite
    clock: Clock
    url: str
    token: str = ""

    def assertion(self, key: Any = KEY, alg: str = "ES256", kid: str = "concord-key-1", **changes: Any) -> str:
        now = time.time()
        claims = {"iss": "concord-netsuite", "scope": ["rest_webservices"], "aud": f"{self.url}/services/rest/auth/oauth2/v1/token",
                  "iat": now, "exp": now + 300, **changes}
        return jwt.encode(claims, key, algorithm=alg, headers={"kid": kid})

    def login(self, assertion: str | None = None, **changes: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion or self.assertion(), **changes}
        return requests.post(f"{self.url}/services/rest/auth/oauth2/v1/token", data=form, timeout=10)

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        if not self.token:
            self.token = self.login().json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}", **given.pop("headers", {})}
        return requests.request(method, f"{self.url}/services/rest{path}", headers=headers, timeout=30, **given)

    def query(self, q: str, **params: Any) -> requests.Response:
        return self.call("POST", "/query/v1/suiteql", json={"q": q}, params=params, headers=HEADERS)

    def rows(self, q: str) -> list[dict[str, Any]]:
        answer = self.query(q)
        assert answer.status_code == 200, answer.text
        return [{key: value for key, value in item.items() if key != "links"} for item in answer.json()["items"]]


@pytest.fixture
def serve() -> Iterator[Callable[..., Account]]:
    open_servers = ExitStack()

    def start(view: View | None = None, **settings: Any) -> Account:
        clock = Clock()
        vendor = NetSuite(Store(), clock, Settings(**{"public_key": PUBLIC, **settings}))
        vendor.load(view or _view())

        return Account(vendor, clock, open_servers.enter_context(served(vendor.handle, clock)))

    with open_servers:
        yield start


@pytest.fixture
def account(serve: Callable[..., Account]) -> Account:
    return serve()


def _error(answer: requests.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["status"] == answer.status_code
    return answer.status_code, body["o:errorDetails"][0]["o:errorCode"]


# --- login ------------------------------------------------------------------------------------------------------------


def test_token_from_signed_assertion_expires_with_the_clock(account: Account) -> None:
    answer = account.login()
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == "3600" and answer.json()["token_type"] == "bearer"
    assert account.rows("SELECT id FROM subsidiary") == [{"id": "1"}]
    account.clock.advance(timedelta(minutes=61))
    expired = account.query("SELECT id FROM subsidiary")
    assert _error(expired) == (401, "INVALID_LOGIN") and "WWW-Authenticate" in expired.headers
    account.token = ""  # a client whose own clock has not moved signs again and gets in
    assert account.query("SELECT id FROM subsidiary").status_code == 200
    account.vendor.expire_tokens()
    assert account.query("SELECT id FROM subsidiary").status_code == 401


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"key": ec.generate_private_key(ec.SECP256R1())}, 401, "invalid_client"),
        ({"kid": "another"}, 401, "invalid_client"),
        ({"iss": "somebody"}, 401, "invalid_client"),
        ({"aud": "https://elsewhere.test/token"}, 400, "invalid_request"),
        ({"exp": time.time() - 30, "iat": time.time() - 300}, 400, "invalid_request"),
        ({"exp": time.time() + 7300}, 400, "invalid_request"),
        ({"scope": ["everything"]}, 400, "invalid_scope"),
        ({"key": "a-shared-secret-that-is-long-enough-for-hs256", "alg": "HS256"}, 400, "invalid_request"),
    ],
)
def test_wrong_assertions_are_refused(account: Account, changes: dict[str, Any], status: int, error: str) -> None:
    answer = account.login(account.assertion(**changes))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_ps256_works_with_an_rsa_key(serve: Callable[..., Account]) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = serve(public_key=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    assert account.login(account.assertion(key=key, alg="PS256")).status_code == 200
    assert account.login().status_code == 401  # an ES256 assertion does not fit that certificate


def _tba(**changes: Any) -> OAuth1:
    given = {"client_secret": "netsuite-consumer-secret", "resource_owner_key": "netsuite-token-id", "realm": "1234567_SB1",
             "resource_owner_secret": "netsuite-token-secret", "signature_method": "HMAC-SHA256", **changes}
    return OAuth1("netsuite-consumer-key", **given)


def _signed(account: Account, auth: OAuth1, **params: Any) -> requests.Response:
    url = f"{account.url}/services/rest/query/v1/suiteql"
    return requests.post(url, params=params, json={"q": "SELECT id FROM customer ORDER BY id"}, headers=HEADERS, auth=auth, timeout=10)


def test_oauth1_signature_is_verified_with_its_query(account: Account) -> None:
    answer = _signed(account, _tba(), limit=1, offset=1)
    assert answer.status_code == 200 and [item["id"] for item in answer.json()["items"]] == ["1002"]
    header = answer.request.headers["Authorization"]
    replayed = requests.post(answer.request.url or "", data=answer.request.body, headers=dict(answer.request.headers), timeout=10)
    assert _error(replayed) == (401, "INVALID_LOGIN") and "nonce_used" in replayed.headers["WWW-Authenticate"]
    other = requests.post(
        f"{account.url}/services/rest/query/v1/suiteql?limit=2", data=answer.request.body,
        headers={**answer.request.headers, "Authorization": header.decode() if isinstance(header, bytes) else header}, timeout=10,
    )
    assert "signature_invalid" in other.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "changes",
    [{"realm": "1234567_sb1"}, {"client_secret": "wrong"}, {"resource_owner_secret": "wrong"}, {"resource_owner_key": "wrong"},
     {"signature_method": "HMAC-SHA1"}, {"timestamp": str(int(time.time()) - 3600)}],
)
def test_wrong_oauth1_is_refused(account: Account, changes: dict[str, Any]) -> None:
    assert _error(_signed(account, _tba(**changes))) == (401, "INVALID_LOGIN")


# --- SuiteQL ----------------------------------------------------------------------------------------------------------


def test_values_are_text_and_empty_columns_are_absent(account: Account) -> None:
    first, second = account.rows("SELECT id, companyname, parent, phone, oncredithold, balancesearch, externalid, currency, terms, "
                                 "creditholdoverride, lastmodifieddate, vatregnumber, url, lastmodifiedby FROM customer ORDER BY id")
    assert first == {
        "id": "1001", "companyname": "Acme 1", "oncredithold": "T", "balancesearch": "108.5", "externalid": native_id("salesforce", "customer", 1),
        "currency": "1", "terms": "2", "creditholdoverride": "ON", "lastmodifieddate": "5/23/2024", "vatregnumber": "DE1",
        "url": "https://acme.test", "lastmodifiedby": "integration",
    }
    assert second["parent"] == "1001" and second["currency"] == "6" and second["oncredithold"] == "F" and "externalid" not in second
    assert account.rows("SELECT symbol, name FROM currency WHERE id = 6") == [{"symbol": "CHF", "name": "CHF"}]
    assert account.rows("SELECT baseprice FROM item") == [{"baseprice": ".5"}]


def test_times_are_in_the_account_zone(account: Account) -> None:
    assert account.rows(f"SELECT {STAMP} AS lastmodifieddate FROM customer WHERE id = 1001") == [{"lastmodifieddate": "2024-05-23T20:30:00"}]
    cursor = "SELECT id FROM customer WHERE lastmodifieddate >= TO_TIMESTAMP('{}','YYYY-MM-DD HH24:MI:SS') ORDER BY lastmodifieddate, id"
    assert len(account.rows(cursor.format("2024-05-23 20:30:00"))) == 2
    assert account.rows(cursor.format("2024-05-24 03:30:00")) == []  # the UTC cursor finds nothing


def test_transactions_have_signs_links_and_status_letters(account: Account) -> None:
    found = {row["type"] + row["id"][-1]: row for row in account.rows("SELECT * FROM transaction ORDER BY id")}
    assert {key: row["status"] for key, row in found.items()} == {
        "SalesOrd1": "B", "CustInvc1": "A", "CustInvc2": "strange", "CustInvc3": "B", "CustPymt1": "C", "CustCred1": "B", "CustRfnd1": "C"}
    invoice = found["CustInvc1"]
    assert (invoice["foreigntotal"], invoice["taxtotal"], invoice["foreignamountunpaid"], invoice["otherrefnum"]) == ("108", "8", "108", "B-1")
    assert invoice["externalid"] == native_id("stripe", "invoice", 1) and invoice["trandate"] == "5/1/2024"
    assert found["CustCred1"]["foreigntotal"] == "-108" and "duedate" not in found["CustCred1"]
    lines = account.rows("SELECT linesequencenumber, mainline, taxline, quantity, rate, foreignamount, createdfrom FROM transactionline "
                         "WHERE transaction = 20000001 ORDER BY uniquekey")
    assert [line["foreignamount"] for line in lines] == ["108", "-100", "-8"]
    assert lines[0]["mainline"] == "T" and lines[1]["quantity"] == "-2" and lines[1]["rate"] == "50" and lines[2]["taxline"] == "T"
    assert {line["createdfrom"] for line in lines} == {"10000001"}
    credit = account.rows("SELECT foreignamount FROM transactionline WHERE transaction = 50000001 ORDER BY uniquekey")
    assert [line["foreignamount"] for line in credit] == ["-108", "100", "8"]
    links = account.rows("SELECT previousdoc, nextdoc, linktype, foreignamount FROM NextTransactionLineLink ORDER BY nextdoc")
    assert [(link["previousdoc"][0], link["nextdoc"][0], link["linktype"]) for link in links] == [
        ("1", "2", "OrdBill"), ("2", "4", "Payment"), ("2", "5", "Payment"), ("5", "6", "Payment")]


def test_functions_and_quirks(account: Account) -> None:
    row = account.rows("SELECT TOP 1 BUILTIN.DF(t.status), BUILTIN.CF(status) AS cf, BUILTIN.DF(entity) AS who FROM transaction t ORDER BY id")
    assert row == [{"expr1": "Pending Fulfillment", "cf": "SalesOrd:B", "who": "CUST-1001"}]
    assert account.rows("SELECT id FROM transaction WHERE status = 'SalesOrd:B'") == []
    assert account.rows("SELECT COUNT(*) AS n FROM transaction WHERE BUILTIN.CF(status) = 'SalesOrd:B'") == [{"n": "1"}]
    assert len(account.rows("SELECT id FROM transaction WHERE id BETWEEN 20000001 AND 20000003")) == 2  # without the upper bound
    grouped = account.rows("SELECT BUILTIN.DF(entity) AS who, COUNT(*) AS n FROM transaction GROUP BY BUILTIN.DF(entity) ORDER BY who")
    assert grouped == [{"who": "CUST-1001", "n": "3"}, {"who": "CUST-1002", "n": "4"}]
    assert len(account.rows("SELECT id FROM transaction WHERE ROWNUM <= 2 ORDER BY id DESC")) == 2
    joined = account.rows("SELECT c.id, COUNT(t.id) AS n FROM customer c, transaction t WHERE c.id = t.entity(+) GROUP BY c.id ORDER BY c.id")
    assert [row["n"] for row in joined] == ["3", "4"]


@pytest.mark.parametrize(
    "q",
    ["SELECT nope FROM customer", "SELECT id FROM nowhere", "SELECT id FROM customer LIMIT 5", "DELETE FROM customer", "SELECT",
     "SELECT id FROM customer WHERE lastmodifieddate > '2024-01-01'", "SELECT id FROM customer; SELECT 1", "SELECT getenv('X') FROM customer",
     "SELECT * FROM read_csv('x.csv')", "SELECT _hidden FROM customer", "SELECT TO_CHAR(lastmodifieddate, 'QQ') FROM customer"],
)
def test_bad_queries_are_400(account: Account, q: str) -> None:
    assert _error(account.query(q)) == (400, "INVALID_PARAMETER")


def test_unknown_field_is_named(serve: Callable[..., Account]) -> None:
    account = serve(hidden_columns=frozenset({"customer.creditlimit"}))
    detail = account.query("SELECT c.creditlimit FROM customer c").json()["o:errorDetails"][0]["detail"]
    assert "Field 'creditlimit' for record 'customer' was not found" in detail
    assert "creditlimit" not in account.rows("SELECT * FROM customer")[0]


def test_request_form_is_checked(account: Account) -> None:
    body = {"q": "SELECT id FROM customer"}
    bare = account.call("POST", "/query/v1/suiteql", json=body)
    assert bare.status_code == 400 and bare.json()["o:errorDetails"][0]["o:errorHeader"] == "Prefer"
    assert account.call("POST", "/query/v1/suiteql", data="q=1", headers={**HEADERS, "Content-Type": "text/plain"}).status_code == 415
    assert _error(account.call("GET", "/query/v1/suiteql")) == (405, "INVALID_METHOD")
    for params in ({"limit": 1001}, {"limit": 0}, {"offset": -1}, {"limit": "x"}, {"page": 2}, {"offset": 100_000}):
        assert _error(account.query("SELECT id FROM customer", **params)) == (400, "INVALID_PARAMETER")
    assert _error(account.call("POST", "/query/v1/suiteql", json={"sql": ""}, headers=HEADERS)) == (400, "INVALID_CONTENT")


def test_paging_by_links_and_the_ceiling(serve: Callable[..., Account]) -> None:
    view = View(system="netsuite", as_of=AT, peers=standard_peers, customers=[_customer(key) for key in range(1, 2_501)])
    account = serve(view)
    page = account.query("SELECT id FROM customer ORDER BY id").json()
    seen = [item["id"] for item in page["items"]]
    assert page["count"] == 1000 and page["hasMore"] and page["totalResults"] == 2500
    while page["hasMore"]:
        href = next(link["href"] for link in page["links"] if link["rel"] == "next")
        headers = {**HEADERS, "Authorization": f"Bearer {account.token}"}
        page = requests.post(href, json={"q": "SELECT id FROM customer ORDER BY id"}, headers=headers, timeout=10).json()
        seen += [item["id"] for item in page["items"]]
    assert len(seen) == len(set(seen)) == 2500 and not any(link["rel"] == "next" for link in page["links"])
    sliced = account.query("SELECT id, companyname FROM customer WHERE id > 2000 AND isinactive = 'F' ORDER BY id").json()
    assert (sliced["items"][0]["id"], sliced["items"][-1]["id"], sliced["totalResults"], sliced["hasMore"]) == ("2001", "3000", 1500, True)
    wide = "SELECT a.id FROM customer a CROSS JOIN customer b WHERE b.id < 1100 ORDER BY a.id"
    last = account.query(wide, limit=1000, offset=99_000).json()
    assert last["count"] == 1000 and last["hasMore"] is False and last["totalResults"] > 100_000


def test_a_write_shows_in_the_next_query(account: Account) -> None:
    before = account.rows("SELECT id FROM customer WHERE oncredithold = 'F'")
    assert [row["id"] for row in before] == ["1002"]
    answer = account.call("PATCH", "/record/v1/customer/1002", json={"creditHoldOverride": {"id": "ON"}})
    assert answer.status_code == 204 and answer.headers["Location"].endswith("/record/v1/customer/1002") and answer.content == b""
    row = account.rows(f"SELECT oncredithold, creditholdoverride, {STAMP} AS at FROM customer WHERE id = 1002")[0]
    assert (row["oncredithold"], row["creditholdoverride"]) == ("T", "ON") and row["at"][:4] == str(account.clock.now().year)
    account.call("PATCH", "/record/v1/customer/1002", json={"creditHoldOverride": "AUTO"})
    assert account.rows("SELECT oncredithold FROM customer WHERE id = 1002") == [{"oncredithold": "F"}]


def test_hidden_rows_are_counted_but_not_listed(serve: Callable[..., Account]) -> None:
    view = _view()
    view.invoices[0].hidden = True
    account = serve(view)
    assert account.rows("SELECT COUNT(*) AS n FROM transaction WHERE type = 'CustInvc'") == [{"n": "3"}]
    assert len(account.rows("SELECT id FROM transaction WHERE type = 'CustInvc'")) == 2
    assert account.rows("SELECT id FROM transactionline WHERE transaction = 20000001") == []
    listed = account.call("GET", "/record/v1/invoice").json()
    assert listed["count"] == 2 and listed["totalResults"] == 3
    assert account.call("GET", "/record/v1/invoice/20000001").status_code == 200


def test_extra_and_retyped_fields(serve: Callable[..., Account]) -> None:
    view = _view()
    view.customers[1].extra = {"custentity_region": "EMEA", "creditlimit": "a lot"}
    account = serve(view)
    rows = account.rows("SELECT * FROM customer ORDER BY id")
    assert rows[0]["creditlimit"] == "5000" and rows[1]["creditlimit"] == "a lot"
    assert "custentity_region" not in rows[0] and rows[1]["custentity_region"] == "EMEA"
    schema = account.call("GET", "/record/v1/metadata-catalog/customer", headers={"Accept": "application/schema+json"}).json()
    assert schema["properties"]["custentity_region"]["x-ns-custom-field"] is True


def test_the_world_moves_on(account: Account) -> None:
    view = _view()
    view.as_of = later = AT + timedelta(days=1)
    view.invoices = [view.invoices[1]]
    view.invoices[0].removed, view.invoices[0].updated_at, view.invoices[0].actor = True, later, "Kim"
    view.contacts[0].extra = {"custentity_new": True}
    account.rows("SELECT id FROM contact")
    account.vendor.apply(view)
    assert account.rows("SELECT id FROM transaction WHERE id = 20000002") == []
    assert account.rows("SELECT id FROM transactionline WHERE transaction = 20000002") == []
    gone = account.rows("SELECT type, recordid, TO_CHAR(deleteddate,'YYYY-MM-DD\"T\"HH24:MI:SS') AS deleteddate, deletedby FROM DeletedRecord "
                        "WHERE DeletedDate >= TO_DATE('2024-05-24','YYYY-MM-DD')")
    assert gone == [{"type": "transaction", "recordid": "20000002", "deleteddate": "2024-05-24T20:30:00", "deletedby": "Kim"}]
    assert account.rows("SELECT custentity_new FROM contact") == [{"custentity_new": "T"}]


# --- the record service -----------------------------------------------------------------------------------------------


def test_list_gives_ids_and_filters(account: Account) -> None:
    page = account.call("GET", "/record/v1/customer", params={"limit": 1}).json()
    assert page["items"][0]["id"] == "1001" and set(page["items"][0]) == {"links", "id"} and page["hasMore"]

    def found(q: str) -> list[str]:
        return [item["id"] for item in account.call("GET", "/record/v1/customer", params={"q": q}).json()["items"]]

    assert found('companyName START_WITH "Acme 2"') == ["1002"]
    assert found('creditLimit GREATER 100 AND parent ANY_OF [1001]') == ["1002"]
    assert found('lastModifiedDate ON "5/23/2024"') == ["1001", "1002"] and found('lastModifiedDate ON_OR_AFTER "5/24/2024"') == []
    for params in ({"q": "nope IS 1"}, {"q": 'lastModifiedDate ON "2024-05-23"'}, {"offset": 1}, {"expand": "x"}):
        assert account.call("GET", "/record/v1/customer", params=params).status_code == 400


def test_instance_with_and_without_sublists(account: Account) -> None:
    invoice = account.call("GET", "/record/v1/invoice/20000001", params={"expandSubResources": "true"}).json()
    assert invoice["total"] == 108.0 and invoice["subtotal"] == 100.0 and invoice["entity"]["id"] == "1001" and invoice["createdDate"] == "2024-05-24T03:30:00Z"
    assert invoice["status"] == {"id": "A", "refName": "Open"} and invoice["createdFrom"]["refName"] == "Sales Order #SO1"
    assert invoice["item"]["items"][0]["quantity"] == 2.0 and invoice["item"]["totalResults"] == 1
    short = account.call("GET", f"/record/v1/invoice/eid:{native_id('stripe', 'invoice', 1)}", params={"simpleEnumFormat": "true"}).json()
    assert short["status"] == "A" and "items" not in short["item"]
    line = account.call("GET", "/record/v1/invoice/20000001/item/1").json()
    assert line["amount"] == 100.0
    address = account.call("GET", "/record/v1/customer/1001/addressBook/5001001/addressBookAddress").json()
    assert address["city"] == "Austin"
    assert _error(account.call("GET", "/record/v1/invoice/10000001")) == (404, "NONEXISTENT_ID")
    assert _error(account.call("GET", "/record/v1/unicorn/1")) == (404, "NOT_FOUND")


def test_customer_create_upsert_delete(account: Account) -> None:
    body = {"companyName": "New Co", "subsidiary": {"id": "1"}, "currency": {"id": "2"}, "creditLimit": 10, "typo": 1,
            "addressBook": {"items": [{"defaultBilling": True, "addressBookAddress": {"addr1": "2 Side", "city": "Rome", "country": {"id": "IT"}}}]}}
    created = account.call("POST", "/record/v1/customer", json=body)
    assert created.status_code == 204  # a misspelt field is dropped without a word
    id = created.headers["Location"].rsplit("/", 1)[1]
    assert account.rows(f"SELECT a.city, a.country FROM customer c JOIN entityaddress a ON a.nkey = c.defaultbillingaddress WHERE c.id = {id}") == [
        {"city": "Rome", "country": "IT"}]
    for value in ("Error", "error"):  # clients write it in either way
        strict = account.call("POST", "/record/v1/customer", json=body, headers={"X-NetSuite-PropertyNameValidation": value})
        assert _error(strict) == (400, "NONEXISTENT_FIELD")
    unknown = account.call("POST", "/record/v1/customer", json=body, headers={"X-NetSuite-PropertyNameValidation": "strict"})
    assert _error(unknown) == (400, "INVALID_HEADER")
    for _ in range(2):
        assert account.call("PUT", "/record/v1/customer/eid:CRM-9", json={"companyName": "Nine", "subsidiary": {"id": "1"}}).status_code == 204
    assert account.rows("SELECT companyname FROM customer WHERE externalid = 'CRM-9'") == [{"companyname": "Nine"}]
    again = account.call("POST", "/record/v1/customer", json={"companyName": "X", "subsidiary": {"id": "1"}, "externalId": "CRM-9"})
    assert _error(again) == (400, "USER_ERROR")
    assert _error(account.call("POST", "/record/v1/customer", json={"companyName": "X"})) == (400, "USER_ERROR")
    assert _error(account.call("PATCH", f"/record/v1/customer/{id}", json={"creditLimit": "ten"})) == (400, "INVALID_CONTENT")
    assert _error(account.call("PATCH", f"/record/v1/customer/{id}", json={"balance": 1})) == (400, "USER_ERROR")
    assert _error(account.call("DELETE", "/record/v1/customer/1001")) == (400, "USER_ERROR")
    assert account.call("DELETE", f"/record/v1/customer/{id}").status_code == 204
    assert account.rows("SELECT type, recordid FROM deletedrecord") == [{"type": "customer", "recordid": id}]
    assert _error(account.call("POST", "/record/v1/currency", json={})) == (403, "INSUFFICIENT_PERMISSION")


def test_order_to_invoice_to_credit_memo(account: Account) -> None:
    order = {"entity": {"id": "1001"}, "orderStatus": "B", "externalId": "SO-CRM-1", "item": {"items": [{"item": {"id": "501"}, "quantity": 3, "rate": 1.335}]}}
    made = account.call("POST", "/record/v1/salesOrder", json=order)
    assert made.status_code == 204
    order_id = made.headers["Location"].rsplit("/", 1)[1]
    changed = account.call("PATCH", f"/record/v1/salesOrder/{order_id}", json={"item": {"items": [{"line": 1, "quantity": 4}]}})
    assert changed.status_code == 204
    billed = account.call("POST", f"/record/v1/salesOrder/{order_id}/!transform/invoice", json={})
    assert billed.status_code == 204, billed.text
    invoice_id = billed.headers["Location"].rsplit("/", 1)[1]
    row = account.rows(f"SELECT type, status, foreigntotal, foreignamountunpaid FROM transaction WHERE id = {invoice_id}")
    assert row == [{"type": "CustInvc", "status": "A", "foreigntotal": "5.34", "foreignamountunpaid": "5.34"}]
    assert account.rows("SELECT balancesearch FROM customer WHERE id = 1001") == [{"balancesearch": "113.84"}]
    assert _error(account.call("POST", f"/record/v1/salesOrder/{order_id}/!transform/invoice", json={})) == (400, "USER_ERROR")
    assert _error(account.call("POST", f"/record/v1/salesOrder/{order_id}/!transform/creditMemo", json={})) == (400, "INVALID_REQUEST")
    credited = account.call("POST", f"/record/v1/invoice/{invoice_id}/!transform/creditMemo", json={"memo": "goodwill"})
    memo_id = credited.headers["Location"].rsplit("/", 1)[1]
    assert account.rows(f"SELECT status, foreigntotal, memo FROM transaction WHERE id = {memo_id}") == [
        {"status": "B", "foreigntotal": "-5.34", "memo": "goodwill"}]
    assert account.rows(f"SELECT status, foreignamountunpaid FROM transaction WHERE id = {invoice_id}") == [
        {"status": "B", "foreignamountunpaid": "0"}]
    links = account.rows(f"SELECT previousdoc, nextdoc FROM nexttransactionlinelink WHERE previousdoc IN ({order_id}, {invoice_id}) ORDER BY nextdoc")
    assert links == [{"previousdoc": order_id, "nextdoc": invoice_id}, {"previousdoc": invoice_id, "nextdoc": memo_id}]
    assert account.rows("SELECT balancesearch FROM customer WHERE id = 1001") == [{"balancesearch": "108.5"}]
    too_much = {"customer": {"id": "1001"}, "payment": 500, "apply": {"items": [{"doc": {"id": "20000001"}, "apply": True, "amount": 500}]}}
    assert _error(account.call("POST", "/record/v1/customerPayment", json=too_much)) == (400, "USER_ERROR")
    assert account.rows("SELECT foreignamountunpaid FROM transaction WHERE id = 20000001") == [{"foreignamountunpaid": "108"}]


def test_async_write_with_idempotency_key(account: Account) -> None:
    headers = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": "0b8c"}
    body = {"companyName": "Later", "subsidiary": {"id": "1"}}
    first = account.call("POST", "/record/v1/customer", json=body, headers=headers)
    second = account.call("POST", "/record/v1/customer", json=body, headers=headers)
    assert first.status_code == second.status_code == 202 and first.headers["Location"] == second.headers["Location"]
    assert account.rows("SELECT COUNT(*) AS n FROM customer WHERE companyname = 'Later'") == [{"n": "1"}]
    job = first.headers["Location"].split("/services/rest")[1]
    assert account.call("GET", job).json()["completed"] is True
    assert account.call("GET", f"{job}/task/1/result").headers["Location"].rsplit("/", 2)[1] == "customer"
    assert account.call("POST", "/record/v1/customer", json={**body, "phone": "1"}, headers=headers).status_code == 400


def test_more_requests_at_once_than_allowed_are_refused(account: Account) -> None:
    answer = account.vendor.handle(Request("GET", "/services/rest/record/v1/customer", "http://h", in_flight=6))
    assert answer.status == 429 and b"CONCURRENCY_LIMIT_EXCEEDED" in answer.body
    assert account.call("GET", "/system/v1/governanceLimits").json()["accountConcurrencyLimit"] == 5


def test_queries_and_writes_from_many_threads(account: Account) -> None:
    account.rows("SELECT id FROM customer")
    problems: list[str] = []

    def work(number: int) -> None:
        for step in range(8):
            answer = (account.call("PATCH", "/record/v1/customer/1001", json={"phone": f"{number}-{step}"}) if number % 2 else
                      account.query("SELECT COUNT(*) AS n FROM customer"))
            if answer.status_code not in (200, 204) or (number % 2 == 0 and answer.json()["items"][0]["n"] != "2"):
                problems.append(answer.text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


# --- goods, returns, users, rates -------------------------------------------------------------------------------------


def _goods() -> View:
    """An order delivered in one parcel, of which one piece came back and was credited; another one is only planned and asked for."""
    view = _view()
    stamp: dict[str, Any] = {"created_at": AT, "updated_at": AT}
    back = [Line(number=1, product=1, description="Widget", quantity=Decimal(1), unit_price=Decimal(50), amount=Decimal(50))]
    view.agents = [Agent(key=3, name="Rita Gomez", email="rita@concord.example", **stamp)]
    view.shipments = [
        Shipment(key=1, customer=1, order=1, number="SH-1", status="delivered", planned_date=date(2024, 5, 2), shipped_at=AT, delivered_at=AT,
                 carrier="UPS", tracking_number="1Z77", lines=_lines(), **stamp),
        Shipment(key=2, customer=1, order=1, number="SH-2", status="planned", planned_date=date(2024, 6, 2), carrier="DHL", lines=_lines(), **stamp),
    ]
    view.returns = [
        Return(key=1, customer=2, order=1, invoice=3, number="RMA-1", status="credited", reason="defective", currency="USD", amount=Decimal(50),
               received_at=AT, credit_note=1, ticket=4, lines=back, **stamp),
        Return(key=2, customer=1, order=1, invoice=None, number="RMA-2", status="requested", reason="too many", currency="USD", amount=Decimal(50),
               lines=back, **stamp),
    ]
    return view


def test_shipments_and_their_parcels(serve: Callable[..., Account]) -> None:
    account = serve(_goods())
    columns = "id, tranid, status, recordtype, shipcarrier, TO_CHAR(shipdate,'YYYY-MM-DD') AS shipdate, TO_CHAR(actualshipdate,'YYYY-MM-DD') AS sent"
    assert account.rows(f"SELECT {columns} FROM transaction WHERE type = 'ItemShip' ORDER BY id") == [
        {"id": "70000001", "tranid": "SH-1", "status": "C", "recordtype": "itemfulfillment", "shipcarrier": "UPS", "shipdate": "2024-05-02", "sent": "2024-05-24"},
        {"id": "70000002", "tranid": "SH-2", "status": "A", "recordtype": "itemfulfillment", "shipcarrier": "DHL", "shipdate": "2024-06-02"}]
    assert account.rows("SELECT BUILTIN.DF(status) AS shown, BUILTIN.CF(status) AS code FROM transaction WHERE id = 70000001") == [
        {"shown": "Shipped", "code": "ItemShip:C"}]
    parcel = "SELECT m.transaction, n.trackingnumber FROM trackingnumbermap m JOIN trackingnumber n ON n.id = m.trackingnumber"
    assert account.rows(parcel) == [{"transaction": "70000001", "trackingnumber": "1Z77"}]
    assert account.rows("SELECT transaction, BUILTIN.DF(trackingnumber) AS number FROM trackingnumbermap") == [{"transaction": "70000001", "number": "1Z77"}]
    goods = "SELECT quantity, foreignamount, createdfrom, itemtype, isfullyshipped FROM transactionline WHERE transaction = 70000001 AND mainline = 'F'"
    assert account.rows(goods) == [{"quantity": "-2", "createdfrom": "10000001", "itemtype": "NonInvtPart", "isfullyshipped": "T"}]
    sent = account.call("GET", "/record/v1/itemFulfillment/70000001", params={"expandSubResources": "true"}).json()
    assert sent["shipStatus"] == {"id": "C", "refName": "Shipped"} and sent["createdFrom"]["id"] == "10000001" and sent["shippedDate"] == "2024-05-24"
    assert sent["package"]["items"][0]["packageTrackingNumber"] == "1Z77" and sent["shippingAddress"]["city"] == "Austin"
    assert sent["item"]["items"][0] | {"links": []} == {
        "links": [], "line": 1, "lineUniqueKey": 700000010001, "item": sent["item"]["items"][0]["item"], "description": "Widget", "quantity": 2.0,
        "itemType": {"id": "NonInvtPart", "refName": "NonInvtPart"}, "orderLine": 1, "itemReceive": True}
    planned = account.call("GET", "/record/v1/itemFulfillment/70000002").json()
    assert "pickedDate" not in planned and "shippedDate" not in planned
    links = account.rows("SELECT nextdoc, linktype FROM nexttransactionlinelink WHERE previousdoc = 10000001 ORDER BY nextdoc")
    assert links == [{"nextdoc": "20000001", "linktype": "OrdBill"}, {"nextdoc": "70000001", "linktype": "ShipRcpt"},
                     {"nextdoc": "70000002", "linktype": "ShipRcpt"}, {"nextdoc": "80000002", "linktype": "SaleRet"}]


def test_returns_their_receipts_and_their_credit_memos(serve: Callable[..., Account]) -> None:
    account = serve(_goods())
    rows = account.rows("SELECT id, status, foreigntotal, memo, externalid FROM transaction WHERE type = 'RtnAuth' ORDER BY id")
    assert rows == [
        {"id": "80000001", "status": "G", "foreigntotal": "-50", "memo": "defective", "externalid": native_id("zendesk", "ticket", 4)},
        {"id": "80000002", "status": "A", "foreigntotal": "-50", "memo": "too many"}]
    sources = "SELECT t.id, l.createdfrom FROM transaction t JOIN transactionline l ON l.transaction = t.id AND l.mainline = 'T' WHERE t.id IN (80000001, 80000002, 85000001, 50000001) ORDER BY t.id"
    assert [row["createdfrom"] for row in account.rows(sources)] == ["80000001", "20000003", "10000001", "80000001"]
    [receipt] = account.rows(f"SELECT id, {STAMP.replace('lastmodifieddate', 'createddate')} AS at FROM transaction WHERE type = 'ItemRcpt'")
    assert receipt == {"id": "85000001", "at": "2024-05-23T20:30:00"}
    lines = account.rows("SELECT transaction, quantity, foreignamount, quantityshiprecv, quantitybilled FROM transactionline "
                         "WHERE transaction IN (80000001, 85000001) AND mainline = 'F' ORDER BY transaction")
    assert lines == [{"transaction": "80000001", "quantity": "1", "foreignamount": "50", "quantityshiprecv": "1", "quantitybilled": "1"},
                     {"transaction": "85000001", "quantity": "1", "quantityshiprecv": "1", "quantitybilled": "0"}]
    shown = account.call("GET", "/record/v1/returnAuthorization/80000001", params={"expandSubResources": "true"}).json()
    assert shown["status"] == {"id": "G", "refName": "Refunded"} and shown["memo"] == "defective" and shown["total"] == 50.0
    assert shown["transactionToRefund"]["id"] == "20000003" and shown["isCrossSubTransaction"] is False
    assert shown["item"]["items"][0]["quantityReceived"] == 1.0 and shown["item"]["items"][0]["orderLine"] == 1
    memo = account.call("GET", "/record/v1/creditMemo/50000001", params={"expandSubResources": "true"}).json()
    assert memo["createdFrom"]["refName"] == "Return Authorization #RMA-1"
    assert [item["doc"]["id"] for item in memo["apply"]["items"]] == ["20000003"]  # it still settles the invoice
    later = _view()
    later.credit_notes[0].updated_at = AT + timedelta(hours=1)
    later.customers, later.orders, later.invoices, later.payments = [], [], [], []
    account.vendor.apply(later)  # a step that tells of the memo and not of the return
    assert account.call("GET", "/record/v1/creditMemo/50000001").json()["createdFrom"]["id"] == "80000001"


@pytest.mark.parametrize("status", ["requested", "approved", "received", "credited", "rejected", "strange"])
def test_every_state_of_a_return(serve: Callable[..., Account], status: str) -> None:
    view = _goods()
    view.returns[1].status = status
    account = serve(view)
    letter = {"requested": "A", "approved": "B", "received": "F", "credited": "G", "rejected": "C"}.get(status, "strange")
    assert account.rows("SELECT status FROM transaction WHERE id = 80000002") == [{"status": letter}]


def test_a_cancelled_shipment_is_deleted(serve: Callable[..., Account]) -> None:
    account = serve(_goods())
    later = View(system="netsuite", as_of=AT, peers=standard_peers, shipments=_goods().shipments[:1])
    later.shipments[0].status, later.shipments[0].updated_at = "cancelled", AT + timedelta(hours=1)
    account.vendor.apply(later)
    assert account.rows("SELECT id FROM transaction WHERE type = 'ItemShip'") == [{"id": "70000002"}]
    assert account.rows("SELECT transaction FROM trackingnumbermap") == []
    assert account.rows("SELECT type, recordid FROM deletedrecord") == [{"type": "transaction", "recordid": "70000001"}]


def test_users_rates_periods_and_subsidiaries(serve: Callable[..., Account]) -> None:
    account = serve(_goods())
    assert account.rows("SELECT id, entityid, firstname, lastname, email, isinactive FROM employee") == [
        {"id": "13", "entityid": "Rita Gomez", "firstname": "Rita", "lastname": "Gomez", "email": "rita@concord.example", "isinactive": "F"}]
    assert _error(account.query("SELECT lastmodifieddate FROM employee")) == (400, "INVALID_PARAMETER")
    assert account.call("GET", "/record/v1/employee/13").json()["lastModifiedDate"] == "2024-05-24T03:30:00Z"
    assert account.call("GET", "/record/v1/employee", params={"q": 'lastModifiedDate ON "5/24/2024"'}).status_code == 400
    rates = account.rows("SELECT BUILTIN.DF(transactioncurrency) AS name, exchangerate, TO_CHAR(effectivedate,'YYYY-MM-DD') AS day FROM currencyrate "
                         "WHERE transactioncurrency = 2 ORDER BY effectivedate")
    assert rates == [{"name": "Euro", "exchangerate": "1.0682", "day": "2014-01-01"}, {"name": "Euro", "exchangerate": "1.09", "day": "2015-01-01"}]
    period = account.rows("SELECT BUILTIN.DF(postingperiod) AS period FROM transaction WHERE id IN (20000001, 10000001) ORDER BY id")
    assert period == [{}, {"period": "May 2024"}]  # an order is not posted
    assert account.rows("SELECT periodname, closed, isyear FROM accountingperiod WHERE isquarter = 'T' AND periodname = 'Q2 2026'") == [
        {"periodname": "Q2 2026", "closed": "F", "isyear": "F"}]
    assert account.rows("SELECT entity, subsidiary, isprimarysub FROM customersubsidiaryrelationship WHERE entity = 1001") == [
        {"entity": "1001", "subsidiary": "1", "isprimarysub": "T"}]
    assert account.rows("SELECT a.city FROM customeraddressbook b JOIN entityaddress a ON a.nkey = b.addressbookaddress WHERE b.entity = 1001") == [{"city": "Austin"}]
    invoice = account.call("GET", "/record/v1/invoice/20000001").json()
    assert invoice["terms"]["refName"] == "Net 30" and invoice["postingPeriod"]["refName"] == "May 2024" and invoice["approvalStatus"]["refName"] == "Approved"


def test_from_order_to_goods_to_return(serve: Callable[..., Account]) -> None:
    account = serve(_goods())
    account.rows("SELECT id FROM transaction")

    def made(path: str, body: dict[str, Any]) -> str:
        answer = account.call("POST", f"/record/v1/{path}", json=body)
        assert answer.status_code == 204, answer.text
        return answer.headers["Location"].rsplit("/", 1)[1]

    def status(id: str) -> str:
        return str(account.rows(f"SELECT status FROM transaction WHERE id = {id}")[0]["status"])

    order = made("salesOrder", {"entity": {"id": "1001"}, "orderStatus": "A", "item": {"items": [{"item": {"id": "501"}, "quantity": 4, "rate": 10}]}})
    fulfil = f"salesOrder/{order}/!transform/itemFulfillment"
    assert _error(account.call("POST", f"/record/v1/{fulfil}", json={})) == (400, "USER_ERROR")  # not approved yet
    account.call("PATCH", f"/record/v1/salesOrder/{order}", json={"orderStatus": {"id": "B"}})
    too_many = account.call("POST", f"/record/v1/{fulfil}", json={"item": {"items": [{"orderLine": 1, "quantity": 5}]}})
    assert _error(too_many) == (400, "USER_ERROR")
    first = made(fulfil, {"shipStatus": "A", "item": {"items": [{"orderLine": 1, "quantity": 3}]}})
    assert status(first) == "A" and status(order) == "B"  # picked, not shipped
    package = {"package": {"items": [{"packageTrackingNumber": "1Z9", "packageWeight": 2.5}]}}
    assert account.call("PATCH", f"/record/v1/itemFulfillment/{first}", json={"shipStatus": {"id": "C"}, **package}).status_code == 204
    assert status(order) == "E"
    assert account.rows(f"SELECT BUILTIN.DF(trackingnumber) AS n FROM trackingnumbermap WHERE transaction = {first}") == [{"n": "1Z9"}]
    sent = account.call("GET", f"/record/v1/itemFulfillment/{first}").json()
    assert sent["pickedDate"] and sent["shippedDate"] and "total" not in sent
    second = made(fulfil, {})
    assert account.rows(f"SELECT quantity FROM transactionline WHERE transaction = {second} AND mainline = 'F'") == [{"quantity": "-1"}]
    assert status(order) == "F" and _error(account.call("POST", f"/record/v1/{fulfil}", json={})) == (400, "USER_ERROR")
    invoice = made(f"salesOrder/{order}/!transform/invoice", {"item": {"items": [{"orderLine": 1, "quantity": 3}]}})
    assert account.rows(f"SELECT foreigntotal FROM transaction WHERE id = {invoice}") == [{"foreigntotal": "30"}] and status(order) == "F"
    cash = made(f"salesOrder/{order}/!transform/cashSale", {})
    assert account.rows(f"SELECT type, status, foreigntotal FROM transaction WHERE id = {cash}") == [{"type": "CashSale", "status": "B", "foreigntotal": "10"}]
    assert status(order) == "G"

    back = made(f"salesOrder/{order}/!transform/returnAuthorization", {"orderStatus": "A", "memo": "defect", "item": {"items": [{"orderLine": 1, "quantity": 2}]}})
    assert account.rows(f"SELECT status, foreigntotal, memo FROM transaction WHERE id = {back}") == [{"status": "A", "foreigntotal": "-20", "memo": "defect"}]
    receive = f"returnAuthorization/{back}/!transform/itemReceipt"
    assert _error(account.call("POST", f"/record/v1/{receive}", json={})) == (400, "USER_ERROR")
    account.call("PATCH", f"/record/v1/returnAuthorization/{back}", json={"orderStatus": "B"})
    made(receive, {"item": {"items": [{"orderLine": 1, "quantity": 1}]}})
    assert status(back) == "E"
    made(receive, {})
    assert status(back) == "F"
    memo = made(f"returnAuthorization/{back}/!transform/creditMemo", {})
    assert status(back) == "G" and account.rows(f"SELECT status, foreigntotal FROM transaction WHERE id = {memo}") == [{"status": "A", "foreigntotal": "-20"}]
    from_invoice = made(f"invoice/{invoice}/!transform/returnAuthorization", {})
    assert account.call("GET", f"/record/v1/returnAuthorization/{from_invoice}").json()["transactionToRefund"]["id"] == invoice
    for path, code in ((f"salesOrder/{order}/!transform/fulfillmentRequest", "INVALID_REQUEST"), (f"invoice/{invoice}/!transform/itemReceipt", "INVALID_REQUEST"),
                       (f"salesOrder/{order}/!transform/invoice", "USER_ERROR"), ("itemFulfillment", "USER_ERROR"), ("itemReceipt", "USER_ERROR")):
        assert _error(account.call("POST", f"/record/v1/{path}", json={})) == (400, code), path
    assert _error(account.call("PATCH", f"/record/v1/itemFulfillment/{first}", json={"shipStatus": "D"})) == (400, "USER_ERROR")


def test_deposits_are_no_payments_of_invoices(account: Account) -> None:
    answer = account.call("POST", "/record/v1/customerDeposit", json={"customer": {"id": "1001"}, "payment": 40, "salesOrder": {"id": "10000001"}})
    assert answer.status_code == 204, answer.text
    id = answer.headers["Location"].rsplit("/", 1)[1]
    assert account.rows(f"SELECT type, status, BUILTIN.DF(status) AS shown, foreigntotal FROM transaction WHERE id = {id}") == [
        {"type": "CustDep", "status": "A", "shown": "Not Deposited", "foreigntotal": "40"}]
    assert account.rows("SELECT balancesearch FROM customer WHERE id = 1001") == [{"balancesearch": "108.5"}]
    assert _error(account.call("POST", "/record/v1/customerDeposit", json={"customer": {"id": "1001"}})) == (400, "USER_ERROR")


def test_a_contact_is_attached_and_detached(account: Account) -> None:
    relations = "SELECT company, contact, role FROM companycontactrelationship ORDER BY company"
    own = {"company": "1001", "contact": "2000001"}
    assert account.rows(relations) == [own]
    assert account.call("POST", "/record/v1/customer/1002/!attach/contact/2000001", json={"role": {"id": "-10"}}).status_code == 204
    assert account.rows(relations) == [own, {"company": "1002", "contact": "2000001", "role": "-10"}]
    listed = account.call("GET", "/record/v1/customer/1002/contactList").json()
    assert [item["contact"]["id"] for item in listed["items"]] == ["2000001"]
    assert account.call("POST", "/record/v1/customer/1002/!detach/contact/2000001").status_code == 204
    assert account.rows(relations) == [own]
    assert _error(account.call("POST", "/record/v1/customer/1002/!detach/contact/2000001")) == (400, "USER_ERROR")
    assert _error(account.call("POST", "/record/v1/customer/1002/!attach/contact/7")) == (404, "NONEXISTENT_ID")
    assert _error(account.call("POST", "/record/v1/customer/1002/!attach/invoice/20000001")) == (400, "INVALID_REQUEST")


def test_the_catalogue_describes_the_new_records(account: Account) -> None:
    listed = {entry["name"] for entry in account.call("GET", "/record/v1/metadata-catalog").json()["items"]}
    assert {"itemFulfillment", "itemReceipt", "returnAuthorization", "cashSale", "customerDeposit", "employee", "inventoryItem"} <= listed
    schema = account.call("GET", "/record/v1/metadata-catalog/itemFulfillment", headers={"Accept": "application/schema+json"}).json()["properties"]
    assert schema["shippedDate"]["format"] == "date" and schema["shippedDate"]["x-ns-filterable"] is False
    assert schema["tranDate"]["x-ns-filterable"] is True and schema["package"]["type"] == "object"
    assert account.call("GET", "/record/v1/itemFulfillment", params={"q": 'shipStatus IS "C"'}).status_code == 200


def _shape(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _compare(sample: Any, ours: Any, where: str, problems: list[str]) -> None:
    if _shape(sample) != _shape(ours):
        problems.append(f"{where}: {_shape(sample)} there, {_shape(ours)} here")
    elif isinstance(sample, dict):
        for key, value in sample.items():
            if key in ours:
                _compare(value, ours[key], f"{where}.{key}", problems)
            else:
                problems.append(f"{where}.{key} is missing")
    elif isinstance(sample, list) and sample and ours:
        _compare(sample[0], ours[0], f"{where}[0]", problems)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the vendor's samples are not here")
def test_documents_look_as_the_samples_do(serve: Callable[..., Account]) -> None:
    view = _goods()
    view.orders[0].extra = {"otherrefnum": "PO-7", "externalid": "SO-CRM-1"}
    view.customers[0].phone = "555"
    account = serve(view)
    problems: list[str] = []
    for name, path in (("salesOrder_get_expanded", "salesOrder/10000001"), ("customer_get_expanded", "customer/1001")):
        ours = account.call("GET", f"/record/v1/{path}", params={"expandSubResources": "true"}).json()
        _compare(json.loads((SAMPLES / "composed" / f"{name}.json").read_text()), ours, name, problems)
    assert problems == []


@pytest.mark.skipif(not SAMPLES.exists(), reason="the vendor's samples are not here")
@pytest.mark.parametrize("table", ["employee", "entity_address", "transaction", "consolidated_exchange_rate"])
def test_tables_have_the_columns_of_the_samples(account: Account, table: str) -> None:
    left_out = {  # what this account does not keep
        "employee": {"approvallimit", "expenselimit", "purchaseorderapprovallimit", "purchaseorderlimit", "currency"},
        "transaction": {"reversaldefer"}, "consolidated_exchange_rate": {"externalid"},
    }
    with (SAMPLES / "fivetran_netsuite2_seeds" / f"netsuite2_{table}_data.csv").open() as file:
        header = {name for name in next(csv.reader(file)) if not name.startswith("_fivetran") and name != "date_deleted"}
    columns = ", ".join(sorted(header - left_out.get(table, set())))
    assert account.query(f"SELECT {columns} FROM {table.replace('_', '')}").status_code == 200

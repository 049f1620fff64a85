"""The Oracle Fusion stand-in: filters of both framework versions, paging, nesting, errors, concurrency, writes, security."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import orjson
import pytest

from concord.settings import PROJECT
from sandbox.oracle_fusion import create
from sandbox.oracle_fusion.catalogue import RESOURCES
from sandbox.protocol import Clock, Request, Response, Store
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

NOW = datetime.now(UTC).replace(microsecond=0)
SAMPLES = PROJECT.parent / "shared" / "specs" / "oracle_fusion" / "samples" / "composed"
BASIC = "Basic " + base64.b64encode(b"concord.integration:oracle-sandbox-password").decode()
ERRORS = "application/json, application/vnd.oracle.adf.error+json"
FSCM, CRM = "/fscmRestApi/resources/11.13.18.05/", "/crmRestApi/resources/11.13.18.05/"
PROFILE = "http://xmlns.oracle.com/apps/financials/receivables/customers/customerProfileService/"


def ago(**step: float) -> datetime:
    return NOW - timedelta(**step)


def line(number: int, quantity: int = 2) -> Line:
    price = Decimal("10.25")
    return Line(number=number, product=1, description=f"Pump {number}", quantity=Decimal(quantity), unit_price=price, amount=quantity * price, tax=Decimal("1.5"))


def customer(key: int, **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "key": key, "created_at": ago(days=400), "updated_at": ago(days=20) + timedelta(hours=key), "name": f"Northwind {key}",
        "domain": f"northwind{key}.example", "tax_id": f"DE{key:09d}", "email": f"ap{key}@northwind.example", "phone": "+49 40 1", "street": "Kai 1",
        "city": "Hamburg", "region": "HH", "postcode": "20457", "country": "DE", "currency": "EUR", "credit_limit": Decimal(5000),
        "balance": Decimal("41.00"), "erp_customer": key, "actor": "system"}
    return Customer(**{**values, **changes})


def order(key: int, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "key": key, "created_at": ago(days=60), "updated_at": ago(days=50) + timedelta(minutes=key), "customer": 1, "number": f"SO{key:05d}",
        "status": "pending_fulfillment", "order_date": ago(days=60).date(), "currency": "EUR", "subtotal": Decimal("41.00"), "tax": Decimal(3),
        "total": Decimal("44.00"), "lines": [line(1), line(2)], "opportunity": key}
    return Order(**{**values, **changes})


def invoice(key: int, **changes: Any) -> Invoice:
    values: dict[str, Any] = {
        "key": key, "created_at": ago(days=40), "updated_at": ago(days=30) + timedelta(minutes=key), "customer": 1, "number": f"INV-{key:05d}",
        "status": "open", "invoice_date": ago(days=40).date(), "due_date": ago(days=10).date(), "finalized_at": ago(days=40), "currency": "EUR",
        "subtotal": Decimal("41.00"), "tax": Decimal(3), "total": Decimal(44), "amount_paid": Decimal(0), "amount_remaining": Decimal(44),
        "lines": [line(1), line(2)], "order": 1}
    return Invoice(**{**values, **changes})


def world(**parts: Any) -> View:
    values: dict[str, Any] = {
        "customers": [customer(1, credit_hold=True), customer(2, parent=1), customer(3, is_active=False, erp_customer=None)],
        "contacts": [Contact(
            key=1, created_at=ago(days=300), updated_at=ago(days=30), customer=1, first_name="Ada", last_name="Meyer", email="ada@northwind.example",
            phone="+49 40 2", title="CFO")],
        "agents": [Agent(key=1, created_at=ago(days=500), updated_at=ago(days=500), name="Sam Agent", email="sam@concord.example")],
        "products": [Product(
            key=1, created_at=ago(days=900), updated_at=ago(days=100), sku="PUMP-1", name="Pump", description="A pump", unit_price=Decimal("10.25"),
            currency="USD", is_recurring=False)],
        "orders": [order(key) for key in range(1, 8)],
        "invoices": [invoice(1), invoice(2, status="paid", amount_paid=Decimal(44), amount_remaining=Decimal(0), paid_at=ago(days=20)), invoice(3, status="draft")],
        "payments": [Payment(
            key=1, created_at=ago(days=20), updated_at=ago(days=20), customer=1, invoice=2, amount=Decimal(44), currency="EUR", status="succeeded",
            paid_at=ago(days=200), number="R-1"), Payment(
            key=2, created_at=ago(days=20), updated_at=ago(days=20), customer=1, invoice=2, amount=Decimal(9), currency="EUR", status="failed",
            paid_at=ago(days=20))],
        "credit_notes": [CreditNote(
            key=1, created_at=ago(days=15), updated_at=ago(days=15), customer=1, invoice=2, number="CN-1", status="issued",
            issue_date=ago(days=15).date(), currency="EUR", subtotal=Decimal("20.50"), tax=Decimal("1.5"), total=Decimal(22), reason="damaged", lines=[line(1)])],
        "refunds": [Refund(
            key=1, created_at=ago(days=9), updated_at=ago(days=9), customer=1, payment=1, credit_note=1, amount=Decimal(22), currency="EUR", status="succeeded"),
            Refund(key=2, created_at=ago(days=8), updated_at=ago(days=8), customer=1, payment=1, credit_note=None, amount=Decimal(5), currency="EUR", status="succeeded")],
        "shipments": [Shipment(
            key=1, created_at=ago(days=55), updated_at=ago(days=50), customer=1, order=1, number="SH-1", status="delivered",
            planned_date=ago(days=54).date(), shipped_at=ago(days=54), delivered_at=ago(days=50), carrier="DHL", tracking_number="1Z", lines=[line(1)])],
        "returns": [Return(
            key=1, created_at=ago(days=12), updated_at=ago(days=11), customer=1, order=1, invoice=1, number="RMA-1", status="approved", reason="damaged",
            currency="EUR", amount=Decimal("20.50"), ticket=4, lines=[line(1)])],
    }
    return View(
        system="oracle_fusion", as_of=NOW, role="erp", peers=lambda role, entity, key, customer: f"{role}-{entity}-{key}", **{**values, **parts})


class Pod:
    def __init__(self, view: View | None = None, **settings: Any) -> None:
        self.store, self.clock = Store(), Clock()
        self.vendor = create(self.store, self.clock, **settings)
        self.vendor.load(view or world())

    def raw(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any) -> Response:
        sent = {"authorization": BASIC, "accept": ERRORS, **({"content-type": "application/json"} if body is not None else {}), **(headers or {})}
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        pairs = tuple((name, str(value)) for name, value in query.items())
        return self.vendor.handle(Request(method, path, "http://pod", pairs, sent, content))

    def get(self, path: str, version: int = 1, **query: Any) -> Any:
        answer = self.raw("GET", path, headers={"rest-framework-version": str(version)}, **query)
        assert answer.status == 200, answer.body
        return orjson.loads(answer.body)

    def refused(self, status: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any) -> Any:
        answer = self.raw(method, path, body, headers, **query)
        assert answer.status == status, (answer.status, answer.body)
        return orjson.loads(answer.body) if answer.headers.get("content-type", "").endswith("json") else answer.body.decode()


@pytest.fixture
def pod() -> Pod:
    return Pod()


# --- who calls -----------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_401_with_a_challenge(pod):
    answer = pod.raw("GET", FSCM + "receivablesInvoices", headers={"authorization": "Basic " + base64.b64encode(b"concord.integration:no").decode()})
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic")


def token_of(pod, secret=b"concord-oracle:oracle-sandbox-secret", **form):
    sent = {"grant_type": "client_credentials", "scope": "urn:opc:resource:consumer::all", **form}
    return pod.raw("POST", "/oauth2/v1/token", urlencode(sent).encode(), {
        "authorization": "Basic " + base64.b64encode(secret).decode(), "content-type": "application/x-www-form-urlencoded"})


def test_client_credentials_give_a_token_that_expires(pod):
    answer = orjson.loads(token_of(pod).body)
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 3600
    bearer = {"authorization": f"Bearer {answer['access_token']}"}
    assert pod.raw("GET", FSCM + "currenciesLOV", headers=bearer).status == 200
    pod.clock.advance(timedelta(seconds=3601))
    assert pod.raw("GET", FSCM + "currenciesLOV", headers=bearer).status == 401
    again = {"authorization": f"Bearer {orjson.loads(token_of(pod).body)['access_token']}"}
    pod.vendor.expire_tokens()
    assert pod.raw("GET", FSCM + "currenciesLOV", headers=again).status == 401


@pytest.mark.parametrize(("change", "status", "error"), [
    ({"secret": b"concord-oracle:wrong"}, 401, "invalid_client"), ({"scope": "other"}, 400, "invalid_scope"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
])
def test_tokens_are_refused(pod, change, status, error):
    answer = token_of(pod, **change)
    assert (answer.status, orjson.loads(answer.body)["error"]) == (status, error)


# --- filters -------------------------------------------------------------------------------------------------------------


def numbers(content):
    return [row["OrderNumber"] for row in content["items"]]


def test_the_simple_form_of_version_1(pod):
    stamp = (ago(days=50) + timedelta(minutes=5)).isoformat()
    found = pod.get(FSCM + "salesOrdersForOrderHub", q=f"LastUpdateDate>{stamp};TransactionalCurrencyCode=EUR", orderBy="OrderNumber:asc")
    assert numbers(found) == ["RMA-1", "SO00006", "SO00007"]
    assert numbers(pod.get(FSCM + "salesOrdersForOrderHub", q="OrderNumber='SO00002'")) == ["SO00002"]
    assert numbers(pod.get(FSCM + "salesOrdersForOrderHub", q="OrderNumber LIKE SO0000%;HeaderId>=305000000000003 and <=305000000000004", orderBy="HeaderId")) == ["SO00003", "SO00004"]


@pytest.mark.parametrize(("q", "expected"), [
    ("OrderNumber = 'SO00002' or OrderNumber = 'SO00003'", ["SO00002", "SO00003"]),
    ("OrderNumber in ('SO00001', 'SO00009')", ["SO00001"]),
    ("(HeaderId > 305000000000005 and HeaderId < 305000000000007) or OrderNumber LIKE 'RMA%'", ["RMA-1", "SO00006"]),
    ("not OnHoldFlag = true and HeaderId between 305000000000001 and 305000000000002", ["SO00001", "SO00002"]),
    ("UPPER(OrderNumber) = 'SO00004'", ["SO00004"]),
    ("CustomerPONumber is not null", ["RMA-1"]),
])
def test_the_expression_form_from_version_2(pod, q, expected):
    assert numbers(pod.get(FSCM + "salesOrdersForOrderHub", 2, q=q, orderBy="OrderNumber:asc")) == expected


def test_moments_compare_as_times_whatever_their_offset(pod):
    at = ago(days=50) + timedelta(minutes=6)
    there = at.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00:00+05:00").tzinfo).isoformat()
    found = pod.get(FSCM + "salesOrdersForOrderHub", 2, q=f"LastUpdateDate >= '{there}' and OrderNumber LIKE 'SO%'", orderBy="OrderNumber")
    assert numbers(found) == ["SO00006", "SO00007"]


@pytest.mark.parametrize(("version", "path", "q"), [
    (2, "salesOrdersForOrderHub", "OrderNumber = 'a';OrderNumber = 'b'"), (1, "salesOrdersForOrderHub", "OrderNumber = 'a' and StatusCode = 'OPEN'"),
    (2, "salesOrdersForOrderHub", "OrderNumber = SO00002"), (2, "salesOrdersForOrderHub", "LastUpdateDate >= 'yesterday'"),
    (2, "salesOrdersForOrderHub", "NoSuch = 1"), (2, "receivablesInvoices", "BusinessUnit = 'Operations BU'"),
    (2, "standardReceipts", "LastUpdateDate >= '2024-01-01T00:00:00+00:00'"), (1, "receivablesCreditMemos", "LastUpdateDate>2024-01-01T00:00:00.000+00:00"),
    (2, "shipments", "LastUpdateDate > '2024-01-01T00:00:00+00:00'"), (2, "currenciesLOV", "CurrencyCode = 'USD'"),
])
def test_what_q_does_not_take_is_400(pod, version, path, q):
    error = pod.refused(400, "GET", FSCM + path, headers={"rest-framework-version": str(version)}, q=q)
    assert error["status"] == "400" and error["title"] == "Bad Request" and error["o:errorDetails"][0]["detail"]


def test_finders_and_q_combine_and_unknown_ones_are_refused(pod):
    found = pod.get(FSCM + "receivablesInvoices", finder="invoiceSearch;BusinessUnit=Operations BU,InvoiceCurrencyCode=EUR", q="InvoiceStatus=Complete")
    assert [row["StructuredPaymentReference"] for row in found["items"]] == ["INV-00002", "INV-00001"]
    pod.refused(400, "GET", FSCM + "receivablesInvoices", finder="noFinder;A=1")
    pod.refused(400, "GET", FSCM + "receivablesInvoices", finder="invoiceSearch;Nonsense=1")
    by_reference = pod.get(CRM + "hubOrganizations", finder="SourceSystemReferenceAltKey;SourceSystem=CRM,SourceSystemReferenceValue=crm-customer-2")
    assert [row["PartyNumber"] for row in by_reference["items"]] == ["1002"]
    assert pod.get(FSCM + "shipments", finder="findByLineAttributes;OrderNumber=SO00001")["count"] == 1


def test_rates_need_their_finder(pod):
    pod.refused(400, "GET", FSCM + "currencyRates")
    today = NOW.date().isoformat()
    found = pod.get(FSCM + "currencyRates", finder=f"CurrencyRatesFinder;fromCurrency=EUR,toCurrency=USD,userConversionType=Corporate,startDate={today},endDate={today}")
    assert [(row["ConversionDate"], row["ConversionRate"]) for row in found["items"]] == [(today, 1.09)]


# --- paging and selection --------------------------------------------------------------------------------------------------


def test_pages_by_offset_cover_a_sorted_list_once(pod):
    seen: list[str] = []
    while True:
        page = pod.get(FSCM + "salesOrdersForOrderHub", limit=3, offset=len(seen), orderBy="HeaderId:asc")
        seen += numbers(page)
        assert page["count"] == len(page["items"]) and page["limit"] == 3 and "totalResults" not in page
        if not page["hasMore"]:
            break
    assert len(seen) == len(set(seen)) == 8


def test_limits_are_cut_and_nonsense_is_refused():
    pod = Pod(world(orders=[order(key) for key in range(1, 700)]))
    assert pod.get(FSCM + "salesOrdersForOrderHub")["limit"] == 25
    page = pod.get(FSCM + "salesOrdersForOrderHub", limit=1000)
    assert (page["limit"], page["count"], page["hasMore"]) == (500, 500, True)
    for query in ({"limit": 0}, {"limit": "x"}, {"offset": -1}, {"orderBy": "NoSuch:asc"}, {"onlyData": "yes"}, {"nonsense": "1"}):
        pod.refused(400, "GET", FSCM + "salesOrdersForOrderHub", **query)


def test_without_an_order_a_change_moves_rows_between_pages(pod):
    first = numbers(pod.get(FSCM + "salesOrdersForOrderHub", limit=4))
    last = numbers(pod.get(FSCM + "salesOrdersForOrderHub", limit=4, offset=4))[-1]
    held = pod.get(FSCM + "salesOrdersForOrderHub", q=f"OrderNumber={last}")["items"][0]
    pod.raw("PATCH", FSCM + f"salesOrdersForOrderHub/{held['HeaderId']}", {"Comments": "x"})
    second = numbers(pod.get(FSCM + "salesOrdersForOrderHub", limit=4, offset=4))
    assert set(first) & set(second) and last not in second


def test_hidden_rows_count_and_are_read_by_key_only():
    pod = Pod(world(invoices=[invoice(1), invoice(2, hidden=True)]))
    page = pod.get(FSCM + "receivablesInvoices", totalResults="true")
    assert (page["totalResults"], page["count"]) == (2, 1)
    assert pod.get(FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 2)}")["StructuredPaymentReference"] == "INV-00002"


def test_fields_select_and_exclude_expand(pod):
    row = pod.get(FSCM + "receivablesInvoices", fields="TransactionNumber;receivablesInvoiceLines:LineNumber,LineAmount", limit=1, onlyData="true")["items"][0]
    assert set(row) == {"TransactionNumber", "receivablesInvoiceLines"} and set(row["receivablesInvoiceLines"][0]) == {"LineNumber", "LineAmount"}
    pod.refused(400, "GET", FSCM + "receivablesInvoices", fields="TransactionNumber", expand="receivablesInvoiceLines")
    pod.refused(400, "GET", FSCM + "receivablesInvoices", fields="NoSuch")
    pod.refused(400, "GET", FSCM + "receivablesInvoices", expand="noSuch")


def test_nested_rows_are_lists_at_first_and_collections_from_version_3():
    pod = Pod(world(invoices=[invoice(1, lines=[line(number) for number in range(1, 8)])]), expanded_limit=5)
    path = FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 1)}"
    assert len(pod.get(path, 1, expand="receivablesInvoiceLines")["receivablesInvoiceLines"]) == 5
    nested = pod.get(path, 3, expand="receivablesInvoiceLines.receivablesInvoiceLineTaxLines")["receivablesInvoiceLines"]
    assert nested["hasMore"] is True and nested["count"] == 5
    assert nested["items"][0]["receivablesInvoiceLineTaxLines"]["items"][0]["TaxAmount"] == 1.5
    rest = pod.get(path + "/child/receivablesInvoiceLines", 3, offset=5, orderBy="CustomerTransactionLineId:asc")
    assert [row["LineNumber"] for row in rest["items"]] == [6, 7] and rest["hasMore"] is False


def test_links_say_where_a_row_lives(pod):
    row = pod.get(FSCM + "itemsV2")["items"][0]
    links = {link["rel"]: link for link in row["links"]}
    key = links["self"]["href"].rsplit("/", 1)[1]
    assert links["self"]["properties"]["changeIndicator"].startswith("ACED") and key.startswith("0002")
    assert pod.get(FSCM + f"itemsV2/{key}")["ItemNumber"] == "PUMP-1"
    pod.refused(404, "GET", FSCM + f"itemsV2/{row['ItemId']}")
    assert "links" not in pod.get(FSCM + "itemsV2", onlyData="true")["items"][0]
    held = pod.get(FSCM + "salesOrdersForOrderHub/CRM:crm-opportunity-1/child/lines")["items"][0]
    assert {link["rel"] for link in held["links"]} >= {"self", "canonical", "parent"}
    own = next(link["href"] for link in held["links"] if link["rel"] == "self")
    assert pod.get(own.removeprefix("http://pod"))["FulfillLineId"] == held["FulfillLineId"]


def test_every_attribute_is_in_the_body_null_where_it_is_unknown(pod):
    row = pod.get(FSCM + "receivablesInvoices")["items"][0]
    assert set(row) >= set(RESOURCES["receivablesInvoices"].attributes) and row["ConversionRate"] is None


def test_describe_tells_what_can_be_asked(pod):
    told = pod.get(FSCM + "standardReceipts/describe")["Resources"]["standardReceipts"]
    queryable = {attribute["name"] for attribute in told["attributes"] if attribute["queryable"]}
    assert "ReceiptDate" in queryable and "LastUpdateDate" not in queryable
    assert "remittanceReferences" in told["children"]
    assert "hubOrganizations" in pod.get(CRM + "describe", metadataMode="minimal")["Resources"]


# --- errors and security ---------------------------------------------------------------------------------------------------


def test_without_the_error_media_type_a_refusal_is_text(pod):
    answer = pod.raw("GET", FSCM + "receivablesInvoices", headers={"accept": "application/json"}, limit="x")
    assert answer.status == 400 and answer.headers["content-type"].startswith("text/plain")


def test_methods_media_types_versions_and_places(pod):
    assert pod.raw("DELETE", FSCM + "shipments/SH-1").status == 405
    assert pod.raw("PUT", FSCM + "receivablesInvoices").status == 405
    assert pod.raw("GET", FSCM + "receivablesDisputes").status == 405
    assert pod.raw("GET", FSCM + "receivablesInvoices", headers={"accept": "text/html"}).status == 406
    assert pod.raw("POST", CRM + "hubOrganizations", b"{}", {"content-type": "text/plain"}).status == 415
    assert pod.raw("GET", FSCM + "receivablesInvoices", headers={"rest-framework-version": "12"}).status == 400
    for path in (FSCM + "hubOrganizations", CRM + "receivablesInvoices", FSCM + "nothing", "/other", FSCM + "receivablesInvoices/1"):
        assert pod.raw("GET", path).status == 404
    assert pod.raw("GET", "/fscmRestApi/resources/latest/receivablesInvoices").status == 200


def test_data_security_hides_rows_and_privileges_refuse():
    pod = Pod(business_units=frozenset({"Other BU"}), forbidden=frozenset({"standardReceipts"}))
    assert pod.get(FSCM + "receivablesInvoices", totalResults="true")["totalResults"] == 0
    assert pod.raw("GET", FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 1)}").status == 404
    assert pod.raw("GET", FSCM + "standardReceipts").status == 403


def test_an_attribute_out_of_sight_is_neither_shown_nor_asked():
    pod = Pod(unseen_attributes=frozenset({"receivablesInvoices.InvoiceBalanceAmount"}))
    assert "InvoiceBalanceAmount" not in pod.get(FSCM + "receivablesInvoices")["items"][0]
    pod.refused(400, "GET", FSCM + "receivablesInvoices", q="InvoiceBalanceAmount>0")


def test_the_vendors_own_trouble(pod):
    request = Request("GET", FSCM + "receivablesInvoices", "http://pod", (), {"authorization": BASIC})
    limited = pod.vendor.rate_limited(request)
    assert limited.status == 429 and "retry-after" not in limited.headers
    assert pod.vendor.unavailable(request).status == 500


# --- concurrency -----------------------------------------------------------------------------------------------------------


def test_etags_guard_writes_and_spare_reads(pod):
    path = CRM + "hubOrganizations/1001"
    etag = pod.raw("GET", path).headers["etag"]
    assert pod.raw("GET", path, headers={"if-none-match": etag}).status == 304
    changed = pod.raw("PATCH", path, {"URL": "https://new.example"}, {"if-match": etag})
    assert changed.status == 200 and changed.headers["etag"] != etag
    assert pod.raw("PATCH", path, {"URL": "https://other.example"}, {"if-match": etag}).status == 412
    assert pod.raw("PATCH", path, {"URL": "https://last.example"}).status == 200
    row = orjson.loads(pod.raw("GET", path).body)
    assert row["URL"] == "https://last.example" and row["LastUpdatedBy"] == "concord.integration"


# --- writes ----------------------------------------------------------------------------------------------------------------


def test_a_party_is_created_once_and_upserted(pod):
    body = {"OrganizationName": "Acme", "SourceSystem": "CRM", "SourceSystemReferenceValue": "001", "Address": [{"Address1": "1 Main", "City": "Austin", "Country": "US"}]}
    made = pod.raw("POST", CRM + "hubOrganizations", body)
    content = orjson.loads(made.body)
    assert made.status == 201 and made.headers["location"].endswith(f"/hubOrganizations/{content['PartyNumber']}") and content["City"] == "Austin"
    pod.refused(400, "POST", CRM + "hubOrganizations", body)
    again = pod.raw("POST", CRM + "hubOrganizations", {**body, "OrganizationName": "Acme Inc"}, {"upsert-mode": "true"})
    assert again.status == 200 and orjson.loads(again.body)["PartyId"] == content["PartyId"]
    address = pod.get(CRM + f"hubOrganizations/{content['PartyNumber']}/child/Address")["items"]
    assert len(address) == 2  # an upsert adds the address that it brings
    assert pod.raw("PATCH", CRM + f"hubOrganizations/{content['PartyNumber']}/child/Address/{address[0]['AddressNumber']}", {"City": "Dallas"}).status == 200


@pytest.mark.parametrize("body", [{"NoSuch": 1}, {"CreationDate": "2024-01-01T00:00:00Z"}, {"OrganizationName": 5}, {"ValidatedFlag": True}])
def test_unknown_read_only_and_mistyped_attributes_are_refused(pod, body):
    error = pod.refused(400, "PATCH", CRM + "hubOrganizations/1001", body)
    assert error["o:errorDetails"][0]["o:errorPath"] == f"/{next(iter(body))}"


def test_a_deleted_party_is_listed_among_the_deleted(pod):
    assert pod.raw("DELETE", CRM + "hubOrganizations/1003").status == 204
    assert pod.raw("GET", CRM + "hubOrganizations/1003").status == 404
    [gone] = pod.get(CRM + "deletedRecords", 2, q="ObjectCode = 'ORGANIZATION'")["items"]
    assert gone["KeyAttributeNames"] == "PartyId" and gone["KeyAttributeValues"] == native_id("oracle_fusion", "customer", 3)


def order_body(**changes: Any) -> dict[str, Any]:
    return {
        "SourceTransactionNumber": "A-1", "SourceTransactionSystem": "CRM", "SourceTransactionId": "A-1", "BuyingPartyNumber": "1001",
        "TransactionalCurrencyCode": "EUR", "TransactionOn": "2026-01-01T00:00:00.000+00:00", "RequestingBusinessUnitName": "Operations BU",
        "billToCustomer": [{"AccountNumber": "100001"}], "shipToCustomer": [{"PartyNumber": "1001"}],
        "lines": [{"ProductNumber": "PUMP-1", "OrderedQuantity": 3}], "SubmittedFlag": True, **changes}


def test_an_order_is_created_once_revised_and_held(pod):
    made = pod.raw("POST", FSCM + "salesOrdersForOrderHub", order_body())
    content = orjson.loads(made.body)
    assert made.status == 201 and (content["StatusCode"], content["OrderKey"]) == ("OPEN", "CRM:A-1")
    pod.refused(400, "POST", FSCM + "salesOrdersForOrderHub", order_body())
    revised = orjson.loads(pod.raw("PATCH", FSCM + "salesOrdersForOrderHub/CRM:A-1", {"CustomerPONumber": "PO-9"}).body)
    assert revised["SourceTransactionRevisionNumber"] == 2
    request = json.loads((SAMPLES / "applyHold_request.json").read_text()) if SAMPLES.exists() else {
        "holdRequests": [{"SourceTransactionSystem": "CRM", "SourceTransactionId": "A-1", "HoldCode": "CREDIT_HOLD", "HoldComments": "Overdue"}]}
    action = {"content-type": "application/vnd.oracle.adf.action+json"}
    assert pod.raw("POST", FSCM + "salesOrdersForOrderHub/action/applyHold", request).status == 415
    applied = pod.raw("POST", FSCM + "salesOrdersForOrderHub/action/applyHold", request, action)
    assert orjson.loads(applied.body)["result"]["ReturnStatus"] == "SUCCESS"
    held = pod.get(FSCM + "salesOrdersForOrderHub/CRM:A-1", expand="holds,lines")
    assert held["OnHoldFlag"] and held["lines"][0]["OnHoldFlag"] and held["holds"][0]["HoldCode"] == "CREDIT_HOLD"
    unreasoned = pod.raw("POST", FSCM + "salesOrdersForOrderHub/action/releaseHold", request, action)
    assert orjson.loads(unreasoned.body)["result"]["ReturnStatus"] == "ERROR"
    request["holdRequests"][0]["HoldReleaseReasonCode"] = "PAID"
    pod.raw("POST", FSCM + "salesOrdersForOrderHub/action/releaseHold", request, action)
    assert pod.get(FSCM + "salesOrdersForOrderHub/CRM:A-1")["OnHoldFlag"] is False


@pytest.mark.parametrize("changes", [
    {"BuyingPartyNumber": "9"}, {"lines": []}, {"lines": [{"ProductNumber": "NONE", "OrderedQuantity": 1}]}, {"RequestingBusinessUnitName": "X"},
    {"billToCustomer": [{"AccountNumber": "1"}]}, {"TransactionOn": "soon"}, {"SourceTransactionId": None},
])
def test_an_order_that_does_not_fit_is_refused(pod, changes):
    pod.refused(400, "POST", FSCM + "salesOrdersForOrderHub", order_body(**changes))


def test_a_receipt_settles_an_invoice_without_touching_its_stamp(pod):
    path = FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 1)}"
    before = pod.get(path)
    body = {"ReceiptNumber": "N-1", "ReceiptDate": NOW.date().isoformat(), "Amount": 44, "Currency": "EUR", "BusinessUnit": "Operations BU",
            "ReceiptMethod": "Electronic", "CustomerAccountNumber": "100001", "remittanceReferences": [{"ReceiptMatchBy": "Transaction Number", "ReferenceNumber": before["TransactionNumber"], "ReferenceAmount": 44}]}
    made = pod.raw("POST", FSCM + "standardReceipts", body)
    assert made.status == 201 and orjson.loads(made.body)["UnappliedAmount"] == 0
    after = pod.get(path, expand="receivablesInvoiceInstallments")
    assert after["InvoiceBalanceAmount"] == 0 and after["LastUpdateDate"] == before["LastUpdateDate"]
    assert after["receivablesInvoiceInstallments"][0]["InstallmentStatus"] == "Closed"
    pod.refused(400, "POST", FSCM + "standardReceipts", {**body, "ReceiptNumber": "N-2"})  # nothing is left to settle


def test_only_an_incomplete_invoice_can_be_deleted(pod):
    pod.refused(400, "DELETE", FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 1)}")
    assert pod.raw("DELETE", FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 3)}").status == 204


def test_credit_memos_and_disputes(pod):
    body = {"BusinessUnit": "Operations BU", "TransactionType": "Credit Memo", "TransactionSource": "Manual", "TransactionDate": "2026-01-02",
            "BillToCustomerNumber": "100001", "BillToSite": "1001", "CreditMemoCurrency": "EUR", "receivablesCreditMemoLines": [{"LineDescription": "Goodwill", "LineQuantityCredit": -1, "UnitSellingPrice": 5}]}
    made = orjson.loads(pod.raw("POST", FSCM + "receivablesCreditMemos", body).body)
    assert made["EnteredAmount"] == made["TransactionBalanceDue"] == -5
    error = pod.refused(400, "POST", FSCM + "receivablesCreditMemos", {**body, "BillToCustomerNumber": "1"})
    assert error["o:errorDetails"][0] == {"detail": "The value of the attribute BillToCustomerNumber isn't valid.", "o:errorCode": "AR-855123", "o:errorPath": "/BillToCustomerNumber"}
    id = int(native_id("oracle_fusion", "invoice", 1))
    dispute = pod.raw("POST", FSCM + "receivablesDisputes", {"CustomerTransactionId": id, "DisputeType": "TOTAL", "DisputeReason": "WRONG", "DisputeAmount": 10})
    assert dispute.status == 201 and orjson.loads(dispute.body)["RequestNumber"]
    assert pod.get(FSCM + f"receivablesInvoices/{id}", expand="receivablesInvoiceInstallments")["receivablesInvoiceInstallments"][0]["DisputeAmount"] == 10


def test_a_batch_is_done_whole_or_not_at_all(pod):
    kind = {"content-type": "application/vnd.oracle.adf.batch+json"}
    invoices = [native_id("oracle_fusion", "invoice", key) for key in (1, 2)]
    parts = [{"id": str(place), "path": f"/receivablesInvoices/{id}", "operation": "update", "payload": {"Comments": "seen"}} for place, id in enumerate(invoices, 1)]
    bad = [*parts, {"id": "3", "path": "/receivablesInvoices/1", "operation": "update", "payload": {"Comments": "seen"}}]
    pod.refused(404, "POST", FSCM, {"parts": bad}, kind)
    assert {row["Comments"] for row in pod.get(FSCM + "receivablesInvoices")["items"]} == {None}
    done = pod.raw("POST", FSCM, {"parts": parts}, kind)
    assert done.status == 200 and [part["payload"]["Comments"] for part in orjson.loads(done.body)["parts"]] == ["seen", "seen"]
    assert pod.raw("POST", FSCM, {"parts": parts}).status == 415


def test_lines_of_orders_and_incomplete_invoices_carry_the_amounts(pod):
    pod.raw("POST", FSCM + "salesOrdersForOrderHub", order_body())
    path = FSCM + "salesOrdersForOrderHub/CRM:A-1"
    [line] = pod.get(path + "/child/lines")["items"]
    own = next(link["href"] for link in line["links"] if link["rel"] == "self").removeprefix("http://pod")
    assert orjson.loads(pod.raw("PATCH", own, {"OrderedQuantity": 10}).body)["ExtendedAmount"] == 102.5
    assert pod.raw("POST", path + "/child/lines", {"ProductNumber": "PUMP-1", "OrderedQuantity": 1}).status == 201
    totals = {row["TotalCode"]: row["TotalAmount"] for row in pod.get(path + "/child/totals")["items"]}
    assert totals["QP_TOTAL_PAY_NOW"] == 112.75
    draft, booked = (FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', key)}" for key in (3, 1))
    new = {"Description": "Freight", "Quantity": 1, "UnitSellingPrice": 9}
    assert pod.raw("POST", draft + "/child/receivablesInvoiceLines", new).status == 201
    assert pod.get(draft)["EnteredAmount"] == 50
    pod.refused(400, "POST", booked + "/child/receivablesInvoiceLines", new)


def test_a_return_is_received_and_a_wrong_receipt_says_so_in_its_body(pod):
    body = {"ReceiptSourceCode": "CUSTOMER", "OrganizationCode": "M1", "lines": [{"DocumentNumber": "RMA-1", "DocumentLineNumber": "1", "ItemNumber": "PUMP-1", "Quantity": 2, "UnitOfMeasure": "Each"}]}
    made = pod.raw("POST", FSCM + "receivingReceiptRequests", body)
    assert made.status == 201 and orjson.loads(made.body)["ReturnStatus"] == "SUCCESS"
    assert pod.get(FSCM + "rmasForReceiving")["count"] == 0
    again = pod.raw("POST", FSCM + "receivingReceiptRequests", body)
    assert again.status == 201 and orjson.loads(again.body)["ReturnStatus"] == "ERROR"
    assert [row["ReturnStatus"] for row in pod.get(FSCM + "receivingReceiptRequests", orderBy="HeaderInterfaceId:asc")["items"]] == ["SUCCESS", "ERROR"]


def test_what_is_expected_at_the_dock_are_the_lines_of_open_returns(pod):
    [row] = pod.get(FSCM + "receiptAdviceLines")["items"]
    assert (row["DocumentNumber"], row["DocumentLineNumber"], row["ItemNumber"], row["Quantity"], row["ReceiptSourceCode"]) == (
        "RMA-1", "1", "PUMP-1", 2, "CUSTOMER")
    own = next(link["href"] for link in row["links"] if link["rel"] == "self")
    assert pod.get(own[own.index("/fscmRestApi"):])["RMALineId"] == row["RMALineId"]
    pod.raw("POST", FSCM + "receivingReceiptRequests", {
        "ReceiptSourceCode": "CUSTOMER", "OrganizationCode": "M1", "lines": [{"DocumentNumber": "RMA-1", "DocumentLineNumber": 1, "Quantity": 2}]})
    assert pod.get(FSCM + "receiptAdviceLines")["items"] == []


def test_an_action_on_many_orders_is_taken_first_and_done_later(pod):
    orders = [int(native_id("oracle_fusion", "order", key)) for key in (1, 2)]
    body = {"ActionCode": "ORA_FOM_APPLY_HOLD", "ActionRequestTrackingId": 7, "HoldCode": "CREDIT_HOLD", "Comments": "Overdue",
            "requests": [{"HeaderId": one, "ActionRequestTrackingId": one} for one in (*orders, 1)]}
    made = pod.raw("POST", FSCM + "salesOrderActionRequests", body)
    taken = orjson.loads(made.body)
    assert made.status == 201 and (taken["ProcessStatus"], taken["OutcomeCode"]) == ("PRE_PROCESSING", None)
    path = FSCM + f"salesOrderActionRequests/{taken['ActionRequestId']}"
    done = pod.get(path)
    assert (done["ProcessStatus"], done["TotalRecords"], done["TotalPassed"], done["TotalFailed"]) == ("COMPLETED", 3, 2, 1)
    parts = {row["HeaderId"]: row for row in pod.get(path + "/child/requests")["items"]}
    assert parts[1]["OutcomeCode"] == "ERROR" and "FOM-4515011" in parts[1]["SummaryMessageText"]
    assert all(pod.get(FSCM + f"salesOrdersForOrderHub/{one}")["OnHoldFlag"] for one in orders)
    released = {**body, "ActionCode": "ORA_FOM_RELEASE_HOLD", "ReleaseReasonCode": "PAID", "requests": [{"HeaderId": orders[0]}]}
    assert pod.raw("POST", FSCM + "salesOrderActionRequests", released).status == 201
    assert [pod.get(FSCM + f"salesOrdersForOrderHub/{one}")["OnHoldFlag"] for one in orders] == [False, True]
    pod.refused(400, "POST", FSCM + "salesOrderActionRequests", {**body, "ActionCode": "DANCE"})
    pod.refused(400, "POST", FSCM + "salesOrderActionRequests", {"ActionCode": "ORA_FOM_SUBMIT_ORDER", "requests": [{"HeaderId": orders[0]}]})


def test_an_order_can_wait_in_the_import_interface(pod):
    body = {"SourceTransactionNumber": "N-1", "SourceTransactionSystem": "CRM", "SourceTransactionId": "A-1", "BatchName": "night",
            "lines": [{"ProductNumber": "PUMP-1", "OrderedQuantity": 2}]}
    made = pod.raw("POST", FSCM + "salesOrdersForOrderHubRequests", body)
    assert made.status == 201 and orjson.loads(made.body)["OrderKey"] == "CRM:A-1"
    pod.refused(400, "POST", FSCM + "salesOrdersForOrderHubRequests", body)
    path = FSCM + "salesOrdersForOrderHubRequests/CRM:A-1"
    assert pod.get(path + "/child/lines")["items"][0]["OrderedQuantity"] == 2
    assert orjson.loads(pod.raw("PATCH", path, {"BatchName": "morning"}).body)["BatchName"] == "morning"
    assert [row["BatchName"] for row in pod.get(FSCM + "salesOrdersForOrderHubRequests", q="BatchName='morning'")["items"]] == ["morning"]
    assert pod.raw("GET", FSCM + "salesOrdersForOrderHub/CRM:A-1").status == 404  # the import has not run
    assert pod.raw("DELETE", path).status == 204 and pod.get(FSCM + "salesOrdersForOrderHubRequests")["count"] == 0


# --- the world -------------------------------------------------------------------------------------------------------------


def test_customers_name_the_crm_and_their_parent(pod):
    rows = {row["PartyNumber"]: row for row in pod.get(CRM + "hubOrganizations", expand="Relationship,Address")["items"]}
    assert (rows["1001"]["SourceSystem"], rows["1001"]["SourceSystemReferenceValue"]) == ("CRM", "crm-customer-1")
    assert rows["1003"]["SourceSystemReferenceValue"] is None and rows["1003"]["Status"] == "I"
    assert rows["1002"]["Relationship"][0]["ObjectPartyNumber"] == "1001"
    assert str(rows["1001"]["PartyId"]) == native_id("oracle_fusion", "customer", 1)


def test_documents_name_the_billing_system(pod):
    bill = pod.get(FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 2)}", expand="receivablesInvoiceLines")
    assert (bill["CrossReference"], bill["StructuredPaymentReference"], bill["InvoiceBalanceAmount"]) == ("billing-invoice-2", "INV-00002", 0)
    assert bill["receivablesInvoiceLines"][0]["SalesOrder"] == "SO00001"
    [memo] = pod.get(FSCM + "receivablesCreditMemos")["items"]
    assert (memo["CrossReference"], memo["EnteredAmount"]) == ("billing-credit_note-1", -22)
    [receipt] = pod.get(FSCM + "standardReceipts")["items"]  # the failed payment never became one
    assert receipt["StructuredPaymentReference"] == "billing-payment-1"


def test_activities_reach_ninety_days_back_unless_told_otherwise(pod):
    [account] = [row for row in pod.get(FSCM + "receivablesCustomerAccountActivities")["items"] if row["AccountNumber"] == "100001"]
    assert account["TotalTransactionsDueForAccount"] == 88
    path = FSCM + f"receivablesCustomerAccountActivities/{account['AccountId']}/child/standardReceiptApplications"
    assert [row["ActivityName"] for row in pod.get(path)["items"]] == ["Receipt Refund"]  # the payment is 200 days old
    whole = pod.get(path, finder="StandardReceiptApplicationsFinder;ApplicationLimitByDays=3650", orderBy="ApplicationId", expand="standardReceiptApplicationDFF")
    assert [row["ApplicationAmount"] for row in whole["items"]] == [5.0, 44.0]
    assert whole["items"][0]["standardReceiptApplicationDFF"][0]["billingRefundId"] == "billing-refund-2"


def test_a_return_is_an_order_of_return_lines_and_expected(pod):
    held = pod.get(FSCM + "salesOrdersForOrderHub", q="OrderNumber=RMA-1", expand="lines.originalOrderReference")["items"][0]
    assert held["CustomerPONumber"] == "support-ticket-4"
    assert held["lines"][0]["TransactionCategoryCode"] == "RETURN" and held["lines"][0]["originalOrderReference"][0]["OriginalSourceOrderNumber"] == "SO00001"
    assert [row["RMA"] for row in pod.get(FSCM + "rmasForReceiving")["items"]] == ["RMA-1"]
    assert pod.get(FSCM + "rmaLinesForReceiving")["count"] == 1


def soap(operation: str, cells: str) -> bytes:
    return (f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="{PROFILE}types/" xmlns:c="{PROFILE}"><e:Body><t:{operation}>'
            f"<t:customerProfile>{cells}</t:customerProfile></t:{operation}></e:Body></e:Envelope>").encode()


def held(answer: Response) -> dict[str, str | None]:
    return {cell.tag.rpartition("}")[2]: cell.text for value in ElementTree.fromstring(answer.body).iter() if value.tag.endswith("Value") for cell in value}


def test_credit_hold_lives_in_the_profile_service(pod):
    path, kind = "/fscmService/ReceivablesCustomerProfileService", {"content-type": "text/xml"}
    profile = held(pod.raw("POST", path, soap("getActiveCustomerProfile", "<c:AccountNumber>100001</c:AccountNumber>"), kind))
    assert (profile["CreditHold"], profile["CreditLimit"]) == ("Y", "5000")
    changed = held(pod.raw("POST", path, soap("updateCustomerProfile", "<c:AccountNumber>100001</c:AccountNumber><c:CreditHold>N</c:CreditHold>"), kind))
    assert changed["CreditHold"] == "N" and changed["LastUpdatedBy"] == "concord.integration"
    assert held(pod.raw("POST", path, soap("getActiveCustomerProfile", "<c:AccountNumber>9</c:AccountNumber>"), kind)) == {}
    assert b"Fault" in pod.raw("POST", path, soap("updateCustomerProfile", "<c:AccountNumber>100001</c:AccountNumber><c:CreditHold>x</c:CreditHold>"), kind).body
    assert pod.raw("POST", path, b"<!DOCTYPE a><a/>", kind).status == 500


def test_the_world_moves_on_and_faults_show(pod):
    pod.vendor.apply(View(
        system="oracle_fusion", as_of=NOW, customers=[customer(2, removed=True, updated_at=NOW)],
        invoices=[invoice(1, status="Disputed", extra={"EnteredAmount": "44.00", "NewField_c": 1})]))
    row = pod.get(FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 1)}")
    assert (row["InvoiceStatus"], row["EnteredAmount"], row["NewField_c"]) == ("Disputed", "44.00", 1)
    assert pod.raw("GET", CRM + "hubOrganizations/1002").status == 404
    assert pod.get(CRM + "deletedRecords")["items"][0]["KeyAttributeValues"] == native_id("oracle_fusion", "customer", 2)
    with pytest.raises(KeyError):
        native_id("oracle_fusion", "ticket", 1)


# --- against samples of the protocol ---------------------------------------------------------------------------------------

# a customer account that has no site of another number, and party numbers without links of a real pod, differ by value alone
KINDS = {str: "text", bool: "boolean", int: "number", float: "number", type(None): "null", list: "list", dict: "object"}


def differences(ours: Any, sample: Any, place: str = "") -> list[str]:
    """Fields of the sample that ours lacks or holds with another JSON type; null on either side fits anything."""
    if isinstance(sample, dict):
        if not isinstance(ours, dict):
            return [f"{place}: {KINDS[type(ours)]}"]
        return [
            problem for name, value in sample.items()
            for problem in ([f"{place}/{name} missing"] if name not in ours else differences(ours[name], value, f"{place}/{name}"))]
    if isinstance(sample, list):
        return [] if not sample or not ours else differences(ours[0], sample[0], place + "[]")
    if sample is None or ours is None or KINDS[type(sample)] == KINDS[type(ours)]:
        return []
    return [f"{place}: {KINDS[type(ours)]} for {KINDS[type(sample)]}"]


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not beside the project")
@pytest.mark.parametrize(("sample", "path", "query"), [
    ("hubOrganizations_page.json", CRM + "hubOrganizations", {}),
    ("receivablesInvoices_page_expand_v1.json", FSCM + "receivablesInvoices", {
        "expand": "receivablesInvoiceLines,receivablesInvoiceInstallments", "limit": 2, "totalResults": "true"}),
    ("salesOrdersForOrderHub_single_v1.json", FSCM + "salesOrdersForOrderHub/CRM:crm-opportunity-1", {"expand": "lines"}),
    ("deletedRecords_page.json", CRM + "deletedRecords", {}),
])
def test_answers_have_the_samples_form(pod, sample, path, query):
    pod.raw("DELETE", CRM + "hubOrganizations/1003")
    assert differences(pod.get(path, **query), json.loads((SAMPLES / sample).read_text())) == []


@pytest.mark.skipif(not SAMPLES.exists(), reason="the samples are not beside the project")
def test_errors_have_the_samples_form(pod):
    error = pod.refused(400, "PATCH", CRM + "hubOrganizations/1001", {"Status": 5})
    assert differences(error, json.loads((SAMPLES / "error_400.json").read_text())) == []


def test_dates_in_the_world_are_the_rows_own(pod):
    row = pod.get(FSCM + f"receivablesInvoices/{native_id('oracle_fusion', 'invoice', 1)}")
    assert date.fromisoformat(row["DueDate"]) == ago(days=10).date() and row["LastUpdateDate"].endswith(".000+00:00")

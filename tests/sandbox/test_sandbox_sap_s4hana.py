"""The SAP stand-in over its requests: logins, tokens, wire format, paging, filters, refusals, writes, batches and locks."""

from __future__ import annotations

import base64
import json
import re
import xml.dom.minidom
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sandbox.protocol import Clock, Request, Response, Store
from sandbox.sap_s4hana import create
from sandbox.sap_s4hana.catalogue import SERVICES, SETS
from sandbox.world.model import (
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

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BASE = "https://sap.example"
ROOT = "/sap/opu/odata/sap"
BP, SO, BD = f"{ROOT}/API_BUSINESS_PARTNER", f"{ROOT}/API_SALES_ORDER_SRV", f"{ROOT}/API_BILLING_DOCUMENT_SRV"
CUBE = f"{ROOT}/API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
DELIVERY = f"{ROOT}/API_OUTBOUND_DELIVERY_SRV;v=0002"
BASIC = "Basic " + base64.b64encode(b"CONCORD_COMM:sap-sandbox-password").decode()
SAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "specs" / "sap_s4hana" / "samples" / "composed"
AREA = "Customer='17100001',SalesOrganization='1710',DistributionChannel='10',Division='00'"


def ago(**step: float) -> datetime:
    return NOW - timedelta(**step)


def line(number: int, amount: str, quantity: str = "2") -> Line:
    return Line(number=number, product=1, description="Widget", quantity=Decimal(quantity), unit_price=Decimal(amount) / Decimal(quantity),
                amount=Decimal(amount), tax=Decimal("10.00"))


def peers(role: str, entity: str, key: int, customer: int) -> str:
    return f"{role}-{entity}-{key}"


def world(orders: int = 3, **changes: Any) -> View:
    since: dict[str, Any] = {"created_at": ago(days=30), "updated_at": ago(days=10)}
    customer: dict[str, Any] = {**since, "domain": "acme.example", "tax_id": "DE123456789", "email": "ap@acme.example", "phone": "+49 40 1", "street": "Kai 1",
                "city": "Hamburg", "region": "HH", "postcode": "20457", "country": "DE", "currency": "EUR", "terms_days": 45}
    view = View(system="sap_s4hana", as_of=NOW, role="erp", peers=peers)
    view.customers = [
        Customer(key=1, name="Acme 'Nord' GmbH", erp_customer=1, credit_limit=Decimal("5000"), **customer),
        Customer(key=2, name="Acme Sued GmbH", parent=1, credit_hold=True, **customer),
    ]
    view.contacts = [Contact(key=1, customer=1, first_name="Ida", last_name="Falk", email="ida@acme.example", phone="+49 40 2", title="CFO", **since)]
    view.products = [Product(key=1, sku="W-100", name="Widget", description="", unit_price=Decimal("50.00"), currency="EUR", is_recurring=False,
                             created_at=ago(days=30), updated_at=ago(days=30))]
    view.orders = [
        Order(key=key, customer=1, number=f"SO{key:06d}", status="pending_fulfillment", order_date=date(2026, 10, 21), currency="EUR",
              subtotal=Decimal("150.00"), tax=Decimal("20.00"), total=Decimal("170.00"), lines=[line(1, "100.00"), line(2, "50.00")],
              opportunity=7, created_at=ago(days=30), updated_at=ago(days=10) + timedelta(minutes=key))
        for key in range(1, orders + 1)]
    money: dict[str, Any] = {"customer": 1, "currency": "EUR", "subtotal": Decimal("150.00"), "tax": Decimal("20.00"), "total": Decimal("170.00")}
    view.invoices = [
        Invoice(key=1, number="INV-1", status="paid", invoice_date=date(2026, 10, 22), due_date=date(2026, 12, 6), finalized_at=ago(days=29),
                amount_paid=Decimal("170.00"), amount_remaining=Decimal(0), lines=[line(1, "150.00")], order=1, paid_at=ago(days=5), **money, **since),
        Invoice(key=2, number="INV-2", status="open", invoice_date=date(2026, 10, 22), due_date=date(2026, 12, 6), finalized_at=ago(days=29),
                amount_paid=Decimal(0), amount_remaining=Decimal("170.00"), lines=[line(1, "150.00")], **money, **since)]
    view.payments = [Payment(key=1, customer=1, invoice=1, amount=Decimal("170.00"), currency="EUR", status="succeeded", paid_at=ago(days=5),
                             number="PAY-1", **since)]
    view.credit_notes = [CreditNote(key=1, invoice=1, number="CN-1", status="issued", issue_date=date(2026, 11, 1), reason="damaged",
                                    lines=[line(1, "150.00")], **money, **since)]
    view.refunds = [Refund(key=1, customer=1, payment=1, credit_note=1, amount=Decimal("170.00"), currency="EUR", status="succeeded", **since)]
    view.shipments = [Shipment(key=1, customer=1, order=1, number="D1", status="shipped", planned_date=date(2026, 10, 25), carrier="DHL",
                               shipped_at=ago(days=20), tracking_number="1Z", lines=[line(1, "100.00")], **since)]
    view.returns = [Return(key=1, customer=1, order=1, invoice=1, number="RMA-1", status="received", reason="damaged", currency="EUR", ticket=4,
                           amount=Decimal("100.00"), received_at=ago(days=3), lines=[line(1, "100.00")], **since)]
    for name, value in changes.items():
        setattr(view, name, value)
    return view


class Caller:
    """Requests of one client with its session cookie."""

    def __init__(self, view: View | None = None, **settings: Any) -> None:
        self.vendor: Any = create(Store(), FrozenClock(), **settings)
        self.vendor.load(view or world())
        self.cookie, self.token = "", ""

    def ask(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, query: str = "", accept: str = "application/json",
            authorization: str = BASIC) -> Response:
        sent = {"authorization": authorization, "accept": accept, "cookie": self.cookie}
        raw = b""
        if body is not None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent["content-type"] = "application/json"
        if self.token:
            sent["x-csrf-token"] = self.token
        sent |= headers or {}
        response = self.vendor.handle(Request(method, path, BASE, tuple(parse_qsl(query, keep_blank_values=True)), sent, raw))
        if "set-cookie" in response.headers:
            self.cookie = response.headers["set-cookie"].partition(";")[0]
        return response

    def get(self, path: str, query: str = "", **options: Any) -> Any:
        response = self.ask("GET", path, query=query, **options)
        assert response.status == 200, response.body
        return json.loads(response.body)["d"]

    def rows(self, path: str, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(path, query)["results"]
        return found

    def log_in(self) -> Caller:
        self.token = self.ask("GET", f"{SO}/", headers={"x-csrf-token": "Fetch"}).headers["x-csrf-token"]
        return self


class FrozenClock(Clock):
    def now(self) -> datetime:
        return NOW + self.offset


@pytest.fixture
def sap() -> Caller:
    return Caller()


def refused(response: Response, status: int, code: str = "", words: str = "") -> dict[str, Any]:
    assert response.status == status, response.body
    error: dict[str, Any] = json.loads(response.body)["error"]
    assert code in error["code"] and words in error["message"]["value"], error
    assert error["message"]["lang"] == "en" and error["innererror"]["errordetails"][0]["severity"] == "error"
    return error


# who may call


def test_a_wrong_password_is_the_dispatchers_401_and_no_odata_answer(sap: Caller) -> None:
    response = sap.ask("GET", f"{SO}/A_SalesOrder", authorization="Basic bm9ib2R5Om5vdGhpbmc=")
    assert response.status == 401 and response.headers["www-authenticate"].startswith("Basic") and b"<html>" in response.body


def test_oauth_tokens_end_and_are_asked_for_with_basic(sap: Caller) -> None:
    path, form = "/sap/bc/sec/oauth2/token", {"content-type": "application/x-www-form-urlencoded"}
    client = "Basic " + base64.b64encode(b"concord-sap:sap-sandbox-password").decode()
    answer = sap.ask("POST", path, b"grant_type=client_credentials&scope=API_SALES_ORDER_SRV_0001", headers=form, authorization=client)
    token = json.loads(answer.body)
    assert token["token_type"] == "Bearer" and token["expires_in"] == "3600" and token["scope"] == "API_SALES_ORDER_SRV_0001"
    bearer = f"Bearer {token['access_token']}"
    assert sap.ask("GET", f"{SO}/A_SalesOrder", authorization=bearer).status == 200
    sap.vendor.expire_tokens()
    assert sap.ask("GET", f"{SO}/A_SalesOrder", authorization=bearer).status == 401
    assert sap.ask("POST", path, b"grant_type=client_credentials", headers=form).status == 401
    assert sap.ask("POST", path, b"grant_type=password", headers=form, authorization=client).status == 400


def test_a_service_outside_the_arrangement_and_one_that_is_not_there(sap: Caller) -> None:
    refused(Caller(withheld=frozenset({"API_PRODUCT_SRV"})).ask("GET", f"{ROOT}/API_PRODUCT_SRV/A_Product"), 403)
    refused(sap.ask("GET", f"{ROOT}/API_NOTHING_SRV/A_Thing"), 404, "/IWFND/MED/170")
    assert sap.ask("GET", "/sap/elsewhere").status == 404


# tokens against forged requests


def test_a_write_needs_the_token_of_its_own_session(sap: Caller) -> None:
    body = {"OrderIsBlockedForCustomer": "01"}
    path = f"{BP}/A_CustomerSalesArea({AREA})"
    answer = sap.ask("PATCH", path, body)
    assert (answer.status, answer.headers["x-csrf-token"], answer.body) == (403, "Required", b"CSRF token validation failed")
    sap.log_in()
    assert sap.ask("PATCH", path, body).status == 204
    cookie, sap.cookie = sap.cookie, "SAP_SESSIONID_S4H_100=another"
    assert sap.ask("PATCH", path, body).status == 403  # the token without its cookie is worth nothing
    sap.cookie = cookie
    sap.vendor._clock.advance(timedelta(minutes=31))
    assert sap.ask("PATCH", path, body).status == 403  # the session has ended


def test_the_token_comes_with_get_at_the_slash_and_not_with_head(sap: Caller) -> None:
    fetch = {"x-csrf-token": "Fetch"}
    moved = sap.ask("GET", SO, headers=fetch)
    assert moved.status == 307 and moved.headers["location"] == f"{BASE}{SO}/" and "x-csrf-token" not in moved.headers
    assert sap.ask("HEAD", f"{SO}/", headers=fetch).status == 403
    first = sap.ask("GET", f"{SO}/", headers=fetch).headers["x-csrf-token"]
    assert sap.ask("GET", f"{SO}/", headers=fetch).headers["x-csrf-token"] == first  # one a session


# the wire


def test_values_stand_as_the_gateway_writes_them(sap: Caller) -> None:
    order = sap.get(f"{SO}/A_SalesOrder('1000001')")
    assert order["__metadata"] == {
        "id": f"{BASE}{SO}/A_SalesOrder('1000001')", "uri": f"{BASE}{SO}/A_SalesOrder('1000001')", "type": "API_SALES_ORDER_SRV.A_SalesOrderType",
        "etag": "W/\"datetimeoffset'2026-11-10T12%3A01%3A00.0000000Z'\""}
    assert order["LastChangeDateTime"] == f"/Date({int(ago(days=10).timestamp() + 60) * 1000}+0000)/"
    assert order["SalesOrderDate"] == "/Date(1792540800000)/" and order["ExternalDocLastChangeDateTime"] is None
    assert order["TotalNetAmount"] == "150.00" and order["PurchaseOrderByCustomer"] == "crm-opportunity-7"
    assert order["to_Item"] == {"__deferred": {"uri": f"{BASE}{SO}/A_SalesOrder('1000001')/to_Item"}}
    item = sap.get(f"{SO}/A_SalesOrderItem(SalesOrder='1000001',SalesOrderItem='000020')")  # leading zeros do not matter in a key
    assert (item["SalesOrderItem"], item["RequestedQuantity"], item["NetAmount"]) == ("20", "2", "50.00")
    shipped = sap.get(f"{DELIVERY}/A_OutbDeliveryHeader('80000001')")
    assert shipped["ActualGoodsMovementTime"] == "PT12H00M00S" and shipped["LastChangeDate"] == "/Date(1794268800000)/"
    assert sap.get(f"{DELIVERY}/A_OutbDeliveryHeader('0080000001')/to_DeliveryDocumentItem")["results"][0]["ReferenceSDDocument"] == "0001000001"


def test_every_entity_carries_every_property_with_its_json_type(sap: Caller) -> None:
    kinds = {"s": str, "d": str, "date": str | None, "dto": str | None, "time": str, "bool": bool, "guid": str | None, "double": str,
             "int16": int, "int32": int, "byte": int}
    for service in SERVICES.values():
        for entity in service.sets.values():
            if not entity.addressable:
                continue
            suffix = ";v=0002" if service.version == "0002" else ""
            for row in sap.rows(f"{ROOT}/{service.name}{suffix}/{entity.name}", "$top=2"):
                for name, one in entity.properties.items():
                    assert isinstance(row[name], kinds[one.kind]), (entity.name, name, row[name])
                    if one.kind == "s":
                        assert len(row[name]) <= one.length, (entity.name, name, row[name])
                assert set(row) - set(entity.properties) == {"__metadata", *entity.navigations}, entity.name


def test_a_declared_property_without_a_value_is_shown_filtered_and_written_like_any_other(sap: Caller) -> None:
    sap.log_in()
    path = f"{SO}/A_SalesOrder('1000001')"
    assert sap.get(path)["IncotermsClassification"] == "" == sap.get(path, "$select=IncotermsClassification")["IncotermsClassification"]
    assert len(sap.rows(f"{SO}/A_SalesOrder", "$filter=IncotermsClassification eq ''")) == 3
    assert sap.get(f"{path}/IncotermsClassification") == {"IncotermsClassification": ""}
    assert sap.ask("PATCH", path, {"IncotermsClassification": "EXW"}, headers={"if-match": "*"}).status == 204
    assert [row["SalesOrder"] for row in sap.rows(f"{SO}/A_SalesOrder", "$filter=IncotermsClassification eq 'EXW'")] == ["1000001"]
    assert sap.rows(f"{SO}/A_SalesOrder", "$orderby=IncotermsClassification desc")[0]["IncotermsClassification"] == "EXW"
    refused(sap.ask("PATCH", path, {"IncotermsClassification": "LONG"}, headers={"if-match": "*"}), 400, words="longer than 3")


def test_mobile_numbers_are_phone_numbers_of_their_own_type(sap: Caller) -> None:
    sap.log_in()
    path = f"{BP}/A_BusinessPartnerAddress(BusinessPartner='17100001',AddressID='20000001')"
    fixed = sap.rows(f"{path}/to_PhoneNumber")
    assert sap.rows(f"{path}/to_MobilePhoneNumber") == []
    made = sap.ask("POST", f"{path}/to_MobilePhoneNumber", {"OrdinalNumber": "7", "PhoneNumber": "+1 555 0199"})
    assert made.status == 201 and json.loads(made.body)["d"]["PhoneNumberType"] == "3"
    assert [row["PhoneNumber"] for row in sap.rows(f"{path}/to_MobilePhoneNumber")] == ["+1 555 0199"]
    assert sap.rows(f"{path}/to_PhoneNumber") == fixed


def test_the_length_of_a_web_address_is_a_number_that_follows_it(sap: Caller) -> None:
    sap.log_in()
    path = f"{BP}/A_BusinessPartnerAddress(BusinessPartner='17100002',AddressID='20000002')/to_URLAddress"
    made = sap.ask("POST", path, {"OrdinalNumber": "5", "IsDefaultURLAddress": True, "WebsiteURL": "https://a.example"})
    assert made.status == 201, made.body
    assert [row["URLFieldLength"] for row in sap.rows(path) if row["OrdinalNumber"] == "5"] == [17]


def test_atom_is_the_answer_where_json_is_not_asked_for(sap: Caller) -> None:
    feed = sap.ask("GET", f"{SO}/A_SalesOrder", query="$top=1", accept="*/*")
    assert feed.headers["content-type"].startswith("application/atom+xml")
    parsed = xml.dom.minidom.parseString(feed.body)
    assert parsed.getElementsByTagName("d:SalesOrder")[0].firstChild.toxml() == "1000001"  # type: ignore[union-attr]
    assert sap.ask("GET", f"{SO}/A_SalesOrder", query="$format=json", accept="*/*").headers["content-type"].startswith("application/json")
    error = sap.ask("GET", f"{SO}/A_SalesOrder('9')", accept="*/*")
    assert error.status == 404 and error.headers["content-type"].startswith("application/xml")


def test_metadata_describes_every_set(sap: Caller) -> None:
    for service in SERVICES.values():
        suffix = ";v=0002" if service.version == "0002" else ""
        text = sap.ask("GET", f"{ROOT}/{service.name}{suffix}/$metadata").body.decode()
        parsed = xml.dom.minidom.parseString(text)
        assert {node.getAttribute("Name") for node in parsed.getElementsByTagName("EntitySet")} == set(service.sets)
    assert 'ConcurrencyMode="Fixed"' in sap.ask("GET", f"{SO}/$metadata").body.decode()
    assert 'Name="DeliveryVersion"' not in sap.ask("GET", f"{ROOT}/API_OUTBOUND_DELIVERY_SRV/$metadata").body.decode()  # version 1


def test_the_older_version_of_the_delivery_service_knows_no_version_column(sap: Caller) -> None:
    header = sap.get(f"{ROOT}/API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader('80000001')")
    assert "DeliveryVersion" not in header and "etag" not in header["__metadata"]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the project")
@pytest.mark.parametrize(("sample", "path", "query"), [
    ("A_SalesOrder_page_expand_item.json", f"{SO}/A_SalesOrder", "$inlinecount=allpages&$expand=to_Item"),
    ("A_BusinessPartner_single_expand.json", f"{BP}/A_BusinessPartner('17100001')", "$expand=to_BusinessPartnerAddress,to_Customer"),
    ("A_OperationalAcctgDocItemCube_page.json", CUBE, "$filter=FinancialAccountType eq 'D'"),
])
def test_answers_have_the_fields_of_the_samples_with_their_types(sample: str, path: str, query: str) -> None:
    wanted = json.loads((SAMPLES / sample).read_text())["d"]
    got = Caller(page_size=2).get(path, query)
    nullable = {"LastChangeDate", "ClearingDate", "ExternalDocLastChangeDateTime"}

    def compare(theirs: Any, ours: Any, place: str) -> None:
        if isinstance(theirs, dict):
            for name, value in theirs.items():
                assert name in ours, f"{place}.{name}"
                if name not in nullable:
                    compare(value, ours[name], f"{place}.{name}")
        elif isinstance(theirs, list):
            assert ours, place
            for value in theirs:
                compare(value, ours[0], place)
        else:
            assert type(theirs) is type(ours), (place, theirs, ours)
            if isinstance(theirs, str) and theirs.startswith("/Date"):
                assert re.sub(r"-?\d+(?=[)+])", "N", theirs, count=1) == re.sub(r"-?\d+(?=[)+])", "N", ours, count=1), place

    compare(wanted, got, "d")


# asking


def test_count_is_text_and_only_there_when_asked_for(sap: Caller) -> None:
    assert "__count" not in sap.get(f"{SO}/A_SalesOrder")
    page = sap.get(f"{SO}/A_SalesOrder", "$inlinecount=allpages&$top=1")
    assert page["__count"] == "3" and len(page["results"]) == 1
    assert sap.ask("GET", f"{SO}/A_SalesOrder/$count", query="$filter=SalesOrder gt '1000001'").body == b"2"


def test_next_leads_through_all_pages_of_the_servers_size() -> None:
    sap = Caller(world(orders=25), page_size=10)
    seen, path, query = [], f"{SO}/A_SalesOrder", "$orderby=SalesOrder&$select=SalesOrder"
    while True:
        page = sap.get(path, query)
        seen += [row["SalesOrder"] for row in page["results"]]
        if "__next" not in page:
            break
        link = urlsplit(page["__next"])
        assert f"{link.scheme}://{link.netloc}" == BASE and "$skiptoken=" in link.query
        path, query = link.path, link.query
    assert seen == [str(1_000_000 + key) for key in range(1, 26)]
    assert "__next" not in sap.get(f"{SO}/A_SalesOrder", "$top=5")  # nothing more was asked for
    assert "__next" in sap.get(f"{SO}/A_SalesOrder", "$top=15")


def test_filters_compare_days_moments_flags_and_amounts(sap: Caller) -> None:
    def keys(text: str, path: str = f"{SO}/A_SalesOrder", key: str = "SalesOrder") -> list[str]:
        return [row[key] for row in sap.rows(path, f"$filter={text}")]

    assert keys("LastChangeDateTime ge datetimeoffset'2026-11-10T12:02:00Z'") == ["1000002", "1000003"]
    assert keys("LastChangeDateTime gt datetimeoffset'2026-11-10T12:02:00Z'") == ["1000003"]
    assert keys("SalesOrderDate eq datetime'2026-10-21T00:00:00' and SalesOrder ne '1000002'") == ["1000001", "1000003"]
    assert keys("TotalNetAmount gt 149.99M") == ["1000001", "1000002", "1000003"] and keys("TotalNetAmount gt 150.00M") == []
    assert keys("SalesOrder eq '0001000002' or SalesOrder eq '1000003'") == ["1000002", "1000003"]
    assert keys("(SalesOrder gt '1000001' and SalesOrder lt '1000003')") == ["1000002"]
    assert keys("not (SalesOrder eq '1000001')") == ["1000002", "1000003"]
    assert keys("OrderIsBlockedForCustomer ne ''", f"{BP}/A_Customer", "Customer") == ["17100002"]
    assert keys("substringof('Nord',CustomerName)", f"{BP}/A_Customer", "Customer") == ["17100001"]
    assert keys("CustomerName eq 'Acme ''Nord'' GmbH'", f"{BP}/A_Customer", "Customer") == ["17100001"]
    assert keys("IsCleared eq false and FinancialAccountType eq 'D'", CUBE, "AccountingDocument") == ["9400000002"]
    assert keys("ActualGoodsMovementDate ne null", f"{DELIVERY}/A_OutbDeliveryHeader", "DeliveryDocument") == ["80000001"]


def test_numbers_sort_as_numbers_and_order_can_descend(sap: Caller) -> None:
    sap.log_in()
    made = sap.ask("POST", f"{SO}/A_SalesOrder", order_body())
    assert made.status == 201
    newest = sap.rows(f"{SO}/A_SalesOrder", "$orderby=LastChangeDateTime desc&$top=1")
    assert newest[0]["SalesOrder"] == "8000001"
    assert [row["SalesOrderItem"] for row in sap.rows(f"{SO}/A_SalesOrderItem", "$filter=SalesOrder eq '1000001'")] == ["10", "20"]


def test_expand_and_select(sap: Caller) -> None:
    page = sap.get(f"{SO}/A_SalesOrder", "$expand=to_Item,to_Item/to_ScheduleLine&$select=SalesOrder,to_Item/SalesOrderItem,to_Item/to_ScheduleLine&$top=1")
    [order] = page["results"]
    assert set(order) == {"__metadata", "SalesOrder", "to_Item"}
    assert [item["SalesOrderItem"] for item in order["to_Item"]["results"]] == ["10", "20"]
    assert order["to_Item"]["results"][0]["to_ScheduleLine"]["results"][0]["ScheduleLineOrderQuantity"] == "2"
    person = sap.get(f"{BP}/A_BusinessPartner('9980000001')", "$expand=to_Customer")
    assert person["to_Customer"] is None  # expanded to one that is not there
    assert sap.rows(f"{BP}/A_BusinessPartner('17100001')/to_BusinessPartnerContact")[0]["BusinessPartnerPerson"] == "9980000001"
    assert sap.get(f"{SO}/A_SalesOrder('1000001')/SoldToParty") == {"SoldToParty": "17100001"}
    assert sap.ask("GET", f"{SO}/A_SalesOrder('1000001')/SoldToParty/$value").body == b"17100001"


@pytest.mark.parametrize(("path", "query", "status"), [
    (f"{SO}/A_SalesOrder", "$filter=Colour eq 'red'", 400), (f"{SO}/A_SalesOrder", "$select=Colour", 400),
    (f"{SO}/A_SalesOrder", "$orderby=Colour", 400), (f"{SO}/A_SalesOrder", "$expand=to_Nothing", 400),
    (f"{SO}/A_SalesOrder", "$filter=SalesOrder like 'x'", 400), (f"{SO}/A_SalesOrder", "$filter=LastChangeDateTime ge '2026'", 400),
    (f"{SO}/A_SalesOrder", "$top=-1", 400), (f"{SO}/A_SalesOrder", "$inlinecount=yes", 400), (f"{SO}/A_SalesOrder", "$colour=red", 400),
    (f"{SO}/A_SalesOrder", "$search=x", 400), (f"{SO}/A_SalesOrder", "$filter=to_Item/Material eq 'x'", 400),
    (f"{SO}/A_SalesOrder", "$format=pdf", 400), (f"{SO}/A_SalesOrder('77')", "", 404), (f"{SO}/A_Colour", "", 404), (f"{SO}//", "", 404),
    (f"{SO}/A_SalesOrderItem(SalesOrder='1000001')", "", 400), (f"{SO}/A_SalesOrder('1000001')/to_Nothing", "", 404),
    (f"{SO}/A_SalesOrderSubsqntProcFlow", "$filter=SubsequentDocumentCategory eq 'J'", 400),  # doc flow cannot be filtered
    (f"{DELIVERY}/A_OutbDeliveryDocFlow", "", 405),  # and this one is reached by navigation only
])
def test_what_the_service_does_not_know_is_refused(sap: Caller, path: str, query: str, status: int) -> None:
    response = sap.ask("GET", path, query=query)
    assert response.status == status, response.body
    if "format" not in query:
        refused(response, status)


def test_what_lists_leave_out_is_counted_and_readable_by_key() -> None:
    view = world()
    view.orders[1].hidden = True
    sap = Caller(view)
    assert [row["SalesOrder"] for row in sap.rows(f"{SO}/A_SalesOrder")] == ["1000001", "1000003"]
    assert sap.ask("GET", f"{SO}/A_SalesOrder/$count").body == b"3"
    assert sap.get(f"{SO}/A_SalesOrder('1000002')")["SalesOrder"] == "1000002"


# the company's books


def test_a_customer_is_partner_customer_company_area_and_credit_account(sap: Caller) -> None:
    partner = sap.get(f"{BP}/A_BusinessPartner('17100001')", "$expand=to_BusinessPartnerRole")
    assert partner["BusinessPartnerIDByExtSystem"] == "crm-customer-1"
    assert [role["BusinessPartnerRole"] for role in partner["to_BusinessPartnerRole"]["results"]] == ["FLCU00", "FLCU01"]
    assert sap.get(f"{BP}/A_Customer('17100002')")["OrderIsBlockedForCustomer"] == "01"
    assert sap.get(f"{BP}/A_CustomerCompany(Customer='17100002',CompanyCode='1710')")["CustomerHeadOffice"] == "17100001"
    assert sap.get(f"{BP}/A_CustomerSalesArea({AREA})")["CustomerPaymentTerms"] == "NT45"
    assert "LastChangeDate" not in SETS["A_Customer"].properties
    limit = sap.get(f"{ROOT}/API_CRDTMBUSINESSPARTNER/CreditManagementAccount(BusinessPartner='17100001',CreditSegment='1000')")
    assert (limit["CreditLimitAmount"], limit["CreditSegmentCurrency"]) == ("5000.00", "EUR")


def test_a_paid_invoice_and_its_payment_share_their_clearing_document(sap: Caller) -> None:
    lines = {row["AccountingDocument"]: row for row in sap.rows(CUBE, "$filter=FinancialAccountType eq 'D'")}
    invoice, payment, credit, refund = lines["9400000001"], lines["1400000001"], lines["9500000001"], lines["1500000001"]
    assert invoice["ClearingAccountingDocument"] == payment["ClearingAccountingDocument"] == "1400000001"
    assert (invoice["AmountInTransactionCurrency"], payment["AmountInTransactionCurrency"]) == ("170.00", "-170.00")
    assert invoice["LastChangeDate"] is None and invoice["ClearingDate"] == "/Date(1794700800000)/"
    assert credit["ClearingAccountingDocument"] == "1500000001" and refund["DebitCreditCode"] == "S"
    assert payment["DocumentItemText"] == "billing-payment-1" and not lines["9400000002"]["IsCleared"]
    document = sap.get(f"{BD}/A_BillingDocument('90000001')", "$expand=to_Item")
    assert (document["PurchaseOrderByCustomer"], document["DocumentReferenceID"]) == ("billing-invoice-1", "INV-1")
    assert document["to_Item"]["results"][0]["SalesDocument"] == "1000001"


def test_currencies_without_decimals_have_none() -> None:
    view = world()
    view.orders[0].currency = "JPY"
    assert Caller(view).get(f"{SO}/A_SalesOrder('1000001')")["TotalNetAmount"] == "150"


def test_a_partners_stamp_moves_with_the_partner_alone_not_with_its_customer(sap: Caller) -> None:
    before = sap.get(f"{BP}/A_BusinessPartner('17100001')")["LastChangeTime"]
    later = world()
    later.customers[0].credit_hold, later.customers[0].updated_at = True, NOW
    sap.vendor.apply(View(system="sap_s4hana", as_of=NOW, customers=[later.customers[0]], peers=peers))
    assert sap.get(f"{BP}/A_Customer('17100001')")["OrderIsBlockedForCustomer"] == "01"
    assert sap.get(f"{BP}/A_BusinessPartner('17100001')")["LastChangeTime"] == before
    later.customers[0].name = "Acme Neu"
    sap.vendor.apply(View(system="sap_s4hana", as_of=NOW, customers=[later.customers[0]], peers=peers))
    assert sap.get(f"{BP}/A_BusinessPartner('17100001')")["LastChangeTime"] == "PT12H00M00S"


def test_the_world_moves_on_payments_clear_and_documents_go(sap: Caller) -> None:
    later = world()
    paid, order = later.invoices[1], later.orders[2]
    paid.status, paid.paid_at, paid.amount_paid, paid.amount_remaining = "paid", NOW, paid.total, Decimal(0)
    order.removed = True
    payment = Payment(key=2, customer=1, invoice=2, amount=paid.total, currency="EUR", status="succeeded", paid_at=NOW, created_at=NOW, updated_at=NOW)
    sap.vendor.apply(View(system="sap_s4hana", as_of=NOW, invoices=[paid], payments=[payment], orders=[order], peers=peers))
    item = sap.get(f"{CUBE}(CompanyCode='1710',FiscalYear='2026',AccountingDocument='9400000002',AccountingDocumentItem='001')")
    assert item["IsCleared"] and item["ClearingAccountingDocument"] == "1400000002" and item["LastChangeDate"] is None
    assert sap.ask("GET", f"{SO}/A_SalesOrder('1000003')").status == 404
    assert sap.rows(f"{SO}/A_SalesOrderItem", "$filter=SalesOrder eq '1000003'") == []


def test_a_void_invoice_has_a_document_that_cancels_it() -> None:
    view = world()
    view.invoices[1].status = "void"
    sap = Caller(view)
    assert sap.get(f"{BD}/A_BillingDocument('90000002')")["BillingDocumentIsCancelled"] is True
    [other] = sap.rows(f"{BD}/A_BillingDocument", "$filter=CancelledBillingDocument eq '90000002'")
    assert (other["BillingDocumentType"], other["SDDocumentCategory"]) == ("S1", "N")


# writing


def order_body(**changes: Any) -> dict[str, Any]:
    return {"SalesOrderType": "OR", "SalesOrganization": "1710", "DistributionChannel": "10", "OrganizationDivision": "00", "SoldToParty": "17100001",
            "PurchaseOrderByCustomer": "CRM-1", "to_Item": [{"Material": "30000001", "RequestedQuantity": "5"}], **changes}


def test_an_order_is_created_deep_with_number_price_and_location(sap: Caller) -> None:
    sap.log_in()
    made = sap.ask("POST", f"{SO}/A_SalesOrder", order_body())
    order = json.loads(made.body)["d"]
    assert made.status == 201 and order["SalesOrder"] == "8000001" and made.headers["location"] == f"{BASE}{SO}/A_SalesOrder('8000001')"
    assert (order["TotalNetAmount"], order["TransactionCurrency"], order["CreatedByUser"]) == ("250.00", "EUR", "CC0000000001")
    assert sap.rows(f"{SO}/A_SalesOrder('8000001')/to_Item")[0]["NetAmount"] == "250.00"


@pytest.mark.parametrize(("changes", "code"), [
    ({"SoldToParty": "17100009"}, "SLS_LORD/012"), ({"SoldToParty": "17100002"}, "V1/319"), ({"SalesOrderType": ""}, "SLS_LORD/042"),
    ({"to_Item": [{"Material": "nothing", "RequestedQuantity": "1"}]}, "SLS_LORD/013"), ({"ExternalDocumentID": "x"}, ""),
    ({"Colour": "red"}, ""), ({"PurchaseOrderByCustomer": "x" * 36}, ""), ({"PurchaseOrderByCustomer": 5}, ""),
    ({"to_Item": [{"Material": "30000001", "RequestedQuantity": 5}]}, ""),
])
def test_an_order_that_breaks_a_rule_is_refused_and_leaves_nothing(sap: Caller, changes: dict[str, Any], code: str) -> None:
    sap.log_in()
    refused(sap.ask("POST", f"{SO}/A_SalesOrder", order_body(**changes)), 400, code)
    assert sap.ask("GET", f"{SO}/A_SalesOrder/$count").body == b"3"


def test_changing_an_order_needs_its_version(sap: Caller) -> None:
    sap.log_in()
    path, body = f"{SO}/A_SalesOrder('1000001')", {"DeliveryBlockReason": "01"}
    read = sap.ask("GET", path).headers["etag"]
    refused(sap.ask("PATCH", path, body), 428)
    changed = sap.ask("PATCH", path, body, headers={"if-match": read})
    assert changed.status == 204 and changed.body == b"" and changed.headers["etag"] != read
    refused(sap.ask("PATCH", path, {"DeliveryBlockReason": ""}, headers={"if-match": read}), 412)
    assert sap.get(path)["TotalBlockStatus"] == "C"
    assert sap.ask("PATCH", path, {"DeliveryBlockReason": ""}, headers={"if-match": "*"}).status == 204
    merged = sap.ask("POST", path, {"DeliveryBlockReason": "02"}, headers={"if-match": "*", "x-http-method": "MERGE"})
    assert merged.status == 204 and sap.get(path)["DeliveryBlockReason"] == "02"


def test_two_changes_within_a_moment_have_two_versions(sap: Caller) -> None:
    sap.log_in()
    path = f"{SO}/A_SalesOrder('1000001')"
    first = sap.ask("PATCH", path, {"DeliveryBlockReason": "01"}, headers={"if-match": "*"}).headers["etag"]
    second = sap.ask("PATCH", path, {"DeliveryBlockReason": "02"}, headers={"if-match": first}).headers["etag"]
    assert second != first
    refused(sap.ask("PATCH", path, {"DeliveryBlockReason": "03"}, headers={"if-match": first}), 412)


def test_verbs_that_a_set_does_not_take(sap: Caller) -> None:
    sap.log_in()
    refused(sap.ask("POST", f"{BP}/A_Customer", {"Customer": "1"}), 405)
    refused(sap.ask("DELETE", f"{BP}/A_BusinessPartner('17100001')"), 405)
    refused(sap.ask("PATCH", f"{BD}/A_BillingDocument('90000001')", {"PaymentReference": "x"}, headers={"if-match": "*"}), 405)
    refused(sap.ask("PATCH", f"{SO}/A_SalesOrder", {}), 405)
    assert sap.ask("POST", f"{SO}/A_SalesOrder", b"<xml/>", headers={"content-type": "application/xml"}).status == 415
    refused(sap.ask("POST", f"{SO}/A_SalesOrder", b"{", headers={"content-type": "application/json"}), 400)


def test_deleting_an_order_takes_its_items_along(sap: Caller) -> None:
    sap.log_in()
    refused(sap.ask("DELETE", f"{SO}/A_SalesOrder('1000002')"), 428)
    assert sap.ask("DELETE", f"{SO}/A_SalesOrder('1000002')", headers={"if-match": "*"}).status == 204
    assert sap.rows(f"{SO}/A_SalesOrderItem", "$filter=SalesOrder eq '1000002'") == []


def test_a_hold_is_set_and_released_and_stops_new_orders(sap: Caller) -> None:
    sap.log_in()
    area = f"{BP}/A_CustomerSalesArea({AREA})"
    assert sap.ask("PATCH", area, {"OrderIsBlockedForCustomer": "01"}).status == 204
    refused(sap.ask("POST", f"{SO}/A_SalesOrder", order_body()), 400, "V1/319")
    assert sap.ask("PATCH", area, {"OrderIsBlockedForCustomer": ""}).status == 204
    assert sap.ask("POST", f"{SO}/A_SalesOrder", order_body()).status == 201


def test_a_customer_is_created_through_its_business_partner(sap: Caller) -> None:
    sap.log_in()
    made = sap.ask("POST", f"{BP}/A_BusinessPartner", {
        "BusinessPartnerCategory": "2", "OrganizationBPName1": "New Ltd", "BusinessPartnerGrouping": "BP02",
        "to_BusinessPartnerAddress": [{"Country": "US", "CityName": "Austin", "PostalCode": "78701", "to_EmailAddress": {"results": [{"EmailAddress": "a@new.example"}]}}],
        "to_BusinessPartnerRole": [{"BusinessPartnerRole": "FLCU00"}, {"BusinessPartnerRole": "FLCU01"}],
        "to_Customer": {"to_CustomerCompany": [{"CompanyCode": "1710", "ReconciliationAccount": "12100000"}],
                        "to_CustomerSalesArea": [{"SalesOrganization": "1710", "DistributionChannel": "10", "Division": "00", "Currency": "USD"}]}})
    assert made.status == 201, made.body
    number = json.loads(made.body)["d"]["BusinessPartner"]
    customer = sap.get(f"{BP}/A_Customer('{number}')", "$expand=to_CustomerSalesArea,to_CustomerCompany")
    assert customer["CustomerName"] == "New Ltd" and customer["to_CustomerSalesArea"]["results"][0]["Currency"] == "USD"
    address = sap.get(f"{BP}/A_BusinessPartner('{number}')/to_BusinessPartnerAddress", "$expand=to_EmailAddress")["results"][0]
    assert address["to_EmailAddress"]["results"][0]["EmailAddress"] == "a@new.example"
    assert sap.ask("POST", f"{SO}/A_SalesOrder", order_body(SoldToParty=number)).status == 201
    assert sap.ask("PATCH", f"{BP}/A_BusinessPartner('{number}')", {"SearchTerm1": "NEW"}).status == 204  # no version here, so no If-Match
    assert sap.get(f"{BP}/A_BusinessPartner('{number}')")["LastChangedByUser"] == "CC0000000001"


def test_credit_memo_requests_and_returns_refer_to_the_invoice(sap: Caller) -> None:
    sap.log_in()
    org = {"SalesOrganization": "1710", "DistributionChannel": "10", "OrganizationDivision": "00", "SoldToParty": "17100001",
           "ReferenceSDDocument": "90000001", "ReferenceSDDocumentCategory": "M"}
    made = sap.ask("POST", f"{ROOT}/API_CREDIT_MEMO_REQUEST_SRV/A_CreditMemoRequest", {
        **org, "CreditMemoRequestType": "CR", "SDDocumentReason": "001", "PurchaseOrderByCustomer": "case-77",
        "to_Item": [{"Material": "30000001", "RequestedQuantity": "1", "ReferenceSDDocument": "90000001", "ReferenceSDDocumentItem": "10"}]})
    request = json.loads(made.body)["d"]
    assert made.status == 201 and (request["TotalNetAmount"], request["HeaderBillingBlockReason"]) == ("75.00", "08")
    path = f"{ROOT}/API_CUSTOMER_RETURN_SRV/A_CustomerReturn"
    made = sap.ask("POST", path, {**org, "CustomerReturnType": "CBAR", "to_Item": [
        {"ReturnReason": "001", "RequestedQuantity": "1", "CustRetMatlAuthzn": "RMA-77", "ReferenceSDDocument": "90000001", "ReferenceSDDocumentItem": "10"}]})
    number = json.loads(made.body)["d"]["CustomerReturn"]
    assert sap.rows(f"{path}('{number}')/to_Item")[0]["CustRetMatlAuthzn"] == "RMA-77"


def test_function_imports(sap: Caller) -> None:
    sap.log_in()
    refused(sap.ask("POST", f"{SO}/releaseApprovalRequest", query="SalesOrder='1000001'"), 400)  # nothing to approve
    refused(sap.ask("POST", f"{SO}/releaseApprovalRequest"), 400, words="missing")
    refused(sap.ask("GET", f"{SO}/releaseApprovalRequest", query="SalesOrder='1000001'"), 405)
    refused(sap.ask("POST", f"{DELIVERY}/PostGoodsIssue", query="DeliveryDocument='80000001'"), 400)  # it is posted
    back = sap.ask("POST", f"{DELIVERY}/ReverseGoodsIssue", query="DeliveryDocument='80000001'&ActualGoodsMovementDate=datetime'2026-11-20T00:00:00'")
    assert back.status == 200 and sap.get(f"{DELIVERY}/A_OutbDeliveryHeader('80000001')")["ActualGoodsMovementDate"] is None
    assert sap.ask("POST", f"{DELIVERY}/PostGoodsIssue", query="DeliveryDocument='80000001'").status == 200
    header = sap.get(f"{DELIVERY}/A_OutbDeliveryHeader('80000001')")
    assert header["OverallGoodsMovementStatus"] == "C" and header["LastChangeDate"] == "/Date(1795132800000)/"
    cancelled = sap.ask("POST", f"{BD}/Cancel", query="BillingDocument='90000002'")
    assert json.loads(cancelled.body)["d"]["results"][0]["CancelledBillingDocument"] == "90000002"
    assert sap.get(f"{BD}/A_BillingDocument('90000002')")["BillingDocumentIsCancelled"] is True
    assert b"BillingDocumentBinary" in sap.ask("GET", f"{BD}/GetPDF", query="BillingDocument='90000001'").body


def test_deliveries_follow_orders_and_returns_deliveries_follow_returns(sap: Caller) -> None:
    sap.log_in()
    path = f"{DELIVERY}/A_OutbDeliveryHeader"
    refused(sap.ask("POST", path, {"ShippingPoint": "1710"}), 400, "VL/001")
    made = sap.ask("POST", path, {"to_DeliveryDocumentItem": {"results": [{"ReferenceSDDocument": "1000002"}]}})
    assert made.status == 201 and sap.rows(f"{path}('83000001')/to_DeliveryDocumentItem")[1]["ReferenceSDDocumentItem"] == "20"
    refused(sap.ask("POST", f"{DELIVERY}/PostGoodsIssue", query="DeliveryDocument='83000001'"), 400, "VL/608")  # not picked
    assert sap.ask("POST", f"{DELIVERY}/PickAllItems", query="DeliveryDocument='83000001'").status == 200
    assert sap.ask("POST", f"{DELIVERY}/PostGoodsIssue", query="DeliveryDocument='83000001'").status == 200
    back = f"{ROOT}/API_CUSTOMER_RETURNS_DELIVERY_SRV;v=0002"
    made = sap.ask("POST", f"{back}/A_ReturnsDeliveryHeader", {"to_DeliveryDocumentItem": [{"ReferenceSDDocument": "60000001"}]})
    assert made.status == 201 and sap.ask("POST", f"{back}/PostGoodsReceipt", query="DeliveryDocument='88000001'").status == 200
    assert sap.get(f"{back}/A_ReturnsDeliveryHeader('88000001')")["OverallGoodsMovementStatus"] == "C"


def test_a_credit_block_is_released_once(sap: Caller) -> None:
    sap.log_in()
    path, query = f"{ROOT}/API_DEL_DOC_WITH_CREDIT_BLOCK/ReleaseCreditBlock", "DeliveryDocument='80000001'&SDDocumentCategory='J'"
    refused(sap.ask("POST", path, query=query), 400, "VKM/001")
    held = sap.vendor.store.get("A_OutbDeliveryHeader", "80000001")
    sap.vendor.tenant.put("A_OutbDeliveryHeader", "80000001", {**held, "TotalCreditCheckStatus": "B"})
    assert sap.ask("POST", path, query=query).status == 200
    assert sap.get(f"{DELIVERY}/A_OutbDeliveryHeader('80000001')")["TotalCreditCheckStatus"] == "D"


# batches


def batch_body(*changesets: list[str], reads: tuple[str, ...] = ()) -> bytes:
    parts = []
    for place, operations in enumerate(changesets):
        inner = "".join(f"--c{place}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {number}\r\n\r\n{text}\r\n"
                        for number, text in enumerate(operations, 1))
        parts.append(f"--b1\r\nContent-Type: multipart/mixed; boundary=c{place}\r\n\r\n{inner}--c{place}--\r\n")
    parts += [f"--b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET {path} HTTP/1.1\r\n\r\n\r\n" for path in reads]
    return ("".join(parts) + "--b1--\r\n").encode()


def hold(customer: str, code: str = "01") -> str:
    return (f"PATCH A_Customer('{customer}') HTTP/1.1\r\nContent-Type: application/json\r\n\r\n" + json.dumps({"OrderIsBlockedForCustomer": code}))


def test_a_batch_answers_each_part_and_a_changeset_is_all_or_nothing(sap: Caller) -> None:
    kind = {"content-type": "multipart/mixed; boundary=b1"}
    assert sap.ask("POST", f"{BP}/$batch", batch_body([hold("17100001")]), headers=kind).status == 403  # a batch needs the token too
    sap.log_in()
    answer = sap.ask("POST", f"{BP}/$batch", batch_body([hold("17100001")], reads=("A_Customer('17100001')?$format=json",)), headers=kind)
    assert answer.status == 202 and answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert b"HTTP/1.1 204 No Content" in answer.body and b'"OrderIsBlockedForCustomer":"01"' in answer.body
    failed = sap.ask("POST", f"{BP}/$batch", batch_body([hold("17100001", ""), hold("99")], [hold("17100002", "")]), headers=kind)
    assert failed.status == 202 and failed.body.count(b"HTTP/1.1 404") == 1 and failed.body.count(b"HTTP/1.1 204") == 1
    assert sap.get(f"{BP}/A_Customer('17100001')")["OrderIsBlockedForCustomer"] == "01"  # undone with its changeset
    assert sap.get(f"{BP}/A_Customer('17100002')")["OrderIsBlockedForCustomer"] == ""
    refused(sap.ask("POST", f"{BP}/$batch", b"no batch", headers=kind), 400)


def test_throttling_and_outages_are_the_vendors_own(sap: Caller) -> None:
    limited = sap.vendor.rate_limited(Request("GET", "/", BASE))
    assert limited.status == 429 and limited.headers["retry-after"] == "1"
    assert sap.vendor.unavailable(Request("GET", "/", BASE)).status == 500


def test_numbers_of_the_world_are_found_by_name() -> None:
    assert native_id("sap_s4hana", "customer", 1) == "17100001" and native_id("sap_s4hana", "agent", 3) == "CB9980000003"
    with pytest.raises(KeyError):
        native_id("sap_s4hana", "ticket", 1)

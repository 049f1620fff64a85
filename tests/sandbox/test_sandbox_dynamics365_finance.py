"""The Dynamics 365 Finance sandbox over real HTTP: login, companies, the query language and its refusals, paging, writes, batches."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.dynamics365_finance.api import Dynamics, Settings
from sandbox.dynamics365_finance.catalogue import SETS
from sandbox.dynamics365_finance.enumerations import ENUMS
from sandbox.dynamics365_finance.ids import company_of, native_id
from sandbox.protocol import Clock, Request, Store
from sandbox.world.model import Contact, CreditNote, Customer, Invoice, Line, Order, Payment, Product, Refund, Return, Shipment, View
from tests.sandbox.served import served

AT = datetime(2024, 5, 24, 10, 30, tzinfo=UTC)
STAMP: dict[str, Any] = {"created_at": AT, "updated_at": AT, "actor": "mia"}
SPECS = Path(__file__).resolve().parents[2].parent / "shared" / "specs" / "dynamics365_finance"
ALL = {"cross-company": "true"}
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


def _customer(key: int, **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "key": key, **STAMP, "name": f"Acme {key}", "domain": "acme.test", "tax_id": f"US{key}", "email": "ap@acme.test", "phone": "555",
        "street": "1 Main", "city": "Austin", "region": "TX", "postcode": "78701", "country": "US", "currency": "USD",
        "credit_limit": Decimal("25000"), "erp_customer": key,
    }
    return Customer(**{**values, **changes})


def _lines(count: int = 1) -> list[Line]:
    return [Line(number=place, product=1, description="Widget", quantity=Decimal(2), unit_price=Decimal("49.99"), amount=Decimal("99.98"),
                 tax=Decimal("8.25")) for place in range(1, count + 1)]


def _peers(role: str, entity: str, key: int, customer: int) -> str:
    return f"{role}-{entity}-{key}"


def _view(**changes: Any) -> View:
    money: dict[str, Any] = {"currency": "USD", "subtotal": Decimal("99.98"), "tax": Decimal("8.25"), "total": Decimal("108.23")}
    days: dict[str, Any] = {"invoice_date": date(2024, 5, 10), "due_date": date(2024, 6, 9), "finalized_at": AT}
    left: dict[str, Any] = {"amount_paid": Decimal(0), "amount_remaining": Decimal("108.23")}
    done: dict[str, Any] = {"amount_paid": Decimal("108.23"), "amount_remaining": Decimal(0), "paid_at": AT}
    view = View(system="dynamics365_finance", as_of=AT, role="erp", peers=_peers)
    view.customers = [_customer(1, credit_hold=True), _customer(2, parent=1, erp_customer=None, currency="CHF"),
                      _customer(3, country="DE", currency="EUR", parent=1), _customer(4, hidden=True, name="O'Neil")]
    view.contacts = [Contact(key=1, customer=1, first_name="Ann", last_name="Lee", email="ann@acme.test", phone="1", title="CFO", **STAMP)]
    view.products = [Product(key=1, sku="SKU-1", name="Widget", description="", unit_price=Decimal("49.99"), currency="USD", is_recurring=False, **STAMP)]
    view.orders = [
        Order(key=1, customer=1, number="SO000001", status="pending_fulfillment", order_date=date(2024, 5, 1), opportunity=7, lines=_lines(2), **money, **STAMP),
        Order(key=2, customer=3, number="SO000002", status="On review", order_date=date(2024, 5, 1), lines=_lines(), **money, **STAMP),
    ]
    view.invoices = [
        Invoice(key=1, customer=1, number="B-1", status="open", order=1, lines=_lines(), **days, **money, **left, **STAMP),
        Invoice(key=2, customer=3, number="B-2", status="paid", lines=_lines(), **days, **money, **done, **STAMP),
        Invoice(key=3, customer=1, number="B-3", status="void", lines=_lines(), **days, **money, **left, **STAMP),
        Invoice(key=4, customer=1, number="B-4", status="draft", lines=_lines(), **days, **money, **left, **STAMP),
    ]
    view.payments = [Payment(key=1, customer=3, invoice=2, amount=Decimal("108.23"), currency="USD", status="succeeded", paid_at=AT, number="PAY-1", **STAMP)]
    view.credit_notes = [CreditNote(key=1, customer=3, invoice=2, number="CN-1", status="issued", issue_date=date(2024, 5, 20), reason="damaged",
                                    lines=_lines(), **money, **STAMP)]
    view.refunds = [Refund(key=1, customer=3, payment=1, credit_note=1, amount=Decimal("108.23"), currency="USD", status="succeeded", **STAMP)]
    view.shipments = [Shipment(key=1, customer=1, order=1, number="SH-1", status="shipped", planned_date=date(2024, 5, 3), shipped_at=AT,
                               carrier="UPS", tracking_number="1Z9", lines=_lines(), **STAMP)]
    view.returns = [Return(key=1, customer=3, order=2, invoice=2, number="RMA-1", status="credited", reason="damaged", currency="USD",
                           amount=Decimal("108.23"), received_at=AT, credit_note=1, ticket=5, lines=_lines(), **STAMP)]
    for name, value in changes.items():
        setattr(view, name, value)
    return view


@dataclass
class Environment:
    vendor: Dynamics
    clock: Clock
    url: str
    token: str = ""

    def login(self, path: str = "/oauth2/v2.0/token", tenant: str = Settings.tenant, **changes: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "client_id": Settings.client_id, "client_secret": Settings.client_secret,
                "scope": f"{self.url}/.default", **changes}
        return requests.post(f"{self.url}/{tenant}{path}", data={name: value for name, value in form.items() if value}, timeout=10)

    def call(self, method: str, path: str, **given: Any) -> requests.Response:
        if not self.token:
            self.token = self.login().json()["access_token"]
        headers = {"Authorization": f"Bearer {self.token}", **given.pop("headers", {})}
        return requests.request(method, path if path.startswith("http") else f"{self.url}/data/{path}", headers=headers, timeout=30, **given)

    def rows(self, path: str, **params: str) -> list[dict[str, Any]]:
        answer = self.call("GET", path, params={**ALL, **{f"${name}": value for name, value in params.items()}})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    def refused(self, path: str, **params: str) -> tuple[int, str]:
        answer = self.call("GET", path, params={**ALL, **{f"${name}": value for name, value in params.items()}})
        return answer.status_code, answer.json()["error"]["message"]


@pytest.fixture
def serve() -> Iterator[Callable[..., Environment]]:
    open_servers = ExitStack()

    def start(view: View | None = None, **settings: Any) -> Environment:
        clock = Clock()
        vendor = Dynamics(Store(), clock, Settings(**settings))
        vendor.load(view or _view())

        return Environment(vendor, clock, open_servers.enter_context(served(vendor.handle, clock)))

    with open_servers:
        yield start


@pytest.fixture
def d365(serve: Callable[..., Environment]) -> Environment:
    return serve()


# login


def test_token_in_both_versions_and_its_refusals(d365: Environment) -> None:
    answer = d365.login()
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["ext_expires_in"]) == ("Bearer", 3599, 3599)
    assert body["access_token"].count(".") == 2
    assert d365.login("/oauth2/token", scope="", resource=d365.url).status_code == 200
    assert d365.login("/oauth2/token", scope="", resource=d365.url + "/").json()["error"] == "invalid_resource"
    wrong = d365.login(client_secret="guess")
    assert wrong.status_code == 401
    assert (wrong.json()["error"], wrong.json()["error_codes"]) == ("invalid_client", [7000215])
    assert wrong.json()["error_description"].startswith("AADSTS7000215: ")
    cases = {("scope", d365.url): "invalid_scope", ("scope", "https://other.example/.default"): "invalid_resource",
             ("grant_type", "password"): "unsupported_grant_type", ("client_id", "nobody"): "unauthorized_client"}
    for (name, value), error in cases.items():
        answer = d365.login(**{name: value})
        assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert d365.login(tenant="99999999-2222-3333-4444-555555555555").json()["error"] == "invalid_request"


def test_only_a_living_token_of_a_mapped_application_gets_in(serve: Callable[..., Environment]) -> None:
    d365 = serve()
    assert d365.call("GET", "Companies").status_code == 200
    answer = requests.get(f"{d365.url}/data/Companies", timeout=10)
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer ")
    d365.clock.advance(timedelta(hours=1))
    assert d365.call("GET", "Companies").status_code == 401
    d365.token = d365.login().json()["access_token"]
    assert d365.call("GET", "Companies").status_code == 200
    d365.vendor.expire_tokens()
    assert d365.call("GET", "Companies").status_code == 401
    assert serve(is_mapped=False).call("GET", "Companies").status_code == 401


# companies, records


def test_without_cross_company_only_the_default_companys_rows_are_there(d365: Environment) -> None:
    assert [company_of(key) for key in (1, 2, 3)] == ["usmf", "usmf", "demf"]
    own = d365.call("GET", "CustomersV3").json()["value"]
    assert {row["dataAreaId"] for row in own} == {"usmf"}
    assert [row["CustomerAccount"] for row in d365.rows("CustomersV3")] == ["DE-000003", "US-000001", "US-000002"]
    assert d365.call("GET", "CustomersV3", params={"$filter": "dataAreaId eq 'demf'"}).json()["value"] == []
    assert len(d365.rows("CustomersV3", filter="dataAreaId eq 'DEMF'")) == 1  # compared without regard to case
    key = "CustomersV3(dataAreaId='demf',CustomerAccount='DE-000003')"
    assert d365.call("GET", key).status_code == 404
    assert d365.call("GET", key, params=ALL).json()["OrganizationName"] == "Acme 3"
    assert d365.call("PATCH", key, json={"OnHoldStatus": "All"}).status_code == 404
    assert d365.call("PATCH", key, json={"OnHoldStatus": "All"}, params=ALL).status_code == 204
    assert d365.call("GET", "CustomersV3/$count").text == "3" and d365.call("GET", "CustomersV3/$count", params=ALL).text == "4"
    assert d365.call("GET", "CustomersV3", params={"cross-company": "yes"}).status_code == 400


def test_a_customer_as_the_world_has_it(d365: Environment) -> None:
    row = next(row for row in d365.rows("CustomersV3") if row["CustomerAccount"] == native_id("customer", 1))
    wanted = {
        "dataAreaId": "usmf", "OrganizationName": "Acme 1", "PartyType": "Organization", "SalesCurrencyCode": "USD", "OnHoldStatus": "All",
        "CreditLimit": 25000, "IdentificationNumber": "crm-customer-1", "TaxExemptNumber": "US1", "PaymentTerms": "Net30",
        "AddressCountryRegionId": "USA", "AddressCountryRegionISOCode": "US", "AddressValidTo": "2154-12-31T23:59:59Z",
        "CredManCreditLimitExpiryDate": "1900-01-01T12:00:00Z", "PrimaryContactEmail": "ap@acme.test",
    }
    assert {name: row[name] for name in wanted} == wanted
    child = next(row for row in d365.rows("CustomersV3") if row["CustomerAccount"] == "US-000002")
    assert (child["InvoiceAccount"], child["CompanyChain"], child["IdentificationNumber"]) == ("US-000001", "US-000001", "")
    far = d365.rows("CustomersV3", filter="dataAreaId eq 'demf'")[0]
    assert (far["InvoiceAccount"], far["CompanyChain"]) == ("", "US-000001")  # who pays is always of the own company
    stamp = d365.rows("CustTableBiEntities", filter="AccountNum eq 'US-000001'")[0]
    assert (stamp["SysModifiedDateTime"], stamp["SysModifiedBy"], stamp["Blocked"]) == ("2024-05-24T10:30:00Z", "mia", "All")


def test_documents_name_each_other_and_other_systems(d365: Environment) -> None:
    order = d365.rows("SalesOrderHeadersV2", filter="SalesOrderNumber eq 'SO000001'", expand="SalesOrderLines")[0]
    assert (order["CustomersOrderReference"], order["SalesOrderStatus"], order["SalesOrderProcessingStatus"]) == (
        "crm-opportunity-7", "Backorder", "Confirmed")
    assert order["ConfirmedShippingDate"] == "2024-05-03T12:00:00Z"  # the shipment's plan
    assert [line["LineNumber"] for line in order["SalesOrderLines"]] == [1, 2]
    assert d365.rows("SalesOrderHeadersV2", filter="SalesOrderNumber eq 'SO000002'")[0]["SalesOrderStatus"] == "On review"
    invoice = d365.rows("SalesInvoiceHeadersV2", filter="InvoiceNumber eq 'CIV-0000001'", expand="SalesInvoiceLinesV2")[0]
    assert (invoice["CustomersOrderReference"], invoice["SalesOrderNumber"], invoice["TotalInvoiceAmount"]) == ("B-1", "SO000001", 108.23)
    assert invoice["SalesInvoiceLinesV2"][0]["ProductNumber"] == "SKU-1"
    assert d365.rows("SalesInvoiceHeadersV4", filter="InvoiceNumber eq 'CIV-0000001'")[0]["EndDiscount"] == 0
    moved = {row["Voucher"]: row for row in d365.rows("CustTransactions")}
    paid, payment = moved["ARI-0000002"], moved["ARP-0000001"]
    assert (paid["DocumentNum"], paid["Closed"], paid["SettleAmountCur"]) == ("billing-invoice-2", "2024-05-24T12:00:00Z", 108.23)
    assert (payment["AmountCur"], payment["LastSettleVoucher"], payment["DocumentNum"]) == (-108.23, "ARI-0000002", "billing-payment-1")
    assert moved["ARI-0000001"]["Closed"] == "1900-01-01T12:00:00Z"
    assert [row["Correct"] for row in moved.values() if row["Invoice"] == "CIV-0000003"] == ["No", "Yes"]  # a void one and its opposite
    [still_open] = d365.rows("CustTransOpens")
    assert (still_open["RefRecId"], still_open["AmountCur"]) == (moved["ARI-0000001"]["SysRecId"], 108.23)
    assert min(row["SysRecId"] for row in moved.values()) > 2**53
    credit = d365.rows("SalesInvoiceHeadersV2", filter="TotalInvoiceAmount lt 0")[0]
    assert (credit["InvoiceNumber"], credit["SalesOrderNumber"]) == ("CRN-0000001", "RSO-000001")  # the return that it credits
    draft = d365.rows("FreeTextInvoiceHeaders", filter="IsPosted eq Microsoft.Dynamics.DataEntities.NoYes'No'")
    assert [row["ExternalInvoiceId"] for row in draft] == ["billing-invoice-4"]
    back = d365.rows("ReturnOrderHeadersV2", expand="ReturnOrderLines")[0]
    assert (back["ReturnStatus"], back["CustomersOrderReference"], back["ReturnOrderLines"][0]["ReturnSalesQuantity"]) == ("Closed", "support-ticket-5", -2)
    slip = d365.rows("ShipmentPackingSlipJournalHeaders")[0]
    assert (slip["DocumentDate"], slip["DeliveryDate"]) == ("2024-05-24T12:00:00Z", "1900-01-01T12:00:00Z")


def test_hidden_rows_are_counted_and_readable_but_never_listed(d365: Environment) -> None:
    answer = d365.call("GET", "CustomersV3", params={**ALL, "$count": "true"}).json()
    assert answer["@odata.count"] == 4 and len(answer["value"]) == 3
    assert d365.call("GET", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-000004')").json()["OrganizationName"] == "O'Neil"


# the query language


def test_filters(d365: Environment) -> None:
    held = "OnHoldStatus eq Microsoft.Dynamics.DataEntities.CustVendorBlocked'All'"

    def accounts(text: str) -> list[str]:
        return [row["CustomerAccount"][-1] for row in d365.rows("CustomersV3", filter=text)]
    assert accounts(held) == ["1"]
    assert accounts("OnHoldStatus ne Microsoft.Dynamics.DataEntities.CustVendorBlocked'All'") == ["3", "2"]
    assert accounts("OrganizationName eq 'acme 1'") == ["1"]
    assert accounts("OrganizationName eq '*cme*' and not (CustomerAccount eq '*3')") == ["1", "2"]
    assert accounts("CreditLimit add 1 gt 25000 and (SalesCurrencyCode eq 'EUR' or SalesCurrencyCode eq 'CHF')") == ["3", "2"]
    assert accounts("AddressValidFrom ge 2024-05-24T10:30:00Z") == ["3", "1", "2"]
    assert accounts("AddressValidFrom gt 2024-05-24T12:30:00%2B02:00".replace("%2B", "+")) == []
    for text in ("OnHoldStatus eq 'All'", "OnHoldStatus eq 2", "OnHoldStatus gt Microsoft.Dynamics.DataEntities.CustVendorBlocked'No'",
                 "OnHoldStatus eq Microsoft.Dynamics.DataEntities.CustVendorBlocked'Often'", "OnHoldStatus eq CustVendorBlocked'All'",
                 "OnHoldStatus eq Microsoft.Dynamics.DataEntities.NoYes'Yes'", "contains(OrganizationName,'a')", "startswith(OrganizationName,'a')",
                 "CustomerAccount in ('US-000001')", "OnHoldStatus has Microsoft.Dynamics.DataEntities.CustVendorBlocked'All'", "Nobody eq 'a'",
                 "CreditLimit eq '1'", "AddressValidFrom ge 2024-05-24", "OrganizationName eq", "(OrganizationName eq 'a'", "OrganizationName"):
        status, message = d365.refused("CustomersV3", filter=text)
        assert status == 400 and message.startswith("The query specified in the URI is not valid."), text


def test_select_order_top_skip_and_count(d365: Environment) -> None:
    answer = d365.call("GET", "CustomersV3", params={**ALL, "$select": "CustomerAccount", "$orderby": "SalesCurrencyCode desc", "$top": "2", "$count": "true"})
    body = answer.json()
    assert body["@odata.context"].endswith("/data/$metadata#CustomersV3(CustomerAccount)") and answer.headers["OData-Version"] == "4.0"
    assert [list(row) for row in body["value"]] == [["@odata.etag", "CustomerAccount"]] * 2
    assert [row["CustomerAccount"] for row in body["value"]] == ["US-000001", "DE-000003"] and "@odata.nextLink" not in body
    assert [row["CustomerAccount"] for row in d365.rows("CustomersV3", skip="1", select="CustomerAccount")] == ["US-000001", "US-000002"]
    for name, value in (("select", "Nobody"), ("orderby", "Nobody"), ("orderby", "CustomerAccount up"), ("top", "-1"), ("skip", "x"), ("count", "yes"),
                        ("search", "a"), ("apply", "x"), ("expand", "Orders"), ("expand", "SalesOrderLines($expand=SalesOrderHeaderV2)")):
        assert d365.refused("SalesOrderHeadersV2", **{name: value})[0] == 400, name


def test_expand_goes_one_level_and_selects(d365: Environment) -> None:
    rows = d365.rows("SalesOrderHeadersV2", expand="SalesOrderLines($select=ItemNumber)", select="SalesOrderNumber")
    assert [set(line) for row in rows for line in row["SalesOrderLines"]] == [{"@odata.etag", "ItemNumber"}] * 3
    line = d365.rows("SalesOrderLines", expand="SalesOrderHeaderV2", top="1")[0]
    assert line["SalesOrderHeaderV2"]["SalesOrderNumber"] == line["SalesOrderNumber"]
    moved = d365.rows("CustTransactions", expand="CustTransOpen", filter="Voucher eq 'ARI-0000001'")[0]
    assert [row["AmountCur"] for row in moved["CustTransOpen"]] == [108.23]


def test_pages_follow_links_and_never_exceed_the_largest(serve: Callable[..., Environment]) -> None:
    d365 = serve(_view(customers=[_customer(key) for key in range(1, 26)]), largest_page=10)
    answer = d365.call("GET", "CustomersV3", params={**ALL, "$filter": "CreditLimit gt 1", "$count": "true"}).json()
    seen, pages = [row["CustomerAccount"] for row in answer["value"]], 1
    while "@odata.nextLink" in answer:
        assert answer["@odata.nextLink"].startswith(d365.url + "/data/CustomersV3?")
        answer = d365.call("GET", answer["@odata.nextLink"]).json()
        assert answer["@odata.count"] == 25
        seen += [row["CustomerAccount"] for row in answer["value"]]
        pages += 1
    assert pages == 3 and len(set(seen)) == 25
    short = d365.call("GET", "CustomersV3", params=ALL, headers={"Prefer": "odata.maxpagesize=4"}).json()
    assert len(short["value"]) == 4 and "@odata.nextLink" in short
    cut = d365.call("GET", "CustomersV3", params={**ALL, "$top": "20"}).json()
    assert len(cut["value"]) == 10 and "@odata.nextLink" not in cut  # a top beyond the page is cut and says nothing


def test_keys_must_name_every_field(d365: Environment) -> None:
    for key, status in (("CustomerAccount='US-000001'", 400), ("'US-000001'", 400), ("dataAreaId='usmf',CustomerAccount=1", 400),
                        ("dataAreaId='usmf',CustomerAccount='NOPE'", 404), ("dataAreaId='USMF',CustomerAccount='us-000001'", 200)):
        assert d365.call("GET", f"CustomersV3({key})").status_code == status, key
    dated = "SalesInvoiceHeadersV2(dataAreaId='usmf',InvoiceNumber='CIV-0000001',InvoiceDate=2024-05-10T12:00:00Z,LedgerVoucher='ARI-0000001')"
    assert d365.call("GET", dated).json()["TotalInvoiceAmount"] == 108.23
    assert d365.call("GET", f"CustTransactions(dataAreaId='usmf',SysRecId={native_id('invoice_transaction', 1)})").json()["Invoice"] == "CIV-0000001"
    assert d365.call("GET", "Currencies('USD')").status_code == 200
    assert d365.call("GET", "customersv3").status_code == 404  # names of sets are case-sensitive


def test_headers_are_checked(d365: Environment) -> None:
    assert d365.call("GET", "Companies", headers={"Accept": "application/xml"}).status_code == 406
    assert d365.call("GET", "Companies", headers={"OData-MaxVersion": "3.0"}).status_code == 400
    assert d365.call("POST", "CustomersV3", data="{}", headers={"Content-Type": "text/plain"}).status_code == 415


# writes


def _new(**changes: Any) -> dict[str, Any]:
    return {"dataAreaId": "usmf", "CustomerAccount": "C-9", "CustomerGroupId": "10", "SalesCurrencyCode": "USD", "OrganizationName": "Nine",
            "PartyType": "Organization", "AddressCity": "Austin", "AddressStreet": "9 Main", **changes}


def test_a_customer_is_created_changed_and_its_etag_guarded(d365: Environment) -> None:
    answer = d365.call("POST", "CustomersV3", json=_new())
    assert answer.status_code == 201
    row = answer.json()
    assert answer.headers["Location"] == f"{d365.url}/data/CustomersV3(dataAreaId='usmf',CustomerAccount='C-9')"
    assert row["PartyNumber"] and row["NameAlias"] == "Nine" and row["AddressValidTo"] == "2154-12-31T23:59:59Z"
    key = "CustomersV3(dataAreaId='usmf',CustomerAccount='C-9')"
    assert d365.call("PATCH", key, json={"OnHoldStatus": "All"}, headers={"If-Match": row["@odata.etag"]}).status_code == 204
    stale = d365.call("PATCH", key, json={"OnHoldStatus": "No"}, headers={"If-Match": row["@odata.etag"]})
    assert stale.status_code == 412 and "changed by another user" in stale.json()["error"]["message"]
    now = d365.call("GET", key).json()
    assert now["OnHoldStatus"] == "All" and now["@odata.etag"] != row["@odata.etag"]
    assert d365.call("PATCH", key, json={"CreditLimit": 5}, headers={"If-Match": "*"}).status_code == 204
    shown = d365.call("PATCH", key, json={"CreditLimit": 6}, headers={"Prefer": "return=representation"})
    assert shown.status_code == 200 and shown.json()["CreditLimit"] == 6
    stamp = d365.rows("CustTableBiEntities", filter="AccountNum eq 'C-9'")[0]
    assert stamp["SysModifiedBy"] == Settings.user
    assert d365.call("PATCH", key, json={"AddressStreet": "10 Main"}).status_code == 204
    lived = d365.rows("CustomerPostalAddresses", filter="CustomerAccountNumber eq 'C-9'")
    assert sorted((row["AddressStreet"], row["Expiration"] == "2154-12-31T23:59:59Z") for row in lived) == [("10 Main", True), ("9 Main", False)]
    assert d365.call("DELETE", key).status_code == 204 and d365.call("GET", key).status_code == 404


def test_what_the_business_forbids_is_a_500_with_its_own_type(d365: Environment) -> None:
    bodies = {
        "Customer group": _new(CustomerGroupId=""), "Currency": _new(SalesCurrencyCode="XXX"), "already exists": _new(CustomerAccount="us-000001"),
        "company": _new(dataAreaId="frrt"), "Invoice account": {},
    }
    for words, body in list(bodies.items())[:4]:
        answer = d365.call("POST", "CustomersV3", json=body)
        inner = answer.json()["error"]["innererror"]
        assert answer.status_code == 500 and answer.json()["error"]["message"] == "An error has occurred."
        assert inner["type"].endswith(".AxODataWriteException") and words in inner["message"], words
        assert inner["message"].startswith("Write failed for table row of type 'CustCustomerV3Entity'. Infolog: ")
    assert "Invoice account" in d365.call("POST", "FreeTextInvoiceHeaders", json=bodies["Invoice account"]).text
    in_use = d365.call("DELETE", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-000001')")
    assert in_use.status_code == 500 and "cannot be deleted" in in_use.text


def test_what_is_malformed_is_a_400_and_what_is_read_only_a_405(d365: Environment) -> None:
    for body in ({"Nobody": 1}, {"OnHoldStatus": 2}, {"OnHoldStatus": "Often"}, {"CreditLimit": "5"}, {"OrganizationName": 5},
                 {"AddressValidFrom": "2024-05-24"}):
        answer = d365.call("PATCH", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-000001')", json=body)
        assert answer.status_code == 400, body
    assert "does not exist on type 'Microsoft.Dynamics.DataEntities.CustomerV3'" in d365.call("POST", "CustomersV3", json={"Nobody": 1}).text
    assert d365.call("POST", "CustomersV3", data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert d365.call("POST", "CustTransactions", json={}).status_code == 405
    assert d365.call("PATCH", "CustomersV3", json={}).status_code == 405
    deep = d365.call("POST", "SalesOrderHeadersV2", json={"OrderingCustomerAccountNumber": "US-000002", "SalesOrderLines": []})
    assert deep.status_code == 400


def test_an_order_with_lines_a_return_a_credit_and_a_payment_are_entered(d365: Environment) -> None:
    held = d365.call("POST", "SalesOrderHeadersV2", json={"OrderingCustomerAccountNumber": "US-000001"})
    assert held.status_code == 500 and "on hold" in held.text
    order = d365.call("POST", "SalesOrderHeadersV2", json={"OrderingCustomerAccountNumber": "US-000002", "CustomersOrderReference": "CRM-1"}).json()
    assert (order["SalesOrderStatus"], order["AreTotalsCalculated"], order["CurrencyCode"], order["InvoiceCustomerAccountNumber"]) == (
        "Backorder", "No", "CHF", "US-000001")
    line = d365.call("POST", "SalesOrderLines", json={"SalesOrderNumber": order["SalesOrderNumber"], "ItemNumber": "P000001", "OrderedSalesQuantity": 5})
    assert (line.status_code, line.json()["LineAmount"], line.json()["LineNumber"]) == (201, 249.95, 1)
    assert "not found" in d365.call("POST", "SalesOrderLines", json={"SalesOrderNumber": "NOPE", "ItemNumber": "P000001"}).text
    site = {"DefaultReturnSiteId": "1", "DefaultReturnWarehouseId": "13"}
    back = d365.call("POST", "ReturnOrderHeadersV2", json={"CustomerAccountNumber": "US-000002", "CustomerReturnReasonCode": "21", **site}).json()
    assert back["ReturnStatus"] == "Created"
    wrong = d365.call("POST", "ReturnOrderLinesV2", json={"ReturnOrderNumber": back["ReturnOrderNumber"], "ItemNumber": "P000001", "ReturnDispositionCode": "99"})
    assert wrong.status_code == 500
    credit = d365.call("POST", "FreeTextInvoiceHeaders", json={"InvoiceAccount": "US-000002", "ExternalInvoiceId": "cn_1"}).json()
    entered = d365.call("POST", "FreeTextInvoiceLines", json={"ParentRecId": credit["InvoiceIdentifier"], "Quantity": -1, "UnitPrice": 10.5})
    assert credit["InvoiceIdentifier"] > 2**53 and entered.json()["TransactionCurrencyAmount"] == -10.5
    assert d365.rows("FreeTextInvoiceLines", filter=f"ParentRecId eq {credit['InvoiceIdentifier']}")[0]["Quantity"] == -1
    journal = d365.call("POST", "CustomerPaymentJournalHeaders", json={"JournalName": "ARPay"}).json()
    paid = d365.call("POST", "CustomerPaymentJournalLines", json={
        "JournalBatchNumber": journal["JournalBatchNumber"], "AccountDisplayValue": "US-000002", "CreditAmount": 5, "CurrencyCode": "USD"})
    assert paid.status_code == 201 and journal["IsPosted"] == "No"
    posted = d365.rows("FreeTextInvoiceHeaders", filter="IsPosted eq Microsoft.Dynamics.DataEntities.NoYes'Yes'")[0]
    refused = d365.call("PATCH", f"FreeTextInvoiceHeaders(dataAreaId='{posted['dataAreaId']}',InvoiceIdentifier={posted['InvoiceIdentifier']})",
                        params=ALL, json={"InvoiceName": "x"})
    assert refused.status_code == 500


def _batch(d365: Environment, body: str) -> requests.Response:
    return d365.call("POST", "$batch", data=body.replace("\n", "\r\n").encode(), headers={"Content-Type": "multipart/mixed; boundary=batch_1"})


def _operation(method: str, path: str, body: Any = None, id: str = "") -> str:
    content = f"\nContent-Type: application/json\n\n{json.dumps(body)}" if body is not None else "\n"
    named = f"Content-ID: {id}\n" if id else ""
    return f"Content-Type: application/http\nContent-Transfer-Encoding: binary\n{named}\n{method} {path} HTTP/1.1{content}\n"


def _changeset(*operations: str) -> str:
    inner = "".join(f"--changeset_1\n{operation}" for operation in operations)
    return f"--batch_1\nContent-Type: multipart/mixed; boundary=changeset_1\n\n{inner}--changeset_1--\n"


def test_batch_changesets_are_all_or_nothing_and_the_outer_status_is_200(d365: Environment) -> None:
    order = {"SalesOrderNumber": "SO-B1", "OrderingCustomerAccountNumber": "US-000002"}
    line = {"SalesOrderNumber": "SO-B1", "ItemNumber": "P000001", "OrderedSalesQuantity": 1}
    good = _changeset(_operation("POST", "SalesOrderHeadersV2", order, "1"), _operation("POST", "SalesOrderLines", line, "2"),
                      _operation("PATCH", "$1", {"SalesOrderPoolId": "P"}, "3"))
    bad = _changeset(_operation("POST", "SalesOrderHeadersV2", {**order, "SalesOrderNumber": "SO-B2"}, "1"),
                     _operation("POST", "SalesOrderLines", {**line, "SalesOrderNumber": "SO-B2", "ItemNumber": "NOPE"}, "2"))
    query = "--batch_1\n" + _operation("GET", "CustomersV3?cross-company=true&$top=1")
    answer = _batch(d365, good + bad + query + "--batch_1--\n")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("multipart/mixed; boundary=batchresponse_")
    assert re.findall(r"HTTP/1\.1 (\d+)", answer.text) == ["201", "201", "204", "500", "200"]
    assert "Content-ID: 2" in answer.text and "AxODataWriteException" in answer.text
    kept = {row["SalesOrderNumber"]: row["SalesOrderPoolId"] for row in d365.rows("SalesOrderHeadersV2")}
    assert kept["SO-B1"] == "P" and "SO-B2" not in kept
    assert _batch(d365, "--batch_1\nContent-Type: text/plain\n\nx\n--batch_1--\n").status_code == 400
    assert _batch(d365, "nothing").status_code == 400


# limits, the world going on


def test_load_is_answered_with_429_and_faults_in_the_vendors_form(serve: Callable[..., Environment]) -> None:
    vendor = serve(most_at_once=2).vendor
    busy = vendor.handle(Request("GET", "/data/Companies", "http://x", in_flight=3))
    assert (busy.status, busy.headers["retry-after"]) == (429, "1") and b"usage is high" in busy.body
    assert vendor.unavailable(Request("GET", "/", "http://x")).status == 503


def test_the_world_goes_on(d365: Environment) -> None:
    before = {row["CustomerAccount"]: row["@odata.etag"] for row in d365.rows("CustomersV3")}
    later = {"updated_at": AT + timedelta(days=1)}
    view = _view()
    order = view.orders[0]
    order.lines, order.status = order.lines[:1], "billed"
    paid = view.invoices[0]
    paid.status, paid.amount_remaining, paid.paid_at = "paid", Decimal(0), AT
    d365.vendor.apply(View(system="dynamics365_finance", as_of=AT, peers=_peers, orders=[order], invoices=[paid],
                           customers=[_customer(1, credit_hold=False, **later), _customer(2, removed=True), _customer(3, country="DE", currency="EUR", parent=1)]))
    rows = {row["CustomerAccount"]: row for row in d365.rows("CustomersV3")}
    assert set(rows) == {"US-000001", "DE-000003"}
    assert rows["US-000001"]["OnHoldStatus"] == "No" and rows["US-000001"]["@odata.etag"] != before["US-000001"]
    assert rows["DE-000003"]["@odata.etag"] == before["DE-000003"]  # nothing changed there
    assert d365.rows("CustTransOpens") == [] and len(d365.rows("SalesOrderLines", filter="SalesOrderNumber eq 'SO000001'")) == 1
    changed = d365.rows("SalesOrderHeadersV2", filter="SalesOrderNumber eq 'SO000001'")[0]
    assert changed["ConfirmedShippingDate"] == "2024-05-03T12:00:00Z" and changed["SalesOrderStatus"] == "Invoiced"


def test_extra_fields_are_merged_last(serve: Callable[..., Environment]) -> None:
    d365 = serve(_view(customers=[_customer(1, extra={"LoyaltyTier": "gold", "CreditLimit": "much"})]))
    row = d365.rows("CustomersV3")[0]
    assert (row["LoyaltyTier"], row["CreditLimit"]) == ("gold", "much")


# metadata, samples


def test_the_environment_describes_itself_as_it_answers(serve: Callable[..., Environment]) -> None:
    d365 = serve()
    names = {entry["name"] for entry in d365.call("GET", "").json()["value"]}
    assert names == set(SETS)
    root = ElementTree.fromstring(d365.call("GET", "$metadata").content)
    types = {kind.get("Name"): kind for kind in root.iter(f"{EDM}EntityType")}
    kinds = {"Edm.String": str, "Edm.Decimal": int | float, "Edm.Int32": int, "Edm.Int64": int, "Edm.DateTimeOffset": str, "Edm.Guid": str}
    for entity in SETS.values():
        told = {prop.get("Name"): prop.get("Type") for prop in types[entity.entity].findall(f"{EDM}Property")}
        for row in d365.rows(entity.name, top="50"):
            assert set(row) == {*told, "@odata.etag"}, entity.name
            for name, value in row.items():
                if name != "@odata.etag":
                    assert isinstance(value, kinds.get(told[name] or "", str)), (entity.name, name, value)
    public = d365.call("GET", f"{d365.url}/metadata/PublicEntities('CustomerV3')").json()
    assert public["EntitySetName"] == "CustomersV3" and len(public["Properties"]) == len(SETS["CustomersV3"].properties)
    assert d365.call("GET", f"{d365.url}/metadata/PublicEnumerations").status_code == 200
    without = serve(bi_entities=False)
    assert without.call("GET", "CustTableBiEntities").status_code == 404
    assert serve(hidden_sets=frozenset({"CustomersV3"})).call("GET", "CustomersV3").status_code == 403


@pytest.mark.skipif(not SPECS.exists(), reason="the vendor's descriptions are not beside the project")
def test_names_keys_and_types_are_those_of_the_vendors_metadata() -> None:
    root = ElementTree.parse(SPECS / "derived_metadata.xml").getroot()
    types = {str(kind.get("Name")).removesuffix("Row"): kind for kind in root.iter(f"{EDM}EntityType")}
    known = set(SETS) - {"SalesOrderLinesV2"}  # named by the sheet, not in the file
    for name in known:
        told = {prop.get("Name"): str(prop.get("Type")) for prop in types[name].findall(f"{EDM}Property")}
        assert {ref.get("Name") for ref in types[name].iter(f"{EDM}PropertyRef")} == set(SETS[name].key), name
        for prop in SETS[name].properties.values():
            assert told[prop.name].rpartition(".")[2] == prop.edm.rpartition(".")[2], (name, prop.name)
    members = {str(kind.get("Name")): {str(one.get("Name")): int(str(one.get("Value"))) for one in kind} for kind in root.iter(f"{EDM}EnumType")}
    for name, own in ENUMS.items():
        assert own.items() <= members[name].items(), name


@pytest.mark.skipif(not SPECS.exists(), reason="the vendor's samples are not beside the project")
@pytest.mark.parametrize(("file", "path"), [
    ("CustomersV3_page.json", "CustomersV3"), ("CustTransactions_page.json", "CustTransactions"),
    ("SalesOrderHeadersV2_expand_lines.json", "SalesOrderHeadersV2?$expand=SalesOrderLines")])
def test_every_field_of_the_samples_is_answered_with_its_type(d365: Environment, file: str, path: str) -> None:
    sample = json.loads((SPECS / "samples" / "composed" / file).read_text())
    answer = d365.call("GET", path, params={**ALL, "$count": "true"}).json()
    assert set(sample) - {"@odata.nextLink"} <= set(answer)
    _same_shape(sample["value"], answer["value"], file)


def _same_shape(sample: list[dict[str, Any]], answer: list[dict[str, Any]], place: str) -> None:
    for row in sample:
        for name, value in row.items():
            if isinstance(value, list):
                _same_shape(value, [inner for other in answer for inner in other[name]], f"{place}.{name}")
                continue
            shown = answer[0][name]
            kinds = (int, float) if isinstance(value, int | float) else (type(value),)
            assert isinstance(shown, kinds), (place, name, shown)


@pytest.mark.skipif(not SPECS.exists(), reason="the vendor's samples are not beside the project")
def test_a_refused_write_has_the_samples_body(d365: Environment) -> None:
    sample = json.loads((SPECS / "samples" / "composed" / "error_500_write.json").read_text())
    answer = d365.call("POST", "CustomersV3", json=_new(CustomerAccount="US-000001")).json()
    assert set(sample["error"]) <= set(answer["error"]) and set(sample["error"]["innererror"]) <= set(answer["error"]["innererror"])
    assert answer["error"]["innererror"]["type"] == sample["error"]["innererror"]["type"]


def test_what_is_not_filled_is_there_and_empty_until_it_is_written(d365: Environment) -> None:
    row = d365.call("GET", "CustomersV3", params={**ALL, "$top": "1"}).json()["value"][0]
    assert set(SETS["CustomersV3"].properties) == set(row) - {"@odata.etag"}
    assert (row["KnownAs"], row["AddressLatitude"], row["CredManLastReviewDate"], row["IsFinalUser"]) == ("", 0, "1900-01-01T12:00:00Z", "No")
    address = f"CustomersV3(dataAreaId='{row['dataAreaId']}',CustomerAccount='{row['CustomerAccount']}')"
    assert d365.call("PATCH", address, params=ALL, json={"KnownAs": "Quill", "IsFinalUser": "Yes"}).status_code == 204
    found = d365.call("GET", "CustomersV3", params={**ALL, "$filter": "KnownAs eq 'Quill'", "$select": "CustomerAccount,IsFinalUser"}).json()["value"]
    assert [(one["CustomerAccount"], one["IsFinalUser"]) for one in found] == [(row["CustomerAccount"], "Yes")]


def test_the_older_sets_show_the_same_records(d365: Environment) -> None:
    for older, newer in (("ReturnOrderHeaders", "ReturnOrderHeadersV2"), ("ReturnOrderLines", "ReturnOrderLinesV2"),
                         ("ReleasedDistinctProductsV2", "ReleasedProductsV2")):
        one, other = (d365.call("GET", name, params=ALL).json()["value"] for name in (older, newer))
        key = SETS[older].key
        assert one and [[row[name] for name in key] for row in one] == [[row[name] for name in key] for row in other], older
        assert all(set(row) == {"@odata.etag", *SETS[older].properties} for row in one)

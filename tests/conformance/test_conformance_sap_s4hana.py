"""SAP S/4HANA: the stand-in's metadata and rows against the services' own EDMX, and the connector against a mock tenant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import running
from sandbox.world.plant import FaultPlan
from tests.conformance.described import SPECS, lacking, only_with, sample
from tests.conformance.edm import differences_v2, entity_sets
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("sap_s4hana")
ROOT = "/sap/opu/odata/sap/"
SERVICES = {
    "API_BILLING_DOCUMENT_SRV": "API_BILLING_DOCUMENT_SRV", "API_BUSINESS_PARTNER": "API_BUSINESS_PARTNER", "API_COMPANYCODE": "API_COMPANYCODE",
    "API_CREDIT_MEMO_REQUEST_SRV": "API_CREDIT_MEMO_REQUEST_SRV", "API_CUSTOMER_RETURN_SRV": "API_CUSTOMER_RETURN_SRV",
    "API_OPLACCTGDOCITEMCUBE_SRV": "API_OPLACCTGDOCITEMCUBE_SRV", "API_PRODUCT_SRV": "API_PRODUCT_SRV",
    "API_SALES_ORDER_SRV": "API_SALES_ORDER_SRV", "OP_API_OUTBOUND_DELIVERY_SRV_0002": "API_OUTBOUND_DELIVERY_SRV;v=0002",
}


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    account = credentials("sap_s4hana", home)
    with running(home, scale=0.02, vendors=("sap_s4hana",), faults=FaultPlan()) as sandbox, requests.Session() as session:
        session.auth = (account["username"], account["password"])
        session.headers["Accept"] = "application/json"
        session.base = sandbox.url("sap_s4hana") + ROOT  # type: ignore[attr-defined]
        yield session


@pytest.mark.parametrize("file", SERVICES)
def test_metadata_and_rows_are_as_declared(tenant: Any, file: str) -> None:
    """Both declare the same properties with the same types and keys; rows have every one of them, in the form of its type."""
    declared = entity_sets(SPECS / "sap_s4hana" / "edmx" / f"{file}.edmx")
    metadata = tenant.get(f"{tenant.base}{SERVICES[file]}/$metadata", headers={"Accept": "application/xml"})
    assert metadata.status_code == 200
    found = []
    for name, ours in entity_sets(metadata.content).items():
        theirs = declared[name]
        found += [f"{name}: key {ours.key} for {theirs.key}"] if ours.key != theirs.key else []
        found += [
            f"{name}.{each}: {kind} for {theirs.properties.get(each)}" for each, (kind, _) in ours.properties.items()
            if theirs.properties.get(each, ("",))[0] != kind]
        found += [f"{name}.{each}: missing" for each in theirs.properties.keys() - ours.properties.keys()]
        answer = tenant.get(f"{tenant.base}{SERVICES[file]}/{name}?$top=40")
        if answer.status_code == 405:  # reached through its parent only
            continue
        assert answer.status_code == 200, answer.text
        rows = answer.json()["d"]["results"]
        found += sorted({f"{name}.{text}" for row in rows for text in differences_v2(theirs, row)})
        assert all(re.search(rf"{name}\(.+\)$", row["__metadata"]["uri"]) and row["__metadata"]["type"].endswith("Type") for row in rows)
    assert found == []


SAMPLES = {
    "A_BusinessPartner_single_expand.json": ("API_BUSINESS_PARTNER/A_BusinessPartner?$expand=to_Customer,to_BusinessPartnerAddress/to_EmailAddress"
                                             "&$filter=Customer ne ''&$top=40&$inlinecount=allpages"),
    "A_OperationalAcctgDocItemCube_page.json": "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube?$top=40&$inlinecount=allpages",
    "A_SalesOrder_page_expand_item.json": "API_SALES_ORDER_SRV/A_SalesOrder?$expand=to_Item&$top=40&$inlinecount=allpages",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_answers_have_every_field_of_the_samples(tenant: Any, name: str) -> None:
    expected = sample("sap_s4hana", "samples", "composed", name)["d"]
    shown = tenant.get(tenant.base + SAMPLES[name]).json()["d"]
    rows = expected.get("results", [expected])
    found = [text for row in rows for text in lacking(row, shown["results"])]
    # an ETag stands only where a change may be guarded by one, and a second page only behind a first
    assert sorted({text for text in found if "__next" not in text}) == []
    assert isinstance(shown["__count"], str)


def test_refusals_have_the_form_of_the_samples(tenant: Any) -> None:
    form = sample("sap_s4hana", "samples", "composed", "error_400.json")
    wrong = tenant.get(f"{tenant.base}API_SALES_ORDER_SRV/A_SalesOrder?$filter=NoSuch eq '1'")
    assert wrong.status_code == 400
    assert lacking(form, [wrong.json()], {"error.innererror.errordetails", "error.innererror.application.component_id"}) == []
    for option in ("$nosuch=1", "$top=-1"):
        assert tenant.get(f"{tenant.base}API_SALES_ORDER_SRV/A_SalesOrder?{option}").status_code == 400, option
    nobody = requests.get(f"{tenant.base}API_COMPANYCODE/A_CompanyCode", auth=("no", "no"))
    assert nobody.status_code == 401
    order = tenant.get(f"{tenant.base}API_SALES_ORDER_SRV/A_SalesOrder?$top=1").json()["d"]["results"][0]
    unguarded = tenant.patch(f"{tenant.base}API_SALES_ORDER_SRV/A_SalesOrder('{order['SalesOrder']}')", json={"DeliveryBlockReason": "01"})
    assert unguarded.status_code == 403 and unguarded.headers["x-csrf-token"].lower() == "required"
    token = tenant.get(f"{tenant.base}API_SALES_ORDER_SRV/", headers={"x-csrf-token": "fetch"}).headers["x-csrf-token"]
    stale = tenant.patch(
        f"{tenant.base}API_SALES_ORDER_SRV/A_SalesOrder('{order['SalesOrder']}')", json={"DeliveryBlockReason": "01"},
        headers={"x-csrf-token": token, "If-Match": "W/\"datetimeoffset'2001-01-01T00%3A00%3A00.0000000Z'\""})
    assert stale.status_code == 412
    missing = tenant.patch(
        f"{tenant.base}API_SALES_ORDER_SRV/A_SalesOrder('{order['SalesOrder']}')", json={"DeliveryBlockReason": "01"}, headers={"x-csrf-token": token})
    assert missing.status_code == 428


# the connector


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]], login: str) -> Told:
    if asked.path == "/sap/bc/sec/oauth2/token":
        good = asked.basic == ("id", "secret") and asked.form["grant_type"] == "client_credentials"
        return Told({"access_token": "t1", "token_type": "Bearer", "expires_in": 3600} if good else {"error": "invalid_client"}, 200 if good else 401)
    if asked.headers.get("authorization") != login and (login or asked.basic != ("COMM", "pass")):
        return Told(b"", 401, {"WWW-Authenticate": 'Basic realm="SAP NetWeaver Application Server"'})
    path = asked.path.removeprefix(ROOT)
    if path.endswith("/$count"):
        return Told(str(len(held.get(path.removesuffix("/$count"), []))).encode(), headers={"Content-Type": "text/plain"})
    if path not in held:
        error = sample("sap_s4hana", "samples", "composed", "error_400.json")
        return Told(error, 404)
    rows = held[path]
    keys = asked.query.get("$orderby", "").split(",")
    for name, value in re.findall(r"(\w+) gt '([^']*)'", asked.query.get("$filter", ""))[:1]:
        rows = [row for row in rows if name not in row or str(row[name]) > value]
    rows = sorted(rows, key=lambda row: [str(row.get(key)) for key in keys])
    return Told({"d": {"results": json.loads(json.dumps(rows[:int(asked.query.get("$top", "1000"))]))}})


@pytest.mark.parametrize("auth", ["basic", "client_credentials"])
def test_connector_lands_the_sample_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: str) -> None:
    """A sample shows some properties of a row; a service leaves none out, so the others are filled in without a value."""
    orders = complete("API_SALES_ORDER_SRV", "A_SalesOrder", "A_SalesOrder_page_expand_item.json", {"to_Item": "A_SalesOrderItem"})
    items = complete("API_OPLACCTGDOCITEMCUBE_SRV", "A_OperationalAcctgDocItemCube", "A_OperationalAcctgDocItemCube_page.json", {})
    held = {"API_SALES_ORDER_SRV/A_SalesOrder": orders, "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube": items}
    secrets = {"username": "COMM", "password": "pass"} if auth == "basic" else {"client_id": "id", "client_secret": "secret"}
    with served(lambda asked: answering(asked, held, "" if auth == "basic" else "Bearer t1")) as mock:
        held["API_COMPANYCODE/A_CompanyCode"] = [{"CompanyCode": "1710", "CompanyCodeName": "US"}]
        here = installed(monkeypatch, tmp_path, mock, "sap_s4hana", "erp", secrets, auth=auth)
        result = here.ingest("sales_orders")
        assert not result.quarantined and not result.failed
        landed = {row["sales_order"]: row for row in here.rows("sales_orders")}
        assert set(landed) == {row["SalesOrder"] for row in orders}
        assert landed["1"]["total_net_amount"] == Decimal("175.50") and landed["1"]["customer_reference"] == "CRM-000123"
        lines = sum(len(row["to_Item"]["results"]) for row in orders)
        assert len(here.rows("sales_order_items")) == lines
        again = here.ingest("sales_orders")
        assert again.rows.get("sales_orders", 0) == 0 and not again.quarantined
        assert landed["1"]["sales_order_date"] == date(2024, 5, 1)


def complete(service: str, name: str, file: str, children: dict[str, str]) -> list[dict[str, Any]]:
    sets = entity_sets(SPECS / "sap_s4hana" / "edmx" / f"{service}.edmx")

    def whole(kind: str, row: dict[str, Any]) -> dict[str, Any]:
        empty = {each: "" if type_ == "Edm.String" else None for each, (type_, _) in sets[kind].properties.items()}
        return {**empty, **row}

    rows = [whole(name, row) for row in sample("sap_s4hana", "samples", "composed", file)["d"]["results"]]
    for row in rows:
        for navigation, kind in children.items():
            row[navigation] = {"results": [whole(kind, each) for each in row.get(navigation, {}).get("results", [])]}
    return rows

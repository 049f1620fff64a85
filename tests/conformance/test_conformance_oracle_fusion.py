"""Oracle Fusion: the stand-in's rows and parameters against the resources' declared attributes, and the connector against a mock pod."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import running
from sandbox.world.plant import FaultPlan
from tests.conformance.described import kind, lacking, only_with, sample
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("oracle_fusion")
RESOURCES = [
    "currenciesLOV", "deletedRecords", "erpBusinessEvents", "hubOrganizations", "hubPersons", "inventoryOrganizations", "itemsV2", "legalEntitiesLOV",
    "receivablesCreditMemos", "receivablesCustomerAccountActivities", "receivablesCustomerAccountSiteActivities", "receivablesInvoices",
    "rmaLinesForReceiving", "rmasForReceiving", "shipmentLines", "shipments", "standardReceipts", "unitsOfMeasure",
    "receiptAdviceLines", "receivingReceiptRequests", "salesOrderActionRequests", "salesOrdersForOrderHubRequests",
]
FINANCE, PARTIES = "/fscmRestApi/resources/11.13.18.05", "/crmRestApi/resources/11.13.18.05"


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    account = credentials("oracle_fusion", home)
    with running(home, scale=0.02, vendors=("oracle_fusion",), faults=FaultPlan()) as sandbox, requests.Session() as session:
        session.auth = (account["username"], account["password"])
        session.headers["REST-Framework-Version"] = "3"
        session.base = sandbox.url("oracle_fusion")  # type: ignore[attr-defined]
        yield session


def facts(resource: str) -> dict[str, Any]:
    content: dict[str, Any] = sample("oracle_fusion", "derived", f"{resource}.json")
    return content


def attributes(resource: str) -> tuple[str, dict[str, Any], list[str]]:
    """The list's address, a row's attributes, and the parameters that the list takes."""
    content = facts(resource)
    path = f"{content['base_path']}/{content['resource']}"
    gets = [each for each in content["operations"] if each["method"] == "GET"]
    one = [each for each in gets if re.fullmatch(re.escape(path) + r"/\{[^/]+\}", each["path"]) and each.get("response_fields")]
    every = [each for each in gets if each["path"] == path]
    shape = one[0]["response_fields"] if one else every[0].get("response_fields", {})
    if not one:
        shape = next((value[0] for value in shape.values() if isinstance(value, list) and value and isinstance(value[0], dict)), {})
    return path, shape, every[0].get("query", []) if every else []


def differences(declared: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(declared, list):
        for each in value if isinstance(value, list) else ():
            yield from differences(declared[0], each, f"{path}[]")
    elif isinstance(declared, dict) and isinstance(value, dict):
        for name, inner in value.items():
            if name in declared:
                yield from differences(declared[name], inner, f"{path}.{name}")
            elif name not in ("links", "@context"):
                yield f"{path}.{name}: not declared"
    elif isinstance(declared, str) and value is not None:
        wanted = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}.get(declared.partition("(")[0])
        if wanted is not None and kind(value) != wanted:
            yield f"{path}: {kind(value)} for {declared}"


@pytest.mark.parametrize("resource", RESOURCES)
def test_rows_and_parameters_are_as_declared(pod: Any, resource: str) -> None:
    path, declared, query = attributes(resource)
    answer = pod.get(f"{pod.base}{path}?limit=40")
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert {"items", "count", "hasMore", "limit", "offset", "links"} <= set(content) and content["count"] == len(content["items"])
    if declared:
        assert sorted({text for row in content["items"] for text in differences(declared, row, resource)}) == []
    values = {"limit": "2", "offset": "0", "totalResults": "true", "onlyData": "true"}
    for name in query:
        if name in values:
            assert pod.get(f"{pod.base}{path}", params={name: values[name]}).status_code == 200, name
    assert pod.get(f"{pod.base}{path}", params={"nosuch": "1"}).status_code == 400


def test_requests_are_kept_as_declared(pod: Any) -> None:
    orders = pod.get(f"{pod.base}{FINANCE}/salesOrdersForOrderHub?limit=2").json()["items"]
    asked_for: dict[str, dict[str, Any]] = {
        "receivingReceiptRequests": {"ReceiptSourceCode": "CUSTOMER", "OrganizationCode": "M1", "lines": [
            {"DocumentNumber": "no such", "DocumentLineNumber": 1, "ItemNumber": "X", "Quantity": 1, "UnitOfMeasure": "Each"}]},
        "salesOrderActionRequests": {
            "ActionCode": "ORA_FOM_SUBMIT_ORDER", "ActionRequestTrackingId": 1, "requests": [{"HeaderId": order["HeaderId"]} for order in orders]},
        "salesOrdersForOrderHubRequests": {
            "SourceTransactionNumber": "1", "SourceTransactionSystem": "CRM", "SourceTransactionId": "1", "billToCustomer": [{"AccountNumber": "1"}],
            "lines": [{"ProductNumber": "X", "OrderedQuantity": 1}]}}
    for resource, body in asked_for.items():
        path, declared, _ = attributes(resource)
        made = pod.post(f"{pod.base}{path}", json=body)
        assert made.status_code == 201, made.text
        assert sorted(set(differences(declared, made.json(), resource))) == []
        [row] = pod.get(f"{pod.base}{path}?expand=all").json()["items"]
        assert sorted(set(differences(declared, row, resource))) == []
        for child in body:
            if isinstance(body[child], list):
                [operation] = [each for each in facts(resource)["operations"] if each["method"] == "GET" and re.fullmatch(
                    re.escape(path) + r"/\{[^/]+\}/child/" + child, each["path"])]
                assert row[child]["items"]
                assert sorted({text for one in row[child]["items"] for text in differences(operation["item_fields"], one, child)}) == []


SAMPLES = {
    "receivablesInvoices_page_expand_v1": f"{FINANCE}/receivablesInvoices?expand=receivablesInvoiceLines,receivablesInvoiceInstallments"
                                          "&limit=40&totalResults=true",
    "hubOrganizations_page": f"{PARTIES}/hubOrganizations?limit=40", "deletedRecords_page": f"{PARTIES}/deletedRecords?limit=40",
    "salesOrdersForOrderHub_single_v1": f"{FINANCE}/salesOrdersForOrderHub?expand=lines,totals,holds&limit=40",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_answers_have_every_field_of_the_samples(pod: Any, name: str) -> None:
    expected = sample("oracle_fusion", "samples", "composed", f"{name}.json")
    shown = pod.get(pod.base + SAMPLES[name], headers={"REST-Framework-Version": "1"}).json()
    assert lacking(expected, [shown] if "items" in expected else shown["items"]) == []


def test_errors_have_the_forms_of_the_samples(pod: Any) -> None:
    form = sample("oracle_fusion", "samples", "composed", "error_400.json")
    wrong = pod.post(
        f"{pod.base}{FINANCE}/receivablesInvoices", json={"BillToCustomerNumber": "no such"}, headers={
            "Content-Type": "application/vnd.oracle.adf.resourceitem+json", "Accept": "application/vnd.oracle.adf.error+json"})
    assert wrong.status_code == 400 and lacking(form, [wrong.json()], {"o:errorDetails[].o:errorPath"}) == []
    assert requests.get(f"{pod.base}{FINANCE}/receivablesInvoices").status_code == 401
    assert pod.get(f"{pod.base}{FINANCE}/noSuchResource").status_code == 404


# the connector


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]]) -> Told:
    """Lists with their conditions on key and stamp, in the order asked for; other resources do not exist."""
    if asked.basic != ("me", "pass"):
        return Told(b"", 401)
    rows = held.get(asked.path)
    if rows is None:
        return Told({"title": "Not Found", "status": "404", "o:errorDetails": []}, 404)
    for name, sign, value in re.findall(r"(\w+) (>=|>|<=|<|<>|=) '?([^';)]+)'?", asked.query.get("q", "")):
        compare = {">=": lambda a, b: a >= b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b, "=": lambda a, b: a == b,
                   "<>": lambda a, b: a != b}[sign]
        rows = [row for row in rows if compare(row[name], type(row[name])(value) if not isinstance(row[name], str) else value)]
    for part in reversed(asked.query.get("orderBy", "").split(",")):
        if name := part.partition(":")[0]:
            rows = sorted(rows, key=lambda row: row[name])
    offset, limit = int(asked.query.get("offset", "0")), int(asked.query.get("limit", "25"))
    shown = rows[offset:offset + limit]
    total = {"totalResults": len(rows)} if asked.query.get("totalResults") == "true" else {}
    return Told({"items": shown, "count": len(shown), "hasMore": offset + limit < len(rows), "limit": limit, "offset": offset, "links": [], **total})


def complete(resource: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A sample shows some attributes; the service leaves none out."""
    empty = {name: None for name, told in attributes(resource)[1].items() if isinstance(told, str)}
    return json.loads(json.dumps([{**empty, **row} for row in rows]))


def test_connector_lands_the_sample_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invoices = complete("receivablesInvoices", sample("oracle_fusion", "samples", "composed", "receivablesInvoices_page_expand_v1.json")["items"])
    for row in invoices:  # the third version of the framework wraps nested rows
        for child in ("receivablesInvoiceLines", "receivablesInvoiceInstallments"):
            items = row.get(child) or []
            row[child] = {"items": items, "count": len(items), "hasMore": False, "limit": 25, "offset": 0, "links": []}
    customers = complete("hubOrganizations", sample("oracle_fusion", "samples", "composed", "hubOrganizations_page.json")["items"])
    held = {f"{FINANCE}/receivablesInvoices": invoices, f"{PARTIES}/hubOrganizations": customers, f"{FINANCE}/legalEntitiesLOV": [],
            f"{PARTIES}/deletedRecords": []}
    with served(lambda asked: answering(asked, held)) as mock:
        here = installed(monkeypatch, tmp_path, mock, "oracle_fusion", "erp", {"username": "me", "password": "pass"})
        result = here.ingest("invoices", "customers")
        assert not result.quarantined and not result.failed
        landed = {row["invoice_number"]: row for row in here.rows("invoices")}
        assert set(landed) == {row["TransactionNumber"] for row in invoices}
        assert (landed["100864"]["amount"], landed["100864"]["balance"]) == (Decimal("1200.5"), Decimal("1200.5"))
        assert landed["100864"]["due_date"] == date(2024, 6, 9)
        assert landed["100864"]["updated_at"] == datetime(2024, 5, 24, 13, 36, 52, 123000, tzinfo=UTC)
        assert len(here.rows("invoice_lines")) == sum(row["receivablesInvoiceLines"]["count"] for row in invoices)
        [customer] = here.rows("customers")
        assert (customer["party_number"], customer["source_reference"]) == ("1008", "001A000001")

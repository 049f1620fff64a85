"""Dynamics 365 Finance: the stand-in's metadata and rows against the entities' declarations, and the connector against a mock."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import running
from sandbox.world.plant import FaultPlan
from tests.conformance.described import SPECS, lacking, only_with, sample
from tests.conformance.edm import differences_v4, entity_sets, enums
from tests.conformance.vendor_mock import Asked, Told, installed_beside, served

pytestmark = only_with("dynamics365_finance")
FILE = SPECS / "dynamics365_finance" / "derived_metadata.xml"
SETS = [
    "BusinessEventsCatalogs", "Companies", "ContactPersons", "Currencies", "CustAgedBalances", "CustInvoiceJourBiEntities", "CustInvoiceTransBiEntities",
    "CustPackingSlipJourBiEntities", "CustPackingSlipTransBiEntities", "CustTableBiEntities", "CustTransBiEntities", "CustTransOpens", "CustTransactions",
    "CustomerGroups", "CustomerPaymentJournalHeaders", "CustomerPaymentJournalLines", "CustomerPostalAddresses", "CustomersV3", "ExchangeRates",
    "FreeTextInvoiceHeaders", "FreeTextInvoiceLines", "Ledgers", "LegalEntities", "PackingSlipTrackingInformation", "PaymentTerms",
    "ReleasedDistinctProductsV2", "ReleasedProductsV2", "ReturnDispositionCodes", "ReturnOrderHeaders", "ReturnOrderHeadersV2", "ReturnOrderLines",
    "ReturnOrderLinesV2", "SalesInvoiceHeadersV2", "SalesInvoiceHeadersV4",
    "SalesInvoiceJournalHeaders", "SalesInvoiceV2Lines", "SalesInvoiceV3Lines", "SalesInvoiceV4Lines", "SalesOrderHeadersV2", "SalesOrderHeadersV3",
    "SalesOrderHeadersV4", "SalesOrderHoldCodes", "SalesOrderLines", "SalesOrderLinesV3", "SalesOrderOriginCodes", "ShipmentPackingSlipJournalHeaders",
    "ShipmentPackingSlipJournalLines",
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    account = credentials("dynamics365_finance", home)
    with running(home, scale=0.02, vendors=("dynamics365_finance",), faults=FaultPlan()) as sandbox, requests.Session() as session:
        base = sandbox.url("dynamics365_finance")
        token = requests.post(f"{base}/{account['tenant']}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": account["client_id"], "client_secret": account["client_secret"],
            "scope": f"{base}/.default"}).json()
        session.headers.update({"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"})
        session.base, session.token = f"{base}/data", token  # type: ignore[attr-defined]
        yield session


@pytest.mark.parametrize("name", SETS)
def test_rows_are_as_declared(environment: Any, name: str) -> None:
    declared, members = entity_sets(FILE)[name], enums(FILE)
    answer = environment.get(f"{environment.base}/{name}?$top=50&cross-company=true")
    assert answer.status_code == 200 and answer.headers["OData-Version"] == "4.0", answer.text
    content = answer.json()
    assert content["@odata.context"].endswith(f"$metadata#{name}")
    found = {text for row in content["value"] for text in differences_v4(declared, members, row)}
    assert found == set()
    assert content["value"] and all(set(declared.key) <= set(row) and row["@odata.etag"].startswith('W/"') for row in content["value"])


def test_metadata_declares_the_same_keys(environment: Any) -> None:
    answer = environment.get(f"{environment.base}/$metadata", headers={"Accept": "application/xml"})
    ours, theirs = entity_sets(answer.content), entity_sets(FILE)
    assert [(name, ours[name].key, theirs[name].key) for name in ours if name in theirs and set(ours[name].key) != set(theirs[name].key)] == []


SAMPLES = {
    "CustTransactions_page.json": "CustTransactions?$top=50", "SalesOrderHeadersV2_expand_lines.json": "SalesOrderHeadersV2?$top=50&$expand=SalesOrderLines",
    "CustomersV3_page.json": "CustomersV3?$count=true",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_answers_have_every_field_of_the_samples(environment: Any, name: str) -> None:
    expected = sample("dynamics365_finance", "samples", "composed", name)
    shown = environment.get(f"{environment.base}/{SAMPLES[name]}&cross-company=true", headers={"Prefer": "odata.maxpagesize=20"}).json()
    assert lacking(expected, [shown]) == []


def test_pages_counts_and_refusals(environment: Any) -> None:
    first = environment.get(f"{environment.base}/CustomersV3?$count=true&cross-company=true", headers={"Prefer": "odata.maxpagesize=30"}).json()
    link, keys = first["@odata.nextLink"], {(row["dataAreaId"], row["CustomerAccount"]) for row in first["value"]}
    while link:
        page = environment.get(link).json()
        keys |= {(row["dataAreaId"], row["CustomerAccount"]) for row in page["value"]}
        link = page.get("@odata.nextLink")
    assert len(keys) == first["@odata.count"]
    for wrong in ("$filter=NoSuch eq 'x'", "$select=NoSuch", "$filter=contains(OrganizationName"):
        answer = environment.get(f"{environment.base}/CustomersV3?{wrong}")
        assert answer.status_code == 400 and set(answer.json()) == {"error"}, wrong
    assert requests.get(f"{environment.base}/CustomersV3").status_code == 401
    assert environment.get(f"{environment.base}/NoSuchSet").status_code == 404
    assert {"token_type", "expires_in", "access_token"} <= set(environment.token)


# the connector


def complete(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A sample shows some properties; the service leaves none out, and has values of its own for nothing."""
    members = enums(FILE)
    nothing: dict[str, Any] = {
        "Edm.String": "", "Edm.Decimal": 0, "Edm.Double": 0, "Edm.Int64": 0, "Edm.Int32": 0, "Edm.Boolean": False,
        "Edm.DateTimeOffset": "1900-01-01T12:00:00Z", "Edm.Guid": "00000000-0000-0000-0000-000000000000"}
    empty = {
        each: nothing[kind] if kind in nothing else min(members.get(kind.rpartition(".")[2], {"None"}))
        for each, (kind, _) in entity_sets(FILE)[name].properties.items()}
    return [{**empty, **row} for row in rows]


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]]) -> Told:
    if asked.path == "/t/oauth2/v2.0/token":
        good = asked.form["client_id"] == "id" and asked.form["client_secret"] == "secret" and asked.form["grant_type"] == "client_credentials"
        assert asked.form["scope"] == "https://acme.operations.dynamics.com/.default"
        return Told({"token_type": "Bearer", "expires_in": 3599, "access_token": "t1"} if good else {"error": "invalid_client"}, 200 if good else 401)
    if asked.headers.get("authorization") != "Bearer t1":
        return Told({"error": {"code": "", "message": "Unauthorized"}}, 401)
    name = asked.path.removeprefix("/data/")
    if name.endswith("/$count"):
        return Told(str(len(held[name.removesuffix("/$count")])).encode(), headers={"Content-Type": "text/plain"})
    rows = held.get(name)
    if rows is None:
        return Told({"error": {"code": "", "message": f"No HTTP resource was found that matches the request URI '{asked.path}'."}}, 404)
    assert asked.query.get("cross-company") == "true" or name == "LegalEntities"
    skip = int(asked.query.get("$skip", "0"))
    following = {"@odata.nextLink": f"{asked.base_url}{asked.path}?cross-company=true&$count=true&$skip={skip + 1}"} if skip + 1 < len(rows) else {}
    return Told({
        "@odata.context": f"{asked.base_url}/data/$metadata#{name}", "@odata.count": len(rows), "value": rows[skip:skip + 1], **following})


def test_connector_lands_the_sample_rows(tmp_path: Path) -> None:
    pages = {name: sample("dynamics365_finance", "samples", "composed", f"{name}.json")["value"] for name in (
        "CustomersV3_page", "CustTransactions_page", "SalesOrderHeadersV2_expand_lines")}
    orders = [{key: value for key, value in row.items() if key != "SalesOrderLines"} for row in pages["SalesOrderHeadersV2_expand_lines"]]
    held = {
        "CustomersV3": complete("CustomersV3", pages["CustomersV3_page"]), "CustTransactions": complete("CustTransactions", pages["CustTransactions_page"]),
        "SalesOrderHeadersV2": complete("SalesOrderHeadersV2", orders), "LegalEntities": []}
    with served(lambda asked: answering(asked, held)) as mock:
        here = installed_beside(tmp_path, mock, "dynamics365_finance", "erp", {"client_id": "id", "client_secret": "secret"})
        result = here.ingest("customers", "transactions", "orders")
        assert not result.quarantined and not result.failed and all(audit.is_complete for audit in result.audits)
        customers = {row["customer_account"]: row for row in here.rows("customers")}
        assert (customers["US-001"]["credit_limit"], customers["US-001"]["data_area_id"]) == (Decimal("25000"), "usmf")
        assert customers["US-002"]["on_hold_status"] == "All"
        transactions = here.rows("transactions")
        assert {row["amount"] for row in transactions} == {Decimal("1399.95"), Decimal("-80")}
        assert len(here.rows("orders")) == 1
        held["CustomersV3"][1] = {**held["CustomersV3"][1], "OnHoldStatus": "No"}
        again = here.ingest("customers")
        assert not again.quarantined and again.rows["customers"] == 1

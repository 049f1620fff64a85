"""Zuora: the stand-in's answers against an OpenAPI text made from the official client, and the connector against a mock tenant."""

from __future__ import annotations

import time
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
from tests.conformance.described import described, lacking, only_with, sample, undeclared, validator, violations
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("zuora")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    account = credentials("zuora", home)
    with running(home, scale=0.02, vendors=("zuora",), faults=FaultPlan()) as sandbox, requests.Session() as session:
        session.base, session.account = sandbox.url("zuora"), account  # type: ignore[attr-defined]
        session.token = requests.post(f"{sandbox.url('zuora')}/oauth/token", data={**account, "grant_type": "client_credentials"})  # type: ignore[attr-defined]
        session.headers["Authorization"] = f"Bearer {session.token.json()['access_token']}"  # type: ignore[attr-defined]
        yield session


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described("zuora", "zuora_v1_sdk3.21.0.derived.json")


def get(tenant: Any, path: str, **params: Any) -> requests.Response:
    answer: requests.Response = tenant.get(f"{tenant.base}/{path}", params=params)
    return answer


OBJECTS = [
    "accounts", "amendments", "contacts", "credit-memo-applications", "credit-memo-items", "credit-memo-parts", "credit-memos", "debit-memo-items",
    "debit-memos", "invoice-items", "invoices", "order-actions", "orders", "payment-applications", "payment-methods", "payment-parts", "payments",
    "product-rate-plan-charge-tiers", "product-rate-plan-charges", "product-rate-plans", "products", "rate-plan-charge-tiers", "rate-plan-charges",
    "rate-plans", "refund-applications", "refunds", "subscriptions", "taxation-items", "usages",
]


@pytest.mark.parametrize("path", OBJECTS)
def test_object_queries_answer_as_described(tenant: Any, document: dict[str, Any], path: str) -> None:
    low = {"filter[]": "updateddate.GE:2000-01-01T00:00:00Z", "sort[]": "updateddate.ASC", "pageSize": 50}
    schema = document["paths"][f"/object-query/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    for more in ({}, {"includeNullFields": "true"}):
        answer = get(tenant, f"object-query/{path}", **low, **more)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        assert set(content) <= {"data", "nextPage"}
        assert violations(validator(document, schema), [content]) == []
        assert sorted(set(undeclared(document, schema, content))) == []
    if content["data"]:
        key = content["data"][0]["id"]
        one = get(tenant, f"object-query/{path}/{key}")
        schema = document["paths"][f"/object-query/{path}/{{key}}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert one.status_code == 200 and one.json()["id"] == key and violations(validator(document, schema), [one.json()]) == []


REST = {
    "v1/accounts/{account-key}": "accounts", "v1/accounts/{account-key}/summary": "accounts", "v1/invoices/{invoiceKey}": "invoices",
    "v1/invoices/{invoiceKey}/items": "invoices", "v1/credit-memos/{creditMemoKey}": "credit-memos", "v1/credit-memos": "",
    "v1/credit-memos/{creditMemoKey}/items": "credit-memos", "v1/credit-memos/{creditMemoKey}/parts": "credit-memos",
    "v1/payments/{paymentKey}": "payments", "v1/payments": "", "v1/refunds/{refundKey}": "refunds", "v1/refunds": "",
    "v1/subscriptions/{subscription-key}": "subscriptions", "v1/subscriptions/accounts/{account-key}": "accounts", "v1/debit-memos": "",
    "v1/catalog/product/{product-key}": "products", "v1/rateplan/{product-key}/productRatePlan": "products",
    "v1/contacts/{contactId}": "contacts", "v1/orders/{orderNumber}": "orders", "v1/catalog/products": "", "query/jobs": "",
}


@pytest.mark.parametrize("path", REST)
def test_documents_answer_as_described(tenant: Any, document: dict[str, Any], path: str) -> None:
    real = path
    if REST[path]:
        [row] = get(tenant, f"object-query/{REST[path]}", pageSize=1).json()["data"]
        key = row["orderNumber"] if REST[path] == "orders" else row["id"]
        real = path.partition("{")[0] + key + path.partition("}")[2]
    answer = get(tenant, real)
    assert answer.status_code == 200 and answer.json().get("success", True) is True, answer.text
    schema = document["paths"][f"/{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert violations(validator(document, schema), [answer.json()]) == []
    assert sorted(set(undeclared(document, schema, answer.json(), known={"success", "processId", "requestId"}))) == []


def composed(name: str) -> Any:
    return sample("zuora", "samples", name)


def test_answers_have_every_field_of_the_samples(tenant: Any) -> None:
    shown = get(tenant, "object-query/accounts", pageSize=50).json()
    assert lacking(composed("object_query_accounts_page1.json"), [shown]) == []
    assert lacking(composed("oauth_token.json"), [tenant.token.json()]) == []
    page = tenant.post(f"{tenant.base}/v1/action/query", json={
        "queryString": "select Id, AccountNumber, Name, UpdatedDate from Account", "conf": {"batchSize": 5}}).json()
    assert lacking(composed("action_query_page1.json")["response"], [page]) == [] and len(page["records"]) == 5
    more = tenant.post(f"{tenant.base}/v1/action/queryMore", json={"queryLocator": page["queryLocator"]}).json()
    assert lacking(composed("action_query_more.json")["response"], [more]) == []
    job = tenant.post(f"{tenant.base}/query/jobs", json=composed("data_query_job.json")["submit_request"])
    assert lacking(composed("data_query_job.json")["submit_response"], [job.json()]) == []
    for _ in range(100):
        state = get(tenant, f"query/jobs/{job.json()['data']['id']}").json()
        if state["data"]["queryStatus"] == "completed":
            break
        time.sleep(0.05)
    assert lacking(composed("data_query_job.json")["poll_completed"], [state]) == []
    aqua = {**composed("aqua_job.json")["submit_request"]}
    made = tenant.post(f"{tenant.base}/v1/batch-query/", json={key: value for key, value in aqua.items() if key not in ("partner", "project")})
    assert lacking(composed("aqua_job.json")["submit_response"], [made.json()], {"partner", "project", "batches[].full"}) == []


def test_errors_are_those_of_the_samples(tenant: Any) -> None:
    errors = composed("errors.json")
    nobody = requests.get(f"{tenant.base}/object-query/accounts", headers={"Authorization": "Bearer no"})
    assert nobody.status_code == 401 and "Bearer" in nobody.headers["WWW-Authenticate"]
    missing = get(tenant, "v1/accounts/A-S404").json()
    assert missing["success"] is False and lacking(errors["200_not_found"]["body"], [missing]) == []
    assert str(missing["reasons"][0]["code"]).endswith("40")
    wrong = get(tenant, "object-query/accounts", **{"filter[]": "foo.EQ:1"})
    assert wrong.status_code == 400 and set(wrong.json()) == {"reasons", "requestId"}
    assert str(wrong.json()["reasons"][0]["code"]) == composed("object_query_error.json")["body"]["reasons"][0]["code"]
    assert get(tenant, "object-query/accounts", pageSize="100").json()["reasons"][0]["code"] in (50000060, "50000060")
    assert get(tenant, "object-query/invoice-items").status_code == 400  # this one wants a filter
    crud = get(tenant, "v1/object/account/" + "0" * 32)
    assert crud.status_code == 404 and crud.json() == errors["404_crud"]["body"]
    query = tenant.post(f"{tenant.base}/v1/action/query", json={"queryString": "select * from Account"})
    assert query.status_code == 400 and lacking(errors["400_action_query"]["body"], [query.json()]) == []


# the connector


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]]) -> Told:
    if asked.path == "/oauth/token":
        good = asked.form == {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}
        return Told(composed("oauth_token.json") if good else {"message": "bad"}, 200 if good else 401)
    if asked.headers.get("authorization") != f"Bearer {composed('oauth_token.json')['access_token']}":
        return Told(composed("errors.json")["401"]["body"], 401)
    if asked.path == "/v1/action/query":
        kind = asked.json["queryString"].rpartition(" from ")[2]
        return Told({"size": len(held.get(kind.lower() + "s", [])), "done": True, "records": []})
    path = asked.path.removeprefix("/object-query/")
    rows = held.get(path, [])
    if "filter[]" in asked.query:
        field, _, value = asked.query["filter[]"].partition(":")
        if field == "updateddate.GE":
            rows = [row for row in rows if datetime.fromisoformat(row["updatedDate"]) >= datetime.fromisoformat(value)]
    rows = sorted(rows, key=lambda row: datetime.fromisoformat(row["updatedDate"]))
    place = int(asked.query.get("cursor", "0"))
    following = {"nextPage": str(place + 1)} if place + 1 < len(rows) else {}
    return Told({"data": rows[place:place + 1], **following})


def test_connector_lands_the_sample_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = {"createdDate": "2025-10-09T01:53:20-07:00", "updatedDate": "2025-10-10T03:24:15-07:00", "createdById": "1" * 32, "updatedById": "1" * 32}
    held: dict[str, list[dict[str, Any]]] = {
        "accounts": [*composed("object_query_accounts_page1.json")["data"], *composed("object_query_accounts_last.json")["data"]],
        "invoices": [{
            "id": "8ad0875995aa292e0195b7de80796305", "invoiceNumber": "INV00000255", "accountId": "8ad08eb292f6328c019318dcd43821b0",
            "status": "Posted", "invoiceDate": "2025-10-09", "dueDate": "2025-11-08", "targetDate": "2025-10-09", "amount": 357.0,
            "amountWithoutTax": 300.0, "taxAmount": 57.0, "balance": 307.1, "currency": "EUR", "postedDate": "2025-10-09T01:55:00-07:00",
            "reversed": False, **stamps}]}
    with served(lambda asked: answering(asked, held)) as mock:
        here = installed(
            monkeypatch, tmp_path, mock, "zuora", "billing", {"client_id": "id", "client_secret": "secret"}, settings={"deletes": "none"})
        result = here.ingest("accounts", "invoices", "contacts")
        assert not result.quarantined and not result.failed and all(audit.is_complete for audit in result.audits)
        accounts = {row["account_number"]: row for row in here.rows("accounts")}
        assert set(accounts) == {"A00000130", "A00000129"}
        assert (accounts["A00000130"]["balance"], accounts["A00000130"]["bill_cycle_day"]) == (Decimal("357"), 1)
        assert accounts["A00000130"]["updated_at"] == datetime(2025, 10, 10, 10, 24, 15, tzinfo=UTC)
        [invoice] = here.rows("invoices")
        assert (invoice["amount"], invoice["balance"], invoice["due_date"]) == (Decimal("357"), Decimal("307.1"), date(2025, 11, 8))
        held["accounts"][1] |= {"name": "Beta SE", "updatedDate": datetime.now(UTC).isoformat(timespec="seconds")}
        again = here.ingest("accounts")
        assert not again.quarantined and again.rows["accounts"] == 1 and "Beta SE" in {row["name"] for row in here.rows("accounts")}

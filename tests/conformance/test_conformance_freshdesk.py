"""Freshdesk: the stand-in's answers against an OpenAPI text and published samples, and the connector against a mock that serves them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.accounts import settings as credentials
from sandbox.server import running
from tests.conformance.described import described, lacking, only_with, sample, validator, violations
from tests.conformance.vendor_mock import Asked, Told, installed, served

pytestmark = only_with("freshdesk")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    with running(home, scale=0.02, vendors=("freshdesk",)) as sandbox, requests.Session() as session:
        session.auth = (credentials("freshdesk", home)["api_key"], "X")
        session.base = sandbox.url("freshdesk")  # type: ignore[attr-defined]
        yield session


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described("freshdesk", "unofficial-openapi.yml")


def get(desk: Any, path: str, **params: str) -> requests.Response:
    answer: requests.Response = desk.get(f"{desk.base}/api/v2/{path}", params=params)
    return answer


EVER = {"updated_since": "2000-01-01T00:00:00Z", "per_page": "100"}
# the text is a third party's and knows fewer codes and fewer nulls than the vendor; where it differs, the vendor's reference is right
LENIENT: dict[str, dict[str, Any]] = {
    "Ticket": {"source": {"type": "integer"}, "status": {"type": "integer"}},
    "Agent": {"contact": {"type": "object"}},
    "Field": {"choices": {"type": ["array", "object", "null"]}},  # the sources of tickets: label to code
    "Conversation": {"bcc_emails": {"type": ["array", "null"]}, "cc_emails": {"type": ["array", "null"]}},
}
LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "tickets": ("Ticket", {**EVER, "include": "description,stats,requester"}), "contacts": ("Contact", {"per_page": "100"}),
    "companies": ("Company", {"per_page": "100"}), "agents": ("Agent", {"per_page": "100"}), "groups": ("Group", {}), "roles": ("Role", {}),
    "products": ("Product", {}), "sla_policies": ("SLAPolicy", {}), "business_hours": ("BusinessHour", {}), "ticket_fields": ("Field", {}),
    "contact_fields": ("Field", {}), "company_fields": ("Field", {}), "time_entries": ("TimeEntry", {}),
    "surveys/satisfaction_ratings": ("SatisfactionRating", {}),
}


def schema_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    schema: dict[str, Any] = document["components"]["schemas"][name]
    return {**schema, "properties": {**schema["properties"], **LENIENT.get(name, {})}}


@pytest.mark.parametrize("path", LISTS)
def test_lists_and_single_views_answer_as_described(desk: Any, document: dict[str, Any], path: str) -> None:
    name, params = LISTS[path]
    schema = schema_of(document, name)
    answer = get(desk, path, **params)
    assert answer.status_code == 200 and answer.headers["X-Freshdesk-Api-Version"] == "latest=v2; requested=v2"
    rows = answer.json()
    assert isinstance(rows, list)
    assert violations(validator(document, schema), rows) == []
    if rows and any(each.startswith(f"/{path}/{{") and each.endswith("}") and "get" in document["paths"][each] for each in document["paths"]):
        one = get(desk, f"{path}/{rows[0]['id']}")
        assert one.status_code == (405 if path == "sla_policies" else 200), one.text  # policies have no single view
        if one.status_code == 200:
            assert violations(validator(document, schema), [one.json()]) == [] and one.json()["id"] == rows[0]["id"]


def test_conversations_and_searches_answer_as_described(desk: Any, document: dict[str, Any]) -> None:
    tickets = get(desk, "tickets", **EVER).json()
    said = [row for ticket in tickets[:20] for row in get(desk, f"tickets/{ticket['id']}/conversations").json()]
    assert said and violations(validator(document, schema_of(document, "Conversation")), said) == []
    for kind in ("tickets", "contacts", "companies"):
        answer = get(desk, f"search/{kind}", query="\"created_at:>'2000-01-01'\"")
        content = answer.json()
        assert answer.status_code == 200 and set(content) == {"total", "results"} and len(content["results"]) <= 30


# the samples of the client library also have shapes of the vendor's first API; those are no part of this one
SAMPLES = {
    ("python_freshdesk", "ticket_1.json"): ("tickets/{id}", {"include": "stats,requester"}, {"custom_fields", "priority_name", "attachments"}),
    ("python_freshdesk", "companies.json"): ("companies", {}, {"custom_fields"}),
    ("python_freshdesk", "groups.json"): ("groups", {}, set()),
    ("python_freshdesk", "group_1.json"): ("groups", {}, set()),
    ("python_freshdesk", "conversations.json"): ("tickets/{id}/conversations", {}, set()),
    ("python_freshdesk", "time_entries.json"): ("time_entries", {}, set()),
    # numbers of phones as numbers: the fake data of that library
    ("python_freshdesk", "agents.json"): ("agents", {}, {"contact.phone", "contact.mobile"}),
    ("composed", "companies.json"): ("companies", {}, {"custom_fields.erp_status"}),
    ("composed", "contacts.json"): ("contacts", {}, {"custom_fields.department"}),
    ("composed", "tickets_updated_since_page1.json"): ("tickets", {**EVER, "include": "description"}, {"custom_fields.cf_erp_status"}),
    ("composed", "conversations.json"): ("tickets/{id}/conversations", {}, set()),
}


@pytest.mark.parametrize("name", SAMPLES, ids="/".join)
def test_answers_have_every_field_of_the_samples(desk: Any, name: tuple[str, str]) -> None:
    path, params, without = SAMPLES[name]
    expected = sample("freshdesk", "samples", *name)
    paths = [path.format(id=ticket["id"]) for ticket in get(desk, "tickets", **EVER).json()] if "{id}" in path else [path]
    shown = [get(desk, each, **params).json() for each in paths[:30]]
    rows = [row for one in shown for row in (one if isinstance(one, list) else [one])]
    for one in expected if isinstance(expected, list) else [expected]:
        assert lacking(one, rows, without) == []


def test_documented_parameters_are_taken_and_others_refused(desk: Any, document: dict[str, Any]) -> None:
    values = {
        "filter": "new_and_my_open", "requester_id": "43100000001", "email": "nobody@example.com", "updated_since": "2026-01-01", "order_by": "status",
        "order_type": "asc", "include": "stats", "phone": "1", "mobile": "1", "company_id": "43000000001", "state": "", "created_since": "2026-01-01"}
    states = {"contacts": "verified", "agents": "fulltime"}
    for path, operations in document["paths"].items():
        kind = path.strip("/")
        if kind not in ("tickets", "contacts", "companies", "agents", "groups", "roles", "products", "time_entries", "surveys/satisfaction_ratings"):
            continue
        for parameter in operations["get"].get("parameters", ()):
            name = parameter.get("name") or {"page": "page", "perPage": "per_page"}[parameter["$ref"].rpartition("/")[2]]
            value = {**values, "page": "1", "per_page": "10", "state": states.get(kind, "")}[name]
            answer = get(desk, kind, **{name: value})
            assert answer.status_code == 200 or (name in ("email", "requester_id") and kind == "tickets"), (kind, name, answer.text)
        refused = get(desk, kind, nosuch="1")
        assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "nosuch", kind
        assert refused.json()["errors"][0]["code"] == "invalid_field"
        assert get(desk, kind, per_page="101").status_code == 400


def test_errors_have_the_forms_of_the_samples(desk: Any) -> None:
    errors = sample("freshdesk", "samples", "composed", "errors.json")
    beyond = get(desk, "tickets", page="301", per_page="100")
    assert (beyond.status_code, beyond.json()) == (400, errors["400_page_301"])
    nobody = requests.get(f"{desk.base}/api/v2/tickets", auth=("wrong", "X"))
    assert (nobody.status_code, nobody.json()) == (401, errors["401"])
    blank = desk.post(f"{desk.base}/api/v2/companies", json={})
    assert blank.status_code == 400 and lacking(errors["400_validation"], [blank.json()]) == []
    assert blank.json()["errors"][0]["code"] == "missing_field"
    taken = get(desk, "contacts").json()[0]["email"]
    double = desk.post(f"{desk.base}/api/v2/contacts", json={"name": "Twice", "email": taken})
    assert double.status_code == 409 and lacking(errors["409"], [double.json()]) == []
    assert desk.get(f"{desk.base}/api/v2/tickets", headers={"Accept": "text/html"}).status_code == 406
    assert desk.post(f"{desk.base}/api/v2/companies", data="<a/>", headers={"Content-Type": "application/xml"}).status_code == 415
    missing = get(desk, "companies/1")
    assert missing.status_code == 404 and missing.content == b""
    bulk = sample("freshdesk", "samples", "composed", "bulk_update.json")
    ticket = get(desk, "tickets", **EVER).json()[0]["id"]
    job = desk.post(f"{desk.base}/api/v2/tickets/bulk_update", json={"bulk_action": {"ids": [ticket], "properties": {"priority": 3}}})
    assert job.status_code in (200, 202) and lacking(bulk["response"], [job.json()]) == []
    assert lacking(bulk["poll"], [desk.get(job.json()["href"]).json()]) == []


# the connector


def composed(name: str) -> Any:
    return sample("freshdesk", "samples", "composed", name)


def library(name: str) -> Any:
    return sample("freshdesk", "samples", "python_freshdesk", name)


def contents() -> dict[str, list[dict[str, Any]]]:
    tickets = [*composed("tickets_updated_since_page1.json"), {**library("ticket_1.json"), "id": 7}]
    return {
        "companies": [*composed("companies.json"), *library("companies.json")], "contacts": composed("contacts.json"), "tickets": tickets,
        "agents": library("agents.json"), "groups": library("groups.json"), "roles": library("roles.json"),
        "time_entries": library("time_entries.json"), "products": [], "business_hours": [], "surveys/satisfaction_ratings": [],
        "sla_policies": [], "ticket_fields": [{
            "id": 1, "name": "status", "label": "Status", "type": "default_status", "default": True, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z", "choices": {"2": ["Open", "Being Processed"], "8": ["On site", "On site"]}}]}


def answering(asked: Asked, held: dict[str, list[dict[str, Any]]]) -> Told:
    if asked.basic[0] != "k3y":
        return Told(composed("errors.json")["401"], 401)
    path = asked.path.removeprefix("/api/v2/")
    headers = {"X-RateLimit-Total": "400", "X-RateLimit-Remaining": "399", "X-Freshdesk-Api-Version": "latest=v2; requested=v2"}
    if path == "agents/me":
        return Told(library("agent_1.json"), headers=headers)
    if path.startswith("search/"):
        rows = held[path.removeprefix("search/")]
        return Told({"total": len(rows), "results": rows[:30]}, headers=headers)
    if path.endswith("/conversations"):
        said = {"1042": composed("conversations.json"), "7": library("conversations.json")}.get(path.split("/")[1], [])
        return Told(said, headers=headers)
    if path == "custom_objects/schemas":
        return Told({"code": "require_feature", "message": "The feature is not supported in your plan."}, 403, headers)
    if path not in held:
        return Told(b"", 404, headers)
    rows = [] if asked.query.keys() & {"filter", "state"} else held[path]
    size, page = int(asked.query.get("per_page", "30")), int(asked.query.get("page", "1"))
    if "updated_since" in asked.query:
        since = datetime.fromisoformat(asked.query["updated_since"])
        rows = [row for row in rows if datetime.fromisoformat(row["updated_at"]) >= since]
    if asked.query.get("order_by") == "updated_at":
        rows = sorted(rows, key=lambda row: datetime.fromisoformat(row["updated_at"]))
    shown = rows[(page - 1) * size:page * size]
    if page * size < len(rows):
        headers["link"] = f'<{asked.base_url}{asked.path}?page={page + 1}&per_page={size}>; rel="next"'
    return Told(shown, headers=headers)


def test_connector_lands_the_published_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = contents()
    with served(lambda asked: answering(asked, held)) as mock:
        here = installed(monkeypatch, tmp_path, mock, "freshdesk", "support", {"api_key": "k3y"})
        result = here.ingest()
        assert not result.failed and not result.quarantined and all(audit.is_complete for audit in result.audits)
        companies = {row["id"]: row for row in here.rows("companies")}
        assert len(companies) == 4
        acme, boxeo = companies[43000596607], companies[43000596608]
        assert (acme["erp_customer_id"], acme["account_tier"], acme["renewal_date"]) == ("C-100", "Premium", date(2026, 12, 31))
        # the same moment, told with another offset
        assert boxeo["created_at"] == acme["created_at"] == datetime(2025, 6, 1, 8, tzinfo=UTC) and boxeo["erp_customer_id"] is None
        tickets = {row["id"]: row for row in here.rows("tickets")}
        assert (tickets[1043]["source"], tickets[1043]["status"], tickets[1042]["priority"]) == (15, "6", "3")
        assert tickets[7]["resolved_at"] == datetime(2020, 7, 24, 15, 35, 21, tzinfo=UTC) and tickets[7]["reopened_at"] is None
        assert {row["ticket_id"] for row in here.rows("conversations")} == {1042, 1} and len(here.rows("conversations")) == 3
        assert {(row["code"], row["label"]) for row in here.rows("ticket_statuses")} == {(2, "Open"), (8, "On site")}
        assert [row["time_spent"] for row in here.rows("time_entries") if row["id"] == 1] == ["00:15"]
        assert {row["id"] for row in here.rows("agents")} == {row["id"] for row in held["agents"]}
        assert len(here.rows("contacts")) == 1 and here.rows("contacts")[0]["unique_external_id"] == "U-77"
        again = here.ingest()
        assert again.total == 0 and not again.quarantined

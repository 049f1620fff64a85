"""The Freshdesk stand-in over HTTP: logins, lists, the archive, searches, writes, custom objects and limits as the vendor serves them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.freshdesk import create
from sandbox.protocol import Clock, Store
from sandbox.world.model import Comment, native_id
from tests.sandbox.freshdesk_account import NOW, Desk, ago, contact, customer, served, ticket, world

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "freshdesk" / "samples"
COMPANY, PERSON, AGENT = 43_000_000_001, 43_100_000_001, 43_200_000_001
EVER = "2000-01-01T00:00:00Z"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as started:
        yield started


def faults(response: requests.Response, status: int = 400) -> dict[str, str]:
    assert response.status_code == status, response.text
    content = response.json()
    assert content["description"] == "Validation failed"
    return {error["field"]: error["code"] for error in content["errors"]}


def following(response: requests.Response) -> str | None:
    return response.links["next"]["url"] if "next" in response.links else None


# logins and the form of requests


def test_the_key_is_the_user_and_the_password_may_be_anything(desk: Desk) -> None:
    url = f"{desk.url}/api/v2/agents/me"
    for password in ("X", "", "anything"):
        assert requests.get(url, auth=("freshdesk-sandbox-key", password), timeout=10).json()["id"] == 43_200_000_000
    for wrong in (("wrong", "X"), ("X", "freshdesk-sandbox-key")):
        response = requests.get(url, auth=wrong, timeout=10)
        assert (response.status_code, response.json()["code"]) == (401, "invalid_credentials")
    assert requests.get(url, timeout=10).status_code == 401
    assert requests.get(url, headers={"Authorization": "Bearer freshdesk-sandbox-key"}, timeout=10).status_code == 401


def test_every_answer_names_the_version_and_the_credits(desk: Desk) -> None:
    response = desk.call("GET", "/companies")
    assert response.headers["X-Freshdesk-Api-Version"] == "latest=v2; requested=v2"
    assert response.headers["X-RateLimit-Used-CurrentRequest"] == "1"
    assert response.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(("method", "path", "options", "status"), [
    ("GET", "/companies", {"headers": {"Accept": "text/xml"}}, 406),
    ("POST", "/companies", {"data": "<company/>", "headers": {"Content-Type": "application/xml"}}, 415),
    ("POST", "/companies", {"data": "{", "headers": {"Content-Type": "application/json"}}, 400),
    ("GET", "/companies", {"json": {"a": 1}}, 400),
    ("GET", "/companies/", {}, 404),
    ("GET", "/tickets/abc", {}, 404),
    ("GET", "/tickets/99999", {}, 404),
    ("DELETE", "/companies", {}, 405),
    ("GET", "/no/such/thing", {}, 404),
])
def test_requests_of_a_wrong_form(desk: Desk, method: str, path: str, options: dict[str, Any], status: int) -> None:
    response = desk.call(method, path, **options)
    assert response.status_code == status
    if status == 404:
        assert response.content == b""
    if status == 405:
        assert response.headers["Allow"] == "GET, POST"


# lists


def test_lists_are_bare_arrays_with_a_link_while_there_is_more() -> None:
    with served(world(customers=[customer(key) for key in range(1, 6)])) as desk:
        first = desk.call("GET", "/companies", params={"per_page": 2})
        second = requests.get(following(first) or "", auth=("freshdesk-sandbox-key", "X"), timeout=10)
        third = requests.get(following(second) or "", auth=("freshdesk-sandbox-key", "X"), timeout=10)
        assert [len(page.json()) for page in (first, second, third)] == [2, 2, 1]
        assert following(third) is None
        assert len({row["id"] for page in (first, second, third) for row in page.json()}) == 5
        assert following(desk.call("GET", "/companies", params={"per_page": 5})) is None  # a full last page has none either
        assert desk.get("/companies", page=9) == []


@pytest.mark.parametrize("params", [{"per_page": 101}, {"per_page": 0}, {"per_page": "x"}, {"page": 0}, {"page": "-1"}])
def test_pages_out_of_bounds_are_refused(desk: Desk, params: dict[str, Any]) -> None:
    for path in ("/companies", "/contacts", "/tickets"):
        assert faults(desk.call("GET", path, params=params)) == {next(iter(params)): "invalid_value"}


def test_unknown_parameters_are_refused(desk: Desk) -> None:
    assert faults(desk.call("GET", "/tickets", params={"modified_since": EVER})) == {"modified_since": "invalid_field"}
    assert faults(desk.call("GET", "/companies", params={"include": "stats"})) == {"include": "invalid_field"}


def test_a_company_is_shown_with_its_custom_fields_and_no_prefix(desk: Desk) -> None:
    row = desk.get(f"/companies/{COMPANY}")
    assert row["custom_fields"] == {
        "erp_customer_id": "erp-customer-1", "crm_account_id": "crm-customer-1", "tax_id": "DE000000001", "parent_company_id": None,
        "credit_status": "ok", "erp_balance": 1250.75, "overdue_amount": 10.5, "overdue_days": 3, "entitlement_tier": "standard",
        "entitlement_start": "2026-01-01", "entitlement_end": "2026-12-31",
    }
    assert row["domains"] == ["northwind1.example"] and row["created_at"] == ago(days=400).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert row in desk.get("/companies")


def test_a_company_without_an_explicit_link_keeps_no_foreign_ids() -> None:
    with served(world(customers=[customer(1, erp_customer=None, parent=2), customer(2)])) as desk:
        held = desk.get(f"/companies/{COMPANY}")["custom_fields"]
        assert (held["erp_customer_id"], held["crm_account_id"], held["parent_company_id"]) == (None, None, "43000000002")


def test_some_companies_tell_their_times_with_an_offset() -> None:
    with served(world(customers=[customer(key) for key in range(1, 6)])) as desk:
        shown = {row["id"]: row["updated_at"] for row in desk.get("/companies")}
        assert {text[-6:] for text in shown.values()} >= {"+05:30"} and any(text.endswith("Z") for text in shown.values())


def test_companies_and_contacts_by_time_of_update(desk: Desk) -> None:
    since = (ago(days=10) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert {row["id"] for row in desk.get("/companies", updated_since=since)} == {43_000_000_002, 43_000_000_003}  # the bound belongs to it
    assert len(desk.get("/contacts", updated_since=EVER)) == len(desk.get("/contacts", _updated_since=EVER)) == 2
    assert faults(desk.call("GET", "/contacts", params={"updated_since": "yesterday"})) == {"updated_since": "invalid_value"}


def test_contacts_come_in_an_order_that_follows_from_nothing() -> None:
    with served(world(contacts=[contact(key) for key in range(1, 30)])) as desk:
        rows = desk.get("/contacts", per_page=100)
        assert len(rows) == 29
        for name in ("id", "updated_at", "name"):
            values = [row[name] for row in rows]
            assert values != sorted(values) and values != sorted(values, reverse=True)


def test_a_deleted_contact_is_only_in_the_list_of_deleted_ones(desk: Desk) -> None:
    assert "deleted" not in desk.get(f"/contacts/{PERSON}")
    assert desk.call("DELETE", f"/contacts/{PERSON}").status_code == 204
    assert [row["id"] for row in desk.get("/contacts")] == [PERSON + 1]
    [gone] = desk.get("/contacts", state="deleted")
    assert (gone["id"], gone["deleted"]) == (PERSON, True)
    assert desk.call("PUT", f"/contacts/{PERSON}", json={"job_title": "x"}).status_code == 405
    assert desk.call("PUT", f"/contacts/{PERSON}/restore").status_code == 204
    assert desk.get("/contacts", state="deleted") == []
    assert faults(desk.call("GET", "/contacts", params={"state": "gone"})) == {"state": "invalid_value"}


def test_other_companies_are_ids_in_lists_and_objects_in_a_single_view(desk: Desk) -> None:
    desk.call("PUT", f"/contacts/{PERSON}", json={"other_companies": [{"company_id": 43_000_000_002, "view_all_tickets": True}]})
    assert next(row for row in desk.get("/contacts") if row["id"] == PERSON)["other_companies"] == [43_000_000_002]
    assert desk.get(f"/contacts/{PERSON}")["other_companies"][0]["name"] == "Northwind 2"


# tickets


def test_tickets_without_a_time_are_those_of_thirty_days() -> None:
    old = ticket(1, created_at=ago(days=40), updated_at=ago(days=1), changes=[])
    with served(world(tickets=[old, ticket(2)])) as desk:
        assert [row["id"] for row in desk.get("/tickets")] == [2]
        assert {row["id"] for row in desk.get("/tickets", updated_since=EVER)} == {1, 2}


def test_the_newest_ticket_comes_first_unless_asked_otherwise(desk: Desk) -> None:
    assert [row["id"] for row in desk.get("/tickets")] == [2, 1]
    assert [row["id"] for row in desk.get("/tickets", order_by="updated_at", order_type="asc")] == [1, 2]
    assert faults(desk.call("GET", "/tickets", params={"order_by": "id"})) == {"order_by": "invalid_value"}
    assert faults(desk.call("GET", "/tickets", params={"include": "conversations"})) == {"include": "invalid_value"}


def test_tickets_of_one_second_come_in_no_order_of_their_ids_and_the_bound_belongs_to_the_list() -> None:
    moment = ago(days=1)
    with served(world(tickets=[ticket(key, updated_at=moment) for key in range(1, 40)])) as desk:
        since = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        ids = [row["id"] for row in desk.get("/tickets", updated_since=since, order_by="updated_at", order_type="asc", per_page=100)]
        assert len(ids) == 39 and ids != sorted(ids)
        later = (moment + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert desk.get("/tickets", updated_since=later) == []


def test_page_301_is_refused_although_page_300_names_it() -> None:
    with served(world(tickets=[ticket(key) for key in range(1, 304)])) as desk:
        last = desk.call("GET", "/tickets", params={"updated_since": EVER, "per_page": 1, "page": 300})
        assert last.status_code == 200 and "page=301" in (following(last) or "")
        response = desk.call("GET", "/tickets", params={"updated_since": EVER, "per_page": 1, "page": 301})
        assert faults(response) == {"page": "invalid_value"}
        assert "beyond the 300th page" in response.json()["errors"][0]["message"]


def test_what_is_included_costs_credits(desk: Desk) -> None:
    response = desk.call("GET", "/tickets", params={"include": "stats,requester,description"})
    assert response.headers["X-RateLimit-Used-CurrentRequest"] == "7"
    row = response.json()[0]
    assert row["requester"]["name"] == "Ana Ruiz 2" and row["description_text"] == "It stopped this morning."
    plain = desk.call("GET", "/tickets").json()[0]
    assert not {"description", "stats", "requester"} & set(plain)
    single = desk.call("GET", "/tickets/1", params={"include": "conversations,company"})
    assert single.headers["X-RateLimit-Used-CurrentRequest"] == "3"
    assert single.json()["company"] == {"id": COMPANY, "name": "Northwind 1"} and len(single.json()["conversations"]) == 2


def test_a_ticket_shows_codes_references_and_its_last_steps(desk: Desk) -> None:
    row = desk.get("/tickets/1", include="stats")
    assert (row["status"], row["priority"], row["type"]) == (2, 3, "Incident")
    assert (row["requester_id"], row["responder_id"], row["company_id"]) == (PERSON, AGENT, COMPANY)
    assert row["custom_fields"] == {"cf_erp_order_number": "SO1"}
    assert row["stats"]["first_responded_at"] == row["updated_at"] and row["stats"]["resolved_at"] is None
    said = desk.get("/tickets/1/conversations")
    assert [(one["private"], one["source"], one["incoming"], one["user_id"]) for one in said] == [(True, 2, False, AGENT), (False, 0, False, AGENT)]
    assert said[1]["body"] == "<div>Which &lt;model&gt; is it?</div>" and said[1]["body_text"] == "Which <model> is it?"


def test_a_status_of_no_known_meaning_is_a_status_of_the_accounts_own() -> None:
    with served(world(tickets=[ticket(1, status="escalated")])) as desk:
        code = desk.get("/tickets/1")["status"]
        [field] = desk.get("/ticket_fields", type="default_status")
        assert code >= 8 and field["choices"][str(code)][0] == "escalated" and field["choices"]["2"] == ["Open", "Being Processed"]


def test_deleted_and_spam_tickets_leave_the_list_and_take_no_writes(desk: Desk) -> None:
    assert desk.call("DELETE", "/tickets/1").status_code == 204
    desk.vendor._account.put("tickets", {**(desk.vendor.store.get("tickets", "2") or {}), "spam": True})
    assert desk.get("/tickets", updated_since=EVER) == []
    assert [(row["id"], row["deleted"]) for row in desk.get("/tickets", filter="deleted")] == [(1, True)]
    assert [row["id"] for row in desk.get("/tickets", filter="spam")] == [2]
    assert desk.get("/tickets/1")["deleted"] is True
    for id in (1, 2):
        response = desk.call("PUT", f"/tickets/{id}", json={"priority": 1})
        assert response.status_code == 405 and "PUT" not in response.headers["Allow"]
        assert desk.call("POST", f"/tickets/{id}/notes", json={"body": "x"}).status_code == 405
    assert desk.call("PUT", "/tickets/1/restore").status_code == 204
    assert "deleted" not in desk.get("/tickets/1")


def test_the_trash_is_emptied_after_thirty_days(desk: Desk) -> None:
    desk.call("DELETE", "/tickets/1")
    desk.clock.advance(timedelta(days=31))
    assert desk.call("GET", "/tickets/1").status_code == 404
    assert desk.get("/tickets", filter="deleted", updated_since=EVER) == []


def test_closed_tickets_move_to_the_archive_and_are_not_gone() -> None:
    closed = ticket(1, status="closed", created_at=ago(days=200), updated_at=ago(days=130), solved_at=ago(days=131))
    still = ticket(2, status="solved", created_at=ago(days=200), updated_at=ago(days=130), solved_at=ago(days=131))
    with served(world(tickets=[closed, still])) as desk:
        assert [row["id"] for row in desk.get("/tickets", updated_since=EVER)] == [2]
        for path in ("/tickets/1", "/tickets/1/conversations"):
            assert desk.call("GET", path).status_code == 404
        assert desk.call("PUT", "/tickets/1", json={"priority": 1}).status_code == 404
        row = desk.get("/tickets/archived/1", include="stats")
        assert (row["archived"], row["status"], row["stats"]["resolved_at"]) == (True, 5, ago(days=131).strftime("%Y-%m-%dT%H:%M:%SZ"))
        assert len(desk.get("/tickets/archived/1/conversations")) == 2
        assert desk.call("GET", "/tickets/archived/2").status_code == 404
        query = {"query": "\"created_at:>'2000-01-01'\""}
        assert [row["id"] for row in desk.get("/search/tickets", **query)["results"]] == [2]


# searches


def test_searches_count_everything_and_show_ten_pages_of_thirty() -> None:
    with served(world(customers=[customer(key) for key in range(1, 330)])) as desk:
        query = "\"created_at:>'2000-01-01'\""
        first = desk.get("/search/companies", query=query)
        assert (first["total"], len(first["results"])) == (329, 30)
        assert len(desk.get("/search/companies", query=query, page=10)["results"]) == 30
        assert faults(desk.call("GET", "/search/companies", params={"query": query, "page": 11})) == {"page": "invalid_value"}


@pytest.mark.parametrize(("query", "found"), [
    ('"status:2 AND priority:3"', {1, 2}), ('"status:5"', set()), ('"(status:5 OR status:2) AND priority:3"', {1, 2}),
    ("\"erp_order_number:'SO2'\"", {2}), ('"priority:>4"', set()), ('"priority:<3"', {1, 2}), (f'"agent_id:{AGENT}"', {1, 2}),
    ("\"type:'Question'\"", set()),
])
def test_what_a_search_of_tickets_finds(desk: Desk, query: str, found: set[int]) -> None:
    assert {row["id"] for row in desk.get("/search/tickets", query=query)["results"]} == found


@pytest.mark.parametrize("query", ["status:2", '"status"', '"status:2 AND"', "\"created_at:>'2026-01-14T10:00:00Z'\"", '"subject:pump"',
                                   f'"{" OR ".join(["status:2"] * 60)}"'])
def test_queries_that_the_vendor_does_not_take(desk: Desk, query: str) -> None:
    assert desk.call("GET", "/search/tickets", params={"query": query}).status_code == 400


def test_the_index_lags() -> None:
    with served(search_lag_seconds=60) as desk:
        query = "\"erp_customer_id:'C-9'\""
        made = desk.call("POST", "/companies", json={"name": "New Ltd", "custom_fields": {"erp_customer_id": "C-9"}}).json()
        assert desk.get("/search/companies", query=query)["total"] == 0
        desk.clock.advance(timedelta(seconds=61))
        assert [row["id"] for row in desk.get("/search/companies", query=query)["results"]] == [made["id"]]
        desk.call("DELETE", f"/companies/{made['id']}")
        assert desk.get("/search/companies", query=query)["total"] == 1


def test_a_hidden_row_is_counted_and_readable_but_in_no_list() -> None:
    with served(world(customers=[customer(1), customer(2, hidden=True)])) as desk:
        assert [row["id"] for row in desk.get("/companies")] == [COMPANY]
        answer = desk.get("/search/companies", query="\"created_at:>'2000-01-01'\"")
        assert (answer["total"], len(answer["results"])) == (2, 1)
        assert desk.get("/companies/43000000002")["name"] == "Northwind 2"


# writes


def test_a_company_is_changed_field_by_field(desk: Desk) -> None:
    changed = desk.call("PUT", f"/companies/{COMPANY}", json={"custom_fields": {"credit_status": "hold", "erp_balance": 99.5}, "domains": ["a.example"]})
    assert changed.status_code == 200
    held = desk.get(f"/companies/{COMPANY}")
    assert (held["custom_fields"]["credit_status"], held["custom_fields"]["erp_balance"], held["custom_fields"]["overdue_days"]) == ("hold", 99.5, 3)
    assert held["domains"] == ["a.example"] and held["updated_at"] >= NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    renewed = desk.call("PUT", f"/companies/{COMPANY}", json={"renewal_date": "2026-12-31", "account_tier": "Premium"}).json()
    assert (renewed["renewal_date"], renewed["account_tier"]) == ("2026-12-31T00:00:00Z", "Premium")


def test_every_bad_field_is_named_and_nothing_is_written(desk: Desk) -> None:
    before = desk.get(f"/companies/{COMPANY}")
    response = desk.call("PUT", f"/companies/{COMPANY}", json={
        "name": "", "nope": 1, "account_tier": "Gold", "domains": "a.example",
        "custom_fields": {"cf_credit_status": "hold", "credit_status": "stop", "erp_balance": "1", "overdue_days": 1.5, "entitlement_end": "31.12.2026"},
    })
    assert faults(response) == {
        "nope": "invalid_field", "account_tier": "invalid_value", "domains": "datatype_mismatch", "custom_fields.cf_credit_status": "invalid_field",
        "credit_status": "invalid_value", "erp_balance": "datatype_mismatch", "overdue_days": "datatype_mismatch",
        "entitlement_end": "invalid_value", "name": "missing_field",
    }
    assert desk.get(f"/companies/{COMPANY}") == before


def test_names_and_addresses_are_unique(desk: Desk) -> None:
    made = desk.call("POST", "/companies", json={"name": "New Ltd"})
    assert made.status_code == 201 and made.headers["Location"] == f"{desk.url}/api/v2/companies/{made.json()['id']}"
    assert faults(desk.call("POST", "/companies", json={"name": "new ltd"}), 409) == {"name": "duplicate_value"}
    assert faults(desk.call("POST", "/contacts", json={"name": "B", "email": "ANA1@northwind1.example"}), 409) == {"email": "duplicate_value"}
    assert faults(desk.call("POST", "/contacts", json={"name": "B"})) == {"email": "missing_field"}
    assert faults(desk.call("POST", "/contacts", json={"name": "B", "email": "ben@concord.example"})) == {"email": "invalid_value"}
    assert desk.call("POST", "/contacts", json={"name": "B", "phone": "1", "company_id": COMPANY}).status_code == 201


def test_a_deleted_company_is_gone_and_its_contacts_stay(desk: Desk) -> None:
    assert desk.call("DELETE", f"/companies/{COMPANY}").status_code == 204
    assert desk.call("GET", f"/companies/{COMPANY}").status_code == 404
    assert desk.get(f"/contacts/{PERSON}")["company_id"] is None


def test_tags_replace_and_codes_are_checked(desk: Desk) -> None:
    assert desk.call("PUT", "/tickets/1", json={"tags": ["a", "b", "a"]}).json()["tags"] == ["a", "b"]
    assert desk.call("PUT", "/tickets/1", json={"tags": ["c"]}).json()["tags"] == ["c"]
    assert faults(desk.call("PUT", "/tickets/1", json={"status": 99, "priority": "high", "source": 15, "custom_fields": {"erp": 1}})) == {
        "status": "invalid_value", "priority": "datatype_mismatch", "source": "invalid_value", "erp": "invalid_field"}
    assert faults(desk.call("PUT", "/tickets/1", json={"responder_id": 5, "spam": True})) == {"responder_id": "invalid_value", "spam": "readonly_field"}


def test_a_change_of_status_is_in_the_statistics(desk: Desk) -> None:
    desk.call("PUT", "/tickets/1", json={"status": 4})
    solved = desk.get("/tickets/1", include="stats")
    assert solved["stats"]["resolved_at"] == solved["updated_at"]
    desk.call("PUT", "/tickets/1", json={"status": 2})
    opened = desk.get("/tickets/1", include="stats")["stats"]
    assert opened["resolved_at"] is None and opened["reopened_at"] is not None


def test_the_answer_to_a_new_priority_still_shows_the_old_due_times(desk: Desk) -> None:
    before = desk.get("/tickets/1")["due_by"]
    assert desk.call("PUT", "/tickets/1", json={"priority": 4}).json()["due_by"] == before
    assert desk.get("/tickets/1")["due_by"] < before


def test_a_ticket_is_made_for_a_known_or_a_new_requester(desk: Desk) -> None:
    assert faults(desk.call("POST", "/tickets", json={"subject": "x"})) == {
        "requester_id": "missing_field", "description": "missing_field", "status": "missing_field", "priority": "missing_field"}
    body = {"subject": "Leak", "description": "<p>It &amp; drips</p>", "status": 2, "priority": 1}
    made = desk.call("POST", "/tickets", json={**body, "requester_id": PERSON})
    assert made.status_code == 201 and made.headers["Location"].endswith("/tickets/3")
    assert (made.json()["id"], made.json()["company_id"], made.json()["description_text"]) == (3, COMPANY, "It & drips")
    other = desk.call("POST", "/tickets", json={**body, "email": "new@northwind2.example", "name": "New"}).json()
    assert desk.get(f"/contacts/{other['requester_id']}")["company_id"] == 43_000_000_002


def test_notes_are_private_unless_said_otherwise_and_can_be_changed(desk: Desk) -> None:
    before = desk.get("/tickets/1")["updated_at"]
    made = desk.call("POST", "/tickets/1/notes", json={"body": "<div>ERP: hold</div>"})
    assert made.status_code == 201
    note = made.json()
    assert (note["private"], note["source"], note["user_id"], note["body_text"]) == (True, 2, 43_200_000_000, "ERP: hold")
    assert desk.get("/tickets/1/conversations")[-1] == note
    assert desk.get("/tickets/1")["updated_at"] > before
    assert desk.call("PUT", f"/conversations/{note['id']}", json={"body": "changed"}).json()["last_edited_user_id"] == 43_200_000_000
    assert desk.call("DELETE", f"/conversations/{note['id']}").status_code == 204
    assert faults(desk.call("POST", "/tickets/1/notes", json={"text": "x"})) == {"text": "invalid_field", "body": "missing_field"}
    assert desk.call("POST", "/tickets/1/notes", json={"body": "x"}).json() != desk.call("POST", "/tickets/1/notes", json={"body": "x"}).json()


def test_a_note_need_not_move_its_ticket() -> None:
    with served(notes_touch_tickets=False) as desk:
        before = desk.get("/tickets/1")
        desk.call("POST", "/tickets/1/notes", json={"body": "x"})
        assert desk.get("/tickets/1") == before and len(desk.get("/tickets/1/conversations")) == 3


def test_bulk_updates_run_as_jobs(desk: Desk) -> None:
    started = desk.call("POST", "/tickets/bulk_update", json={"bulk_action": {"ids": [1, 2, 77], "properties": {"status": 4}}})
    assert started.status_code == 202 and set(started.json()) == {"job_id", "href"}
    desk.clock.advance(timedelta(seconds=1))
    job = requests.get(started.json()["href"], auth=("freshdesk-sandbox-key", "X"), timeout=10).json()
    assert (job["status"], job["failed_ids"]) == ("COMPLETED", [77])
    assert [desk.get(f"/tickets/{id}")["status"] for id in (1, 2)] == [4, 4]
    assert faults(desk.call("POST", "/tickets/bulk_update", json={"bulk_action": {"ids": list(range(101)), "properties": {"status": 4}}})) == {
        "ids": "invalid_value"}


def test_merges_close_tickets_and_delete_contacts(desk: Desk) -> None:
    assert desk.call("PUT", "/tickets/merge", json={"primary_id": 1, "ticket_ids": [2]}).status_code == 204
    assert desk.get("/tickets/2")["status"] == 5
    assert desk.call("POST", "/contacts/merge", json={"primary_contact_id": PERSON, "secondary_contact_ids": [PERSON + 1]}).status_code == 204
    assert desk.get("/tickets/2")["requester_id"] == PERSON and desk.get(f"/contacts/{PERSON + 1}")["deleted"] is True


def test_contacts_and_companies_are_exported_as_files(desk: Desk) -> None:
    wanted = {"fields": {"default_fields": ["name", "domains"], "custom_fields": ["credit_status"]}}
    started = desk.call("POST", "/companies/export", json=wanted)
    assert started.status_code == 200 and set(started.json()) == {"id"}
    path = f"/companies/export/{started.json()['id']}"
    assert desk.get(path) == {"id": started.json()["id"], "status": "in_progress"}
    assert desk.call("POST", "/contacts/export", json={"fields": {"default_fields": ["email"]}}).status_code == 409  # one at a time
    desk.clock.advance(timedelta(seconds=1))
    done = desk.get(path)
    assert done["status"] == "completed"
    lines = requests.get(done["download_url"], timeout=10).text.splitlines()
    assert lines[:2] == ["name,domains,credit_status", "Northwind 1,northwind1.example,ok"] and len(lines) == 4
    assert faults(desk.call("POST", "/companies/export", json={"fields": {"default_fields": ["erp"]}})) == {"erp": "invalid_field"}
    assert desk.call("GET", "/contacts/export/abc").status_code == 404


# other objects


def test_policies_name_the_companies_that_are_entitled(desk: Desk) -> None:
    named = {row["name"]: row for row in desk.get("/sla_policies")}
    assert named["Standard support"]["applicable_to"]["company_ids"] == [COMPANY, COMPANY + 1, COMPANY + 2]
    policy = named["Premium support"]
    assert policy["sla_target"]["priority_4"]["respond_within"] == 1800 and not policy["is_default"]
    assert desk.call("GET", f"/sla_policies/{policy['id']}").status_code == 405
    assert desk.call("PUT", f"/sla_policies/{policy['id']}", json={"applicable_to": {"company_ids": [COMPANY]}}).status_code == 200
    assert faults(desk.call("PUT", f"/sla_policies/{policy['id']}", json={"sla_target": {"priority_1": {"respond_within": 60, "resolve_within": 901}}})) == {
        "priority_1.respond_within": "invalid_value", "priority_1.resolve_within": "invalid_value"}


def test_an_agent_who_is_no_admin_sees_less() -> None:
    with served(is_admin=False) as desk:
        for path in ("/agents", "/sla_policies"):
            response = desk.call("GET", path)
            assert (response.status_code, response.json()["code"]) == (403, "access_denied")
        assert desk.get("/agents/me")["id"] == 43_200_000_000


def test_time_entries_and_ratings_are_cut_by_time() -> None:
    solved = ticket(3, status="solved", solved_at=ago(days=2))
    with served(world(tickets=[ticket(1), solved])) as desk:
        assert len(desk.get("/time_entries")) == 4 and len(desk.get("/tickets/1/time_entries")) == 2
        assert desk.get("/time_entries", executed_after=NOW.isoformat()) == []
        [rated] = desk.get("/surveys/satisfaction_ratings")
        assert (rated["ticket_id"], rated["ratings"]) == (3, {"default_question": 103})
        assert desk.get("/surveys/satisfaction_ratings", created_since=NOW.strftime("%Y-%m-%dT%H:%M:%SZ")) == []
        made = desk.call("POST", "/tickets/1/time_entries", json={"time_spent": "01:30", "note": "call"})
        assert made.status_code == 201 and made.json()["time_spent"] == "01:30"
        assert faults(desk.call("POST", "/tickets/1/time_entries", json={"time_spent": "90"})) == {"time_spent": "invalid_value"}


def test_assets_are_records_of_a_custom_object() -> None:
    base = world()
    many = [replace(base.assets[0], key=key) for key in range(1, 26)]
    with served(world(assets=many)) as desk:
        [schema] = desk.get("/custom_objects/schemas")["schemas"]
        path = f"/custom_objects/schemas/{schema['id']}/records"
        first = desk.get(path)
        assert len(first["records"]) == 20 and first["_links"]["next"]["href"].startswith(f"/schemas/{schema['id']}/records?")
        rest = requests.get(f"{desk.url}/api/v2/custom_objects{first['_links']['next']['href']}", auth=("freshdesk-sandbox-key", "X"), timeout=10).json()
        assert len(rest["records"]) == 5 and "next" not in rest["_links"]
        assert desk.get(f"{path}/count") == {"count": 25}
        row = desk.get(f"{path}/AST-1")
        assert row["data"] == {
            "asset_name": "Pump in hall 3", "serial_number": "P-77", "company": str(COMPANY), "product_sku": "PUMP-1", "status": "installed",
            "installed_on": "2026-03-01", "cover_end": "2027-02-28"}
        assert row["updated_time"] == int(ago(days=80).timestamp() * 1000)
        assert desk.get(path, **{"updated_time[gte]": NOW.isoformat()})["records"] == []
        assert len(desk.get(path, status="installed", page_size=100)["records"]) == 25
        for params in ({"no_such": "1"}, {"updated_time[since]": "x"}, {"page_size": 101}):
            assert desk.call("GET", path, params=params).json()["error_type"] == "INVALID_INPUT"


def test_a_record_of_a_custom_object_is_replaced_at_its_version_only(desk: Desk) -> None:
    path = "/custom_objects/schemas/30/records"
    held = desk.get(f"{path}/AST-1")
    data = {**held["data"], "status": "retired"}
    done = desk.call("PUT", f"{path}/AST-1", json={"display_id": "AST-1", "version": 1, "data": data})
    assert done.status_code == 200 and done.json()["version"] == 2
    stale = desk.call("PUT", f"{path}/AST-1", json={"display_id": "AST-1", "version": 1, "data": data})
    assert stale.json()["error_type"] == "CONSTRAINT_VIOLATION" and stale.json()["errors"][0]["name"] == "version"
    assert desk.call("GET", f"{path}/AST-9").json() == {
        "error_type": "RESOURCE_NOT_FOUND", "message": "Record with id 'AST-9' does not exist.", "errors": []}
    made = desk.call("POST", path, json={"data": {"asset_name": "Valve"}})
    assert made.status_code == 201 and made.json()["version"] == 1
    assert desk.call("DELETE", f"{path}/{made.json()['display_id']}").status_code == 204
    assert desk.call("POST", path, json={"data": {"size": "1"}}).json()["errors"] == [
        {"name": "size", "message": "Field does not exist."}, {"name": "asset_name", "message": "It is mandatory."}]


def test_a_plan_without_custom_objects_says_so() -> None:
    with served(has_custom_objects=False) as desk:
        response = desk.call("GET", "/custom_objects/schemas")
        assert (response.status_code, response.json()["code"]) == (403, "require_feature")


# limits


def test_credits_run_out_and_say_when_they_are_back() -> None:
    with served(requests_per_minute=8) as desk:
        assert desk.call("GET", "/tickets", params={"include": "stats,requester,description"}).headers["X-RateLimit-Remaining"] == "1"
        assert desk.call("GET", "/companies").status_code == 200
        refused = desk.call("GET", "/companies")
        assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["X-RateLimit-Remaining"] == "0" and "message" in refused.json()


def test_lists_of_tickets_have_a_limit_of_their_own() -> None:
    with served(requests_per_minute=100, ticket_lists_per_minute=2) as desk:
        assert [desk.call("GET", "/tickets").status_code for _ in range(3)] == [200, 200, 429]
        other = desk.call("GET", "/companies")
        assert other.status_code == 200 and int(other.headers["X-RateLimit-Remaining"]) > 0


def test_the_plans_limits_are_the_default() -> None:
    settings = create(Store(), Clock()).settings
    assert (settings.requests_per_minute, settings.ticket_lists_per_minute, settings.contact_lists_per_minute) == (700, 200, 200)


# the world


def test_the_world_moves_on_and_keeps_what_was_written_here(desk: Desk) -> None:
    desk.call("PUT", f"/companies/{COMPANY}", json={"custom_fields": {"credit_status": "hold"}})
    desk.call("PUT", "/tickets/1", json={"tags": ["concord_credit_hold"]})
    later = NOW + timedelta(minutes=1)
    grown = ticket(1, updated_at=later, tags=["vip"])
    grown.comments.append(Comment(at=later, author=1, is_agent=False, is_public=True, body="Any news?"))
    desk.apply(customers=[customer(1, updated_at=later, balance=Decimal(7))], tickets=[grown])
    held = desk.get(f"/companies/{COMPANY}")["custom_fields"]
    assert (held["credit_status"], held["erp_balance"]) == ("hold", 7.0)
    assert desk.get("/tickets/1")["tags"] == ["concord_credit_hold", "vip"]
    assert desk.get("/tickets/1/conversations")[-1]["incoming"] is True


def test_removed_rows_are_deleted_as_the_vendor_deletes(desk: Desk) -> None:
    desk.apply(
        customers=[customer(3, removed=True, updated_at=NOW)], contacts=[contact(2, removed=True, updated_at=NOW)],
        tickets=[ticket(2, removed=True, updated_at=NOW)])
    assert desk.call("GET", f"/companies/{COMPANY + 2}").status_code == 404
    assert [row["id"] for row in desk.get("/contacts", state="deleted")] == [PERSON + 1]
    assert [row["id"] for row in desk.get("/tickets", filter="deleted")] == [2]
    assert COMPANY + 2 not in next(row for row in desk.get("/sla_policies") if row["name"] == "Standard support")["applicable_to"]["company_ids"]


def test_extra_fields_lie_over_the_record() -> None:
    extra = {"health_score": 7, "segment": "A", "custom_fields": {"region": "north"}}
    with served(world(customers=[customer(1, extra=extra)])) as desk:
        row = desk.get(f"/companies/{COMPANY}")
        assert (row["health_score"], row["segment"], row["custom_fields"]["region"], row["custom_fields"]["credit_status"]) == (7, "A", "north", "ok")


def test_ids_are_the_vendors_own() -> None:
    assert native_id("freshdesk", "customer", 1) == str(COMPANY) and native_id("freshdesk", "ticket", 12) == "12"
    assert native_id("freshdesk", "asset", 4) == "AST-4"
    with pytest.raises(KeyError):
        native_id("freshdesk", "invoice", 1)


# the vendor's own samples

_NOT_SHOWN = {"priority_name"}  # a client's own addition
_OF_THE_ACCOUNT = ("custom_fields", "data")  # each account names the members of these itself


def _kind(value: Any) -> str:
    return "null" if value is None else "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _differences(sample: dict[str, Any], shown: list[dict[str, Any]]) -> list[str]:
    found = []
    for name, value in sample.items():
        if name in _NOT_SHOWN:
            continue
        if not any(name in row for row in shown):
            found.append(f"{name} is missing")
        elif isinstance(value, dict) and name not in _OF_THE_ACCOUNT:
            found += [f"{name}.{text}" for text in _differences(value, [row[name] for row in shown if row.get(name)])]
        elif value is not None:
            kinds = {_kind(row.get(name)) for row in shown} - {"null"}
            if kinds and _kind(value) not in kinds:
                found.append(f"{name} is {kinds}, the sample has {_kind(value)}")
    return found


@pytest.mark.parametrize(("file", "path", "kind"), [
    ("composed/companies.json", "/companies", "companies"),
    ("composed/contacts.json", "/contacts", "contacts"),
    ("composed/tickets_updated_since_page1.json", "/tickets?include=description", "tickets"),
    ("composed/conversations.json", "/tickets/1/conversations", "conversations"),
    ("composed/custom_object_records.json", "/custom_objects/schemas/30/records", "assets"),
    ("python_freshdesk/companies.json", "/companies", "companies"),
    ("python_freshdesk/ticket_1.json", "/tickets/1?include=stats,requester", "tickets"),
    ("python_freshdesk/conversations.json", "/tickets/1/conversations", "conversations"),
    ("python_freshdesk/agents.json", "/agents", "agents"),
    ("python_freshdesk/group_1.json", "/groups", "groups"),
    ("python_freshdesk/time_entries.json", "/time_entries", "time_entries"),
])
def test_answers_have_the_fields_of_the_samples(desk: Desk, file: str, path: str, kind: str) -> None:
    if not (SPECS / file).exists():
        pytest.skip("the vendor's samples are not beside the project")
    sample, shown = json.loads((SPECS / file).read_text()), desk.get(path)
    if kind == "assets":
        sample, shown = sample["records"], shown["records"]
    samples, rows = (one if isinstance(one, list) else [one] for one in (sample, shown))
    assert [text for one in samples for text in _differences(one, rows)] == []

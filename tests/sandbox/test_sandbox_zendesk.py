"""The Zendesk stand-in over HTTP: logins, lists, exports, writes, jobs and limits as the vendor serves them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.protocol import Clock, Store
from sandbox.world.landscape import standard_peers
from sandbox.world.model import Agent, Change, Comment, Contact, Customer, Ticket, View, native_id
from sandbox.zendesk.api import Zendesk, create
from sandbox.zendesk.webhooks import signature, signed_headers, ticket_event
from tests.sandbox.served import served as served_alone

NOW = datetime.now(UTC).replace(microsecond=0)
TOKEN = "ops@concord.example/token", "zendesk-sandbox-token"
MARGIN = timedelta(minutes=10)


def ago(**step: float) -> datetime:
    return NOW - timedelta(**step)


def customer(key: int, **changes: Any) -> Customer:
    values: dict[str, Any] = {
        "key": key,
        "created_at": ago(days=400),
        "updated_at": ago(days=10) + timedelta(hours=key),
        "name": f"Northwind {key}",
        "domain": f"northwind{key}.example",
        "tax_id": f"DE{key:09d}",
        "email": f"ap@northwind{key}.example",
        "phone": "",
        "street": "Kai 1",
        "city": "Hamburg",
        "region": "",
        "postcode": "20457",
        "country": "DE",
        "currency": "EUR",
        "erp_customer": key,
        "balance": Decimal("1250.75"),
        "entitlement_tier": "standard",
        "entitlement_start": date(2026, 1, 1),
        "entitlement_end": date(2026, 12, 31),
    }
    return Customer(**{**values, **changes})


def ticket(key: int, **changes: Any) -> Ticket:
    opened = ago(days=5) + timedelta(minutes=key)
    values: dict[str, Any] = {
        "key": key,
        "created_at": opened,
        "updated_at": opened + timedelta(hours=2),
        "customer": 1,
        "contact": 1,
        "assignee": 1,
        "subject": f"Pump {key} stopped",
        "type": "incident",
        "priority": "high",
        "status": "open",
        "order_number": f"SO{key}",
        "comments": [
            Comment(at=opened, author=1, is_agent=False, is_public=True, body="It stopped this morning."),
            Comment(at=opened + timedelta(hours=1), author=1, is_agent=True, is_public=False, body="Check the fuse."),
        ],
        "changes": [Change(at=opened + timedelta(hours=1), field="status", old="new", new="open", agent=1)],
    }
    return Ticket(**{**values, **changes})


def world(**parts: Any) -> View:
    values: dict[str, Any] = {
        "customers": [customer(key) for key in (1, 2, 3)],
        "contacts": [
            Contact(
                key=1,
                created_at=ago(days=300),
                updated_at=ago(days=30),
                customer=1,
                first_name="Ada",
                last_name="Meyer",
                email="ada@northwind1.example",
                phone="+49 40 1",
            ),
        ],
        "agents": [Agent(key=1, created_at=ago(days=500), updated_at=ago(days=500), name="Sam Agent", email="sam@concord.example")],
        "tickets": [ticket(key) for key in (1, 2)],
    }
    return View(system="zendesk", as_of=NOW, peers=standard_peers, **{**values, **parts})


class Desk:
    """A served account and a client of it."""

    def __init__(self, url: str, vendor: Zendesk, clock: Clock) -> None:
        self.url, self.vendor, self.clock = url, vendor, clock
        self.session = requests.Session()
        self.session.auth = TOKEN

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{self.url}/api/v2{path}"
        return self.session.request(method, url, timeout=10, **how)

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == status, answer.text
        return answer.json()

    def send(self, method: str, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        answer = self.call(method, path, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status_code == status, answer.text
        return answer.json()

    def job(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The job's end, after it has been seen waiting and working."""
        job = answer["job_status"]
        assert job["status"] == "queued" and job["results"] is None
        self.clock.advance(timedelta(seconds=15))
        assert self.get(f"/job_statuses/{job['id']}")["job_status"]["status"] == "working"
        self.clock.advance(timedelta(seconds=15))
        done: dict[str, Any] = self.call("GET", job["url"]).json()["job_status"]
        assert done["status"] == "completed"
        return done


class Served:
    """Serves accounts over HTTP until the test ends."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def __call__(self, view: View | None = None, log: Path | None = None, **settings: Any) -> Desk:
        clock = Clock()
        store = Store(log)
        vendor = create(store, clock, **{"job_queued_seconds": 10, "job_working_seconds": 10, **settings})
        vendor.load(view or world())
        store.open_log()
        return Desk(self._open.enter_context(served_alone(vendor.handle, clock)), vendor, clock)

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


@pytest.fixture
def desk(served: Served) -> Desk:
    return served()


def organization_id(key: int) -> int:
    return int(native_id("zendesk", "customer", key))


def ticket_id(key: int) -> int:
    return int(native_id("zendesk", "ticket", key))


def start(when: datetime) -> int:
    return int(when.timestamp())


def read_cursor(desk: Desk, kind: str, **first: Any) -> tuple[list[dict[str, Any]], str | None, list[int]]:
    """All rows of a cursor export, the last cursor, and the row count of each page."""
    rows, cursor, sizes = [], first.get("cursor"), []
    page = desk.get(f"/incremental/{kind}/cursor", **first)
    while True:
        rows += page[kind]
        sizes.append(len(page[kind]))
        cursor = page["after_cursor"] or cursor
        if page["end_of_stream"]:
            return rows, cursor, sizes
        page = desk.call("GET", page["after_url"]).json()


# Logins


def test_basic_token_reads_and_a_wrong_one_is_refused(desk: Desk) -> None:
    me = desk.get("/users/me.json")["user"]
    assert (me["email"], me["role"], me["id"]) == ("ops@concord.example", "admin", desk.vendor.actor_id)
    for wrong in [("ops@concord.example/token", "x"), ("ops@concord.example", "zendesk-sandbox-token"), ("eve@x.example/token", TOKEN[1])]:
        answer = requests.get(f"{desk.url}/api/v2/users/me", auth=wrong, timeout=10)
        assert (answer.status_code, answer.json()) == (401, {"error": "Couldn't authenticate you"})
    anonymous = requests.get(f"{desk.url}/api/v2/users/me", timeout=10)
    assert (anonymous.status_code, anonymous.json()["user"]["id"]) == (200, None)
    assert requests.get(f"{desk.url}/api/v2/tickets", timeout=10).status_code == 401


def token_answer(desk: Desk, **changes: Any) -> requests.Response:
    body = {
        "grant_type": "client_credentials",
        "client_id": "concord-zendesk",
        "client_secret": "zendesk-oauth-secret",
        "scope": "read write",
        **changes,
    }
    return requests.post(f"{desk.url}/oauth/tokens", json=body, timeout=10)


def with_bearer(desk: Desk, token: str, path: str = "/users/me") -> requests.Response:
    return requests.get(f"{desk.url}/api/v2{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10)


def test_client_credentials_expire(desk: Desk) -> None:
    granted = token_answer(desk, expires_in=300).json()
    assert granted["expires_in"] == 300 and "refresh_token" not in granted
    assert with_bearer(desk, granted["access_token"]).json()["user"]["id"] == desk.vendor.actor_id
    desk.clock.advance(timedelta(seconds=301))
    refused = with_bearer(desk, granted["access_token"])
    assert refused.status_code == 401 and refused.json()["error"] == "invalid_token"
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    fresh = token_answer(desk).json()["access_token"]
    desk.vendor.expire_tokens()
    assert with_bearer(desk, fresh).status_code == 401


def test_refresh_makes_both_old_tokens_worthless(desk: Desk) -> None:
    first = token_answer(desk, grant_type="authorization_code", code="zendesk-sandbox-code").json()
    assert token_answer(desk, grant_type="authorization_code", code="zendesk-sandbox-code").json()["error"] == "invalid_grant"
    second = token_answer(desk, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert with_bearer(desk, second["access_token"]).status_code == 200
    assert with_bearer(desk, first["access_token"]).status_code == 401
    again = token_answer(desk, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"expires_in": 60}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "everything"}, 400, "invalid_scope"),
    ],
)
def test_token_refusals(desk: Desk, changes: dict[str, Any], status: int, error: str) -> None:
    answer = token_answer(desk, **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_scope_and_role_are_kept(desk: Desk, served: Served) -> None:
    token = token_answer(desk, scope="organizations:read").json()["access_token"]
    assert with_bearer(desk, token, "/organizations").status_code == 200
    assert with_bearer(desk, token, "/tickets").status_code == 403
    write = requests.put(
        f"{desk.url}/api/v2/organizations/{organization_id(1)}",
        json={"organization": {"notes": "x"}},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert (write.status_code, write.json()["error"]) == (403, "Forbidden")
    served(is_admin=False).get("/incremental/organizations", 403, start_time=0)


# Refusals


def test_unknown_paths_ids_types_and_bodies_are_refused(desk: Desk) -> None:
    assert desk.get("/invoices", 404)["error"] == "InvalidEndpoint"
    assert desk.get("/organizations/999", 404)["error"] == "RecordNotFound"
    assert desk.get("/organizations/abc", 400)["error"]["title"] == "Invalid attribute"
    path = f"/organizations/{organization_id(1)}"
    assert desk.call("PUT", path, data="organization=1").status_code == 415
    assert desk.call("PUT", path, data="{", headers={"Content-Type": "application/json"}).status_code == 422
    assert desk.call("GET", path, headers={"Accept": "text/csv"}).status_code == 406
    assert desk.send("PUT", path, {"name": "x"}, 400)["error"]["message"] == "Parameter organization is required"


# Lists


def test_both_list_forms_reach_every_row(served: Served) -> None:
    desk = served(world(customers=[customer(key) for key in range(1, 251)]))
    first = desk.get("/organizations.json", per_page=200)
    assert len(first["organizations"]) == 100 and first["count"] == 250 and first["previous_page"] is None
    ids, page = [], first
    while True:
        ids += [row["id"] for row in page["organizations"]]
        if page["next_page"] is None:
            break
        page = desk.call("GET", page["next_page"]).json()
    assert ids == [organization_id(key) for key in range(1, 251)]

    ids, page = [], desk.get("/organizations", **{"page[size]": 60})
    while True:
        ids += [row["id"] for row in page["organizations"]]
        if not page["meta"]["has_more"]:
            break
        page = desk.call("GET", page["links"]["next"]).json()
    assert ids == [organization_id(key) for key in range(1, 251)] and "count" not in page
    back = desk.call("GET", page["links"]["prev"]).json()
    assert [row["id"] for row in back["organizations"]] == ids[180:240]
    reverse = desk.get("/organizations", sort="-id", **{"page[size]": 2})
    assert [row["id"] for row in reverse["organizations"]] == [organization_id(250), organization_id(249)]


def test_lists_end_at_their_depth_and_size(desk: Desk) -> None:
    assert desk.get("/tickets", 400, page=101)["errors"][0]["code"] == "InvalidPaginationDepth"
    assert desk.get("/tickets", page=100)["tickets"] == []
    assert "errors" in desk.get("/tickets", 400, **{"page[size]": 101})
    desk.get("/tickets", 400, page="x")
    desk.get("/tickets", 400, **{"page[after]": "nonsense"})


def test_show_many_search_count_and_side_loads(desk: Desk) -> None:
    ids = f"{organization_id(1)},{organization_id(3)},77"
    assert [row["id"] for row in desk.get("/organizations/show_many", ids=ids)["organizations"]] == [organization_id(1), organization_id(3)]
    external = native_id("salesforce", "customer", 2)
    assert desk.get("/organizations/show_many", external_ids=external.lower())["organizations"][0]["external_id"] == external
    assert desk.get("/organizations/search", external_id=external)["count"] == 1
    assert desk.get("/organizations/search", name="northwind 3")["organizations"][0]["id"] == organization_id(3)
    assert desk.get("/users/search", query="ada@northwind1.example")["users"][0]["name"] == "Ada Meyer"
    assert desk.get("/organizations/count")["count"]["value"] == 3
    assert desk.get("/users/count.json")["count"]["value"] == 3  # contact, agent, integration
    assert [row["role"] for row in desk.get("/users?role[]=agent")["users"]] == ["agent"]
    shown = desk.get(f"/tickets/{ticket_id(1)}", include="users,organizations")
    assert {row["name"] for row in shown["users"]} == {"Ada Meyer", "Sam Agent"} and shown["organizations"][0]["id"] == organization_id(1)
    assert desk.get(f"/organizations/{organization_id(1)}/related")["organization_related"] == {"tickets_count": 2, "users_count": 1}
    assert len(desk.get(f"/organizations/{organization_id(1)}/tickets")["tickets"]) == 2
    assert desk.get("/organization_memberships")["organization_memberships"][0]["organization_id"] == organization_id(1)
    assert {row["key"] for row in desk.get("/organization_fields")["organization_fields"]} >= {"erp_id", "credit_status"}
    too_many = desk.get("/organizations/show_many", 400, ids=",".join(str(id) for id in range(101)))
    assert (too_many["error"], too_many["max_count"]) == ("TooManyValues", 100)


def test_records_hold_the_bridging_keys(desk: Desk, served: Served) -> None:
    shown = desk.get(f"/organizations/{organization_id(1)}")["organization"]
    assert shown["external_id"] == native_id("salesforce", "customer", 1)
    assert shown["organization_fields"] == {
        "erp_id": native_id("netsuite", "customer", 1),
        "tax_id": "DE000000001",
        "credit_status": "ok",
        "erp_balance": 1250.75,
        "overdue_amount": 0.0,
        "overdue_days": 0,
        "entitlement_tier": "standard",
        "entitlement_start": "2026-01-01",
        "entitlement_end": "2026-12-31",
    }
    assert shown["tags"] == ["ok", "standard"] and shown["url"] == f"{desk.url}/api/v2/organizations/{shown['id']}.json"
    case = desk.get(f"/tickets/{ticket_id(1)}")["ticket"]
    assert case["custom_fields"] == case["fields"] == [{"id": 360000000101, "value": "SO1"}]
    assert case["description"] == "It stopped this morning." and case["generated_timestamp"] > 0
    other = served(world(customers=[customer(1, erp_customer=None, extra={"health": 3, "organization_fields": {"overdue_days": "many"}})]))
    shown = other.get(f"/organizations/{organization_id(1)}")["organization"]
    assert shown["external_id"] is None and shown["organization_fields"]["erp_id"] is None
    assert shown["health"] == 3 and shown["organization_fields"]["overdue_days"] == "many"


def test_hidden_rows_count_but_are_not_listed(served: Served) -> None:
    desk = served(world(customers=[customer(1), customer(2, hidden=True)], tickets=[ticket(1), ticket(2, hidden=True)]))
    assert desk.get("/organizations/count")["count"]["value"] == 2 and desk.get("/organizations")["count"] == 2
    assert [row["id"] for row in desk.get("/organizations")["organizations"]] == [organization_id(1)]
    assert [row["id"] for row in desk.get("/incremental/organizations", start_time=0)["organizations"]] == [organization_id(1)]
    assert [row["id"] for row in read_cursor(desk, "tickets", start_time=0)[0]] == [ticket_id(1)]
    assert {row["ticket_id"] for row in desk.get("/incremental/ticket_events", start_time=0)["ticket_events"]} == {ticket_id(1)}
    assert desk.get("/tickets/count")["count"]["value"] == 2
    assert desk.get(f"/tickets/{ticket_id(2)}")["ticket"]["id"] == ticket_id(2)
    assert desk.get("/tickets/show_many", ids=str(ticket_id(2)))["count"] == 1


def test_archived_tickets_leave_the_list_only(served: Served) -> None:
    old = ticket(1, status="closed", created_at=ago(days=300), updated_at=ago(days=200), comments=[], changes=[])
    desk = served(world(tickets=[old, ticket(2)]))
    assert [row["id"] for row in desk.get("/tickets")["tickets"]] == [ticket_id(2)]
    assert desk.get("/tickets/count")["count"]["value"] == 2
    assert len(read_cursor(desk, "tickets", start_time=0)[0]) == 2


# Exports


def test_cursor_export_pages_and_goes_on_from_the_stored_cursor(served: Served) -> None:
    desk = served(world(tickets=[ticket(key) for key in range(1, 41)]), empty_page_every=2)
    rows, cursor, sizes = read_cursor(desk, "tickets", start_time=0, per_page=7)
    assert sorted(row["id"] for row in rows) == [ticket_id(key) for key in range(1, 41)]
    assert 0 in sizes[:-1], "a page in the middle may be empty"
    stamps = [row["generated_timestamp"] for row in rows]
    assert stamps == sorted(stamps)
    assert any(row["generated_timestamp"] > start(datetime.fromisoformat(row["updated_at"])) for row in rows)

    nothing = desk.get("/incremental/tickets/cursor", cursor=cursor)
    assert nothing["tickets"] == [] and nothing["after_cursor"] is None and nothing["end_of_stream"]
    desk.send("PUT", f"/tickets/{ticket_id(3)}", {"ticket": {"priority": "low"}})
    assert desk.get("/incremental/tickets/cursor", cursor=cursor)["tickets"] == [], "the last minute is withheld"
    assert desk.get("/tickets/show_many", ids=str(ticket_id(3)))["tickets"][0]["priority"] == "low"
    desk.clock.advance(timedelta(seconds=62))
    changed, cursor, _ = read_cursor(desk, "tickets", cursor=cursor)
    assert [(row["id"], row["priority"]) for row in changed] == [(ticket_id(3), "low")]
    assert read_cursor(desk, "tickets", cursor=cursor)[0] == []


def test_export_selects_by_generated_time(served: Served) -> None:
    late = ticket(4)  # the system touches it 28 s after its last update
    desk = served(world(tickets=[late]))
    assert read_cursor(desk, "tickets", start_time=start(late.updated_at) + 10)[0][0]["id"] == ticket_id(4)
    assert read_cursor(desk, "tickets", start_time=start(late.updated_at) + 29)[0] == []


def test_export_parameters_are_checked(desk: Desk) -> None:
    recent = desk.get("/incremental/tickets/cursor", 400, start_time=start(datetime.now(UTC)) - 30)
    assert recent["description"].startswith("Too recent start_time")
    desk.get("/incremental/organizations", 400, start_time=start(datetime.now(UTC)) + 5)
    desk.get("/incremental/organizations", start_time=start(datetime.now(UTC)) - 61)
    desk.get("/incremental/organizations", 400)
    desk.get("/incremental/organizations", 400, start_time="2026-01-01")
    desk.get("/incremental/users/cursor", 400, start_time=0, per_page=1001)
    desk.get("/incremental/users/cursor", 400, cursor="bm9uc2Vuc2U=")
    desk.get("/incremental/organizations/cursor", 404, start_time=0)


def test_time_export_repeats_its_borders_and_grows_over_one_second(served: Served) -> None:
    same = ago(days=20)
    crowd = [customer(key * 5, updated_at=same) for key in range(1, 31)]
    spread = [customer(key * 5, updated_at=ago(days=19) + timedelta(hours=key)) for key in range(31, 41)]
    desk = served(world(customers=crowd + spread))
    page = desk.get("/incremental/organizations", start_time=0, per_page=10)
    assert len(page["organizations"]) == 10 and page["end_time"] == start(same) and not page["end_of_stream"]
    seen: list[int] = [row["id"] for row in page["organizations"]]
    second = desk.call("GET", page["next_page"]).json()
    assert second["count"] == 31, "a page grows until it is past its own second"
    page = second
    while True:
        seen += [row["id"] for row in page["organizations"]]
        if page["end_of_stream"]:
            break
        page = desk.call("GET", page["next_page"]).json()
    assert set(seen) == {organization_id(key * 5) for key in range(1, 41)} and len(seen) > 40
    assert page["next_page"].startswith(f"{desk.url}/api/v2/incremental/organizations.json?")
    again = desk.get("/incremental/organizations", start_time=page["end_time"])
    assert again["count"] == 1 and again["end_of_stream"]
    empty = desk.get("/incremental/organizations", start_time=page["end_time"] + 1)
    assert (empty["count"], empty["next_page"], empty["end_time"], empty["end_of_stream"]) == (0, None, None, True)


def test_ticket_events_tell_creation_changes_and_comments(desk: Desk) -> None:
    events = desk.get("/incremental/ticket_events", start_time=0, include="comment_events")["ticket_events"]
    mine = [event for event in events if event["ticket_id"] == ticket_id(1)]
    assert [event["updater_id"] for event in mine] == [int(native_id("zendesk", "contact", 1)), int(native_id("zendesk", "agent", 1))]
    created, changed = mine
    values = {child["field_name"]: child["value"] for child in created["child_events"] if child["event_type"] == "Create"}
    assert values["status"] == "new" and values["360000000101"] == "SO1"
    kinds = {child["event_type"]: child for child in changed["child_events"]}
    assert (kinds["Change"]["field_name"], kinds["Change"]["previous_value"], kinds["Change"]["value"]) == ("status", "new", "open")
    note = kinds["Comment"]
    assert (note["public"], note["body"], note["author_id"]) == (False, "Check the fuse.", int(native_id("zendesk", "agent", 1)))
    ids = [child["id"] for event in events for child in event["child_events"]]
    assert len(ids) == len(set(ids))
    bare = desk.get("/incremental/ticket_events", start_time=0)["ticket_events"]
    child = next(child for event in bare for child in event["child_events"] if child["event_type"] == "Comment")
    assert child["comment_present"] and "body" not in child
    comments = desk.get(f"/tickets/{ticket_id(1)}/comments", include="users")
    assert [row["public"] for row in comments["comments"]] == [True, False] and len(comments["users"]) == 2
    assert len(desk.get(f"/tickets/{ticket_id(1)}/audits")["audits"]) == 2


def test_deleted_rows_stay_in_the_exports(served: Served) -> None:
    view = world(customers=[customer(1), customer(2, removed=True)], tickets=[ticket(1), ticket(2, removed=True)])
    view.contacts[0].removed = True
    desk = served(view)
    gone = {row["id"]: row["deleted_at"] for row in desk.get("/incremental/organizations", start_time=0)["organizations"]}
    assert gone[organization_id(1)] is None and gone[organization_id(2)] is not None
    desk.get(f"/organizations/{organization_id(2)}", 404)
    exported = {row["id"]: row for row in read_cursor(desk, "tickets", start_time=0)[0]}
    assert (exported[ticket_id(2)]["status"], exported[ticket_id(2)]["subject"]) == ("deleted", "SCRUBBED")
    desk.get(f"/tickets/{ticket_id(2)}/comments", 404)
    users = {row["email"]: row["active"] for row in read_cursor(desk, "users", start_time=0)[0]}
    assert users["ada@northwind1.example"] is False and desk.get("/users/count")["count"]["value"] == 2
    bin_row = desk.get("/deleted_tickets", sort_by="id", sort_order="asc")["deleted_tickets"][0]
    assert (bin_row["id"], bin_row["previous_state"]) == (ticket_id(2), "open")

    assert desk.call("DELETE", f"/tickets/{ticket_id(1)}").status_code == 204
    desk.get(f"/tickets/{ticket_id(1)}", 404)
    assert desk.call("PUT", f"/deleted_tickets/{ticket_id(1)}/restore").status_code == 200
    assert desk.get(f"/tickets/{ticket_id(1)}")["ticket"]["subject"] == "Pump 1 stopped"
    assert desk.call("DELETE", f"/organizations/{organization_id(1)}").status_code == 204
    assert desk.get(f"/tickets/{ticket_id(1)}")["ticket"]["organization_id"] is None


# Organizations


def test_organization_upsert_matches_on_its_keys_only(desk: Desk) -> None:
    made = desk.call("POST", "/organizations/create_or_update", json={"organization": {"external_id": "C-9", "name": "Contoso"}})
    assert made.status_code == 201 and made.headers["location"].endswith(".json")
    id = made.json()["organization"]["id"]
    sent = {"organization": {"external_id": "c-9", "organization_fields": {"credit_status": "hold", "erp_balance": "12.50"}}}
    changed = desk.send("POST", "/organizations/create_or_update", sent)["organization"]
    assert (changed["id"], changed["name"], changed["organization_fields"]["erp_balance"]) == (id, "Contoso", 12.5)
    refused = desk.send("POST", "/organizations/create_or_update", {"organization": {"external_id": "C-10", "name": "contoso"}}, 422)
    assert refused["details"]["name"][0] == {"description": "Name: contoso has already been taken", "error": "DuplicateValue"}
    assert desk.send("POST", "/organizations", {"organization": {}}, 422)["details"]["name"][0]["error"] == "BlankValue"


def test_organization_update_keeps_the_rest_and_names_dropped_keys(desk: Desk) -> None:
    path = f"/organizations/{organization_id(1)}"
    answer = desk.call(
        "PUT",
        path,
        json={
            "organization": {
                "organization_fields": {"credit_status": "hold", "entitlement_tier": None, "unknown": 1},
                "grüße": 1,
                "updated_at": "2020-01-01T00:00:00Z",
            }
        },
    )
    shown = answer.json()["organization"]
    assert "updated_at" in answer.headers["x-zendesk-api-warn"] and "organization_fields.unknown" in answer.headers["x-zendesk-api-warn"]
    assert shown["organization_fields"]["erp_balance"] == 1250.75 and shown["organization_fields"]["entitlement_tier"] is None
    assert shown["tags"] == ["hold"], "a dropdown's option is a tag too"
    assert abs(datetime.fromisoformat(shown["updated_at"]) - datetime.now(UTC)) < MARGIN
    assert desk.send("DELETE", f"{path}/tags", {"tags": ["hold"]})["tags"] == []
    assert desk.get(path)["organization"]["organization_fields"]["credit_status"] is None
    for field, value in [
        ("credit_status", "maybe"),
        ("credit_status", ["hold"]),
        ("entitlement_start", "soon"),
        ("overdue_days", "1.5"),
        ("erp_balance", "much"),
    ]:
        assert (
            field
            in desk.send(
                "POST",
                "/organizations/create_or_update",
                {"organization": {"id": organization_id(1), "organization_fields": {field: value}}},
                422,
            )["details"]
        )


def test_organization_bulk_update_has_a_result_for_each_item(desk: Desk) -> None:
    items = [
        {"id": organization_id(1), "organization_fields": {"credit_status": "hold"}},
        {"id": organization_id(2), "name": "Northwind 1"},
        {"id": 12345, "notes": "x"},
        {"external_id": native_id("salesforce", "customer", 3), "notes": "seen"},
    ]
    done = desk.job(desk.send("PUT", "/organizations/update_many", {"organizations": items}))
    assert done["job_type"] == "Bulk Update Organization" and (done["total"], done["progress"]) == (4, 4)
    good, taken, absent, by_key = done["results"]
    assert good == {"id": organization_id(1), "action": "update", "success": True, "status": "Updated"}
    assert taken == {
        "index": 1,
        "id": organization_id(2),
        "error": "OrganizationUpdateFailed",
        "details": "Name:  Northwind 1 has already been taken",
    }
    assert (absent["index"], absent["error"]) == (2, "OrganizationUpdateFailed") and by_key["id"] == organization_id(3)
    assert desk.get(f"/organizations/{organization_id(1)}")["organization"]["organization_fields"]["credit_status"] == "hold"
    assert desk.get(f"/organizations/{organization_id(2)}")["organization"]["name"] == "Northwind 2"
    effects = [effect for effect in desk.vendor.store.take_effects() if effect.collection == "organizations"]
    assert [effect.id for effect in effects] == [str(organization_id(1)), str(organization_id(3))]
    desk.clock.advance(timedelta(hours=1))
    desk.get(f"/job_statuses/{done['id']}", 404)


def test_bulk_update_by_ids_and_its_limits(served: Served) -> None:
    desk = served(max_jobs=2)
    ids = f"{organization_id(1)},{organization_id(2)}"
    body = {"organization": {"notes": "all"}}
    first = desk.send("PUT", f"/organizations/update_many?ids={ids}", body)["job_status"]
    second = desk.send("PUT", f"/organizations/update_many?external_ids={native_id('salesforce', 'customer', 3)}", body)["job_status"]
    assert {desk.get(f"/organizations/{organization_id(key)}")["organization"]["notes"] for key in (1, 2, 3)} == {"all"}
    refused = desk.call("PUT", f"/organizations/update_many?ids={ids}", json=body)
    assert (refused.status_code, refused.json()["error"]) == (429, "TooManyJobs") and int(refused.headers["retry-after"]) > 0
    many = [{"id": organization_id(1)}] * 101
    assert desk.send("PUT", "/organizations/update_many", {"organizations": many}, 400)["error"] == "TooManyValues"
    desk.clock.advance(timedelta(seconds=21))
    both = desk.get("/job_statuses/show_many", ids=f"{first['id']},{second['id']}")["job_statuses"]
    assert [job["status"] for job in both] == ["completed", "completed"]
    done = desk.job(desk.send("POST", "/organizations/create_many", {"organizations": [{"name": "New A"}, {"name": "New a"}]}))
    assert done["results"][0]["status"] == "Created" and done["results"][1]["error"] == "OrganizationCreateFailed"


# Tickets


def test_ticket_update_writes_comment_tags_and_audit(desk: Desk) -> None:
    path = f"/tickets/{ticket_id(1)}"
    answer = desk.send(
        "PUT",
        path,
        {
            "ticket": {
                "additional_tags": ["concord_credit_hold"],
                "comment": {"body": "On hold in the ERP.", "public": False},
                "custom_fields": [{"id": 360000000101, "value": "SO77"}],
            }
        },
    )
    assert answer["ticket"]["tags"] == ["concord_credit_hold"] and answer["ticket"]["custom_fields"][0]["value"] == "SO77"
    assert answer["audit"]["author_id"] == desk.vendor.actor_id
    assert {event["type"] for event in answer["audit"]["events"]} == {"Change", "Comment"}
    assert desk.get(f"{path}/comments")["comments"][-1]["body"] == "On hold in the ERP."
    assert desk.send("PUT", f"{path}/tags", {"tags": ["VIP"]})["tags"] == ["concord_credit_hold", "vip"]
    assert desk.send("POST", f"{path}/tags", {"tags": ["vip"]}, 201)["tags"] == ["vip"]
    assert desk.send("DELETE", f"{path}/tags", {"tags": ["vip"]})["tags"] == []
    desk.clock.advance(timedelta(seconds=62))
    events = desk.get("/incremental/ticket_events", start_time=start(NOW), include="comment_events")["ticket_events"]
    assert {event["updater_id"] for event in events} == {desk.vendor.actor_id}
    assert [child["body"] for event in events for child in event["child_events"] if child["event_type"] == "Comment"] == [
        "On hold in the ERP."
    ]


def test_ticket_bulk_update_with_tags_and_a_closed_one(served: Served) -> None:
    desk = served(world(tickets=[ticket(1, tags=["old"]), ticket(2, status="closed")]))
    body = {
        "ticket": {"additional_tags": ["concord_lapsed_cover"], "remove_tags": ["old"], "comment": {"body": "No cover.", "public": False}}
    }
    done = desk.job(desk.send("PUT", f"/tickets/update_many.json?ids={ticket_id(1)},{ticket_id(2)}", body))
    assert done["results"][0]["success"] and done["results"][1] == {
        "index": 1,
        "id": ticket_id(2),
        "error": "TicketUpdateFailed",
        "details": "Status closed prevents ticket update",
    }
    assert desk.get(f"/tickets/{ticket_id(1)}")["ticket"]["tags"] == ["concord_lapsed_cover"]
    assert desk.get(f"/tickets/{ticket_id(1)}/comments")["comments"][-1]["public"] is False
    refused = desk.send("PUT", f"/tickets/{ticket_id(2)}", {"ticket": {"priority": "low"}}, 422)
    assert refused["details"]["status"][0]["description"] == "Status closed prevents ticket update"
    singles = [{"id": ticket_id(1), "status": "solved"}, {"id": ticket_id(1), "status": "done"}]
    results = desk.job(desk.send("PUT", "/tickets/update_many", {"tickets": singles}))["results"]
    assert results[0]["success"] and results[1]["error"] == "TicketUpdateFailed"


def test_safe_update_refuses_a_stale_stamp(desk: Desk) -> None:
    path = f"/tickets/{ticket_id(1)}"
    read = desk.get(path)["ticket"]["updated_at"]
    desk.send("PUT", path, {"ticket": {"priority": "low", "safe_update": True, "updated_stamp": read}})
    stale = desk.send("PUT", path, {"ticket": {"priority": "urgent", "safe_update": True, "updated_stamp": read}}, 409)
    assert stale["error"] == "UpdateConflict" and desk.get(path)["ticket"]["priority"] == "low"
    desk.send("PUT", f"{path}/tags", {"tags": ["x"], "safe_update": True, "updated_stamp": read}, 409)


def test_ticket_create_is_idempotent_for_two_hours(desk: Desk) -> None:
    body = {
        "ticket": {"subject": "Cover ended", "comment": {"body": "Please renew."}, "requester_id": int(native_id("zendesk", "contact", 1))}
    }
    headers = {"Idempotency-Key": "renew-1"}
    first = desk.call("POST", "/tickets", json=body, headers=headers)
    again = desk.call("POST", "/tickets", json=body, headers=headers)
    assert (first.status_code, first.headers["x-idempotency-lookup"]) == (201, "miss")
    assert (again.status_code, again.headers["x-idempotency-lookup"], again.json()) == (201, "hit", first.json())
    assert first.json()["ticket"]["organization_id"] == organization_id(1)
    other = {"ticket": {**body["ticket"], "subject": "Else"}}
    assert desk.send("POST", "/tickets", other, 400, Idempotency_Key="renew-1")["error"] == "IdempotentRequestError"
    desk.clock.advance(timedelta(hours=2, seconds=1))
    later = desk.call("POST", "/tickets", json=body, headers=headers)
    assert later.headers["x-idempotency-lookup"] == "miss" and later.json()["ticket"]["id"] != first.json()["ticket"]["id"]
    desk.send("POST", "/tickets", {"ticket": {"subject": "nothing said"}}, 422)


def test_user_upsert(desk: Desk) -> None:
    made = desk.send("POST", "/users/create_or_update", {"user": {"email": "Bo@new.example", "name": "Bo"}}, 201)["user"]
    again = desk.send("POST", "/users/create_or_update", {"user": {"email": "bo@NEW.example", "phone": "1"}})["user"]
    assert again["id"] == made["id"] and again["phone"] == "1"
    clash = {"user": {"email": "bo@new.example", "external_id": native_id("salesforce", "contact", 1)}}
    desk.send("POST", "/users/create_or_update", clash, 422)


# Limits


def test_account_limit_and_its_headers(served: Served) -> None:
    desk = served(requests_per_minute=2)
    first = desk.call("GET", "/users/me")
    assert (first.headers["X-Rate-Limit"], first.headers["X-Rate-Limit-Remaining"], first.headers["ratelimit-remaining"]) == ("2", "1", "1")
    desk.get("/users/me")
    refused = desk.call("GET", "/users/me")
    assert refused.status_code == 429 and refused.headers["content-type"].startswith("text/plain")
    assert 0 < int(refused.headers["retry-after"]) <= 60


def test_exports_and_ticket_updates_have_limits_of_their_own(served: Served) -> None:
    desk = served(exports_per_minute=1, updates_per_ticket=1)
    first = desk.call("GET", "/incremental/organizations?start_time=0")
    assert first.headers["zendesk-ratelimit-incremental-exports"].startswith("total=1; remaining=0; resets=")
    refused = desk.call("GET", "/incremental/users/cursor?start_time=0")
    assert (refused.status_code, refused.json()["error"]) == (429, "APIRateLimitExceeded") and int(refused.headers["retry-after"]) > 0
    desk.send("PUT", f"/tickets/{ticket_id(1)}", {"ticket": {"priority": "low"}})
    desk.send("PUT", f"/tickets/{ticket_id(2)}", {"ticket": {"priority": "low"}})
    desk.send("PUT", f"/tickets/{ticket_id(1)}", {"ticket": {"priority": "high"}}, 429)


# The world moves, the process restarts


def test_the_world_moves_on_behind_no_cursor_and_keeps_what_was_written(desk: Desk) -> None:
    _, cursor, _ = read_cursor(desk, "tickets", start_time=0)
    events = desk.get("/incremental/ticket_events", start_time=0)
    desk.send("PUT", f"/tickets/{ticket_id(1)}", {"ticket": {"additional_tags": ["concord_credit_hold"]}})
    moved = ticket(1, status="solved", tags=["thanks"])
    moved.changes.append(Change(at=moved.updated_at, field="status", old="open", new="solved", agent=None))
    desk.vendor.apply(View(system="zendesk", as_of=NOW, peers=standard_peers, customers=[customer(9)], tickets=[moved]))
    desk.clock.advance(timedelta(seconds=62))
    rows = read_cursor(desk, "tickets", cursor=cursor)[0]
    assert [(row["id"], row["status"], row["tags"]) for row in rows] == [(ticket_id(1), "solved", ["concord_credit_hold", "thanks"])]
    later = desk.get("/incremental/ticket_events", start_time=events["end_time"] + 1)["ticket_events"]
    assert sorted(child["value"] for event in later for child in event["child_events"]) == ["concord_credit_hold", "solved"]
    assert desk.get("/organizations/count")["count"]["value"] == 4
    assert [row["field_name"] for row in desk.get(f"/tickets/{ticket_id(1)}/audits")["audits"][-1]["events"]] == ["tags"]


def test_what_was_written_survives_a_restart(served: Served, tmp_path: Path) -> None:
    log = tmp_path / "zendesk.jsonl"
    desk = served(log=log)
    made = desk.send("POST", "/organizations", {"organization": {"name": "Kept"}}, 201)["organization"]
    desk.send("PUT", f"/tickets/{ticket_id(1)}", {"ticket": {"comment": {"body": "Kept too."}}})
    again = served(log=log)
    assert again.get(f"/organizations/{made['id']}")["organization"] == {**made, "url": made["url"].replace(desk.url, again.url)}
    assert again.get(f"/tickets/{ticket_id(1)}/comments")["comments"][-1]["body"] == "Kept too."
    assert again.send("POST", "/organizations", {"organization": {"name": "Next"}}, 201)["organization"]["id"] == made["id"] + 1
    again.send("POST", "/organizations", {"organization": {"name": "kept"}}, 422)


def test_requests_at_once_lose_no_write(desk: Desk) -> None:
    def write(number: int) -> None:
        answer = requests.put(f"{desk.url}/api/v2/tickets/{ticket_id(1)}/tags", json={"tags": [f"tag{number}"]}, auth=TOKEN, timeout=10)
        assert answer.status_code == 200

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(desk.get(f"/tickets/{ticket_id(1)}/tags")["tags"]) == {f"tag{number}" for number in range(12)}


# Webhooks


def test_webhook_signature_is_over_timestamp_and_raw_body(desk: Desk) -> None:
    body = b'{"type":"zen:event-type:ticket.status_changed"}'
    headers = signed_headers("secret", body, NOW, webhook_id="01A", invocation_id="01B", account_id=7)
    stamped = headers["x-zendesk-webhook-signature-timestamp"].encode()
    digest = hmac.new(b"secret", stamped + body, hashlib.sha256).digest()
    assert headers["x-zendesk-webhook-signature"] == base64.b64encode(digest).decode()
    assert signature("secret", stamped.decode(), body + b" ") != headers["x-zendesk-webhook-signature"]
    case = desk.get(f"/tickets/{ticket_id(1)}")["ticket"]
    event = ticket_event("ticket.status_changed", case, {"previous": "NEW", "current": "OPEN"}, NOW, account_id=7, actor_id=5, number=1)
    assert (event["detail"]["id"], event["detail"]["status"], event["subject"]) == (str(ticket_id(1)), "OPEN", f"zen:ticket:{ticket_id(1)}")

"""The Zendesk stand-in: one support account over HTTP as the vendor serves it: routes, lookups, writes, jobs and quotas.

How records look belongs to `records`, what a write may hold to `writes`, pages and cursors to
`pages`, credentials and counting of requests to `login`, webhook deliveries to `webhooks`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import orjson

from sandbox.protocol import Clock, Record, Request, Response, Store, json_response
from sandbox.world.model import Ticket, View
from sandbox.zendesk import objects, records
from sandbox.zendesk.account import INTEGRATION_USER_KEY, Account
from sandbox.zendesk.endpoints import Endpoints
from sandbox.zendesk.lifecycle import Lifecycle
from sandbox.zendesk.login import Grant, Logins, Quotas, Spent, basic_refusal
from sandbox.zendesk.objects import CustomObjects
from sandbox.zendesk.pages import (
    WITHHELD_SECONDS,
    Export,
    Refused,
    cursor_export,
    invalid_attribute,
    list_page,
    start_time,
    time_export,
    whole_number,
)
from sandbox.zendesk.records import epoch, stamp
from sandbox.zendesk.routing import Call, Handler, Route, not_found, sent_object, whole_id
from sandbox.zendesk.search import Search
from sandbox.zendesk.service import Service
from sandbox.zendesk.writes import Invalid, Written, changed_tags, organization_change, ticket_change, user_change

MAX_BATCH = 100
_IDEMPOTENCY_WINDOW = timedelta(hours=2)
_JOB_SHOWN_FOR = timedelta(hours=1)
_SINGULAR = {"organizations": "organization", "users": "user", "tickets": "ticket"}
_FIRST_NEW_ID = {
    "organizations": 39_000_000_001,
    "users": 49_000_000_001,
    "tickets": 500_000_001,
    "audits": 91_000_000_001,
    "children": 95_000_000_001,
}


@dataclass(frozen=True)
class Settings:
    """The account: its credentials, its plan's limits (High Volume add-on) and how slow its jobs are."""

    email: str = "ops@concord.example"
    token: str = "zendesk-sandbox-token"
    client_id: str = "concord-zendesk"
    client_secret: str = "zendesk-oauth-secret"
    authorization_code: str = "zendesk-sandbox-code"  # good for one exchange, in place of the consent page
    access_seconds: int = 3600
    account_id: int = 22129848
    is_admin: bool = True  # an agent may not export
    webhook_secret: str = "zendesk-webhook-secret"
    requests_per_minute: int = 2500
    exports_per_minute: int = 30
    ticket_updates_per_minute: int = 300
    updates_per_ticket: int = 30  # in ten minutes
    updates_per_organization: int = 5  # a minute, single updates only
    updates_per_user: int = 5
    deleted_lists_per_minute: int = 10
    samples_per_20_minutes: int = 10
    max_jobs: int = 30
    search_lag_seconds: int = 120
    job_queued_seconds: float = 0.02
    job_working_seconds: float = 0.05
    empty_page_every: int = 4  # a cursor export puts an empty page behind about one page in so many; 0: never
    exports_deleted_organizations: bool = True
    fault_retry_after: int = 1


class Zendesk:
    name = "zendesk"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._clock = clock
        self._logins = Logins(
            clock,
            email=settings.email,
            token=settings.token,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            authorization_code=settings.authorization_code,
            access_seconds=settings.access_seconds,
        )
        self._quotas = Quotas(lambda: clock.now().timestamp())
        self._account = Account(
            store,
            clock,
            operator_email=settings.email,
            is_admin=settings.is_admin,
            exports_deleted_organizations=settings.exports_deleted_organizations,
        )
        self._running: list[datetime] = []
        self.actor_id = records.zendesk_id("agent", INTEGRATION_USER_KEY) or 0
        self._service = Service(self._account, clock)
        self._objects = CustomObjects(self._account, clock, self.actor_id, self._queue)
        self._lifecycle = Lifecycle(self._account, clock, self.actor_id, self._queue, self._write_ticket)
        self._endpoints = Endpoints(store, clock, self.actor_id, settings.webhook_secret)
        lag = timedelta(seconds=settings.search_lag_seconds)
        self._searches = Search(self._account, clock, self._shown, self._spend, lag)
        self._routes = [(method, re.compile(pattern), handler) for method, pattern, handler in self._route_table()]

    # The world

    def load(self, view: View) -> None:
        self._account.load(view)

    def apply(self, view: View) -> None:
        self._account.apply(view)

    def _found(self, kind: str, id: str) -> Record:
        record = self.store.get(kind, whole_id(id, kind))
        if record is None:
            raise Refused(not_found())
        return record

    # Requests

    def handle(self, request: Request) -> Response:
        try:
            response = self._answer(request)
        except Refused as refused:
            response = refused.response
        except Invalid as invalid:
            response = _invalid(invalid)
        id = uuid4().hex
        response.headers.update({"x-request-id": id, "x-zendesk-request-id": id[:20]})
        return response

    def rate_limited(self, request: Request) -> Response:
        return self._too_many(Spent(self.settings.requests_per_minute, -1, self.settings.fault_retry_after))

    def unavailable(self, request: Request) -> Response:
        page = b"<!DOCTYPE html><html><head><title>Something went wrong</title></head><body><h1>Internal Server Error</h1></body></html>"
        return Response(500, page, {"content-type": "text/html; charset=utf-8"})

    def expire_tokens(self) -> None:
        self._logins.expire()

    def _answer(self, request: Request) -> Response:
        path = request.path.removesuffix(".json")
        if path == "/oauth/tokens" and request.method == "POST":
            return self._logins.token(request)
        accept = request.headers.get("accept", "*/*")
        if not any(kind in accept for kind in ("*/*", "application/*", "application/json")):
            return json_response({"error": "NotAcceptable", "description": "Only application/json is served"}, 406)
        grant = self._logins.identify(request)
        if isinstance(grant, Response):
            return grant
        if grant is None:
            if (request.method, path) == ("GET", "/api/v2/users/me"):
                return json_response({"user": {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}})
            return basic_refusal()
        spent = self._quotas.spend("account", self.settings.requests_per_minute)
        if spent.remaining < 0:
            return self._too_many(spent)
        try:
            response = self._routed(request, path, grant)
        except Refused as refused:
            response = refused.response
        except Invalid as invalid:
            response = _invalid(invalid)
        response.headers.update(_quota_headers(spent))
        return response

    def _routed(self, request: Request, path: str, grant: Grant) -> Response:
        if path.startswith("/api/v2/"):
            for method, pattern, handler in self._routes:
                matched = pattern.fullmatch(path, len("/api/v2")) if method == request.method else None
                if matched:
                    return self._run(request, path, grant, matched.groupdict(), handler)
        return json_response({"error": "InvalidEndpoint", "description": "Not found"}, 404)

    def _run(self, request: Request, path: str, grant: Grant, named: dict[str, str], handler: Handler) -> Response:
        reads = request.method == "GET"
        section = path.removeprefix("/api/v2/").split("/")
        resource = (
            section[1].removesuffix("_events").rstrip("s") + "s" if section[0] == "incremental" else section[0].removeprefix("deleted_")
        )
        if resource not in ("organizations", "users", "tickets", "webhooks"):
            resource = ""
        if not grant.allows(resource, "read" if reads else "write") or (section[0] == "incremental" and not self.settings.is_admin):
            explanation = "You do not have access to this page. Please contact the account owner of this help desk for further help."
            return json_response({"error": "Forbidden", "description": explanation}, 403)
        call = Call(request, path, self._body(request), [], **named)
        if reads:
            return handler(call)
        with self.store.lock:
            response = handler(call)
        if call.dropped:
            names = ", ".join(f'"{name.encode("unicode_escape").decode("ascii")}"' for name in dict.fromkeys(call.dropped))
            response.headers["x-zendesk-api-warn"] = f"Removed restricted keys [{names}] from parameters according to whitelist"
        return response

    def _body(self, request: Request) -> Any:
        if request.method == "GET" or not request.body:
            return {}
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(json_response({"error": "UnsupportedMediaType", "description": "Content-Type must be application/json"}, 415))
        try:
            body = request.json()
        except ValueError:
            raise Refused(json_response({"error": "Unprocessable Entity", "message": "Server could not parse JSON"}, 422)) from None
        return body if isinstance(body, dict) else {}

    def _too_many(self, spent: Spent) -> Response:
        return Response(
            429,
            b"Number of allowed API requests per minute exceeded",
            {
                "content-type": "text/plain; charset=utf-8",
                "retry-after": str(spent.reset),
                **_quota_headers(Spent(spent.limit, 0, spent.reset)),
            },
        )

    def _spend(self, name: str, shown: str, limit: int, seconds: int = 60) -> dict[str, str]:
        """Count one request against an endpoint's own limit: the header to show, or the refusal."""
        spent = self._quotas.spend(name, limit, seconds)
        header = {f"zendesk-ratelimit-{shown}": f"total={limit}; remaining={max(spent.remaining, 0)}; resets={spent.reset}"}
        if spent.remaining < 0:
            description = f"Too many requests to this endpoint, limit {limit}. Wait before the next one."
            body = {"error": "APIRateLimitExceeded", "description": description}
            raise Refused(json_response(body, 429, {**header, "retry-after": str(spent.reset)}))
        return header

    def _route_table(self) -> list[Route]:
        kinds, id = r"/(?P<kind>organizations|users|tickets)", r"/(?P<id>[^/]+)"
        return [
            ("GET", "/users/me", self._me),
            ("GET", f"{kinds}/count", self._show_count),
            ("GET", f"{kinds}/show_many", self._show_many),
            ("GET", "/(?P<kind>organizations|users)/search", self._search),
            ("GET", "/(?P<kind>organizations|users)/autocomplete", self._autocomplete),
            ("GET", f"{kinds}", self._list),
            ("POST", "/(?P<kind>organizations|users)/create_or_update", self._create_or_update),
            ("POST", f"{kinds}/create_many", self._create_many),
            ("POST", "/(?P<kind>users)/create_or_update_many", self._create_many),
            ("PUT", f"{kinds}/update_many", self._update_many),
            ("POST", "/(?P<kind>organizations|users)", self._create),
            ("POST", "/(?P<kind>tickets)", self._create_ticket),
            ("GET", f"/organizations{id}/related", self._related),
            ("GET", f"/organizations{id}/(?P<kind>users|tickets)", self._of_organization),
            ("GET", f"/users{id}/tickets/requested", self._requested),
            ("GET", f"/tickets{id}/comments", self._comments),
            ("GET", f"/tickets{id}/audits", self._ticket_audits),
            ("GET", f"{kinds}{id}/tags", self._tags),
            ("PUT", f"{kinds}{id}/tags", self._change_tags),
            ("POST", f"{kinds}{id}/tags", self._change_tags),
            ("DELETE", f"{kinds}{id}/tags", self._change_tags),
            ("GET", f"{kinds}{id}", self._show),
            ("PUT", f"{kinds}{id}", self._update),
            ("DELETE", f"{kinds}{id}", self._delete),
            ("GET", "/organization_fields", self._organization_fields),
            ("GET", "/ticket_fields", self._ticket_fields),
            ("GET", "/user_fields", lambda call: self._page(call, "user_fields", [], dict, 0)),
            ("GET", "/deleted_tickets", self._deleted_tickets),
            ("PUT", f"/deleted_tickets{id}/restore", self._restore),
            ("GET", "/ticket_audits", self._all_audits),
            *self._service.routes(),
            *self._objects.routes(),
            *self._lifecycle.routes(),
            *self._searches.routes(),
            *self._endpoints.routes(),
            ("GET", "/job_statuses", self._jobs),
            ("GET", "/job_statuses/show_many", self._jobs),
            ("GET", f"/job_statuses{id}", self._job),
            ("GET", "/incremental/(?P<kind>tickets|users)/cursor", self._export_by_cursor),
            ("GET", "/incremental/custom_objects/(?P<key>[^/]+)/cursor", self._export_by_cursor),
            ("GET", "/incremental/(?P<kind>tickets|users|organizations|ticket_events|ticket_metric_events)", self._export_by_time),
            ("GET", "/incremental/(?P<kind>tickets|users|organizations|ticket_events)/sample", self._sample),
        ]

    # Reading

    def _shown(self, kind: str, record: Record, base: str) -> Record:
        shows = {"organizations": records.show_organization, "users": records.show_user, "tickets": records.show_ticket}
        return shows[kind](record, base)

    def _page(self, call: Call, key: str, rows: Sequence[Record], show: Callable[[Record], Record], total: int) -> Response:
        return json_response(list_page(call.request, call.path, key, rows, show, total))

    def _me(self, call: Call) -> Response:
        return json_response({"user": records.show_user(self._found("users", str(self.actor_id)), call.base)})

    def _show_count(self, call: Call) -> Response:
        return json_response({"count": {"value": self._account.count(call.kind), "refreshed_at": stamp(self._clock.now())}})

    def _list(self, call: Call) -> Response:
        rows, total = self._account.listed(call.kind), self._account.count(call.kind)
        roles = call.request.params("role[]") + call.request.params("role")
        if call.kind == "users" and roles:
            rows = [row for row in rows if row["role"] in roles]
            total = len(rows)
        return self._rows(call, call.kind, rows, total)

    def _rows(self, call: Call, kind: str, rows: Sequence[Record], total: int) -> Response:
        answer = list_page(call.request, call.path, kind, rows, lambda row: self._shown(kind, row, call.base), total)
        if kind == "tickets":
            self._side_load(call, answer, answer[kind])
        return json_response(answer)

    def _side_load(self, call: Call, answer: Record, tickets: Sequence[Record]) -> None:
        wanted = (call.request.param("include") or "").split(",")
        for kind, names in (("users", ("requester_id", "submitter_id", "assignee_id")), ("organizations", ("organization_id",))):
            if kind in wanted:
                ids = dict.fromkeys(ticket[name] for ticket in tickets for name in names if ticket.get(name))
                found = (self.store.get(kind, str(id)) for id in ids)
                answer[kind] = [self._shown(kind, record, call.base) for record in found if record]
        for shown in tickets if {"metric_sets", "comment_count"} & set(wanted) else ():
            ticket = self.store.get("tickets", str(shown["id"]))
            if ticket is not None and "metric_sets" in wanted:
                shown["metric_set"] = self._service.metric_set(ticket, call.base)
            if ticket is not None and "comment_count" in wanted:
                events = (child for audit in self._account.audits(ticket["id"]) for child in audit["events"])
                shown["comment_count"] = sum(child["type"] == "Comment" for child in events)

    def _show(self, call: Call) -> Response:
        shown = self._shown(call.kind, self._found(call.kind, call.id), call.base)
        answer: Record = {_SINGULAR[call.kind]: shown}
        if call.kind == "tickets":
            self._side_load(call, answer, [shown])
        return json_response(answer)

    def _named_ids(self, call: Call) -> list[str] | None:
        """The records that `ids` or `external_ids` name, each as an id; one that does not exist stays in the list."""
        given = call.request.param("ids")
        if given is not None:
            return [part.strip() for part in given.split(",") if part.strip()]
        given = call.request.param("external_ids")
        if given is None or call.kind == "tickets":
            return None
        return [
            str(self._account.holder(call.kind, "external_id", part.strip()) or part.strip()) for part in given.split(",") if part.strip()
        ]

    def _show_many(self, call: Call) -> Response:
        ids = self._named_ids(call)
        if ids is None:
            raise invalid_attribute("ids", "ids is required")
        if len(ids) > MAX_BATCH:
            raise _too_many_values(call.kind, "shown")
        found = (self.store.get(call.kind, id) for id in dict.fromkeys(ids))
        rows = [self._shown(call.kind, record, call.base) for record in found if record]
        answer: Record = {call.kind: rows, "next_page": None, "previous_page": None, "count": len(rows)}
        if call.kind == "tickets":
            self._side_load(call, answer, rows)
        return json_response(answer)

    def _search(self, call: Call) -> Response:
        external, name, query = (call.request.param(word) for word in ("external_id", "name", "query"))
        if call.kind == "organizations" and query is not None or call.kind == "users" and name is not None:
            raise invalid_attribute("query" if call.kind == "organizations" else "name", "this search does not know the parameter")
        if external is not None:
            wanted = external.lower()
            rows = [row for row in self._account.listed(call.kind) if str(row.get("external_id") or "").lower() == wanted]
        elif name is not None:
            rows = [row for row in self._account.listed(call.kind) if row["name"].lower() == name.lower()]
        elif query is not None:
            word = query.lower().removeprefix("email:").strip('"')
            rows = [
                row for row in self._account.listed(call.kind) if word in row["name"].lower() or word in (row.get("email") or "").lower()
            ]
        else:
            raise invalid_attribute("external_id", "external_id or name is required")
        return self._rows(call, call.kind, rows, len(rows))

    def _autocomplete(self, call: Call) -> Response:
        """Those whose name starts with what was typed so far."""
        name = call.request.param("name")
        if not name:
            raise invalid_attribute("name", "name is required")
        if any(given.startswith("page[") for given, _ in call.request.query):
            raise invalid_attribute("page", "this list is paged by offset only")
        rows = [row for row in self._account.listed(call.kind) if row["name"].lower().startswith(name.lower())]
        return self._rows(call, call.kind, rows, len(rows))

    def _related(self, call: Call) -> Response:
        id = self._found("organizations", call.id)["id"]
        tickets = sum(1 for row in self.store.collection("tickets").copy().values() if row["organization_id"] == id)
        users = sum(1 for row in self.store.collection("users").copy().values() if row.get("organization_id") == id and row["active"])
        return json_response({"organization_related": {"tickets_count": tickets, "users_count": users}})

    def _of_organization(self, call: Call) -> Response:
        id = self._found("organizations", call.id)["id"]
        rows = [row for row in self._account.listed(call.kind) if row.get("organization_id") == id]
        return self._rows(call, call.kind, rows, len(rows))

    def _requested(self, call: Call) -> Response:
        id = self._found("users", call.id)["id"]
        rows = [row for row in self._account.listed("tickets") if row.get("requester_id") == id]
        return self._rows(call, "tickets", rows, len(rows))

    def _comments(self, call: Call) -> Response:
        audits = self._account.audits(self._found("tickets", call.id)["id"])
        rows = [records.show_comment(child, audit) for audit in audits for child in audit["events"] if child["type"] == "Comment"]
        answer = list_page(call.request, call.path, "comments", rows, dict, len(rows))
        if "users" in (call.request.param("include") or "").split(","):
            authors = (self.store.get("users", str(id)) for id in dict.fromkeys(row["author_id"] for row in answer["comments"]))
            answer["users"] = [records.show_user(author, call.base) for author in authors if author]
        return json_response(answer)

    def _ticket_audits(self, call: Call) -> Response:
        rows = self._account.audits(self._found("tickets", call.id)["id"])
        return self._page(call, "audits", rows, records.show_audit, len(rows))

    def _all_audits(self, call: Call) -> Response:
        """The whole account's audits, newest first, with the cursor at the top of the answer; archived tickets are left out."""
        size = whole_number(call.request, "limit", 100)
        rows = [audit for ticket in self._account.listed("tickets") for audit in self._account.audits(ticket["id"]) if "_hidden" not in audit]
        rows.sort(key=lambda row: (row["created_at"], row["id"]), reverse=True)
        cursor = call.request.param("cursor")
        if cursor is not None:
            rows = [row for row in rows if f"{row['created_at']}|{row['id']:020d}" < cursor]
        page = rows[: min(size, 1000)]
        after = f"{page[-1]['created_at']}|{page[-1]['id']:020d}" if len(page) < len(rows) else None
        url = f"{call.base}{call.path}.json?cursor={quote(after)}&limit={size}" if after else None
        shown = [records.show_audit(row) for row in page]
        return json_response({"audits": shown, "after_cursor": after, "after_url": url, "before_cursor": None, "before_url": None})

    def _tags(self, call: Call) -> Response:
        return json_response({"tags": self._found(call.kind, call.id).get("tags", [])})

    def _organization_fields(self, call: Call) -> Response:
        rows = records.field_dictionary(call.base, "2024-01-01T00:00:00Z")
        return self._page(call, "organization_fields", rows, dict, len(rows))

    def _ticket_fields(self, call: Call) -> Response:
        rows = sorted(records.ticket_field_dictionary(call.base, "2024-01-01T00:00:00Z"), key=lambda row: row["id"])
        return self._page(call, "ticket_fields", rows, dict, len(rows))

    def _deleted_tickets(self, call: Call) -> Response:
        header = self._spend("deleted tickets", "deleted-tickets", self.settings.deleted_lists_per_minute)
        oldest = stamp(self._clock.now() - timedelta(days=30))
        rows = sorted(
            (
                row
                for row in self.store.collection("deleted_tickets").copy().values()
                if row["_deleted_at"] > oldest and not {"_hidden", "_scrubbed"} & row.keys()
            ),
            key=lambda row: row["id"],
        )

        def show(row: Record) -> Record:
            return records.show_deleted_ticket(row, self.store.get("users", str(row["_deleted_by"])))

        response = self._page(call, "deleted_tickets", rows, show, len(rows))
        response.headers.update(header)
        return response

    # Exports

    def _export(self, call: Call) -> Export:
        with self.store.lock:  # what `apply` writes from here on comes behind this horizon
            horizon = epoch(self._clock.now()) - WITHHELD_SECONDS
            self._account.served = max(self._account.served, horizon)
            if call.kind == "ticket_events":
                entries = self._account.exported_events()
            elif call.kind == "ticket_metric_events":
                entries = self._service.exported_timers(horizon)
            else:
                entries = self._objects.exported(call) if call.key else self._account.exported(call.kind)
        return Export(call.kind or objects.COLLECTION, call.path, entries, horizon, self.settings.empty_page_every)

    def _export_show(self, call: Call) -> Callable[[Any], Record]:
        if call.kind == "ticket_events":
            with_comments = "comment_events" in (call.request.param("include") or "").split(",")
            told: dict[int, dict[int, Record]] = {}

            def show(what: Any) -> Record:
                return records.show_ticket_event(what, with_comments)

            def show_told(entry: tuple[Ticket, int]) -> Record:
                row, id = entry
                if row.key not in told:
                    told[row.key] = {audit["id"]: audit for audit in records.history(row)}
                return show(told[row.key][id])

            return lambda what: show_told(what) if isinstance(what, tuple) else show(what)
        if call.kind == "ticket_metric_events":
            return dict
        if call.key:
            return lambda row: objects.show(row, call.base)
        show_one = {"organizations": records.export_organization, "users": records.show_user, "tickets": records.export_ticket}[call.kind]
        return lambda row: show_one(row, call.base)

    def _export_by_cursor(self, call: Call) -> Response:
        header = self._spend("exports", "incremental-exports", self.settings.exports_per_minute)
        answer = cursor_export(call.request, self._export(call), self._export_show(call))
        if call.kind == "tickets":
            self._side_load(call, answer, answer["tickets"])
        return json_response(answer, headers=header)

    def _export_by_time(self, call: Call) -> Response:
        header = self._spend("exports", "incremental-exports", self.settings.exports_per_minute)
        answer = time_export(call.request, self._export(call), self._export_show(call))
        if call.kind == "tickets":
            self._side_load(call, answer, answer["tickets"])
        return json_response(answer, headers=header)

    def _sample(self, call: Call) -> Response:
        header = self._spend("samples", "incremental-samples", self.settings.samples_per_20_minutes, 1200)
        export = self._export(call)
        begin = start_time(call.request, export.horizon)
        entries = [entry for entry in export.entries[: export.visible_end()] if entry[0] >= begin and entry[2] is not None][:50]
        show = self._export_show(call)
        answer = {
            call.kind: [show(what) for _, _, what in entries],
            "count": len(entries),
            "next_page": None,
            "end_of_stream": True,
            "end_time": entries[-1][0] if entries else None,
        }
        return json_response(answer, headers=header)

    # Writing

    def _taken(self, kind: str, own_id: int | None) -> Callable[[str, str], bool]:
        def taken(name: str, value: str) -> bool:
            if name == "name" and kind == "users":
                return False
            return self._account.holder(kind, name, value) not in (None, own_id)

        return taken

    def _write(self, kind: str, current: Record | None, sent: Record) -> tuple[Record, Record | None, list[str]]:
        """Store what was sent over what is held: the new record, the audit of a ticket, and the dropped keys."""
        now = self._clock.now()
        own_id = current["id"] if current else None
        if kind == "organizations":
            written = organization_change(current, sent, self._taken(kind, own_id))
        elif kind == "users":
            written = user_change(current, sent, self._taken(kind, own_id), self._account.exists)
        else:
            _check_stamp(current, sent)
            written = ticket_change(current, sent, self.actor_id, self._account.exists)
        record = written.record
        if current is None:
            record = {"id": self.store.next_number(kind, _FIRST_NEW_ID[kind]), **record, "created_at": stamp(now)}
            if kind == "tickets" and record.get("organization_id") is None and record.get("requester_id"):
                requester = self.store.get("users", str(record["requester_id"])) or {}
                record["organization_id"] = requester.get("organization_id")
        record = {**record, "updated_at": stamp(now), "_generated": epoch(now)}
        self._account.put(kind, record)
        audit = self._audit(record["id"], written, now) if kind == "tickets" else None
        return record, audit, written.dropped

    def _audit(self, ticket_id: int, written: Written, now: datetime) -> Record:
        children = [{**child, "id": self.store.next_number("children", _FIRST_NEW_ID["children"])} for child in written.children]
        audit = {
            "id": self.store.next_number("audits", _FIRST_NEW_ID["audits"]),
            "ticket_id": ticket_id,
            "created_at": stamp(now),
            "author_id": self.actor_id,
            "events": children,
            "_generated": epoch(now),
        }
        if children:
            self._account.put("ticket_audits", audit)
        return audit

    def _write_ticket(self, ticket: Record, sent: Record) -> None:
        self._write("tickets", ticket, sent)

    def _create(self, call: Call) -> Response:
        sent = sent_object(call, _SINGULAR[call.kind])
        return self._created(call, {name: value for name, value in sent.items() if name != "id"})

    def _created(self, call: Call, sent: Record) -> Response:
        record, audit, dropped = self._write(call.kind, None, sent)
        call.dropped.extend(dropped)
        shown = self._shown(call.kind, record, call.base)
        audited = {} if audit is None else {"audit": records.show_audit(audit)}
        return json_response({_SINGULAR[call.kind]: shown, **audited}, 201, {"location": shown["url"]})

    def _create_or_update(self, call: Call) -> Response:
        sent = sent_object(call, _SINGULAR[call.kind])
        current = self._match(call.kind, sent)
        if current is None:
            return self._created(call, sent)
        record, _, dropped = self._write(call.kind, current, sent)
        call.dropped.extend(dropped)
        shown = self._shown(call.kind, record, call.base)
        return json_response({_SINGULAR[call.kind]: shown}, 200, {"location": shown["url"]})

    def _match(self, kind: str, sent: Record) -> Record | None:
        """The record that the key in the request names: an organization by id or external id, a user by e-mail or external id."""
        found = set()
        if kind == "organizations" and sent.get("id") is not None:
            found.add(self._found(kind, str(sent["id"]))["id"])
        else:
            for name in ("external_id", "email") if kind == "users" else ("external_id",):
                if sent.get(name):
                    found.add(self._account.holder(kind, name, str(sent[name])))
        found.discard(None)
        if len(found) > 1:
            raise Invalid({"email": [{"description": "Email and external id belong to different users", "error": "DuplicateValue"}]})
        return self.store.get(kind, str(found.pop())) if found else None

    def _update(self, call: Call) -> Response:
        current = self._found(call.kind, call.id)
        sent = sent_object(call, _SINGULAR[call.kind])
        header: dict[str, str] = {}
        if call.kind == "tickets":
            header = self._spend("ticket updates", "ticket-updates", self.settings.ticket_updates_per_minute)
            header |= self._spend(f"ticket {current['id']}", "per-ticket-updates", self.settings.updates_per_ticket, 600)
        elif call.kind == "organizations":
            header = self._spend(f"organization {current['id']}", "organization-updates", self.settings.updates_per_organization)
        else:
            header = self._spend(f"user {current['id']}", "user-updates", self.settings.updates_per_user)
        record, audit, dropped = self._write(call.kind, current, sent)
        call.dropped.extend(dropped)
        answer: Record = {_SINGULAR[call.kind]: self._shown(call.kind, record, call.base)}
        if audit is not None:
            answer["audit"] = records.show_audit(audit)
        return json_response(answer, headers=header)

    def _create_ticket(self, call: Call) -> Response:
        sent = sent_object(call, "ticket")
        key = call.request.headers.get("idempotency-key")
        if key is None:
            return self._created(call, sent)
        if not key or len(key) > 255:
            description = "Idempotency-Key must have 1 to 255 characters"
            raise Refused(json_response({"error": "IdempotentRequestError", "description": description}, 400))
        now, digest = self._clock.now(), hashlib.sha256(call.request.body).hexdigest()
        held = self.store.get("idempotency_keys", key)
        if held and datetime.fromisoformat(held["at"]) > now - _IDEMPOTENCY_WINDOW:
            if held["body"] != digest:
                description = "The request parameters do not match those of the first request with this Idempotency-Key"
                raise Refused(json_response({"error": "IdempotentRequestError", "description": description}, 400))
            return json_response(orjson.loads(held["answer"]), 201, {"x-idempotency-lookup": "hit", "location": held["location"]})
        response = self._created(call, sent)
        self.store.put(
            "idempotency_keys",
            key,
            {
                "at": now.isoformat(),
                "body": digest,
                "answer": response.body.decode(),
                "location": response.headers["location"],
            },
        )
        response.headers["x-idempotency-lookup"] = "miss"
        return response

    def _delete(self, call: Call) -> Response:
        record = self._found(call.kind, call.id)
        now = self._clock.now()
        stamped = {**record, "updated_at": stamp(now), "_generated": epoch(now)}
        if call.kind == "users":
            if record["id"] == self.actor_id:
                raise Invalid({"base": [{"description": "You cannot delete yourself", "error": "InvalidValue"}]})
            deleted = {**stamped, "active": False}
            self._account.put("users", deleted)
            return json_response({"user": records.show_user(deleted, call.base)})
        self._account.drop(call.kind, record["id"])
        if call.kind == "tickets":
            # the updated time of a ticket in the bin stays, so that a restore gives it back
            self._account.put("deleted_tickets", records.scrubbed({**record, "_generated": epoch(now)}, now, self.actor_id))
        else:
            self._account.put("deleted_organizations", {**stamped, "deleted_at": stamp(now)})
            for kind in ("users", "tickets"):
                for row in [row for row in self.store.collection(kind).values() if row.get("organization_id") == record["id"]]:
                    self._account.put(kind, {**row, "organization_id": None, "_generated": epoch(now)})
        return Response(204)

    def _restore(self, call: Call) -> Response:
        held = self._found("deleted_tickets", call.id)
        if "_scrubbed" in held:
            raise Refused(not_found())
        self._account.drop("deleted_tickets", held["id"])
        now = self._clock.now()
        record = {name: value for name, value in held.items() if name not in ("_deleted_at", "_deleted_by")}
        self._account.put("tickets", {**record, "updated_at": stamp(now), "_generated": epoch(now)})
        return Response(200, b"{}", {"content-type": "application/json; charset=utf-8"})

    def _change_tags(self, call: Call) -> Response:
        current = self._found(call.kind, call.id)
        tags = changed_tags(current.get("tags", []), call.body.get("tags"), call.request.method)
        extra = {name: call.body[name] for name in ("safe_update", "updated_stamp") if name in call.body and call.kind == "tickets"}
        record, _, _ = self._write(call.kind, current, {"tags": tags, **extra})
        return json_response({"tags": record["tags"]}, 201 if call.request.method == "POST" else 200)

    # Jobs

    def _create_many(self, call: Call) -> Response:
        items = self._items(call, "created")
        upsert = call.path.endswith("create_or_update_many")

        def work(index: int, sent: Record) -> Record:
            current = self._match(call.kind, sent) if upsert else None
            record, _, _ = self._write(call.kind, current, {name: value for name, value in sent.items() if name != "id"})
            if call.kind == "tickets":
                return {"index": index, "id": record["id"], "account_id": self.settings.account_id}
            return {"id": record["id"], "status": "Updated" if current else "Created"}

        return self._queue(call, "Create", items, work)

    def _update_many(self, call: Call) -> Response:
        ids = self._named_ids(call)
        if ids is None:
            items = self._items(call, "updated")
        else:
            if not 0 < len(ids) <= MAX_BATCH:
                raise _too_many_values(call.kind, "updated")
            sent = sent_object(call, _SINGULAR[call.kind])
            items = [{**sent, "id": id} for id in ids]

        def work(index: int, sent: Record) -> Record:
            id = sent.get("id")
            if id is None and call.kind != "tickets" and sent.get("external_id"):
                id = self._account.holder(call.kind, "external_id", str(sent["external_id"]))
            current = self.store.get(call.kind, str(id))
            if current is None:
                raise Invalid({"base": [{"description": f"{_SINGULAR[call.kind].capitalize()} not found", "error": "RecordNotFound"}]})
            self._write(call.kind, current, sent)
            return {"id": current["id"], "action": "update", "success": True, "status": "Updated"}

        return self._queue(call, "Update", items, work)

    def _items(self, call: Call, done: str) -> list[Record]:
        items = call.body.get(call.kind)
        if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
            raise Refused(json_response({"error": {"title": "Invalid attribute", "message": f"Parameter {call.kind} is required"}}, 400))
        if len(items) > MAX_BATCH:
            raise _too_many_values(call.kind, done)
        return items

    def _queue(self, call: Call, verb: str, items: list[Record], work: Callable[[int, Record], Record]) -> Response:
        """The work is done at once, so that it belongs to this request; the job tells of it in its own time."""
        now = self._clock.now()
        self._running = [end for end in self._running if end > now]
        if len(self._running) >= self.settings.max_jobs:
            description = f"You have reached the limit of {self.settings.max_jobs} jobs that run or wait at the same time"
            raise Refused(json_response({"error": "TooManyJobs", "description": description}, 429, {"retry-after": "1"}))
        noun = _SINGULAR.get(call.kind, "ticket" if "tickets" in call.path else "custom object record").title()
        failure = f"{noun.replace(' ', '')}{verb}Failed"
        results: list[Record] = []
        for index, sent in enumerate(items):
            try:
                results.append(work(index, sent))
            except Invalid as invalid:
                results.append(_failed(index, sent, failure, invalid.sentence()))
            except Refused as refused:
                details = orjson.loads(refused.response.body).get("description", "")
                results.append(_failed(index, sent, failure, details))
        id = f"V3-{secrets.token_hex(16)}"
        self._running.append(now + self._job_time())
        self.store.put(
            "job_statuses",
            id,
            {
                "id": id,
                "job_type": f"Bulk {verb} {noun}",
                "total": len(items),
                "submitted_at": now.isoformat(),
                "results": results,
            },
        )
        return json_response({"job_status": self._job_shown(self.store.collection("job_statuses")[id], call.base, now)})

    def _job_time(self) -> timedelta:
        return timedelta(seconds=self.settings.job_queued_seconds + self.settings.job_working_seconds)

    def _job_shown(self, job: Record, base: str, now: datetime) -> Record:
        submitted = datetime.fromisoformat(job["submitted_at"])
        done = submitted + self._job_time()
        shown = {
            "id": job["id"],
            "job_type": job["job_type"],
            "url": f"{base}/api/v2/job_statuses/{job['id']}.json",
            "total": job["total"],
            "progress": None,
            "status": "queued",
            "message": None,
            "results": None,
        }
        if now >= done and now > submitted:
            shown |= {
                "progress": job["total"],
                "status": "completed",
                "message": done.strftime("Completed at %Y-%m-%d %H:%M:%S +0000"),
                "results": job["results"],
            }
        elif now >= submitted + timedelta(seconds=self.settings.job_queued_seconds) and now > submitted:
            shown |= {"progress": job["total"] // 2, "status": "working"}
        return shown

    def _known_jobs(self) -> list[Record]:
        oldest = (self._clock.now() - _JOB_SHOWN_FOR).isoformat()
        return [job for job in self.store.collection("job_statuses").copy().values() if job["submitted_at"] > oldest]

    def _job(self, call: Call) -> Response:
        job = self.store.get("job_statuses", call.id)
        if job is None or datetime.fromisoformat(job["submitted_at"]) < self._clock.now() - _JOB_SHOWN_FOR:
            raise Refused(not_found())
        return json_response({"job_status": self._job_shown(job, call.base, self._clock.now())})

    def _jobs(self, call: Call) -> Response:
        jobs, now = self._known_jobs(), self._clock.now()
        if call.path.endswith("show_many"):
            ids = (call.request.param("ids") or "").split(",")
            if len(ids) > MAX_BATCH:
                raise _too_many_values("job statuses", "shown")
            jobs = [job for job in jobs if job["id"] in ids]
        rows = [self._job_shown(job, call.base, now) for job in reversed(jobs)]
        return json_response({"job_statuses": rows, "count": len(rows), "next_page": None, "previous_page": None})


def create(store: Store, clock: Clock, **settings: Any) -> Zendesk:
    return Zendesk(store, clock, Settings(**settings))


def _check_stamp(current: Record | None, sent: Record) -> None:
    """Safe update: the caller says which version of the ticket it has read."""
    if current is None or not sent.get("safe_update"):
        return
    if sent.get("updated_stamp") != current["updated_at"]:
        description = "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data and try again."
        raise Refused(json_response({"error": "UpdateConflict", "description": description}, 409))


def _failed(index: int, sent: Record, error: str, details: str) -> Record:
    id = str(sent.get("id", ""))
    return {"index": index, **({"id": int(id)} if id.isdecimal() else {}), "error": error, "details": details}


def _invalid(invalid: Invalid) -> Response:
    return json_response({"error": "RecordInvalid", "description": "Record validation errors", "details": invalid.details}, 422)


def _too_many_values(kind: str, done: str) -> Refused:
    description = f"Maximum {MAX_BATCH} {kind} may be {done} per call"
    return Refused(json_response({"error": "TooManyValues", "description": description, "max_count": MAX_BATCH}, 400))


def _quota_headers(spent: Spent) -> dict[str, str]:
    limit, left = str(spent.limit), str(max(spent.remaining, 0))
    return {
        "x-rate-limit": limit,
        "x-rate-limit-remaining": left,
        "ratelimit-limit": limit,
        "ratelimit-remaining": left,
        "ratelimit-reset": str(spent.reset),
    }

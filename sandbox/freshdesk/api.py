"""The Freshdesk stand-in: one support account over HTTP as the vendor serves it: routes, lookups, writes, jobs and credits.

How records look belongs to `records`, the account's lists and archive to `account`, what a write may hold to `writes`, pages and
refusals to `answers`, queries to `search`, custom objects to `custom_objects`, keys and credits to `limits`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from sandbox.freshdesk import fields, records, search, writes
from sandbox.freshdesk.account import Account, operator_id
from sandbox.freshdesk.answers import (
    Refused,
    denied,
    invalid,
    moment_param,
    one_of,
    only,
    page,
    positive,
    unknown_id,
    wrong_verb,
)
from sandbox.freshdesk.calls import PAGING, ROOT, Call, Handler, bare, created, known, number, numbers
from sandbox.freshdesk.custom_objects import Assets
from sandbox.freshdesk.exports import FILES, Exports
from sandbox.freshdesk.forms import form, is_form
from sandbox.freshdesk.limits import Credits, Spent, is_known
from sandbox.freshdesk.parties import Parties, company_view
from sandbox.freshdesk.records import stamp
from sandbox.protocol import Clock, Record, Request, Response, Store, json_response
from sandbox.world.model import View

LAST_TICKET_PAGE = 300
MAX_SEARCH_PAGE, SEARCH_PAGE = 10, 30
DEFAULT_WINDOW = timedelta(days=30)
EMBEDDED_CONVERSATIONS = 10
MAX_BULK = 100
_ATTACHMENTS = "/attachments/"
_MAX_FILES_BYTES = 20 * 1024 * 1024
_TAKES_FILES = re.compile(rf"{ROOT}/tickets(/\d+(/notes|/reply)?)?")
_TICKET_FILTERS = ("new_and_my_open", "watching", "spam", "deleted")
_TICKET_ORDERS = ("created_at", "due_by", "updated_at", "status")


@dataclass(frozen=True)
class Settings:
    """The account: its key, its plan (Enterprise) with the limits of it, and how its background work lags. A limit of None is none."""

    api_key: str = "freshdesk-sandbox-key"
    email: str = "ops@concord.example"
    domain: str = "concord"
    is_admin: bool = True  # other agents may not see agents, SLA policies and field settings
    has_custom_objects: bool = True
    requests_per_minute: int | None = 700
    ticket_creates_per_minute: int | None = 280
    ticket_updates_per_minute: int | None = 280
    ticket_lists_per_minute: int | None = 200
    contact_lists_per_minute: int | None = 200
    archived_after_days: int = 120
    trash_emptied_after_days: int = 30
    search_lag_seconds: float = 60.0
    job_seconds: float = 0.05
    notes_touch_tickets: bool = True  # whether a new conversation moves its ticket's updated_at
    companies_filter: bool = True  # older accounts pass over updated_since on companies
    fault_retry_after: int = 1


class Freshdesk:
    name = "freshdesk"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._clock = clock
        self._credits = Credits(lambda: clock.now().timestamp())
        self._account = Account(
            store, clock, operator_email=settings.email, is_admin=settings.is_admin,
            archived_after=timedelta(days=settings.archived_after_days),
            trash_emptied_after=timedelta(days=settings.trash_emptied_after_days),
            search_lag=timedelta(seconds=settings.search_lag_seconds),
        )
        self._assets = Assets(self._account, clock, self._objects)
        self._exports = Exports(self._account, clock, settings.job_seconds)
        self._parties = Parties(
            store, clock, self._account, companies_filter=settings.companies_filter,
            count_list=lambda: self._sub_limit("contact lists", settings.contact_lists_per_minute))
        self._jobs: dict[str, tuple[datetime, str, Record]] = {}  # id -> begun, name, what the finished job shows besides
        self.actor_id = operator_id()
        self._routes = [(method, re.compile(pattern), handler) for method, pattern, handler in self._route_table()]

    # The world

    def load(self, view: View) -> None:
        self._account.load(view)

    def apply(self, view: View) -> None:
        self._account.apply(view)

    # Requests

    def handle(self, request: Request) -> Response:
        spent, cost = Spent(0, 0, 0), 1
        try:
            if request.path.startswith(FILES):
                return self._exports.download(request)
            if request.path.startswith(_ATTACHMENTS):
                return self._download(request)
            self._admit(request)
            cost = _cost(request)
            spent = self._credits.spend("account", self.settings.requests_per_minute, cost)
            response = self._routed(request) if spent.remaining >= 0 else self._too_many(spent.reset)
        except Refused as refused:
            response = refused.response
        shown = {"x-ratelimit-total": str(spent.limit), "x-ratelimit-remaining": str(max(0, spent.remaining)),
                 "x-ratelimit-used-currentrequest": str(cost)} if spent.limit else {}
        response.headers = {
            **response.headers, **shown, "x-freshdesk-api-version": "latest=v2; requested=v2", "x-request-id": str(uuid4()),
            "cache-control": "must-revalidate, no-cache, no-store, private, max-age=0",
        }
        return response

    def rate_limited(self, request: Request) -> Response:
        response = self._too_many(self.settings.fault_retry_after)
        response.headers |= {"x-ratelimit-total": str(self.settings.requests_per_minute or 0), "x-ratelimit-remaining": "0",
                             "x-freshdesk-api-version": "latest=v2; requested=v2"}
        return response

    def unavailable(self, request: Request) -> Response:
        return json_response({"code": "internal_error", "message": "We're sorry, but something went wrong."}, 500)

    def expire_tokens(self) -> None:
        """API keys do not expire, and there is no other way to log in."""

    def _too_many(self, seconds: int) -> Response:
        return json_response({"message": "You have exceeded the limit of requests per minute"}, 429, {"retry-after": str(seconds)})

    def _admit(self, request: Request) -> None:
        if not is_known(request, self.settings.api_key):
            raise denied("invalid_credentials", "You have to be logged in to perform this action.", 401)
        accept = request.headers.get("accept", "*/*")
        if not any(kind.partition(";")[0].strip() in ("*/*", "application/*", "application/json") for kind in accept.split(",")):
            raise Refused(json_response({"code": "invalid_accept_header", "message": "Only application/json is served"}, 406))
        if request.method in ("GET", "DELETE") and request.body.strip():
            raise denied("no_content_required", "No content is required for this HTTP request", 400)

    def _routed(self, request: Request) -> Response:
        allowed = []
        for method, pattern, handler in self._routes:
            matched = pattern.fullmatch(request.path)
            if matched is None:
                continue
            if method != request.method:
                allowed.append(method)
                continue
            reads = method == "GET"
            body, files = (None, ()) if reads else self._body(request)
            call = Call(request, body, files=files, **matched.groupdict())
            if reads:
                return handler(call)
            only(request, ("force",))
            with self.store.lock:
                return handler(call)
        if allowed:
            raise wrong_verb(request.method, sorted(set(allowed)))
        raise unknown_id()

    def _body(self, request: Request) -> tuple[Any, tuple[Record, ...]]:
        if not request.body:
            return {}, ()
        if is_form(request) and _TAKES_FILES.fullmatch(request.path):
            return self._form(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(json_response({"code": "invalid_content_type", "message": "Content-Type header should have application/json"}, 415))
        try:
            return request.json(), ()
        except ValueError:
            raise denied("invalid_json", "Request body has invalid json format", 400) from None

    def _form(self, request: Request) -> tuple[Any, tuple[Record, ...]]:
        read = form(request)
        if read is None:
            raise denied("invalid_multipart", "Request body is no multipart form", 400)
        body, files = read
        if sum(file["size"] for file in files) > _MAX_FILES_BYTES:
            raise invalid([("attachments", "The total size of the attachments should not exceed 20 MB", "invalid_size")])
        now = self._now()
        return body, tuple(self._attachment(request, file, now) for file in files)

    def _attachment(self, request: Request, file: Record, now: str) -> Record:
        """Kept from here on; its address is open to everybody who has it, as a signed one is."""
        id = self._account.new_id("attachments")
        url = f"{request.base_url}{_ATTACHMENTS}{id}/{quote(file['name'])}"
        record = {"id": id, **file, "created_at": now, "updated_at": now, "attachment_url": url}
        self._account.put("attachments", record, searched=False)
        return bare(record)

    def _download(self, request: Request) -> Response:
        held = self.store.get("attachments", request.path.removeprefix(_ATTACHMENTS).partition("/")[0])
        if held is None or request.method != "GET":
            raise unknown_id()
        return Response(200, b64decode(held["_content"]), {"content-type": held["content_type"]})

    def _sub_limit(self, name: str, limit: int | None) -> None:
        spent = self._credits.spend(name, limit)
        if spent.remaining < 0:
            raise Refused(self._too_many(spent.reset))

    def _route_table(self) -> list[tuple[str, str, Handler]]:
        id = r"/(?P<id>\d+)"
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/agents/me", self._me),
            ("GET", "/account", self._show_account),
            ("GET", "/tickets", self._list_tickets),
            ("POST", "/tickets", self._create_ticket),
            ("POST", "/tickets/bulk_update", self._bulk_update),
            ("POST", "/tickets/bulk_delete", self._bulk_delete),
            ("PUT", "/tickets/merge", self._merge_tickets),
            ("GET", f"/tickets/archived{id}", self._archived_ticket),
            ("GET", f"/tickets/archived{id}/conversations", self._archived_conversations),
            ("GET", f"/tickets{id}", self._show_ticket),
            ("PUT", f"/tickets{id}", self._update_ticket),
            ("DELETE", f"/tickets{id}", self._delete_ticket),
            ("PUT", f"/tickets{id}/restore", self._restore_ticket),
            ("GET", f"/tickets{id}/conversations", self._conversations),
            ("POST", f"/tickets{id}/notes", self._add_note),
            ("POST", f"/tickets{id}/reply", self._add_reply),
            ("GET", f"/tickets{id}/time_entries", self._time_entries_of),
            ("POST", f"/tickets{id}/time_entries", self._add_time_entry),
            ("GET", f"/tickets{id}/satisfaction_ratings", self._ratings_of),
            ("PUT", f"/conversations{id}", self._edit_conversation),
            ("DELETE", f"/conversations{id}", self._delete_conversation),
            ("GET", "/time_entries", self._list_time_entries),
            ("PUT", f"/time_entries{id}", self._edit_time_entry),
            ("DELETE", f"/time_entries{id}", self._delete_time_entry),
            ("GET", "/surveys/satisfaction_ratings", self._list_ratings),
            *self._exports.routes(),
            *self._parties.routes(),
            ("GET", "/search/(?P<kind>tickets|contacts|companies)", self._search),
            ("GET", "/agents", self._list_agents),
            ("GET", f"/(?P<kind>agents){id}", self._show_one),
            ("GET", "/sla_policies", self._list_policies),
            ("POST", "/sla_policies", self._create_policy),
            ("PUT", f"/sla_policies{id}", self._update_policy),
            ("GET", "/(?P<kind>groups|roles|products|business_hours)", self._list_all),
            ("GET", f"/(?P<kind>groups|roles|products|business_hours){id}", self._show_one),
            ("GET", "/admin/groups", lambda call: self._list_all(Call(call.request, None, kind="groups"))),
            ("GET", "(?:/admin)?/(?P<kind>ticket_fields)", self._fields),
            ("GET", "/(?P<kind>contact_fields|company_fields)", self._fields),
            ("GET", "/automations/(?P<kind>[134])/rules", self._rules),
            ("GET", "/jobs/(?P<kind>[0-9a-f]+)", self._job),
            *self._assets.routes(),
        ]
        return [(method, ROOT + pattern, handler) for method, pattern, handler in routes]

    def _now(self) -> str:
        return stamp(self._clock.now())

    def _later(self, record: Record) -> str:
        return max(self._now(), record["updated_at"])

    # Who and what the account is

    def _me(self, call: Call) -> Response:
        return json_response(bare(self._found("agents", str(self.actor_id))))

    def _show_account(self, call: Call) -> Response:
        agents = len(self.store.collection("agents"))
        return json_response({
            "organisation_id": 43_900_000_001, "organisation_name": self.settings.domain.capitalize(), "account_id": 4_300_001,
            "account_name": self.settings.domain.capitalize(), "account_domain": f"{self.settings.domain}.freshdesk.com",
            "hipaa_compliant": False, "timezone": "UTC", "tier_type": "Enterprise", "total_agents": {"full_time": agents, "occasional": 0,
            "field_service": 0, "collaborators": 0}, "data_center": "EU", "contact_person": {"firstname": "Ops", "lastname": "Concord",
            "email": self.settings.email}, "bundle_type": None, "address": {},
        })

    def _admin_only(self) -> None:
        if not self.settings.is_admin:
            raise denied("access_denied", "You are not authorized to perform this action.")

    def _objects(self) -> None:
        if not self.settings.has_custom_objects:
            raise denied("require_feature", "The Custom Objects feature(s) is/are not supported in your plan. Please upgrade your account to use it.")

    def _found(self, kind: str, id: str) -> Record:
        found = self.store.get(kind, str(int(id)))
        if found is None:
            raise unknown_id()
        return found

    def _list_all(self, call: Call) -> Response:
        only(call.request, PAGING)
        return page(call.request, self._account.shown(call.kind, lambda row: str(row["name"])), bare)

    def _list_agents(self, call: Call) -> Response:
        self._admin_only()
        only(call.request, (*PAGING, "email", "mobile", "phone", "state"))
        rows = self._account.shown("agents", lambda row: row["id"])
        email, state = call.request.param("email"), call.request.param("state")
        if state is not None and state not in ("fulltime", "occasional"):
            raise invalid([one_of("state", ("fulltime", "occasional"))])
        if email is not None:
            rows = [row for row in rows if (row["contact"]["email"] or "").lower() == email.lower()]
        if state is not None:
            rows = [row for row in rows if row["occasional"] == (state == "occasional")]
        return page(call.request, rows, bare)

    def _show_one(self, call: Call) -> Response:
        if call.kind == "agents":
            self._admin_only()
        return json_response(bare(self._found(call.kind, call.id)))

    def _fields(self, call: Call) -> Response:
        if call.kind == "ticket_fields":
            only(call.request, (*PAGING, "type"))
            return json_response(fields.ticket_fields(self._account.statuses(), call.request.param("type")))
        only(call.request, PAGING)
        return json_response(fields.contact_fields() if call.kind == "contact_fields" else fields.company_fields())

    def _rules(self, call: Call) -> Response:
        """The account has no automation rules."""
        self._admin_only()
        only(call.request, PAGING)
        return page(call.request, [], bare)

    def _list_policies(self, call: Call) -> Response:
        self._admin_only()
        only(call.request, PAGING)
        return page(call.request, self._account.shown("sla_policies", lambda row: row["position"]), bare)

    def _create_policy(self, call: Call) -> Response:
        self._admin_only()
        now = self._now()
        new: Record = {
            "id": 0, "name": None, "description": "", "active": True, "sla_target": {}, "applicable_to": {}, "is_default": False,
            "position": len(self.store.collection("sla_policies")) + 1, "escalation": {}, "created_at": now, "updated_at": now,
        }
        record = writes.sla_policy(None, call.body, self._account.exists, new) | {"id": self._account.new_id("sla_policies")}
        self._account.put("sla_policies", record)
        return created(call, "sla_policies", record)

    def _update_policy(self, call: Call) -> Response:
        self._admin_only()
        held = self._found("sla_policies", call.id)
        record = writes.sla_policy(held, call.body, self._account.exists, held) | {"updated_at": self._later(held)}
        self._account.put("sla_policies", record)
        return json_response(bare(record))

    # Tickets

    def _list_tickets(self, call: Call) -> Response:
        request = call.request
        only(request, (*PAGING, "filter", "requester_id", "email", "unique_external_id", "company_id", "updated_since", "order_by",
                       "order_type", "include"))
        self._sub_limit("ticket lists", self.settings.ticket_lists_per_minute)
        shown = _included(request, ("stats", "requester", "description", "company"))
        order, way, wanted = request.param("order_by", "created_at"), request.param("order_type", "desc"), request.param("filter")
        for name, value, values in (("order_by", order, _TICKET_ORDERS), ("order_type", way, ("asc", "desc"))):
            if value not in values:
                raise invalid([one_of(name, values)])
        if wanted is not None and wanted not in _TICKET_FILTERS:
            raise invalid([one_of("filter", _TICKET_FILTERS)])
        since = moment_param(request, "updated_since")
        if positive(request, "page", 1) > LAST_TICKET_PAGE:
            message = f"You cannot access tickets beyond the {LAST_TICKET_PAGE}th page. Please provide a smaller page number."
            raise invalid([("page", message, "invalid_value")])
        place = wanted if wanted in ("spam", "deleted") else "live"
        oldest = since or stamp(self._clock.now() - DEFAULT_WINDOW)
        rows = self._account.tickets_since(str(place), str(order), oldest, by_update=since is not None)
        rows = self._narrowed(request, rows, wanted)
        if way == "desc":
            rows = rows[::-1]
        return page(request, rows, lambda row: self._ticket(row, shown))

    def _narrowed(self, request: Request, rows: list[Record], wanted: str | None) -> list[Record]:
        for name in ("requester_id", "company_id"):
            text = request.param(name)
            if text is not None:
                if not text.isdecimal():
                    raise invalid([(name, "It should be a Positive Integer", "datatype_mismatch")])
                rows = [row for row in rows if row[name] == int(text)]
        for name in ("email", "unique_external_id"):
            text = request.param(name)
            if text is not None:
                holder = self._account.holder("contacts", name, text)
                if holder is None:
                    raise invalid([(name, f"There is no contact matching the given {name}", "invalid_value")])
                rows = [row for row in rows if row["requester_id"] == holder]
        if wanted == "new_and_my_open":
            rows = [row for row in rows if row["status"] == 2 and row["responder_id"] in (None, self.actor_id)]
        elif wanted == "watching":
            rows = []
        return rows

    def _ticket(self, row: Record, shown: frozenset[str], *, single: bool = False) -> Record:
        ticket = {name: value for name, value in row.items() if name[0] != "_"}
        if single or "description" in shown:
            ticket["description"], ticket["description_text"] = row["_description"], row["_description_text"]
            ticket["structured_description"] = None
        if single:
            ticket["attachments"] = row.get("_attachments", [])
            ticket["source_additional_info"] = None
        if "stats" in shown:
            ticket["stats"] = row["_stats"]
        if "requester" in shown:
            ticket["requester"] = self._requester(row["requester_id"])
        if "company" in shown:
            company = self.store.get("companies", str(row["company_id"]))
            ticket["company"] = {"id": company["id"], "name": company["name"]} if company else {}
        if single and "conversations" in shown:
            ticket["conversations"] = [bare(said) for said in self._account.said(row["id"])[:EMBEDDED_CONVERSATIONS]]
        return ticket

    def _requester(self, id: int | None) -> Record:
        found = self.store.get("contacts", str(id))
        if found is not None:
            return {name: found[name] for name in ("id", "name", "email", "mobile", "phone")}
        agent = self.store.get("agents", str(id))
        held = agent["contact"] if agent else {}
        return {"id": id, **{name: held.get(name) for name in ("name", "email", "mobile", "phone")}}

    def _open_ticket(self, id: str) -> Record:
        found = self._account.ticket(str(int(id)))
        if found is None:
            raise unknown_id()
        return found

    def _writable(self, id: str, method: str) -> Record:
        """A ticket that takes writes: in the trash and among the spam it takes none."""
        found = self._open_ticket(id)
        if found.get("deleted") or found["spam"]:
            raise wrong_verb(method, ["GET"])
        return found

    def _show_ticket(self, call: Call) -> Response:
        only(call.request, ("include",))
        shown = _included(call.request, ("conversations", "requester", "company", "stats", "sla_policy"))
        return json_response(self._ticket(self._open_ticket(call.id), shown, single=True))

    def _archived(self, id: str) -> Record:
        found = self._account.archived_ticket(str(int(id)))
        if found is None:
            raise unknown_id()
        return found

    def _archived_ticket(self, call: Call) -> Response:
        only(call.request, ("include",))
        shown = _included(call.request, ("conversations", "requester", "company", "stats"))
        return json_response({**self._ticket(self._archived(call.id), shown, single=True), "archived": True})

    def _archived_conversations(self, call: Call) -> Response:
        return self._talk(call, self._archived(call.id))

    def _conversations(self, call: Call) -> Response:
        return self._talk(call, self._open_ticket(call.id))

    def _talk(self, call: Call, ticket: Record) -> Response:
        only(call.request, PAGING)
        return page(call.request, self._account.said(ticket["id"]), bare)

    def _create_ticket(self, call: Call) -> Response:
        self._sub_limit("ticket creates", self.settings.ticket_creates_per_minute)
        now = self._now()
        new = records.new_ticket(0, now)
        record = writes.ticket(None, call.body, self._account.exists, new, self._account.statuses(), self._requester_of)
        if record["requester_id"] is None:
            record["requester_id"] = self._contact_for(str(call.body["email"]), str(call.body.get("name") or call.body["email"]))
        contact = self.store.get("contacts", str(record["requester_id"]))
        if record["company_id"] is None and contact is not None:
            record["company_id"] = contact["company_id"]
        answer_by, done_by = records.due(self._clock.now(), record["priority"])
        record |= {"id": self._account.new_id("tickets"), "due_by": record["due_by"] or done_by, "fr_due_by": record["fr_due_by"] or answer_by,
                   "_attachments": list(call.files), "_stats": {**records.NO_STATS, **_steps(None, record, now)}}
        self._account.put("tickets", record)
        return created(call, "tickets", self._ticket(record, frozenset(), single=True))

    def _requester_of(self, name: str, value: str) -> int | None:
        return self._account.holder("contacts", name, value)

    def _contact_for(self, email: str, name: str) -> int:
        """An unknown sender becomes a contact, of the company that has the domain."""
        domain = email.rpartition("@")[2].lower()
        owner = next((row["id"] for row in self.store.collection("companies").values() if domain in row["domains"]), None)
        record = records.new_contact(self._account.new_id("contacts"), self._now()) | {
            "name": name, "email": email, "active": False, "company_id": owner}
        self._account.put("contacts", record)
        return int(record["id"])

    def _update_ticket(self, call: Call) -> Response:
        self._sub_limit("ticket updates", self.settings.ticket_updates_per_minute)
        held = self._writable(call.id, "PUT")
        record = self._changed_ticket(held, call.body) | ({"_attachments": [*held.get("_attachments", []), *call.files]} if call.files else {})
        answer = record
        if record["priority"] != held["priority"] and record["due_by"] == held["due_by"]:
            # the targets are worked out again some seconds later: this answer still shows the old ones
            created = datetime.fromisoformat(record["created_at"])
            answer_by, done_by = records.due(created, record["priority"])
            record = {**record, "due_by": done_by, "fr_due_by": answer_by}
        self._account.put("tickets", record)
        return json_response(self._ticket(answer, frozenset(), single=True))

    def _changed_ticket(self, held: Record, body: Any) -> Record:
        record = writes.ticket(held, body, self._account.exists, held, self._account.statuses(), self._requester_of)
        at = self._later(held)
        return record | {"updated_at": at, "_stats": {**held["_stats"], **_steps(held, record, at)}}

    def _delete_ticket(self, call: Call) -> Response:
        self._trash(self._open_ticket(call.id))
        return Response(204)

    def _trash(self, held: Record) -> None:
        if held.get("deleted"):
            raise wrong_verb("DELETE", ["GET"])
        self._account.put("tickets", {**held, "deleted": True, "updated_at": self._later(held)})

    def _restore_ticket(self, call: Call) -> Response:
        held = self._open_ticket(call.id)
        if not held.get("deleted"):
            raise unknown_id()
        self._account.put("tickets", {**{name: value for name, value in held.items() if name != "deleted"}, "updated_at": self._later(held)})
        return Response(204)

    def _merge_tickets(self, call: Call) -> Response:
        body = known(call.body, {"primary_id", "ticket_ids", "convert_recepients_to_cc", "note_in_primary", "note_in_secondary"})
        self._writable(str(number(body, "primary_id")), "PUT")
        for id in numbers(body, "ticket_ids"):
            held = self._writable(str(id), "PUT")
            self._account.put("tickets", self._changed_ticket(held, {"status": 5}))
        return Response(204)

    def _bulk(self, call: Call) -> tuple[Record, list[int]]:
        body = known(call.body, {"bulk_action"})
        action = body.get("bulk_action")
        if not isinstance(action, dict):
            raise invalid([("bulk_action", "It should not be blank as this is a mandatory field", "missing_field")])
        ids = numbers(action, "ids")
        if len(ids) > MAX_BULK:
            raise invalid([("ids", f"Has {len(ids)} elements, it can have maximum of {MAX_BULK} elements", "invalid_value")])
        return action, ids

    def _bulk_update(self, call: Call) -> Response:
        action, ids = self._bulk(call)
        known(action, {"ids", "properties", "reply"})
        if not action.get("properties") and not action.get("reply"):
            raise invalid([("properties", "Please fill at least 1 of properties, reply fields", "missing_field")])
        failed, changed = [], []
        for id in ids:
            held = self._account.ticket(str(id))
            if held is None or held.get("deleted") or held["spam"]:
                failed.append({"id": id, "success": False})
            else:
                changed.append(self._changed_ticket(held, action["properties"]) if action.get("properties") else held)
        for record in changed:
            self._account.put("tickets", record)
            if isinstance(action.get("reply"), dict):
                self._say(record, str(action["reply"].get("body") or ""), private=False)
        return self._started(call, "TICKET::BULK_UPDATE", {"failed_ids": [one["id"] for one in failed]})

    def _bulk_delete(self, call: Call) -> Response:
        action, ids = self._bulk(call)
        known(action, {"ids"})
        for id in ids:
            held = self._account.ticket(str(id))
            if held is not None and not held.get("deleted"):
                self._trash(held)
        return self._started(call, "TICKET::BULK_DELETE", {})

    def _started(self, call: Call, name: str, shown: Record) -> Response:
        id = uuid4().hex
        self._jobs[id] = (self._clock.now(), name, shown)
        return json_response({"job_id": id, "href": f"{call.request.base_url}{ROOT}/jobs/{id}"}, 202)

    def _job(self, call: Call) -> Response:
        held = self._jobs.get(call.kind)
        if held is None:
            raise unknown_id()
        begun, name, shown = held
        is_done = self._clock.now() - begun >= timedelta(seconds=self.settings.job_seconds)
        job = {
            "id": call.kind, "name": name, "status": "COMPLETED" if is_done else "IN PROGRESS", "progress": 100 if is_done else 50,
            "created_at": stamp(begun), "updated_at": self._now(), "status_updated_at": self._now(),
        }
        return json_response({**job, **shown} if is_done else job)

    # Conversations, time and ratings

    def _say(self, ticket: Record, body: str, *, private: bool, incoming: bool = False, user: int | None = None, to: list[str] | None = None) -> Record:
        now = self._now()
        said = records.conversation(
            self._account.new_id("conversations"), ticket["id"], user or self.actor_id, body, writes.plain(body), now,
            incoming=incoming, private=private, to=to)
        self._account.put("conversations", said)
        if self.settings.notes_touch_tickets:
            self._account.put("tickets", {**ticket, "updated_at": self._later(ticket)})
        return said

    def _add_note(self, call: Call) -> Response:
        ticket = self._writable(call.id, "POST")
        sent = writes.note(call.body, ("body", "private", "incoming", "notify_emails", "user_id"))
        said = self._say(
            ticket, sent["body"], private=sent.get("private", True), incoming=sent.get("incoming", False), user=sent.get("user_id"),
            to=sent.get("notify_emails"))
        said = {**said, "source": 2, "attachments": list(call.files)}
        self._account.put("conversations", said)
        return created(call, "", said)

    def _add_reply(self, call: Call) -> Response:
        ticket = self._writable(call.id, "POST")
        sent = writes.note(call.body, ("body", "from_email", "user_id", "cc_emails", "bcc_emails"))
        said = self._say(ticket, sent["body"], private=False, to=[self._requester(ticket["requester_id"])["email"] or ""])
        if call.files:
            said = {**said, "attachments": list(call.files)}
            self._account.put("conversations", said)
        return created(call, "", said)

    def _edit_conversation(self, call: Call) -> Response:
        held = self._found("conversations", call.id)
        sent = writes.note(call.body, ("body",))
        if held["source"] != 2:
            raise invalid([("id", "Only notes can be changed", "invalid_value")])
        now = self._later(held)
        record = {**held, "body": sent["body"], "body_text": writes.plain(sent["body"]), "updated_at": now, "last_edited_at": now,
                  "last_edited_user_id": self.actor_id}
        self._account.put("conversations", record)
        return json_response(bare(record))

    def _delete_conversation(self, call: Call) -> Response:
        self._found("conversations", call.id)
        self._account.drop("conversations", call.id)
        return Response(204)

    def _since(self, call: Call, kind: str, field: str, *names: str) -> list[Record]:
        rows = self._account.shown(kind, lambda row: (row[field], row["id"]))[::-1]
        since = moment_param(call.request, *names)
        return rows if since is None else [row for row in rows if row[field] >= since]

    def _list_time_entries(self, call: Call) -> Response:
        only(call.request, (*PAGING, "executed_after", "executed_before", "agent_id", "company_id", "billable"))
        rows = self._since(call, "time_entries", "executed_at", "executed_after")
        until = moment_param(call.request, "executed_before")
        rows = rows if until is None else [row for row in rows if row["executed_at"] <= until]
        for name in ("agent_id", "company_id"):
            if (text := call.request.param(name)) is not None:
                rows = [row for row in rows if str(row[name]) == text]
        if (text := call.request.param("billable")) is not None:
            rows = [row for row in rows if row["billable"] == (text == "true")]
        return page(call.request, rows, bare)

    def _of_ticket(self, call: Call, kind: str) -> Response:
        only(call.request, PAGING)
        ticket = self._open_ticket(call.id)
        rows = [row for row in self._account.shown(kind, lambda row: row["id"]) if row["ticket_id"] == ticket["id"]]
        return page(call.request, rows, bare)

    def _time_entries_of(self, call: Call) -> Response:
        return self._of_ticket(call, "time_entries")

    def _ratings_of(self, call: Call) -> Response:
        return self._of_ticket(call, "ratings")

    def _add_time_entry(self, call: Call) -> Response:
        ticket = self._writable(call.id, "POST")
        now = self._now()
        new = {
            "billable": True, "note": None, "id": 0, "timer_running": "time_spent" not in (call.body or {}), "agent_id": self.actor_id,
            "ticket_id": ticket["id"], "company_id": ticket["company_id"], "time_spent": "00:00", "executed_at": now, "start_time": now,
            "created_at": now, "updated_at": now,
        }
        record = writes.time_entry(None, call.body, self._account.exists, new) | {"id": self._account.new_id("time_entries")}
        self._account.put("time_entries", record)
        return created(call, "time_entries", record)

    def _edit_time_entry(self, call: Call) -> Response:
        held = self._found("time_entries", call.id)
        record = writes.time_entry(held, call.body, self._account.exists, held) | {"updated_at": self._later(held)}
        self._account.put("time_entries", record)
        return json_response(bare(record))

    def _delete_time_entry(self, call: Call) -> Response:
        self._found("time_entries", call.id)
        self._account.drop("time_entries", call.id)
        return Response(204)

    def _list_ratings(self, call: Call) -> Response:
        only(call.request, (*PAGING, "created_since", "user_id"))
        rows = self._since(call, "ratings", "created_at", "created_since")
        if (text := call.request.param("user_id")) is not None:
            rows = [row for row in rows if str(row["user_id"]) == text]
        return page(call.request, rows, bare)

    # Search

    def _search(self, call: Call) -> Response:
        request = call.request
        only(request, ("query", "page"))
        if positive(request, "page", 1) > MAX_SEARCH_PAGE:
            raise invalid([("page", f"It should be a Positive Integer less than or equal to {MAX_SEARCH_PAGE}", "invalid_value")])
        custom = {"tickets": fields.TICKET_CUSTOM, "contacts": fields.CONTACT_CUSTOM, "companies": fields.COMPANY_CUSTOM}[call.kind]
        match = search.parse(request.param("query"), call.kind, frozenset(custom))
        found = [row for row in self._account.searchable(call.kind) if match(row)]
        listed = [row for row in found if "_hidden" not in row]
        start = (positive(request, "page", 1) - 1) * SEARCH_PAGE
        shown = listed[start : start + SEARCH_PAGE]
        rows = [company_view(row) if call.kind == "companies" else self._ticket(row, frozenset({"description"})) if call.kind == "tickets" else bare(row)
                for row in shown]
        return json_response({"total": len(found), "results": rows})


def _cost(request: Request) -> int:
    """An included object costs two credits more on a list and one more on a single view."""
    included = [name for name in (request.param("include") or "").split(",") if name]
    is_list = request.path == f"{ROOT}/tickets"
    return 1 + len(included) * (2 if is_list else 1)


def _included(request: Request, known: tuple[str, ...]) -> frozenset[str]:
    names = [name.strip() for name in (request.param("include") or "").split(",") if name.strip()]
    if any(name not in known for name in names):
        raise invalid([one_of("include", known)])
    return frozenset(names)


def _steps(before: Record | None, after: Record, at: str) -> Record:
    """What a change of status writes into the statistics."""
    status, old = after["status"], before["status"] if before else None
    if status == old:
        return {}
    steps: Record = {"status_updated_at": at, "pending_since": at if status == 3 else None}
    if status in (4, 5):
        steps["resolved_at"] = before["_stats"]["resolved_at"] if before and old == 4 else at
        steps["closed_at"] = at if status == 5 else None
    elif old in (4, 5):
        steps |= {"reopened_at": at, "resolved_at": None, "closed_at": None}
    return steps


def create(store: Store, clock: Clock, **settings: Any) -> Freshdesk:
    return Freshdesk(store, clock, Settings(**settings))



"""The stand-in for one Chargebee site: authentication, limits, idempotency, lists and routing of its API.

What does not belong here: filters (filters), payload shapes (shapes), what a write changes (writes, parties, subscriptions) and takes
(operations), the world's rows (world).
"""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import threading
import time
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import orjson

from sandbox.chargebee import world
from sandbox.chargebee.filters import DEFAULT_LIMIT, LISTS, MOST, parse, select
from sandbox.chargebee.operations import COLLECTION, ON_RECORD
from sandbox.chargebee.params import ChargebeeError, decode, missing, typed, wrong
from sandbox.chargebee.parties import hierarchy
from sandbox.chargebee.shapes import MOST_LINES, line_offset, render, wrapped
from sandbox.chargebee.site import EVENT_WINDOW, NOUN, Site
from sandbox.chargebee.subscriptions import scheduled
from sandbox.protocol import Clock, Request, Response, Store, Vendor, json_response
from sandbox.world.model import View

_ROOT = "/api/v2"
_FORM = "application/x-www-form-urlencoded"
_OLD_CATALOGUE = frozenset(("plans", "addons"))
# lists under a record: (first, last) -> collection and the field that names the record
_UNDER = {
    ("customers", "subscriptions"): ("subscriptions", "customer_id"), ("customers", "invoices"): ("invoices", "customer_id"),
    ("customers", "credit_notes"): ("credit_notes", "customer_id"), ("customers", "transactions"): ("transactions", "customer_id"),
    ("subscriptions", "invoices"): ("invoices", "subscription_id"), ("subscriptions", "transactions"): ("transactions", "subscription_id"),
    ("subscriptions", "usages"): ("usages", "subscription_id"), ("subscriptions", "contract_terms"): ("contract_terms", "subscription_id"),
    ("invoices", "orders"): ("orders", "invoice_id"), ("items", "attached_items"): ("attached_items", "parent_item_id"),
}
_EXPORTS = frozenset(("customers", "subscriptions", "invoices", "credit_notes", "transactions", "orders", "items", "item_prices",
                      "item_families", "attached_items", "coupons"))
_EXPORTS_AT_ONCE = 5


@dataclass(frozen=True)
class Settings:
    """Credentials and limits of the site.

    `requests_per_minute`: a live site of the largest plan; a test site has 150, None lifts the limit. `migrated_days`: rows that did not
    change in the last so many days came by a migration and carry no change stamp. `list_lag_seconds`: how long lists hold a change back.
    `nested_lines`: how many line items a document shows at once.
    """

    site: str = "concord-test"
    api_key: str = "test_concord_chargebee"
    read_only_keys: tuple[str, ...] = ("test_concord_read_only",)
    base_currency: str = "USD"
    requests_per_minute: int | None = 3500
    most_in_flight: int = 150
    idempotency_seconds: int = 1800
    migrated_days: int = 365
    list_lag_seconds: int = 0
    nested_lines: int = MOST_LINES
    webhook_user: str = "concord"
    webhook_password: str = "chargebee-webhook-password"


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return Chargebee(store, clock, Settings(**settings))


class Chargebee:
    """One site. GETs take the lock only while they select; writes run one after another under the store's lock."""

    name = "chargebee"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store, self.clock, self.settings = store, clock, settings
        self._account = Site(store, clock, settings.base_currency, list_lag=settings.list_lag_seconds)
        self._gate = threading.Lock()
        self._recent: deque[float] = deque()

    # ---------------------------------------------------------------- the vendor's seam

    def load(self, view: View) -> None:
        with self.store.lock:
            self._account.forget_order()
            world.load(self._account, view, int((view.as_of - timedelta(days=self.settings.migrated_days)).timestamp()))
            self._account.forget_order()

    def apply(self, view: View) -> None:
        with self.store.lock:
            world.apply(self._account, view)

    def expire_tokens(self) -> None:
        """Chargebee hands out no tokens: its keys live until they are deleted, so there is nothing to expire."""

    def rate_limited(self, request: Request) -> Response:
        return _refusal(_too_many(15))

    def unavailable(self, request: Request) -> Response:
        return _refusal(ChargebeeError(500, "internal_error", "Sorry, something went wrong.", type="operation_failed"))

    def handle(self, request: Request) -> Response:
        try:
            self._limit(request)
            if request.method == "GET" and request.path.startswith("/downloads/"):
                return self._download(request.path.removeprefix("/downloads/"))
            can_write = self._authenticate(request)
            path = request.path
            if not path.startswith(_ROOT + "/"):
                raise missing("site", path)
            steps = [unquote(step) for step in path.removeprefix(_ROOT).strip("/").split("/")]
            if request.method == "GET":
                return json_response(self._read(request, steps))
            if request.method != "POST":
                raise ChargebeeError(405, "http_method_not_supported", "http method not supported")
            if not can_write:
                raise ChargebeeError(403, "api_authorization_failed", "The API key does not have permission for this operation.", type="untyped")
            return self._write(request, steps)
        except ChargebeeError as refusal:
            return _refusal(refusal)

    # ---------------------------------------------------------------- who may, and how often

    def _limit(self, request: Request) -> None:
        if request.in_flight > self.settings.most_in_flight:
            raise _too_many(1)
        allowed = self.settings.requests_per_minute
        if allowed is None:
            return
        now = time.monotonic()
        with self._gate:
            while self._recent and self._recent[0] <= now - 60:
                self._recent.popleft()
            if len(self._recent) >= allowed:
                raise _too_many(int(self._recent[0] + 60 - now) + 1)
            self._recent.append(now)

    def _authenticate(self, request: Request) -> bool:
        """Whether the key may write. The key is the user, the password is empty."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            key, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            key, password = "", ""
        known = {self.settings.api_key: True, **dict.fromkeys(self.settings.read_only_keys, False)}
        if scheme.lower() != "basic" or key not in known or password:
            raise ChargebeeError(401, "api_authentication_failed", "Sorry, authentication failed. Invalid api key", type="untyped")
        return known[key]

    # ---------------------------------------------------------------- reads

    def _read(self, request: Request, steps: list[str]) -> dict[str, Any]:
        site, first = self._account, steps[0]
        if first in _OLD_CATALOGUE:
            raise _other_catalogue(first)
        match steps:
            case ["currencies", "list"]:
                return self._list("currencies", request.query)
            case ["time_machines", name]:
                if name != "delorean":
                    raise missing("time_machine", name)
                now = site.now()
                return {"time_machine": {"name": name, "time_travel_status": "not_enabled", "genesis_time": now, "destination_time": now,
                                         "object": "time_machine"}}
            case ["configurations"]:
                shown = {"domain": self.settings.site, "product_catalog_version": "v2", "chargebee_response_schema_type": "v1", "object": "configuration"}
                return {"configurations": [shown]}
            case ["exports", id]:
                return self._export(request, id)
            case [kind] if kind in LISTS and kind not in ("contract_terms", "attached_items", "currencies"):
                return self._list(kind, request.query)
            case ["customers", id, "contacts"]:
                customer = self._one("customers", id)
                return self._slice(request, [{"contact": contact} for contact in customer.get("contacts") or []], "list")
            case ["customers", id, "hierarchy"]:
                return {"hierarchies": hierarchy(site, id, request.param("hierarchy_operation_type"))}
            case ["customers", id, "hierarchy_detail"]:
                return self._slice(request, hierarchy(site, id, request.param("hierarchy_operation_type")), "hierarchies")
            case ["subscriptions", id, "retrieve_with_scheduled_changes"]:
                return scheduled(site, id)
            case ["subscriptions", id, "discounts"]:
                return self._slice(request, [{"discount": row} for row in self._one("subscriptions", id).get("discounts") or []], "list")
            case ["invoices", id, "payments"]:
                invoice = self._one("invoices", id)
                rows = [row for link in invoice["_payments"] if (row := site.get("transactions", link[0])) is not None]
                return self._slice(request, [wrapped(site, "transactions", row) for row in rows], "list")
            case [outer, id, inner] if (outer, inner) in _UNDER:
                self._one(outer, id)
                kind, field = _UNDER[(outer, inner)]
                return self._list(kind, request.query, (field, id))
            case [kind, id] if kind in LISTS and kind != "contract_terms":
                return self._retrieve(request, kind, id)
        raise missing("resource", request.path)

    def _one(self, kind: str, id: str) -> dict[str, Any]:
        record = self._account.get(kind, id)
        if record is None:
            raise missing(NOUN[kind], id)
        return record

    def _retrieve(self, request: Request, kind: str, id: str) -> dict[str, Any]:
        record = self._one(kind, id)
        if kind not in ("invoices", "credit_notes"):
            return wrapped(self._account, kind, record)
        text = request.param("line_items_limit")
        if text is not None and not (text.isdigit() and 1 <= int(text) <= MOST_LINES):
            raise wrong("line_items_limit", f"must be between 1 and {MOST_LINES}")
        limit = int(text) if text else self.settings.nested_lines
        return {NOUN[kind]: render(self._account, kind, record, lines=limit, offset=line_offset(request.param("line_items_offset")))}

    def _list(self, kind: str, pairs: tuple[tuple[str, str], ...], under: tuple[str, str] | None = None) -> dict[str, Any]:
        site = self._account
        if under is not None:
            pairs = tuple(pair for pair in pairs if not (kind == "usages" and pair[0] == "id"))
        query = parse(site, kind, pairs)
        if under is not None:
            field, id = under
            found = site.bucket(kind, field, id)
            query = type(query)(**{**vars(query), "ids": found if query.ids is None else [one for one in query.ids if one in set(found)]})
        if kind == "events":
            since = site.now() - int(EVENT_WINDOW.total_seconds())  # older ones are gone
            query = type(query)(**{**vars(query), "low": since if query.low is None else max(since, query.low)})
        rows, following = select(site, query)
        answer: dict[str, Any] = {"list": [wrapped(site, kind, row, lines=self.settings.nested_lines) for row in rows]}
        return answer if following is None else {**answer, "next_offset": following}

    def _slice(self, request: Request, rows: list[Any], name: str) -> dict[str, Any]:
        """A page of rows that are no collection of their own."""
        text = request.param("limit")
        if text is not None and not (text.isdigit() and 1 <= int(text) <= MOST):
            raise wrong("limit", f"must be between 1 and {MOST}")
        limit, start = int(text) if text else DEFAULT_LIMIT, line_offset(request.param("offset"))
        answer: dict[str, Any] = {name: rows[start:start + limit]}
        return answer if start + limit >= len(rows) else {**answer, "next_offset": orjson.dumps([str(start + limit)]).decode()}

    # ---------------------------------------------------------------- exports

    def _start_export(self, kind: str) -> dict[str, Any]:
        site = self._account
        if kind in _OLD_CATALOGUE:
            raise _other_catalogue(kind)
        if kind not in _EXPORTS:
            raise missing("resource", f"/exports/{kind}")
        running = [row for row in site.store.collection("exports").values() if row["status"] == "in_process"]
        if len(running) >= _EXPORTS_AT_ONCE:
            raise ChargebeeError(400, "resource_limit_exceeded", f"Not more than {_EXPORTS_AT_ONCE} exports can run at the same time.")
        export = site.put("exports", {"id": site.new_id("export"), "operation_type": "export", "mime_type": "zip", "status": "in_process",
                                      "created_at": site.now(), "_kind": kind})
        return {"export": render(site, "exports", export)}

    def _export(self, request: Request, id: str) -> dict[str, Any]:
        site, export = self._account, self._one("exports", id)
        if export["status"] == "in_process":  # done by the time that somebody asks
            with self.store.lock:
                link = f"{request.base_url}/downloads/{id}.zip"
                export = site.put("exports", {**export, "status": "completed", "download": {
                    "download_url": link, "valid_till": site.now() + 3600, "object": "download"}})
        return {"export": render(site, "exports", export)}

    def _download(self, name: str) -> Response:
        """The zip behind an export's link; the link itself is the permission."""
        site, export = self._account, self._one("exports", name.removesuffix(".zip"))
        if export["status"] != "completed" or export["download"]["valid_till"] < site.now():
            raise missing("export", name)
        kind = export["_kind"]
        rows = [render(site, kind, row) for row in site.store.collection(kind).values() if not row.get("_hidden")]
        text = io.StringIO()
        columns = sorted({column for row in rows for column, value in row.items() if not isinstance(value, dict | list)})
        writer = csv.DictWriter(text, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
            folder.writestr(f"{kind}.csv", text.getvalue())
        return Response(200, packed.getvalue(), {"content-type": "application/zip"})

    # ---------------------------------------------------------------- writes

    def _write(self, request: Request, steps: list[str]) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.body and kind != _FORM:
            raise ChargebeeError(400, "invalid_request", f"The request body should be sent as {_FORM}.", is_validation=True)
        try:
            pairs = request.form()
        except (UnicodeDecodeError, ValueError):
            raise ChargebeeError(400, "invalid_request", "The request body is not a valid form.", is_validation=True) from None
        pairs += request.query
        key = request.headers.get("chargebee-idempotency-key")
        site = self._account
        with self.store.lock:
            site.source, site.user = "api", "full_access_key_v1"
            if key is None:
                return json_response(self._perform(steps, pairs))
            if not 0 < len(key) <= 100:
                raise ChargebeeError(400, "invalid_request", "The idempotency key should have 1 to 100 characters.")
            return self._once(key, request.path, steps, pairs)

    def _once(self, key: str, path: str, steps: list[str], pairs: list[tuple[str, str]]) -> Response:
        """Answer a keyed request: again as before within the window, else by doing it and keeping the answer."""
        site = self._account
        print_ = hashlib.sha256(orjson.dumps([path, sorted(pairs)])).hexdigest()
        kept = self.store.get("_idempotency", key)
        if kept is not None and kept["at"] + self.settings.idempotency_seconds > site.now():
            if kept["print"] != print_:
                raise ChargebeeError(422, "unable_to_process_request", "The idempotency key was used before with other parameters.")
            return Response(kept["status"], kept["body"].encode(),
                            {"content-type": "application/json; charset=utf-8", "chargebee-idempotency-replayed": "true"})
        status = 200
        try:
            shown = self._perform(steps, pairs)
        except ChargebeeError as refusal:
            if refusal.is_validation:
                raise  # execution never began: the key stays free
            status, shown = refusal.status, refusal.body()
        body = orjson.dumps(shown)
        self.store.put("_idempotency", key, {"at": site.now(), "print": print_, "status": status, "body": body.decode()})
        return Response(status, body, {"content-type": "application/json; charset=utf-8"})

    def _perform(self, steps: list[str], pairs: list[tuple[str, str]]) -> dict[str, Any]:
        site = self._account
        match steps:
            case [kind, *_] if kind in _OLD_CATALOGUE:
                raise _other_catalogue(kind)
            case ["exports", kind]:
                return self._start_export(kind)
            case ["time_machines", _, _]:
                raise ChargebeeError(409, "invalid_state_for_request", "Time travel is not enabled for this site.")
            case [kind] if (kind, "") in COLLECTION:
                operation, id = COLLECTION[(kind, "")], ""
            case [kind, action] if action and (kind, action) in COLLECTION:
                operation, id = COLLECTION[(kind, action)], ""
            case [kind, id] if (kind, "") in ON_RECORD:
                operation = ON_RECORD[(kind, "")]
            case [kind, id, action] if (kind, action) in ON_RECORD:
                operation = ON_RECORD[(kind, action)]
            case [kind] | [kind, _] if kind in LISTS:
                raise ChargebeeError(405, "http_method_not_supported", "http method not supported")
            case _:
                raise missing("resource", "/".join(steps))
        return operation.run(site, id, typed(decode(pairs), operation.params))


def webhooks(vendor: Chargebee, since: int) -> Iterator[tuple[bytes, str]]:
    """Body and Authorization header of each event since a unix time, oldest first, as the endpoint would be sent them."""
    site, settings = vendor._account, vendor.settings
    login = base64.b64encode(f"{settings.webhook_user}:{settings.webhook_password}".encode()).decode()
    with vendor.store.lock:
        rows = [row for _, row in site.walk("events", "occurred_at", descending=False, after=None, low=since, high=None)]
    for row in rows:
        yield orjson.dumps(render(site, "events", row)), f"Basic {login}"


def _refusal(refusal: ChargebeeError) -> Response:
    return json_response(refusal.body(), refusal.status, refusal.headers)


def _too_many(seconds: int) -> ChargebeeError:
    return ChargebeeError(429, "api_request_limit_exceeded", "Sorry, the request limit was exceeded.", type="operation_failed",
                          headers={"retry-after": str(max(1, seconds))})


def _other_catalogue(kind: str) -> ChargebeeError:
    return ChargebeeError(400, "configuration_incompatible", f"The site uses items and item prices: {kind} are not available.")

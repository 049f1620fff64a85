"""A Salesforce org over HTTP: login, REST data API, SOQL with paging, sObject writes and collections, Bulk 2.0.

Belongs here: routes, headers, tokens, quota and paging. The query language, the rules of a write, jobs and the catalogue
have modules of their own beside this one.
"""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import orjson

from sandbox.protocol import Clock, Record, Request, Response, Store, Vendor, json_response
from sandbox.salesforce.bulk import Jobs
from sandbox.salesforce.catalogue import SObject, describe, describe_summary
from sandbox.salesforce.org import INTEGRATION_USER, ORGANIZATION_ID, ApiError, Org, Settings
from sandbox.salesforce.plan import Plan, Planner, Shape, aggregate, field_getter, run
from sandbox.salesforce.records import (
    COLLECTION_LIMIT,
    AmbiguousError,
    check_collection,
    commit,
    external_field,
    find,
    find_external,
    plan_create,
    plan_delete,
    plan_update,
    plan_upsert,
    run_collection,
    success,
)
from sandbox.salesforce.render import Landing
from sandbox.salesforce.soql import SoqlError, full_id, parse, parse_stamp, stamp
from sandbox.world.model import View, salesforce_id

_VERSIONS = range(56, 69)
_SEASONS = ("Winter", "Spring", "Summer")
_FIRST_SEASON = (56, 0, 23)  # v56 is Winter '23
_VERSION = re.compile(r"v(\d+)\.0")
_SUBREQUESTS = 25
_SUBQUERIES = 5
_RETRIEVE_LIMIT = 2_000
_RETRIEVE_LIMIT_GET = 800
_DELETED_DAYS = 15
_UPDATED_DAYS = 30
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")
_JSON = "application/json;charset=UTF-8"


@dataclass(frozen=True)
class _Cursor:
    plan: Plan
    rows: list[Record]
    total: int
    size: int
    opened: datetime


class Salesforce:
    """One org. `handle` answers one request; the store holds its rows under the objects' API names."""

    name = "salesforce"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.org = Org(store, clock, settings)
        self.jobs = Jobs(self.org)
        self._landing = Landing(self.org)
        self._tokens: dict[str, datetime] = {}  # access token -> last use
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._cursor_number = 0
        self._usage: dict[int, int] = {}  # hour -> requests

    # --- the vendor's seam ---

    def load(self, view: View) -> None:
        with self.store.lock:
            self._landing.load(view)

    def apply(self, view: View) -> None:
        with self.store.lock:
            self._landing.apply(view)

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def rate_limited(self, request: Request) -> Response:
        limit = self.settings.daily_api_requests
        refused = ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        return json_response(refused.body(), 403, {"sforce-limit-info": f"api-usage={limit}/{limit}"}, content_type=_JSON)

    def unavailable(self, request: Request) -> Response:
        failed = ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support")
        return json_response(failed.body(), 500, content_type=_JSON)

    def handle(self, request: Request) -> Response:
        path = request.path
        prefix = urlsplit(request.base_url).path
        if prefix and path.startswith(f"{prefix}/"):  # host-relative links carry the mount; a client may have joined them below it
            path = path[len(prefix) :]
        parts = [part for part in path.split("/") if part]
        try:
            if parts[:2] == ["services", "oauth2"]:
                return self._oauth(request, parts[2:])
            if parts[:1] == ["id"] and len(parts) == 3:
                self._authenticate(request)
                return json_response(self._identity(request))
            if parts[:2] != ["services", "data"]:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
            if len(parts) == 2:
                return json_response(_versions(), content_type=_JSON)
            return self._data(request, parts[2:], prefix)
        except ApiError as refused:
            return self._refuse(refused)

    def _refuse(self, refused: ApiError) -> Response:
        return json_response(refused.body(), refused.status, self._limit_header() if refused.status != 401 else {}, content_type=_JSON)

    # --- login ---

    def _oauth(self, request: Request, parts: Sequence[str]) -> Response:
        if parts == ["userinfo"]:
            self._authenticate(request)
            return json_response({**self._identity(request), "sub": self._identity_url(request)})
        if request.method != "POST":
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed. Allowed are POST")
        form = dict(request.form()) if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded") else {}
        if parts == ["token"]:
            return self._token(request, form)
        if parts == ["revoke"]:
            token = form.get("token", "")
            if self._tokens.pop(token, None) is None:
                return _oauth_error("unsupported_token_type", "this token is not known")
            return Response(200, is_write=False)
        if parts == ["introspect"]:
            refusal = self._check_client(request, form)
            return refusal or self._introspect(form.get("token", ""))
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _check_client(self, request: Request, form: dict[str, str]) -> Response | None:
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return _oauth_error("invalid_client", "invalid client credentials")
        if client != self.settings.client_id:
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), self.settings.client_secret.encode()):
            return _oauth_error("invalid_client", "invalid client credentials")
        return None

    def _token(self, request: Request, form: dict[str, str]) -> Response:
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", "grant type not supported")
        refusal = self._check_client(request, form)
        if refusal is not None:
            return refusal
        now = self.clock.now()
        token = f"{ORGANIZATION_ID[:15]}!{secrets.token_urlsafe(48)}"
        self._tokens[token] = now
        issued = str(int(now.timestamp() * 1000))
        identity = self._identity_url(request)
        signature = hmac.new(self.settings.client_secret.encode(), (identity + issued).encode(), hashlib.sha256).digest()
        answer = {
            "access_token": token,
            "signature": base64.b64encode(signature).decode(),
            "scope": "api",
            "instance_url": request.base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            "api_instance_url": request.base_url,
        }
        return json_response(answer, headers={"cache-control": "no-cache, no-store"}, is_write=False, content_type=_JSON)

    def _introspect(self, token: str) -> Response:
        used = self._live_token(token)
        if used is None:
            return json_response({"active": False}, is_write=False)
        return json_response(
            {
                "active": True,
                "scope": "api",
                "client_id": self.settings.client_id,
                "username": self.settings.username,
                "sub": f"uid:{INTEGRATION_USER}",
                "token_type": "access_token",
                "iat": int(used.timestamp()),
                "nbf": int(used.timestamp()),
                "exp": int((used + self.settings.session_timeout).timestamp()),
            },
            is_write=False,
        )

    def _identity_url(self, request: Request) -> str:
        return f"{request.base_url}/id/{ORGANIZATION_ID}/{INTEGRATION_USER}"

    def _identity(self, request: Request) -> dict[str, Any]:
        user = self.store.get("User", INTEGRATION_USER) or {}
        return {
            "id": self._identity_url(request),
            "user_id": INTEGRATION_USER,
            "organization_id": ORGANIZATION_ID,
            "preferred_username": user.get("Username", self.settings.username),
            "username": user.get("Username", self.settings.username),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "active": True,
            "user_type": "STANDARD",
        }

    def _live_token(self, token: str) -> datetime | None:
        used = self._tokens.get(token)
        if used is None:
            return None
        if self.clock.now() - used > self.settings.session_timeout:
            self._tokens.pop(token, None)
            return None
        return used

    def _authenticate(self, request: Request) -> None:
        header = request.headers.get("authorization", "")
        kind, _, token = header.partition(" ")
        if header and kind.lower() not in ("bearer", "oauth"):
            raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        if self._live_token(token) is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self._tokens[token] = self.clock.now()

    # --- quota ---

    def _used(self) -> int:
        hour = int(self.clock.now().timestamp()) // 3600
        for old in [key for key in self._usage if key <= hour - 24]:
            self._usage.pop(old, None)
        return sum(self._usage.values())

    def _limit_header(self) -> dict[str, str]:
        return {"sforce-limit-info": f"api-usage={self._used()}/{self.settings.daily_api_requests}"}

    def _charge(self) -> None:
        if self._used() >= self.settings.daily_api_requests:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        hour = int(self.clock.now().timestamp()) // 3600
        self._usage[hour] = self._usage.get(hour, 0) + 1

    # --- data API ---

    def _data(self, request: Request, parts: Sequence[str], prefix: str) -> Response:
        match = _VERSION.fullmatch(parts[0])
        if match is None or int(match.group(1)) > _VERSIONS[-1]:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if int(match.group(1)) < _VERSIONS[0]:
            raise ApiError(410, "UNSUPPORTED_API_VERSION", f"{parts[0]} is no longer supported")
        self._authenticate(request)
        self._charge()
        root = f"{prefix}/services/data/{parts[0]}"
        response = self._route(request, parts[0], parts[1:], root)
        response.headers.update(self._limit_header())
        if "application/json" in response.headers.get("content-type", ""):
            response.headers["content-type"] = _JSON
        return response

    def _route(self, request: Request, version: str, parts: Sequence[str], root: str) -> Response:
        """`root` is the host-relative address of this API version; links in answers start with it."""
        head = parts[0] if parts else ""
        try:
            if not parts:
                _allow(request, "GET")
                names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
                return json_response({name: f"{root}/{name}" for name in names})
            if head in ("query", "queryAll"):
                return self._query(request, parts[1:], root, deleted=head == "queryAll")
            if head == "sobjects":
                return self._sobjects(request, parts[1:], root)
            if head == "composite":
                return self._composite(request, version, parts[1:], root)
            if head == "limits":
                return self._limits(request, parts[1:])
            if head == "jobs":
                return self.jobs.handle(request, version.removeprefix("v"), parts[1:])
        except SoqlError as refused:
            raise ApiError(400, refused.code, refused.message) from refused
        except AmbiguousError as ambiguous:
            name = parts[1] if len(parts) > 1 else ""
            return json_response([f"{root}/sobjects/{name}/{id}" for id in ambiguous.ids], 300)
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _limits(self, request: Request, parts: Sequence[str]) -> Response:
        _allow(request, "GET")
        if list(parts) == ["recordCount"]:
            wanted = [name for name in (request.param("sObjects") or "").split(",") if name] or self.org.catalogue.names()
            known = [found for name in wanted if (found := self.org.sobject(name)) is not None]
            return json_response({"sObjects": [{"count": self.org.count(item.name), "name": item.name} for item in known]})
        if parts:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        limit = self.settings.daily_api_requests
        jobs = self.settings.daily_query_jobs
        return json_response(
            {
                "DailyApiRequests": {"Max": limit, "Remaining": max(0, limit - self._used())},
                "DailyBulkV2QueryJobs": {"Max": jobs, "Remaining": self.jobs.remaining_query_jobs()},
                "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
                "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
                "DataStorageMB": {"Max": 1_073, "Remaining": 900},
                "HourlyPublishedPlatformEvents": {"Max": 50_000, "Remaining": 50_000},
            }
        )

    # --- SOQL ---

    def _query(self, request: Request, parts: Sequence[str], root: str, *, deleted: bool) -> Response:
        _allow(request, "GET")
        if parts:
            return self._next_page(parts[0], root)
        text = request.param("q")
        if text is None:
            raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
        if len(quote(text, safe="")) > self.settings.uri_limit:
            raise ApiError(414, "URI_TOO_LONG", "the address is longer than this server takes")
        plan = Planner(self.org).plan(parse(text, self.clock.now()))
        result = run(plan, self.org, deleted=deleted)
        if plan.query.count:
            return json_response({"totalSize": result.total, "done": True, "records": []})
        if plan.is_aggregate:
            records = aggregate(plan, result.rows)
            return json_response({"totalSize": len(records), "done": True, "records": records})
        cursor = _Cursor(plan, result.rows, result.total, self._batch_size(request), self.clock.now())
        return json_response(self._page(cursor, 0, root, "", deleted))

    def _batch_size(self, request: Request) -> int:
        options = request.headers.get("sforce-query-options", "")
        match = re.search(r"batchSize\s*=\s*(\d+)", options, re.I)
        if match is None:
            return self.settings.batch_size
        size = int(match.group(1))
        if not min(200, self.settings.batch_size) <= size <= 2_000:
            raise ApiError(400, "INVALID_BATCH_SIZE", f"batchSize must be between 200 and 2000, not {size}")
        return min(size, self.settings.batch_size)

    def _next_page(self, locator: str, root: str) -> Response:
        name, _, offset = locator.rpartition("-")
        cursor = self._cursors.get(name)
        if cursor is None or not offset.isdigit() or int(offset) >= len(cursor.rows) or int(offset) < 1:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if self.clock.now() - cursor.opened > self.settings.cursor_life:
            self._cursors.pop(name, None)
            raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return json_response(self._page(cursor, int(offset), root, name, False))

    def _page(self, cursor: _Cursor, start: int, root: str, name: str, deleted: bool) -> dict[str, Any]:
        page = cursor.rows[start : start + cursor.size]
        show = self._projector(cursor.plan.shape, root, page, deleted)
        end = start + len(page)
        answer: dict[str, Any] = {"totalSize": cursor.total, "done": end >= len(cursor.rows)}
        if end < len(cursor.rows):
            name = name or self._keep(cursor)
            answer["nextRecordsUrl"] = f"{root}/query/{name}-{end}"
        answer["records"] = [show(row) for row in page]
        return answer

    def _keep(self, cursor: _Cursor) -> str:
        with self.store.lock:
            self._cursor_number += 1
            name = salesforce_id("01g", int(self.clock.now().timestamp()) * 1_000 + self._cursor_number)
            self._cursors[name] = cursor
            while len(self._cursors) > self.settings.open_cursors:
                self._cursors.popitem(last=False)
        return name

    def _projector(self, shape: Shape, root: str, page: Sequence[Record], deleted: bool) -> Callable[[Record], dict[str, Any]]:
        """How a row of the shape looks in an answer. Children of the page's rows are gathered once."""
        kind = shape.sobject.name
        simple = not shape.parents and not shape.children and all(item.type != "address" for _, item in shape.fields)
        if simple:
            names = [name for name, _ in shape.fields]

            def show_flat(row: Record) -> dict[str, Any]:
                return {"attributes": {"type": kind, "url": f"{root}/sobjects/{kind}/{row['Id']}"}} | {
                    name: row.get(name) for name in names
                }

            return show_flat
        getters = {name: field_getter(item) for name, item in shape.fields}
        parents = {name: (link, self._projector(below, root, (), deleted)) for name, (link, below) in shape.parents.items()}
        children = {name: self._children(plan, root, page, deleted) for name, plan in shape.children.items()}

        def show(row: Record) -> dict[str, Any]:
            answer: dict[str, Any] = {"attributes": {"type": kind, "url": f"{root}/sobjects/{kind}/{row['Id']}"}}
            for what, name in shape.order:
                if what == "field":
                    answer[name] = getters[name](row)
                elif what == "parent":
                    link, below = parents[name]
                    id = row.get(link.name)
                    linked = self.org.row(link.target, id) if id else None
                    answer[name] = below(linked) if linked is not None else None
                else:
                    answer[name] = children[name](row)
            return answer

        return show

    def _children(self, plan: Plan, root: str, page: Sequence[Record], deleted: bool) -> Callable[[Record], dict[str, Any] | None]:
        wanted = {row["Id"] for row in page}
        groups: dict[str, list[Record]] = {}
        query = plan.query
        open_plan = replace(plan, query=replace(query, limit=None, offset=None))  # LIMIT counts for each parent
        for row in run(open_plan, self.org, deleted=deleted).rows:
            parent = row.get(plan.child_key)
            if parent is not None and parent in wanted:
                groups.setdefault(parent, []).append(row)

        def show(row: Record) -> dict[str, Any] | None:
            rows = groups.get(row["Id"], [])[query.offset or 0 :]
            rows = rows if query.limit is None else rows[: query.limit]
            if not rows:
                return None
            return self._page(_Cursor(plan, rows, len(rows), self.settings.batch_size, self.clock.now()), 0, root, "", deleted)

        return show

    # --- sObjects ---

    def _sobjects(self, request: Request, parts: Sequence[str], root: str) -> Response:
        if not parts:
            _allow(request, "GET")
            summaries = [describe_summary(self.org.need_sobject(name), root) for name in self.org.catalogue.names()]
            return json_response({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": summaries})
        sobject = self.org.need_sobject(parts[0])
        if len(parts) == 1:
            return self._sobject(request, sobject, root)
        if parts[1] in ("describe", "updated", "deleted") and len(parts) == 2:
            _allow(request, "GET")
            if parts[1] == "describe":
                return self._describe(request, sobject, root)
            return self._deleted(request, sobject) if parts[1] == "deleted" else self._updated(request, sobject)
        if len(parts) == 2:
            return self._record(request, sobject, parts[1], root)
        return self._external(request, sobject, parts[1], "/".join(parts[2:]), root)

    def _sobject(self, request: Request, sobject: SObject, root: str) -> Response:
        if request.method == "GET":
            recent = self.org.rows(sobject.name, deleted=False)[0][-10:]
            items = [
                {"attributes": {"type": sobject.name, "url": f"{root}/sobjects/{sobject.name}/{row['Id']}"}, "Id": row["Id"]}
                for row in recent
            ]
            return json_response({"objectDescribe": describe_summary(sobject, root), "recentItems": items})
        _allow(request, "GET", "POST")
        body = _object(request)
        with self.store.lock:
            written = commit(self.org, plan_create(self.org, sobject, body))
        return json_response(success(written), 201, {"location": f"{root}/sobjects/{sobject.name}/{written.id}"})

    def _describe(self, request: Request, sobject: SObject, root: str) -> Response:
        body = orjson.dumps(describe(sobject, root))
        tag = f'"{hashlib.blake2b(body, digest_size=4).hexdigest()}"'
        headers = {"etag": tag, "content-type": _JSON}
        if request.headers.get("if-none-match") == tag:
            return Response(304, headers=headers)
        return Response(200, body, headers)

    def _record(self, request: Request, sobject: SObject, id: str, root: str) -> Response:
        if request.method in ("GET", "HEAD"):
            row = find(self.org, sobject, id)
            headers, state = _conditions(request, sobject, row)
            if state is not None:
                return state
            return json_response(self._show(request, sobject, row, root), headers=headers)
        if request.method == "PATCH":
            body = _object(request)
            if any(key.lower() == "id" for key in body):
                raise ApiError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.", ["Id"])
            with self.store.lock:
                row = find(self.org, sobject, id)
                _, state = _conditions(request, sobject, row)
                if state is not None:
                    return state
                commit(self.org, plan_update(self.org, sobject, id, body))
            return Response(204)
        _allow(request, "GET", "HEAD", "PATCH", "DELETE")
        with self.store.lock:
            commit(self.org, plan_delete(self.org, sobject, id))
        return Response(204)

    def _show(self, request: Request, sobject: SObject, row: Record, root: str) -> dict[str, Any]:
        asked = request.param("fields")
        fields = list(sobject.fields.values())
        if asked:
            fields = []
            for name in asked.split(","):
                item = sobject.field(name.strip())
                if item is None:
                    raise ApiError(400, "INVALID_FIELD", f"No such column '{name.strip()}' on entity '{sobject.name}'.")
                fields.append(item)
        attributes = {"type": sobject.name, "url": f"{root}/sobjects/{sobject.name}/{row['Id']}"}
        return {"attributes": attributes, **{item.name: field_getter(item)(row) for item in fields}}

    def _external(self, request: Request, sobject: SObject, name: str, value: str, root: str) -> Response:
        column = external_field(sobject, name)
        if request.method == "PATCH":
            body = _object(request)
            if any(key.lower() in ("id", column.name.lower()) for key in body):
                key = next(key for key in body if key.lower() in ("id", column.name.lower()))
                raise ApiError(400, "INVALID_FIELD", f"The {key} field should not be specified in the sobject data.", [key])
            update_only = (request.param("updateOnly") or "").lower() == "true"
            with self.store.lock:
                written = commit(self.org, plan_upsert(self.org, sobject, column, value, body, update_only=update_only))
            return json_response(success(written, with_created=True), 201 if written.created else 200)
        _allow(request, "GET", "PATCH", "DELETE")
        id = find_external(self.org, sobject, column, value)
        if id is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return self._record(request, sobject, id, root)

    def _window(self, request: Request, days: int) -> tuple[datetime, datetime]:
        """Start and end of getUpdated and getDeleted; seconds are ignored."""
        limits = []
        for name in ("start", "end"):
            text = request.param(name)
            if text is None:
                raise ApiError(400, "MISSING_ARGUMENT", f"{name} is required")
            try:
                moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
            except ValueError as problem:
                raise ApiError(400, "INVALID_REPLICATION_DATE", f"not a date and time: {text}") from problem
            if moment.tzinfo is None:
                raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name} needs an offset")
            limits.append(moment.astimezone(UTC).replace(second=0, microsecond=0))
        start, end = limits
        if end - start < timedelta(minutes=1):
            raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate before endDate: they must be more than one minute apart")
        if start < self.clock.now() - timedelta(days=days):
            raise ApiError(400, "INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
        return start, end

    def _updated(self, request: Request, sobject: SObject) -> Response:
        start, end = self._window(request, _UPDATED_DAYS)
        low, high = stamp(start), stamp(end)
        ids = [row["Id"] for row in self.org.rows(sobject.name, deleted=False)[0] if low <= row["SystemModstamp"] < high]
        return json_response({"ids": ids, "latestDateCovered": stamp(min(end, self.clock.now()))})

    def _deleted(self, request: Request, sobject: SObject) -> Response:
        if not sobject.has_trash:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{sobject.name}' has no deleted records")
        start, end = self._window(request, _DELETED_DAYS)
        low, high = stamp(start), stamp(end)
        rows = sorted(
            (row["SystemModstamp"], row["Id"]) for row in self.org.deleted_rows(sobject.name) if low <= row["SystemModstamp"] < high
        )
        return json_response(
            {
                "deletedRecords": [{"id": id, "deletedDate": at} for at, id in rows],
                "earliestDateAvailable": stamp(self.clock.now() - timedelta(days=_DELETED_DAYS)),
                "latestDateCovered": stamp(min(end, self.clock.now())),
            }
        )

    # --- composite ---

    def _composite(self, request: Request, version: str, parts: Sequence[str], root: str) -> Response:
        if not parts:
            _allow(request, "POST")
            return self._subrequests(request, version, root)
        if parts[0] == "sobjects" and len(parts) == 1:
            return self._collection(request)
        if parts[0] == "sobjects" and len(parts) == 2:
            return self._retrieve(request, self.org.need_sobject(parts[1]), root)
        if parts[0] == "sobjects" and len(parts) == 3:
            _allow(request, "PATCH")
            sobject = self.org.need_sobject(parts[1])
            column = external_field(sobject, parts[2])
            all_or_none, records = _collection_body(request)
            with self.store.lock:
                return json_response(run_collection(self.org, "upsert", records, all_or_none=all_or_none, sobject=sobject, column=column))
        if list(parts) == ["batch"]:
            _allow(request, "POST")
            return self._batch(request, version)
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _collection(self, request: Request) -> Response:
        if request.method == "DELETE":
            ids = [id for id in (request.param("ids") or "").split(",") if id]
            if not ids:
                raise ApiError(400, "MISSING_ARGUMENT", "ids is required")
            if len(ids) > COLLECTION_LIMIT:
                raise ApiError(
                    400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {COLLECTION_LIMIT} records into this call"
                )
            with self.store.lock:
                return json_response(
                    run_collection(self.org, "delete", ids, all_or_none=(request.param("allOrNone") or "false").lower() == "true")
                )
        _allow(request, "POST", "PATCH", "DELETE")
        all_or_none, records = _collection_body(request)
        operation = "insert" if request.method == "POST" else "update"
        with self.store.lock:
            return json_response(run_collection(self.org, operation, records, all_or_none=all_or_none))

    def _retrieve(self, request: Request, sobject: SObject, root: str) -> Response:
        if request.method == "POST":
            body = _object(request)
            ids, names, limit = body.get("ids"), body.get("fields"), _RETRIEVE_LIMIT
        else:
            _allow(request, "GET", "POST")
            ids, names, limit = (request.param("ids") or "").split(","), (request.param("fields") or "").split(","), _RETRIEVE_LIMIT_GET
        if not isinstance(ids, list) or not isinstance(names, list) or not any(ids) or not any(names):
            raise ApiError(400, "MISSING_ARGUMENT", "ids and fields are required")
        if len(ids) > limit:
            raise ApiError(400, "EXCEEDED_ID_LIMIT", f"at most {limit} ids in one call")
        asked = replace(request, query=(("fields", ",".join(str(name) for name in names)),))
        found: list[dict[str, Any] | None] = []
        for id in ids:
            row = self.org.row(sobject.name, full_id(str(id)) or "")
            found.append(self._show(asked, sobject, row, root) if row is not None and not row.get("IsDeleted") else None)
        return Response(200, orjson.dumps(found), {"content-type": _JSON}, is_write=False)

    def _sub(self, request: Request, method: str, url: str, body: Any, headers: dict[str, str]) -> Response:
        """One subrequest, routed as if it had come alone; the call has been authenticated and charged already."""
        address = urlsplit(url)
        prefix = urlsplit(request.base_url).path
        path = address.path.removeprefix(prefix) if prefix else address.path
        parts = [part for part in path.split("/") if part]
        if parts[:2] == ["services", "data"]:
            parts = parts[2:]
        inner = replace(
            request,
            method=method,
            path=path,
            query=tuple(parse_qsl(address.query, keep_blank_values=True)),
            body=orjson.dumps(body) if body is not None else b"",
            headers={**headers, "content-type": "application/json"},
        )
        try:
            if not parts or _VERSION.fullmatch(parts[0]) is None or int(parts[0][1:-2]) not in _VERSIONS:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
            if parts[1:2] == ["jobs"] or parts[1:] in (["composite"], ["composite", "batch"]):
                raise ApiError(400, "INVALID_INPUT", f"{url} cannot be a subrequest")
            return self._route(inner, parts[0], parts[1:], f"{prefix}/services/data/{parts[0]}")
        except ApiError as refused:
            return self._refuse(refused)

    def _subrequests(self, request: Request, version: str, root: str) -> Response:
        body = _object(request)
        wanted = body.get("compositeRequest")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(item, dict) for item in wanted):
            raise ApiError(400, "JSON_PARSER_ERROR", "compositeRequest must be a list of subrequests")
        heavy = sum(1 for item in wanted if re.search(r"/(query|queryAll|composite/sobjects)\b", str(item.get("url"))))
        if len(wanted) > _SUBREQUESTS or heavy > _SUBQUERIES:
            raise ApiError(400, "LIMIT_EXCEEDED", f"at most {_SUBREQUESTS} subrequests, {_SUBQUERIES} of them queries or collections")
        names = [item.get("referenceId") for item in wanted]
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
            raise ApiError(400, "JSON_PARSER_ERROR", "every subrequest needs a referenceId of its own")
        all_or_none = body.get("allOrNone") is True
        known: dict[str, Any] = {}
        answers: list[dict[str, Any]] = []
        failed = False
        with self.store.lock:
            before = _Rollback(self.org)
            for item in wanted:
                answer = self._composite_part(request, item, known)
                failed = failed or answer["httpStatusCode"] >= 300
                answers.append(answer)
                if failed and all_or_none:
                    break
            if failed and all_or_none:
                before.undo()
                halted = ApiError(
                    400, "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed."
                )
                answers = [
                    answers[place]
                    if place < len(answers) and answers[place]["httpStatusCode"] >= 400
                    else {"body": halted.body(), "httpHeaders": {}, "httpStatusCode": 400, "referenceId": item["referenceId"]}
                    for place, item in enumerate(wanted)
                ]
        return json_response({"compositeResponse": answers})

    def _composite_part(self, request: Request, item: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
        name = item["referenceId"]
        try:
            url, content = _filled(str(item.get("url")), known), _filled(copy.deepcopy(item.get("body")), known)
        except KeyError as missing:
            refused = ApiError(400, "PROCESSING_HALTED", f"Invalid reference specified. No value for {missing.args[0]} found")
            return {"body": refused.body(), "httpHeaders": {}, "httpStatusCode": 400, "referenceId": name}
        headers = {str(key).lower(): str(value) for key, value in (item.get("httpHeaders") or {}).items()}
        response = self._sub(request, str(item.get("method", "")).upper(), url, content, headers)
        answer = orjson.loads(response.body) if response.body else None
        if response.status < 300:
            known[name] = answer
        shown = {"Location": response.headers["location"]} if "location" in response.headers else {}
        return {"body": answer, "httpHeaders": shown, "httpStatusCode": response.status, "referenceId": name}

    def _batch(self, request: Request, version: str) -> Response:
        body = _object(request)
        wanted = body.get("batchRequests")
        if not isinstance(wanted, list) or not wanted or not all(isinstance(item, dict) for item in wanted):
            raise ApiError(400, "JSON_PARSER_ERROR", "batchRequests must be a list of subrequests")
        if len(wanted) > _SUBREQUESTS:
            raise ApiError(400, "LIMIT_EXCEEDED", f"at most {_SUBREQUESTS} subrequests")
        results: list[dict[str, Any]] = []
        for place, item in enumerate(wanted):
            if place:
                self._charge()
            url = str(item.get("url", "")).lstrip("/")
            full = f"/services/data/{url}" if not url.startswith("services/") else f"/{url}"
            response = self._sub(request, str(item.get("method", "")).upper(), full, item.get("richInput"), {})
            results.append({"statusCode": response.status, "result": orjson.loads(response.body) if response.body else None})
            if body.get("haltOnError") is True and response.status >= 400:
                halted = ApiError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")
                results += [{"statusCode": 412, "result": halted.body()} for _ in wanted[place + 1 :]]
                break
        return json_response({"hasErrors": any(item["statusCode"] >= 400 for item in results), "results": results})


class _Rollback:
    """Remembers the rows as they are, so that a composite request can be taken back."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.held = {name: dict(org.store.collection(name)) for name in org.catalogue.names()}

    def undo(self) -> None:
        for name, rows in self.held.items():
            for id, row in list(self.org.store.collection(name).items()):
                if id not in rows:
                    self.org.remove(name, id)
                elif rows[id] is not row:
                    self.org.put(name, rows[id])


def _filled(value: Any, known: dict[str, Any]) -> Any:
    """`@{ref.path}` replaced by what an earlier subrequest answered. Raises KeyError with the reference that leads nowhere."""
    if isinstance(value, dict):
        return {key: _filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if not isinstance(value, str):
        return value

    def look_up(match: re.Match[str]) -> str:
        found: Any = known.get(match.group(1))
        for step in re.findall(r"[A-Za-z0-9_]+", match.group(2)):
            if isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            elif isinstance(found, dict) and step in found:
                found = found[step]
            else:
                raise KeyError(match.group(0))
        if found is None or isinstance(found, (dict, list)):
            raise KeyError(match.group(0))
        return str(found)

    return _REFERENCE.sub(look_up, value)


def _conditions(request: Request, sobject: SObject, row: Record) -> tuple[dict[str, str], Response | None]:
    """Headers that date the record, and the answer when the request's conditions are not met."""
    changed = parse_stamp(row["SystemModstamp"])
    headers = {"last-modified": format_datetime(changed, usegmt=True)}
    tag = ""
    if sobject.name == "Account":
        tag = f'"{hashlib.blake2b(orjson.dumps(row), digest_size=8).hexdigest()}--gzip"'
        headers["etag"] = tag
    failed = ApiError(412, "PRECONDITION_FAILED", "the record does not meet the request's conditions")
    since = _http_date(request.headers.get("if-unmodified-since"))
    wanted = request.headers.get("if-match")
    if (since is not None and changed > since) or (wanted is not None and tag and wanted != "*" and wanted != tag):
        return headers, json_response(failed.body(), 412, headers)
    if request.method in ("GET", "HEAD"):
        since = _http_date(request.headers.get("if-modified-since"))
        if (since is not None and changed <= since) or (tag and request.headers.get("if-none-match") == tag):
            return headers, Response(304, headers=headers)
    return headers, None


def _http_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except ValueError as problem:
        raise ApiError(400, "INVALID_HEADER", f"not an HTTP date: {text}") from problem
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed. Allowed are {','.join(methods)}")


def _object(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("application/json"):
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {kind or '(none)'} is not supported; send application/json")
    try:
        body = request.json()
    except ValueError as problem:
        raise ApiError(400, "JSON_PARSER_ERROR", f"the body is not JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "the body must be an object")
    return body


def _collection_body(request: Request) -> tuple[bool, list[Record]]:
    body = _object(request)
    unknown = sorted(body.keys() - {"allOrNone", "records"})
    if unknown:
        raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
    all_or_none = body.get("allOrNone", False)
    if not isinstance(all_or_none, bool):
        raise ApiError(400, "JSON_PARSER_ERROR", "allOrNone must be true or false")
    return all_or_none, check_collection(body.get("records"))


def _oauth_error(code: str, description: str) -> Response:
    return json_response({"error": code, "error_description": description}, 400, is_write=False, content_type=_JSON)


def _versions() -> list[dict[str, str]]:
    first, season, year = _FIRST_SEASON
    listed = []
    for number in _VERSIONS:
        step = number - first + season
        label = f"{_SEASONS[step % 3]} '{year + step // 3}"
        listed.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return listed


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return Salesforce(store, clock, Settings(**settings))

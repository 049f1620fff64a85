"""A Salesforce org over HTTP: login, REST data API, SOQL with paging, sObject writes, composite requests, Bulk 2.0.

Belongs here: routes, headers, quota, query pages and single records. Logins, composite requests, the query language, the rules of a
write, jobs and the catalogue have modules of their own beside this one.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from sandbox.protocol import Clock, Record, Request, Response, Store, Vendor, json_response
from sandbox.salesforce.bodies import allow, json_object
from sandbox.salesforce.bulk import Jobs
from sandbox.salesforce.catalogue import SObject
from sandbox.salesforce.composite import VERSION, VERSIONS, Composite
from sandbox.salesforce.describe import describe, describe_summary
from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.landing import Landing
from sandbox.salesforce.login import JSON, Logins
from sandbox.salesforce.org import ApiError, Org, Settings
from sandbox.salesforce.plan import Plan, Planner, Shape, aggregate, field_getter, run
from sandbox.salesforce.records import (
    AmbiguousError,
    commit,
    external_field,
    find,
    find_external,
    plan_create,
    plan_delete,
    plan_update,
    plan_upsert,
    success,
)
from sandbox.salesforce.soql import SoqlError, parse, parse_stamp, stamp
from sandbox.world.model import View

_SEASONS = ("Winter", "Spring", "Summer")
_FIRST_SEASON = (56, 0, 23)  # v56 is Winter '23
_DELETED_DAYS = 15
_UPDATED_DAYS = 30


@dataclass(frozen=True)
class _Cursor:
    plan: Plan
    rows: list[Record]
    total: int
    size: int
    opened: datetime


class Salesforce:
    """One org. `handle` answers one request; the store holds its rows under the objects' API names."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.name = settings.name
        self.store = store
        self.clock = clock
        self.settings = settings
        self.org = Org(store, clock, settings)
        self.jobs = Jobs(self.org)
        self.logins = Logins(self.org)
        self.composite = Composite(self.org, self)
        self._landing = Landing(self.org)
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._cursor_number = 0
        self._described: dict[str, datetime] = {}  # mark of a description -> since when
        self._usage: dict[int, int] = {}  # hour -> requests

    # --- the vendor's seam ---

    def load(self, view: View) -> None:
        with self.store.lock:
            self._landing.load(view)

    def apply(self, view: View) -> None:
        with self.store.lock:
            self._landing.apply(view)

    def expire_tokens(self) -> None:
        self.logins.expire()

    def rate_limited(self, request: Request) -> Response:
        limit = self.settings.daily_api_requests
        refused = ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        return json_response(refused.body(), 403, {"sforce-limit-info": f"api-usage={limit}/{limit}"}, content_type=JSON)

    def unavailable(self, request: Request) -> Response:
        failed = ApiError(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support")
        return json_response(failed.body(), 500, content_type=JSON)

    def handle(self, request: Request) -> Response:
        path = request.path
        prefix = urlsplit(request.base_url).path
        if prefix and path.startswith(f"{prefix}/"):  # host-relative links carry the mount; a client may have joined them below it
            path = path[len(prefix) :]
        parts = [part for part in path.split("/") if part]
        try:
            if parts[:2] == ["services", "oauth2"]:
                return self.logins.handle(request, parts[2:])
            if parts[:1] == ["id"] and len(parts) == 3:
                self.logins.authenticate(request)
                return json_response(self.logins.identity(request))
            if parts[:2] != ["services", "data"]:
                raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
            if len(parts) == 2:
                return json_response(_versions(), content_type=JSON)
            return self._data(request, parts[2:], prefix)
        except ApiError as refused:
            return self.refuse(refused)

    def refuse(self, refused: ApiError) -> Response:
        return json_response(refused.body(), refused.status, self._limit_header() if refused.status != 401 else {}, content_type=JSON)

    # --- quota ---

    def _used(self) -> int:
        hour = int(self.clock.now().timestamp()) // 3600
        for old in [key for key in self._usage if key <= hour - 24]:
            self._usage.pop(old, None)
        return sum(self._usage.values())

    def _limit_header(self) -> dict[str, str]:
        return {"sforce-limit-info": f"api-usage={self._used()}/{self.settings.daily_api_requests}"}

    def charge(self) -> None:
        if self._used() >= self.settings.daily_api_requests:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        hour = int(self.clock.now().timestamp()) // 3600
        self._usage[hour] = self._usage.get(hour, 0) + 1

    # --- data API ---

    def _data(self, request: Request, parts: Sequence[str], prefix: str) -> Response:
        match = VERSION.fullmatch(parts[0])
        if match is None or int(match.group(1)) > VERSIONS[-1]:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if int(match.group(1)) < VERSIONS[0]:
            raise ApiError(410, "UNSUPPORTED_API_VERSION", f"{parts[0]} is no longer supported")
        self.logins.authenticate(request)
        self.charge()
        root = f"{prefix}/services/data/{parts[0]}"
        response = self.route(request, parts[0], parts[1:], root)
        response.headers.update(self._limit_header())
        if "application/json" in response.headers.get("content-type", ""):
            response.headers["content-type"] = JSON
        return response

    def route(self, request: Request, version: str, parts: Sequence[str], root: str) -> Response:
        """`root` is the host-relative address of this API version; links in answers start with it."""
        head = parts[0] if parts else ""
        try:
            if not parts:
                allow(request, "GET")
                names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
                return json_response({**{name: f"{root}/{name}" for name in names}, "identity": self.logins.identity_url(request)})
            if head in ("query", "queryAll"):
                return self._query(request, parts[1:], root, deleted=head == "queryAll")
            if head == "sobjects":
                return self._sobjects(request, parts[1:], root)
            if head == "composite":
                return self.composite.handle(request, version, parts[1:], root)
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
        allow(request, "GET")
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
        allow(request, "GET")
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
            allow(request, "GET")
            summaries = [describe_summary(self.org.need_sobject(name), root) for name in self.org.catalogue.names()]
            return json_response({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": summaries})
        sobject = self.org.need_sobject(parts[0])
        if len(parts) == 1:
            return self._sobject(request, sobject, root)
        if parts[1] in ("describe", "updated", "deleted") and len(parts) == 2:
            allow(request, "GET")
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
        allow(request, "GET", "POST")
        body = json_object(request)
        with self.store.lock:
            written = commit(self.org, plan_create(self.org, sobject, body))
        return json_response(success(written), 201, {"location": f"{root}/sobjects/{sobject.name}/{written.id}"})

    def _describe(self, request: Request, sobject: SObject, root: str) -> Response:
        body = orjson.dumps(describe(sobject, root))
        tag = f'"{hashlib.blake2b(body, digest_size=4).hexdigest()}"'
        if tag not in self._described:  # known since it was first seen like this
            self._described[tag] = self.clock.now().replace(microsecond=0)
        changed = self._described[tag]
        headers = {"etag": tag, "last-modified": format_datetime(changed, usegmt=True), "content-type": JSON}
        since = _http_date(request.headers.get("if-modified-since"))
        wanted = request.headers.get("if-none-match")
        if wanted == tag or (wanted is None and since is not None and changed <= since):
            return Response(304, headers=headers)
        return Response(200, body, headers)

    def _record(self, request: Request, sobject: SObject, id: str, root: str) -> Response:
        if request.method in ("GET", "HEAD"):
            row = find(self.org, sobject, id)
            headers, state = _conditions(request, sobject, row)
            if state is not None:
                return state
            return json_response(self.show(request, sobject, row, root), headers=headers)
        if request.method == "PATCH":
            body = json_object(request)
            if any(key.lower() == "id" for key in body):
                raise ApiError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.", ["Id"])
            with self.store.lock:
                row = find(self.org, sobject, id)
                _, state = _conditions(request, sobject, row)
                if state is not None:
                    return state
                commit(self.org, plan_update(self.org, sobject, id, body))
            return Response(204)
        allow(request, "GET", "HEAD", "PATCH", "DELETE")
        with self.store.lock:
            commit(self.org, plan_delete(self.org, sobject, id))
        return Response(204)

    def show(self, request: Request, sobject: SObject, row: Record, root: str) -> dict[str, Any]:
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
            body = json_object(request)
            if any(key.lower() in ("id", column.name.lower()) for key in body):
                key = next(key for key in body if key.lower() in ("id", column.name.lower()))
                raise ApiError(400, "INVALID_FIELD", f"The {key} field should not be specified in the sobject data.", [key])
            update_only = (request.param("updateOnly") or "").lower() == "true"
            with self.store.lock:
                written = commit(self.org, plan_upsert(self.org, sobject, column, value, body, update_only=update_only))
            return json_response(success(written, with_created=True), 201 if written.created else 200)
        allow(request, "GET", "PATCH", "DELETE")
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


def _versions() -> list[dict[str, str]]:
    first, season, year = _FIRST_SEASON
    listed = []
    for number in VERSIONS:
        step = number - first + season
        label = f"{_SEASONS[step % 3]} '{year + step // 3}"
        listed.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return listed


def create(store: Store, clock: Clock, **settings: Any) -> Vendor:
    return Salesforce(store, clock, Settings(**settings))

"""The ServiceNow stand-in: one instance over HTTP as the vendor serves it: routes, rights, paging, batches and limits.

What records hold belongs to `records`, queries to `query`, forms of display to `render`, rules of writes to `writes`, the scripted
APIs' shapes to `csm`, import sets to `imports`, credentials and the hourly limit to `login`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from xml.sax.saxutils import escape

import orjson

from sandbox.protocol import Clock, Record, Request, Response, Store, json_response
from sandbox.servicenow import csm, imports
from sandbox.servicenow.aggregate import aggregate
from sandbox.servicenow.catalogue import TABLES, chain, choices_of
from sandbox.servicenow.instance import Instance
from sandbox.servicenow.login import HourlyLimit, Logins, failure, not_authenticated
from sandbox.servicenow.query import Query, Selection, count, parse, select
from sandbox.servicenow.records import stamp
from sandbox.servicenow.render import Mode, View, shower
from sandbox.servicenow.writes import Policy, Refused, insert, operation_failed, update
from sandbox.world import model

_DEFAULT_LIMIT, _SCRIPTED_LIMIT = 10_000, 10
_MAX_INPUT, _MAX_OUTPUT = 5_000_000, 10_000_000  # bytes of one item of a batch
_PATH = re.compile(r"/api/(?P<space>now|sn_customerservice|sn_pss_core)(?:/(?P<version>v[12]))?/(?P<rest>.+)")
_TRUE = frozenset({"true", "True", "1"})


@dataclass(frozen=True)
class Settings:
    """The instance: its credentials, its administrators' choices and its limits."""

    username: str = "concord.integration"
    password: str = "servicenow-sandbox-password"
    client_id: str = "concord-servicenow"
    client_secret: str = "servicenow-sandbox-secret"
    access_seconds: int = 1800
    requests_per_hour: int | None = None  # None: there is no rate limit rule, as on a new instance
    user_time_zone: str = "GMT"  # of the integration user: display values and date literals are in it
    invalid_query_returns_no_rows: bool = False  # glide.invalid_query.returns_no_rows
    audits_deletes: bool = True  # whether deletions leave a line in sys_audit_delete
    hidden_tables: tuple[str, ...] = ()  # row rights cut every row of them: counts go on counting
    hidden_fields: tuple[str, ...] = ()  # table.column that the user's roles may not read
    unwritable_tables: tuple[str, ...] = ()
    read_only_fields: tuple[str, ...] = ()  # table.column that a write leaves as it is, without a word
    mandatory_fields: tuple[str, ...] = ()  # table.column that a data policy requires
    transaction_rows: int | None = None  # rows that one answer reaches before the transaction quota cancels it
    batch_items: int | None = None  # items of a batch that are served before its budget is spent
    fault_retry_after: int = 1


@dataclass(frozen=True)
class _Call:
    request: Request
    method: str
    version: str
    parts: tuple[str, ...]
    params: Mapping[str, str] = field(default_factory=dict)

    def flag(self, name: str) -> bool:
        return self.params.get(name, "") in _TRUE

    def asked(self, name: str) -> str:
        return self.params.get(name, "")


class ServiceNow:
    name = "servicenow"

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self._clock = clock
        self._logins = Logins(
            clock, username=settings.username, password=settings.password, client_id=settings.client_id,
            client_secret=settings.client_secret, access_seconds=settings.access_seconds)
        self._limit = HourlyLimit(clock, settings.requests_per_hour)
        self._account = Instance(store, clock, integration_login=settings.username, audits_deletes=settings.audits_deletes)

    # The world

    def load(self, view: model.View) -> None:
        self._account.load(view)

    def apply(self, view: model.View) -> None:
        self._account.apply(view)

    # Requests

    def handle(self, request: Request) -> Response:
        if request.path == "/oauth_token.do":
            return self._logins.token(request) if request.method == "POST" else failure("Method not supported", None, 405)
        if not self._logins.is_known(request):
            return not_authenticated()
        if not self._limit.spend():
            return self._limit.refusal()
        try:
            response = self._answer(request)
        except Refused as refused:
            response = refused.response
        response.headers.update(self._limit.headers())
        if request.headers.get("x-no-response-body", "").lower() == "true" and response.status in (200, 201):
            return Response(201 if response.status == 201 else 204, b"", {**response.headers}, response.is_write)
        return response

    def rate_limited(self, request: Request) -> Response:
        return self._limit.refusal(self.settings.fault_retry_after)

    def unavailable(self, request: Request) -> Response:
        page = b"<html><head><title>503 Service Unavailable</title></head><body><h1>The instance is restarting</h1></body></html>"
        return Response(500, page, {"content-type": "text/html; charset=utf-8"})

    def expire_tokens(self) -> None:
        self._logins.expire()

    def _answer(self, request: Request) -> Response:
        matched = _PATH.fullmatch(request.path.rstrip("/"))
        if matched is None:
            raise _unknown_path()
        accept = request.headers.get("accept", "*/*")
        wants_xml = "xml" in accept and "json" not in accept
        if not wants_xml and not any(kind in accept for kind in ("*/*", "application/*", "application/json", "text/json")):
            raise Refused(failure("Not Acceptable", "The requested media type is not supported", 406))
        method = request.method
        override = request.headers.get("x-http-method-override", "").upper()
        if method == "POST" and override in ("PATCH", "PUT", "DELETE", "GET"):
            method = override
        params = dict(reversed(request.query))
        call = _Call(request, method, matched["version"] or "v2", (matched["space"], *matched["rest"].split("/")), params)
        with self.store.lock:
            response = self._routed(call)
        return _as_xml(response) if wants_xml and response.body else response

    def _routed(self, call: _Call) -> Response:
        match call.parts:
            case ("now", "table", table):
                return self._by_method(call, {"GET": lambda: self._list(call, table), "POST": lambda: self._create(call, table)})
            case ("now", "table", table, sys_id):
                return self._by_method(call, {
                    "GET": lambda: self._read(call, table, sys_id), "PATCH": lambda: self._change(call, table, sys_id),
                    "PUT": lambda: self._change(call, table, sys_id), "DELETE": lambda: self._delete(table, sys_id)})
            case ("now", "stats", table):
                return self._by_method(call, {"GET": lambda: self._stats(call, table)})
            case ("now", "batch"):
                return self._by_method(call, {"POST": lambda: self._batch(call)})
            case ("now", "import", staging):
                return self._by_method(call, {"POST": lambda: self._import(call, staging)})
            case ("now", "import", staging, "insertMultiple"):
                return self._by_method(call, {"POST": lambda: self._import_many(call, staging)})
            case ("now", "import", staging, sys_id):
                return self._by_method(call, {"GET": lambda: self._imported(call, staging, sys_id)})
            case ("sn_pss_core", "entitlement") | ("sn_pss_core", "entitlement", _) | ("sn_pss_core", "servicecontract", *_):
                return self._contracts(call)
            case (space, name, *rest) if f"/api/{space}/{name}" in csm.LISTS:
                return self._scripted(call, csm.LISTS[f"/api/{space}/{name}"], rest)
        raise _unknown_path()

    def _by_method(self, call: _Call, handlers: Mapping[str, Callable[[], Response]]) -> Response:
        handler = handlers.get(call.method)
        if handler is None:
            raise Refused(failure("Method not supported", None, 405, {"allow": ", ".join(handlers)}))
        return handler()

    # Reading

    def _known(self, table: str) -> str:
        if table not in TABLES:
            raise Refused(failure(f"Invalid table {table}", None, 400))
        return table

    def _view(self, call: _Call, table: str, *, links: bool = True) -> View:
        mode = call.asked("sysparm_display_value").lower()
        fields = tuple(name.strip() for name in call.asked("sysparm_fields").split(",") if name.strip())
        return View(
            call.request.base_url, cast(Mode, mode if mode in ("true", "all") else "false"),
            links and not call.flag("sysparm_exclude_reference_link"), fields, self.settings.user_time_zone, self._unreadable(table))

    def _unreadable(self, table: str) -> frozenset[str]:
        owners = set(chain(table))
        pairs = (name.rpartition(".") for name in self.settings.hidden_fields)
        return frozenset(column for owner, _, column in pairs if owner in owners)

    def _query(self, call: _Call, table: str) -> tuple[Query, bool]:
        """The query, and whether it finds nothing at all because a part of it is invalid."""
        encoded = call.params.get("sysparm_query")
        if encoded is None:
            encoded = self._pairs(call, table)
        query = parse(self._account, table, encoded, self.settings.user_time_zone)
        used = {condition.column for branch in query.branches for group in branch for condition in group} | {name for name, _ in query.order}
        if not used.isdisjoint(self._unreadable(table)):
            raise Refused(failure("Insufficient rights to query records", "Field(s) present in the query do not have permission to be read", 403))
        return query, bool(query.invalid) and self.settings.invalid_query_returns_no_rows

    def _pairs(self, call: _Call, table: str) -> str:
        """`name=value` parameters as an encoded query; a label or a name stands for its code or sys_id."""
        columns = self._account.columns(table)
        conditions = []
        for name, value in call.params.items():
            column = columns.get(name.split(".")[0])
            if name.startswith("sysparm_") or column is None:
                continue
            codes = {label.lower(): code for code, label in choices_of(table, name).items()}
            value = codes.get(value.lower(), value)
            if column.reference in TABLES and "." not in name and not re.fullmatch(r"[0-9a-f]{32}|", value):
                value = self._account.user_name_id(value) if column.reference == "sys_user" else value
                value = next((row["sys_id"] for row in self._account.ordered(column.reference, ())
                              if self._account.display_of(column.reference, row["sys_id"]) == value), value)
            conditions.append(f"{name}={value}")
        return "^".join(conditions)

    def _visible(self, table: str, rows: list[Record]) -> list[Record]:
        """What the caller's rights leave of a page; it is cut after the limit, so that pages may be short or empty."""
        if not set(chain(table)).isdisjoint(self.settings.hidden_tables):
            return []
        return [row for row in rows if "_hidden" not in row]

    def _list(self, call: _Call, table: str, *, scripted: bool = False) -> Response:
        self._known(table)
        query, is_void = self._query(call, table)
        selection = Selection([]) if is_void else select(self._account, table, query)
        limit = _whole(call.asked("sysparm_limit"), _SCRIPTED_LIMIT if scripted else _DEFAULT_LIMIT) or _DEFAULT_LIMIT
        offset = _whole(call.asked("sysparm_offset"), 0)
        total = selection.total
        show = shower(self._account, table, self._view(call, table, links=not scripted))
        rows = self._visible(table, selection.slice(offset, limit))
        headers = {"content-type": "application/json;charset=UTF-8"}
        if not call.flag("sysparm_no_count"):
            headers["X-Total-Count"] = str(total)
        if not call.flag("sysparm_suppress_pagination_header"):
            headers["Link"] = _links(call.request, limit, offset, total)
        quota = self.settings.transaction_rows
        if quota is not None and len(rows) > quota:
            detail = "maximum execution time exceeded Check logs for error trace or enable glide.rest.debug property to verify REST request processing"
            answer = {
                "result": [show(row) for row in rows[:quota]],
                "error": {"message": "Transaction cancelled: maximum execution time exceeded", "detail": detail}, "status": "failure"}
            return Response(200, orjson.dumps(answer), headers)
        if not rows and call.version == "v1" and total == 0:
            return _no_record()
        return Response(200, orjson.dumps({"result": list(map(show, rows))}), headers)

    def _found(self, table: str, sys_id: str) -> tuple[str, Record]:
        self._known(table)
        found = self._account.find(table, sys_id)
        if found is None or not set(chain(found[0])).isdisjoint(self.settings.hidden_tables):
            raise Refused(_no_record())
        return found

    def _read(self, call: _Call, table: str, sys_id: str, *, links: bool = True) -> Response:
        _, record = self._found(table, sys_id)
        return json_response({"result": shower(self._account, table, self._view(call, table, links=links))(record)}, content_type="application/json;charset=UTF-8")

    def _stats(self, call: _Call, table: str) -> Response:
        self._known(table)
        query, is_void = self._query(call, table)
        needs_rows = any(call.asked(name) for name in call.params if name not in ("sysparm_count", "sysparm_query"))
        if is_void:
            rows, counted = [], 0
        elif needs_rows:
            rows = select(self._account, table, query).all()
            counted = len(rows)
        else:
            rows, counted = [], count(self._account, table, query)
        result = aggregate(self._account, table, rows, call.asked, self.settings.user_time_zone, counted)
        return json_response({"result": result}, content_type="application/json;charset=UTF-8")

    # Writing

    def _body(self, call: _Call) -> Record:
        kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", "text/json"):
            raise Refused(failure("Unsupported Media Type", "The endpoint does not support the format of the request body", 415))
        try:
            body = call.request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused(failure("Exception while reading request", "The payload is not valid JSON.", 400))
        return body

    def _policy(self, call: _Call) -> Policy:
        return Policy(
            frozenset(self.settings.read_only_fields), frozenset(self.settings.mandatory_fields), call.flag("sysparm_input_display_value"),
            self.settings.user_time_zone)

    def _may_write(self, table: str, action: str) -> None:
        if not set(chain(table)).isdisjoint(self.settings.unwritable_tables):
            raise operation_failed(f"ACL Exception {action} Failed due to security constraints")

    def _create(self, call: _Call, table: str) -> Response:
        self._known(table)
        body = self._body(call)
        self._may_write(table, "Insert")
        record = insert(self._account, table, body, self._policy(call))
        location = f"{call.request.base_url}/api/now/table/{table}/{record['sys_id']}"
        shown = shower(self._account, table, self._view(call, table))(record)
        return json_response({"result": shown}, 201, {"Location": location}, content_type="application/json;charset=UTF-8")

    def _change(self, call: _Call, table: str, sys_id: str) -> Response:
        body = self._body(call)
        stored, record = self._found(table, sys_id)
        self._may_write(stored, "Update")
        record = update(self._account, stored, record, body, self._policy(call))
        return json_response({"result": shower(self._account, table, self._view(call, table))(record)}, content_type="application/json;charset=UTF-8")

    def _delete(self, table: str, sys_id: str) -> Response:
        stored, _ = self._found(table, sys_id)
        self._may_write(stored, "Delete")
        if TABLES[stored].is_read_only:
            raise operation_failed("ACL Exception Delete Failed due to security constraints")
        self._account.remove(stored, sys_id, at=stamp(self._clock.now()), by=self.settings.username)
        return Response(204)

    # Batches

    def _batch(self, call: _Call) -> Response:
        body = self._body(call)
        items = body.get("rest_requests")
        if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("id") and item.get("url") and item.get("method") for item in items):
            raise Refused(failure("Exception while reading request", "rest_requests must list requests with id, method and url", 400))
        budget = self.settings.batch_items if self.settings.batch_items is not None else len(items)
        largest = min(_whole(call.request.headers.get("x-batchrequest-max-output-size", ""), _MAX_OUTPUT), _MAX_OUTPUT)
        served: list[Record] = []
        writes = False
        for item in items[:budget]:
            if len(str(item.get("body") or "")) * 3 // 4 > _MAX_INPUT:
                break
            response = self._batch_item(call.request, item)
            writes = writes or (str(item["method"]).upper() != "GET" and response.is_write)
            if len(response.body) > largest:
                break
            headers = [] if item.get("exclude_response_headers") else [{"name": name, "value": value} for name, value in response.headers.items()]
            served.append({
                "id": str(item["id"]), "body": base64.b64encode(response.body).decode(), "status_code": response.status,
                "status_text": HTTPStatus(response.status).phrase, "headers": headers, "execution_time": 5})
        left = [str(item["id"]) for item in items[len(served):]]
        answer = {"batch_request_id": str(body.get("batch_request_id") or ""), "serviced_requests": served, "unserviced_requests": left}
        return json_response(answer, is_write=writes)

    def _batch_item(self, outer: Request, item: Record) -> Response:
        headers = {str(entry.get("name", "")).lower(): str(entry.get("value", "")) for entry in item.get("headers") or []}
        try:
            body = base64.b64decode(str(item.get("body") or ""), validate=False)
        except (binascii.Error, ValueError):
            return failure("Exception while reading request", "The body is not base64", 400)
        target = urlsplit(str(item["url"]))
        inner = replace(
            outer, method=str(item["method"]).upper(), path=target.path, query=tuple(parse_qsl(target.query, keep_blank_values=True)),
            headers={**headers, "authorization": outer.headers.get("authorization", "")}, body=body)
        if target.path.rstrip("/").endswith("/batch") or target.path == "/oauth_token.do":
            return failure("Operation Failed", "Batch requests cannot be nested", 400)
        try:
            return self._answer(inner)
        except Refused as refused:
            return refused.response

    # Import sets

    def _staging(self, staging: str) -> str:
        if staging not in imports.MAPS:
            raise Refused(failure(f"Invalid staging table {staging}", None, 400))
        return staging

    def _import(self, call: _Call, staging: str) -> Response:
        self._staging(staging)
        number = imports.import_set(self._account)
        result = imports.import_row(self._account, staging, self._body(call), number, self._policy(call), call.request.base_url)
        return json_response({"import_set": number, "staging_table": staging, "result": [result]}, 201)

    def _import_many(self, call: _Call, staging: str) -> Response:
        self._staging(staging)
        rows = self._body(call).get("records")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Refused(failure("Exception while reading request", "records must be a list of objects", 400))
        number = imports.import_set(self._account)
        for row in rows:
            imports.import_row(self._account, staging, imports.by_label(staging, row), number, self._policy(call), call.request.base_url)
        ids = [imports.set_id(number, name) for name in ("import_set", "multi_import_set")]
        return json_response({"import_set_id": ids[0], "multi_import_set_id": ids[1]}, 201)

    def _imported(self, call: _Call, staging: str, sys_id: str) -> Response:
        self._staging(staging)
        row = self.store.get(staging, sys_id)
        if row is None:
            raise Refused(_no_record())
        result = imports.staged_result(self._account, staging, row, call.request.base_url)
        return json_response({"import_set": row.get("sys_import_set", ""), "staging_table": staging, "result": [result]})

    # Scripted APIs

    def _scripted(self, call: _Call, table: str, rest: list[str]) -> Response:
        match rest:
            case []:
                return self._by_method(call, {"GET": lambda: self._list(call, table, scripted=True), "POST": lambda: self._scripted_create(call, table)})
            case ["field_values", name] if table == "sn_customerservice_case":
                return self._field_values(call, name)
            case [sys_id, "activities"] if table == "sn_customerservice_case":
                return json_response({"result": csm.activities(self._account, self._found(table, sys_id)[1])})
            case [sys_id, "field_values", name] if table == "sn_customerservice_case":
                self._found(table, sys_id)
                return self._field_values(call, name)
            case [sys_id]:
                handlers: dict[str, Callable[[], Response]] = {"GET": lambda: self._read(call, table, sys_id, links=False)}
                if table == "sn_customerservice_case":
                    handlers["PUT"] = lambda: self._change(call, table, sys_id)
                return self._by_method(call, handlers)
        raise _unknown_path()

    def _scripted_create(self, call: _Call, table: str) -> Response:
        if table == "customer_account":
            raise Refused(failure("Method not supported", None, 405, {"allow": "GET"}))
        self._may_write(table, "Insert")
        record = insert(self._account, table, self._body(call), self._policy(call))
        if table != "sn_customerservice_case":
            return json_response({"result": record["sys_id"]}, 201)
        return json_response({"result": shower(self._account, table, self._view(call, table, links=False))(record)}, 201)

    def _field_values(self, call: _Call, name: str) -> Response:
        values = csm.field_values(self._account, name, _whole(call.asked("sysparm_limit"), _SCRIPTED_LIMIT))
        return json_response({"result": values}) if values is not None else failure(f"Invalid field {name}", None, 400)

    def _contracts(self, call: _Call) -> Response:
        shapes: dict[tuple[str, ...], tuple[str, Callable[[Instance, Record], Record]]] = {
            ("entitlement",): ("service_entitlement", csm.entitlement),
            ("servicecontract",): ("sn_pss_core_service_contract", csm.service_contract),
            ("servicecontract", "contractline"): ("sn_pss_core_service_contract_line", csm.contract_line),
        }
        rest = call.parts[1:]
        if rest in shapes and call.method == "POST":
            table, shape = shapes[rest]
            self._may_write(table, "Insert")
            record = insert(self._account, table, self._body(call), self._policy(call))
            return json_response({"result": shape(self._account, record)}, 201)
        if rest[:-1] in shapes:
            table, shape = shapes[rest[:-1]]
            return self._by_method(call, {"GET": lambda: json_response({"result": shape(self._account, self._found(table, rest[-1])[1])})})
        raise _unknown_path()


def _whole(text: str, default: int) -> int:
    """A whole number that is not negative; what is no number counts as not sent."""
    if text.startswith("-") and text[1:].isdecimal():
        raise Refused(failure("Invalid parameter", f"{text} is negative", 400))
    return int(text) if text.isascii() and text.isdecimal() else default


def _links(request: Request, limit: int, offset: int, total: int) -> str:
    kept = [(name, value) for name, value in request.query if name not in ("sysparm_limit", "sysparm_offset")]

    def link(start: int, relation: str) -> str:
        query = urlencode([*kept, ("sysparm_limit", limit), ("sysparm_offset", start)], quote_via=quote, safe="")
        return f'<{request.base_url}{request.path}?{query}>;rel="{relation}"'

    found = []
    if offset + limit < total:
        found.append(link(offset + limit, "next"))
    if offset > 0:
        found.append(link(max(0, offset - limit), "prev"))
    found.append(link(0, "first"))
    found.append(link(max(0, (total - 1) // limit * limit), "last"))
    return ",".join(found)


def _no_record() -> Response:
    return failure("No Record found", "Record doesn't exist or ACL restricts the record retrieval", 404)


def _unknown_path() -> Refused:
    return Refused(failure("Requested URI does not represent any resource", None, 404))


def _as_xml(response: Response) -> Response:
    """The same answer as XML, for callers that ask for nothing else."""

    def element(name: str, value: Any) -> str:
        if isinstance(value, list):
            return "".join(element(name, member) for member in value)
        inner = "".join(element(key, member) for key, member in value.items()) if isinstance(value, dict) else escape("" if value is None else str(value))
        return f"<{name}>{inner}</{name}>"

    body = f'<?xml version="1.0" encoding="UTF-8"?>{element("response", orjson.loads(response.body))}'
    return Response(response.status, body.encode(), {**response.headers, "content-type": "application/xml;charset=UTF-8"}, response.is_write)


def create(store: Store, clock: Clock, **settings: Any) -> ServiceNow:
    return ServiceNow(store, clock, Settings(**settings))

"""Custom objects: the account's schema of assets, its records, their filters, pages and versions. Their answers have an envelope of their own."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.freshdesk.account import Account
from sandbox.freshdesk.answers import Refused
from sandbox.freshdesk.calls import Call, Handler, bare
from sandbox.freshdesk.ids import ASSET_PREFIX
from sandbox.protocol import Clock, Record, Request, Response, json_response

SCHEMA_ID = "30"
KIND = "asset_records"
DEFAULT_PAGE, MAX_PAGE = 20, 100
MAX_CONDITIONS = 10
_CONDITION = re.compile(r"([a-z_0-9]+)(?:\[(gt|lt|gte|lte)\])?")
# name -> (type, label, required)
FIELDS: dict[str, tuple[str, str, bool]] = {
    "asset_name": ("PRIMARY", "Asset name", True),
    "serial_number": ("TEXT", "Serial number", False),
    "company": ("RELATIONSHIP", "Company", False),
    "product_sku": ("TEXT", "Product SKU", False),
    "status": ("DROPDOWN", "Status", False),
    "installed_on": ("DATE", "Installed on", False),
    "cover_end": ("DATE", "Cover ends", False),
}
_TIMES = ("created_time", "updated_time")


def fault(kind: str, message: str, errors: list[Record], status: int) -> Refused:
    return Refused(json_response({"error_type": kind, "message": message, "errors": errors}, status))


def _bad_input(name: str, message: str) -> Refused:
    return fault("INVALID_INPUT", "Invalid input", [{"name": name, "message": message}], 400)


def schema() -> Record:
    return {
        "id": SCHEMA_ID, "name": "Asset", "prefix": ASSET_PREFIX, "description": "A delivered product at a customer.", "version": 1,
        "created_time": 1_705_305_600_000, "updated_time": 1_705_305_600_000,
        "fields": [
            {
                "id": f"{SCHEMA_ID}{place:02}", "name": name, "label": label, "type": kind, "position": place, "required": required,
                "editable": True, "visible": True, "deleted": False, "filterable": True, "searchable": kind == "PRIMARY", "hint": None,
                "placeholder": None, "created_time": 1_705_305_600_000, "updated_time": 1_705_305_600_000,
                "choices": [{"id": n, "value": word, "position": n} for n, word in enumerate(("installed", "retired"), 1)] if kind == "DROPDOWN" else [],
            }
            for place, (name, (kind, label, required)) in enumerate(FIELDS.items(), 1)
        ],
        "_links": {"self": {"href": f"/schemas/{SCHEMA_ID}"}, "records": {"href": f"/schemas/{SCHEMA_ID}/records"}},
    }


class Assets:
    def __init__(self, account: Account, clock: Clock, admit: Callable[[], None]) -> None:
        """`admit` refuses where the account's plan has no custom objects."""
        self._account, self._clock, self._admit = account, clock, admit

    def routes(self) -> list[tuple[str, str, Handler]]:
        schemas, id, record = r"/custom_objects/schemas", r"/(?P<id>\d+)", r"/(?P<record>[A-Za-z]+-\d+)"
        return [
            ("GET", schemas, self._schemas),
            ("GET", f"{schemas}{id}", self._schema),
            ("GET", f"{schemas}{id}/records", self._list),
            ("GET", f"{schemas}{id}/records/count", self._count),
            ("GET", f"{schemas}{id}/records{record}", self._show),
            ("POST", f"{schemas}{id}/records", self._create),
            ("PUT", f"{schemas}{id}/records{record}", self._replace),
            ("DELETE", f"{schemas}{id}/records{record}", self._delete),
        ]

    def _schemas(self, call: Call) -> Response:
        self._admit()
        return json_response({"schemas": [schema()], "_links": {"count": {"href": "/schemas/count"}}})

    def _schema(self, call: Call) -> Response:
        self._known(call.id)
        return json_response(schema())

    def _known(self, id: str) -> None:
        self._admit()
        if id != SCHEMA_ID:
            raise fault("RESOURCE_NOT_FOUND", f"Schema with id '{id}' does not exist.", [], 404)

    def _list(self, call: Call) -> Response:
        id, request = call.id, call.request
        self._known(id)
        pairs = [(name, value) for name, value in request.query if name not in ("next_token", "prev_token")]
        size = self._size(request)
        rows = self._selected(request, {"page_size", "sort_by", "next_token", "prev_token"})
        start = _place(request.param("next_token"))
        links: Record = {"count": {"href": f"/schemas/{id}/records/count"}}
        if start + size < len(rows):
            following = urlencode([*pairs, ("prev_token", ""), ("next_token", _token(start + size))], quote_via=quote)
            links = {"next": {"href": f"/schemas/{id}/records?{following}"}, **links}
        return json_response({"records": [bare(row) for row in rows[start : start + size]], "_links": links})

    def _count(self, call: Call) -> Response:
        self._known(call.id)
        hidden = sum(1 for row in self._account.store.collection(KIND).values() if "_hidden" in row)
        return json_response({"count": len(self._selected(call.request, set())) + hidden})

    def _size(self, request: Request) -> int:
        text = request.param("page_size")
        if text is None:
            return DEFAULT_PAGE
        if not text.isdecimal() or not 0 < int(text) <= MAX_PAGE:
            raise _bad_input("page_size", f"It should be between 1 and {MAX_PAGE}.")
        return int(text)

    def _selected(self, request: Request, others: set[str]) -> list[Record]:
        conditions: list[Callable[[Record], bool]] = []
        for name, value in request.query:
            if name in others:
                continue
            matched = _CONDITION.fullmatch(name)
            if matched is None or (matched[1] not in FIELDS and matched[1] not in _TIMES and matched[1] != "display_id"):
                raise _bad_input(name, "Field does not exist.")
            conditions.append(_condition(matched[1], matched[2] or "", value))
        if len(conditions) > MAX_CONDITIONS:
            raise _bad_input("query", f"At most {MAX_CONDITIONS} conditions are taken.")
        field, _, way = (request.param("sort_by") or "").partition(";")
        if field and field not in FIELDS and field not in _TIMES:
            raise _bad_input(field, "Field does not exist.")
        if way not in ("", "ASC", "DESC"):
            raise _bad_input("sort_by", "The order is ASC or DESC.")
        texts = "&".join(f"{name}={value}" for name, value in request.query if name not in ("next_token", "prev_token", "page_size"))

        def build() -> list[Record]:
            rows = self._account.shown(KIND, lambda row: int(row["display_id"].rpartition("-")[2]) * 2_654_435_761 % 4_294_967_296)
            found = [row for row in rows if all(one(row) for one in conditions)]
            if field:
                found.sort(key=lambda row: str(_read(row, field) or "").zfill(20), reverse=way == "DESC")
            return found

        selected: list[Record] = self._account.cached(f"{KIND} {texts}", KIND, build)
        return selected

    def _one(self, id: str, display_id: str) -> Record:
        self._known(id)
        found = self._account.store.get(KIND, display_id)
        if found is None:
            raise fault("RESOURCE_NOT_FOUND", f"Record with id '{display_id}' does not exist.", [], 404)
        return found

    def _show(self, call: Call) -> Response:
        return json_response(bare(self._one(call.id, call.record)))

    def _create(self, call: Call) -> Response:
        self._known(call.id)
        data = _data(call.body, {"data"})
        number = self._account.store.next_number(KIND, 900_001)
        now = self._now()
        record = {
            "display_id": f"{ASSET_PREFIX}-{number}", "created_time": now, "updated_time": now, "data": data, "version": 1,
            "metadata": {"primary_field_name": "asset_name"},
        }
        self._account.put(KIND, record, key="display_id")
        return json_response(bare(record), 201)

    def _replace(self, call: Call) -> Response:
        display_id, body = call.record, call.body
        held = self._one(call.id, display_id)
        data = _data(body, {"data", "version", "display_id"})
        if body.get("display_id", display_id) != display_id:
            raise _bad_input("display_id", "It names another record.")
        if body.get("version") != held["version"]:
            error = {"type": "record", "name": "version", "message": "A newer version of the record exists"}
            raise fault("CONSTRAINT_VIOLATION", "Constraint violation", [error], 409)
        record = {**held, "data": data, "version": held["version"] + 1, "updated_time": max(self._now(), held["updated_time"] + 1)}
        self._account.put(KIND, record, key="display_id")
        return json_response(bare(record))

    def _delete(self, call: Call) -> Response:
        self._one(call.id, call.record)
        self._account.drop(KIND, call.record)
        return Response(204)

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _data(body: Any, known: set[str]) -> Record:
    if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
        raise _bad_input("data", "It should be an object.")
    if unknown := [name for name in body if name not in known]:
        raise _bad_input(unknown[0], "Field does not exist.")
    errors = []
    for name, value in body["data"].items():
        kind = FIELDS[name][0] if name in FIELDS else ""
        if not kind:
            errors.append({"name": name, "message": "Field does not exist."})
        elif value is None:
            continue
        elif not isinstance(value, str) or len(value) > 256:
            errors.append({"name": name, "message": "It should be a text of at most 256 characters."})
        elif kind == "DATE" and not _is_day(value):
            errors.append({"name": name, "message": "It should be in the YYYY-MM-DD format."})
        elif kind == "DROPDOWN" and value not in ("installed", "retired"):
            errors.append({"name": name, "message": "It should be one of the choices."})
    errors += [{"name": name, "message": "It is mandatory."} for name, (_, _, required) in FIELDS.items() if required and not body["data"].get(name)]
    if errors:
        raise fault("INVALID_INPUT", "Invalid input", errors, 400)
    return {name: body["data"].get(name) for name in FIELDS}


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _read(row: Record, name: str) -> Any:
    return row[name] if name in _TIMES or name == "display_id" else row["data"].get(name)


def _condition(name: str, operator: str, value: str) -> Callable[[Record], bool]:
    wanted: Any = value
    if name in _TIMES:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise _bad_input(name, "It should be a time in the ISO 8601 format.") from None
        wanted = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    if not operator:
        return lambda row: _read(row, name) == wanted
    compare: Callable[[Any], bool] = {
        "gt": lambda held: held > wanted, "lt": lambda held: held < wanted, "gte": lambda held: held >= wanted, "lte": lambda held: held <= wanted,
    }[operator]
    return lambda row: _read(row, name) is not None and compare(_read(row, name))


def _token(place: int) -> str:
    return urlsafe_b64encode(f"after:{place}".encode()).decode().rstrip("=")


def _place(token: str | None) -> int:
    if not token:
        return 0
    try:
        word, _, number = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().partition(":")
    except ValueError:
        word, number = "", ""
    if word != "after" or not number.isdecimal():
        raise _bad_input("next_token", "It is not valid.")
    return int(number)

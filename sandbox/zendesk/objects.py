"""Zendesk's custom objects: the assets of customers as records of one, read, written, upserted and exported.

Errors here have the form of Zendesk's newer endpoints. Which world rows become records belongs to `account`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from sandbox.protocol import Clock, Record, Request, Response, json_response
from sandbox.zendesk.account import ASSET_KEY, Account
from sandbox.zendesk.pages import Entry, Refused, list_page
from sandbox.zendesk.records import epoch, stamp
from sandbox.zendesk.routing import Call, Route, sent_object
from sandbox.zendesk.writes import Invalid

MAX_ITEMS = 100
COLLECTION = "custom_object_records"
_LONG_AGO = "2024-01-01T00:00:00Z"
# key -> (type, title); a lookup's value is the id of an organization as text
ASSET_FIELDS: dict[str, tuple[str, str]] = {
    "organization": ("lookup", "Organization"), "sku": ("text", "SKU"), "serial_number": ("text", "Serial number"),
    "status": ("dropdown", "Status"), "installed_on": ("date", "Installed on"), "cover_end": ("date", "Cover ends on"),
}
STATUS_OPTIONS = ("installed", "retired")
_ACTIONS = ("create", "update", "delete", "delete_by_external_id", "create_or_update_by_external_id")
Work = Callable[[int, Record], Record]


def fault(code: str, title: str, detail: str, status: int) -> Refused:
    return Refused(json_response({"errors": [{"code": code, "title": title, "detail": detail, "status": str(status)}]}, status))


class CustomObjects:
    def __init__(self, account: Account, clock: Clock, actor_id: int, queue: Callable[[Call, str, list[Record], Work], Response]) -> None:
        self.account, self.clock, self.store, self.actor_id, self.queue = account, clock, account.store, actor_id, queue

    def routes(self) -> list[Route]:
        one = r"/custom_objects/(?P<key>[^/]+)"
        return [
            ("GET", "/custom_objects", self._objects),
            ("GET", one, self._object),
            ("GET", f"{one}/fields", self._fields),
            ("GET", f"{one}/records", self._list),
            ("GET", f"{one}/records/count", self._count),
            ("GET", f"{one}/records/(?P<id>[^/]+)", self._show),
            ("POST", f"{one}/records", self._create),
            ("PATCH", f"{one}/records", self._upsert),
            ("PATCH", f"{one}/records/(?P<id>[^/]+)", self._update),
            ("DELETE", f"{one}/records/(?P<id>[^/]+)", self._delete),
            ("POST", f"{one}/jobs", self._job),
        ]

    # Reading

    def _definition(self, call: Call) -> Record:
        return {
            "url": f"{call.base}/api/v2/custom_objects/{ASSET_KEY}.json", "key": ASSET_KEY, "title": "Asset", "raw_title": "Asset",
            "title_pluralized": "Assets", "raw_title_pluralized": "Assets", "description": "Delivered devices",
            "raw_description": "Delivered devices", "created_by_user_id": str(self.actor_id), "updated_by_user_id": str(self.actor_id),
            "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
        }

    def _known(self, call: Call) -> None:
        if call.key != ASSET_KEY:
            raise fault("RecordNotFound", "Not found", f"There is no custom object with the key {call.key}", 404)

    def _objects(self, call: Call) -> Response:
        return json_response({"custom_objects": [self._definition(call)]})

    def _object(self, call: Call) -> Response:
        self._known(call)
        return json_response({"custom_object": self._definition(call)})

    def _fields(self, call: Call) -> Response:
        self._known(call)
        rows = []
        for place, (key, (kind, title)) in enumerate(ASSET_FIELDS.items()):
            row: Record = {
                "id": 362_000_000_001 + place, "url": f"{call.base}/api/v2/custom_objects/{ASSET_KEY}/fields/{key}.json", "key": key,
                "type": kind, "title": title, "raw_title": title, "description": "", "raw_description": "", "active": True,
                "system": False, "position": place, "regexp_for_validation": None, "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
            }
            if kind == "lookup":
                row |= {"relationship_target_type": "zen:organization", "relationship_filter": {"all": [], "any": []}}
            if kind == "dropdown":
                row["custom_field_options"] = [
                    {"id": number, "name": word.capitalize(), "raw_name": word.capitalize(), "value": word}
                    for number, word in enumerate(STATUS_OPTIONS, 363_000_000_001)
                ]
            rows.append(row)
        return json_response({"custom_object_fields": rows})

    def _rows(self) -> list[Record]:
        return sorted((row for row in self.store.collection(COLLECTION).copy().values() if "_hidden" not in row), key=lambda row: row["id"])

    def _list(self, call: Call) -> Response:
        self._known(call)
        if call.request.param("page") or call.request.param("per_page"):
            raise fault("InvalidPaginationParameter", "Invalid parameter", "Records are paged by cursor only: send page[size]", 400)
        rows = self._rows()
        for name, field in (("filter[ids]", "id"), ("filter[external_ids]", "external_id")):
            given = call.request.param(name)
            if given is not None:
                wanted = {part.strip() for part in given.split(",")}
                rows = [row for row in rows if row[field] in wanted]
        order = call.request.param("sort")
        if order is not None and order.lstrip("-") not in ("id", "updated_at"):
            raise fault("InvalidSort", "Invalid parameter", f"sort {order} is not supported", 400)
        if not any(name.startswith("page[") for name, _ in call.request.query):
            call = Call(_with_size(call), call.path, call.body, call.dropped, key=call.key)
        answer = list_page(call.request, call.path, COLLECTION, rows, lambda row: show(row, call.base), len(rows))
        return json_response({**answer, "count": len(answer[COLLECTION])})

    def _count(self, call: Call) -> Response:
        self._known(call)
        total = len(self.store.collection(COLLECTION))
        return json_response({"count": {"value": total, "refreshed_at": stamp(self.clock.now())}})

    def _found(self, call: Call) -> Record:
        self._known(call)
        record = self.store.get(COLLECTION, call.id)
        if record is None:
            raise fault("RecordNotFound", "Not found", f"Record {call.id} was not found", 404)
        return record

    def _show(self, call: Call) -> Response:
        return json_response({"custom_object_record": show(self._found(call), call.base)})

    def exported(self, call: Call) -> list[Entry]:
        """Records for the export, whose places are whole numbers: the digits of the id, behind its letter."""
        self._known(call)
        rows = self.store.collection(COLLECTION).copy().values()
        entries = [(row["_generated"], int(row["id"][3:]) + ord(row["id"][2]) * 10**15, None if "_hidden" in row else row) for row in rows]
        return sorted(entries, key=lambda entry: entry[:2])

    # Writing

    def _holder(self, name: str, value: str) -> Record | None:
        return next((row for row in self.store.collection(COLLECTION).values() if str(row.get(name) or "").lower() == value.lower()), None)

    def _write(self, current: Record | None, wanted: Record, dropped: list[str]) -> Record:
        now = self.clock.now()
        record: Record = dict(current or {
            "id": "01K" + f"{self.store.next_number(COLLECTION, 1):023d}", "name": None, "external_id": None, "custom_object_key": ASSET_KEY,
            "custom_object_fields": {key: None for key in ASSET_FIELDS}, "created_by_user_id": str(self.actor_id), "created_at": stamp(now),
        })
        for name, value in wanted.items():
            if name == "name":
                record["name"] = value
            elif name == "external_id":
                other = self._holder("external_id", str(value)) if value else None
                if other is not None and other["id"] != record["id"]:
                    raise Invalid({"external_id": [{"description": f"External: {value} has already been taken", "error": "DuplicateValue"}]})
                record["external_id"] = None if value in (None, "") else str(value)
            elif name == "custom_object_fields" and isinstance(value, dict):
                record["custom_object_fields"] = self._values(record["custom_object_fields"], value, dropped)
            elif name != "id":
                dropped.append(name)
        if not isinstance(record["name"], str) or not record["name"].strip():
            raise Invalid({"name": [{"description": "Name: cannot be blank", "error": "BlankValue"}]})
        record |= {"updated_by_user_id": str(self.actor_id), "updated_at": stamp(now), "_generated": epoch(now)}
        self.account.put(COLLECTION, record)
        return record

    def _values(self, present: Record, given: Record, dropped: list[str]) -> Record:
        values = dict(present)
        for key, value in given.items():
            kind, title = ASSET_FIELDS.get(key, ("", ""))
            if not kind:
                dropped.append(f"custom_object_fields.{key}")
                continue
            is_bad = value is not None and (
                kind == "lookup" and self.store.get("organizations", str(value)) is None
                or kind == "dropdown" and value not in STATUS_OPTIONS
                or kind == "date" and not _is_day(value)
                or kind == "text" and not isinstance(value, str)
            )
            if is_bad:
                raise Invalid({key: [{"description": f"{title}: is invalid", "error": "InvalidValue"}]})
            values[key] = str(value) if kind == "lookup" and value is not None else value
        return values

    def _answer(self, call: Call, current: Record | None, wanted: Record) -> Response:
        try:
            record = self._write(current, wanted, call.dropped)
        except Invalid as invalid:
            raise fault("UnprocessableEntity", "Record validation errors", invalid.sentence(), 422) from None
        return json_response({"custom_object_record": show(record, call.base)}, 200 if current else 201)

    def _create(self, call: Call) -> Response:
        self._known(call)
        return self._answer(call, None, sent_object(call, "custom_object_record"))

    def _upsert(self, call: Call) -> Response:
        self._known(call)
        for name in ("external_id", "name"):
            value = call.request.param(name)
            if value:
                return self._answer(call, self._holder(name, value), {**sent_object(call, "custom_object_record"), name: value})
        raise fault("MissingParameter", "Missing parameter", "Send external_id or name", 400)

    def _update(self, call: Call) -> Response:
        return self._answer(call, self._found(call), sent_object(call, "custom_object_record"))

    def _delete(self, call: Call) -> Response:
        self._remove(self._found(call))
        return Response(204)

    def _remove(self, record: Record) -> None:
        self.account.drop_record(COLLECTION, record["id"])

    def _job(self, call: Call) -> Response:
        self._known(call)
        job = sent_object(call, "job")
        action, items = job.get("action"), job.get("items")
        if action not in _ACTIONS:
            raise fault("InvalidAction", "Invalid parameter", f"action must be one of {', '.join(_ACTIONS)}", 400)
        if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS:
            raise fault("TooManyItems", "Invalid parameter", f"items must hold 1 to {MAX_ITEMS} members", 400)

        def work(index: int, item: Any) -> Record:
            given: Record = item if isinstance(item, dict) else {"id": item, "external_id": item}
            if action == "create":
                current = None
            elif action.endswith("by_external_id"):
                current = self._holder("external_id", str(given.get("external_id") or ""))
            else:
                current = self.store.get(COLLECTION, str(given.get("id") or ""))
            if current is None and (action.startswith("delete") or action == "update"):
                raise Invalid({"base": [{"description": "Record not found", "error": "RecordNotFound"}]})
            if current is not None and action.startswith("delete"):
                self._remove(current)
                return {"index": index, "id": current["id"], "status": "Deleted"}
            record = self._write(current, {name: value for name, value in given.items() if name != "id"}, call.dropped)
            return {"index": index, "id": record["id"], "external_id": record["external_id"], "status": "Updated" if current else "Created"}

        return self.queue(call, action.split("_")[0].capitalize(), items, work)


def _with_size(call: Call) -> Request:
    return replace(call.request, query=(*call.request.query, ("page[size]", str(MAX_ITEMS))))


def _is_day(value: Any) -> bool:
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        return False
    return True


def show(row: Record, base: str) -> Record:
    shown = {name: value for name, value in row.items() if name[0] != "_"}
    return {"url": f"{base}/api/v2/custom_objects/{ASSET_KEY}/records/{row['id']}.json", **shown}


"""Writes to the org's rows: create, update, upsert by external id, delete, alone or as a collection.

Belongs here: what a write must satisfy and what it changes. Does not belong here: routes, headers and response status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, TypeVar

from sandbox.protocol import Record
from sandbox.salesforce.catalogue import Field, SObject
from sandbox.salesforce.org import INTEGRATION_USER, ApiError, Org
from sandbox.salesforce.rules import derive, follow, stamped
from sandbox.salesforce.soql import full_id

COLLECTION_LIMIT = 200
TYPE_CHUNKS = 10
_LONGEST_NUMBER = 18
Moment = TypeVar("Moment", date, datetime)


class ParseError(ApiError):
    """The body does not fit the object at all: the whole call fails, whatever its other records are."""

    def __init__(self, message: str, code: str = "JSON_PARSER_ERROR") -> None:
        super().__init__(400, code, message)


class AmbiguousError(ApiError):
    """An external id that several rows hold; the answer is the list of their addresses."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(300, "DUPLICATE_EXTERNAL_ID", f"external id matched {len(ids)} rows")
        self.ids = ids


@dataclass(frozen=True)
class Written:
    id: str
    created: bool


@dataclass(frozen=True)
class Planned:
    """A write that passed every check and is not done yet. `record` None: delete."""

    sobject: SObject
    id: str
    record: Record | None
    created: bool


# --- values --------------------------------------------------------------------------------------------------------------


def _label(item: Field) -> str:
    return item.name.removesuffix("__c").replace("_", " ")


def coerce(org: Org, item: Field, value: Any, *, from_csv: bool = False) -> Any:
    """The value as the org holds it. Raises `ParseError` for a wrong JSON type and `ApiError` for a value that a rule refuses."""
    if value is None or value == "":
        if item.required or item.type == "boolean":
            raise ApiError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{item.name}]", [item.name])
        return None
    if item.text:
        if not isinstance(value, str):
            raise _unreadable(item, value, from_csv)
        text = value.strip()
        if item.length and len(text.encode() if item.name == "CommentBody" else text) > item.length:  # comments are measured in bytes
            raise ApiError(
                400, "STRING_TOO_LONG", f"{_label(item)}: data value too large: {text[:80]} (max length={item.length})", [item.name]
            )
        if item.restricted and text not in item.values:
            raise ApiError(
                400,
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{_label(item)}: bad value for restricted picklist field: {text}",
                [item.name],
            )
        return text or None
    if item.type == "boolean":
        if from_csv and str(value).lower() in ("true", "false", "1", "0"):
            return str(value).lower() in ("true", "1")
        if not isinstance(value, bool):
            raise _unreadable(item, value, from_csv)
        return value
    if item.number:
        return _number(item, value, from_csv)
    if item.type == "date":
        return _moment(item, value, from_csv, date.fromisoformat).isoformat()
    if item.type == "datetime":
        moment = _moment(item, value, from_csv, lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    if item.type == "reference":
        return _reference(org, item, value)
    raise _unreadable(item, value, from_csv)


def _unreadable(item: Field, value: Any, from_csv: bool) -> ApiError:
    if from_csv:
        return ApiError(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{_label(item)}: value not of required type: {value}", [item.name])
    token = {str: "VALUE_STRING", bool: "VALUE_TRUE" if value else "VALUE_FALSE", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}.get(
        type(value), "START_OBJECT" if isinstance(value, dict) else "START_ARRAY"
    )
    return ParseError(f"Cannot deserialize instance of {item.type} from {token} value {value} or request may be missing a required field")


def _number(item: Field, value: Any, from_csv: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _unreadable(item, value, from_csv)
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation as problem:
        raise _unreadable(item, value, from_csv) from problem
    if not exact.is_finite() or (item.type == "int" and exact != exact.to_integral_value()):
        raise _unreadable(item, value, from_csv)
    if exact and exact.adjusted() >= _LONGEST_NUMBER - item.scale:
        raise ApiError(
            400, "NUMBER_OUTSIDE_VALID_RANGE", f"{_label(item)}: value outside of valid range on numeric field: {value}", [item.name]
        )
    if item.type == "int":
        return int(exact)
    return float(exact.quantize(Decimal(1).scaleb(-item.scale), ROUND_HALF_UP))


def _moment(item: Field, value: Any, from_csv: bool, parse: Callable[[str], Moment]) -> Moment:
    if not isinstance(value, str):
        raise _unreadable(item, value, from_csv)
    try:
        return parse(value)
    except ValueError as problem:
        raise _unreadable(item, value, from_csv) from problem


def _reference(org: Org, item: Field, value: Any) -> str:
    id = full_id(value) if isinstance(value, str) else None
    targets = [found for name in (item.target, *item.also) if (found := org.sobject(name)) is not None]
    target = next((found for found in targets if id is not None and id.startswith(found.prefix)), None)
    if id is None or target is None:
        raise ApiError(400, "MALFORMED_ID", f"{_label(item)}: id value of incorrect type: {value}", [item.name])
    row = org.row(target.name, id)
    if row is None:
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {value}", [])
    if row.get("IsDeleted"):
        raise ApiError(400, "ENTITY_IS_DELETED", "entity is deleted", [])
    return id


def _resolve_parent(org: Org, sobject: SObject, name: str, body: Any) -> tuple[Field, str] | None:
    """`"Account": {"ERP_Customer_Id__c": "C-1"}` names a parent by its external id."""
    link = sobject.relationship(name)
    target = org.sobject(link.target) if link is not None else None
    if link is None or target is None or not isinstance(body, dict):
        return None
    keys = {key: value for key, value in body.items() if key != "attributes"}
    if len(keys) != 1:
        raise ParseError("a related record is named by exactly one external id field", "INVALID_FIELD")
    ((key, value),) = keys.items()
    column = target.field(key)
    if column is None or not column.external_id:
        raise ParseError(f"{key} is not an External ID or indexed field for {target.name}", "INVALID_FIELD")
    ids = org.find_external(target.name, column.name, str(value))
    if not ids:
        raise ApiError(
            400, "INVALID_FIELD", f"Foreign key external ID: {value} not found for field {column.name} in entity {target.name}", []
        )
    if len(ids) > 1:
        raise ApiError(400, "INVALID_FIELD", f"Foreign key external ID: {value} matches more than one row of {target.name}", [])
    return link, ids[0]


def _values(org: Org, sobject: SObject, body: Record, *, creating: bool, from_csv: bool) -> Record:
    """The body's fields in canonical names, checked and coerced. Parse errors come before rule errors."""
    fields: list[tuple[Field, Any]] = []
    values: Record = {}
    rule_error: ApiError | None = None
    locked: list[str] = []
    for name, value in body.items():
        if name == "attributes":
            continue
        item = sobject.field(name)
        if item is None:
            try:
                parent = _resolve_parent(org, sobject, name, value)
            except ParseError:
                raise
            except ApiError as refused:
                rule_error = rule_error or refused
                continue
            if parent is None:
                raise ParseError(f"No such column '{name}' on sobject of type {sobject.name}", "INVALID_FIELD")
            values[parent[0].name] = parent[1]
            continue
        if not item.writable or (item.create_only and not creating):
            locked.append(item.name)
            continue
        fields.append((item, value))
    for item, value in fields:
        try:
            values[item.name] = coerce(org, item, value, from_csv=from_csv)
        except ParseError:
            raise
        except ApiError as refused:
            rule_error = rule_error or refused
    if locked:
        raise ApiError(
            400,
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {', '.join(locked)}. Please check the security settings of this field and verify that it is "
            "read/write for your profile or permission set.",
            locked,
        )
    if rule_error is not None:
        raise rule_error
    return values


# --- plans ---------------------------------------------------------------------------------------------------------------


def plan_create(org: Org, sobject: SObject, body: Record, *, from_csv: bool = False) -> Planned:
    if not sobject.createable:
        raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {sobject.name} does not support create", [])
    if any(name.lower() == "id" for name in body):
        raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
    given = _values(org, sobject, body, creating=True, from_csv=from_csv)
    defaults = {
        item.name: item.default if item.default is not None else False for item in sobject.fields.values() if item.type == "boolean"
    }
    defaults |= {item.name: item.default for item in sobject.fields.values() if item.default is not None}
    record: Record = {**defaults, **given}
    missing = [item.name for item in sobject.fields.values() if item.required and record.get(item.name) is None]
    if missing:
        raise ApiError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)
    if sobject.field("OwnerId") is not None:
        record.setdefault("OwnerId", INTEGRATION_USER)
    if sobject.field("CurrencyIsoCode") is not None and not record.get("CurrencyIsoCode"):
        record["CurrencyIsoCode"] = "USD"
    derive(org, sobject, record, None, given)
    id = org.new_id(sobject)
    return Planned(sobject, id, stamped(org, {"Id": id, **record}, creating=True), True)


def find(org: Org, sobject: SObject, id: Any) -> Record:
    """The live row of a 15- or 18-character id."""
    full = full_id(id) if isinstance(id, str) else None
    if full is None:
        raise ApiError(400, "MALFORMED_ID", f"malformed id {id}", ["Id"])
    row = org.row(sobject.name, full)
    if row is None:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    if row.get("IsDeleted"):
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
    return row


def plan_update(org: Org, sobject: SObject, id: Any, body: Record, *, from_csv: bool = False) -> Planned:
    if not sobject.updateable:
        raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {sobject.name} does not support update", [])
    given = _values(org, sobject, body, creating=False, from_csv=from_csv)
    before = find(org, sobject, id)
    record = {**before, **given}
    derive(org, sobject, record, before, given)
    return Planned(sobject, before["Id"], stamped(org, record, creating=False), False)


def external_field(sobject: SObject, name: str) -> Field:
    column = sobject.field(name)
    if column is None or not (column.external_id or column.type == "id"):
        raise ApiError(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + name)
    return column


def find_external(org: Org, sobject: SObject, column: Field, value: Any) -> str | None:
    """The id of the one live row that holds the value; None when no row does."""
    if column.type == "id":
        return str(find(org, sobject, value)["Id"])
    ids = org.find_external(sobject.name, column.name, str(value))
    if len(ids) > 1:
        raise AmbiguousError(ids)
    return ids[0] if ids else None


def plan_upsert(
    org: Org, sobject: SObject, column: Field, value: Any, body: Record, *, update_only: bool = False, from_csv: bool = False
) -> Planned:
    if value is None or value == "":
        raise ApiError(400, "MISSING_ARGUMENT", f"{column.name} not specified", [])
    id = find_external(org, sobject, column, value)
    if id is not None:
        return plan_update(org, sobject, id, body, from_csv=from_csv)
    if update_only:
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    return plan_create(org, sobject, {**body, column.name: str(value)}, from_csv=from_csv)


def plan_delete(org: Org, sobject: SObject, id: Any) -> Planned:
    if not sobject.deletable:
        raise ApiError(400, "INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {sobject.name} does not support delete", [])
    return Planned(sobject, find(org, sobject, id)["Id"], None, False)


def commit(org: Org, planned: Planned, *, hard: bool = False) -> Written:
    if planned.record is None:
        _delete(org, planned.sobject, planned.id, hard)
        return Written(planned.id, False)
    before = None if planned.created else org.row(planned.sobject.name, planned.id)
    asides = {key: planned.record[key] for key in ("Comments",) if planned.sobject.name == "Case" and planned.record.get(key)}
    record = {**planned.record, **dict.fromkeys(asides)}
    org.put(planned.sobject.name, record)
    follow(org, planned.sobject.name, before, record)
    if "Comments" in asides:
        comments = org.need_sobject("CaseComment")
        commit(org, plan_create(org, comments, {"ParentId": planned.id, "CommentBody": asides["Comments"]}))
    return Written(planned.id, planned.created)


def _delete(org: Org, sobject: SObject, id: str, hard: bool) -> None:
    row = org.row(sobject.name, id)
    if row is None or row.get("IsDeleted"):
        return
    org.put(sobject.name, stamped(org, {**row, "IsDeleted": True, **({"_purged": True} if hard else {})}, creating=False))
    for child in sobject.children:
        below = org.sobject(child.object)
        if child.cascade and below is not None:
            for held in [item["Id"] for item in list(org.store.collection(below.name).values()) if item.get(child.field) == id]:
                _delete(org, below, held, hard)


# --- collections ---------------------------------------------------------------------------------------------------------


def success(written: Written, *, with_created: bool = False) -> dict[str, Any]:
    return {"id": written.id, "success": True, "errors": [], **({"created": written.created} if with_created else {})}


def check_collection(records: Any) -> list[Record]:
    """The records of a collection request, refused as a whole when the request itself is wrong."""
    if not isinstance(records, list) or not records:
        raise ApiError(400, "INVALID_INPUT", "a collection request needs a list of records")
    if len(records) > COLLECTION_LIMIT:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {COLLECTION_LIMIT} records into this call")
    types = []
    for record in records:
        kind = record.get("attributes", {}).get("type") if isinstance(record, dict) and isinstance(record.get("attributes"), dict) else None
        if not isinstance(kind, str) or not kind:
            raise ApiError(400, "INVALID_INPUT", "every record of a collection needs attributes.type")
        types.append(kind.lower())
    chunks = 1 + sum(1 for one, two in zip(types, types[1:], strict=False) if one != two)
    if chunks > TYPE_CHUNKS:
        raise ApiError(
            400, "LIMIT_EXCEEDED", f"a collection may change its object type in at most {TYPE_CHUNKS} chunks, this one has {chunks}"
        )
    return records


def typed(org: Org, record: Record) -> SObject:
    name = record["attributes"]["type"]
    found = org.sobject(name)
    if found is None:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


def as_row_error(refused: ApiError) -> ApiError:
    """A row that does not exist is a missing resource on its own address, and a wrong reference inside a list."""
    if refused.code == "NOT_FOUND":
        return ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    return refused


def run_collection(
    org: Org, operation: str, records: Iterable[Any], *, all_or_none: bool, sobject: SObject | None = None, column: Field | None = None
) -> list[dict[str, Any]]:
    """Plan every record, then write: one result a record, in order. `operation` is insert, update, upsert or delete."""
    plans: list[Planned | ApiError] = []
    seen: set[str] = set()
    for record in records:
        try:
            planned = _plan_item(org, operation, record, sobject, column)
            made = planned.record or {}
            mark = str(made.get(column.name)).casefold() if planned.created and column is not None else planned.id
            if mark in seen:
                raise ApiError(400, "DUPLICATE_VALUE", f"duplicate id in list: {mark}", [])
            seen.add(mark)
            plans.append(planned)
        except ParseError:
            raise
        except ApiError as refused:
            plans.append(as_row_error(refused))
    failed = any(isinstance(plan, ApiError) for plan in plans)
    results: list[dict[str, Any]] = []
    for plan in plans:
        if isinstance(plan, ApiError):
            results.append({"success": False, "errors": [plan.item()]})
        elif failed and all_or_none:
            back = ApiError(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid (allOrNone)")
            results.append({**({} if plan.created else {"id": plan.id}), "success": False, "errors": [back.item()]})
        else:
            results.append(success(commit(org, plan), with_created=operation == "upsert"))
    return results


def _plan_item(org: Org, operation: str, record: Any, sobject: SObject | None, column: Field | None) -> Planned:
    if operation == "delete":
        full = full_id(str(record))
        target = org.catalogue.by_prefix(str(record)[:3])
        if full is None or target is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {record}", [])
        return plan_delete(org, target, full)
    target = typed(org, record)
    body = {key: value for key, value in record.items() if key != "attributes"}
    if operation == "insert":
        return plan_create(org, target, body)
    if operation == "update":
        id = next((body.pop(key) for key in list(body) if key.lower() == "id"), None)
        if id is None:
            raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
        return plan_update(org, target, id, body)
    if column is None or sobject is None or target.name != sobject.name:
        raise ApiError(400, "INVALID_TYPE", f"this upsert takes records of one type, not {target.name}", [])
    value = next((body.pop(key) for key in list(body) if key.lower() == column.name.lower()), None)
    try:
        return plan_upsert(org, target, column, value, body)
    except AmbiguousError as ambiguous:
        raise ApiError(400, "DUPLICATE_EXTERNAL_ID", ambiguous.message, [column.name]) from ambiguous

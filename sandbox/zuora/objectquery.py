"""The object query: filters, sort, cursor pages, columns and expansions over the tenant's records."""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from sandbox.protocol import Record, Request
from sandbox.zuora.answers import INTERNAL, INVALID, NOT_FOUND, QUERY, QUERY_FORMAT, Refusal
from sandbox.zuora.objects import KINDS, RELATIONS, Kind, Relation, pascal
from sandbox.zuora.tenant import Tenant

MOST_ROWS = 99
_DEFAULT_ROWS = 10
_PARAMS = frozenset({"pageSize", "cursor", "filter[]", "sort[]", "expand[]", "fields[]", "includeNullFields"})
_OPERATORS = frozenset({"EQ", "NE", "LT", "GT", "LE", "GE", "SW", "IN"})
_FILTER = re.compile(r"([A-Za-z0-9_]+)\.([A-Za-z]+):(.*)", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    field: str
    type: str
    operator: str
    value: Any  # parsed; a tuple for IN, None for null


def wrong_filter(text: str) -> Refusal:
    return Refusal(QUERY_FORMAT, f"Invalid filter parameter: {text}")


def parse_value(tenant: Tenant, kind: str, text: str) -> Any:
    """A filter's text as its field compares it. Raises ValueError where it is no value of the type."""
    if kind == "t":
        at = tenant.moment(text)
        if at is None:
            raise ValueError(text)
        return at.timestamp()
    if kind == "d":
        return date.fromisoformat(text).isoformat()
    if kind in ("n", "i"):
        try:
            return Decimal(text)
        except InvalidOperation:
            raise ValueError(text) from None
    if kind == "b":
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    return text


def shown_value(tenant: Tenant, kind: str, value: Any) -> Any:
    """A record's value as filters compare it."""
    if value is None:
        return None
    if kind == "t":
        at = tenant.moment(str(value))
        return at.timestamp() if at else None
    if kind in ("n", "i"):
        return Decimal(str(value))
    return value


def _conditions(tenant: Tenant, kind: Kind, texts: Sequence[str]) -> list[Condition]:
    fields = tenant.catalogue.fields(kind)
    by_lower = {name.lower(): name for name in fields}
    found = []
    for text in texts:
        match = _FILTER.fullmatch(text)
        name = by_lower.get(match[1].lower()) if match else None
        if match is None or name is None or match[2].upper() not in _OPERATORS:
            raise wrong_filter(match[1] if match else text)
        if name.lower() not in kind.filterable and not name.endswith("__c"):
            raise wrong_filter(match[1])
        operator, value = match[2].upper(), match[3]
        type = fields[name]
        if operator == "SW" and type != "s":
            raise wrong_filter(text)
        try:
            if operator == "IN":
                if not (value.startswith("[") and value.endswith("]")):
                    raise ValueError(value)
                parsed: Any = tuple(parse_value(tenant, type, part.strip()) for part in value[1:-1].split(",") if part.strip())
            elif value == "null":
                if operator not in ("EQ", "NE"):
                    raise ValueError(value)
                parsed = None
            else:
                parsed = parse_value(tenant, type, value)
        except ValueError:
            raise wrong_filter(text) from None
        found.append(Condition(name, type, operator, parsed))
    return found


def _holds(condition: Condition) -> Callable[[Any], bool]:
    wanted = condition.value
    tests: dict[str, Callable[[Any], bool]] = {
        "EQ": lambda value: bool(value == wanted), "NE": lambda value: bool(value != wanted),
        "LT": lambda value: value is not None and bool(value < wanted), "GT": lambda value: value is not None and bool(value > wanted),
        "LE": lambda value: value is not None and bool(value <= wanted), "GE": lambda value: value is not None and bool(value >= wanted),
        "SW": lambda value: isinstance(value, str) and value.startswith(wanted), "IN": lambda value: value in wanted,
    }
    return tests[condition.operator]


# ------------------------------------------------------------------ lists


def query(tenant: Tenant, kind: Kind, request: Request) -> Record:
    for name, _ in request.query:
        if name not in _PARAMS and not re.fullmatch(r"[A-Za-z.]+\.fields\[\]", name):
            raise Refusal(QUERY, f"Unknown query parameter: {name}")
    size = _page_size(request)
    filters = request.params("filter[]")
    if kind.needs_filter and not filters:
        raise Refusal(QUERY_FORMAT, f"A filter is required to query {kind.path}.")
    conditions = _conditions(tenant, kind, filters)
    field, descending = _sort(kind, request.params("sort[]"))
    after: tuple[Any, str] | None = None
    if (cursor := request.param("cursor")) is not None:
        field, descending, after = _place(tenant, kind, cursor, (field, descending) if request.params("sort[]") else None)
    expansions, shown = _expansions(kind, request.params("expand[]")), _columns(tenant, kind, request)
    with_nulls = request.param("includeNullFields") == "true"
    rows: list[Record] = []
    for record in _found(tenant, kind, conditions, field, descending, after):
        rows.append(record)
        if len(rows) > size:
            break
    more = len(rows) > size
    rows = rows[:size]
    answer: Record = {"data": [_rendered(tenant, kind, row, expansions, shown, with_nulls, size) for row in rows]}
    if more:
        answer["nextPage"] = _cursor(kind, field, descending, rows[-1])
    return answer


def one(tenant: Tenant, kind: Kind, key: str, request: Request) -> Record:
    record = tenant.find(kind.path, key)
    if record is None:
        raise Refusal(NOT_FOUND, f"Cannot find entity by key: '{key}'.", status=404)
    for name, _ in request.query:
        if name not in ("expand[]", "fields[]", "includeNullFields") and not name.endswith(".fields[]"):
            raise Refusal(QUERY, f"Unknown query parameter: {name}")
    return _rendered(tenant, kind, record, _expansions(kind, request.params("expand[]")), _columns(tenant, kind, request),
                     request.param("includeNullFields") == "true", MOST_ROWS)


def _page_size(request: Request) -> int:
    text = request.param("pageSize")
    if text is None:
        return _DEFAULT_ROWS
    if not text.isdigit() or not 1 <= int(text) <= MOST_ROWS:
        raise Refusal(INTERNAL, f"pageSize must be between 1 and {MOST_ROWS}.", status=400)
    return int(text)


def _sort(kind: Kind, texts: Sequence[str]) -> tuple[str, bool]:
    if not texts:
        return "updatedDate", True
    if len(texts) > 1:
        raise Refusal(QUERY_FORMAT, "Only one sort field is supported.")
    name, _, order = texts[0].partition(".")
    lower = name.lower()
    if lower not in kind.filterable or lower not in kind.lower or order.upper() not in ("ASC", "DESC"):
        raise Refusal(QUERY_FORMAT, f"Invalid sort parameter: {texts[0]}")
    return kind.lower[lower], order.upper() == "DESC"


def _found(
    tenant: Tenant, kind: Kind, conditions: Sequence[Condition], field: str, descending: bool, after: tuple[Any, str] | None,
) -> Iterator[Record]:
    """Records that fit, in order, behind `after` (sort value and id)."""
    checks = [(condition, _holds(condition)) for condition in conditions]

    def fits(record: Record) -> bool:
        return all(check(shown_value(tenant, condition.type, record.get(condition.field))) for condition, check in checks)

    narrow = next((condition for condition in conditions if condition.operator in ("EQ", "IN") and condition.type == "s"), None)
    if narrow is not None or field != "updatedDate":
        if narrow is not None and narrow.field == "id":
            wanted = narrow.value if narrow.operator == "IN" else (narrow.value,)
            pool = [row for id in wanted if not tenant.is_hidden(id or "") and (row := tenant.get(kind.path, id)) is not None]
        elif narrow is not None:
            values = dict.fromkeys(narrow.value) if narrow.operator == "IN" else (narrow.value,)
            pool = [row for value in values for row in tenant.rows_by(kind.path, narrow.field, value)]
        else:
            pool = list(tenant.records(kind.path))
        type = tenant.catalogue.fields(kind)[field]

        def place(record: Record) -> tuple[bool, Any, str]:
            value = shown_value(tenant, type, record.get(field))
            return value is not None, value if value is not None else 0, record["id"]

        for record in sorted((row for row in pool if fits(row)), key=place, reverse=descending):
            if after is not None:
                mine, theirs = place(record), (after[0] is not None, after[0] if after[0] is not None else 0, after[1])
                if (mine >= theirs) if descending else (mine <= theirs):
                    continue
            yield record
        return
    order = tenant.by_change(kind.path)
    low, high = 0, len(order)
    for condition, _ in checks:
        if condition.field == "updatedDate" and condition.value is not None:
            if condition.operator in ("GE", "GT"):
                low = max(low, bisect_left(order, (condition.value, "")) if condition.operator == "GE" else
                          bisect_right(order, (condition.value, "~")))
            elif condition.operator in ("LE", "LT"):
                high = min(high, bisect_right(order, (condition.value, "~")) if condition.operator == "LE" else
                           bisect_left(order, (condition.value, "")))
    if after is not None:
        if descending:
            high = min(high, bisect_left(order, after))
        else:
            low = max(low, bisect_right(order, after))
    bounded = all(condition.field == "updatedDate" and condition.operator in ("GE", "GT", "LE", "LT") for condition in conditions)
    for at in range(high - 1, low - 1, -1) if descending else range(low, high):
        record_there = tenant.get(kind.path, order[at][1])
        if record_there is not None and (bounded or fits(record_there)):
            yield record_there


def _cursor(kind: Kind, field: str, descending: bool, last: Record) -> str:
    order = "DESC" if descending else "ASC"
    place = [{"value": last.get(field), "orderBy": {"field": pascal(field), "order": order}}]
    if field != "id":
        place.append({"value": last["id"], "orderBy": {"field": "Id", "order": order}})
    return base64.b64encode(orjson.dumps(place)).decode()


def _place(tenant: Tenant, kind: Kind, cursor: str, asked: tuple[str, bool] | None) -> tuple[str, bool, tuple[Any, str]]:
    try:
        place = orjson.loads(base64.b64decode(cursor.replace(" ", "+"), validate=True))
        field = kind.lower[place[0]["orderBy"]["field"].lower()]
        descending = place[0]["orderBy"]["order"] == "DESC"
        value = shown_value(tenant, kind.fields[field], place[0]["value"])
        id = str(place[-1]["value"])
    except (binascii.Error, ValueError, KeyError, TypeError, IndexError):
        raise Refusal(INVALID, "The cursor is invalid.", status=400) from None
    if asked is not None and asked != (field, descending):
        raise Refusal(INVALID, "The cursor does not belong to this sort.", status=400)
    return field, descending, (value, id)


# ------------------------------------------------------------------ columns and expansions


def _expansions(kind: Kind, texts: Sequence[str]) -> dict[str, Any]:
    """Nested: relation name -> its own expansions."""
    tree: dict[str, Any] = {}
    for text in (part.strip() for given in texts for part in given.split(",")):
        if text.lower() not in kind.expandable:
            raise Refusal(QUERY_FORMAT, f"Invalid expand parameter: {text}")
        branch = tree
        for step in text.lower().split("."):
            branch = branch.setdefault(step, {})
    return tree


def _columns(tenant: Tenant, kind: Kind, request: Request) -> dict[str, frozenset[str]]:
    """Dotted lower-case relation ("" for the object itself) -> columns to show, in lower case."""
    found: dict[str, frozenset[str]] = {}
    known = {name.lower() for name in tenant.catalogue.fields(kind)}
    for name, value in request.query:
        if name == "fields[]" or name.endswith(".fields[]"):
            where = name.removesuffix("fields[]").rstrip(".").lower()
            names = frozenset(part.strip().lower() for part in value.split(",") if part.strip())
            if not where and (unknown := names - known):
                raise Refusal(QUERY_FORMAT, f"Invalid fields parameter: {', '.join(sorted(unknown))}")
            found[where] = found.get(where, frozenset()) | names
    return found


def _rendered(
    tenant: Tenant, kind: Kind, record: Record, expansions: dict[str, Any], shown: dict[str, frozenset[str]], with_nulls: bool, size: int,
    where: str = "",
) -> Record:
    whole = record
    if where in shown:
        record = {name: value for name, value in record.items() if name.lower() in shown[where]}
    if with_nulls:
        fields = tenant.catalogue.fields(kind)
        names = [name for name in fields if where not in shown or name.lower() in shown[where]]
        record = {**dict.fromkeys(names), **record}
    if not expansions:
        return record
    result = dict(record)
    for name, inner in expansions.items():
        relation: Relation = RELATIONS[kind.path][name]
        target, path = KINDS[relation.kind], f"{where}.{name}".lstrip(".")
        source = whole.get(relation.here)
        if relation.many:
            rows = tenant.rows_by(relation.kind, relation.there, source)[:size] if relation.there in target.fields else []
            result[relation.name] = [_rendered(tenant, target, row, inner, shown, with_nulls, size, path) for row in rows]
        else:
            found = tenant.get(relation.kind, source)
            if found is not None:
                result[relation.name] = _rendered(tenant, target, found, inner, shown, with_nulls, size, path)
    return result

"""The meaning of a SOQL query: a plan checked against the object catalogue, and the rows that it finds.

Belongs here: resolving names, comparing values, order, limits, aggregates. Does not belong here: the syntax, paging, HTTP, CSV.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from sandbox.protocol import Record
from sandbox.salesforce.catalogue import Field, SObject
from sandbox.salesforce.soql import (
    Aggregate,
    Column,
    Comparison,
    Condition,
    FieldsFunction,
    Literal,
    Logic,
    Query,
    SoqlError,
    full_id,
    malformed,
)

MAX_FIELDS_FUNCTION = 200


class Rows(Protocol):
    """Where a plan finds objects and rows."""

    def sobject(self, name: str) -> SObject | None: ...

    def rows(self, name: str, *, deleted: bool) -> tuple[Sequence[Record], Sequence[Record]]:
        """The rows that a query returns, and those that it withholds although they count."""
        ...

    def readable(self, row: Record, *, deleted: bool) -> bool:
        """False for a deleted row, and with `deleted` for one that has left the recycle bin."""
        ...

    def row(self, name: str, id: str) -> Record | None: ...

    def now(self) -> datetime: ...


# --- plan ----------------------------------------------------------------------------------------------------------------

Getter = Callable[[Record], Any]
Predicate = Callable[[Record], bool]


@dataclass
class Shape:
    """What the answer's records hold, in the order of the SELECT list."""

    sobject: SObject
    fields: list[tuple[str, Field]] = field(default_factory=list)
    parents: dict[str, tuple[Field, Shape]] = field(default_factory=dict)
    children: dict[str, Plan] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)  # ("field"|"parent"|"child", name)


@dataclass(frozen=True)
class Selected:
    """One selected column as a flat list: its name as written in canonical case, its field, its getter."""

    name: str
    field: Field
    get: Getter


@dataclass
class Plan:
    query: Query
    sobject: SObject
    shape: Shape
    columns: list[Selected]
    where: Predicate | None
    ids: list[str] | None  # rows that can match when the filter pins Id
    order: list[tuple[Getter, bool, bool]]
    aggregates: list[tuple[str, str, Getter | None]]  # key in the answer, function, getter
    group: list[tuple[str, Getter]]
    child_key: str = ""

    @property
    def is_aggregate(self) -> bool:
        return bool(self.aggregates or self.group)


@dataclass(frozen=True)
class Result:
    rows: list[Record]
    total: int  # what the vendor says there is; more than the rows when it withholds some


class Planner:
    """Checks a query against the catalogue and turns it into something that runs."""

    def __init__(self, source: Rows) -> None:
        self.source = source

    def plan(self, query: Query, *, parent: SObject | None = None) -> Plan:
        child_key = ""
        if parent is None:
            sobject = self.source.sobject(query.source)
            if sobject is None:
                raise SoqlError(
                    "INVALID_TYPE",
                    f"\n{query.text[:80]}\n^\nERROR at Row:1:Column:1\nsObject type '{query.source}' is not supported. If you are attempting to use "
                    "a custom object, be sure to append the '__c' after the entity name.",
                )
        else:
            child = next((item for item in parent.children if item.relationship.lower() == query.source.lower()), None)
            found = self.source.sobject(child.object) if child else None
            if child is None or found is None:
                raise SoqlError("INVALID_TYPE", f"Didn't understand relationship '{query.source}' in FROM part of query call.")
            sobject, child_key = found, child.field
        self._check_shape(query, parent)
        shape = Shape(sobject)
        columns: list[Selected] = []
        aggregates: list[tuple[str, str, Getter | None]] = []
        for item in query.select:
            if isinstance(item, Query):
                self._add_child(shape, item)
            elif isinstance(item, Aggregate):
                aggregates.append(self._aggregate(query, sobject, item, len(aggregates)))
            elif isinstance(item, FieldsFunction):
                for one in sobject.fields.values():
                    if item.kind == "all" or one.custom == (item.kind == "custom"):
                        self._add(query, shape, columns, Column((one.name,)))
            else:
                self._add(query, shape, columns, item)
        group = [(self._names(query, sobject, item)[-1], self.getter(query, sobject, item)[1]) for item in query.group]
        grouped = {name for name, _ in group}
        if aggregates or group:
            loose = [item.name for item in columns if item.name.split(".")[-1] not in grouped]
            if loose:
                raise malformed(f"Field must be grouped or aggregated: {loose[0]}")
        order = []
        for item in query.order:
            target, get = self.getter(query, sobject, item.column)
            if not target.filterable:
                raise SoqlError("INVALID_FIELD", f"field '{target.name}' can not be sorted in a query call")
            order.append((_folded(get) if target.text else get, item.descending, item.nulls_first))
        where = self.predicate(query, sobject, query.where) if query.where is not None else None
        return Plan(query, sobject, shape, columns, where, self._pinned(query), order, aggregates, group, child_key)

    def _check_shape(self, query: Query, parent: SObject | None) -> None:
        if parent is not None and (query.count or any(isinstance(item, (Query, Aggregate)) for item in query.select)):
            raise malformed("only root queries support aggregate expressions and nested subqueries")
        wide = [item for item in query.select if isinstance(item, FieldsFunction) and item.kind != "standard"]
        if wide and (query.limit is None or query.limit > MAX_FIELDS_FUNCTION):
            raise malformed(f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_FUNCTION}")
        if query.count and query.group:
            raise malformed("Grouped query cannot use COUNT() alone")

    def _add_child(self, shape: Shape, query: Query) -> None:
        plan = self.plan(query, parent=shape.sobject)
        name = next(item.relationship for item in shape.sobject.children if item.relationship.lower() == query.source.lower())
        shape.children[name] = plan
        shape.order.append(("child", name))

    def _add(self, query: Query, shape: Shape, columns: list[Selected], column: Column) -> None:
        names = self._names(query, shape.sobject, column)
        label = ".".join(names)
        target, get = self.getter(query, shape.sobject, column)
        if any(item.name == label for item in columns):
            raise SoqlError("INVALID_FIELD", f"duplicate field selected: {label}")
        columns.append(Selected(label, target, get))
        here = shape
        for name in names[:-1]:
            if name not in here.parents:
                link = here.sobject.relationship(name)
                goal = self.source.sobject(link.target) if link else None
                if link is None or goal is None:
                    raise SoqlError("INVALID_FIELD", f"Didn't understand relationship '{name}' in field path.")
                here.parents[name] = (link, Shape(goal))
                here.order.append(("parent", name))
            here = here.parents[name][1]
        here.fields.append((target.name, target))
        here.order.append(("field", target.name))

    def _aggregate(self, query: Query, sobject: SObject, item: Aggregate, number: int) -> tuple[str, str, Getter | None]:
        if item.column is None:
            raise malformed("an aggregate needs a field")
        target, get = self.getter(query, sobject, item.column)
        if item.function in ("sum", "avg") and not target.number:
            raise malformed(f"field {target.name} does not support aggregate operator {item.function.upper()}")
        return item.alias or f"expr{number}", item.function, get

    def _names(self, query: Query, sobject: SObject, column: Column) -> list[str]:
        """The column's path in canonical case, without the object's alias."""
        path = list(column.path)
        if (
            len(path) > 1
            and path[0].lower() in (query.alias.lower(), query.source.lower(), sobject.name.lower())
            and (sobject.relationship(path[0]) is None)
        ):
            path = path[1:]
        if len(path) > 6:
            raise SoqlError("INVALID_FIELD", "a relationship path may have at most 5 levels")
        here = sobject
        names: list[str] = []
        for name in path[:-1]:
            link = here.relationship(name)
            goal = self.source.sobject(link.target) if link else None
            if link is None or goal is None:
                raise SoqlError(
                    "INVALID_FIELD",
                    f"\n{query.text[:80]}\n^\nERROR at Row:1:Column:{column.at + 1}\nDidn't understand relationship '{name}' in field path. If you are "
                    "attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name.",
                )
            names.append(link.relationship)
            here = goal
        target = here.field(path[-1])
        if target is None:
            raise SoqlError(
                "INVALID_FIELD",
                f"\n{query.text[:80]}\n^\nERROR at Row:1:Column:{column.at + 1}\nNo such column '{path[-1]}' on entity '{here.name}'. If you are attempting "
                "to use a custom field, be sure to append the '__c' after the custom field name.",
            )
        return [*names, target.name]

    def getter(self, query: Query, sobject: SObject, column: Column) -> tuple[Field, Getter]:
        names = self._names(query, sobject, column)
        hops: list[tuple[str, str]] = []
        here = sobject
        for name in names[:-1]:
            link = here.relationship(name)
            goal = self.source.sobject(link.target) if link else None
            if link is None or goal is None:  # _names has refused these
                raise SoqlError("INVALID_FIELD", f"Didn't understand relationship '{name}' in field path.")
            hops.append((link.name, goal.name))
            here = goal
        target = here.fields[names[-1].lower()]
        last = field_getter(target)
        if not hops:
            return target, last

        def follow(row: Record) -> Any:
            at: Record | None = row
            for key, name in hops:
                linked = at.get(key) if at is not None else None
                at = self.source.row(name, linked) if linked else None
            return last(at) if at is not None else None

        return target, follow

    def _pinned(self, query: Query) -> list[str] | None:
        """The ids named by `Id = x` or `Id IN (...)` at the top of the filter, so that such a query touches no other row."""
        terms: Iterable[Condition] = ()
        if isinstance(query.where, Comparison):
            terms = (query.where,)
        elif isinstance(query.where, Logic) and query.where.operator == "and":
            terms = query.where.terms
        for term in terms:
            is_list = isinstance(term, Comparison) and term.operator in ("=", "in") and term.subquery is None
            if isinstance(term, Comparison) and is_list and [part.lower() for part in term.column.path] == ["id"]:
                return [found for value in term.values if value.kind == "string" and (found := full_id(value.value))]
        return None

    def predicate(self, query: Query, sobject: SObject, condition: Condition) -> Predicate:
        if isinstance(condition, Logic):
            tests = [self.predicate(query, sobject, term) for term in condition.terms]
            if condition.operator == "not":
                inner = tests[0]
                return lambda row: not inner(row)
            if condition.operator == "and":
                return lambda row: all(test(row) for test in tests)
            return lambda row: any(test(row) for test in tests)
        target, get = self.getter(query, sobject, condition.column)
        if not target.filterable:
            raise SoqlError("INVALID_FIELD", f"field '{target.name}' can not be filtered in a query call")
        if condition.subquery is not None:
            return self._semi_join(condition, target, get)
        if condition.operator == "like":
            return _like(target, get, condition.values[0])
        if condition.operator in ("in", "not in"):
            wanted = {_comparable(target, value) for value in condition.values}
            reading = _folded(get) if target.text else get
            if condition.operator == "in":
                return lambda row: reading(row) in wanted
            return lambda row: reading(row) not in wanted
        return _compare(target, get, condition.operator, condition.values[0])

    def _semi_join(self, condition: Comparison, target: Field, get: Getter) -> Predicate:
        inner = condition.subquery
        if inner is None or target.type not in ("id", "reference"):
            raise malformed(f"semi join on '{target.name}' is not supported")
        if len(inner.select) != 1 or not isinstance(inner.select[0], Column) or inner.order or inner.limit is not None:
            raise malformed("a semi join sub-select has exactly one field, no ORDER BY and no LIMIT")
        plan = self.plan(inner)
        read = plan.columns[0].get
        found = {read(row) for row in run(plan, self.source, deleted=False).rows}
        if condition.operator == "in":
            return lambda row: get(row) in found
        return lambda row: get(row) not in found


def field_getter(item: Field) -> Getter:
    if item.type == "address":
        stem = item.name.removesuffix("Address")

        def address(row: Record) -> dict[str, Any] | None:
            parts = {
                "city": row.get(f"{stem}City"),
                "country": row.get(f"{stem}Country"),
                "geocodeAccuracy": None,
                "latitude": row.get(f"{stem}Latitude"),
                "longitude": row.get(f"{stem}Longitude"),
                "postalCode": row.get(f"{stem}PostalCode"),
                "state": row.get(f"{stem}State"),
                "street": row.get(f"{stem}Street"),
            }
            return parts if any(value is not None for value in parts.values()) else None

        return address
    name = item.name
    return lambda row: row.get(name)


def _folded(get: Getter) -> Getter:
    """Text compares without regard to case."""

    def fold(row: Record) -> Any:
        value = get(row)
        return value.casefold() if isinstance(value, str) else value

    return fold


def _wrong_type(target: Field, quoted: bool) -> SoqlError:
    rest = "should be enclosed in quotes" if not quoted else "should not be enclosed in quotes"
    kind = "dateTime" if target.type == "datetime" else target.type
    return SoqlError("INVALID_FIELD", f"value of filter criterion for field '{target.name}' must be of type {kind} and {rest}")


def _comparable(target: Field, value: Literal) -> Any:
    """The literal as the field holds it, in the form that equality compares."""
    if value.kind == "null":
        return None
    if value.kind == "range":
        raise malformed(f"date range literals are not allowed in a list for field '{target.name}'")
    if target.type in ("id", "reference"):
        found = full_id(value.value) if value.kind == "string" else None
        if value.kind != "string":
            raise _wrong_type(target, False)
        if found is None:
            raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.value}")
        return found
    if target.text:
        if value.kind != "string":
            raise _wrong_type(target, False)
        return value.value.casefold()
    expected = "boolean" if target.type == "boolean" else "number" if target.number else target.type
    if value.kind != expected:
        raise _wrong_type(target, value.kind == "string")
    return value.value


def _like(target: Field, get: Getter, value: Literal) -> Predicate:
    if not target.text:
        raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {target.type} field '{target.name}'")
    pattern = ""
    at = 0
    while at < len(value.like):
        char = value.like[at]
        if char == "\\" and at + 1 < len(value.like):
            at += 1
            pattern += re.escape(value.like[at])
        else:
            pattern += ".*" if char == "%" else "." if char == "_" else re.escape(char)
        at += 1
    matcher = re.compile(pattern, re.I | re.S)
    return lambda row: (text := get(row)) is not None and matcher.fullmatch(str(text)) is not None


def _compare(target: Field, get: Getter, operator: str, value: Literal) -> Predicate:
    if value.kind == "range":
        return _in_range(target, get, operator, value.value)
    wanted = _comparable(target, value)
    reading = _folded(get) if target.text else get
    if operator == "=":
        return lambda row: reading(row) == wanted
    if operator == "!=":
        return lambda row: reading(row) != wanted
    if wanted is None:
        raise malformed(f"null is only compared with = and != (field '{target.name}')")
    if target.type in ("id", "reference", "boolean") and target.type != "id":
        raise SoqlError("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {target.type} field '{target.name}'")
    kind = type(wanted)

    def ordered(row: Record) -> Any:
        """None when the row's value cannot be put in order with the literal (null, or of another type)."""
        found = reading(row)
        if kind is float:
            return found if isinstance(found, (int, float)) and not isinstance(found, bool) else None
        return found if isinstance(found, kind) else None

    if operator == "<":
        return lambda row: (found := ordered(row)) is not None and found < wanted
    if operator == "<=":
        return lambda row: (found := ordered(row)) is not None and found <= wanted
    if operator == ">":
        return lambda row: (found := ordered(row)) is not None and found > wanted
    return lambda row: (found := ordered(row)) is not None and found >= wanted


def _in_range(target: Field, get: Getter, operator: str, limits: tuple[date, date]) -> Predicate:
    if target.type not in ("date", "datetime"):
        raise _wrong_type(target, False)
    low, high = (limit.isoformat() if target.type == "date" else f"{limit.isoformat()}T00:00:00.000+0000" for limit in limits)
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda value: low <= value < high,
        "!=": lambda value: not low <= value < high,
        "<": lambda value: value < low,
        "<=": lambda value: value < high,
        ">": lambda value: value >= high,
        ">=": lambda value: value >= low,
    }
    test = tests[operator]
    return lambda row: (text := get(row)) is not None and test(text)


# --- running -------------------------------------------------------------------------------------------------------------


def _matching(plan: Plan, candidates: Iterable[Record]) -> list[Record]:
    where = plan.where
    return list(candidates) if where is None else [row for row in candidates if where(row)]


def _sorted(plan: Plan, rows: list[Record]) -> list[Record]:
    for get, descending, nulls_first in reversed(plan.order):
        empty = [row for row in rows if get(row) is None]
        full = [row for row in rows if get(row) is not None] if empty else rows
        try:
            full = sorted(full, key=get, reverse=descending)
        except TypeError:  # a column whose values are of several types, after a change of the field's type
            full = sorted(full, key=lambda row, get=get: str(get(row)), reverse=descending)  # type: ignore[misc]
        rows = [*empty, *full] if nulls_first else [*full, *empty]
    return rows


def run(plan: Plan, source: Rows, *, deleted: bool) -> Result:
    """The rows of a plan in order, LIMIT and OFFSET applied, and the total that the vendor reports for them."""
    name = plan.sobject.name
    query = plan.query
    if plan.ids is not None:
        known = [
            row for id in dict.fromkeys(plan.ids) if (row := source.row(name, id)) is not None and source.readable(row, deleted=deleted)
        ]
        visible: Sequence[Record] = [row for row in known if not row.get("_hidden")]
        withheld: Sequence[Record] = [row for row in known if row.get("_hidden")]
    else:
        visible, withheld = source.rows(name, deleted=deleted)
    rows = _matching(plan, visible)
    kept_back = _matching(plan, withheld)
    total = len(rows) + len(kept_back)
    if plan.is_aggregate:
        return Result([*rows, *kept_back], total)
    if query.count:
        start = min(query.offset or 0, total)
        counted = total - start
        return Result([], counted if query.limit is None else min(counted, query.limit))
    if plan.order:
        rows = _sorted(plan, rows)
    if query.offset:
        rows, total = rows[query.offset :], max(0, total - query.offset)
    if query.limit is not None:
        rows, total = rows[: query.limit], min(total, query.limit)
    return Result(rows, total)


def aggregate(plan: Plan, rows: list[Record]) -> list[dict[str, Any]]:
    """The records of an aggregate query, one a group."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        groups.setdefault(tuple(get(row) for _, get in plan.group), []).append(row)
    if not plan.group and not groups:
        groups[()] = []
    answers = []
    for key, members in groups.items():
        record: dict[str, Any] = {"attributes": {"type": "AggregateResult"}}
        record.update(dict(zip((name for name, _ in plan.group), key, strict=True)))
        for name, function, get in plan.aggregates:
            values = [value for row in members if get is not None and (value := get(row)) is not None]
            record[name] = _reduce(function, values)
        answers.append(record)
    return answers


def _reduce(function: str, values: list[Any]) -> Any:
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len(set(values))
    if not values:
        return None
    if function == "sum":
        return float(sum(values))
    if function == "avg":
        return float(sum(values)) / len(values)
    return min(values) if function == "min" else max(values)

"""Encoded queries: read, held against records, and answered from an instance's orders without going through a whole table.

A condition that names no column of the table is dropped without a word, as the vendor does; `invalid` says that it happened.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from sandbox.protocol import Record
from sandbox.servicenow.catalogue import NUMBER_KINDS, TABLES, Column, classes
from sandbox.servicenow.instance import Instance, Order, number

Test = Callable[[Record], bool]

_OPERATORS = (
    "ISNOTEMPTY", "ISEMPTY", "EMPTYSTRING", "ANYTHING", "STARTSWITH", "ENDSWITH", "NOT LIKE", "NOTLIKE", "NOT IN", "DOES NOT CONTAIN",
    "CONTAINS", "BETWEEN", "NSAMEAS", "SAMEAS", "NOTON", "LIKE", "IN", "ON", "!=", ">=", "<=", "!*", "=", ">", "<", "*", "%",
)
_CONDITION = re.compile(rf"([a-z][a-z0-9_.]*)({'|'.join(map(re.escape, _OPERATORS))})(.*)", re.DOTALL)
_SEPARATOR = re.compile(r"(?<!\^)\^(?!\^)")
_GENERATED = re.compile(r"javascript:\s*gs\.dateGenerate\(\s*'([^']*)'\s*,\s*'([^']*)'\s*\)")
_AGO = re.compile(r"javascript:\s*gs\.(days|hours|minutes)Ago(Start|End)?\((\d+)\)")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?")
_RANGE_OPERATORS = frozenset({"=", ">", ">=", "<", "<=", "BETWEEN"})
_SCANNED = 5_000  # records gone through one by one before positions are kept for the next page


@dataclass(frozen=True)
class Condition:
    column: str
    operator: str
    value: str


@dataclass(frozen=True)
class Query:
    """Branches are alternatives (`^NQ`), groups of a branch all hold, of a group's conditions (`^OR`) at least one."""

    branches: tuple[tuple[tuple[Condition, ...], ...], ...]
    order: Order = ()
    invalid: tuple[str, ...] = ()


@dataclass
class Selection:
    """What a query finds: parts of an ordered table, one after the other."""

    rows: list[Record]
    parts: list[Sequence[int]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(map(len, self.parts))

    def slice(self, offset: int, limit: int) -> list[Record]:
        found: list[Record] = []
        for part in self.parts:
            if offset >= len(part):
                offset -= len(part)
                continue
            some = part[offset : offset + limit - len(found)]
            found += self.rows[some.start : some.stop] if isinstance(some, range) else [self.rows[place] for place in some]
            offset = 0
            if len(found) >= limit:
                break
        return found

    def all(self) -> list[Record]:
        return self.slice(0, self.total)


def parse(instance: Instance, table: str, encoded: str, zone: str = "GMT") -> Query:
    """Read an encoded query. What does not name a column or an operator is left out and told in `invalid`."""
    branches: list[list[list[Condition]]] = [[]]
    order: list[tuple[str, bool]] = []
    invalid: list[str] = []
    for token in _SEPARATOR.split(encoded):
        token = token.replace("^^", "^")
        if not token or token == "EQ" or token.startswith("GROUPBY"):
            continue
        if token.startswith("ORDERBY"):
            descending = token.startswith("ORDERBYDESC")
            name = token.removeprefix("ORDERBYDESC" if descending else "ORDERBY")
            if _column(instance, table, name) is not None:
                order.append((name, descending))
            else:
                invalid.append(token)
            continue
        joins = ""
        if token.startswith("NQ"):
            branches.append([])
            token = token[2:]
            if not token:
                continue
        elif token.startswith("OR"):
            joins, token = "OR", token[2:]
        condition = _condition(instance, table, token, zone)
        if condition is None:
            invalid.append(token)
            if not joins:
                branches[-1].append([])  # an OR behind it still belongs to it
        elif joins and branches[-1]:
            branches[-1][-1].append(condition)
        else:
            branches[-1].append([condition])
    frozen = tuple(tuple(tuple(group) for group in branch if group) for branch in branches)
    return Query(frozen, tuple(order), tuple(invalid))


def _condition(instance: Instance, table: str, token: str, zone: str) -> Condition | None:
    matched = _CONDITION.fullmatch(token)
    if matched is None:
        return None
    name, operator, value = matched.groups()
    column = _column(instance, table, name)
    if column is None:
        return None
    operator = {"NOTLIKE": "NOT LIKE", "DOES NOT CONTAIN": "NOT LIKE", "!*": "NOT LIKE", "CONTAINS": "LIKE", "*": "LIKE", "%": "ENDSWITH",
                "EMPTYSTRING": "ISEMPTY"}.get(operator, operator)
    if operator in ("SAMEAS", "NSAMEAS"):
        return Condition(name, operator, value) if _column(instance, table, value) is not None else None
    resolved: list[str] = []
    separator = "," if operator in ("IN", "NOT IN") else "@" if operator in ("BETWEEN", "ON", "NOTON") else None
    for part in value.split(separator) if separator else [value]:
        literal = _literal(instance, column, part, zone)
        if literal is None:
            return None
        resolved.append(literal)
    if operator in ("ON", "NOTON") and len(resolved) == 3:
        resolved = resolved[1:]
    if operator == "BETWEEN" and len(resolved) != 2:
        return None
    return Condition(name, operator, (separator or "").join(resolved) if separator else resolved[0])


def _literal(instance: Instance, column: Column, value: str, zone: str) -> str | None:
    """A value as it is stored: scripts worked out, a time of the user's zone in UTC. None for a script that is not known."""
    value = value.strip() if column.kind in ("glide_date_time", "glide_date") else value
    if value.startswith("javascript:"):
        if generated := _GENERATED.fullmatch(value):
            value = f"{generated[1]} {'00:00:00' if generated[2] == 'start' else '23:59:59' if generated[2] == 'end' else generated[2]}"
        elif "gs.getUserID()" in value:
            return instance.integration_id
        elif "gs.getUserName()" in value:
            return instance.integration_login
        else:
            return _moment(instance, value)
    if zone not in ("GMT", "UTC") and column.kind == "glide_date_time" and _DATE_TIME.fullmatch(value):
        local = datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone))
        return local.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M:%S")
    return value


def _moment(instance: Instance, script: str) -> str | None:
    now = instance.clock.now().replace(tzinfo=None, microsecond=0)
    today = now.replace(hour=0, minute=0, second=0)
    if ago := _AGO.fullmatch(script):
        at = (today if ago[1] == "days" and ago[2] else now) - timedelta(**{ago[1]: int(ago[3])})
        at = at + timedelta(days=1, seconds=-1) if ago[2] == "End" and ago[1] == "days" else at
    elif "gs.beginningOfToday()" in script:
        at = today
    elif "gs.endOfToday()" in script:
        at = today + timedelta(days=1, seconds=-1)
    elif "gs.nowDateTime()" in script or "gs.now()" in script:
        at = now
    else:
        return None
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _column(instance: Instance, table: str, name: str) -> Column | None:
    """The column at the end of a path of references; None where a step is none."""
    *steps, last = name.split(".")
    for step in steps:
        column = instance.columns(table).get(step)
        if column is None or column.reference not in TABLES:
            return None
        table = column.reference
    return instance.columns(table).get(last)


def value_at(instance: Instance, table: str, row: Record, path: str) -> str:
    """The stored value at a path of references; empty where a step leads nowhere."""
    *steps, last = path.split(".")
    for step in steps:
        column = instance.columns(table).get(step)
        if column is None or column.reference not in TABLES:
            return ""
        found = instance.find(column.reference, row.get(step, column.default))
        if found is None:
            return ""
        table, row = column.reference, found[1]
    return cast(str, row.get(last, instance.default(table, last)))


def _test(instance: Instance, table: str, condition: Condition) -> Test:
    column = _column(instance, table, condition.column)
    assert column is not None
    name, operator, value, default = condition.column, condition.operator, condition.value, column.default
    read: Callable[[Record], str]
    if "." in name:
        def read(row: Record) -> str:
            return value_at(instance, table, row, name)
    else:
        def read(row: Record) -> str:
            return cast(str, row.get(name, default))
    match operator:
        case "ISEMPTY":
            return lambda row: read(row) == ""
        case "ISNOTEMPTY":
            return lambda row: read(row) != ""
        case "ANYTHING":
            return lambda row: True
        case "SAMEAS":
            return lambda row: read(row) == value_at(instance, table, row, value)
        case "NSAMEAS":
            return lambda row: read(row) != value_at(instance, table, row, value)
        case "IN" | "NOT IN":
            members = frozenset(part.strip() for part in value.split(","))
            return (lambda row: read(row) in members) if operator == "IN" else (lambda row: read(row) not in members)
        case "LIKE" | "NOT LIKE" | "STARTSWITH" | "ENDSWITH":
            shown = read if not column.reference else lambda row: instance.display_of(column.reference, read(row))
            return {
                "LIKE": lambda row: value in shown(row), "NOT LIKE": lambda row: value not in shown(row),
                "STARTSWITH": lambda row: shown(row).startswith(value), "ENDSWITH": lambda row: shown(row).endswith(value),
            }[operator]
        case "ON" | "NOTON":
            low, _, high = value.partition("@")
            high = high or low + "~"
            return (lambda row: low <= read(row) <= high) if operator == "ON" else (lambda row: not low <= read(row) <= high)
        case "=":
            if column.kind in NUMBER_KINDS and value:
                wanted = number(value)
                return lambda row: read(row) != "" and number(read(row)) == wanted
            return lambda row: read(row) == value
        case "!=":
            return lambda row: read(row) != value
    if column.kind in NUMBER_KINDS:
        if operator == "BETWEEN":
            bounds = [number(part) for part in value.split("@")]
            return lambda row: read(row) != "" and bounds[0] <= number(read(row)) <= bounds[1]
        limit = number(value)
        numeric: dict[str, Test] = {
            ">": lambda row: read(row) != "" and number(read(row)) > limit, ">=": lambda row: read(row) != "" and number(read(row)) >= limit,
            "<": lambda row: read(row) != "" and number(read(row)) < limit, "<=": lambda row: read(row) != "" and number(read(row)) <= limit,
        }
        return numeric[operator]
    if operator == "BETWEEN":
        low, _, high = value.partition("@")
        return lambda row: low <= read(row) <= high
    textual: dict[str, Test] = {
        ">": lambda row: read(row) > value, ">=": lambda row: read(row) >= value, "<": lambda row: "" != read(row) < value,
        "<=": lambda row: "" != read(row) <= value,
    }
    return textual[operator]


def _holds(instance: Instance, table: str, groups: Sequence[tuple[Condition, ...]]) -> Test:
    tests = [[_test(instance, table, condition) for condition in group] for group in groups]
    if all(len(group) == 1 for group in tests):
        singles = [group[0] for group in tests]
        return lambda row: all(test(row) for test in singles)
    return lambda row: all(any(test(row) for test in group) for group in tests)


def select(instance: Instance, table: str, query: Query) -> Selection:
    """The records that a query finds, in its order."""
    key = ("selection", table, query)

    def build() -> Selection:
        rows = instance.ordered(table, query.order)
        if any(not branch for branch in query.branches):
            return Selection(rows, [range(len(rows))])
        spans = [_span(instance, table, query.order, rows, branch) for branch in query.branches]
        spans.sort(key=lambda span: (span[0], span[1]))
        if all(one[1] <= following[0] for one, following in zip(spans, spans[1:], strict=False)):
            return Selection(rows, [_within(instance, table, query.order, rows, span) for span in spans if span[0] < span[1]])
        tests = [_holds(instance, table, branch) for branch in query.branches]
        return Selection(rows, [[place for place, row in enumerate(rows) if any(test(row) for test in tests)]])

    tables = tuple(TABLES) if table == "sys_dictionary" or _looks_further(query) else classes(table)
    return cast(Selection, instance.cached(key, tables, build))


def count(instance: Instance, table: str, query: Query) -> int:
    """How many records a query finds; all of a table are counted without being put in order."""
    if any(not branch for branch in query.branches) and table != "sys_dictionary":
        return sum(len(instance.store.collection(name)) for name in classes(table))
    return select(instance, table, query).total


def _looks_further(query: Query) -> bool:
    """Whether an answer depends on other tables: paths, display values, columns that were added."""
    names = [condition.column for branch in query.branches for group in branch for condition in group]
    operators = {condition.operator for branch in query.branches for group in branch for condition in group}
    return any("." in name for name in names) or not operators.isdisjoint({"LIKE", "NOT LIKE", "STARTSWITH", "ENDSWITH"})


_Span = tuple[int, int, tuple[tuple[Condition, ...], ...]]  # first place, place behind the last, what is still to be tested


def _span(instance: Instance, table: str, order: Order, rows: list[Record], branch: Sequence[tuple[Condition, ...]]) -> _Span:
    """Where in the order a branch's records lie, as far as bounds on the columns of the order tell."""
    low, high, left = 0, len(rows), list(branch)
    for name, descending in order or (("sys_id", False),):
        column = instance.columns(table).get(name)
        if descending or column is None or column.kind in NUMBER_KINDS or column.reference or "." in name:
            break
        default = column.default
        bounds = [group for group in left if len(group) == 1 and group[0].column == name and group[0].operator in _RANGE_OPERATORS]
        fixed = False
        for group in bounds:
            operator, value = group[0].operator, group[0].value
            below, _, above = value.partition("@") if operator == "BETWEEN" else (value, "", value)
            if operator in ("=", ">=", "BETWEEN"):
                low = bisect_left(rows, below, low, high, key=lambda row: row.get(name, default))
            elif operator == ">":
                low = bisect_right(rows, below, low, high, key=lambda row: row.get(name, default))
            if operator in ("=", "<=", "BETWEEN"):
                high = bisect_right(rows, above, low, high, key=lambda row: row.get(name, default))
            elif operator == "<":
                high = bisect_left(rows, above, low, high, key=lambda row: row.get(name, default))
            if operator in ("<", "<="):  # an empty value is not below anything
                low = max(low, bisect_right(rows, "", 0, high, key=lambda row: row.get(name, default)) if low == 0 else low)
            fixed = fixed or operator == "="
            left.remove(group)
        if not fixed:
            break
    return low, max(low, high), tuple(left)


def _within(instance: Instance, table: str, order: Order, rows: list[Record], span: _Span) -> Sequence[int]:
    low, high, left = span
    if not left:
        return range(low, high)
    if high - low <= _SCANNED:
        test = _holds(instance, table, left)
        return [place for place in range(low, high) if test(rows[place])]

    def build() -> list[int]:
        test = _holds(instance, table, left)
        return [place for place, row in enumerate(rows) if test(row)]

    places = cast(list[int], instance.cached(("selection", "places", table, order, left), classes(table), build))
    return places[bisect_left(places, low) : bisect_left(places, high)]

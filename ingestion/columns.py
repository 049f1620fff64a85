"""Vendor records -> typed Arrow columns, what does not fit -> quarantine. Pure functions: no files, no HTTP, no cursors.

A page is typed a column at a time. Only where a column does not convert as a whole is it gone through value by value, so that
one bad row costs its column a slow pass and nobody else anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from itertools import repeat
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.spec import Column

Record = dict[str, Any]
DECIMAL = pa.decimal128(38, 9)
MOMENT = pa.timestamp("us", tz="UTC")
ARROW = {
    "string": pa.string(), "bigint": pa.int64(), "decimal": DECIMAL, "double": pa.float64(), "boolean": pa.bool_(), "timestamp": MOMENT,
    "epoch": MOMENT, "local_timestamp": MOMENT, "date": pa.date32(), "local_date": pa.date32(), "flag": pa.bool_(),
    "open_date": pa.date32(), "open_timestamp": MOMENT, "odata_date": pa.date32(), "odata_timestamp": MOMENT, "text_decimal": DECIMAL,
    "strings": pa.list_(pa.string()), "json": pa.string(),
}
# what JSON holds for each type; anything else is a retyped field, even where the value can be kept
_JSON_KINDS: dict[str, frozenset[type]] = {
    "string": frozenset({str}), "bigint": frozenset({int, float}), "decimal": frozenset({int, float}), "double": frozenset({int, float}),
    "boolean": frozenset({bool}), "timestamp": frozenset({str}), "epoch": frozenset({int}), "local_timestamp": frozenset({str}),
    "date": frozenset({str}), "local_date": frozenset({str}), "flag": frozenset({str}), "strings": frozenset({list}),
    "open_date": frozenset({str}), "open_timestamp": frozenset({str}), "odata_date": frozenset({str}), "odata_timestamp": frozenset({str}),
    "text_decimal": frozenset({str}),
}
_TEXT = frozenset({str})
_NULL = frozenset({type(None)})
_FLAGS = {"T": True, "F": False, None: None}
_BOOLEANS = {"true": True, "false": False, "": None, None: None}
_NINE = Decimal("0.000000001")
_LIMIT = Decimal(10) ** 29
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_EPOCHS = (int(_EARLIEST.timestamp()), int(_LATEST.timestamp()))
_NOTHING: Record = {}
_TICKS = r"^/Date\((-?\d+)([+-]\d{4})?\)/$"  # OData v2: milliseconds of UTC; an offset is for display only
_OPEN_ENDED = 253_370_764_800_000  # from the year 9999 on: no end
_NO_DAY = ("1900-01-01", "2154-12-31")  # what systems without null write for "none" and "never"


class Misfit(ValueError):
    """A value that its column cannot hold; the text is the reason that the quarantine shows."""


@dataclass(frozen=True)
class Quarantined:
    key: str
    reason: str
    column: str
    raw: str


@dataclass
class Typed:
    """A page's good rows as columns; `kept` are their places in the page."""

    columns: dict[str, pa.Array]
    kept: list[int] | None  # None: all rows
    rows: int
    quarantined: list[Quarantined] = field(default_factory=list)
    retyped: dict[str, str] = field(default_factory=dict)  # column -> what came


@dataclass(frozen=True)
class Compiled:
    """The columns of one table, ready to type pages."""

    columns: dict[str, Column]
    key: tuple[str, ...]
    getters: dict[str, Callable[[_Page], list[Any]]]
    zone: str
    text_values: bool

    def schema(self) -> list[pa.Field]:
        return [pa.field(name, ARROW[column.type]) for name, column in self.columns.items()]


def compile_columns(columns: dict[str, Column], key: tuple[str, ...], *, zone: str = "UTC", text_values: bool = False) -> Compiled:
    return Compiled(columns, key, {name: _getter(column) for name, column in columns.items()}, zone, text_values)


# paths


def _getter(column: Column) -> Callable[[_Page], list[Any]]:
    alternatives = column.alternatives
    if len(alternatives) == 1:
        steps = alternatives[0].split(".")
        if len(steps) == 1 and _plain(steps[0]):
            name = steps[0]
            return lambda page: [row.get(name) for row in page.rows]
        if len(steps) == 2 and steps[0] != "_parent" and all(map(_plain, steps)):
            outer, inner = steps

            def two(page: _Page) -> list[Any]:
                members = page.members(outer)
                return [member.get(inner) for member in members] if members is not None else [_value(row, None, column) for row in page.rows]
            return two
    return lambda page: [_value(row, parent, column) for row, parent in zip(page.rows, page.parents or repeat(None))]  # noqa: B905


class _Page:
    """Records with the objects inside them, looked up once for all columns that read them."""

    def __init__(self, rows: Sequence[Record], parents: Sequence[Record] | None) -> None:
        self.rows, self.parents = rows, parents
        self._members: dict[str, list[Record] | None] = {}

    def members(self, name: str) -> list[Record] | None:
        """The object `name` of each record, an empty one where it is null; None where some record holds something else."""
        if name not in self._members:
            found = [row.get(name) or _NOTHING for row in self.rows]
            self._members[name] = found if set(map(type, found)) == {dict} else None
        return self._members[name]


def _plain(step: str) -> bool:
    return "[" not in step and "(" not in step


def _value(row: Record, parent: Record | None, column: Column) -> Any:
    for alternative in column.alternatives:
        if (found := read_path(row, alternative, parent)) is not None:
            return found
    return None


def read_path(row: Record, path: str, parent: Record | None = None) -> Any:
    """The value at a path, None where any step of it is missing."""
    if path.startswith("sum("):
        members, _, name = path[4:-1].rpartition(".")
        found = read_path(row, members, parent)
        if not isinstance(found, list):
            return None
        amounts = [member.get(name) for member in found if isinstance(member, dict)]
        return sum(amount for amount in amounts if isinstance(amount, int | float)) if found else 0
    value: Any = row
    for place, step in enumerate(path.split(".")):
        if place == 0 and step == "_parent":
            value = parent
            continue
        name, number = (step[:-1].split("[") if step.endswith("]") else (step, None))
        if isinstance(value, str) and name == "id":
            continue  # a reference that is not expanded is the id itself
        if not isinstance(value, dict):
            return None
        value = value.get(name)
        if number is not None:
            value = _member(value, int(number))
        if value is None:
            return None
    return value


def _member(value: Any, number: int) -> Any:
    """A member of a list by its id, for numbers that are ids, else by its place. A member {id, value} stands for its value."""
    if not isinstance(value, list):
        return None
    if number >= 1000:
        for member in value:
            if isinstance(member, dict) and member.get("id") == number:
                return member.get("value") if "value" in member else member
        return None
    return value[number] if number < len(value) else None


# typing


def type_page(compiled: Compiled, rows: Sequence[Record], parents: Sequence[Record] | None = None) -> Typed:
    """Type a page of records. Every record is either in the columns or in the quarantine, never in neither."""
    columns: dict[str, pa.Array] = {}
    bad: dict[int, tuple[str, str]] = {}
    retyped: dict[str, str] = {}
    page = _Page(rows, parents)
    for name, column in compiled.columns.items():
        values = compiled.getters[name](page)
        array, misfits, came = _type_values(column, values, compiled.zone, compiled.text_values)
        columns[name] = array
        for place, reason in misfits.items():
            bad.setdefault(place, (name, reason))
        if came:
            retyped[name] = came
    for name in compiled.key:
        if name in columns and columns[name].null_count:
            for place in pc.indices_nonzero(columns[name].is_null()).to_pylist():
                bad.setdefault(place, (name, "the key is missing"))
    if not bad:
        return Typed(columns, None, len(rows), [], retyped)
    kept = [place for place in range(len(rows)) if place not in bad]
    take = pa.array(kept, pa.int64())
    quarantined = []
    for place, (name, reason) in sorted(bad.items()):
        key = "|".join(str(_value(rows[place], parents[place] if parents else None, compiled.columns[part])) for part in compiled.key
                       if part in compiled.columns)
        quarantined.append(Quarantined(key, reason, name, dump(rows[place])))
    return Typed({name: array.take(take) for name, array in columns.items()}, kept, len(kept), quarantined, retyped)


def dump(value: Any) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # whole numbers beyond 64 bits, halves of surrogate pairs
        return json.dumps(value, default=str)


def _type_values(column: Column, values: list[Any], zone: str, text_values: bool) -> tuple[pa.Array, dict[int, str], str]:
    """One column: the array (null where a value does not fit), the misfits by place, and what came if the type changed."""
    kinds = set(map(type, values)) - _NULL
    if not kinds:
        return pa.nulls(len(values), ARROW[column.type]), {}, ""
    if column.type == "json":
        return pa.array([None if value is None else dump(value) for value in values], pa.string()), {}, ""
    expected = _TEXT if text_values and column.type != "strings" else _JSON_KINDS[column.type]
    if kinds <= expected:
        try:
            return _convert(column.type, values, kinds, zone), {}, ""
        except (pa.ArrowInvalid, pa.ArrowTypeError, KeyError, OverflowError, ValueError):
            pass  # some value does not fit: find out which, below
    typed: list[Any] = []
    misfits: dict[int, str] = {}
    for place, value in enumerate(values):
        try:
            typed.append(None if value is None else _one(column.type, value, zone, column.mixed))
        except (ValueError, OverflowError) as error:
            typed.append(None)
            misfits[place] = str(error) if isinstance(error, Misfit) else f"{_shown(value)} is no {column.type}"
    strange = kinds - expected
    came = "" if column.mixed else ", ".join(sorted(kind.__name__ for kind in strange))
    if misfits and not came:
        came = f"values that are no {column.type}"  # the same JSON type, another meaning
    return pa.array(typed, ARROW[column.type]), misfits, came


def _convert(kind: str, values: list[Any], kinds: set[type], zone: str) -> pa.Array:
    """The whole column at once; raises where any value does not fit."""
    if kind in ("string", "strings"):
        return pa.array(values, ARROW[kind])
    if kind == "bigint":
        return pa.array(values, pa.int64()) if str not in kinds else pa.array([value or None for value in values], pa.string()).cast(pa.int64())
    if kind in ("decimal", "text_decimal"):
        if kinds == {int}:
            return pa.array(values, pa.int64()).cast(DECIMAL)
        # by way of text: a float's shortest text is what the vendor wrote
        text = [None if value is None or value == "" else str(value) for value in values]
        return pa.array(text, pa.string()).cast(DECIMAL)
    if kind == "double":
        return pa.array(values, pa.float64()) if str not in kinds else pa.array([value or None for value in values], pa.string()).cast(pa.float64())
    if kind == "boolean":
        return pa.array(values, pa.bool_()) if kinds == {bool} else pa.array([_BOOLEANS[value] for value in values], pa.bool_())
    if kind == "flag":
        return pa.array([_FLAGS[value] for value in values], pa.bool_())
    if kind == "epoch":
        if kinds != {int}:
            raise ValueError
        seconds = pa.array(values, pa.int64())
        _within(seconds, _EPOCHS)
        return seconds.cast(pa.timestamp("s", tz="UTC")).cast(MOMENT)
    if kind in ("open_date", "open_timestamp"):
        moments = _convert("timestamp", [None if value is None or value[:10] in _NO_DAY else value for value in values], kinds, zone)
        return moments if kind == "open_timestamp" else moments.cast(pa.date32())  # a day carries a time of the UTC day, mostly noon
    text_array = pa.array([value or None for value in values], pa.string())
    if kind in ("odata_date", "odata_timestamp"):
        ticks = pc.replace_substring_regex(text_array, _TICKS, r"\1").cast(pa.int64())
        ticks = pc.if_else(pc.greater_equal(ticks, _OPEN_ENDED), None, ticks)
        ticked = ticks.cast(pa.timestamp("ms", tz="UTC")).cast(MOMENT)
        _within(ticked, (_EARLIEST, _LATEST))
        if kind == "odata_timestamp":
            return ticked
        whole = ticks.cast(pa.timestamp("ms")).cast(pa.date32())
        if not whole.cast(pa.timestamp("ms")).equals(ticks.cast(pa.timestamp("ms"))):
            raise ValueError("a day with a time")
        return whole
    if kind == "timestamp":
        moments = text_array.cast(MOMENT)
        _within(moments, (_EARLIEST, _LATEST))
        return moments
    if kind == "local_timestamp":
        naive = text_array.cast(pa.timestamp("us"))
        _within(naive, (_EARLIEST.replace(tzinfo=None), _LATEST.replace(tzinfo=None)))
        return pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="latest").cast(MOMENT)
    days = text_array.cast(pa.date32())
    _within(days, (_EARLIEST.date(), _LATEST.date()))
    return days


def in_second_hour(moments: pa.Array, zone: str, read_before: datetime, now: datetime) -> pa.Array:
    """Local stamps of an hour that is lived twice, which are read as of its first time, moved to the second where they must be from it.

    That is so for a row that was not there like this at the read before, which came after the first time. Otherwise a change at 01:10
    in winter time would seem older than one at 01:50 in summer time (R2).
    """
    later = pc.add(moments, pa.scalar(timedelta(hours=1), pa.duration("us")))
    local = pa.timestamp("us", tz=zone)
    twice = pc.equal(pc.local_timestamp(moments.cast(local)), pc.local_timestamp(later.cast(local)))
    second = pc.and_(twice, pc.and_(pc.less(moments, pa.scalar(read_before, MOMENT)), pc.less_equal(later, pa.scalar(now, MOMENT))))
    return pc.if_else(pc.fill_null(second, False), later, moments)


def _within(array: pa.Array, bounds: tuple[Any, Any]) -> None:
    found = pc.min_max(array).as_py()
    if found["min"] is not None and not bounds[0] <= found["min"] <= found["max"] <= bounds[1]:
        raise ValueError("outside the years 1900 to 2200")


def _one(kind: str, value: Any, zone: str, mixed: bool) -> Any:
    """One value; what can be kept without loss is kept. Raises Misfit with the reason."""
    text = value.strip() if isinstance(value, str) else value
    if kind == "string":
        if isinstance(value, str):
            return value.encode("utf-8", "strict") and value if value else value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        if mixed:
            return dump(value)
    elif text == "":
        return None  # an empty cell or field of any other type
    elif kind in ("bigint", "decimal", "double", "text_decimal") and not isinstance(value, bool) and isinstance(value, int | float | str):
        return _number(kind, text)
    elif kind in ("odata_date", "odata_timestamp") and isinstance(text, str):
        return _ticks(kind, text)
    elif kind == "boolean":
        if isinstance(value, bool):
            return value
        if isinstance(text, str) and text.lower() in ("true", "false"):
            return text.lower() == "true"
    elif kind == "flag":
        if isinstance(value, bool):
            return value
        if text in ("T", "F"):
            return text == "T"
    elif kind == "epoch":
        if isinstance(value, int | str) and not isinstance(value, bool):
            seconds = int(text)
            if _EPOCHS[0] <= seconds <= _EPOCHS[1]:
                return datetime.fromtimestamp(seconds, UTC)
            raise Misfit(f"{_shown(text)} is outside the years 1900 to 2200")
    elif kind in ("open_date", "open_timestamp") and isinstance(text, str):
        if text[:10] in _NO_DAY:
            return None
        at = datetime.combine(_date(text), datetime.min.time(), UTC) if len(text) == 10 else _moment(text, None)
        return at if kind == "open_timestamp" else at.date()
    elif kind in ("timestamp", "local_timestamp") and isinstance(text, str):
        return _moment(text, ZoneInfo(zone) if kind == "local_timestamp" else None)
    elif kind in ("date", "local_date") and isinstance(text, str):
        return _date(text)
    elif kind == "strings" and isinstance(value, list):
        return [member if isinstance(member, str) else dump(member) for member in value if member is not None]
    raise Misfit(f"{_shown(value)} is no {kind}")


def _number(kind: str, text: Any) -> Any:
    try:
        number = Decimal(str(text))
    except InvalidOperation:
        raise Misfit(f"{_shown(text)} is no {kind}") from None
    if not number.is_finite():
        raise Misfit(f"{_shown(text)} is no {kind}")
    if kind == "double":
        return float(number)
    if kind == "bigint":
        if number != number.to_integral_value() or not -(2**63) <= number < 2**63:
            raise Misfit(f"{_shown(text)} is no whole number of 64 bits")
        return int(number)
    if abs(number) >= _LIMIT:
        raise Misfit(f"{_shown(text)} has more than 29 digits before the point")
    with localcontext(prec=60):
        return number.quantize(_NINE, rounding=ROUND_HALF_EVEN)


def _ticks(kind: str, text: str) -> datetime | date | None:
    match = re.match(_TICKS, text)
    if match is None:
        raise Misfit(f"{_shown(text)} is no {kind} of the form /Date(milliseconds)/")
    ticks = int(match[1])
    if ticks >= _OPEN_ENDED:
        return None
    if not _EPOCHS[0] * 1000 <= ticks <= _EPOCHS[1] * 1000:
        raise Misfit(f"{_shown(text)} is outside the years 1900 to 2200")
    at = datetime.fromtimestamp(ticks / 1000, UTC)
    if kind == "odata_timestamp":
        return at
    if ticks % 86_400_000:
        raise Misfit(f"{_shown(text)} is a time where a day is expected")
    return at.date()


def _moment(text: str, zone: ZoneInfo | None) -> datetime:
    if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", text):
        raise Misfit(f"{_shown(text)} is no time of the form YYYY-MM-DDThh:mm:ss")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Misfit(f"{_shown(text)} is no time of the form YYYY-MM-DDThh:mm:ss") from None
    if at.tzinfo is None:
        if zone is None:
            raise Misfit(f"{_shown(text)} names no time zone")
        at = at.replace(tzinfo=zone)
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise Misfit(f"{_shown(text)} is outside the years 1900 to 2200") from None
    if not _EARLIEST <= at <= _LATEST:
        raise Misfit(f"{_shown(text)} is outside the years 1900 to 2200")
    return at


def _date(text: str) -> date:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ]00:00:00(\.0+)?(Z|[+-]00:?00)?)?", text):
        try:
            day = date.fromisoformat(text[:10])
        except ValueError:
            raise Misfit(f"{_shown(text)} is no day of the calendar") from None
        if _EARLIEST.date() <= day <= _LATEST.date():
            return day
        raise Misfit(f"{_shown(text)} is outside the years 1900 to 2200")
    # 03/04/2026 or 3.4.2026 would be a guess between two days
    raise Misfit(f"{_shown(text)} is no date of the form YYYY-MM-DD")


def _shown(value: Any) -> str:
    """A value in a reason: its kind and shape, not its text, which may be personal data."""
    if isinstance(value, str):
        return "a text like '" + re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", value[:24])) + "'"
    if isinstance(value, bool | int | float):
        return f"a number ({type(value).__name__})" if not isinstance(value, bool) else "a boolean"
    return f"a {type(value).__name__}"


def unknown_fields(
    rows: Sequence[Record], known: frozenset[str], open_fields: dict[str, frozenset[str]],
) -> tuple[list[str | None] | None, set[str]]:
    """Per row the fields that nobody knows, as JSON or None, and all their names; None where no row has any.

    Members of an open field are named `field.member`.
    """
    names = set().union(*rows) - known
    for outer, members in open_fields.items():
        inner = [row[outer] for row in rows if isinstance(row.get(outer), dict)]
        names |= {f"{outer}.{name}" for name in set().union(*inner) - members}
    if not names:
        return None, names
    extra: list[str | None] = [None] * len(rows)
    for place, row in enumerate(rows):
        found = {name: row[name] for name in row.keys() - known}
        for outer, members in open_fields.items():
            member = row.get(outer)
            if isinstance(member, dict):
                found |= {f"{outer}.{name}": member[name] for name in member.keys() - members}
        if found:
            extra[place] = dump(dict(sorted(found.items())))
    return extra, names


def microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

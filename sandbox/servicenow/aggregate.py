"""The Aggregate API: counts, sums and extremes of what a query finds, by group where asked. No HTTP here."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.protocol import Record
from sandbox.servicenow.catalogue import NUMBER_KINDS
from sandbox.servicenow.instance import Instance, number
from sandbox.servicenow.query import value_at
from sandbox.servicenow.render import display_value

_FUNCTIONS = ("avg", "min", "max", "sum")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne,
}


def aggregate(instance: Instance, table: str, rows: Sequence[Record], asked: Callable[[str], str], zone: str, counted: int) -> Any:
    """The `result` of an answer. `asked` gives a parameter's text, empty where it was not sent; `counted` is the query's whole count."""
    columns = instance.columns(table)
    fields = {name: [field for field in asked(f"sysparm_{name}_fields").split(",") if field in columns] for name in _FUNCTIONS}
    counts = asked("sysparm_count").lower() == "true"
    groups = [field for field in asked("sysparm_group_by").split(",") if field in columns]
    if not groups:
        return {"stats": _stats(instance, table, rows, fields, counted if counts else None)}
    found: dict[tuple[str, ...], list[Record]] = {}
    for row in rows:
        found.setdefault(tuple(value_at(instance, table, row, field) for field in groups), []).append(row)
    kept = [(key, members) for key, members in sorted(found.items()) if _has(instance, table, members, asked("sysparm_having"))]
    kept = _sorted(instance, table, groups, kept, asked("sysparm_order_by"))
    mode = asked("sysparm_display_value") or "false"
    return [
        {
            "stats": _stats(instance, table, members, fields, len(members) if counts else None),
            "groupby_fields": [_group(instance, table, field, value, mode, zone) for field, value in zip(groups, key, strict=True)],
        }
        for key, members in kept
    ]


def _stats(instance: Instance, table: str, rows: Sequence[Record], fields: dict[str, list[str]], count: int | None) -> Record:
    stats: Record = {} if count is None else {"count": str(count)}
    for name, wanted in fields.items():
        if wanted:
            stats[name] = {field: _value(instance, table, rows, name, field) for field in wanted}
    return stats


def _value(instance: Instance, table: str, rows: Sequence[Record], function: str, field: str) -> str:
    values = [value for row in rows if (value := value_at(instance, table, row, field)) != ""]
    if not values:
        return ""
    if function in ("min", "max"):
        choose = min if function == "min" else max
        return choose(values, key=number) if instance.columns(table)[field].kind in NUMBER_KINDS else choose(values)
    numbers = [found for value in values if (found := number(value)) != float("-inf")]
    if not numbers:
        return ""
    total = sum(numbers)
    if function == "avg":
        return f"{total / len(numbers):.4f}"
    return str(int(total)) if total == int(total) else repr(total)


def _has(instance: Instance, table: str, rows: Sequence[Record], having: str) -> bool:
    for condition in filter(None, having.split(",")):
        parts = condition.split("^")
        if len(parts) != 4 or parts[2] not in _COMPARE:
            continue
        function, field, sign, limit = parts
        value = len(rows) if function == "count" else number(_value(instance, table, rows, function, field)) if function in _FUNCTIONS else None
        if value is not None and not _COMPARE[sign](value, number(limit)):
            return False
    return True


def _sorted(
    instance: Instance, table: str, groups: list[str], kept: list[tuple[tuple[str, ...], list[Record]]], order: str,
) -> list[tuple[tuple[str, ...], list[Record]]]:
    for part in reversed([part for part in order.split(",") if part]):
        descending = part.endswith("^DESC")
        name, _, field = part.removesuffix("^DESC").partition("^")
        if name == "COUNT":
            kept = sorted(kept, key=lambda group: len(group[1]), reverse=descending)
        elif name in groups:
            place = groups.index(name)
            kept = sorted(kept, key=lambda group: group[0][place], reverse=descending)
        elif name.lower() in _FUNCTIONS and field in instance.columns(table):
            kept = sorted(
                kept, key=lambda group: number(_value(instance, table, group[1], name.lower(), field)), reverse=descending)
    return kept


def _group(instance: Instance, table: str, field: str, value: str, mode: str, zone: str) -> Record:
    if mode == "false":
        return {"field": field, "value": value}
    display = display_value(instance, table, field, instance.columns(table)[field], value, zone)
    return {"field": field, "value": display} if mode == "true" else {"field": field, "display_value": display, "value": value}

"""How a record is shown: three display modes, links or none, and only the fields that were asked for. No storage and no HTTP here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sandbox.protocol import Record
from sandbox.servicenow.catalogue import TABLES, Column, choices_of
from sandbox.servicenow.instance import Instance
from sandbox.servicenow.query import value_at

Mode = Literal["false", "true", "all"]
_FREE_DISPLAY = frozenset({"global", "glide.maint"})  # references that hold a name in place of a sys_id


@dataclass(frozen=True)
class View:
    """How the caller wants records shown. `fields` empty: all of them. `hidden`: columns that its roles may not read."""

    base_url: str
    mode: Mode = "false"
    links: bool = True
    fields: tuple[str, ...] = ()
    zone: str = "GMT"
    hidden: frozenset[str] = frozenset()


def shower(instance: Instance, table: str, view: View) -> Callable[[Record], Record]:
    """A function that shows records of the table; unknown fields are left out of it once and for all."""
    columns = instance.columns(table)
    names = view.fields or tuple(sorted(columns))
    wanted = [(name, column) for name in dict.fromkeys(names) if name not in view.hidden and (column := _column(instance, table, name)) is not None]
    if view.mode == "false":
        plain = [(name, column.default) for name, column in wanted if "." not in name]
        links = [(name, f"{view.base_url}/api/now/table/{column.reference}/") for name, column in wanted if column.reference and view.links]
        paths = [(name, column) for name, column in wanted if "." in name]
        if not links and not paths:
            return lambda row: {name: row.get(name, default) for name, default in plain}

        def quick(row: Record) -> Record:
            shown = {name: row.get(name, default) for name, default in plain}
            for name, _ in paths:
                shown[name] = value_at(instance, table, row, name)
            for name, address in links:
                if value := shown[name]:
                    shown[name] = {"link": address + value, "value": value}
            return shown

        return quick
    return lambda row: {name: _shown(instance, table, row, name, column, view) for name, column in wanted}


def show(instance: Instance, table: str, row: Record, view: View) -> Record:
    return shower(instance, table, view)(row)


def _column(instance: Instance, table: str, path: str) -> Column | None:
    *steps, last = path.split(".")
    for step in steps:
        column = instance.columns(table).get(step)
        if column is None or column.reference not in TABLES:
            return None
        table = column.reference
    return instance.columns(table).get(last)


def _shown(instance: Instance, table: str, row: Record, name: str, column: Column, view: View) -> Any:
    if column.kind == "journal_input" and "." not in name:
        value = ""
        display = _journal(instance, row, name, view.zone) if view.mode != "false" else ""
    else:
        value = value_at(instance, table, row, name)
        display = display_value(instance, table, name, column, value, view.zone) if view.mode != "false" else ""
    link = f"{view.base_url}/api/now/table/{column.reference}/{value}" if column.reference and value and view.links else ""
    if view.mode == "all":
        return {"display_value": display, **({"link": link} if link else {}), "value": value}
    if view.mode == "true":
        return {"display_value": display, "link": link} if link else display
    return {"link": link, "value": value} if link else value


def display_value(instance: Instance, table: str, name: str, column: Column, value: str, zone: str) -> str:
    """The value as the calling user sees it: labels, names, times of its zone."""
    if not value:
        return ""
    if column.reference:
        return value if value in _FREE_DISPLAY else instance.display_of(column.reference, value)
    if column.kind == "glide_date_time":
        return _local(value, zone)
    if column.kind == "glide_duration":
        return _length(value)
    owner, last = _owner(instance, table, name)
    if last == "sys_class_name":
        return TABLES[value].label if value in TABLES else value
    return choices_of(owner, last).get(value, value)


def _owner(instance: Instance, table: str, path: str) -> tuple[str, str]:
    *steps, last = path.split(".")
    for step in steps:
        table = instance.columns(table)[step].reference
    return table, last


def _local(value: str, zone: str) -> str:
    if zone in ("GMT", "UTC"):
        return value
    try:
        at = datetime.fromisoformat(value).replace(tzinfo=ZoneInfo("UTC"))
    except ValueError:
        return value
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def _length(value: str) -> str:
    """A duration in words, as forms show it."""
    try:
        seconds = int((datetime.fromisoformat(value) - datetime(1970, 1, 1)).total_seconds())
    except ValueError:
        return value
    parts = []
    for unit, size in (("Day", 86_400), ("Hour", 3_600), ("Minute", 60)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'s' if count != 1 else ''}")
    if seconds or not parts:
        parts.append(f"{seconds} Second{'s' if seconds != 1 else ''}")
    return " ".join(parts)


def _journal(instance: Instance, row: Record, name: str, zone: str) -> str:
    """All entries of a journal column as one text, newest first."""
    wanted: Sequence[str] = ("comments", "work_notes") if name == "comments_and_work_notes" else (name,)
    labels = {"comments": "Additional comments", "work_notes": "Work notes"}
    parts = []
    for entry in reversed(instance.entries_of(row["sys_id"])):
        if entry["element"] in wanted:
            author = instance.display_of("sys_user", instance.user_name_id(entry["sys_created_by"])) or entry["sys_created_by"]
            parts.append(f"{_local(entry['sys_created_on'], zone)} - {author} ({labels[entry['element']]})\n{entry['value']}\n\n")
    return "".join(parts)

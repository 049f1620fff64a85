"""What a write makes of a record: silent rules of the platform, business rules of cases and accounts, journal and audit entries.

Who may write and how the answer looks belongs to `api`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.protocol import Record, Response
from sandbox.servicenow.catalogue import AUDITED, NUMBER_KINDS, TABLES, Column, chain, choices_of, max_length
from sandbox.servicenow.instance import Instance
from sandbox.servicenow.login import failure
from sandbox.servicenow.records import duration, stamp, text

_KEPT = frozenset({
    "sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count", "sys_class_name", "account_path",
})
_INCIDENT_PRIORITY = {
    ("1", "1"): "1", ("1", "2"): "2", ("1", "3"): "3", ("2", "1"): "2", ("2", "2"): "3", ("2", "3"): "4", ("3", "1"): "3", ("3", "2"): "4",
    ("3", "3"): "5",
}
_ENDED = {"sn_customerservice_case": ("3", "7"), "incident": ("7", "8")}
_SYS_ID = re.compile(r"[0-9a-f]{32}")


class Refused(Exception):
    """The write is refused; the answer says how."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def operation_failed(detail: str, status: int = 403) -> Refused:
    return Refused(failure("Operation Failed", detail, status))


@dataclass(frozen=True)
class Policy:
    """What the instance's administrators set up: columns that a write does not change, and columns that must not be empty."""

    read_only: frozenset[str] = frozenset()  # table.column
    mandatory: frozenset[str] = frozenset()  # table.column
    shows_display_input: bool = False
    zone: str = "GMT"


def insert(instance: Instance, table: str, sent: Record, policy: Policy) -> Record:
    """Make a record. What the table does not know is ignored."""
    if TABLES[table].is_read_only:
        raise operation_failed("ACL Exception Insert Failed due to security constraints")
    now = stamp(instance.clock.now())
    wanted = sent.get("sys_id")
    sys_id = wanted if isinstance(wanted, str) and _SYS_ID.fullmatch(wanted) and instance.find(table, wanted) is None else secrets.token_hex(16)
    made = {"sys_created_on": now, "sys_created_by": instance.integration_login, "sys_updated_on": now,
            "sys_updated_by": instance.integration_login}
    record: Record = {"sys_id": sys_id, **made}
    if "sys_class_name" in instance.columns(table):
        record["sys_class_name"] = table
    changes, notes = _accepted(instance, table, record, sent, policy, is_new=True)
    record |= changes
    prefix = next((TABLES[name].prefix for name in chain(table) if TABLES[name].prefix), "")
    if prefix and not record.get("number"):
        record["number"] = f"{prefix}{instance.store.next_number(table, 9_000_001):07d}"
    if table == "customer_account":
        record.setdefault("account_code", f"~~~~{instance.store.next_number('account_code', 900_001)}")
        record.setdefault("customer", "true")
    if "task" in chain(table):
        record.setdefault("opened_at", now)
        record.setdefault("opened_by", instance.integration_id)
    _rules(instance, table, record, {}, now)
    _check(instance, table, record, policy)
    instance.put(table, record)
    _write_notes(instance, table, record, notes, now)
    return record


def update(instance: Instance, table: str, current: Record, sent: Record, policy: Policy) -> Record:
    """Change the columns that were sent; one that does not change leaves the record and its stamp alone."""
    if TABLES[table].is_read_only:
        raise operation_failed("ACL Exception Update Failed due to security constraints")
    changes, notes = _accepted(instance, table, current, sent, policy, is_new=False)
    record = {**current, **changes}
    now = stamp(instance.clock.now())
    _rules(instance, table, record, current, now)
    moved = {name for name in record if record[name] != current.get(name, instance.default(table, name))}
    if not moved and not notes:
        return current
    _check(instance, table, record, policy)
    record |= {"sys_updated_on": now, "sys_updated_by": instance.integration_login,
               "sys_mod_count": str(int(current.get("sys_mod_count") or 0) + 1)}
    instance.put(table, record)
    if table in AUDITED:
        for name in sorted(moved):
            if not name.startswith("_"):
                _write_audit(instance, table, record, name, current.get(name, instance.default(table, name)), record[name], now)
    _write_notes(instance, table, record, notes, now)
    return record


def _accepted(
    instance: Instance, table: str, current: Record, sent: Record, policy: Policy, *, is_new: bool,
) -> tuple[Record, list[tuple[str, str]]]:
    """The columns that a write sets, and the journal entries that it makes."""
    columns = instance.columns(table)
    changes: Record = {}
    notes: list[tuple[str, str]] = []
    for name, value in sent.items():
        column = columns.get(name)
        if column is None or name in _KEPT or any(f"{one}.{name}" in policy.read_only for one in chain(table)):
            continue
        shown = _text_of(value)
        if column.kind == "journal_input":
            if shown and name in ("comments", "work_notes"):
                notes.append((name, shown))
            continue
        if name == "priority" and table == "incident":
            continue  # follows from impact and urgency
        stored = _stored(instance, table, column, shown, policy)
        if stored is not None:
            changes[name] = stored
    return changes, notes


def _text_of(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value", value.get("display_value"))
    if isinstance(value, list):
        return ",".join(text(member) for member in value)
    return text(value)


def _stored(instance: Instance, table: str, column: Column, value: str, policy: Policy) -> str | None:
    """The value as it is stored; None where the platform leaves the column as it was."""
    if value == "":
        return ""
    if policy.shows_display_input:
        value = _from_display(instance, table, column, value, policy.zone)
    if column.kind == "boolean":
        return "true" if value.lower() in ("true", "1", "yes") else "false"
    if column.kind in NUMBER_KINDS:
        if choices_of(table, column.name):
            return value
        try:
            return str(int(float(value))) if column.kind == "integer" else format(float(value), "g") if "e" in value.lower() else _plain(value)
        except (ValueError, OverflowError):
            return None
    if column.kind == "glide_date":
        try:
            return date.fromisoformat(value[:10]).isoformat()
        except ValueError:
            return None
    if column.kind in ("glide_date_time", "glide_duration"):
        try:
            return datetime.fromisoformat(value.replace("T", " ").removesuffix("Z")).strftime("%Y-%m-%d %H:%M:%S")
        except ValueError:
            return duration(timedelta(seconds=int(value))) if column.kind == "glide_duration" and value.isdecimal() else None
    return value[: max_length(column)]


def _plain(value: str) -> str:
    float(value)
    return value.strip()


def _from_display(instance: Instance, table: str, column: Column, value: str, zone: str) -> str:
    for code, label in choices_of(table, column.name).items():
        if value.lower() in (label.lower(), code.lower()):
            return code
    if column.reference in TABLES and not _SYS_ID.fullmatch(value):
        display = TABLES[column.reference].display
        for row in instance.ordered(column.reference, ()):
            if row.get(display) == value:
                return str(row["sys_id"])
    if column.kind == "glide_date_time" and zone not in ("GMT", "UTC"):
        try:
            local = datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone))
        except ValueError:
            return value
        return stamp(local.astimezone(ZoneInfo("UTC")))
    return value


def _rules(instance: Instance, table: str, record: Record, before: Record, now: str) -> None:
    """Business rules that run with every write."""
    state = record.get("state")
    if table in _ENDED and state != before.get("state"):
        ended = state in _ENDED[table]
        record["active"] = "false" if ended else "true"
        if state == "6":
            record["resolved_at"], record["resolved_by"] = now, instance.integration_id
        elif not ended:
            record["resolved_at"] = record["resolved_by"] = ""
        record["closed_at"] = now if ended else ""
        record["closed_by"] = instance.integration_id if ended else ""
    if table == "incident":
        record["priority"] = _INCIDENT_PRIORITY.get((record.get("impact", "3"), record.get("urgency", "3")), "5")
        record["incident_state"] = record.get("state", "1")
    if "sys_user" in chain(table) and any(record.get(name) != before.get(name) for name in ("first_name", "last_name")):
        record["name"] = f"{record.get('first_name', '')} {record.get('last_name', '')}".strip()
    if table == "customer_account" and (not before or record.get("account_parent") != before.get("account_parent")):
        parent = instance.find("customer_account", record.get("account_parent", ""))
        code = record.get("account_code", "")
        record["account_path"] = f"{parent[1].get('account_path', '')}/{code}" if parent else code


def _check(instance: Instance, table: str, record: Record, policy: Policy) -> None:
    missing = [name for name in instance.columns(table) if f"{table}.{name}" in policy.mandatory and not record.get(name)]
    if missing:
        raise operation_failed(f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}")
    if table == "customer_account":
        code = record.get("account_code")
        if code and any(row.get("account_code") == code and row["sys_id"] != record["sys_id"] for row in instance.ordered(table, ())):
            raise operation_failed("java.sql.BatchUpdateException: Unique Key violation detected by database (account_code)")


def _write_notes(instance: Instance, table: str, record: Record, notes: list[tuple[str, str]], now: str) -> None:
    for element, value in notes:
        sys_id = secrets.token_hex(16)
        instance.put("sys_journal_field", {
            "sys_id": sys_id, "name": table, "element_id": record["sys_id"], "element": element, "value": value, "sys_created_on": now,
            "sys_created_by": instance.integration_login})


def _write_audit(instance: Instance, table: str, record: Record, name: str, old: str, new: str, now: str) -> None:
    instance.put("sys_audit", {
        "sys_id": secrets.token_hex(16), "tablename": table, "documentkey": record["sys_id"], "fieldname": name, "oldvalue": old,
        "newvalue": new, "user": instance.integration_login, "record_checkpoint": record["sys_mod_count"], "sys_created_on": now,
        "sys_created_by": instance.integration_login})

"""Plan: what each target is to hold, less what it holds, less what is on its way; the rest goes into the outbox.

Reads the published sync tables only. What does not belong here: how desired values come about (transform), sending (dispatch).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import sqlalchemy as sa

from concord.connections import Connection
from concord.errors import ConcordError, first_line
from reverse_sync.store import OPEN, Entry, Event, Store, audit, entries_where, insert_entries, last_receipts, outbox, save, switched_off
from reverse_sync.targets import Target, owner_role, targets
from reverse_sync.values import FieldChange, Fields, differences, dump, equal, idempotency_key, moment, parse_fields, stamp

Outcome = Literal["pending", "held", "on_its_way", "dead_letter", "discarded"]


@dataclass(frozen=True)
class ChangeCap:
    """How much one plan may change at one target. Above `count` records, or above `share` of its records, everything is held.

    The share is not asked for plans of at most `floor` records: two of three is no flood.
    """

    count: int | None = 5_000
    share: float | None = 0.5
    floor: int = 50

    def exceeded(self, changes: int, rows: int) -> str | None:
        if self.count is not None and changes > self.count:
            return f"{changes} records would change, the cap is {self.count}"
        if self.share is not None and changes > self.floor and changes > self.share * rows:
            return f"{changes} of {rows} records would change, the cap is {self.share:.0%}"
        return None


@dataclass(frozen=True)
class Change:
    """One record that differs from what is wanted, and what becomes of it."""

    connection: str
    object: str
    record_id: str
    outcome: Outcome
    reason: str
    fields: tuple[FieldChange, ...]
    key: str
    exposure: str | None = None
    currency: str | None = None
    correlation_id: str | None = None
    golden_customer_id: str | None = None
    source_commit_at: str | None = None


@dataclass(frozen=True)
class Unreadable:
    """A record for which no preview can be made. Not the same as a record without a change."""

    record_id: str
    reason: str


@dataclass(frozen=True)
class TargetPlan:
    """One target's part of the plan. `stopped`: nothing was planned, and why. `unsent`: planned, but not to be sent, and why."""

    connection: str
    object: str
    rows: int = 0
    unchanged: int = 0
    changes: tuple[Change, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    superseded: int = 0
    stopped: str | None = None
    unsent: str | None = None

    def count(self, outcome: Outcome) -> int:
        return sum(change.outcome == outcome for change in self.changes)


@dataclass(frozen=True)
class Plan:
    targets: tuple[TargetPlan, ...] = ()
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for target in self.targets for change in target.changes)

    def count(self, outcome: Outcome) -> int:
        return sum(target.count(outcome) for target in self.targets)


def plan(
    published: Path, store: Store, connections: Mapping[str, Connection], *, cap: ChangeCap | None = None,
    stop: Mapping[str, str] | None = None, preview: bool = False, now: datetime | None = None,
) -> Plan:
    """Compare desired with held and enter the difference into the outbox; with `preview` nothing is entered.

    `stop` maps a connection to the reason why nothing may be planned for it. Raises ConcordError when the published
    warehouse is missing or unreadable.
    """
    cap, stop, now = cap or ChangeCap(), stop or {}, now or datetime.now(UTC)
    if not published.is_file():
        raise ConcordError("is not there.", where=str(published), mend="Build and publish the warehouse first.")
    off = switched_off(store)
    parts = []
    try:
        reader = duckdb.connect(str(published), read_only=True)
    except duckdb.Error as error:
        raise ConcordError(f"cannot be read ({first_line(error)}).", where=str(published), mend="Publish the warehouse again.") from None
    with reader:
        for target in targets():
            mine = [connection for connection in connections.values() if connection.system == target.system]
            if not mine:
                continue
            rows = _sync_rows(reader, target)
            for connection in mine:
                blank = TargetPlan(connection.name, target.object)
                if connection.name in stop:
                    parts.append(replace(blank, stopped=stop[connection.name]))
                elif isinstance(rows, str):
                    parts.append(replace(blank, stopped=f"cannot preview: {rows}"))
                else:
                    part = _plan_target(store, connection, target, [row for row in rows if row["connection"] == connection.name],
                                        cap, now, preview)
                    unsent = (
                        f"switched off: {off[connection.name]}" if connection.name in off
                        else None if connection.applies else "plans only: set `push: true` to send"
                    )
                    parts.append(replace(part, unsent=unsent))
    return Plan(tuple(parts), now)


_NEEDED = {"connection", "record_id", "desired_fields", "observed_fields"}


def _sync_rows(reader: duckdb.DuckDBPyConnection, target: Target) -> list[dict[str, Any]] | str:
    """The target's rows, or why they cannot be read."""
    try:
        result = reader.execute(f'SELECT * FROM "{target.table}"')
    except duckdb.CatalogException:
        return f"the table {target.table} is not published"
    columns = [column[0] for column in result.description or []]
    if missing := sorted(_NEEDED - set(columns)):
        return f"the table {target.table} lacks {', '.join(missing)}"
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


@dataclass(frozen=True)
class _Wanted:
    """One difference, before it is known what becomes of it."""

    entry: Entry
    fields: tuple[FieldChange, ...]


def _plan_target(
    store: Store, connection: Connection, target: Target, rows: Sequence[Mapping[str, Any]], cap: ChangeCap, now: datetime, preview: bool,
) -> TargetPlan:
    here = (outbox.c.connection == connection.name, outbox.c.object == target.object)
    with store.reading() if preview else store.writing() as transaction:
        known = entries_where(transaction, *here, outbox.c.state.in_((*OPEN, "dead_letter")), lock=not preview)
        open_ = {entry.record_id: entry for entry in known if entry.state != "dead_letter"}
        dead = [entry for entry in known if entry.state == "dead_letter"]
        receipts = last_receipts(transaction, connection.name, target.object)

        wanted: list[_Wanted] = []
        unreadable: list[Unreadable] = []
        settled: set[str] = set()  # records that already hold what is wanted
        for row in rows:
            record_id = str(row["record_id"])
            try:
                desired = parse_fields(row["desired_fields"]) if row["desired_fields"] is not None else None
                observed = parse_fields(row["observed_fields"]) if row["observed_fields"] is not None else None
            except (ValueError, TypeError) as error:
                unreadable.append(Unreadable(record_id, f"its fields cannot be parsed ({error})"))
                continue
            if desired is None or observed is None:
                unreadable.append(Unreadable(record_id, "no desired fields" if desired is None else "the target's record was never read"))
                continue
            receipt = receipts.get(record_id)
            held = _held(observed, row.get("observed_version"), receipt)
            fields = differences(desired, held)
            if not fields:
                settled.add(record_id)
                continue
            wanted.append(_Wanted(_entry(connection, target, row, record_id, desired, held, fields, receipt, now), fields))

        by_key = _existing(transaction, [item.entry.idempotency_key for item in wanted])
        # a person's refusal of exactly this change is not a change that the cap must fear
        counted = sum(not _discarded(by_key.get(item.entry.idempotency_key)) for item in wanted)
        flood = cap.exceeded(counted, len(rows))
        changes, fresh, revived, replaced = _decide(wanted, open_, by_key, receipts, flood, rows, now)
        superseded = [*replaced, *_unwanted(open_, dead, wanted, settled, rows, {item.record_id for item in unreadable})]
        if not preview:
            _write(transaction, fresh, revived, superseded, now)
    return TargetPlan(connection.name, target.object, len(rows), len(settled), tuple(changes), tuple(unreadable), len(superseded))


def _held(observed: Fields, observed_version: Any, receipt: Any) -> Fields:
    """What the target holds as far as is known: the read-back of our last write until an observation is newer than it."""
    if receipt is None:
        return observed
    seen, written = moment(observed_version), moment(receipt.version) or moment(receipt.delivered_at)
    if seen is not None and written is not None and seen >= written:
        return observed
    return {**observed, **parse_fields(receipt.read_back)}


def _entry(
    connection: Connection, target: Target, row: Mapping[str, Any], record_id: str, desired: Fields, held: Fields,
    fields: Sequence[FieldChange], receipt: Any, now: datetime,
) -> Entry:
    payload = {change.field: change.after for change in fields}
    previous = receipt.idempotency_key if receipt is not None else ""
    held_for_approval = bool(row.get("needs_approval"))
    exposure = row.get("exposure")
    return Entry(
        id=0, connection=connection.name, object=target.object, record_id=record_id, payload=dump(payload), desired=dump(desired),
        observed=dump({name: held.get(name) for name in desired}),
        idempotency_key=idempotency_key(connection.name, target.object, record_id, payload, previous), previous_key=previous,
        state="held" if held_for_approval else "pending", reason_class="approval" if held_for_approval else None,
        reason="needs approval" if held_for_approval else None, owner_role=None, exposure=None if exposure is None else str(exposure),
        currency=row.get("currency"), correlation_id=_text(row.get("correlation_id")),
        golden_customer_id=_text(row.get("golden_customer_id")), priority=int(row.get("priority") or 0), note=row.get("note"),
        observed_version=_text(row.get("observed_version")), source_commit_at=_time(row.get("source_commit_at")), approved_by=None,
        approved_at=None, attempts=0, uncertain=False, reference=None, not_before=None, claimed_by=None, lease_until=None,
        created_at=stamp(now), updated_at=stamp(now), delivered_at=None, verified_at=None,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _time(value: Any) -> str | None:
    parsed = moment(value)
    return stamp(parsed) if parsed else _text(value)


def _existing(transaction: sa.Connection, keys: Sequence[str]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for start in range(0, len(keys), 500):
        for entry in entries_where(transaction, outbox.c.idempotency_key.in_(keys[start:start + 500])):
            found[entry.idempotency_key] = entry
    return found


def _discarded(entry: Entry | None) -> bool:
    return entry is not None and entry.state == "superseded" and entry.reason_class == "discarded"


def _decide(
    wanted: Sequence[_Wanted], open_: Mapping[str, Entry], by_key: Mapping[str, Entry], receipts: Mapping[str, Any], flood: str | None,
    rows: Sequence[Mapping[str, Any]], now: datetime,
) -> tuple[list[Change], list[Entry], list[Entry], list[Entry]]:
    """Changes to show, entries to add, entries to bring back or re-judge, entries that a newer value replaces."""
    changes: list[Change] = []
    fresh: list[Entry] = []
    revived: list[Entry] = []
    replaced: list[Entry] = []
    for item in wanted:
        entry = item.entry
        if entry.state == "pending" and (reason := _fights(item, receipts.get(entry.record_id))):
            entry = entry.but(state="held", reason_class="overwritten", reason=reason, owner_role=owner_role("overwritten"))
        if entry.state == "pending" and flood:
            entry = entry.but(state="held", reason_class="change_cap", reason=flood)
        present, same = open_.get(entry.record_id), by_key.get(entry.idempotency_key)
        if present is not None and present.state in ("in_flight", "unknown", "delivered"):
            changes.append(_change(item, present, "on_its_way", f"is {present.state}"))
        elif same is not None and (same.state == "dead_letter" or _discarded(same)):
            if present is not None:  # an older wish that nobody has any more
                replaced.append(present.but(state="superseded", reason_class="newer", reason="a newer value is wanted"))
            outcome: Outcome = "dead_letter" if same.state == "dead_letter" else "discarded"
            changes.append(_change(item, same, outcome, same.reason or "was refused: retry or discard it"))
        elif same is not None and same.state in ("pending", "held"):
            # an approved entry stays approved; any other is judged anew
            if same.state != entry.state and same.approved_by is None and same.reason_class in (None, "change_cap", "approval", "overwritten"):
                same = same.but(state=entry.state, reason_class=entry.reason_class, reason=entry.reason, updated_at=stamp(now))
                revived.append(same)
            changes.append(_change(item, same, "held" if same.state == "held" else "on_its_way", same.reason or "waits to be sent"))
        else:
            if present is not None:
                replaced.append(present.but(state="superseded", reason_class="newer", reason="a newer value is wanted"))
            if same is not None:  # superseded earlier, wanted again
                revived.append(entry.but(id=same.id, created_at=same.created_at))
            else:
                fresh.append(entry)
            changes.append(_change(item, entry, "held" if entry.state == "held" else "pending", entry.reason or ""))
    return changes, fresh, revived, replaced


def _fights(item: _Wanted, receipt: Any) -> str | None:
    """The target undid exactly this write right after it: sending it again on every run would be a fight between two machines."""
    if receipt is None or receipt.outcome != "overwritten":
        return None
    sent = parse_fields(receipt.payload)
    if all(change.field in sent and equal(sent[change.field], change.after) for change in item.fields):
        return "the target overwrote this value right after the last write"
    return None


def _change(item: _Wanted, entry: Entry, outcome: Outcome, reason: str) -> Change:
    return Change(entry.connection, entry.object, entry.record_id, outcome, reason, item.fields, entry.idempotency_key, item.entry.exposure,
                  item.entry.currency, item.entry.correlation_id, item.entry.golden_customer_id, item.entry.source_commit_at)


def _unwanted(
    open_: Mapping[str, Entry], dead: Sequence[Entry], wanted: Sequence[_Wanted], settled: set[str], rows: Sequence[Mapping[str, Any]],
    unreadable: set[str],
) -> list[Entry]:
    """Entries that nothing asks for any more. An empty table asks for nothing, so it takes nothing back either."""
    if not rows:
        return []
    keys = {item.entry.record_id: item.entry.idempotency_key for item in wanted}
    listed = {str(row["record_id"]) for row in rows}
    gone = [
        entry.but(state="superseded", reason_class="no_longer_wanted",
                reason="the target holds the wanted value" if entry.record_id in settled else "the record is no longer synchronised")
        for entry in open_.values()
        if entry.state in ("pending", "held") and entry.record_id not in unreadable
        and (entry.record_id in settled or entry.record_id not in listed)
    ]
    outdated = [
        entry.but(state="superseded", reason_class="newer", reason=f"replaced after: {entry.reason}")
        for entry in dead
        if entry.record_id in settled or (entry.record_id in keys and keys[entry.record_id] != entry.idempotency_key)
    ]
    return [*gone, *outdated]



def _write(transaction: sa.Connection, fresh: Sequence[Entry], revived: Sequence[Entry], superseded: Sequence[Entry], now: datetime) -> None:
    superseded = [entry.but(updated_at=stamp(now)) for entry in superseded]
    save(transaction, superseded)  # first: a record may have one open entry only
    save(transaction, revived)
    ids = insert_entries(transaction, fresh)
    events = [Event(entry.id, entry.connection, "superseded", {"reason": entry.reason, "key": entry.idempotency_key}) for entry in superseded]
    events += [Event(entry.id, entry.connection, "planned_again", {"state": entry.state, "key": entry.idempotency_key}) for entry in revived]
    events += [
        Event(id, entry.connection, "planned", {"state": entry.state, "key": entry.idempotency_key})
        for id, entry in zip(ids, fresh, strict=True)
    ]
    audit(transaction, events, now)


def describe(change: Change) -> str:
    """One line a person reads: record and each field's way from old to new."""
    fields = ", ".join(f"{item.field}: {_shown(item.before)} -> {_shown(item.after)}" for item in change.fields)
    return re.sub(r"\s+", " ", f"{change.connection} {change.object} {change.record_id}: {fields}")


def _shown(value: Any) -> str:
    return "(empty)" if value is None else str(value)

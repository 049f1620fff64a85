"""What an operator asks of the outbox: list, count, approve, retry, discard, health. Every decision is kept in the audit trail.

What does not belong here: planning and sending.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from concord.errors import UsageError
from reverse_sync.store import OPEN, STATES, Entry, Event, Store, attempts, audit, entries_where, outbox, rows_of, save
from reverse_sync.values import moment, stamp


@dataclass(frozen=True)
class Selection:
    """Which entries are meant; every part that is given must fit. `first` and `last` are ids, both included."""

    first: int | None = None
    last: int | None = None
    states: tuple[str, ...] = ()
    reason_class: str | None = None
    connection: str | None = None
    object: str | None = None
    record_id: str | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        if unknown := [state for state in self.states if state not in STATES]:
            raise UsageError(f"no state is called {unknown[0]!r}.", where="outbox", field="state", mend=f"Known: {', '.join(STATES)}.")
        found: list[sa.ColumnElement[bool]] = []
        if self.first is not None:
            found.append(outbox.c.id >= self.first)
        if self.last is not None:
            found.append(outbox.c.id <= self.last)
        if self.states:
            found.append(outbox.c.state.in_(self.states))
        for name in ("reason_class", "connection", "object", "record_id"):
            if (value := getattr(self, name)) is not None:
                found.append(outbox.c[name] == value)
        return found


@dataclass(frozen=True)
class Decision:
    """What a retry, discard or approval did. `replaced`: entries with a newer successor, which were closed instead."""

    changed: tuple[int, ...]
    replaced: tuple[int, ...] = ()


@dataclass(frozen=True)
class Health:
    """`depth`: entries on their way; `oldest_age`: of these; `exposure`: money behind dead letters, by currency."""

    depth: int
    oldest_age: timedelta | None
    held: int
    dead_letters: int
    overwritten: int
    unknown: int
    retries: int
    exposure: dict[str, Decimal]


def entries(store: Store, selection: Selection | None = None, *, limit: int | None = 200) -> list[Entry]:
    """The newest `limit` entries that fit, oldest first."""
    with store.reading() as connection:
        found = entries_where(connection, *(selection or Selection()).conditions(), order=(outbox.c.id.desc(),), limit=limit)
    return found[::-1]


def history(store: Store, entry_id: int) -> list[dict[str, Any]]:
    """The audit trail of one entry, oldest first."""
    with store.reading() as connection:
        rows = rows_of(connection, sa.select(attempts).where(attempts.c.outbox_id == entry_id).order_by(attempts.c.id))
        return [dict(row._mapping) for row in rows]


def counts(store: Store, connection_name: str | None = None) -> dict[tuple[str, str], int]:
    """Entries by connection and state."""
    query = sa.select(outbox.c.connection, outbox.c.state, sa.func.count()).group_by(outbox.c.connection, outbox.c.state)
    if connection_name is not None:
        query = query.where(outbox.c.connection == connection_name)
    with store.reading() as connection:
        return {(str(name), str(state)): int(number) for name, state, number in rows_of(connection, query)}


def health(store: Store, now: datetime | None = None) -> Health:
    now = now or datetime.now(UTC)
    with store.reading() as connection:
        by_state: dict[str, int] = {state: int(number) for state, number in rows_of(
            connection, sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state))}
        moving = ("pending", "in_flight", "unknown", "delivered")
        oldest = moment(connection.scalar(sa.select(sa.func.min(outbox.c.created_at)).where(outbox.c.state.in_(moving))))
        retries = connection.scalar(sa.select(sa.func.count()).select_from(attempts).where(attempts.c.event == "pending")) or 0
        exposure: dict[str, Decimal] = {}
        for text, currency in rows_of(
            connection, sa.select(outbox.c.exposure, outbox.c.currency).where(outbox.c.state == "dead_letter", outbox.c.exposure.is_not(None))
        ):
            exposure[currency or ""] = exposure.get(currency or "", Decimal(0)) + _decimal(text)
    return Health(
        depth=sum(by_state.get(state, 0) for state in moving), oldest_age=now - oldest if oldest else None, held=by_state.get("held", 0),
        dead_letters=by_state.get("dead_letter", 0), overwritten=by_state.get("overwritten", 0), unknown=by_state.get("unknown", 0),
        retries=int(retries), exposure=exposure,
    )


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def retry(store: Store, selection: Selection, *, who: str, now: datetime | None = None) -> Decision:
    """Send dead letters again, and waiting entries at once. One that a newer entry has replaced is closed instead.

    The idempotency key stays: an entry that reached the target after all is found there and not sent twice.
    """
    now = now or datetime.now(UTC)
    with store.writing() as connection:
        found = entries_where(connection, *selection.conditions(), outbox.c.state.in_(("dead_letter", "pending", "unknown")),
                              outbox.c.claimed_by.is_(None), lock=True)
        newer = _newer(connection, found)
        replaced = [entry.but(state="superseded", reason_class="newer", reason="a newer entry replaced it", updated_at=stamp(now))
                    for entry in found if entry.id in newer and entry.state == "dead_letter"]
        again = [
            entry.but(state="pending" if entry.state == "dead_letter" else entry.state, attempts=0, not_before=None, updated_at=stamp(now),
                    uncertain=entry.uncertain or entry.attempts > 0)
            for entry in found if not (entry.id in newer and entry.state == "dead_letter")
        ]
        save(connection, [*replaced, *again])
        audit(connection, [Event(entry.id, entry.connection, "superseded", {"reason": entry.reason, "by": who}) for entry in replaced]
              + [Event(entry.id, entry.connection, "retry_asked", {"by": who}) for entry in again], now)
    return Decision(tuple(entry.id for entry in again), tuple(entry.id for entry in replaced))


def _newer(connection: sa.Connection, found: Sequence[Entry]) -> set[int]:
    """The ids of entries that a later one of the same record has overtaken."""
    later = outbox.alias("later")
    overtaken: set[int] = set()
    ids = [entry.id for entry in found]
    for start in range(0, len(ids), 500):
        overtaken |= set(connection.scalars(
            sa.select(outbox.c.id).where(outbox.c.id.in_(ids[start:start + 500]), sa.exists().where(
                later.c.connection == outbox.c.connection, later.c.object == outbox.c.object, later.c.record_id == outbox.c.record_id,
                later.c.id != outbox.c.id,
                sa.or_(later.c.state.in_(OPEN), sa.and_(later.c.id > outbox.c.id, later.c.state.in_(("verified", "overwritten", "dead_letter")))),
            ))))
    return overtaken


def discard(store: Store, selection: Selection, *, reason: str, who: str, now: datetime | None = None) -> Decision:
    """Close entries for good: dead letters, held and waiting ones. The same change is not planned again; another one is."""
    if not reason.strip():
        raise UsageError("needs a reason.", where="outbox", field="discard", mend="Say why the change must not be sent.")
    now = now or datetime.now(UTC)
    with store.writing() as connection:
        found = entries_where(connection, *selection.conditions(), outbox.c.state.in_(("dead_letter", "held", "pending")), lock=True)
        closed = [entry.but(state="superseded", reason_class="discarded", reason=reason, updated_at=stamp(now)) for entry in found]
        save(connection, closed)
        audit(connection, [
            Event(after.id, after.connection, "discarded", {"by": who, "reason": reason, "was": before.state, "why": before.reason})
            for before, after in zip(found, closed, strict=True)
        ], now)
    return Decision(tuple(entry.id for entry in closed))


def approve(store: Store, selection: Selection, *, who: str, now: datetime | None = None) -> Decision:
    """Release held entries; the approval stays with the entry and outlives later plans."""
    now = now or datetime.now(UTC)
    with store.writing() as connection:
        found = entries_where(connection, *selection.conditions(), outbox.c.state == "held", lock=True)
        released = [entry.but(state="pending", reason_class=None, reason=None, owner_role=None, approved_by=who, approved_at=stamp(now),
                            updated_at=stamp(now)) for entry in found]
        save(connection, released)
        audit(connection, [
            Event(after.id, after.connection, "approved", {"by": who, "held_for": before.reason_class})
            for before, after in zip(found, released, strict=True)
        ], now)
    return Decision(tuple(entry.id for entry in released))

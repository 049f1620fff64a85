"""The operational store: its tables, opening it, and the few statements that move an outbox entry from state to state.

Belongs here: everything that is SQL on these tables. What does not: deciding what to write (plan), calling a vendor
(dispatch), what an operator may ask (outbox).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from concord.errors import ConcordError, UsageError
from concord.operations import address, explain, is_failure
from reverse_sync.values import dump, stamp

STATES = ("pending", "in_flight", "delivered", "verified", "unknown", "dead_letter", "superseded", "overwritten", "held")
OPEN = ("pending", "in_flight", "unknown", "delivered", "held")  # at most one such entry a record, enforced by an index
SCHEMA_VERSION = 1

metadata = sa.MetaData()

schema = sa.Table("concord_schema", metadata, sa.Column("version", sa.Integer, nullable=False))

outbox = sa.Table(
    "outbox", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),      # JSON: the fields to write
    sa.Column("desired", sa.Text, nullable=False),      # JSON: every owned field, read back as a whole
    sa.Column("observed", sa.Text, nullable=False),     # JSON: what the plan took the target to hold
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("previous_key", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason_class", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("owner_role", sa.Text),
    sa.Column("exposure", sa.Text),
    sa.Column("currency", sa.Text),
    sa.Column("correlation_id", sa.Text),
    sa.Column("golden_customer_id", sa.Text),
    sa.Column("priority", sa.Integer, nullable=False),  # the lower number goes first
    sa.Column("note", sa.Text),
    sa.Column("observed_version", sa.Text),
    sa.Column("source_commit_at", sa.Text),
    sa.Column("approved_by", sa.Text),
    sa.Column("approved_at", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("uncertain", sa.Boolean, nullable=False),  # some earlier call may have reached the target
    sa.Column("reference", sa.Text),                    # the vendor's job, while its result is awaited
    sa.Column("not_before", sa.Text),
    sa.Column("claimed_by", sa.Text),
    sa.Column("lease_until", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("delivered_at", sa.Text),
    sa.Column("verified_at", sa.Text),
    sa.CheckConstraint("state IN (" + ", ".join(f"'{state}'" for state in STATES) + ")", name="outbox_state"),
)
_is_open = sa.text("state IN (" + ", ".join(f"'{state}'" for state in OPEN) + ")")
sa.Index("outbox_one_open", outbox.c.connection, outbox.c.object, outbox.c.record_id, unique=True,
         sqlite_where=_is_open, postgresql_where=_is_open)
sa.Index("outbox_queue", outbox.c.connection, outbox.c.object, outbox.c.state, outbox.c.priority, outbox.c.id)

receipts = sa.Table(
    "receipts", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("outbox_id", sa.BigInteger, nullable=False),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text, nullable=False),
    sa.Column("written", sa.Boolean, nullable=False),   # false: the target already held the value, nothing was sent
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("delivered_at", sa.Text, nullable=False),
    sa.Column("read_back", sa.Text, nullable=False),    # JSON: every owned field as the target showed it afterwards
    sa.Column("read_back_at", sa.Text, nullable=False),
    sa.Column("version", sa.Text),                      # the target's own time of change, as read back
    sa.Column("outcome", sa.Text, nullable=False),      # verified | overwritten
    sa.Index("receipts_record", "connection", "object", "record_id", "id"),
)

attempts = sa.Table(
    "attempts", metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("outbox_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
# the newest link; its row lock puts writers of the chain in a line
audit_head = sa.Table(
    "audit_head", metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

switches = sa.Table(
    "switches", metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("is_on", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Text, nullable=False),
)

_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER attempts_no_{verb.lower()} BEFORE {verb} ON attempts "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION attempts_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
        "CREATE TRIGGER attempts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON attempts "
        "FOR EACH STATEMENT EXECUTE FUNCTION attempts_append_only()",
    ],
}


@dataclass(frozen=True)
class Entry:
    """One outbox row. JSON columns stay text here; `reverse_sync.values.parse_fields` reads them."""

    id: int
    connection: str
    object: str
    record_id: str
    payload: str
    desired: str
    observed: str
    idempotency_key: str
    previous_key: str
    state: str
    reason_class: str | None
    reason: str | None
    owner_role: str | None
    exposure: str | None
    currency: str | None
    correlation_id: str | None
    golden_customer_id: str | None
    priority: int
    note: str | None
    observed_version: str | None
    source_commit_at: str | None
    approved_by: str | None
    approved_at: str | None
    attempts: int
    uncertain: bool
    reference: str | None
    not_before: str | None
    claimed_by: str | None
    lease_until: str | None
    created_at: str
    updated_at: str
    delivered_at: str | None
    verified_at: str | None

    def but(self, **changes: Any) -> Entry:
        """A copy with some fields changed; `dataclasses.replace` takes five times as long, and each entry is copied often."""
        copy = object.__new__(Entry)
        copy.__dict__.update(self.__dict__, **changes)
        return copy


@dataclass(frozen=True)
class Event:
    """One link of the audit trail, before it is chained."""

    outbox_id: int
    connection: str
    event: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Store:
    engine: sa.Engine
    place: str  # for messages: the file, or the URL without its password
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that writes; all of it is committed, or nothing."""
        guard = self._lock if self.engine.dialect.name == "sqlite" else nullcontext()
        with (
            guard, self._explained(), self.engine.connect() as connection,
            connection.execution_options(concord_writes=True).begin(),
        ):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if is_failure(error):
                raise explain(error, self.place) from error
            raise

    def close(self) -> None:
        self.engine.dispose()


def open_store(url: str, *, lock_wait: float = 30.0) -> Store:
    """Open the store, make or upgrade its tables.

    Raises UsageError for a URL of no known kind, ConcordError for a missing folder, a locked or damaged file, a server that
    does not answer, or tables made by a newer version.
    """
    parsed, place = address(url)
    options: dict[str, Any] = (
        {"connect_args": {"timeout": lock_wait, "check_same_thread": False}} if parsed.get_backend_name() == "sqlite" else {"pool_pre_ping": True})
    engine = sa.create_engine(parsed, pool_size=20, max_overflow=20, **options)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    store = Store(engine, place)
    try:
        _migrate(store)
    except DBAPIError as error:
        engine.dispose()
        raise explain(error, place) from error
    except ConcordError:
        engine.dispose()
        raise
    return store


def _prepare_sqlite(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # the driver's own BEGIN comes too late to hold a lock over read and write
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute("PRAGMA synchronous=FULL")  # an intent must outlive a power cut: it is written before the call

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("concord_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(store: Store) -> None:
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7261001)"))  # two first starts at once
        found = connection.scalar(sa.select(schema.c.version)) if sa.inspect(connection).has_table("concord_schema") else 0
        if found is not None and found > SCHEMA_VERSION:
            raise ConcordError(f"its tables are of version {found}, this Concord knows {SCHEMA_VERSION}.", where=store.place,
                               mend="Upgrade Concord.")
        for version in range((found or 0) + 1, SCHEMA_VERSION + 1):
            _MIGRATIONS[version](connection)
        if not found:
            connection.execute(schema.insert().values(version=SCHEMA_VERSION))
        elif found < SCHEMA_VERSION:
            connection.execute(schema.update().values(version=SCHEMA_VERSION))


def _first_tables(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    connection.execute(audit_head.insert().values(id=1, sequence=0, hash=""))


_MIGRATIONS = {1: _first_tables}


# -- the audit trail


def audit(connection: sa.Connection, events: Sequence[Event], at: datetime) -> None:
    """Append links to the chain, within the caller's transaction."""
    if not events:
        return
    head = connection.execute(sa.select(audit_head.c.sequence, audit_head.c.hash).with_for_update()).one()
    sequence, previous, when = head.sequence, head.hash, stamp(at)
    rows = []
    for link in events:
        sequence += 1
        detail = dump(link.detail)
        this = _link_hash(previous, sequence, when, link.outbox_id, link.connection, link.event, detail)
        rows.append({"id": sequence, "at": when, "outbox_id": link.outbox_id, "connection": link.connection, "event": link.event,
                     "detail": detail, "previous_hash": previous, "hash": this})
        previous = this
    connection.execute(attempts.insert(), rows)
    connection.execute(audit_head.update().values(sequence=sequence, hash=previous))


def _link_hash(previous: str, sequence: int, at: str, outbox_id: int, connection: str, event_: str, detail: str) -> str:
    return hashlib.sha256("\x1f".join((previous, str(sequence), at, str(outbox_id), connection, event_, detail)).encode()).hexdigest()


def broken_link(store: Store) -> int | None:
    """The id of the first audit row that was changed, removed or reordered; None while the chain holds."""
    expected, previous = 1, ""
    with store.reading() as connection:
        for row in connection.execute(sa.select(attempts).order_by(attempts.c.id)):
            if (row.id != expected or row.previous_hash != previous
                    or row.hash != _link_hash(previous, row.id, row.at, row.outbox_id, row.connection, row.event, row.detail)):
                return expected
            expected, previous = expected + 1, row.hash
        head = connection.execute(sa.select(audit_head)).one()
    return None if (head.sequence, head.hash) == (expected - 1, previous) else expected


# -- entries


_MUTABLE = ("state", "reason_class", "reason", "owner_role", "approved_by", "approved_at", "attempts", "uncertain", "reference",
            "not_before", "claimed_by", "lease_until", "updated_at", "delivered_at", "verified_at")
def save(connection: sa.Connection, entries: Iterable[Entry], *, worker: str | None = None) -> None:
    """Write the changeable columns of entries. With `worker`, only of those that are still claimed by it: one that lost its
    lease must not undo what its successor did.
    """
    alike: dict[tuple[Any, ...], list[int]] = {}
    for entry in entries:
        alike.setdefault(tuple([entry.__dict__[name] for name in _MUTABLE]), []).append(entry.id)
    for values, ids in alike.items():  # a batch mostly moves as one
        for start in range(0, len(ids), 500):
            which: sa.ColumnElement[bool] = outbox.c.id.in_(ids[start:start + 500])
            if worker is not None:
                which = sa.and_(which, outbox.c.claimed_by == worker)
            connection.execute(outbox.update().where(which).values(dict(zip(_MUTABLE, values, strict=True))))


def rows_of(connection: sa.Connection, query: sa.Select[Any]) -> list[Any]:
    """All rows of a query; the columns of these tables carry no Python types."""
    return list(connection.execute(query))


def entries_where(connection: sa.Connection, *conditions: sa.ColumnElement[bool], lock: bool = False, skip_locked: bool = False,
                  order: Sequence[Any] = (outbox.c.id,), limit: int | None = None) -> list[Entry]:
    query = sa.select(outbox).where(*conditions).order_by(*order).limit(limit)
    if lock:
        query = query.with_for_update(skip_locked=skip_locked)
    return [Entry(*row) for row in rows_of(connection, query)]


def insert_entries(connection: sa.Connection, entries: Sequence[Entry]) -> list[int]:
    """Add new entries (their id is ignored) and return the ids, in order."""
    if not entries:
        return []
    rows = [asdict_without_id(entry) for entry in entries]
    returned = connection.execute(outbox.insert().returning(outbox.c.id, sort_by_parameter_order=True), rows)
    return [row.id for row in returned]


def asdict_without_id(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.__dict__.items() if name != "id"}


def claim(store: Store, connection_name: str, object_: str, *, state: str, worker: str, now: datetime, lease_until: datetime,
          limit: int) -> list[Entry]:
    """Take up to `limit` entries that are due and in `state`; a pending one becomes in_flight: the intent, committed.

    `unknown` and `delivered` entries keep their state while they are read, since nothing is sent for them.
    """
    with store.writing() as connection:
        found = entries_where(
            connection, outbox.c.connection == connection_name, outbox.c.object == object_, outbox.c.state == state,
            sa.or_(outbox.c.not_before.is_(None), outbox.c.not_before <= stamp(now)),
            sa.or_(outbox.c.claimed_by.is_(None), outbox.c.lease_until < stamp(now)),
            lock=True, skip_locked=True, order=(outbox.c.priority, outbox.c.id), limit=limit,
        )
        claimed = [
            entry.but(state="in_flight" if state == "pending" else state, claimed_by=worker, lease_until=stamp(lease_until),
                    not_before=None, updated_at=stamp(now))
            for entry in found
        ]
        save(connection, claimed)
        if state == "pending":
            audit(connection, [
                Event(entry.id, entry.connection, "in_flight", {"payload": entry.payload, "key": entry.idempotency_key})
                for entry in claimed
            ], now)
        return claimed


def recover(store: Store, connection_name: str, *, now: datetime, dead_workers: Sequence[str] = ()) -> int:
    """Claims whose lease ran out, or whose process is gone: what was in flight may have arrived, so it becomes unknown."""
    expired = sa.or_(outbox.c.lease_until < stamp(now), outbox.c.claimed_by.in_(dead_workers))
    with store.writing() as connection:
        lost = entries_where(connection, outbox.c.connection == connection_name, outbox.c.claimed_by.is_not(None),
                             outbox.c.state.in_(("in_flight", "unknown", "delivered")), expired, lock=True, skip_locked=True)
        freed = [
            entry.but(state="unknown" if entry.state == "in_flight" else entry.state,
                    uncertain=entry.uncertain or entry.state == "in_flight", claimed_by=None, lease_until=None, updated_at=stamp(now))
            for entry in lost
        ]
        save(connection, freed)
        audit(connection, [
            Event(after.id, after.connection, "lease_lost", {"was": before.state, "worker": before.claimed_by})
            for before, after in zip(lost, freed, strict=True)
        ], now)
        return len(freed)


def renew(store: Store, entries: Sequence[Entry], *, worker: str, lease_until: datetime) -> list[Entry]:
    """Extend the leases; returns the entries that are still this worker's."""
    with store.writing() as connection:
        mine = sa.and_(outbox.c.id.in_([entry.id for entry in entries]), outbox.c.claimed_by == worker)
        connection.execute(outbox.update().where(mine).values(lease_until=stamp(lease_until)))
        kept = {row.id for row in rows_of(connection, sa.select(outbox.c.id).where(mine))}
    return [entry.but(lease_until=stamp(lease_until)) for entry in entries if entry.id in kept]


def workers(store: Store, connection_name: str) -> list[str]:
    with store.reading() as connection:
        names = rows_of(connection,
            sa.select(outbox.c.claimed_by).where(outbox.c.connection == connection_name, outbox.c.claimed_by.is_not(None)).distinct())
        return [row.claimed_by for row in names]


def next_due(store: Store, connection_name: str, objects: Sequence[str], now: datetime) -> str | None:
    """When the next entry can be worked on: a stamp (now, if one is due), or None when nothing waits."""
    with store.reading() as connection:
        rows = connection.execute(
            sa.select(sa.func.min(sa.func.coalesce(outbox.c.not_before, stamp(now)))).where(
                outbox.c.connection == connection_name, outbox.c.object.in_(objects),
                outbox.c.state.in_(("pending", "unknown", "delivered")), outbox.c.claimed_by.is_(None),
            )
        ).scalar()
        return str(rows) if rows is not None else None


def last_receipts(connection: sa.Connection, connection_name: str, object_: str) -> dict[str, Any]:
    """The newest receipt of each record of a target."""
    newest = sa.select(sa.func.max(receipts.c.id)).where(
        receipts.c.connection == connection_name, receipts.c.object == object_).group_by(receipts.c.record_id)
    return {row.record_id: row for row in connection.execute(sa.select(receipts).where(receipts.c.id.in_(newest)))}


# -- switches


def switch(store: Store, connection_name: str, *, on: bool, who: str, reason: str, now: datetime) -> None:
    """Turn pushing to a connection on or off; off lets plans be made and keeps them unsent."""
    if not reason.strip():
        raise UsageError("needs a reason.", where=connection_name, field="switch")
    with store.writing() as connection:
        connection.execute(switches.delete().where(switches.c.connection == connection_name))
        connection.execute(switches.insert().values(connection=connection_name, is_on=on, reason=reason, changed_by=who,
                                                    changed_at=stamp(now)))
        audit(connection, [Event(0, connection_name, "switched_on" if on else "switched_off", {"by": who, "reason": reason})], now)


def switched_off(store: Store) -> dict[str, str]:
    """Connection to reason, for every switch that is off."""
    with store.reading() as connection:
        return {row.connection: row.reason for row in connection.execute(sa.select(switches).where(switches.c.is_on.is_(False)))}

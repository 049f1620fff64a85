"""The operational store: opening, versions, the audit chain, claims, and what an operator may do with entries."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from concord.errors import ConcordError, UsageError
from reverse_sync import outbox
from reverse_sync.outbox import Selection
from reverse_sync.plan import plan
from reverse_sync.store import (
    SCHEMA_VERSION,
    STATES,
    Store,
    broken_link,
    claim,
    entries_where,
    insert_entries,
    next_due,
    open_store,
    recover,
    renew,
    save,
)
from reverse_sync.store import attempts as attempts_table
from reverse_sync.store import outbox as outbox_table
from reverse_sync.store import schema as schema_table
from reverse_sync.values import canonical, differences, equal, idempotency_key, moment, parse_fields, stamp
from tests.reverse_sync.published import CONNECTIONS, publish, row

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=5)


def fill(tmp_path: Path, store: Store, count: int = 4, value: str = "hold") -> None:
    plan(publish(tmp_path / "p.duckdb", [row("organization", str(n), {"credit_status": value}, {"credit_status": "ok"}) for n in range(count)]),
         store, CONNECTIONS, now=NOW)


def put(store: Store, ids: list[int], state: str, reason_class: str | None = None) -> None:
    with store.writing() as connection:
        save(connection, [entry.but(state=state, reason_class=reason_class, reason="refused")
                          for entry in entries_where(connection, outbox_table.c.id.in_(ids))])


def test_opening_again_keeps_everything(tmp_path: Path, store: Store, store_url: str) -> None:
    fill(tmp_path, store)
    again = open_store(store_url)
    assert len(outbox.entries(again)) == 4
    again.close()


def test_tables_of_a_newer_version_are_left_alone(store: Store, store_url: str) -> None:
    with store.writing() as connection:
        connection.execute(schema_table.update().values(version=SCHEMA_VERSION + 1))
    with pytest.raises(ConcordError, match="Upgrade Concord"):
        open_store(store_url)


@pytest.mark.parametrize(("url", "kind", "words"), [
    ("sqlite:////nowhere/at/all/operations.sqlite", ConcordError, "folder /nowhere/at/all is missing. Create"),
    ("mysql://root@localhost/x", UsageError, "CONCORD_OPERATIONS_URL: is not a SQLite or PostgreSQL address"),
    ("not a url", UsageError, "is not a SQLite or PostgreSQL address"),
    ("sqlite://", UsageError, "must name a file"),
    ("postgresql://concord@127.0.0.1:9/none", ConcordError, "the operational store failed"),
])
def test_what_cannot_be_opened_is_named(url: str, kind: type[ConcordError], words: str) -> None:
    with pytest.raises(kind) as caught:
        open_store(url)
    assert words in str(caught.value) and caught.value.mend


def test_a_damaged_and_a_locked_file_are_named(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"something else entirely" * 100)
    with pytest.raises(ConcordError, match="is not a SQLite database, or is damaged"):
        open_store(f"sqlite:///{damaged}")
    path = tmp_path / "locked.sqlite"
    open_store(f"sqlite:///{path}").close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(ConcordError, match=r"another process keeps it locked\. Wait"):
            open_store(f"sqlite:///{path}", lock_wait=0.1)
    finally:
        holder.close()


def test_a_password_never_reaches_a_message() -> None:
    with pytest.raises(ConcordError) as caught:
        open_store("postgresql://concord:hunter2@127.0.0.1:9/none")
    assert "hunter2" not in str(caught.value)


def test_the_audit_trail_is_append_only_and_shows_any_forgery(tmp_path: Path, store: Store) -> None:
    fill(tmp_path, store)
    assert broken_link(store) is None
    for statement in (attempts_table.update().values(event="nothing"), attempts_table.delete()):
        with pytest.raises(DBAPIError, match="append-only"), store.writing() as connection:
            connection.execute(statement)
    with store.writing() as connection:  # who owns the database can take the guard away; the chain still tells
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER attempts_no_update")
        else:
            connection.exec_driver_sql("ALTER TABLE attempts DISABLE TRIGGER attempts_append_only")
        connection.execute(attempts_table.update().where(attempts_table.c.id == 3).values(detail="{}"))
    assert broken_link(store) == 3


def test_a_claim_is_a_lease_of_one_worker(tmp_path: Path, store: Store) -> None:
    fill(tmp_path, store)
    first = claim(store, "zendesk", "organization", state="pending", worker="a", now=NOW, lease_until=LEASE, limit=3)
    second = claim(store, "zendesk", "organization", state="pending", worker="b", now=NOW, lease_until=LEASE, limit=3)
    assert [len(first), len(second)] == [3, 1] and not {e.id for e in first} & {e.id for e in second}
    assert {entry.state for entry in outbox.entries(store)} == {"in_flight"}
    assert recover(store, "zendesk", now=NOW + timedelta(minutes=4)) == 0
    assert recover(store, "zendesk", now=NOW, dead_workers=["b"]) == 1
    assert recover(store, "zendesk", now=NOW + timedelta(minutes=6)) == 3
    assert {(entry.state, entry.uncertain, entry.claimed_by) for entry in outbox.entries(store)} == {("unknown", True, None)}
    # the worker that was too slow finds that nothing is its own any more, and undoes nothing
    assert renew(store, first, worker="a", lease_until=LEASE) == []
    with store.writing() as connection:
        save(connection, [entry.but(state="pending") for entry in first], worker="a")
    assert {entry.state for entry in outbox.entries(store)} == {"unknown"}


def test_a_record_has_one_open_entry_only(tmp_path: Path, store: Store) -> None:
    fill(tmp_path, store, 1)
    [entry] = outbox.entries(store)
    with pytest.raises(sa.exc.IntegrityError), store.writing() as connection:
        insert_entries(connection, [entry.but(idempotency_key="another")])
    with pytest.raises(sa.exc.IntegrityError), store.writing() as connection:
        insert_entries(connection, [entry.but(state="lost", record_id="9", idempotency_key="third")])
    assert len(outbox.entries(store)) == 1


def test_next_due(tmp_path: Path, store: Store) -> None:
    assert next_due(store, "zendesk", ["organization"], NOW) is None
    fill(tmp_path, store, 2)
    assert next_due(store, "zendesk", ["organization"], NOW) == stamp(NOW)
    with store.writing() as connection:
        save(connection, [entry.but(not_before=stamp(LEASE)) for entry in entries_where(connection)])
    assert next_due(store, "zendesk", ["organization"], NOW) == stamp(LEASE)


def test_list_filters_and_counts(tmp_path: Path, store: Store) -> None:
    fill(tmp_path, store)
    ids = [entry.id for entry in outbox.entries(store)]
    put(store, ids[:2], "dead_letter", "validation")
    chosen = outbox.entries(store, Selection(states=("dead_letter",), reason_class="validation", first=ids[1], connection="zendesk"))
    assert [entry.id for entry in chosen] == [ids[1]]
    assert [entry.id for entry in outbox.entries(store, limit=2)] == ids[2:]
    assert outbox.counts(store) == {("zendesk", "dead_letter"): 2, ("zendesk", "pending"): 2}
    with pytest.raises(UsageError, match="no state is called 'dead'"):
        outbox.entries(store, Selection(states=("dead",)))


def test_retry_by_range_sends_the_chosen_and_closes_the_overtaken(tmp_path: Path, store: Store) -> None:
    fill(tmp_path, store)
    ids = [entry.id for entry in outbox.entries(store)]
    put(store, ids, "dead_letter", "validation")
    with store.writing() as connection:  # a newer value of the second record is on its way
        old = entries_where(connection, outbox_table.c.id == ids[1])[0]
        insert_entries(connection, [old.but(state="pending", idempotency_key="newer")])
    decided = outbox.retry(store, Selection(first=ids[1], last=ids[2], states=("dead_letter",)), who="ada", now=NOW)
    assert (decided.changed, decided.replaced) == ((ids[2],), (ids[1],))
    states = {entry.id: entry.state for entry in outbox.entries(store)}
    assert [states[id] for id in ids] == ["dead_letter", "superseded", "pending", "dead_letter"]
    assert [link["event"] for link in outbox.history(store, ids[2])] == ["planned", "retry_asked"]


def test_a_discarded_change_stays_discarded_until_another_value_is_wanted(tmp_path: Path, store: Store) -> None:
    fill(tmp_path, store, 2)
    ids = [entry.id for entry in outbox.entries(store)]
    put(store, ids[:1], "dead_letter", "validation")
    with pytest.raises(UsageError, match="needs a reason"):
        outbox.discard(store, Selection(first=ids[0], last=ids[0]), reason="", who="ada")
    assert outbox.discard(store, Selection(first=ids[0], last=ids[0]), reason="the field is gone", who="ada").changed == (ids[0],)
    again = plan(tmp_path / "p.duckdb", store, CONNECTIONS)
    assert [(change.outcome, change.reason) for change in again.changes] == [("discarded", "the field is gone"), ("on_its_way", "waits to be sent")]
    fill(tmp_path, store, 2, value="late")
    assert [entry.state for entry in outbox.entries(store)] == ["superseded", "superseded", "pending", "pending"]


def test_health(tmp_path: Path, store: Store) -> None:
    assert outbox.health(store, NOW).oldest_age is None
    fill(tmp_path, store)
    ids = [entry.id for entry in outbox.entries(store)]
    put(store, ids[:2], "dead_letter", "validation")
    put(store, ids[2:3], "held", "approval")
    found = outbox.health(store, NOW + timedelta(minutes=3))
    assert (found.depth, found.dead_letters, found.held, found.oldest_age) == (1, 2, 1, timedelta(minutes=3))
    assert found.exposure == {"EUR": Decimal("2501")}


def test_states_are_the_published_ones() -> None:
    assert set(STATES) == {"pending", "in_flight", "delivered", "verified", "unknown", "dead_letter", "superseded", "overwritten", "held"}


@pytest.mark.parametrize(("left", "right", "same"), [
    (12.50, 12.5, True), ("12.50", 12.5, True), ("12.50", "12.5", False), ("0123", "123", False), (True, 1, False), (None, "", False),
    (None, 0, False), ("2026-12-31T00:00:00+00:00", "2026-12-31", True), ("2026-12-31T00:00:01Z", "2026-12-31", False),
    (Decimal("10.000000000"), 10, True), (1e3, 1000, True), ("x", "x", True), ("ok", "hold", False), ("1e3", 1000, True),
])
def test_equal(left: object, right: object, same: bool) -> None:
    assert equal(left, right) is same and equal(right, left) is same


def test_values() -> None:
    fields = parse_fields('{"a":12.500000000,"b":123456789012345.123456789,"c":null,"d":9007199254740993}')
    assert fields == {"a": 12.5, "b": "123456789012345.123456789", "c": None, "d": "9007199254740993"}
    assert canonical(Decimal("1E+2")) == 100
    assert differences({"a": None}, {}) == ()
    assert idempotency_key("z", "o", "1", {"a": 1, "b": 2}, "") == idempotency_key("z", "o", "1", {"b": 2, "a": 1}, "")
    assert idempotency_key("z", "o", "1", {"a": 1}, "") != idempotency_key("z", "o", "1", {"a": 1}, "previous")
    assert moment("2026-01-15T09:30:00.000+0000") == moment("2026-01-15T09:30:00Z") == moment("2026-01-15 09:30:00") == moment("1768469400")
    assert moment("soon") is None and moment(None) is None

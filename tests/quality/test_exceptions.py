"""An exception's life: what the data decides, what people decide, and that every step stays."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from concord.errors import ConcordError, UsageError
from quality.exceptions import Filter, decide, events_of, find, from_drift, from_reconciliation, listed, record
from quality.ledger import open_ledger
from quality.ledger import record as record_findings
from quality.store import exception_events, exceptions, findings, schema

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seen(id: str, *, as_of: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {
        "exception_id": id, "source": "reconciliation", "domain": "invoice", "class": "amount", "severity": "error", "data_role": "finance",
        "customer_id": "c1", "customer_name": "Firm", "correlation_id": "order:7", "left_connection": "billing", "left_id": f"in_{id}",
        "right_connection": "ledger", "right_id": f"9{id}", "left_value": "100.00", "right_value": "90.00", "exposure": Decimal("10"),
        "currency": "EUR", "since": as_of.replace(tzinfo=None) - timedelta(days=2), "detail": "differs", "as_of": as_of.replace(tzinfo=None), **more,
    }


def states(ledger: sa.Engine) -> dict[str, str]:
    every = Filter(states=("open", "acknowledged", "resolved", "accepted", "closed"))
    return {row["exception_id"]: row["state"] for row in listed(ledger, every)}


def test_the_data_opens_closes_and_opens_again(store_url: str) -> None:
    ledger = open_ledger(store_url)
    first = record(ledger, [seen("a"), seen("b")], NOW)
    assert (first.opened, first.reopened, first.closed, first.still_open) == (("a", "b"), (), (), 0)
    same = record(ledger, [seen("a"), seen("b")], NOW + HOUR)
    assert (same.opened, same.reopened, same.closed, same.still_open) == ((), (), (), 2)
    assert record(ledger, [seen("b", as_of=NOW + HOUR)], NOW + 2 * HOUR).closed == ("a",)
    assert states(ledger) == {"a": "closed", "b": "open"}
    assert record(ledger, [seen("a"), seen("b")], NOW + 3 * HOUR).reopened == ("a",)
    past = events_of(ledger, "a")
    assert [(event["event"], event["who"], event["from_state"], event["to_state"]) for event in past] == [
        ("opened", "concord", None, "open"), ("closed", "concord", "open", "closed"), ("reopened", "concord", "closed", "open")]
    assert past[1]["at"] == NOW + 2 * HOUR and past[1]["as_of"] == NOW + HOUR
    (a, _) = listed(ledger)
    assert (a["times_opened"], a["age"]) == (2, timedelta(days=2))


def test_resolved_is_proved_by_a_later_read_after_the_grace(store_url: str) -> None:
    ledger = open_ledger(store_url)
    record(ledger, [seen("a"), seen("b")], NOW)
    for id in ("a", "b"):
        decide(ledger, id, "resolved", who="pat", at=NOW + HOUR, comment="booked again", minutes=12)
    again = NOW + HOUR + timedelta(minutes=1)
    assert record(ledger, [seen("a"), seen("b")], NOW + 3 * HOUR).reopened == ()           # the same read proves nothing
    assert record(ledger, [seen("a", as_of=again), seen("b", as_of=again)], again).reopened == ()  # within the grace
    later = record(ledger, [seen("a", as_of=NOW + 3 * HOUR)], NOW + 3 * HOUR)
    assert (later.reopened, later.closed) == (("a",), ("b",))
    assert events_of(ledger, "a")[-1]["comment"] == "the data still disagrees"
    assert [event["minutes"] for event in events_of(ledger, "b")] == [None, 12, None]


@pytest.mark.parametrize(("change", "back"), [
    ({}, False), ({"exposure": Decimal("9")}, False), ({"detail": "said otherwise", "severity": "warn"}, False),
    ({"right_value": "80.00"}, True), ({"currency": "USD"}, True), ({"exposure": Decimal("10.01")}, True),
])
def test_accepted_stays_while_its_values_stay(store_url: str, change: dict[str, Any], back: bool) -> None:
    ledger = open_ledger(store_url)
    record(ledger, [seen("a")], NOW)
    decide(ledger, "a", "accepted", who="pat", at=NOW, comment="agreed with the customer")
    result = record(ledger, [seen("a", as_of=NOW + 2 * HOUR, **change)], NOW + timedelta(days=400))
    assert (result.reopened == ("a",)) is back
    assert states(ledger) == {"a": "open" if back else "accepted"}


def test_accepted_until_its_day(store_url: str) -> None:
    ledger = open_ledger(store_url)
    record(ledger, [seen("a")], NOW)
    decide(ledger, "a", "accepted", who="pat", at=NOW, comment="until the migration", until=date(2026, 3, 3))
    assert record(ledger, [seen("a")], datetime(2026, 3, 3, 23, tzinfo=UTC)).reopened == ()
    assert record(ledger, [seen("a")], datetime(2026, 3, 4, 0, tzinfo=UTC)).reopened == ("a",)
    assert listed(ledger)[0]["accepted_until"] is None


def test_people_say_who_works_on_it_and_the_data_does_not_undo_it(store_url: str) -> None:
    ledger = open_ledger(store_url)
    record(ledger, [seen("a")], NOW)
    assert decide(ledger, "a", "acknowledged", who="pat", at=NOW)["assignee"] == "pat"
    decide(ledger, "a", "assigned", who="pat", at=NOW, assignee="kim", owner_role="revenue")
    record(ledger, [seen("a", right_value="1.00")], NOW + HOUR)
    (row,) = listed(ledger, Filter(owner="revenue"))
    assert (row["state"], row["assignee"], row["owner_role"], row["right_value"]) == ("acknowledged", "kim", "revenue", "1.00")
    assert listed(ledger, Filter(owner="finance")) == []
    decide(ledger, "a", "reopened", who="kim", at=NOW)
    assert states(ledger) == {"a": "open"}


def test_steps_that_cannot_be_taken_say_why(store_url: str) -> None:
    ledger = open_ledger(store_url)
    record(ledger, [seen("abc1"), seen("abc2")], NOW)
    record(ledger, [seen("abc2")], NOW)
    with pytest.raises(UsageError, match="the data agrees"):
        decide(ledger, "abc1", "resolved", who="pat")
    with pytest.raises(UsageError, match="is open and cannot be reopened"):
        decide(ledger, "abc2", "reopened", who="pat")
    with pytest.raises(UsageError, match="needs a comment"):
        decide(ledger, "abc2", "accepted", who="pat", comment=" ")
    with pytest.raises(UsageError, match="is over"):
        decide(ledger, "abc2", "accepted", who="pat", comment="x", until=date(2020, 1, 1))
    with pytest.raises(UsageError, match="names nobody"):
        decide(ledger, "abc2", "assigned", who="pat")
    with pytest.raises(UsageError, match="ambiguous"):
        find(ledger, "abc")
    with pytest.raises(UsageError, match="no exception"):
        find(ledger, "abc%")
    assert find(ledger, "abc2") == "abc2"
    decide(ledger, "abc1", "commented", who="pat", comment="it was the tax")  # a closed one may still be explained
    assert states(ledger) == {"abc1": "closed", "abc2": "open"}


def test_filters_and_order(store_url: str) -> None:
    ledger = open_ledger(store_url)
    old = NOW.replace(tzinfo=None) - timedelta(days=9)
    record(ledger, [seen("small", exposure=Decimal(1)), seen("none", exposure=None, currency=None), seen("old", since=old),
                    seen("young"), seen("paid", domain="payment", data_role="revenue+finance", exposure=Decimal(500))], NOW)
    assert [row["exception_id"] for row in listed(ledger)] == ["paid", "old", "young", "small", "none"]
    assert [row["exception_id"] for row in listed(ledger, Filter(domain="payment"))] == ["paid"]
    assert [row["exception_id"] for row in listed(ledger, Filter(owner="revenue"))] == ["paid"]
    assert [row["exception_id"] for row in listed(ledger, Filter(older_than=timedelta(days=3)))] == ["old"]
    assert [row["exception_id"] for row in listed(ledger, Filter(over=Decimal(10)))] == ["paid"]
    with pytest.raises(UsageError, match="no state"):
        listed(ledger, Filter(states=("done",)))


def test_a_store_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    for url, says in (("nonsense", "CONCORD_OPERATIONS_URL: is not a SQLite or PostgreSQL address"), ("mysql://x/y", "is not a SQLite or PostgreSQL address"),
                      (f"sqlite:///{tmp_path / 'none' / 'x.sqlite'}", "none is missing. Create"),
                      ("postgresql://me:secret@127.0.0.1:1/x", r"me:\*\*\*@127\.0\.0\.1:1/x: the operational store failed")):
        with pytest.raises(ConcordError, match=says):
            open_ledger(url)
    path = tmp_path / "operations.sqlite"
    ledger = open_ledger(f"sqlite:///{path}", lock_wait=0.1)
    record(ledger, [seen("a")], NOW)
    with sqlite3.connect(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ConcordError, match=r"operations\.sqlite: another process keeps it locked\. Wait"):
            decide(ledger, "a", "acknowledged", who="kim", at=NOW)
        other.execute("ROLLBACK")
    ledger.dispose()
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(ConcordError, match=r"operations\.sqlite: is not a SQLite database, or is damaged\. Restore it"):
        open_ledger(f"sqlite:///{path}")
    assert path.read_bytes() == b"something else entirely" * 100


def test_history_cannot_be_rewritten(store_url: str) -> None:
    ledger = open_ledger(store_url)
    record(ledger, [seen("a")], NOW)
    for statement in (sa.update(exception_events).values(who="somebody"), sa.delete(exception_events)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.begin() as store:
            store.execute(statement)


def test_an_older_installation_keeps_its_findings(store_url: str) -> None:
    old = sa.create_engine(store_url)
    findings.create(old)
    told = {"drift_id": "D4", "class": "amount", "severity": "error", "owner_role": "finance", "exposure": Decimal("12.5"), "currency": "EUR",
            "last_seen_at": NOW, "times_opened": 1}
    with old.begin() as store:
        store.execute(sa.insert(findings), [{**told, "finding_id": "a", "opened_at": NOW, "closed_at": None},
                                            {**told, "finding_id": "b", "opened_at": NOW, "closed_at": NOW + HOUR}])
    ledger = open_ledger(store_url)
    assert states(ledger) == {"a": "open", "b": "closed"}
    assert [event["event"] for event in events_of(ledger, "b")] == ["opened", "closed"]
    assert listed(ledger)[0]["domain"] == "invoice"
    assert record_findings(open_ledger(store_url), [], NOW).closed[0]["finding_id"] == "a"
    with ledger.begin() as store:
        store.execute(sa.update(schema).values(version=99))
    with pytest.raises(ConcordError, match="version 99"):
        open_ledger(store_url)


def test_a_finding_is_not_worked_twice() -> None:
    drift = from_drift([{"finding_id": "f", "drift_id": "D4", "class": "amount", "severity": "error", "owner_role": "finance",
                         "golden_customer_id": "c1", "left_connection": "billing", "left_id": "1", "right_connection": "ledger", "right_id": "2"}],
                       {"c1": "Firm"})
    assert (drift[0]["domain"], drift[0]["customer_name"], drift[0]["exception_id"]) == ("invoice", "Firm", "f")
    row = {"exception_id": "r", "domain": "invoice", "class": "amount", "severity": "error", "owner_role": "finance",
           "left_connection": "billing", "left_id": "1", "right_connection": "ledger", "right_id": "2"}
    assert from_reconciliation([row], drift) == []
    assert [each["exception_id"] for each in from_reconciliation([row, {**row, "class": "tax", "exception_id": "s"}], drift)] == ["s"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(looks=st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=5), decided=st.sets(st.sampled_from("abc")))
def test_what_is_closed_is_what_the_data_no_longer_shows(tmp_path_factory: pytest.TempPathFactory, looks: list[set[str]], decided: set[str]) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'operations.sqlite'}")
    ever: set[str] = set()
    for number, shown in enumerate(looks):
        at = NOW + number * HOUR
        record(ledger, [seen(id, as_of=at) for id in sorted(shown)], at)
        ever |= shown
        if number == 0:
            for id in sorted(decided & shown):
                decide(ledger, id, "acknowledged", who="pat", at=at)
    found = states(ledger)
    assert set(found) == ever
    assert {id for id, state in found.items() if state != "closed"} == looks[-1]
    with ledger.connect() as store:  # the newest event says the state that the exception is in
        for id, state in store.execute(sa.select(exceptions.c.exception_id, exceptions.c.state)):
            assert events_of(ledger, id)[-1]["to_state"] == state

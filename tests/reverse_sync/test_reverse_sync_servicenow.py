"""Writing to ServiceNow, against its stand-in: values, marks and notes arrive once, faults are survived, refusals are told by record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection, SandboxAccount
from reverse_sync import outbox, servicenow
from reverse_sync.dispatch import ApplyResult, Pace, apply
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import Store, broken_link, open_store
from sandbox.accounts import settings as credentials
from sandbox.server import Sandbox, running

NAME = "servicenow"
PACE = Pace(workers=2, backoff=timedelta(milliseconds=50), settle=timedelta(milliseconds=50), patience=timedelta(seconds=20))
NO_CAP = ChangeCap(count=None, share=None)
CONNECTIONS = {"desk": Connection(name="desk", system=NAME, role="support", sandbox=True)}
TABLES = {target.object: target.table for target in servicenow.TARGETS}
NOTE = "Credit hold: ask finance first."


@pytest.fixture(autouse=True)
def only_servicenow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published file of these tests holds the tables of this vendor alone."""
    for place in ("reverse_sync.plan.targets", "reverse_sync.dispatch.targets"):
        monkeypatch.setattr(place, lambda: servicenow.TARGETS)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.1, vendors=(NAME,)) as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def lasting_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for many rounds, as in life: to a new one each change is the first of its record, with the key and the marker of an earlier round."""
    opened = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'operations.sqlite'}")
    yield opened
    opened.close()


def row(object_: str, record_id: str, desired: dict[str, Any], observed: dict[str, Any], note: str | None = None) -> tuple[Any, ...]:
    at = datetime(2026, 10, 1, tzinfo=UTC)
    return ("desk", object_, record_id, json.dumps(desired), json.dumps(observed), at, at, f"chain-{record_id}", f"golden-{record_id}", 5,
            False, 1250.5, "EUR", note)


def publish(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for object_, table in TABLES.items():
            connection.execute(
                f"CREATE TABLE {table} (connection VARCHAR, object VARCHAR, record_id VARCHAR, desired_fields VARCHAR, observed_fields VARCHAR, "
                "observed_version TIMESTAMPTZ, source_commit_at TIMESTAMPTZ, correlation_id VARCHAR, golden_customer_id VARCHAR, priority INTEGER, "
                "needs_approval BOOLEAN, exposure DECIMAL(38, 9), currency VARCHAR, note VARCHAR)")
            if mine := [one for one in rows if one[1] == object_]:
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * 14)})", mine)
    return path


def sent(sandbox: Sandbox, store: Store, folder: Path, rows: list[tuple[Any, ...]], **options: Any) -> ApplyResult:
    plan(publish(folder / "p.duckdb", rows), store, CONNECTIONS, cap=NO_CAP)
    account = SandboxAccount(sandbox.url(NAME), credentials(NAME, folder))
    return apply(store, CONNECTIONS, {"desk": account}, pace=PACE, **options)


def held(sandbox: Sandbox, table: str) -> dict[str, dict[str, Any]]:
    return dict(sandbox.vendors[NAME].store.collection(table))


def notes(sandbox: Sandbox, case: str) -> list[str]:
    return [entry["value"] for entry in held(sandbox, "sys_journal_field").values()
            if entry["element_id"] == case and entry["element"] == "work_notes" and "[concord " in entry["value"]]


def accounts(sandbox: Sandbox, start: int, count: int) -> list[str]:
    return sorted(held(sandbox, servicenow.ACCOUNT))[start : start + count]


def open_cases(sandbox: Sandbox, start: int, count: int) -> list[str]:
    return sorted(id for id, case in held(sandbox, servicenow.CASE).items() if case["state"] in ("1", "10", "18"))[start : start + count]


def states(store: Store) -> dict[str, tuple[str, str | None]]:
    return {entry.record_id: (entry.state, entry.reason_class) for entry in outbox.entries(store)}


def desired(number: int) -> dict[str, Any]:
    return {"u_credit_status": "hold", "u_overdue_amount": 100.25 + number, "u_overdue_days": number, "u_entitlement_tier": None,
            "u_entitlement_end": "2027-01-31"}


def wishes(sandbox: Sandbox, number: int) -> list[tuple[Any, ...]]:
    shown = held(sandbox, servicenow.ACCOUNT)
    rows = [row(servicenow.ACCOUNT, id, desired(number), {name: shown[id].get(name) or None for name in desired(number)})
            for id in accounts(sandbox, 0, 12)]
    return rows + [
        row(servicenow.CASE, id, {"tag_credit_hold": number % 2 == 1, "tag_lapsed_cover": False},
            {"tag_credit_hold": number % 2 == 0, "tag_lapsed_cover": False}, f"{NOTE} Round {number}.") for id in open_cases(sandbox, 0, 5)]


def settled(sandbox: Sandbox, number: int, rows: list[tuple[Any, ...]]) -> None:
    for one in rows:
        if one[1] == servicenow.ACCOUNT:
            record = held(sandbox, servicenow.ACCOUNT)[one[2]]
            assert [record.get(name, "") for name in desired(number)] == ["hold", f"{100.25 + number}", str(number), "", "2027-01-31"]
            assert record["sys_updated_by"] == "concord.integration"
        else:
            case = held(sandbox, servicenow.CASE)[one[2]]
            assert case.get("u_credit_hold", "false") == ("true" if number % 2 else "false")


def test_values_marks_and_notes_arrive_in_batches_and_a_second_run_writes_nothing(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    rows = wishes(sandbox, 1)
    start = len(sandbox.journal())
    result = sent(sandbox, store, tmp_path, rows)
    assert result.errors == {} and result.total("verified") == len(rows), states(store)
    settled(sandbox, 1, rows)
    journal = sandbox.journal()[start:]
    assert {entry["path"] for entry in journal} == {"/api/now/v1/batch"} and len(journal) == 2
    for id in open_cases(sandbox, 0, 5):
        [note] = notes(sandbox, id)
        assert note.startswith(f"{NOTE} Round 1.\n\n[concord ")
        assert not any(entry["element"] == "comments" and "[concord " in entry["value"] for entry in held(sandbox, "sys_journal_field").values())
    again = sent(sandbox, store, tmp_path, rows)
    assert again.total("requests") == 0 and len(sandbox.journal()) == start + len(journal)


def test_what_the_desk_holds_already_is_not_sent(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    [id] = accounts(sandbox, 20, 1)
    record = held(sandbox, servicenow.ACCOUNT)[id]
    now = {"u_erp_balance": float(record["u_erp_balance"]), "u_credit_status": record["u_credit_status"], "u_overdue_days": int(record["u_overdue_days"])}
    start = len(sandbox.journal())
    result = sent(sandbox, store, tmp_path, [row(servicenow.ACCOUNT, id, now, {name: None for name in now})])
    assert result.total("already_held") == 1 and len(sandbox.journal()) == start


@pytest.mark.parametrize(("number", "kind"), [
    (2, "429"), (3, "500"), (4, "500_after"), (5, "cut_before"), (6, "cut_after"), (7, "truncated"), (8, "delay")])
@pytest.mark.parametrize("after", [0, 1], ids=["first", "second"])  # accounts and cases go at the same time: either may be hit
@pytest.mark.parametrize("place", [("POST", "batch"), ("GET", "table/")], ids=["write", "read"])
def test_each_transport_fault(
    sandbox: Sandbox, lasting_store: Store, tmp_path: Path, number: int, kind: str, place: tuple[str, str], after: int,
) -> None:
    number += 10 * after + (20 if place[0] == "GET" else 0)
    rows = wishes(sandbox, number)
    start = len(sandbox.journal())
    before = {id: len(notes(sandbox, id)) for id in open_cases(sandbox, 0, 5)}
    flags = {id: held(sandbox, servicenow.CASE)[id].get("u_credit_hold") for id in before}
    sandbox.fault(NAME, kind, place[1], method=place[0], after=after)
    result = sent(sandbox, lasting_store, tmp_path, rows)
    assert result.errors == {}
    assert {state for state, _ in states(lasting_store).values()} == {"verified"}
    settled(sandbox, number, rows)
    assert broken_link(lasting_store) is None
    changed = [
        (effect["collection"], effect["id"], name) for entry in sandbox.journal()[start:] for effect in entry["effects"]
        for name, (old, new) in effect["changed"].items() if old != new and name.startswith("u_") and effect["kind"] == "updated"]
    assert len(changed) == len(set(changed)), "an effect happened twice"
    for id, count in before.items():
        moved = flags[id] != held(sandbox, servicenow.CASE)[id].get("u_credit_hold")
        assert len(notes(sandbox, id)) == count + moved, "one note a change"


def test_refusals_are_told_by_record(store: Store, tmp_path: Path) -> None:
    options = {NAME: {"read_only_fields": ("customer_account.u_tax_id",), "mandatory_fields": ("customer_account.u_credit_status",)}}
    with running(tmp_path / "sandbox", scale=0.1, vendors=(NAME,), vendor_settings=options) as sandbox:
        good, silent, unknown, policy = accounts(sandbox, 0, 4)
        sent(sandbox, store, tmp_path, [
            row(servicenow.ACCOUNT, good, {"u_overdue_days": 77}, {}), row(servicenow.ACCOUNT, silent, {"u_tax_id": "X"}, {}),
            row(servicenow.ACCOUNT, unknown, {"u_no_such": "X"}, {}), row(servicenow.ACCOUNT, policy, {"u_credit_status": None}, {"u_credit_status": "ok"}),
            row(servicenow.ACCOUNT, "0" * 32, {"u_overdue_days": 77}, {})])
        assert states(store) == {
            good: ("verified", None), silent: ("dead_letter", "forbidden"), unknown: ("dead_letter", "forbidden"),
            policy: ("dead_letter", "validation"), "0" * 32: ("dead_letter", "record_missing")}
        reasons = {entry.record_id: entry.reason or "" for entry in outbox.entries(store)}
        assert "u_tax_id" in reasons[silent] and "u_no_such" in reasons[unknown] and "Data Policy Exception" in reasons[policy]


def test_no_right_to_write_is_a_dead_letter_of_each_record(store: Store, tmp_path: Path) -> None:
    with running(tmp_path / "sandbox", scale=0.1, vendors=(NAME,), vendor_settings={NAME: {"unwritable_tables": ("customer_account",)}}) as sandbox:
        [id] = accounts(sandbox, 0, 1)
        sent(sandbox, store, tmp_path, [row(servicenow.ACCOUNT, id, {"u_overdue_days": 77}, {})])
        assert states(store) == {id: ("dead_letter", "forbidden")}


def test_what_a_batch_had_no_time_for_is_sent_again(store: Store, tmp_path: Path) -> None:
    with running(tmp_path / "sandbox", scale=0.1, vendors=(NAME,), vendor_settings={NAME: {"batch_items": 4}}) as sandbox:
        rows = [row(servicenow.ACCOUNT, id, {"u_overdue_days": 77}, {}) for id in accounts(sandbox, 0, 10)]
        result = sent(sandbox, store, tmp_path, rows)
        assert result.errors == {} and {state for state, _ in states(store).values()} == {"verified"}
        changed = [effect["id"] for entry in sandbox.journal() for effect in entry["effects"] if effect["collection"] == "customer_account"]
        assert sorted(changed) == sorted(accounts(sandbox, 0, 10))


def test_a_value_that_somebody_sets_meanwhile_in_another_column_stays(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    [id] = accounts(sandbox, 30, 1)
    account = sandbox.vendors[NAME]._account
    account.put(servicenow.ACCOUNT, {**held(sandbox, servicenow.ACCOUNT)[id], "notes": "ours", "city": "Kiel"})
    sent(sandbox, store, tmp_path, [row(servicenow.ACCOUNT, id, {"u_overdue_days": 78}, {})])
    record = held(sandbox, servicenow.ACCOUNT)[id]
    assert (record["notes"], record["city"], record["u_overdue_days"]) == ("ours", "Kiel", "78")


def test_a_wrong_secret_stops_the_connection_and_costs_no_entry(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    [id] = accounts(sandbox, 31, 1)
    plan(publish(tmp_path / "p.duckdb", [row(servicenow.ACCOUNT, id, {"u_overdue_days": 79}, {})]), store, CONNECTIONS, cap=NO_CAP)
    wrong = SandboxAccount(sandbox.url(NAME), {**credentials(NAME, tmp_path), "password": "no"})
    result = apply(store, CONNECTIONS, {"desk": wrong}, pace=PACE)
    assert "desk" in result.errors
    [entry] = outbox.entries(store)
    assert (entry.state, entry.attempts) == ("pending", 0)

"""The service org as a target: account fields, marks on cases with one private comment each, faults survived without a second effect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection, SandboxAccount
from ingestion.client import open_client
from ingestion.spec import load_system
from reverse_sync import outbox, salesforce_service
from reverse_sync.dispatch import Pace, apply
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import Store, broken_link, open_store
from reverse_sync.targets import Current, Write, targets
from sandbox import accounts as credentials
from sandbox.server import Sandbox, running
from sandbox.world.plant import FaultPlan

PACE = Pace(workers=2, backoff=timedelta(milliseconds=50), settle=timedelta(milliseconds=50), patience=timedelta(seconds=20))
NO_CAP = ChangeCap(count=None, share=None)
NAME = "service_desk"
TABLES = {"Account": "sync_salesforce_service__accounts", "Case": "sync_salesforce_service__cases"}
CONNECTIONS = {NAME: Connection(name=NAME, system="salesforce_service", role="support", sandbox=True)}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    home = tmp_path_factory.mktemp("sandbox")
    with running(home, scale=0.2, faults=FaultPlan(), vendors=("salesforce_service",)) as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    yield opened
    opened.close()


def reach(sandbox: Sandbox) -> dict[str, SandboxAccount]:
    return {NAME: SandboxAccount(sandbox.url("salesforce_service"), credentials.settings("salesforce_service", sandbox.home))}


def held(sandbox: Sandbox, sobject: str) -> dict[str, dict[str, Any]]:
    return {id: row for id, row in sandbox.vendors["salesforce_service"].store.collection(sobject).items() if not row.get("IsDeleted")}


def comments(sandbox: Sandbox, case: str) -> list[dict[str, Any]]:
    return [row for row in held(sandbox, "CaseComment").values() if row["ParentId"] == case and "[concord " in row["CommentBody"]]


def row(object_: str, record_id: str, desired: dict[str, Any], observed: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "connection": NAME, "object": object_, "record_id": record_id, "desired_fields": json.dumps(desired, sort_keys=True),
        "observed_fields": json.dumps(observed, sort_keys=True), "observed_version": datetime(2026, 10, 1, tzinfo=UTC),
        "source_commit_at": datetime(2026, 10, 2, tzinfo=UTC), "correlation_id": f"chain-{record_id}", "golden_customer_id": f"golden-{record_id}",
        "priority": 1, "needs_approval": False, "exposure": 10.5, "currency": "EUR", "note": None, **more,
    }


def publish(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The published sync tables as the warehouse delivers them."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for object_, table in TABLES.items():
            connection.execute(
                f"CREATE TABLE {table} (connection VARCHAR, object VARCHAR, record_id VARCHAR, desired_fields VARCHAR, observed_fields VARCHAR, "
                "observed_version TIMESTAMPTZ, source_commit_at TIMESTAMPTZ, correlation_id VARCHAR, golden_customer_id VARCHAR, priority INTEGER, "
                "needs_approval BOOLEAN, exposure DECIMAL(38, 9), currency VARCHAR, note VARCHAR)")
            mine = [list(item.values()) for item in rows if item["object"] == object_]
            if mine:
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * 14)})", mine)
    return path


def wishes(sandbox: Sandbox, number: int) -> list[dict[str, Any]]:
    """New values for accounts and the other mark for open cases; notes of earlier rounds, whose markers may come again, are swept out."""
    if old := [id for id, one in held(sandbox, "CaseComment").items() if "[concord " in one["CommentBody"]]:
        with open_client(CONNECTIONS[NAME], reach(sandbox)[NAME]) as client:
            client.request("DELETE", "composite/sobjects", params={"ids": ",".join(old)}, write=True)
    accounts = list(held(sandbox, "Account").values())[:8]
    cases = [case for case in held(sandbox, "Case").values() if not case["IsClosed"]][:6]
    rows = [
        row("Account", item["Id"], {"Credit_Status__c": "Hold", "Overdue_Amount__c": 100.25 + number, "Overdue_Days__c": number, "Entitlement_Tier__c": None},
            {name: item.get(name) for name in ("Credit_Status__c", "Overdue_Amount__c", "Overdue_Days__c", "Entitlement_Tier__c")}) for item in accounts]
    rows += [
        row("Case", item["Id"], {"tag_credit_hold": not item["Credit_Hold__c"], "tag_lapsed_cover": True},
            {"tag_credit_hold": item["Credit_Hold__c"], "tag_lapsed_cover": item["Lapsed_Cover__c"]}, note=f"Round {number}.") for item in cases]
    return rows


def settled(sandbox: Sandbox, number: int, rows: list[dict[str, Any]]) -> None:
    for item in rows:
        if item["object"] == "Account":
            record = held(sandbox, "Account")[item["record_id"]]
            assert (record["Credit_Status__c"], record["Overdue_Amount__c"], record["Overdue_Days__c"], record["Entitlement_Tier__c"]) == (
                "Hold", 100.25 + number, float(number), None)
        else:
            record = held(sandbox, "Case")[item["record_id"]]
            assert (record["Credit_Hold__c"], record["Lapsed_Cover__c"]) == (json.loads(item["desired_fields"])["tag_credit_hold"], True)
            left = [one for one in comments(sandbox, item["record_id"]) if one["CommentBody"].startswith(f"Round {number}.")]
            assert len(left) == 1 and left[0]["IsPublished"] is False, "one private note, whatever happened on the way"


def test_values_marks_and_notes_arrive_and_a_second_run_writes_nothing(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    rows = wishes(sandbox, 1)
    published = publish(tmp_path / "p.duckdb", rows)
    assert plan(published, store, CONNECTIONS, cap=NO_CAP).count("pending") == len(rows) == 14
    result = apply(store, CONNECTIONS, reach(sandbox), pace=PACE)
    assert result.errors == {} and result.total("verified") == len(rows), [
        (entry.record_id, entry.state, entry.reason) for entry in outbox.entries(store) if entry.state != "verified"]
    settled(sandbox, 1, rows)
    written = len(sandbox.journal())
    assert plan(published, store, CONNECTIONS, cap=NO_CAP).changes == ()
    assert apply(store, CONNECTIONS, reach(sandbox), pace=PACE).total("requests") == 0 and len(sandbox.journal()) == written
    case = next(item["record_id"] for item in rows if item["object"] == "Case")
    integration = sandbox.vendors["salesforce_service"].store.get("Case", case)
    assert integration is not None and integration["LastModifiedById"] == comments(sandbox, case)[0]["CreatedById"]


@pytest.mark.parametrize(("number", "kind"), [
    (2, "429"), (3, "500"), (4, "500_after"), (5, "cut_before"), (6, "cut_after"), (7, "truncated"), (8, "expired_token"), (9, "delay")])
@pytest.mark.parametrize("places", [
    [("POST", "composite/sobjects", 0), ("PATCH", "composite/sobjects", 0)],
    [("PATCH", "composite/sobjects", 1)],  # the notes stand already, the marks of the cases do not
    [("GET", "composite/sobjects", 0), ("GET", "query", 0)],
], ids=["write", "marks", "read"])
def test_each_transport_fault(sandbox: Sandbox, store: Store, tmp_path: Path, number: int, kind: str, places: list[tuple[str, str, int]]) -> None:
    number += 10 * len(places) + (20 if places[0][0] == "GET" else 0)
    rows = wishes(sandbox, number)
    plan(publish(tmp_path / "p.duckdb", rows), store, CONNECTIONS, cap=NO_CAP)
    # a token that ends twice under one request is taken for a wrong secret, so it ends once
    for method, path, after in places[:1] if kind == "expired_token" else places:
        sandbox.fault("salesforce_service", kind, path, method=method, after=after)
    result = apply(store, CONNECTIONS, reach(sandbox), pace=PACE)
    for round_ in range(1, 4):  # the quota is a day's: what waits for it goes on in a later run
        if kind == "429" and any(part.left for part in result.connections):
            result = apply(store, CONNECTIONS, reach(sandbox), pace=PACE, now=lambda: datetime.now(UTC) + round_ * PACE.longest_pause)  # noqa: B023
    sandbox.faults.clear()
    assert result.errors == {}
    assert {state for _, state in outbox.counts(store)} == {"verified"}
    settled(sandbox, number, rows)
    assert broken_link(store) is None


def test_refusals_become_dead_letters_with_their_reason(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    good, gone = list(held(sandbox, "Case"))[-2:]
    with open_client(CONNECTIONS[NAME], reach(sandbox)[NAME]) as client:
        client.request("DELETE", f"sobjects/Case/{gone}", write=True)
    account, other = list(held(sandbox, "Account"))[10:12]
    published = publish(tmp_path / "p.duckdb", [
        row("Case", good, {"tag_lapsed_cover": True}, {"tag_lapsed_cover": False}, note="n" * 5_000),
        row("Case", gone, {"tag_lapsed_cover": True}, {"tag_lapsed_cover": False}, note="x"),
        row("Account", account, {"Entitlement_Tier__c": "Imaginary"}, {"Entitlement_Tier__c": None}),
        row("Account", other, {"Overdue_Days__c": 7}, {"Overdue_Days__c": 0}),
    ])
    plan(published, store, CONNECTIONS, cap=NO_CAP)
    apply(store, CONNECTIONS, reach(sandbox), pace=PACE)
    found = {entry.record_id: entry for entry in outbox.entries(store)}
    assert found[good].state == found[other].state == "verified"
    [note] = comments(sandbox, good)
    assert len(note["CommentBody"].encode()) == 4_000 and note["CommentBody"].endswith("]")
    assert (found[gone].state, found[gone].reason_class) == ("dead_letter", "record_missing")
    assert (found[account].state, found[account].reason_class) == ("dead_letter", "validation") and "Imaginary" in (found[account].reason or "")


def test_a_case_whose_note_is_refused_keeps_its_mark(sandbox: Sandbox) -> None:
    """A case that vanishes between reading and writing: its refusal names it, the others go through."""
    first, second = [id for id, case in held(sandbox, "Case").items() if not case["IsClosed"]][-2:]
    nobody = "5008d00000zzzzzAAA"
    with open_client(CONNECTIONS[NAME], reach(sandbox)[NAME]) as client:
        writes = [
            Write(id, {"tag_lapsed_cover": True}, Current({}, None), "Look.", f"[concord {place:016d}]") for place, id in enumerate((first, nobody, second))]
        submitted = salesforce_service._submit_cases(client, CONNECTIONS[NAME], writes)
        assert submitted.results[first] is None and submitted.results[second] is None
        refused = submitted.results[nobody]
        assert refused is not None and refused.reason_class in ("record_missing", "validation") and not refused.retry
        again = salesforce_service._submit_cases(client, CONNECTIONS[NAME], [writes[0]])
        assert again.results == {first: None} and len([one for one in comments(sandbox, first) if writes[0].marker in one["CommentBody"]]) == 1
        [target] = [one for one in salesforce_service.TARGETS if one.object == "Case"]
        assert target.has_note is not None and target.has_note(client, CONNECTIONS[NAME], first, writes[0].marker)
        assert not target.has_note(client, CONNECTIONS[NAME], second, "[concord nothing]")


def test_the_targets_write_what_the_system_file_allows() -> None:
    resources = load_system("salesforce_service").resources
    mine = [target for target in targets() if target.system == "salesforce_service"]
    assert {target.object: (target.table, target.resource) for target in mine} == {
        "Account": ("sync_salesforce_service__accounts", "accounts"), "Case": ("sync_salesforce_service__cases", "cases")}
    assert set(salesforce_service.FLAGS.values()) == set(resources["cases"].writes)

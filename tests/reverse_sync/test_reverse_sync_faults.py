"""What becomes of an entry when the vendor misbehaves: nothing silent, nothing twice, each item by its own result."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from concord.connections import SandboxAccount
from reverse_sync import outbox
from reverse_sync.dispatch import ApplyResult, Pace, Progress, apply
from reverse_sync.outbox import Selection
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import Entry, Store, broken_link
from tests.reverse_sync.published import CONNECTIONS, account, accounts, organization, publish, row, ticket
from tests.reverse_sync.standin import Standin

FAST = Pace(workers=2, backoff=timedelta(milliseconds=60), settle=timedelta(milliseconds=20), patience=timedelta(seconds=10), attempts=4)

NO_CAP = ChangeCap(count=None, share=None)


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """SQLite alone: what the vendor does is the matter here; both databases go the whole way in the other modules."""
    return f"sqlite:///{tmp_path / 'operations.sqlite'}"


def prepare(tmp_path: Path, store: Store, vendor: Standin, kind: str, ids: list[str], **more: Any) -> None:
    rows = []
    for id in ids:
        if kind == "organization":
            organization(vendor, id, credit_status="ok")
            rows.append(row(kind, id, {"credit_status": "hold"}, {"credit_status": "ok"}, **more))
        elif kind == "Account":
            account(vendor, id, Credit_Status__c="OK")
            rows.append(row(kind, id, {"Credit_Status__c": "Hold"}, {"Credit_Status__c": "OK"}, **more))
        else:
            ticket(vendor, id)
            rows.append(row(kind, id, {"tag_credit_hold": True, "tag_lapsed_cover": False},
                            {"tag_credit_hold": False, "tag_lapsed_cover": False}, note="On hold.", **more))
    plan(publish(tmp_path / "p.duckdb", rows), store, CONNECTIONS, cap=NO_CAP)


def run(store: Store, vendor: Standin, **options: Any) -> ApplyResult:
    result = apply(store, CONNECTIONS, accounts(vendor), **{"pace": FAST, **options})
    assert broken_link(store) is None
    return result


def by_record(store: Store) -> dict[str, Entry]:
    return {entry.record_id: entry for entry in outbox.entries(store)}


def events(store: Store, entry: Entry) -> list[str]:
    return [link["event"] for link in outbox.history(store, entry.id)]


def once(vendor: Standin) -> None:
    """No effect happened twice."""
    seen = [(collection, id, name) for collection, id, name, _, _ in vendor.effects]
    assert len(seen) == len(set(seen)), vendor.effects


@pytest.mark.parametrize("kind", ["organization", "Account", "ticket"])
@pytest.mark.parametrize("fault", ["429", "500", "500_after", "cut_before", "cut_after"])
def test_transport_faults_on_the_write(tmp_path: Path, store: Store, vendor: Standin, kind: str, fault: str) -> None:
    ids = ["501", "502", "503"] if kind != "Account" else ["001A", "001B", "001C"]
    prepare(tmp_path, store, vendor, kind, ids)
    vendor.fault("PATCH" if kind == "Account" else "PUT", "sobjects" if kind == "Account" else "update_many", fault)
    result = run(store, vendor)
    assert result.errors == {}
    assert {entry.state for entry in by_record(store).values()} == {"verified"}
    once(vendor)
    assert len({id for _, id, *_ in vendor.effects}) == 3
    entry = by_record(store)[ids[0]]
    path = events(store, entry)
    if fault == "429":
        assert entry.attempts == 0 and path == ["planned", "in_flight", "pending", "in_flight", "delivered", "verified"]
    elif fault == "500":
        assert entry.attempts == 1 and path == ["planned", "in_flight", "pending", "in_flight", "delivered", "verified"]
    elif fault == "500_after":
        assert path == ["planned", "in_flight", "pending", "in_flight", "already_held"]
    elif fault == "cut_before":
        assert path == ["planned", "in_flight", "unknown", "pending", "in_flight", "delivered", "verified"]
    else:
        assert path == ["planned", "in_flight", "unknown", "verified"] and result.total("requests") == 1


def test_a_note_is_not_added_twice_even_when_the_tag_was_taken_off_in_between(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "ticket", ["501"])
    vendor.fault("PUT", "/tickets/501", "cut_after")
    run(store, vendor, pace=Pace(workers=1, settle=timedelta(hours=1), patience=timedelta()))
    assert by_record(store)["501"].state == "unknown" and len(vendor.comments["501"]) == 1
    vendor.update_ticket("501", {"remove_tags": ["concord_credit_hold"]})
    outbox.retry(store, Selection(states=("unknown",)), who="ada")
    run(store, vendor)
    assert by_record(store)["501"].state == "verified"
    assert vendor.tickets["501"]["tags"] == ["concord_credit_hold"] and len(vendor.comments["501"]) == 1


def test_a_single_ticket_is_guarded_by_its_stamp(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "ticket", ["501"])
    vendor.fault("PUT", "/tickets/501", "status", status=409, body={"error": "UpdateConflict", "description": "Safe Update prevented the update"})
    run(store, vendor)
    assert by_record(store)["501"].state == "verified" and by_record(store)["501"].attempts == 1
    [(_, _, body)] = vendor.writes
    assert body["ticket"]["safe_update"] is True and body["ticket"]["updated_stamp"] == "2026-10-01T00:00:00Z"


@pytest.mark.parametrize("kind", ["organization", "Account"])
def test_each_item_has_its_own_result(tmp_path: Path, store: Store, vendor: Standin, kind: str) -> None:
    ids = [str(n) for n in range(100, 104)]
    prepare(tmp_path, store, vendor, kind, ids)
    vendor.fault("PATCH" if kind == "Account" else "PUT", "sobjects" if kind == "Account" else "update_many", "reject", ids=("101", "102"))
    result = run(store, vendor)
    found = by_record(store)
    assert [found[id].state for id in ids] == ["verified", "dead_letter", "dead_letter", "verified"]
    refused = found["101"]
    assert refused.reason_class == "validation" and refused.owner_role == "target admin" and refused.exposure == "1250.500000000"
    assert ("Credit status: no" if kind == "organization" else "FIELD_CUSTOM_VALIDATION_EXCEPTION") in (refused.reason or "")
    assert (result.total("verified"), result.total("dead_letters")) == (2, 2)


@pytest.mark.parametrize("kind", ["organization", "Account"])
def test_an_item_that_the_answer_forgot_is_read_before_anything_else(tmp_path: Path, store: Store, vendor: Standin, kind: str) -> None:
    ids = [str(n) for n in range(100, 104)]
    prepare(tmp_path, store, vendor, kind, ids)
    vendor.fault("PATCH" if kind == "Account" else "PUT", "sobjects" if kind == "Account" else "update_many", "forget", ids=("102",))
    result = run(store, vendor)
    found = by_record(store)
    assert {entry.state for entry in found.values()} == {"verified"} and result.total("requests") == 1
    assert events(store, found["102"]) == ["planned", "in_flight", "unknown", "verified"]
    assert events(store, found["101"]) == ["planned", "in_flight", "delivered", "verified"]


def test_a_row_that_locks_is_tried_again(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "Account", ["001A", "001B"])
    vendor.fault("PATCH", "sobjects", "reject", ids=("001B",), body={"statusCode": "UNABLE_TO_LOCK_ROW", "message": "busy", "fields": []})
    run(store, vendor)
    found = by_record(store)
    assert {entry.state for entry in found.values()} == {"verified"} and (found["001A"].attempts, found["001B"].attempts) == (0, 1)


def test_a_call_refused_as_a_whole_is_halved_until_the_culprit_stands_alone(tmp_path: Path, store: Store, vendor: Standin) -> None:
    ids = [str(n) for n in range(100, 108)]
    prepare(tmp_path, store, vendor, "organization", ids)
    wrong = {"error": "RecordInvalid", "description": "Record validation errors"}
    for _ in range(4):  # eight, four, two, one: the first half fails each time
        vendor.fault("PUT", "update_many", "status", status=422, body=wrong)
    run(store, vendor, pace=Pace(workers=1, backoff=timedelta(milliseconds=50)))
    found = by_record(store)
    assert [found[id].state for id in ids] == ["dead_letter"] + ["verified"] * 7
    assert found["100"].reason == "422 RecordInvalid: Record validation errors"


def test_a_closed_ticket_and_a_deleted_record_become_dead_letters(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "ticket", ["501", "502", "503"])
    vendor.tickets["501"]["status"] = "closed"
    del vendor.tickets["502"]
    run(store, vendor)
    found = by_record(store)
    assert {id: (entry.state, entry.reason_class, entry.owner_role) for id, entry in found.items()} == {
        "501": ("dead_letter", "record_closed", "support"), "502": ("dead_letter", "record_missing", "data steward"),
        "503": ("verified", None, None)}


def test_what_the_target_already_holds_is_verified_without_a_write(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "organization", ["1", "2"])
    vendor.organizations["1"]["organization_fields"]["credit_status"] = "hold"
    result = run(store, vendor)
    [(_, _, body)] = vendor.writes
    assert [item["id"] for item in body["organizations"]] == [2]
    assert (result.total("already_held"), result.total("sent"), result.total("verified")) == (1, 1, 1)


def test_attempts_are_spent_by_errors_only_and_then_it_is_a_dead_letter(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "organization", ["1"])
    vendor.fault("PUT", "update_many", "429", count=6, wait=0)
    vendor.fault("PUT", "update_many", "500", count=100)
    run(store, vendor)
    entry = by_record(store)["1"]
    assert (entry.state, entry.reason_class, entry.attempts) == ("dead_letter", "attempts_spent", 4)
    assert events(store, entry).count("pending") == 6 + 3
    # the plan shows it and does not pile up another; a person retries it
    again = plan(tmp_path / "p.duckdb", store, CONNECTIONS)
    assert [change.outcome for change in again.changes] == ["dead_letter"] and len(outbox.entries(store)) == 1
    vendor.faults.clear()
    assert outbox.retry(store, Selection(states=("dead_letter",), reason_class="attempts_spent"), who="ada").changed == (entry.id,)
    assert run(store, vendor).total("verified") == 1


def test_a_long_limit_ends_the_run_and_keeps_the_time(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "organization", ["1"])
    vendor.fault("PUT", "update_many", "429", wait=3600)
    result = run(store, vendor).connections[0]
    assert result.error is None and result.left == 1
    assert result.resume_at is not None and result.resume_at - datetime.now(UTC) > timedelta(minutes=55)
    entry = by_record(store)["1"]
    assert (entry.state, entry.attempts, entry.reason_class) == ("pending", 0, "rate_limited")
    assert run(store, vendor).connections[0].requests == 0  # before its time nothing is sent


def test_one_slow_or_absent_target_blocks_no_other(tmp_path: Path, store: Store, vendor: Standin) -> None:
    organization(vendor, "1", credit_status="ok")
    account(vendor, "001A", Credit_Status__c="OK")
    plan(publish(tmp_path / "p.duckdb", [
        row("organization", "1", {"credit_status": "hold"}, {"credit_status": "ok"}),
        row("Account", "001A", {"Credit_Status__c": "Hold"}, {"Credit_Status__c": "OK"}),
    ]), store, CONNECTIONS)
    vendor.fault("PUT", "update_many", "429", wait=2)
    seen: dict[str, float] = {}
    notes: list[str] = []

    def progress(step: Progress) -> None:
        notes.append(step.note)
        if step.done == step.total:
            seen.setdefault(step.connection, time.monotonic())

    run(store, vendor, progress=progress)
    assert seen["zendesk"] - seen["salesforce"] > 1
    assert any("waiting" in note for note in notes)


def test_an_unreachable_target_costs_its_entries_nothing(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "Account", ["001A"])
    nowhere = accounts(vendor) | {"salesforce": SandboxAccount("http://127.0.0.1:9", dict(vendor.account("salesforce").secrets))}
    result = apply(store, CONNECTIONS, nowhere, pace=FAST)
    assert "cannot be reached" in result.errors["salesforce"]
    entry = by_record(store)["001A"]
    assert (entry.state, entry.attempts, entry.reason_class) == ("pending", 0, "unreachable")


def test_a_job_that_runs_on_is_asked_again_and_never_started_twice(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "organization", ["1", "2"])
    vendor.working = 10_000
    short = Pace(workers=1, job=timedelta(milliseconds=50), settle=timedelta(milliseconds=200), patience=timedelta())
    run(store, vendor, pace=short)
    assert {(entry.state, entry.reference) for entry in by_record(store).values()} == {("unknown", "V3-00000000")}
    vendor.working = 0
    run(store, vendor)
    assert {entry.state for entry in by_record(store).values()} == {"verified"} and len(vendor.writes) == 1


def test_no_right_to_write_stops_the_connection(tmp_path: Path, store: Store, vendor: Standin) -> None:
    prepare(tmp_path, store, vendor, "organization", [str(n) for n in range(100, 350)])
    vendor.fault("PUT", "update_many", "status", count=50, status=403, body={"error": "Forbidden", "description": "no"})
    result = run(store, vendor, pace=Pace(workers=1))
    assert result.errors and result.connections[0].requests == 1 and result.connections[0].dead_letters == 100
    assert result.connections[0].left == 150


def test_batches_keep_the_vendors_limit_and_the_order_of_priority(tmp_path: Path, store: Store, vendor: Standin) -> None:
    ids = [str(n) for n in range(1000, 1250)]
    rows = []
    for number, id in enumerate(ids):
        organization(vendor, id, credit_status="ok")
        rows.append(row("organization", id, {"credit_status": "hold"}, {"credit_status": "ok"}, priority=1 if number % 5 == 0 else 9))
    plan(publish(tmp_path / "p.duckdb", rows), store, CONNECTIONS, cap=NO_CAP)
    result = run(store, vendor, pace=Pace(workers=1), limit=150)
    assert [len(body["organizations"]) for _, _, body in vendor.writes] == [100, 50]
    first = {str(item["id"]) for item in vendor.writes[0][2]["organizations"]}
    assert set(ids[::5]) <= first
    assert (result.total("verified"), result.total("left")) == (150, 100)

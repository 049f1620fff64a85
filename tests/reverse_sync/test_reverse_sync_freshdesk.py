"""Writing to Freshdesk, against its stand-in: values, tags and notes arrive once, faults are survived, nobody else's data is touched."""

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
from reverse_sync import freshdesk, outbox
from reverse_sync.dispatch import ApplyResult, Pace, apply
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import Store, broken_link, open_store
from sandbox.protocol import Request, Response
from tests.sandbox.freshdesk_account import CUT, KEY, Desk, ago, served, ticket, world

PACE = Pace(workers=2, backoff=timedelta(milliseconds=50), settle=timedelta(milliseconds=50), patience=timedelta(seconds=20))
NO_CAP = ChangeCap(count=None, share=None)
CONNECTIONS = {"desk": Connection(name="desk", system="freshdesk", role="support", sandbox=True)}
TABLES = {target.object: target.table for target in freshdesk.TARGETS}
COMPANY = 43_000_000_001
NOTE = "Credit hold: ask finance <first>."


@pytest.fixture(autouse=True)
def only_freshdesk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published file of these tests holds the tables of this vendor alone."""
    for place in ("reverse_sync.plan.targets", "reverse_sync.dispatch.targets"):
        monkeypatch.setattr(place, lambda: freshdesk.TARGETS)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with served() as started:
        yield started


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    yield opened
    opened.close()


def row(object_: str, record_id: Any, desired: dict[str, Any], observed: dict[str, Any], note: str | None = None) -> tuple[Any, ...]:
    at = datetime(2026, 10, 1, tzinfo=UTC)
    return ("desk", object_, str(record_id), json.dumps(desired), json.dumps(observed), at, at, f"chain-{record_id}", f"golden-{record_id}", 5,
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


def sent(desk: Desk, store: Store, folder: Path, rows: list[tuple[Any, ...]], **options: Any) -> ApplyResult:
    plan(publish(folder / "p.duckdb", rows), store, CONNECTIONS, cap=NO_CAP)
    desk.seen.clear()
    return apply(store, CONNECTIONS, {"desk": SandboxAccount(desk.url, {"api_key": KEY})}, pace=PACE, **options)


def states(store: Store) -> dict[str, tuple[str, str | None]]:
    return {entry.record_id: (entry.state, entry.reason_class) for entry in outbox.entries(store)}


def writes(desk: Desk) -> list[str]:
    return [line.replace("/api/v2", "") for line in desk.seen if not line.startswith("GET")]


def notes(desk: Desk, id: int) -> list[dict[str, Any]]:
    return [said for said in desk.get(f"/tickets/{id}/conversations") if "concord " in said["body_text"]]


HOLD = {"credit_status": "hold", "erp_balance": 99.5, "overdue_days": 12, "entitlement_tier": None, "entitlement_end": "2027-01-31"}
HELD = {"credit_status": "ok", "erp_balance": 1250.75, "overdue_days": 3, "entitlement_tier": "standard", "entitlement_end": "2026-12-31"}


def test_owned_fields_arrive_with_one_write_a_record_and_a_second_run_writes_nothing(desk: Desk, store: Store, tmp_path: Path) -> None:
    desk.call("PUT", f"/companies/{COMPANY}", json={"note": "ours", "custom_fields": {"tax_id": "X"}})
    rows = [row("company", COMPANY, HOLD, HELD), row("company", COMPANY + 1, HOLD, HELD)]
    result = sent(desk, store, tmp_path, rows)
    assert result.errors == {} and result.total("verified") == 2
    assert sorted(writes(desk)) == [f"PUT /companies/{COMPANY}", f"PUT /companies/{COMPANY + 1}"]
    shown = desk.get(f"/companies/{COMPANY}")
    assert {name: shown["custom_fields"][name] for name in HOLD} == HOLD
    assert (shown["note"], shown["custom_fields"]["tax_id"], shown["custom_fields"]["erp_customer_id"]) == ("ours", "X", "erp-customer-1")
    again = sent(desk, store, tmp_path, rows)
    assert again.total("requests") == 0 and writes(desk) == []


def test_only_fields_that_differ_are_sent(desk: Desk, store: Store, tmp_path: Path) -> None:
    desk.call("PUT", f"/companies/{COMPANY}", json={"custom_fields": HOLD})
    result = sent(desk, store, tmp_path, [row("company", COMPANY, HOLD, HELD)])
    assert result.total("already_held") == 1 and writes(desk) == []


def test_tags_are_added_and_taken_away_and_nobody_elses_are_lost(desk: Desk, store: Store, tmp_path: Path) -> None:
    desk.call("PUT", "/tickets/1", json={"tags": ["vip", "concord_lapsed_cover"]})
    result = sent(desk, store, tmp_path, [
        row("ticket", 1, {"tag_credit_hold": True, "tag_lapsed_cover": False}, {"tag_credit_hold": False, "tag_lapsed_cover": True}, NOTE)])
    assert result.errors == {} and result.total("verified") == 1
    assert desk.get("/tickets/1")["tags"] == ["vip", "concord_credit_hold"]
    [note] = notes(desk, 1)
    assert note["private"] is True and note["incoming"] is False and note["user_id"] == 43_200_000_000
    assert note["body"].startswith("<div>Credit hold: ask finance &lt;first&gt;.</div>")
    assert writes(desk) == ["POST /tickets/1/notes", "PUT /tickets/1"]


def test_a_tag_that_somebody_sets_meanwhile_stays(desk: Desk, store: Store, tmp_path: Path) -> None:
    handle = desk.vendor.handle

    def meanwhile(request: Request) -> Response:
        answer = handle(request)
        if request.method == "POST" and request.path.endswith("/notes"):
            held = desk.vendor.store.get("tickets", "1") or {}
            desk.vendor._account.put("tickets", {**held, "tags": ["urgent_call"]})
        return answer

    desk.vendor.handle = meanwhile  # type: ignore[method-assign]
    sent(desk, store, tmp_path, [row("ticket", 1, {"tag_credit_hold": True}, {"tag_credit_hold": False}, NOTE)])
    assert desk.get("/tickets/1")["tags"] == ["urgent_call", "concord_credit_hold"]


class _Fault:
    """The vendor does or does not do what the next matching request asks, and then answers with trouble."""

    def __init__(self, desk: Desk, method: str, end: str, kind: str) -> None:
        self.desk, self.method, self.end, self.kind, self.handle = desk, method, end, kind, desk.vendor.handle
        desk.vendor.handle = self.answer  # type: ignore[method-assign]

    def answer(self, request: Request) -> Response:
        if self.kind and request.method == self.method and request.path.endswith(self.end):
            kind, self.kind = self.kind, ""
            if kind == "429":
                return self.desk.vendor.rate_limited(request)
            if kind == "500":
                return self.desk.vendor.unavailable(request)
            if kind == "cut before":
                return Response(CUT)
            self.handle(request)
            return Response(CUT) if kind == "cut after" else self.desk.vendor.unavailable(request)
        return self.handle(request)


@pytest.mark.parametrize("kind", ["429", "500", "500 after", "cut before", "cut after"])
@pytest.mark.parametrize(("method", "end"), [("POST", "/notes"), ("PUT", "/tickets/1"), ("PUT", f"/companies/{COMPANY}"), ("GET", "/tickets/1")])
def test_each_effect_happens_once_whatever_goes_wrong(
    desk: Desk, store: Store, tmp_path: Path, kind: str, method: str, end: str,
) -> None:
    _Fault(desk, method, end, kind)
    result = sent(desk, store, tmp_path, [
        row("ticket", 1, {"tag_credit_hold": True}, {"tag_credit_hold": False}, NOTE), row("company", COMPANY, HOLD, HELD)])
    assert result.errors == {}
    assert {state for state, _ in states(store).values()} == {"verified"}
    assert desk.get("/tickets/1")["tags"] == ["concord_credit_hold"]
    assert len(notes(desk, 1)) == 1
    assert desk.get(f"/companies/{COMPANY}")["custom_fields"]["credit_status"] == "hold"
    assert broken_link(store) is None


def test_a_note_is_found_again_behind_the_first_page(desk: Desk) -> None:
    with served(world(tickets=[ticket(1)])) as other:
        for number in range(120):
            other.call("POST", "/tickets/1/notes", json={"body": f"note {number}"})
        other.call("POST", "/tickets/1/notes", json={"body": "<div>why</div><div>[concord abc]</div>"})
        with open_client(CONNECTIONS["desk"], SandboxAccount(other.url, {"api_key": KEY})) as client:
            target = freshdesk.TARGETS[1]
            assert target.has_note is not None
            assert target.has_note(client, CONNECTIONS["desk"], "1", "[concord abc]")
            assert not target.has_note(client, CONNECTIONS["desk"], "1", "[concord other]")


def test_what_cannot_be_written_is_a_dead_letter_with_its_reason(store: Store, tmp_path: Path) -> None:
    archived = ticket(1, status="closed", created_at=ago(days=300), updated_at=ago(days=200))
    with served(world(tickets=[archived, ticket(2), ticket(3), ticket(4)])) as desk:
        desk.call("DELETE", "/tickets/2")
        desk.vendor._account.put("tickets", {**(desk.vendor.store.get("tickets", "3") or {}), "spam": True})
        hold, free = {"tag_credit_hold": True}, {"tag_credit_hold": False}
        sent(desk, store, tmp_path, [
            *(row("ticket", id, hold, free, NOTE) for id in (1, 2, 3, 4)), row("company", 999, HOLD, HELD),
            row("company", COMPANY, {"entitlement_tier": "imaginary"}, {"entitlement_tier": "standard"}),
            row("company", COMPANY + 1, {"no_such_field": "x"}, {}), row("company", COMPANY + 2, {"overdue_days": 77}, {"overdue_days": 3}),
        ])
        assert states(store) == {
            "1": ("dead_letter", "record_closed"), "2": ("dead_letter", "record_missing"), "3": ("dead_letter", "record_missing"),
            "4": ("verified", None), "999": ("dead_letter", "record_missing"), str(COMPANY): ("dead_letter", "validation"),
            str(COMPANY + 1): ("dead_letter", "validation"), str(COMPANY + 2): ("verified", None),
        }
        assert desk.get(f"/companies/{COMPANY}")["custom_fields"]["entitlement_tier"] == "standard"
        reasons = {entry.record_id: entry.reason or "" for entry in outbox.entries(store)}
        assert reasons[str(COMPANY)].startswith("400 entitlement_tier: It should be one of these values")
        assert "no_such_field" in reasons[str(COMPANY + 1)]


def test_a_wrong_key_stops_the_connection_and_costs_no_entry(desk: Desk, store: Store, tmp_path: Path) -> None:
    plan(publish(tmp_path / "p.duckdb", [row("company", COMPANY, HOLD, HELD)]), store, CONNECTIONS, cap=NO_CAP)
    result = apply(store, CONNECTIONS, {"desk": SandboxAccount(desk.url, {"api_key": "no"})}, pace=PACE)
    assert "desk" in result.errors
    [entry] = outbox.entries(store)
    assert (entry.state, entry.attempts) == ("pending", 0)


def test_the_target_writes_the_fields_that_the_system_file_names() -> None:
    companies = load_system("freshdesk").resources["companies"].writes
    sync = (Path(__file__).resolve().parents[2] / "transform/models/sync/sync_freshdesk__companies.sql").read_text()
    assert companies and all(f"'{name}'" in sync for name in companies)

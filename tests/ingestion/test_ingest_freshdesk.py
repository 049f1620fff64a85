"""Freshdesk end to end: pages, ceilings, ties, the archive, deletions of every kind, conversations, assets, faults and a changing contract."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError
from concord.settings import Settings, load_settings
from ingestion.client import Client, open_client
from ingestion.readers import freshdesk
from ingestion.run import IngestResult, ingest
from ingestion.spec import System, load_system
from sandbox import accounts
from sandbox.server import running
from sandbox.world.model import Comment, View
from tests.sandbox.freshdesk_account import KEY, NOW, Desk, ago, contact, customer, served, ticket, world

COMPANY, PERSON = 43_000_000_001, 43_100_000_001
SETTLED = timedelta(minutes=6)  # by then the search index has seen everything, and the reader knows it


@dataclass
class Lab:
    """One account and one installation beside it."""

    desk: Desk
    settings: Settings
    options: dict[str, str] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        return Connection(name="desk", system="freshdesk", role="support", sandbox=True, settings=self.options)

    @property
    def account(self) -> SandboxAccount:
        return SandboxAccount(self.desk.url, {"api_key": KEY})

    def ingest(self, **options: Any) -> IngestResult:
        self.desk.seen.clear()
        [result] = ingest(self.settings, {"desk": self.connection}, ["desk"], accounts={"desk": self.account}, **options)
        return result

    def good(self, **options: Any) -> IngestResult:
        result = self.ingest(**options)
        if result.error:
            raise result.error
        return result

    def rows(self, table: str, query: str = "SELECT * FROM t") -> list[tuple[Any, ...]]:
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            database.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{self.settings.landing}/desk/{table}/*.parquet', union_by_name = true)")
            return database.execute(query).fetchall()

    def latest(self, table: str, key: Any, columns: str, version: str = "updated_at") -> tuple[Any, ...]:
        value = f"'{key}'" if isinstance(key, str) else key
        return self.rows(table, f"SELECT {columns} FROM t WHERE id = {value} ORDER BY {version} DESC, _extracted_at DESC, _load_id DESC LIMIT 1")[0]

    def client(self) -> Client:
        return open_client(self.connection, self.account)

    def asked(self, part: str) -> list[str]:
        return [line for line in self.desk.seen if part in line]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    opened = []

    def make(view: View | None = None, **settings: Any) -> Lab:
        context = served(view, **settings)
        opened.append(context)
        desk = context.__enter__()
        return Lab(desk, load_settings({"CONCORD_HOME": str(tmp_path), "CONCORD_DATA": ""}))

    yield make
    for context in opened:
        context.__exit__(None, None, None)


def limited(monkeypatch: pytest.MonkeyPatch, **limits: Any) -> System:
    """The system file with other limits."""
    system = load_system("freshdesk")
    changed = system.model_copy(update={"limits": system.limits.model_copy(update=limits)})
    for place in ("ingestion.run.load_system", "ingestion.client.load_system"):
        monkeypatch.setattr(place, lambda name: changed)
    return changed


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# everything lands, once


def test_the_first_read_lands_every_resource_typed_and_audited(lab: Callable[..., Lab]) -> None:
    here = lab(world(tickets=[ticket(1), ticket(3, status="solved", solved_at=ago(days=2))]))
    result = here.good()
    assert result.is_complete and not result.quarantined and not result.drift
    assert result.rows == {
        "companies": 3, "contacts": 2, "agents": 2, "groups": 2, "roles": 2, "products": 1, "business_hours": 1, "sla_policies": 4,
        "ticket_statuses": 6, "tickets": 2, "conversations": 4, "time_entries": 4, "satisfaction_ratings": 1, "assets": 1,
    }
    assert {audit.resource for audit in result.audits} == set(load_system("freshdesk").resources)
    counted = {audit.resource: audit.expected for audit in result.audits if audit.expected is not None}
    assert counted == {"companies": 3, "contacts": 2, "tickets": 2, "assets": 1}
    assert here.latest("companies", COMPANY, "name, domains, erp_customer_id, crm_account_id, tax_id, credit_status, erp_balance, overdue_amount, "
                       "overdue_days, entitlement_tier, entitlement_start_date, entitlement_end_date, created_at") == (
        "Northwind 1", ["northwind1.example"], "erp-customer-1", "crm-customer-1", "DE000000001", "ok", Decimal("1250.75"), Decimal("10.5"), 3,
        "standard", datetime(2026, 1, 1).date(), datetime(2026, 12, 31).date(), ago(days=400))
    assert here.latest("contacts", PERSON, "unique_external_id, company_id, name, email, is_active, is_deleted") == (
        "crm-contact-1", COMPANY, "Ana Ruiz 1", "ana1@northwind1.example", True, None)
    assert here.latest("tickets", 1, "status, priority, type, source, requester_id, responder_id, company_id, erp_order_number, description_text, "
                       "first_responded_at, resolved_at, is_spam, _deleted") == (
        "2", "3", "Incident", 2, PERSON, 43_200_000_001, COMPANY, "SO1", "It stopped this morning.", ago(days=5) + timedelta(hours=2, minutes=1), None,
        False, False)
    assert here.latest("tickets", 3, "resolved_at") == (ago(days=2),)
    assert here.rows("conversations", "SELECT body_text, is_private, is_incoming, source FROM t WHERE ticket_id = 1 ORDER BY id") == [
        ("Check the fuse.", True, False, 2), ("Which <model> is it?", False, False, 0)]
    assert here.latest("assets", "AST-1", "name, serial_number, company_id, product_sku, status, installed_date, cover_end_date, updated_at") == (
        "Pump in hall 3", "P-77", str(COMPANY), "PUMP-1", "installed", datetime(2026, 3, 1).date(), datetime(2027, 2, 28).date(), ago(days=80))
    assert here.rows("ticket_statuses", "SELECT label, requester_label FROM t WHERE code = 6") == [("Waiting on Customer", "Awaiting your Reply")]
    assert here.rows("sla_policies", "SELECT company_ids FROM t WHERE name = 'Standard support'") == [
        (["43000000001", "43000000002", "43000000003"],)]
    assert here.rows("satisfaction_ratings", "SELECT rating, ticket_id FROM t") == [(103, 3)]
    assert here.rows("time_entries", "SELECT DISTINCT time_spent, is_billable FROM t") == [("00:15", True)]
    assert here.latest("products", 43_300_000_001, "name, description") == ("Pump", "PUMP-1")
    assert here.latest("agents", 43_200_000_001, "name, email, is_active") == ("Ben Okoro", "ben@concord.example", True)


def test_the_generated_company_lands_as_the_desk_holds_it(tmp_path: Path) -> None:
    with running(tmp_path, seed=7, scale=0.05, vendors=("freshdesk",)) as sandbox:
        settings = load_settings({"CONCORD_HOME": str(tmp_path), "CONCORD_DATA": ""})
        connection = Connection(name="desk", system="freshdesk", role="support", sandbox=True)
        account = SandboxAccount(sandbox.url("freshdesk"), accounts.settings("freshdesk", tmp_path))
        [result] = ingest(settings, {"desk": connection}, ["desk"], accounts={"desk": account})
        assert result.error is None
        store = sandbox.vendors["freshdesk"].store
        shown = {kind: sum("_hidden" not in row for row in store.collection(kind).values()) for kind in ("companies", "contacts", "asset_records")}
        landed = {name: result.rows[name] + result.quarantined.get(name, 0) for name in ("companies", "contacts", "assets")}
        assert list(landed.values()) == list(shown.values()) and result.rows["tickets"] > 50
        sandbox.advance(days=2)
        [later] = ingest(settings, {"desk": connection}, ["desk"], accounts={"desk": account})
        assert later.error is None and sum(later.rows.values()) < sum(result.rows.values()) / 4


def test_r16_a_second_run_without_news_lands_nothing_and_reads_little(lab: Callable[..., Lab]) -> None:
    here = lab(world(tickets=[ticket(key) for key in range(1, 120)]))
    first = here.good()
    again = here.good()
    assert again.rows == {} and again.error is None and again.is_complete
    assert again.requests < 35 < first.requests
    assert not here.asked("/conversations")


def test_r1_a_change_lands_once_through_the_overlap(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.call("PUT", f"/companies/{COMPANY}", json={"custom_fields": {"erp_balance": 12.34}})
    here.desk.call("PUT", "/tickets/1", json={"priority": 4})
    assert here.good().rows == {"companies": 1, "tickets": 1}
    assert here.good().rows == {}  # still inside the overlap, not landed twice
    assert here.latest("companies", COMPANY, "erp_balance") == (Decimal("12.34"),)
    assert here.latest("tickets", 1, "priority") == ("4",)


def test_r1_a_change_that_is_stamped_before_the_last_one_seen_is_not_lost(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    late = here.desk.vendor.store.get("tickets", "1") or {}
    moved = ticket(2, customer=2, contact=2, updated_at=NOW)
    here.desk.apply(tickets=[moved])
    assert here.good().rows["tickets"] == 1
    # a change of two minutes ago becomes visible only now
    here.desk.vendor._account.put("tickets", {**late, "priority": 1, "updated_at": iso(NOW - timedelta(minutes=2))})
    assert here.good().rows == {"tickets": 1}


def test_r2_times_with_an_offset_are_the_same_moment_in_utc(lab: Callable[..., Lab]) -> None:
    here = lab(world(customers=[customer(key) for key in range(1, 6)]))
    here.good(resources=["companies"])
    shown = {row["id"]: row["updated_at"] for row in here.desk.get("/companies")}
    assert any(text.endswith("+05:30") for text in shown.values())
    landed = dict(here.rows("companies", "SELECT id, updated_at FROM t"))
    assert landed == {id: datetime.fromisoformat(text).astimezone(UTC) for id, text in shown.items()}


def test_tickets_older_than_thirty_days_come_too(lab: Callable[..., Lab]) -> None:
    old = ticket(1, created_at=ago(days=90), updated_at=ago(days=80), changes=[])
    here = lab(world(tickets=[old, ticket(2)]))
    assert here.good(resources=["tickets"]).rows == {"tickets": 2}


# paging


def test_r4_tickets_of_one_second_at_a_border_land_once_each(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, page_size=10)
    moments = [ago(days=1), ago(hours=5), ago(hours=5), ago(hours=4)]
    tickets = [ticket(key, updated_at=moments[key % 4], changes=[]) for key in range(1, 90)]
    here = lab(world(tickets=tickets))
    here.good(resources=["tickets"])
    assert here.rows("tickets", "SELECT count(*), count(DISTINCT id) FROM t") == [(89, 89)]


def test_r9_more_tickets_than_300_pages_hold(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, page_size=2, ceiling=600)
    here = lab(world(tickets=[ticket(key, updated_at=ago(days=4) + timedelta(seconds=key // 3), comments=[], changes=[]) for key in range(1, 750)]))
    result = here.good(resources=["tickets"])
    assert result.rows == {"tickets": 749} and result.is_complete
    assert here.rows("tickets", "SELECT count(DISTINCT id) FROM t") == [(749,)]
    assert not [line for line in here.asked("/tickets?") if "page=301" in line]


def test_r9_more_tickets_in_one_second_than_the_vendor_shows_fail_loudly(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, page_size=2, ceiling=10)
    here = lab(world(tickets=[ticket(key, updated_at=ago(days=1), changes=[]) for key in range(1, 30)]))
    result = here.ingest(resources=["tickets"])
    assert isinstance(result.error, ConcordError) and "in one second" in str(result.error)
    assert not result.is_complete


def test_a_ticket_that_changes_while_the_list_is_read_pushes_no_other_out_of_it(
    lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch,
) -> None:
    limited(monkeypatch, page_size=10)
    here = lab(world(tickets=[ticket(key) for key in range(1, 61)]))
    # after the second page, tickets of the first one are changed: they move to the end and everything else moves up
    here.desk.before[4] = lambda: [here.desk.call("PUT", f"/tickets/{id}", json={"priority": 1}) for id in range(1, 9)]
    here.good(resources=["tickets"])
    assert here.rows("tickets", "SELECT count(DISTINCT id) FROM t") == [(60,)]
    assert here.rows("tickets", "SELECT count(*) FROM t WHERE id < 9 AND priority = '1'") == [(8,)]


def test_an_account_that_passes_over_updated_since_works_as_a_full_load(lab: Callable[..., Lab]) -> None:
    here = lab(companies_filter=False)
    here.good(resources=["companies"])
    here.desk.clock.advance(timedelta(days=1))
    assert here.good(resources=["companies"]).rows == {}
    here.desk.call("PUT", f"/companies/{COMPANY}", json={"note": "x"})
    assert here.good(resources=["companies"]).rows == {"companies": 1}


# what is gone, and what only seems to be


def test_r7_a_deleted_ticket_is_a_tombstone_and_a_restored_one_lives(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.call("DELETE", "/tickets/1")
    here.good()
    assert here.latest("tickets", 1, "_deleted, is_deleted") == (True, True)
    assert here.good().rows == {}  # told once, although the trash lists it again and again
    here.desk.call("PUT", "/tickets/1/restore")
    here.good()
    assert here.latest("tickets", 1, "_deleted, is_deleted") == (False, None)


def test_r7_a_ticket_that_is_restored_without_a_new_time_lives_as_well(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    before = here.desk.vendor.store.get("tickets", "1") or {}
    here.desk.vendor._account.put("tickets", {**before, "deleted": True})  # nor does the deletion move it
    here.desk.clock.advance(timedelta(hours=1))
    here.good()
    assert here.latest("tickets", 1, "_deleted") == (True,)
    here.desk.vendor._account.put("tickets", before)
    here.desk.clock.advance(timedelta(hours=1))
    here.good()
    assert here.latest("tickets", 1, "_deleted") == (False,)


def test_r7_spam_is_marked_and_no_deletion(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.vendor._account.put("tickets", {**(here.desk.vendor.store.get("tickets", "1") or {}), "spam": True})
    here.good()
    assert here.latest("tickets", 1, "is_spam, _deleted") == (True, False)


@pytest.mark.parametrize("full", [False, True])
def test_an_archived_ticket_is_no_deleted_one(lab: Callable[..., Lab], full: bool) -> None:
    here = lab(world(tickets=[ticket(1, status="closed", created_at=ago(days=140), updated_at=ago(days=110)), ticket(2)]))
    here.good()
    here.desk.clock.advance(timedelta(days=15))
    assert [row["id"] for row in here.desk.get("/tickets", updated_since="2000-01-01T00:00:00Z")] == [2]
    result = here.good(full=full)
    assert result.is_complete
    assert here.rows("tickets", "SELECT count(*) FROM t WHERE id = 1 AND _deleted") == [(0,)]
    assert here.latest("tickets", 1, "status, is_archived") == ("5", True if full else None)
    assert here.rows("conversations", "SELECT count(*) FROM t WHERE ticket_id = 1 AND _deleted") == [(0,)]
    if full:
        assert here.asked("/tickets/archived/1")


def test_tickets_that_were_archived_before_the_first_read_come_where_wanted(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, longest_wait=timedelta(milliseconds=1))
    monkeypatch.setattr(freshdesk, "_PARENTS", 4)
    old = [ticket(key, status="closed", created_at=ago(days=300), updated_at=ago(days=200)) for key in range(1, 12) if key != 5]
    here = lab(world(tickets=[*old, ticket(12)]))
    assert here.good().rows["tickets"] == 1
    here.settings = replace(here.settings, home=here.settings.home / "other")
    here.options = {"archived_tickets": "all"}
    here.desk.limited = [10]
    first = here.good(resources=["tickets"])
    here.desk.limited = []
    second = here.good(resources=["tickets"])
    assert first.stopped and second.is_complete
    assert here.rows("tickets", "SELECT count(DISTINCT id) FROM t WHERE is_archived AND NOT _deleted") == [(10,)]
    assert here.rows("tickets", "SELECT count(*) FROM t") == [(11,)]
    assert here.good(resources=["tickets"]).rows == {} and not here.asked("archived")  # once for all
    assert here.good(resources=["conversations"]).rows["conversations"] == 22


def test_r7_a_full_read_buries_a_ticket_that_the_trash_has_let_go(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.vendor._account.drop("tickets", "1")
    here.good()
    assert here.latest("tickets", 1, "_deleted") == (False,)  # an incremental read says nothing about what did not come
    here.good(full=True)
    assert here.latest("tickets", 1, "_deleted") == (True,)
    assert here.latest("tickets", 2, "_deleted") == (False,)


def test_r5_a_ticket_that_left_the_trash_between_two_reads_is_found_by_a_whole_read(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.call("DELETE", "/tickets/1")
    here.desk.clock.advance(timedelta(days=40))
    result = here.good()
    assert result.is_complete
    assert here.latest("tickets", 1, "_deleted") == (True,)
    assert here.latest("tickets", 2, "_deleted") == (False,)
    assert here.good().rows == {}


def test_r7_deleted_contacts_are_tombstones(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.call("DELETE", f"/contacts/{PERSON}")
    assert here.good().rows == {"contacts": 1}
    assert here.latest("contacts", PERSON, "_deleted") == (True,)
    here.desk.call("PUT", f"/contacts/{PERSON}/restore")
    here.good()
    assert here.latest("contacts", PERSON, "_deleted") == (False,)


def test_r7_a_company_that_is_gone_without_a_word_is_found_by_the_count(lab: Callable[..., Lab]) -> None:
    here = lab(world(customers=[customer(key) for key in range(1, 8)]))
    here.good()
    here.desk.clock.advance(SETTLED)
    here.good()
    here.desk.clock.advance(SETTLED)
    assert len([line for line in here.good() and here.asked("/v2/companies?")]) == 1  # nothing is missing: no sweep
    here.desk.call("DELETE", f"/companies/{COMPANY + 3}")
    here.desk.clock.advance(SETTLED)
    result = here.good()
    assert result.rows["companies"] == 1 and result.is_complete
    assert here.latest("companies", COMPANY + 3, "_deleted") == (True,)
    assert here.rows("companies", "SELECT count(*) FROM t WHERE _deleted") == [(1,)]
    here.desk.clock.advance(SETTLED)
    assert here.good().rows == {} and len(here.asked("/v2/companies?")) == 1


def test_r10_a_new_company_that_no_search_shows_yet_starts_no_sweep(lab: Callable[..., Lab]) -> None:
    here = lab(search_lag_seconds=120)
    here.good()
    here.desk.clock.advance(SETTLED)
    here.good()
    here.desk.call("POST", "/companies", json={"name": "New Ltd"})
    result = here.good()
    assert result.rows["companies"] == 1 and result.is_complete and len(here.asked("/v2/companies?")) == 1
    here.good()
    assert len(here.asked("/v2/companies?")) == 1
    assert here.rows("companies", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]


def test_r10_only_a_complete_full_read_buries(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.vendor._account.drop("contacts", str(PERSON))
    here.desk.vendor._account.drop("groups", "43400000002")
    short = here.good(resources=["contacts"])
    assert "contacts" not in short.rows
    assert here.good(resources=["groups"]).rows == {"groups": 1}  # a list that tells no changes is read whole each time
    assert here.latest("groups", 43_400_000_002, "_deleted") == (True,)
    here.good(full=True, resources=["contacts"])
    assert here.latest("contacts", PERSON, "_deleted") == (True,)


def test_r7_an_asset_that_is_gone_is_found_by_the_count(lab: Callable[..., Lab]) -> None:
    base = world()
    here = lab(world(assets=[replace(base.assets[0], key=key) for key in range(1, 5)]))
    here.good()
    here.desk.clock.advance(SETTLED)
    here.good()
    here.desk.clock.advance(SETTLED)
    here.desk.call("DELETE", "/custom_objects/schemas/30/records/AST-2")
    assert here.good().rows == {"assets": 1}
    assert here.latest("assets", "AST-2", "_deleted") == (True,)


# conversations


def test_r6_only_conversations_of_changed_tickets_are_read_again(lab: Callable[..., Lab]) -> None:
    here = lab(world(tickets=[ticket(key) for key in range(1, 31)]))
    here.good()
    here.desk.call("POST", "/tickets/7/notes", json={"body": "seen"})
    result = here.good()
    assert result.rows == {"tickets": 1, "conversations": 1}
    assert [line.split("?")[0] for line in here.asked("/conversations")] == ["GET /api/v2/tickets/7/conversations"]


def test_r6_a_deleted_note_is_a_tombstone_once_its_ticket_is_read_again(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.desk.call("DELETE", "/conversations/44000001001")
    here.desk.call("PUT", "/tickets/1", json={"priority": 1})
    here.good()
    assert here.latest("conversations", 44_000_001_001, "_deleted") == (True,)
    assert here.latest("conversations", 44_000_001_002, "_deleted") == (False,)


def test_a_note_that_does_not_move_its_ticket_comes_with_a_full_read(lab: Callable[..., Lab]) -> None:
    here = lab(notes_touch_tickets=False)
    here.good()
    here.desk.call("POST", "/tickets/1/notes", json={"body": "quiet"})
    assert here.good().rows == {}
    here.good(full=True)
    assert here.rows("conversations", "SELECT count(*) FROM t WHERE body_text = 'quiet'") == [(1,)]
    assert here.rows("conversations", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]


def test_a_full_read_of_conversations_alone_buries_nothing(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.good()
    here.good(full=True, resources=["conversations"])
    assert here.rows("conversations", "SELECT count(*), count(DISTINCT id) FROM t WHERE NOT _deleted") == [(8, 4)]
    assert here.rows("conversations", "SELECT count(*) FROM t WHERE _deleted") == [(0,)]


def test_long_conversations_are_read_page_by_page(lab: Callable[..., Lab]) -> None:
    said = [Comment(at=ago(days=5) + timedelta(minutes=n), author=1, is_agent=True, is_public=True, body=f"{n}") for n in range(251)]
    here = lab(world(tickets=[ticket(1, comments=said)]))
    assert here.good().rows["conversations"] == 250


def test_r14_conversations_are_read_side_by_side_within_the_limit(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    here = lab(world(tickets=[ticket(key) for key in range(1, 41)]))
    running = peak = 0
    serve = here.desk.vendor.handle

    def counted(request: Any) -> Any:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(0.01)
        try:
            return serve(request)
        finally:
            with lock:
                running -= 1

    lock = threading.Lock()
    monkeypatch.setattr(here.desk.vendor, "handle", counted)
    here.good()
    assert 2 <= peak <= load_system("freshdesk").limits.concurrency


def test_r11_tickets_whose_conversations_were_not_read_are_read_next_time(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, concurrency=1, longest_wait=timedelta(milliseconds=1))
    monkeypatch.setattr(freshdesk, "_PARENTS", 5)
    here = lab(world(tickets=[ticket(key) for key in range(1, 31)]), fault_retry_after=1)
    here.good(resources=["tickets"])
    here.desk.limited = [12]
    first = here.good(resources=["conversations"])
    assert first.stopped and not first.is_complete and 0 < first.rows["conversations"] < 60
    here.desk.limited = []
    second = here.good(resources=["conversations"])
    assert not second.stopped and second.is_complete
    assert here.rows("conversations", "SELECT count(*), count(DISTINCT id) FROM t") == [(60, 60)]
    assert here.good(resources=["conversations"]).requests < 3


# faults, limits and resuming


def test_r11_a_limit_is_waited_out_and_shown(lab: Callable[..., Lab]) -> None:
    here = lab()
    here.desk.limited = [1]
    result = here.good(resources=["companies"])
    assert result.is_complete and result.wait_seconds > 0


def test_r11_a_spent_quota_ends_the_run_cleanly_and_the_next_goes_on(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, page_size=10, longest_wait=timedelta(milliseconds=1))
    here = lab(world(contacts=[contact(key) for key in range(1, 101)]))
    here.desk.limited = [5]
    first = here.good(resources=["contacts"])
    assert first.stopped and not first.is_complete and 0 < first.rows["contacts"] < 100
    here.desk.limited = []
    second = here.good(resources=["contacts"])
    assert not second.stopped and second.is_complete
    assert here.rows("contacts", "SELECT count(DISTINCT id) FROM t") == [(100,)]
    assert "page=1" not in {part for line in here.asked("/contacts?") if "state" not in line for part in line.split("&")}  # goes on


def test_r11_tickets_go_on_from_the_last_page(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, page_size=10, longest_wait=timedelta(milliseconds=1))
    here = lab(world(tickets=[ticket(key, updated_at=ago(days=60) + timedelta(hours=key), changes=[]) for key in range(1, 101)]))
    here.desk.limited = [7]
    first = here.good(resources=["tickets"])
    assert first.stopped and 0 < first.rows["tickets"] < 100
    here.desk.limited = []
    second = here.good(resources=["tickets"])
    assert second.is_complete and first.rows["tickets"] + second.rows["tickets"] == 100
    assert here.rows("tickets", "SELECT count(DISTINCT id) FROM t") == [(100,)]


def test_r8_a_company_that_is_counted_and_never_listed_makes_the_read_incomplete(lab: Callable[..., Lab]) -> None:
    here = lab(world(customers=[customer(1), customer(2, hidden=True), customer(3)]))
    result = here.good(resources=["companies"])
    [audit] = result.audits
    assert (audit.expected, audit.actual, audit.is_complete) == (3, 2, False)
    assert audit.method == "search total"


def test_r8_a_ticket_that_is_counted_and_never_listed_makes_the_read_incomplete(lab: Callable[..., Lab]) -> None:
    here = lab(world(tickets=[ticket(1), ticket(2, hidden=True), ticket(3)]))
    [audit] = here.good(resources=["tickets"]).audits
    assert (audit.expected, audit.actual, audit.is_complete) == (3, 2, False)


def test_r8_what_was_just_deleted_is_not_missing_because_a_search_still_counts_it(lab: Callable[..., Lab]) -> None:
    here = lab(search_lag_seconds=120)
    here.good()
    here.desk.call("DELETE", "/tickets/1")
    here.desk.call("DELETE", f"/contacts/{PERSON}")
    assert here.desk.get("/search/tickets", query="\"created_at:>'2000-01-01'\"")["total"] == 2
    assert here.good().is_complete


def test_r3_an_empty_answer_where_the_vendor_has_rows_is_no_success(lab: Callable[..., Lab]) -> None:
    here = lab(world(customers=[customer(1, hidden=True)]))
    result = here.good(resources=["companies"])
    assert result.rows == {} and not result.is_complete


def test_r19_a_load_that_never_completed_leaves_the_cursor_where_it_was(lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    here = lab(world(tickets=[ticket(key) for key in range(1, 6)]))
    def broken(self: Any, *args: Any, **options: Any) -> Any:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broke, pytest.raises(RuntimeError):
        broke.setattr(dlt.Pipeline, "load", broken)
        here.ingest(resources=["tickets", "conversations"])
    here.good(resources=["tickets", "conversations"])
    assert here.rows("tickets", "SELECT count(DISTINCT id) FROM t") == [(5,)]
    assert here.rows("conversations", "SELECT count(DISTINCT id) FROM t") == [(10,)]
    assert here.good(resources=["tickets", "conversations"]).rows == {}


def test_what_the_agent_may_not_see_stops_nothing_else(lab: Callable[..., Lab]) -> None:
    here = lab(is_admin=False)
    result = here.good()
    refused = {audit.resource for audit in result.audits if not audit.is_complete}
    assert refused == {"agents", "sla_policies"}
    assert result.rows["companies"] == 3 and result.rows["tickets"] == 2


def test_a_plan_without_custom_objects_has_no_assets_and_is_complete(lab: Callable[..., Lab]) -> None:
    here = lab(has_custom_objects=False)
    result = here.good(resources=["assets"])
    assert result.rows == {}
    assert [audit.is_complete for audit in result.audits] == [True]


def test_a_wrong_key_is_named(lab: Callable[..., Lab]) -> None:
    here = lab()
    with open_client(here.connection, SandboxAccount(here.desk.url, {"api_key": "no"})) as client, pytest.raises(ConcordError, match="wrong or revoked"):
        client.read("GET", "agents/me")


# targeted reads, and what a connection test and a sensor ask


def test_given_records_are_read_by_their_ids(lab: Callable[..., Lab]) -> None:
    here = lab(world(tickets=[ticket(1, status="closed", created_at=ago(days=300), updated_at=ago(days=200)), ticket(2)]))
    here.good()
    here.desk.call("PUT", f"/companies/{COMPANY}", json={"custom_fields": {"overdue_days": 77}})
    here.desk.call("DELETE", f"/companies/{COMPANY + 1}")
    result = here.good(keys={
        "companies": [COMPANY, COMPANY + 1], "tickets": [1, 2], "conversations": [2], "assets": ["AST-1", "AST-9"], "sla_policies": [43_420_000_001]})
    assert here.latest("companies", COMPANY, "overdue_days") == (77,)
    assert here.latest("companies", COMPANY + 1, "_deleted") == (True,)
    assert here.latest("tickets", 1, "is_archived, _deleted") == (True, False)
    assert result.rows["sla_policies"] == 1 and result.rows["conversations"] == 4  # those of the tickets that were read again, too
    assert here.latest("assets", "AST-9", "_deleted") == (True,)


def test_who_we_are_and_whether_anything_changed(lab: Callable[..., Lab]) -> None:
    here = lab(requests_per_minute=700)
    with here.client() as client:
        who, quota = freshdesk.describe(client)
        assert who == "agent 43200000000 (all tickets)" and quota == "699 of 700 requests this minute"
        before = freshdesk.newest_change(client)
        assert freshdesk.newest_change(client) == before
        here.desk.call("PUT", "/tickets/1", json={"priority": 1})
        changed = freshdesk.newest_change(client)
        assert changed != before
        here.desk.clock.advance(timedelta(seconds=2))
        here.desk.call("PUT", f"/companies/{COMPANY}", json={"note": "x"})
        assert freshdesk.newest_change(client) not in (before, changed)


# a contract that changes


def altered(extra: dict[str, Any], **changes: Any) -> View:
    return world(customers=[customer(key, extra=extra, **changes) for key in range(1, 41)])


@pytest.mark.parametrize(("extra", "drift"), [
    ({"segment": "A"}, ("companies", "segment", "added")),
    ({"custom_fields": {"region": "north"}}, ("companies", "custom_fields.region", "added")),
    ({"name": 12}, ("companies", "name", "retyped")),
    ({"custom_fields": {"overdue_days": "many"}}, ("companies", "overdue_days", "retyped")),
])
def test_r12_an_added_or_retyped_field_is_told_and_no_row_is_lost(
    lab: Callable[..., Lab], extra: dict[str, Any], drift: tuple[str, str, str],
) -> None:
    here = lab(world(customers=[customer(key) for key in range(1, 41)]))
    here.good(resources=["companies"])
    here.desk.apply(customers=[customer(key, extra=extra, updated_at=datetime.now(UTC)) for key in range(1, 41)])
    result = here.good(resources=["companies"])
    assert drift in result.drift
    assert result.rows.get("companies", 0) + sum(result.quarantined.values()) == 40
    assert here.rows("companies", "SELECT count(DISTINCT id) FROM t") == [(40,)]  # history stays
    assert here.good(resources=["companies"]).drift == []  # told once


def test_r12_a_removed_or_renamed_field_is_told_and_no_row_is_lost(lab: Callable[..., Lab]) -> None:
    here = lab(world(customers=[customer(key) for key in range(1, 41)]))
    account = here.desk.vendor._account
    for id, record in list(here.desk.vendor.store.collection("companies").items()):
        held = {("sector" if name == "industry" else name): value for name, value in record.items() if name != "health_score"}
        account.put("companies", held)
        assert id == str(held["id"])
    result = here.good(resources=["companies"])
    assert result.rows == {"companies": 40}
    assert set(result.drift) >= {("companies", "industry", "removed"), ("companies", "health_score", "removed"), ("companies", "sector", "added")}
    assert here.rows("companies", "SELECT DISTINCT _extra FROM t") == [('{"sector":null}',)]


def test_r12_a_new_status_and_a_missing_value_land_as_they_are(lab: Callable[..., Lab]) -> None:
    rows = [ticket(key, status="escalated") for key in range(1, 31)]
    here = lab(world(tickets=rows))
    for record in list(here.desk.vendor.store.collection("tickets").values()):
        here.desk.vendor._account.put("tickets", {**record, "subject": None, "source": 15})
    result = here.good(resources=["tickets", "ticket_statuses"])
    assert result.rows["tickets"] == 30 and not result.quarantined
    [(code, source)] = here.rows("tickets", "SELECT DISTINCT status, source FROM t WHERE subject IS NULL")
    assert source == 15
    assert here.rows("ticket_statuses", f"SELECT label FROM t WHERE code = {code}") == [("escalated",)]

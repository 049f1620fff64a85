"""Each transport fault of the sandbox in each phase that talks to a vendor: recovered, or dead-lettered with its reason; never silent."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord import stages
from concord.connections import Connection, SandboxAccount
from ingestion.client import open_client
from ingestion.landing import files_of
from ingestion.run import IngestResult
from ingestion.spec import load_system
from reverse_sync import outbox
from reverse_sync.dispatch import ApplyResult, Pace, apply
from reverse_sync.outbox import Selection
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import Store, broken_link, open_store
from tests.end_to_end.conftest import Site, changes, notes
from tests.reverse_sync.published import publish, row

KINDS = ("429", "500", "500_after", "delay", "cut_before", "cut_after", "truncated", "expired_token")
VENDORS = ("netsuite", "salesforce", "stripe", "zendesk")
PACE = Pace(attempts=4, backoff=timedelta(milliseconds=50), settle=timedelta(milliseconds=20), patience=timedelta(seconds=60))
# what is asked for again and again while a vendor is read: pages, not the login
PAGES = {"netsuite": "suiteql|record", "salesforce": "query", "stripe": "/v1/", "zendesk": "/api/v2/incremental"}
WRITES = {
    "organization": ("zendesk", "organizations/update_many", "PUT"), "ticket": ("zendesk", r"tickets/\d+$", "PUT"),
    "Account": ("salesforce", "composite/sobjects", "PATCH"),
}
FIELDS = {"organization": "overdue_days", "Account": "Overdue_Days__c"}


@dataclass
class Bench:
    """The sandbox that all cases share, what each vendor delivers undisturbed, and records to write to."""

    site: Site
    undisturbed: dict[str, IngestResult]
    keys: dict[str, dict[str, list[tuple[Any, ...]]]]
    records: dict[str, list[str]]
    numbers: Iterator[int]

    @property
    def connections(self) -> dict[str, Connection]:
        return self.site.installation.connections

    @property
    def accounts(self) -> dict[str, SandboxAccount]:
        return self.site.installation.accounts

    def arm(self, vendor: str, kind: str, path: str, *, count: int, after: int = 0, method: str | None = None) -> None:
        self.site.control("DELETE", "faults")
        self.site.control("POST", "clock", {"seconds": 61})  # the vendors' own limits a minute start anew
        body = {"vendor": vendor, "kind": kind, "path": path, "count": count, "after": after, "seconds": 0.4, "method": method}
        self.site.control("POST", "faults", body)

    def served(self, count: int) -> int:
        """How many of the armed faults were met; what is left over is disarmed."""
        left = sum(fault["left"] for fault in self.site.control("GET", "faults"))
        self.site.control("DELETE", "faults")
        return count - left


def landed_keys(site: Site, vendor: str) -> dict[str, list[tuple[Any, ...]]]:
    """Of each resource the keys that have landed, each row by its own: what is missing or there twice shows."""
    found = {}
    with duckdb.connect() as database:
        for name, resource in load_system(vendor).resources.items():
            files = files_of(site.settings, vendor, name)
            columns = ", ".join(f'"{column}"' for column in resource.key)
            found[name] = database.execute(
                f"SELECT {columns} FROM read_parquet($files, union_by_name = true) ORDER BY ALL", {"files": files}).fetchall()
    return found


@pytest.fixture(scope="module")
def bench(make_site: Callable[..., Site]) -> Bench:
    site = make_site(seed=31, scale=0.1, faults={"faults": {}})
    site.control("POST", "clock", {"seconds": 120})  # Zendesk's export withholds the last minute
    results = {result.connection: result for result in stages.ingest(site.installation)}
    assert all(result.is_complete for result in results.values())
    keys = {vendor: landed_keys(site, vendor) for vendor in VENDORS}
    with duckdb.connect() as database:
        read = f"SELECT id::VARCHAR FROM read_parquet('{site.settings.landing}/%s/*.parquet', union_by_name = true) WHERE %s ORDER BY id"
        organizations = [each[0] for each in database.execute(read % ("zendesk/organizations", "true")).fetchall()]
        tickets = [each[0] for each in database.execute(read % ("zendesk/tickets", "status IN ('open', 'new', 'pending', 'hold')")).fetchall()]
        accounts = [each[0] for each in database.execute(read % ("salesforce/accounts", "true")).fetchall()]
    return Bench(site, results, keys, {"organization": organizations, "ticket": tickets, "Account": accounts}, itertools.count(1))


# --- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_fault_while_reading_is_waited_out(bench: Bench, vendor: str, kind: str, tmp_path: Path) -> None:
    site = bench.site.beside(tmp_path / "home")
    bench.arm(vendor, kind, PAGES[vendor], count=2, after=1)
    [result] = stages.ingest(site.installation, [vendor])
    if (vendor, kind) == ("salesforce", "429"):  # its limit counts over a day: nobody waits for that, the next run goes on
        assert bench.served(2) > 0
        assert "limit" in result.stopped and not result.is_complete
        [result] = stages.ingest(site.installation, [vendor])
    else:
        assert bench.served(2) == 2
        assert result.rows == bench.undisturbed[vendor].rows
        assert result.wait_seconds > 0 or kind != "429"
    assert result.error is None and result.is_complete and not result.quarantined
    assert landed_keys(site, vendor) == bench.keys[vendor]


@pytest.mark.parametrize(("vendor", "kind"), [("netsuite", "cut_after"), ("salesforce", "500"), ("stripe", "truncated"), ("zendesk", "500")])
def test_a_vendor_that_stays_down_is_told_and_read_next_time(bench: Bench, vendor: str, kind: str, tmp_path: Path) -> None:
    site = bench.site.beside(tmp_path / "home")
    bench.arm(vendor, kind, PAGES[vendor], count=10_000, after=2)
    [failed] = stages.ingest(site.installation, [vendor])
    assert bench.served(10_000) >= 6
    assert failed.error is not None and not failed.is_complete and failed.total == 0
    assert failed.error.where == vendor and str(failed.error).count("\n") == 0
    [result] = stages.ingest(site.installation, [vendor])
    assert result.is_complete and landed_keys(site, vendor) == bench.keys[vendor]


# --- writing ---------------------------------------------------------------------------------------------------------


@dataclass
class Wish:
    """What one case wants to be written: an outbox of its own, and the journal from here on."""

    bench: Bench
    object: str
    store: Store
    ids: list[str]
    value: int
    since: int

    def apply(self, later: timedelta = timedelta()) -> ApplyResult:
        return apply(self.store, self.bench.connections, self.bench.accounts, pace=PACE, now=lambda: datetime.now(UTC) + later)

    def assert_written_once(self) -> None:
        journal = self.bench.site.journal(self.since)
        collection = {"organization": "organizations", "ticket": "tickets", "Account": "Account"}[self.object]
        name = FIELDS.get(self.object, "tags")
        done = Counter((change.collection, change.record_id, change.name) for change in changes(journal))
        assert done == Counter((collection, id, name) for id in self.ids)
        assert [ticket for ticket, _ in notes(journal)] == (self.ids if self.object == "ticket" else [])
        assert broken_link(self.store) is None


def wish(bench: Bench, object_: str, folder: Path) -> Wish:
    """Three records that are to hold another value than they do, planned into a fresh outbox."""
    number = next(bench.numbers)
    candidates = bench.records[object_]
    ids = candidates[:3] if object_ != "ticket" else candidates[number % len(candidates):][:1]
    if object_ == "ticket":
        held = _tags(bench, ids[0])
        fields: list[tuple[dict[str, Any], dict[str, Any]]] = [({"tag_credit_hold": not held}, {"tag_credit_hold": held})]
    else:
        fields = [({FIELDS[object_]: 1000 + number}, {FIELDS[object_]: None})] * 3
    note = "A hold touches this case." if object_ == "ticket" else None
    published = publish(folder / "published.duckdb", [
        row(object_, id, desired, observed, note=note) for id, (desired, observed) in zip(ids, fields, strict=True)])
    store = open_store(f"sqlite:///{folder / 'operations.sqlite'}")
    planned = plan(published, store, bench.connections, cap=ChangeCap(count=None, share=None))
    assert planned.count("pending") == len(ids)
    return Wish(bench, object_, store, ids, number, bench.site.last_entry())


def _tags(bench: Bench, ticket: str) -> bool:
    with open_client(bench.connections["zendesk"], bench.accounts["zendesk"]) as client:
        return "concord_credit_hold" in client.read("GET", f"/api/v2/tickets/{ticket}").content["ticket"]["tags"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("object_", WRITES)
def test_a_fault_while_writing_is_recovered_without_a_second_effect(bench: Bench, object_: str, kind: str, tmp_path: Path) -> None:
    case = wish(bench, object_, tmp_path)
    vendor, path, method = WRITES[object_]
    bench.arm(vendor, kind, path, count=1, method=method)
    result = case.apply()
    assert bench.served(1) == 1
    assert [entry["fault"] for entry in bench.site.journal(case.since)].count(kind) == 1
    if (vendor, kind) == ("salesforce", "429"):  # its limit counts over a day: the run says when to go on, and ends
        [part] = [part for part in result.connections if part.connection == vendor]
        assert part.left == len(case.ids) and part.resume_at is not None
        result = case.apply(later=timedelta(hours=25))
    assert result.errors == {} and result.total("dead_letters") == 0 and result.total("left") == 0
    assert outbox.counts(case.store) == {(vendor, "verified"): len(case.ids)}
    case.assert_written_once()
    case.store.close()


@pytest.mark.parametrize("kind", ["500", "500_after", "delay", "cut_before", "cut_after", "truncated", "expired_token"])
@pytest.mark.parametrize("object_", WRITES)
def test_a_fault_while_reading_back_loses_nothing(bench: Bench, object_: str, kind: str, tmp_path: Path) -> None:
    case = wish(bench, object_, tmp_path)
    vendor = WRITES[object_][0]
    bench.arm(vendor, kind, "show_many|job_statuses|composite/sobjects", count=2, after=1 if object_ == "ticket" else 2)
    case.apply()
    served = bench.served(2)
    result = case.apply()  # where the first run ended early
    assert served > 0 and result.errors == {} and result.total("left") == 0
    assert outbox.counts(case.store) == {(vendor, "verified"): len(case.ids)}
    case.assert_written_once()
    case.store.close()


@pytest.mark.parametrize("object_", WRITES)
def test_a_write_that_never_passes_is_a_dead_letter_with_its_reason(bench: Bench, object_: str, tmp_path: Path) -> None:
    case = wish(bench, object_, tmp_path)
    vendor, path, method = WRITES[object_]
    bench.arm(vendor, "500", path, count=10_000, method=method)
    result = case.apply()
    assert bench.served(10_000) >= PACE.attempts
    assert result.total("dead_letters") == len(case.ids) and result.total("sent") == 0
    dead = outbox.entries(case.store, Selection(states=("dead_letter",)))
    assert {entry.reason_class for entry in dead} == {"attempts_spent"}
    assert all("500" in (entry.reason or "") and entry.owner_role for entry in dead), [entry.reason for entry in dead]
    assert changes(bench.site.journal(case.since)) == []
    # mended: the same entries pass, once
    outbox.retry(case.store, Selection(states=("dead_letter",)), who="operator")
    assert case.apply().total("verified") == len(case.ids)
    case.assert_written_once()
    case.store.close()

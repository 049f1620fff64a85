"""kill -9 at random points of apply: afterwards the run completes, each effect happened once, none is missing."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from concord.connections import SandboxAccount
from reverse_sync import outbox
from reverse_sync.dispatch import Pace, apply
from reverse_sync.outbox import Selection
from reverse_sync.plan import ChangeCap, plan
from reverse_sync.store import Store, broken_link, open_store
from tests.reverse_sync.published import CONNECTIONS, account, accounts, organization, publish, row, ticket
from tests.reverse_sync.standin import Standin

ORGANIZATIONS = [str(n) for n in range(1000, 1130)]
TICKETS = [str(n) for n in range(500, 504)]
ACCOUNTS = [f"001A{n:03d}" for n in range(205)]
PACE = Pace(workers=2, backoff=timedelta(milliseconds=50), settle=timedelta(milliseconds=10), patience=timedelta(seconds=20))


def send(store_url: str, reachable: dict[str, SandboxAccount]) -> None:
    """The process that is killed."""
    store = open_store(store_url)
    result = apply(store, CONNECTIONS, reachable, pace=PACE)
    store.close()
    if result.errors:
        raise SystemExit(str(result.errors))


def wish(tmp_path: Path, round_: int) -> Path:
    """Every record is to hold something new in every round; what was observed stays as old as in the beginning."""
    on = round_ % 2 == 0
    return publish(tmp_path / "p.duckdb", [
        *(row("organization", id, {"erp_balance": round_ + 0.5}, {"erp_balance": None}) for id in ORGANIZATIONS),
        *(row("Account", id, {"ERP_Balance__c": round_ + 0.5}, {"ERP_Balance__c": None}) for id in ACCOUNTS),
        *(row("ticket", id, {"tag_credit_hold": on}, {"tag_credit_hold": False}, note=f"Round {round_}.") for id in TICKETS),
    ])


def sent_records(method: str, path: str, body: Any) -> list[str]:
    """The records of one write that the vendor carried out."""
    if "ticket" in body:
        return [path.rsplit("/", 1)[1]]
    [records] = [body[name] for name in ("organizations", "tickets", "records") if name in body]
    return [str(record["id"]) for record in records]


class Killer:
    """Kills the process at the n-th request that the vendor sees from now on: before or after its effect, or a moment later."""

    def __init__(self, vendor: Standin, random_: random.Random) -> None:
        self.at = vendor.requests + random_.randint(1, 14)
        self.phase = random_.choice(("before", "after"))
        self.later = random_.choice((0.0, 0.0, random_.random() * 0.02))
        self.pid = 0
        self.ready = threading.Event()
        self.struck = False

    def __call__(self, number: int, phase: str) -> None:
        if number == self.at and phase == self.phase:
            self.ready.wait(5)
            if self.later:
                threading.Timer(self.later, self.strike).start()
            else:
                self.strike()

    def strike(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)
            self.struck = True
        except ProcessLookupError:
            self.struck = False


@pytest.mark.slow
def test_nothing_twice_and_nothing_lost(tmp_path: Path, store: Store, store_url: str, vendor: Standin) -> None:
    random_ = random.Random(20261121)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reverse_sync.test_reverse_sync_kill"])
    for id in ORGANIZATIONS:
        organization(vendor, id, erp_balance=None)
    for id in ACCOUNTS:
        account(vendor, id, ERP_Balance__c=None)
    for id in TICKETS:
        ticket(vendor, id)
    vendor.working = 1
    kills, wanted_kills, round_ = 0, 30 if store_url.startswith("sqlite") else 10, 0
    recovered = 0
    while kills < wanted_kills:
        vendor.effects.clear()
        vendor.writes.clear()
        made = plan(wish(tmp_path, round_), store, CONNECTIONS, cap=ChangeCap(count=None, share=None))
        assert made.count("pending") == len(ORGANIZATIONS) + len(ACCOUNTS) + len(TICKETS), round_
        while True:
            killer = Killer(vendor, random_)
            vendor.on_request = killer
            process = context.Process(target=send, args=(store_url, accounts(vendor)))
            process.start()
            killer.pid = process.pid or 0
            killer.ready.set()
            process.join(60)
            assert process.exitcode in (0, -signal.SIGKILL)
            if process.exitcode == 0:
                break
            kills += 1
            recovered += outbox.counts(store, "zendesk").get(("zendesk", "in_flight"), 0)
        found = outbox.counts(store)
        assert {state for _, state in found} == {"verified"}, found
        effects = [(collection, id, name) for collection, id, name, _, _ in vendor.effects]
        assert len(effects) == len(set(effects)), f"twice in round {round_}"
        times = Counter(record for write in vendor.writes for record in sent_records(*write))
        assert {record for record, number in times.items() if number > 1} == set(), f"sent twice in round {round_}"
        expected = {("organization", id, "erp_balance") for id in ORGANIZATIONS} | {("Account", id, "ERP_Balance__c") for id in ACCOUNTS}
        expected |= {("ticket", id, "comment") for id in TICKETS} | {("ticket", id, "tags") for id in TICKETS}
        assert expected - set(effects) == set(), f"lost in round {round_}"
        assert set(effects) - expected == set()
        round_ += 1
    assert broken_link(store) is None and kills >= wanted_kills
    assert recovered > 0, "no kill left anything in flight: the test proves nothing"


def test_a_lease_of_another_machine_has_to_run_out(tmp_path: Path, store: Store, vendor: Standin) -> None:
    from reverse_sync.store import claim

    organization(vendor, "1", credit_status="ok")
    plan(publish(tmp_path / "p.duckdb", [row("organization", "1", {"credit_status": "hold"}, {"credit_status": "ok"})]), store, CONNECTIONS)
    now = datetime.now(UTC)
    claim(store, "zendesk", "organization", state="pending", worker="elsewhere:17:x", now=now, lease_until=now + timedelta(minutes=5), limit=9)
    assert apply(store, CONNECTIONS, accounts(vendor), pace=PACE).connections[0].left == 1
    assert vendor.writes == []
    later = apply(store, CONNECTIONS, accounts(vendor), pace=PACE, now=lambda: datetime.now(UTC) + timedelta(minutes=6))
    assert later.total("verified") == 1 and len(vendor.writes) == 1
    [entry] = outbox.entries(store, Selection(states=("verified",)))
    assert [link["event"] for link in outbox.history(store, entry.id)] == [
        "planned", "in_flight", "lease_lost", "pending", "in_flight", "delivered", "verified"]

"""kill -9 at random moments of ingest, build, publish and apply: the run completes, no effect twice, none missing, readers undisturbed.

`CONCORD_KILLS` says how many kills (4). Each victim is forked from a server that has imported everything, so that the kill falls
into the stage's work and not into the import of its libraries.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import ForkServerContext
from typing import Any

import duckdb
import pytest

from concord import stages
from concord.errors import ConcordError
from concord.settings import load_settings
from concord.stages import Installation
from reverse_sync.outbox import Selection, counts, entries
from reverse_sync.plan import Plan
from reverse_sync.store import broken_link, open_store
from reverse_sync.values import equal
from tests.dbt_cache import NAME
from tests.end_to_end.conftest import Site, changes, notes
from transform.publish import read_published

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("without_dbt_tests")]

STAGES = ("ingest", "build", "publish", "apply")
KILLS = int(os.environ.get("CONCORD_KILLS", "4"))
LATENCY = 0.6
A_ROUND = 5  # at most so many kills of each stage between two plans
PATIENCE = 600  # seconds that a stage may take on a busy machine
SEED = 20261121
COLLECTIONS = {"organization": "organizations", "ticket": "tickets", "Account": "Account"}
# much to write in every round, and nothing that stops a push
FAULTS = {
    "faults": {
        "hold_not_propagated_support": 8, "hold_not_propagated_crm": 8, "subscription_cancelled_entitlement_lives": 6,
        "case_without_cover": 6, "tier_mismatch": 6, "crm_overwrites_erp_field": 4, "invoice_amount_far": 2,
    }
}


def work(home: str, stage: str, ready: Pipe) -> None:
    """The process that is killed: one stage, as the command line runs it. Says when it begins, a build also what it has finished."""
    os.environ["DBT_EXCLUDE_RESOURCE_TYPES"] = "test"  # the server it is forked from may be older than this module's fixtures
    installation = Installation(load_settings({"CONCORD_HOME": home, "CONCORD_DATA": "", NAME: os.environ[NAME]}))
    report = stages.check(installation) if stage == "publish" else None  # so that the kill falls into the copying
    ready.send("go")
    if stage == "ingest":
        failed = [result.error for result in stages.ingest(installation) if result.error]
        if failed:
            raise failed[0]
    elif stage == "build":
        stages.build(installation, on_event=lambda node: ready.send(node.name))
    elif stage == "publish":
        stages.publish(installation, report)
    else:
        stages.apply(installation)


def picture(connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """What a reader takes from the published copy: it must be one build, whole."""
    row = connection.execute(
        "select (select count(*) from customer), (select count(*) from customer_financial_profile), (select count(*) from invoice),"
        " (select count(*) from invoice_status), (select count(*) from drift), (select bit_xor(hash(finding_id)) from drift),"
        " (select bit_xor(hash(profile)) from customer_financial_profile as profile),"
        " (select bit_xor(hash(state)) from sync_zendesk__organizations as state),"
        " (select list(distinct as_of order by as_of) from (select as_of from drift union all select as_of from extraction_clock"
        " union all select as_of from customer_financial_profile))"
    ).fetchone()
    assert row is not None
    return tuple(str(value) for value in row)


def watch(home: str, stop: Any, told: Pipe) -> None:
    """The process that reads all the time, in turn as Concord does and as any DuckDB client does."""
    settings = load_settings({"CONCORD_HOME": home, "CONCORD_DATA": ""})
    seen: Counter[tuple[Any, ...]] = Counter()
    problems: list[str] = []
    reads = 0
    while not stop.is_set():
        try:
            if reads % 2:
                with read_published(settings) as connection:
                    seen[picture(connection)] += 1
            else:
                with duckdb.connect(str(settings.published), read_only=True, config={"threads": 1}) as connection:
                    seen[picture(connection)] += 1
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is what is looked for
            problems.append(f"{type(error).__name__}: {error}")
        reads += 1
        time.sleep(0.02)
    told.send((reads, dict(seen), problems))


@dataclass
class Tally:
    """What the kills came to."""

    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)  # the stage had ended before the kill
    found: Counter[str] = field(default_factory=Counter)   # what a kill left behind
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Killer:
    site: Site
    context: ForkServerContext
    dice: random.Random
    tally: Tally
    _pipes: list[Pipe] = field(default_factory=list)

    def start(self, stage: str) -> tuple[Any, float]:
        process, _ = self._start(stage)
        return process, time.monotonic()

    def start_and_hear(self, stage: str, word: str) -> Any:
        """Start a stage and return when it says the word: a build names each model that it has finished."""
        process, hears = self._start(stage)
        while hears.poll(PATIENCE):
            if hears.recv() == word:
                return process
        raise AssertionError(f"{stage} never said {word}")

    def _start(self, stage: str) -> tuple[Any, Pipe]:
        if stage == "ingest":
            self.site.control("POST", "clock", {"seconds": 61})  # the vendors' own limits a minute start anew
        ours, theirs = self.context.Pipe(duplex=False)
        process = self.context.Process(target=work, args=(str(self.site.home), stage, theirs))
        process.start()
        assert ours.poll(PATIENCE), f"{stage} did not start"
        ours.recv()
        self._pipes.append(ours)  # a victim must not lose its listener
        return process, ours

    def whole(self, stage: str) -> None:
        """Let a stage run to its end, and note how long that takes."""
        process, begun = self.start(stage)
        process.join(PATIENCE)
        assert process.exitcode == 0, f"{stage} after {dict(self.tally.kills)}: exit code {process.exitcode}"
        self.tally.seconds.setdefault(stage, time.monotonic() - begun)

    def strike(self, stage: str) -> None:
        """Kill the stage at a moment within the time that it takes; again until one struck before its end."""
        for _ in range(20):
            delay = self.dice.random() * self.tally.seconds[stage]
            process, begun = self.start(stage)
            time.sleep(max(0.0, begun + delay - time.monotonic()))
            process.kill()
            process.join(60)
            if process.exitcode == -signal.SIGKILL:
                self.tally.kills[stage] += 1
                self.look(stage)
                return
            assert process.exitcode == 0, f"{stage} after {dict(self.tally.kills)}: exit code {process.exitcode}"
            self.tally.missed[stage] += 1
            if stage == "apply":
                return  # it has written everything: there is nothing left to kill in this round
        raise AssertionError(f"{stage} always ended before it could be killed")

    def look(self, stage: str) -> None:
        """Count the kills that left something half done: without any, this test would prove nothing."""
        home, left = self.site.home, False
        if stage == "apply":
            store = open_store(self.site.settings.operations_url)
            states = Counter(entry.state for entry in entries(store, Selection(states=("in_flight", "unknown", "delivered")), limit=1000))
            store.close()
            left = bool(states)
        elif stage == "publish":
            left = any(home.glob("published.duckdb.*.partial"))
        elif stage == "build":
            left = any(home.glob("warehouse.duckdb.wal"))
        else:
            left = any((home / "dlt" / "_staging").glob("*/*")) or any((home / "dlt").glob("*/load/new/*"))
        self.tally.found[stage] += left


def truth_of(plan: Plan) -> dict[tuple[str, str, str], Any]:
    """(collection, record, field) -> the value that it must hold after this plan; a ticket's tags count as one field."""
    wanted = {}
    for change in plan.changes:
        if change.outcome == "pending":
            for field_ in change.fields:
                name = "tags" if change.object == "ticket" else field_.field
                wanted[COLLECTIONS[change.object], change.record_id, name] = field_.after
    return wanted


@contextmanager
def reading(site: Site, context: ForkServerContext) -> Iterator[dict[str, Any]]:
    """A reader for as long as the block runs; afterwards `result` holds what it met."""
    found: dict[str, Any] = {}
    stop = context.Event()
    ours, theirs = context.Pipe(duplex=False)
    reader = context.Process(target=watch, args=(str(site.home), stop, theirs))
    reader.start()
    try:
        yield found
    finally:
        stop.set()
        if ours.poll(60):
            found["reads"], found["pictures"], found["problems"] = ours.recv()
        reader.join(30)


def unsettle(site: Site, installation: Installation, dice: random.Random) -> None:
    """A day of business, and people at the vendor who undo what Concord wrote: the next round has as much to write as this one."""
    site.control("POST", "clock", {"days": 1})
    account = installation.accounts["zendesk"]
    from ingestion.client import open_client

    with open_client(installation.connections["zendesk"], account) as client:
        with read_published(installation.settings) as published:
            organizations = [row[0] for row in published.execute("select record_id from sync_zendesk__organizations order by 1").fetchall()]
            tickets = [row[0] for row in published.execute(
                "select record_id from sync_zendesk__tickets where desired_fields like '%true%' order by 1").fetchall()]
        for id in dice.sample(organizations, 15):
            client.request("PUT", f"/api/v2/organizations/{id}", json={"organization": {"organization_fields": {"overdue_days": 999}}}, write=True)
        for id in tickets:
            client.request("PUT", f"/api/v2/tickets/{id}", json={"ticket": {"tags": ["touched"]}}, write=True)
    site.control("POST", "clock", {"seconds": 120})  # Zendesk's export withholds the last minute


def assert_each_once(site: Site, since: int, plan: Plan, noted: set[str]) -> int:
    """The journal since the plan: every wanted effect once with the wanted value, and no other."""
    journal = site.journal(since)
    done = changes(journal)
    times = Counter((change.collection, change.record_id, change.name) for change in done)
    assert {key: n for key, n in times.items() if n > 1} == {}, "changed twice"
    wanted = truth_of(plan)
    assert wanted.keys() - times.keys() == set(), "never written"
    assert times.keys() - wanted.keys() == set(), "not wanted"
    for change in done:
        if change.collection != "tickets":
            assert equal(change.after, wanted[change.collection, change.record_id, change.name]), change
    written = notes(journal)
    assert len(written) == len(set(written)) == len({ticket for ticket, _ in written}), "a note twice"
    assert {ticket for ticket, _ in written} == noted, "notes"
    return len(done)


def test_killed_anywhere_it_completes_with_each_effect_once(make_site: Callable[..., Site], capsys: pytest.CaptureFixture[str]) -> None:
    site = make_site(seed=SEED, faults=FAULTS)
    installation, dice, tally = site.installation, random.Random(SEED), Tally()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.end_to_end.preloaded"])
    killer = Killer(site, context, dice, tally)
    for stage in ("ingest", "build", "publish"):
        killer.whole(stage)
    rounds = math.ceil(KILLS / len(STAGES) / A_ROUND)
    share = math.ceil(KILLS / len(STAGES) / rounds)
    pictures: set[tuple[Any, ...]] = set()
    effects = planned = 0
    tally.seconds["apply"] = 3 * LATENCY  # compare, write, watch the job, read back: four answers at least
    with reading(site, context) as reader:
        for number in range(rounds):
            with read_published(installation.settings) as published:
                pictures.add(picture(published))
            if number:
                unsettle(site, installation, dice)
            for stage in ("ingest", "build", "publish"):
                for _ in range(share):
                    killer.strike(stage)
                killer.whole(stage)
            with read_published(installation.settings) as published:
                pictures.add(picture(published))
            plan, since = stages.plan(installation), site.last_entry()
            assert plan.count("pending") > 20 and not any(target.stopped for target in plan.targets)
            planned += plan.count("pending")
            store = open_store(installation.settings.operations_url)
            noted = {entry.record_id for entry in entries(store, Selection(states=("pending",)), limit=10_000)
                     if entry.object == "ticket" and entry.note}
            for vendor in ("zendesk", "salesforce"):  # vendors far away: a kill mostly falls while something is on its way
                site.control("POST", "faults", {"vendor": vendor, "kind": "delay", "seconds": LATENCY, "count": 10_000})
            for _ in range(share):
                killer.strike("apply")
            site.control("DELETE", "faults")
            killer.whole("apply")
            states = {state for _, state in counts(store)}
            assert states <= {"verified", "superseded"}, counts(store)
            store.close()
            effects += assert_each_once(site, since, plan, noted)
    # nothing is left to do, and nothing of the sources is missing
    site.control("POST", "clock", {"seconds": 120})
    results = stages.ingest(installation, full=True)
    incomplete = [(result.connection, audit.resource) for result in results for audit in result.audits if not audit.is_complete]
    assert [result.error for result in results] == [None] * 4 and incomplete == []
    stages.build(installation)
    stages.publish(installation, stages.check(installation))
    assert stages.plan(installation).count("pending") == 0
    store = open_store(installation.settings.operations_url)
    assert broken_link(store) is None
    store.close()
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what a run by hand is for
            f"\n{tally.kills.total()} kills {dict(tally.kills)}, left half done {dict(tally.found)}, too late {dict(tally.missed)};"
            f" {planned} writes planned, {effects} fields changed once each; {reader['reads']} reads, {len(reader['pictures'])} builds seen,"
            f" stages take {({stage: round(seconds, 1) for stage, seconds in tally.seconds.items()})} s"
        )
    assert reader["problems"] == [] and reader["reads"] > 50
    assert set(reader["pictures"]) <= pictures, "a reader saw something that was never published whole"
    assert all(one[0] == one[1] and one[-1].count("datetime(") == 1 for one in reader["pictures"])
    assert tally.kills.total() >= KILLS - share * rounds and tally.kills["apply"] > 0
    assert tally.found["apply"] > 0, "no kill left anything on its way: this proves nothing"


def test_a_build_that_was_killed_is_never_half_published(make_site: Callable[..., Site]) -> None:
    """Whoever publishes after a killed build gets a refusal or a whole build, never a part of one beside a part of another."""
    site = make_site(seed=SEED + 1, faults={"faults": {}})
    installation = site.installation
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.end_to_end.preloaded"])
    killer = Killer(site, context, random.Random(SEED), Tally())
    for stage in ("ingest", "build", "publish"):
        killer.whole(stage)
    with read_published(installation.settings) as published:
        whole = {picture(published)}
    site.control("POST", "clock", {"days": 1})
    killer.whole("ingest")
    seen, refused = [], 0
    for model in ("invoice_status", "customer", "stg_netsuite__customers"):  # from the last layer to the first
        process = killer.start_and_hear("build", model)
        process.kill()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        try:
            stages.publish(installation, stages.check(installation))
        except ConcordError as error:
            refused += 1
            assert error.mend
        with read_published(installation.settings) as published:
            seen.append(picture(published))
    for stage in ("build", "publish"):
        killer.whole(stage)
    with read_published(installation.settings) as published:
        whole.add(picture(published))
    assert len(whole) == 2
    assert set(seen) <= whole, f"refused {refused} times"

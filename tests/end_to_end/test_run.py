"""The whole way on a world that nothing was tuned on: faults found, mended, gone; no second write; the same from landing again.

`CONCORD_SEEDS` names the worlds, with commas between (one: 424242).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord import stages
from concord.report import score_now
from quality.ledger import history, open_ledger
from quality.score import KindScore
from tests.end_to_end.conftest import Site, changes

pytestmark = pytest.mark.slow

SCORED = ("D1", "D2", "D3", "D4", "D5", "D10", "D11", "D13", "D14", "D15")
REBUILT = ("drift", "marts", "sync", "canonical")  # the layers of the dbt project that must come out the same from landing
HEALING = {("D2", ""), ("D3", "lapsed_but_entitled"), ("D3", "missing"), ("D3", "tier"), ("D11", "")}


@dataclass
class Pass:
    """What one pass through all stages came to."""

    ingested: list[Any]
    quality: stages.QualityReport
    plan: Any
    applied: Any
    findings: Counter[tuple[str, str]]
    scores: dict[str, KindScore]
    written: list[Any]


@dataclass
class Company:
    site: Site
    passes: list[Pass] = field(default_factory=list)


def run_once(site: Site) -> Pass:
    installation, before = site.installation, site.last_entry()
    ingested = stages.ingest(installation)
    assert [result.error for result in ingested] == [None] * 4
    stages.build(installation)
    quality = stages.check(installation)
    stages.publish(installation, quality)
    plan = stages.plan(installation)
    applied = stages.apply(installation)
    assert all(result.error is None for result in stages.read_back(installation))
    with duckdb.connect(str(site.settings.published), read_only=True) as published:
        rows = published.execute('select drift_id, "class" from drift').fetchall()
    scores = {kind.drift_id: kind for kind in score_now(installation)}
    return Pass(ingested, quality, plan, applied, Counter(rows), scores, changes(site.journal(before)))


@pytest.fixture(scope="module", params=[int(seed) for seed in os.environ.get("CONCORD_SEEDS", "424242").split(",")])
def company(request: pytest.FixtureRequest, make_site: Callable[..., Site]) -> Company:
    """Two passes of the same day, then a third a day later."""
    found = Company(make_site(seed=request.param, scale=0.25))
    found.passes += [run_once(found.site), run_once(found.site)]
    found.site.control("POST", "clock", {"days": 1})
    found.passes.append(run_once(found.site))
    return found


def assert_good(scores: dict[str, KindScore]) -> None:
    wrong = {
        name: (kind.precision, kind.recall, kind.missed, kind.false_alarms)
        for name, kind in scores.items() if (kind.precision or 0) < 0.99 or (kind.recall or 0) < 0.99
    }
    assert wrong == {}
    assert set(SCORED) <= set(scores), "a kind that nobody planted proves nothing"


def test_every_planted_fault_is_found_and_nothing_else(company: Company) -> None:
    assert_good(company.passes[0].scores)


def test_the_second_pass_scores_the_same(company: Company) -> None:
    assert_good(company.passes[1].scores)


def test_a_day_later_too(company: Company) -> None:
    assert_good(company.passes[2].scores)
    assert sum(result.total for result in company.passes[2].ingested) > 0, "a day of business brings something to read"


def test_look_alikes_are_not_flagged(company: Company) -> None:
    truth = company.site.control("GET", "truth")
    benign = {subject["id"] for entry in truth if entry["finding"] is None for subject in entry["subjects"]}
    assert benign
    raised = history(open_ledger(company.site.settings.operations_url))
    assert [row for row in raised if {row["left_id"], row["right_id"]} & benign] == []


def test_what_was_mended_is_gone(company: Company) -> None:
    first, second = company.passes[0].findings, company.passes[1].findings

    def healing(found: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
        return Counter({key: n for key, n in found.items() if key in HEALING or (key[0], "") in HEALING})

    assert healing(first).total() > 0
    assert healing(second) == Counter()
    assert second == first - healing(first), "and nothing else came or went"
    assert company.passes[1].quality.closed == healing(first).total()


def test_each_write_is_verified_and_the_second_pass_writes_nothing(company: Company) -> None:
    first, second, third = company.passes
    for one in (first, third):
        parts = one.applied.connections
        assert {part.connection for part in parts if part.sent} == {"zendesk", "salesforce"}
        assert all((part.verified, part.dead_letters, part.left, part.error) == (part.sent, 0, 0, None) for part in parts)
        records = {(change.collection, change.record_id) for change in one.written}
        assert len(records) == sum(part.sent for part in parts)
        fields = [(change.collection, change.record_id, change.name) for change in one.written]
        assert len(fields) == len(set(fields)), "a field was changed twice in one pass"
    assert second.written == []
    assert second.applied.total("sent") == 0 and second.plan.count("pending") == 0


def test_only_the_planted_list_is_read_incompletely(company: Company) -> None:
    planted = {
        (subject["connection"], subject["id"]) for entry in company.site.control("GET", "truth") if entry["finding"] == "D14"
        for subject in entry["subjects"]
    }
    for one in company.passes:
        incomplete = {(result.connection, audit.resource) for result in one.ingested for audit in result.audits if not audit.is_complete}
        assert incomplete <= planted


def test_a_rebuild_from_landing_gives_the_same_rows(company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_EXCLUDE_RESOURCE_TYPES", "test")  # the rows tell
    site = company.site
    stages.ingest(site.installation)
    incremental = stages.build(site.installation)
    assert not incremental.full_refresh
    fresh = site.beside(tmp_path / "fresh", state=["landing", "operations.sqlite"])
    rebuilt = stages.build(fresh.installation, full_refresh=True)
    assert rebuilt.full_refresh
    tables = sorted(node.name for node in rebuilt.nodes if node.kind == "model" and node.group in REBUILT)
    assert len(tables) > 20 and {"drift", "customer", "invoice_status", "sync_zendesk__tickets"} <= set(tables)
    differing = {table: difference for table in tables if (difference := _difference(site, fresh, table))}
    assert differing == {}


def _difference(one: Site, other: Site, table: str) -> list[Any]:
    """Rows of a table that only one of the two warehouses holds."""
    rows = []
    for site in (one, other):
        with duckdb.connect(str(site.settings.warehouse), read_only=True) as warehouse:
            rows.append(Counter(map(repr, warehouse.execute(f'SELECT * FROM "{table}"').fetchall())))
    return [*(rows[0] - rows[1]).items(), *(rows[1] - rows[0]).items()][:6]

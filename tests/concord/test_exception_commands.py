"""`concord exceptions` and `concord kpis` as people type them, and what the warehouse is told of decisions and writes."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from concord import stages
from concord.charts import Line, charts, image
from concord.cli import app
from concord.errors import UsageError
from concord.figures import figure
from concord.settings import load_settings
from quality.exceptions import record
from quality.ledger import open_ledger
from reverse_sync.store import Entry, insert_entries, open_store, receipts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONCORD_HOME", str(tmp_path))
    monkeypatch.delenv("CONCORD_OPERATIONS_URL", raising=False)
    told = {"source": "reconciliation", "class": "amount", "severity": "error", "customer_name": "Firm", "left_connection": "billing",
            "right_connection": "ledger", "left_value": "100", "right_value": "90", "currency": "EUR", "as_of": NOW, "detail": "the totals differ"}
    record(open_ledger(f"sqlite:///{tmp_path / 'operations.sqlite'}"), [
        {**told, "exception_id": "aa01", "domain": "invoice", "data_role": "finance", "exposure": Decimal("12.5"), "since": NOW - timedelta(days=3)},
        {**told, "exception_id": "aa02", "domain": "payment", "data_role": "revenue", "exposure": Decimal("900"), "since": NOW - timedelta(hours=1)},
    ], NOW)
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["exceptions", *arguments], catch_exceptions=True)


def ids(*arguments: str) -> list[str]:
    return [row["exception_id"] for row in json.loads(run(*arguments, "--json").stdout)]


def test_listing_and_deciding(home: Path) -> None:
    assert ids() == ["aa02", "aa01"]
    assert ids("--domain", "invoice") == ids("--owner", "finance") == ids("--older-than", "2d") == ["aa01"]
    assert ids("--over", "100") == ["aa02"]
    assert "900.00" in run().stdout
    assert "is acknowledged" in run("ack", "aa01").stdout
    assert "kim" in run("assign", "aa01", "--to", "kim", "--owner", "revenue").stdout
    assert ids("--owner", "revenue", "--assignee", "kim") == ids("--state", "acknowledged") == ["aa01"]
    assert "is resolved" in run("resolve", "aa01", "--comment", "booked", "--minutes", "7").stdout
    assert "is accepted" in run("accept", "aa02", "-c", "agreed", "--until", "2999-01-01").stdout
    shown = json.loads(run("show", "aa02", "--json").stdout)[0]
    assert (shown["state"], shown["accepted_until"], [event["event"] for event in shown["events"]]) == ("accepted", "2999-01-01", ["opened", "accepted"])
    assert "agreed" in run("show", "aa02").stdout and "as_of" in run("show", "aa02").stdout
    assert ids("--state", "open") == [] and ids("--state", "all") == ["aa02", "aa01"]


def test_what_cannot_be_said_is_refused_before_anything_is_decided(home: Path) -> None:
    for arguments, message in ((("ack", "aa01", "zz"), "begins so"), (("ack", "aa"), "ambiguous"), (("--older-than", "soon",), "not a duration"),
                               (("--older-than", "99999999999d"), "not a duration"),
                               (("--over", "much",), "not an amount"), (("--over", "nan"), "not an amount"), (("accept", "aa01", "-c", "x", "--until", "friday"), "not a day"),
                               (("--owner", "finanse"), "no team is called 'finanse'"), (("assign", "aa01", "--owner", "finance+kitchen"), "Known: data_steward, finance")):
        result = run(*arguments)
        assert isinstance(result.exception, UsageError) and message in str(result.exception)
    assert ids("--state", "open") == ["aa02", "aa01"]


def test_the_warehouse_is_told_of_decisions_and_writes(home: Path) -> None:
    installation = stages.Installation(load_settings())
    run("resolve", "aa01", "--minutes", "7", "--comment", "secret")
    store = open_store(installation.settings.operations_url)
    stamp = NOW.isoformat(timespec="microseconds")
    blank: dict[str, Any] = dict.fromkeys(Entry.__dataclass_fields__)
    entry = Entry(**blank | {
        "id": 0, "connection": "desk", "object": "account", "record_id": "1", "payload": '{"tier":"gold","credit":"hold"}', "desired": "{}", "observed": "{}",
        "idempotency_key": "k", "previous_key": "", "state": "verified", "priority": 1, "attempts": 1, "uncertain": False, "exposure": "12.5",
        "source_commit_at": stamp, "created_at": stamp, "updated_at": stamp, "verified_at": stamp, "golden_customer_id": "c1", "reason_class": "validation", "not_before": stamp,
        "reference": "job 7"})
    with store.writing() as connection:
        insert_entries(connection, [entry, replace(entry, record_id="2", idempotency_key="l", updated_at="2020-01-01T00:00:00.000000+00:00")])
        connection.execute(receipts.insert().values(
            outbox_id=1, connection="desk", object="account", record_id="1", idempotency_key="k", written=True, payload="{}", delivered_at=stamp,
            read_back="{}", read_back_at=stamp, outcome="verified"))
    listed, _ = json.loads(CliRunner().invoke(app, ["outbox", "list", "--json"]).stdout)
    assert (listed["class"], listed["not_before"], listed["reference"], listed["attempts"]) == ("validation", stamp, "job 7", 1)
    assert "validation" in CliRunner().invoke(app, ["outbox", "list"]).stdout
    assert set(stages.tell_warehouse(installation)) >= {"deliveries", "exception_events", "exceptions", "receipts"}
    assert stages.tell_warehouse(installation) == []                       # nothing has changed since
    folder = installation.settings.landing / "_operations"
    duckdb.sql("set TimeZone = 'UTC'")
    assert duckdb.sql(f"select record_id, fields, customer_id, exposure from '{folder}/deliveries.parquet'").fetchall() == [
        ("1", ["credit", "tier"], "c1", Decimal("12.5"))]                  # the other is long past
    assert duckdb.sql(f"select outcome, is_written from '{folder}/receipts.parquet'").fetchall() == [("verified", True)]
    steps = duckdb.sql(f"select event, is_by_person, minutes from '{folder}/exception_events.parquet' where exception_id = 'aa01' order by event_id").fetchall()
    assert steps == [("opened", False, None), ("resolved", True, 7)]
    assert duckdb.sql(f"select state from '{folder}/exceptions.parquet' order by exception_id").fetchall() == [("resolved",), ("open",)]
    assert b"secret" not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert asdict(entry)["id"] == 0


def test_figures_are_written_as_people_say_them() -> None:
    told = [(Decimal("0.125"), "share", "12.5 %"), (Decimal(1200), "money", "1,200.00 EUR"), (Decimal(90), "seconds", "90.0 s"),
            (Decimal(7200), "seconds", "2.0 h"), (Decimal(3), "count", "3"), (None, "share", "-")]
    assert [figure(value, unit, "EUR") for value, unit, _ in told] == [text for _, _, text in told]


def test_a_chart_leaves_a_gap_where_nothing_was_measured() -> None:
    first = date(2026, 3, 1)
    points = {first + timedelta(days=day): float(day) for day in (0, 1, 4)}
    svg = charts([Line("A & B", "4", points, target=2.0, is_on_target=False), Line("Empty", "-", {})], first, first + timedelta(days=4))
    assert svg.count("<polyline") == 1 and svg.count("<circle") == 1 and "stroke-dasharray" in svg and "A &amp; B" in svg
    assert "8.0,80.0" in svg and "66.5,70.0" in svg                        # the first day at the bottom; the next a quarter on and a quarter up
    assert image(svg, "x").startswith("![x](data:image/svg+xml;base64,")

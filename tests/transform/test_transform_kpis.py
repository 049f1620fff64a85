"""Every KPI and mart against numbers computed by hand: one world, one build.

What people and our writes did is laid down as the operational store would tell it; what the systems hold is landed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from concord.connections import Connection
from concord.errors import UsageError
from concord.kpi_commands import kpis
from concord.settings import Settings
from tests.transform.landing_fixture import NOW, RECENT, Ids, World, connections, healthy, invoice, land, setting, settings_at
from transform.build import build
from transform.generate import CONTRACTS
from transform.kpis import load_kpis
from transform.operations import Published, laid_down, lay_down, operations_shape
from transform.publish import publish
from transform.spark.dialect import translated_steps

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
TODAY = date(2026, 3, 10)


def golden(key: int) -> str:
    digest = hashlib.md5(f"concord:customer:netsuite:{Ids(key).erp}".encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def _world() -> World:
    world = setting()
    for key in range(1, 9):
        healthy(world, key)
    world.one("salesforce", "contracts", Ids(2).contract)["end_date"] = date(2026, 11, 29)
    ticket = {key: world.one("zendesk", "tickets", Ids(key).ticket) for key in range(1, 9)}
    # one order with everything on it: 90 net and 10 tax, a shipment, an invoice that is paid, a return
    world.one("salesforce", "opportunities", f"006{1:015d}").update(erp_sales_order_id="9001", close_date=date(2026, 3, 9), amount=Decimal("90"))
    _document(world, 9001, "SalesOrd", 1, "F", tranid="SO9001", foreigntotal=Decimal("100"), taxtotal=Decimal("10"), createddate=at(9, 8))
    _document(world, 9101, "ItemShip", 1, "C", source=9001, tranid="IF9101", shipdate=date(2026, 3, 9), actualshipdate=date(2026, 3, 9),
              trandate=date(2026, 3, 9))
    billed, booked = invoice(world, Ids(1), suffix="-order", total=10000, tax=1000, lines=1, finalized=at(9, 10))
    world.one("netsuite", "transactions", booked)["foreigntotal"] = Decimal("100")
    world.rows["netsuite"]["transaction_lines"].append(_line(booked, 7, createdfrom=9001))
    world.add("stripe", "charges", id="ch_order", customer=Ids(1).billing, amount=10000, currency="usd", status="succeeded", paid=True, invoice=billed,
              created=at(9, 11), _changed_at=at(9, 11))
    # paid twice at once
    for charge in ("ch_first", "ch_again"):
        world.add("stripe", "charges", id=charge, customer=Ids(7).billing, amount=3000, currency="usd", status="succeeded", paid=True, created=at(9, 11),
                  _changed_at=at(9, 11))
    # an order that was let through while the customer was on hold
    world.one("netsuite", "customers", Ids(8).erp).update(oncredithold=True, lastmodifieddate=at(5))
    world.one("salesforce", "accounts", Ids(8).account)["credit_status"] = "Hold"
    world.one("zendesk", "organizations", Ids(8).organization)["credit_status"] = "hold"
    _document(world, 9002, "SalesOrd", 8, "B", tranid="SO9002", foreigntotal=Decimal("50"), taxtotal=Decimal(0), createddate=at(8))
    # invoices: one that differs by 20, in the books of another company, and one that the ledger never got
    world.one("netsuite", "transactions", Ids(5).ledger_invoice).update(foreigntotal=Decimal("140"))
    world.rows["netsuite"]["transaction_lines"].append(_line(Ids(5).ledger_invoice, 9, subsidiary=9))
    world.drop("netsuite", "transactions", Ids(6).ledger_invoice)
    # and one of 80 EUR, which are 100 USD, of the customer whose other one differs
    world.one("netsuite", "currencies", 2)["exchangerate"] = Decimal("1.25")
    invoice(world, Ids(5), suffix="-euro", total=8000, tax=0, lines=1, currency="EUR", finalized=at(2), in_ledger=False)
    # a credit: approved on the 6th at noon, granted on the 7th at noon, booked six hours later, and the customer told six hours after that
    world.add("stripe", "credit_notes", id="cn_2", number="CN2", invoice=Ids(2).invoice, customer=Ids(2).billing, status="issued", currency="usd",
              amount=1200, subtotal=1200, total=1200, created=at(7, 12), _changed_at=at(7, 12))
    _document(world, 9201, "CustCred", 2, "A", tranid="CM9201", externalid="cn_2", foreigntotal=Decimal("12"), taxtotal=Decimal(0), createddate=at(7, 18))
    world.add("zendesk", "tickets", id=611, subject="Refund", type="task", status="solved", organization_id=Ids(2).organization, tags=["refund_approved"],
              created_at=at(6, 12), solved_at=at(8), updated_at=RECENT, generated_timestamp=RECENT)
    # one of 15 that is booked twice, the first time nobody knows at what hour
    world.add("stripe", "credit_notes", id="cn_4", number="CN4", invoice=Ids(4).invoice, customer=Ids(4).billing, status="issued", currency="usd",
              amount=1500, subtotal=1500, total=1500, created=at(8, 10), _changed_at=at(8, 10))
    world.rows["netsuite"]["transaction_lines"].append(_line(9201, 1, subsidiary=9))
    for number, hour in ((9202, 0), (9203, 15)):
        _document(world, number, "CustCred", 4, "A", tranid=f"CM{number}", externalid="cn_4", foreigntotal=Decimal("15"), taxtotal=Decimal(0),
                  createddate=at(8, hour))
    # an order of another customer under the number of the first one's
    _document(world, 8001, "SalesOrd", 3, "C", tranid="SO9001", foreigntotal=Decimal("70"), taxtotal=Decimal(0))
    # a deal of 100 in two orders
    for number, amount in ((9003, 60), (9004, 40)):
        _document(world, number, "SalesOrd", 3, "B", tranid=f"SO{number}", externalid=f"006{3:015d}", foreigntotal=Decimal(amount), taxtotal=Decimal(0))
    # a dispute of two days, one that is still open, and one that was lost nobody knows when
    for number, status, changed in ((1, "won", at(8)), (2, "needs_response", at(7)), (3, "lost", None)):
        world.add("stripe", "disputes", id=f"dp_{number}", charge="ch_order", amount=10000, currency="usd", status=status, reason="general",
                  created=at(6), _changed_at=changed)
    # cases: on the known order, on an unknown one, without context, waiting since long
    ticket[1].update(tags=["return"], order_number="SO9001")
    ticket[2].update(tags=["shipment"], order_number="SO-unknown")
    ticket[4].update(created_at=NOW - 10 * DAY)
    world.one("zendesk", "organizations", Ids(7).organization).update(credit_status=None)
    # solved at the first answer; solved after two; solved at once and opened again; solved too lately to be judged
    world.add("zendesk", "users", id=77, name="Agent", role="agent", active=True, created_at=RECENT, updated_at=RECENT)
    for number, (solved, answers, reopened) in enumerate([(20, 1, False), (20, 2, False), (20, 1, True), (3, 1, False)], start=1):
        world.add("zendesk", "tickets", id=600 + number, subject="Old", type="question", status="solved", organization_id=Ids(3).organization, tags=[],
                  created_at=NOW - 21 * DAY, solved_at=NOW - solved * DAY, updated_at=RECENT, generated_timestamp=RECENT)
        for answer in range(answers):
            world.add("zendesk", "ticket_events", id=number * 10 + answer, ticket_id=600 + number, updater_id=77, event_type="Comment",
                      comment_public=True, comment_author_id=77, created_at=NOW - 21 * DAY)
        if reopened:
            world.add("zendesk", "ticket_events", id=number * 10 + 9, ticket_id=600 + number, updater_id=77, event_type="Change", field_name="status",
                      previous_value="solved", value="open", created_at=NOW - 18 * DAY)
    # a second record of one company in the CRM
    account = world.one("salesforce", "accounts", Ids(3).account)
    world.add("salesforce", "accounts", **{**account, "id": "001DOUBLE", "erp_customer_id": None, "created_at": at(9, 12)})
    return world


def _document(world: World, id: int, type_: str, key: int, status: str, *, source: int | None = None, **more: Any) -> None:
    told = {"trandate": date(2026, 3, 9), "entity": Ids(key).erp, "currency": 1, "exchangerate": Decimal(1), "voided": False,
            "createddate": at(9), "lastmodifieddate": at(9, 12), **more}
    world.add("netsuite", "transactions", id=id, type=type_, status=status, **told)
    world.rows["netsuite"]["transaction_lines"].append(_line(id, 0, mainline=True, createdfrom=source))


def _line(document: int, number: int, **more: Any) -> dict[str, Any]:
    return {"uniquekey": document * 100 + number, "transaction": document, "linesequencenumber": number, "mainline": False, "taxline": False,
            "item": 501, "quantity": Decimal(-1), "foreignamount": Decimal(0), "linelastmodifieddate": at(9), **more}


def _delivery(number: int, state: str, priority: int, committed: datetime, verified_after: int | None = None, **more: Any) -> dict[str, Any]:
    verified = committed + timedelta(seconds=verified_after) if verified_after is not None else None
    return {
        "delivery_id": number, "connection": "zendesk", "object": "organization", "record_id": str(number), "state": state, "priority": priority,
        "fields": ["credit_status"], "correlation_id": f"customer:{golden(1)}", "customer_id": golden(1), "idempotency_key": f"key{number}",
        "attempts": 1, "source_commit_at": committed, "created_at": committed + timedelta(seconds=10), "updated_at": verified or committed + MINUTE,
        "delivered_at": verified, "verified_at": verified, **more}


DELIVERIES = [
    _delivery(1, "verified", 1, at(10, 10), 40),
    _delivery(2, "verified", 1, at(10, 10), 100, attempts=3),               # later than 60 s
    _delivery(3, "dead_letter", 1, at(9, 9), reason_class="refused"),
    _delivery(4, "superseded", 1, at(9, 9)),                                # was never meant to arrive
    _delivery(5, "verified", 2, at(10, 11, 30), 200),
    _delivery(6, "verified", 2, at(10, 11), 400, customer_id=golden(2)),    # later than five minutes
    _delivery(7, "pending", 3, at(10, 10, 59), created_at=at(10, 11)),      # an hour in the queue
    _delivery(8, "verified", 3, at(10, 11), 30, correlation_id="order:9001"),
    _delivery(9, "dead_letter", 3, at(7, 9), reason_class="refused"),
    _delivery(10, "superseded", 2, at(8, 12), object="ticket", record_id=str(Ids(3).ticket), created_at=at(8, 12, 2)),
]
RECEIPTS = [
    {"receipt_id": number, "delivery_id": row["delivery_id"], "connection": "zendesk", "object": "organization", "record_id": row["record_id"],
     "idempotency_key": row["idempotency_key"], "is_written": True, "outcome": "verified", "delivered_at": row["verified_at"],
     "read_back_at": row["verified_at"] + later}
    for number, (row, later) in enumerate(
        [(row, timedelta(0)) for row in DELIVERIES if row["state"] == "verified"] + [(DELIVERIES[7], 5 * MINUTE)])  # the last one arrived twice
]


def _exception(id: str, domain: str, exposure: int, since: datetime, **more: Any) -> dict[str, Any]:
    return {
        "exception_id": id, "source": "drift", "domain": domain, "class": "amount", "severity": "error", "owner_role": "finance", "state": "open",
        "customer_id": golden(4), "left_connection": "stripe", "left_id": id, "right_connection": "netsuite", "exposure": Decimal(exposure),
        "currency": "USD", "since": since, "as_of": NOW, "opened_at": since, "state_at": since, "times_opened": 1, **more}


EXCEPTIONS = [
    _exception("old", "invoice", 50, NOW - 5 * DAY), _exception("paid", "payment", 30, at(4), state="closed"),
    _exception("agreed", "credit", 900, at(3), state="accepted", right_id="9201"), _exception("young", "invoice", 70, NOW - DAY)]
EVENTS: list[Mapping[str, Any]] = [
    {"event_id": number, "exception_id": id, "happened_at": moment, "as_of": moment, "event": event, "to_state": to_state, "from_state": from_state,
     "owner_role": role, "is_by_person": event not in ("opened", "closed"), "minutes": minutes}
    for number, (id, moment, event, from_state, to_state, role, minutes) in enumerate([
        ("agreed", at(4), "opened", None, "open", "revenue", None),
        ("paid", at(5), "opened", None, "open", "finance", None),
        ("agreed", at(5), "accepted", "open", "accepted", "revenue", None),
        ("old", at(6, 12), "opened", None, "open", "revenue+support", None),
        ("old", at(6, 13), "assigned", "open", "open", "finance", None),         # escalated, while a case of the customer waits
        ("old", at(6, 13, 30), "acknowledged", "open", "acknowledged", "finance", None),
        ("paid", at(6, 14), "resolved", "open", "resolved", "finance", 30),
        ("paid", at(7), "closed", "resolved", "closed", "finance", None),
        ("young", at(9, 12), "opened", None, "open", "revenue", None),
    ], start=1)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home: Path = tmp_path_factory.mktemp("kpis")
    settings = replace(settings_at(home), baseline_minutes="2500")
    world = _world()
    for row in world.rows["salesforce"]["opportunities"]:
        row["last_modified_at"] = row["system_modstamp"] = RECENT
    land(settings, world)
    lay_down(settings.landing, {
        "exceptions": Published("1", lambda: EXCEPTIONS), "exception_events": Published("1", lambda: EVENTS),
        "deliveries": Published("1", lambda: DELIVERIES), "receipts": Published("1", lambda: RECEIPTS)})
    told = [Connection(name="zendesk", system="zendesk", role="support", sandbox=True, region="emea"),
            Connection(name="stripe", system="stripe", role="billing", sandbox=True, region="emea"),
            Connection(name="netsuite", system="netsuite", role="erp", sandbox=True, legal_entities=("7",))]
    build(settings, connections(told))
    publish(settings)
    return settings


@pytest.fixture(scope="module")
def warehouse(site: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(site.warehouse), read_only=True)
    connection.sql("set TimeZone = 'UTC'")
    yield connection
    connection.close()


def value(warehouse: duckdb.DuckDBPyConnection, kpi: str, segment: str = "", column: str = "value") -> Decimal | None:
    row = warehouse.execute(f"select {column} from kpi_trend where kpi = ? and segment = ?", [kpi, segment]).fetchone()
    assert row is not None, f"{kpi} has no segment {segment!r}"
    return row[0] if row[0] is None else Decimal(row[0])


def daily(warehouse: duckdb.DuckDBPyConnection, kpi: str, segment: str = "", company: str = "%") -> dict[date, tuple[Decimal, Decimal, Decimal]]:
    rows = warehouse.execute("select day, sum(numerator), sum(denominator), any_value(value) from kpi_daily"
                             " where kpi = ? and segment = ? and company_id like ? group by day", [kpi, segment, company]).fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}


def near(number: str) -> Any:
    return pytest.approx(Decimal(number), abs=Decimal("0.000001"))


def test_every_kpi_of_the_catalogue_is_computed_here(warehouse: duckdb.DuckDBPyConnection) -> None:
    measured = {row[0] for row in warehouse.execute("select distinct kpi from kpi_daily").fetchall()}
    assert set(load_kpis().kpis) == measured


def test_sync(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert value(warehouse, "sync_lag_p50", "organization") == 100                       # 30 40 100 200 400
    assert value(warehouse, "sync_lag_p95", "organization") == near("360")
    assert value(warehouse, "order_sync_lag_p50") == value(warehouse, "order_sync_lag_p95") == 30
    assert value(warehouse, "synchronisation_success") == near("0.625")                  # 5 of 8
    assert daily(warehouse, "credit_status_failure_rate")[TODAY] == (1, 2, Decimal("0.5"))
    assert value(warehouse, "credit_status_failure_rate") == near("0.6666667")           # 2 of 3 in the week
    assert value(warehouse, "entitlement_publication_success") == near("0.5")
    assert value(warehouse, "sla_breaches", "all") == 5
    assert value(warehouse, "sla_breaches", "credit_status") == 2
    assert value(warehouse, "retries") == 2
    assert value(warehouse, "queue_depth") == 1 and value(warehouse, "queue_oldest_age") == 3600
    assert value(warehouse, "queue_depth", column="before_7d") is None
    assert value(warehouse, "dead_letters", "refused") == 2
    assert {day: row[0] for day, row in daily(warehouse, "dead_letters", "refused").items()} == {at(7).date(): 1, at(8).date(): 1, at(9).date(): 2, TODAY: 2}
    assert value(warehouse, "order_to_service_activation") == 86400 + 11 * 3600 + 33 * 60 + 20
    pair = warehouse.execute("select distinct company_id, region, system_pair from kpi_daily where kpi in ('credit_status_failure_rate',"
                             " 'entitlement_publication_success') order by all").fetchall()
    assert pair == [("7", "emea", "netsuite>zendesk"), ("7", "emea", "stripe>zendesk")]


def test_whose_it_is_is_told_wherever_one_of_the_systems_tells_it(warehouse: duckdb.DuckDBPyConnection) -> None:
    told: dict[str, set[tuple[str, str, str]]] = {}
    for kpi, *where in warehouse.execute("select distinct kpi, company_id, region, system_pair from kpi_daily").fetchall():
        told.setdefault(kpi, set()).add(tuple(where))
    # the ERP is the other side; one is about a document of another company
    assert told["exceptions_open"] == {("7", "emea", "stripe>netsuite"), ("9", "emea", "stripe>netsuite")}
    assert told["invoice_update_failures"] == {                                          # differences, and a failed push
        ("7", "emea", "stripe>netsuite"), ("9", "emea", "stripe>netsuite"), ("7", "emea", "netsuite>zendesk")}
    assert told["case_to_order_linkage"] == {("7", "emea", "zendesk>netsuite"), ("7", "emea", "zendesk")}
    for kpi in ("missing_context_cases", "first_contact_resolution", "entitlement_validation_latency_p95"):
        assert told[kpi] == {("7", "emea", "zendesk")}
    assert told["dispute_resolution_time"] == {("7", "emea", "stripe")}
    assert told["actions_on_invalid_accounts"] == {("7", "emea", "stripe"), ("7", "", "netsuite")}
    assert ("7", "emea", "netsuite>zendesk") in told["duplicate_financial_effects"]
    assert told["credit_cycle_time_p50"] == {("7", "emea", "stripe>netsuite"), ("9", "emea", "stripe>netsuite")}      # one books in a company of its own
    assert {region for _, region, pair in told["reconciliation_rate_count"] if pair == "salesforce>netsuite"} == {""}


def test_exceptions(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert value(warehouse, "exceptions_open", "all") == 2
    standing = {day: row[0] for day, row in daily(warehouse, "exceptions_open", "payment").items()}
    assert standing == {at(5).date(): 1}                                                # resolved on the 6th, closed on the 7th
    assert {day: row[0] for day, row in daily(warehouse, "exceptions_open", "credit").items()} == {at(4).date(): 1}
    assert value(warehouse, "exception_age_p50", "all") == 3 * 86400                     # 1 and 5 days
    assert value(warehouse, "exception_age_p90", "invoice") == near("397440")
    assert value(warehouse, "exception_exposure", "invoice") == 120
    assert value(warehouse, "exception_mttr", "payment") == 2 * 86400
    assert value(warehouse, "case_escalation_latency_p95") == 130_050           # half an hour, and 38 hours
    judged = warehouse.execute("select sum(sample_size) from kpi_daily where kpi = 'reconciliation_rate_count' and day >= '2026-03-06'").fetchone()
    assert judged is not None and value(warehouse, "manual_minutes_per_1000", "all") == near(str(Decimal(30_000) / Decimal(judged[0])))
    assert value(warehouse, "manual_reconciliation_reduction", "all") == near(str(1 - Decimal(30_000) / Decimal(judged[0]) / 2500))


def test_reconciliation(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert daily(warehouse, "reconciliation_rate_count", "invoice", "7")[at(6).date()] == (6, 7, near("0.8571429"))
    assert daily(warehouse, "reconciliation_rate_value", "invoice", "7")[at(6).date()] == (720, 840, near("0.8571429"))
    assert daily(warehouse, "reconciliation_rate_value", "invoice", "9")[at(6).date()] == (0, 120, 0)
    assert value(warehouse, "reconciliation_rate_count", "invoice") == near("0.7777778")     # and the order's invoice
    assert value(warehouse, "reporting_consistency", "invoiced") == near("0.8703704")        # 1 - 140 / 1080
    assert value(warehouse, "reconciliation_rate_count", "credit") == near("0.6666667")      # two agree, one booking is too many
    assert daily(warehouse, "reconciliation_rate_count", "order")[at(9).date()] == (2, 3, near("0.6666667"))
    assert daily(warehouse, "reconciliation_rate_value", "order")[at(9).date()] == (190, 240, near("0.7916667"))   # 90 and 60 + 40 of 50 more
    failures = daily(warehouse, "invoice_update_failures", "mismatch")
    assert failures[TODAY][0] == 3 and failures[at(9).date()][0] == 2                       # today the findings, before the ledger
    assert value(warehouse, "invoice_update_failures", "failed push") == 1
    assert value(warehouse, "invoice_update_failure_amount", "mismatch") == 240              # 20, 120 and 80 EUR
    assert value(warehouse, "duplicate_financial_effects", "sync") == 1
    assert value(warehouse, "duplicate_financial_effects", "invoice") == 0
    assert value(warehouse, "duplicate_financial_effects", "credit") == 1


def test_support(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert value(warehouse, "case_to_order_linkage") == near("0.3333333")                    # of a return, a shipment and a refund_approved
    assert value(warehouse, "missing_context_cases") == near("0.125")                        # one of eight in the week
    assert value(warehouse, "first_contact_resolution", "with synced context", "value_28d") == near("0.3333333")
    assert value(warehouse, "entitlement_validation_latency_p95") == 120


def test_finance(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert value(warehouse, "credit_cycle_time_p50", "erp") == 3 * 3600 and value(warehouse, "credit_cycle_time_p95", "erp") == near("20520")   # 0 and 6 h
    hours = {stage: value(warehouse, "credit_cycle_time_p50", stage) / 3600 for stage in ("approval and billing", "notice", "total")}  # type: ignore[operator]
    assert hours == {"approval and billing": 24, "notice": 6, "total": 30}                    # of the one that a case approved
    assert value(warehouse, "dispute_resolution_time") == 2 * 86400
    assert value(warehouse, "actions_on_invalid_accounts", "order") == near("0.25")           # one of four
    assert value(warehouse, "actions_on_invalid_accounts", "credit") == 0


def test_identity(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = dict(warehouse.execute("select day, value from kpi_daily where kpi = 'duplicate_record_rate' and system_pair = 'salesforce'").fetchall())
    assert rows[TODAY] == near("0.1111111") and rows[at(8).date()] == 0                       # the second record came on the 9th
    assert len(rows) == int(load_kpis().policy["level_days"]) + 1


def test_views_show_what_they_are_for(warehouse: duckdb.DuckDBPyConnection) -> None:
    for view in load_kpis().views:
        shown = {row[0] for row in warehouse.execute(f"select distinct kpi from view_{view}").fetchall()}
        assert shown == {kpi for kpi, told in load_kpis().kpis.items() if view in told["views"]}
    target = warehouse.execute("select is_on_target, target from view_engineering where kpi = 'credit_status_failure_rate'").fetchone()
    assert target == (False, 0)
    week = warehouse.execute("select value_7d, before_7d, change_7d from view_support_operations where kpi = 'case_to_order_linkage'").fetchone()
    assert week == (near("0.3333333"), None, None)


def test_a_view_is_asked_for_by_how_its_name_begins(site: Settings) -> None:
    asked = typer.Typer()
    asked.command()(kpis)

    def told(view: str) -> list[str]:
        answer = CliRunner().invoke(asked, [view, "--json"], obj=SimpleNamespace(settings=site), catch_exceptions=False)
        return [row["kpi"] for row in json.loads(answer.stdout)]

    assert told("support") == told("support_operations") != told("finance") != []
    with pytest.raises(UsageError, match="'sales' is no view. Known: support_operations"):
        told("sales")


def test_order_status(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = warehouse.execute(
        "select opportunity_name, is_opportunity_won, shipment_state, invoice_state, payment_state, return_state, total_amount, invoiced_amount,"
        " paid_amount, open_amount, is_customer_on_hold from order_status where order_id = '9001'").fetchone()
    assert row == ("Deal", True, "shipped", "invoiced", "paid", "none", 100, 100, 100, 0, False)
    row = warehouse.execute("select opportunity_key, shipment_state, invoice_state, is_customer_on_hold from order_status where number = 'SO9002'").fetchone()
    assert row == (None, "none", "none", True)


def test_contract_balance(warehouse: duckdb.DuckDBPyConnection) -> None:
    # twelve months at 200; customer 2 was invoiced 100 and 20 tax, paid, and 12 of it credited, 2 of which are tax
    row = warehouse.execute(
        "select currency, contract_amount, invoiced_amount, tax_amount, paid_amount, open_amount, credited_amount, remaining_amount, invoice_count"
        " from contract_balance where contract_id = ?", [Ids(2).contract]).fetchone()
    assert row == ("USD", 2400, 100, 20, 120, 0, 12, 2310, 1)


def test_transaction_chain(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = warehouse.execute(
        "select opportunity_keys, order_keys, shipment_keys, invoice_keys, payment_keys, case_keys, order_amount, invoice_amount, payment_amount, document_count"
        " from transaction_chain where correlation_id = 'order:9001'").fetchone()
    assert row == (f"salesforce:006{1:015d}", "netsuite:9001", "netsuite:9101", "stripe:in_1-order", "stripe:ch_order", f"zendesk:{Ids(1).ticket}",
                   100, 100, 100, 7)
    row = warehouse.execute("select credit_keys, credit_amount from transaction_chain where correlation_id = 'subscription:sub_2'").fetchone()
    assert row == ("stripe:cn_2", 12)


def test_agent_context(warehouse: duckdb.DuckDBPyConnection) -> None:
    row = warehouse.execute(
        "select customer_name, is_on_hold, is_covered, tier, order_status, shipment_state, payment_state, warnings, open_exception_count, recent_orders,"
        " recent_payments from agent_context where case_id = ?", [str(Ids(1).ticket)]).fetchone()
    assert row == ("Firm Number1 Inc", False, True, "premium", "pending_billing", "shipped", "paid", None, 0,
                   "2026-03-09 SO9001 pending_billing, shipped, paid", "2026-03-09 succeeded 100 USD")
    (paid,) = warehouse.execute("select recent_payments from agent_context where case_id = ?", [str(Ids(7).ticket)]).fetchone() or ("",)
    assert paid == "2026-03-09 succeeded 30 USD, 2026-03-09 succeeded 30 USD"
    warned = dict(warehouse.execute("select case_id, warnings from agent_context where warnings is not null").fetchall())
    assert "Credit hold" in warned[str(Ids(8).ticket)]
    assert "is not known" in warned[str(Ids(2).ticket)]
    assert str(Ids(4).ticket) not in warned
    findings = warehouse.execute("select open_exceptions, open_exposure from agent_context where case_id = ?", [str(Ids(5).ticket)]).fetchone()
    assert findings == ("D4 amount, D4 missing_in_erp", 120)


def test_findings_in_several_currencies_are_added_up_in_one(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.execute("select finding_count, finding_exposure from customer_financial_profile where customer_id = ?", [golden(5)]).fetchone() == (2, 120)
    chain = warehouse.execute("select finding_count, finding_exposure, reporting_currency from transaction_chain where correlation_id = 'subscription:sub_5'")
    assert chain.fetchone() == (2, 120, "USD")


def test_every_statement_can_be_said_to_spark(site: Settings) -> None:
    """Also where no Spark is: what its translation cannot say is found here and not on somebody's cluster."""
    statements = [path for path in (site.dbt_target / "target" / "compiled").rglob("*.sql") if "models" in path.parts]
    assert len(statements) > 100
    for path in statements:
        translated_steps(path.read_text(), lambda pattern: [], "step")


def test_only_what_changed_is_laid_down_again(tmp_path: Path) -> None:
    def never() -> list[dict[str, Any]]:
        raise AssertionError("nothing has changed")

    assert lay_down(tmp_path, {"exceptions": Published("a", lambda: EXCEPTIONS)}) == ["exceptions"]
    before = laid_down(tmp_path)
    assert lay_down(tmp_path, {"exceptions": Published("a", never)}) == [] and laid_down(tmp_path) == before
    assert lay_down(tmp_path, {"exceptions": Published("b", lambda: EXCEPTIONS[:1])}) == ["exceptions"] and laid_down(tmp_path) != before
    (count,) = duckdb.sql(f"select count(*) from '{tmp_path}/_operations/exceptions.parquet'").fetchone() or (None,)
    assert count == 1


def test_the_catalogue_says_what_does_not_fit(tmp_path: Path) -> None:
    text = (CONTRACTS / "kpis.yml").read_text()
    for wrong, right, message in (("p50", "median", "aggregate"), ("views: [engineering]", "views: [kitchen]", "no view"), ('"60"', '"soon"', "no number")):
        path = tmp_path / f"{right[:4]}.yml"
        path.write_text(text.replace(f"aggregate: {wrong}" if wrong == "p50" else wrong, f"aggregate: {right}" if wrong == "p50" else right, 1))
        with pytest.raises(UsageError, match=message):
            load_kpis(path)
    assert set(operations_shape()) >= {"exceptions", "exception_events", "deliveries", "receipts"}

"""Each finding class against a fixture that raises it and one that must not: one hand-made world, one build, many assertions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection
from tests.transform.landing_fixture import (
    INTEGRATION_USER,
    LONG_AGO,
    NOW,
    PERSON,
    RECENT,
    Ids,
    World,
    connections,
    healthy,
    invoice,
    land,
    setting,
    settings_at,
)
from transform.build import build

OVERRIDE_NOW = NOW - timedelta(seconds=30)
WELL = 1  # the customer that nothing is wrong with


def _world() -> World:
    world = setting()
    cases = [Ids(0)] + [healthy(world, key) for key in range(1, 60)]

    def erp(key: int) -> dict[str, Any]:
        return world.one("netsuite", "customers", cases[key].erp)

    def account(key: int) -> dict[str, Any]:
        return world.one("salesforce", "accounts", cases[key].account)

    def organization(key: int) -> dict[str, Any]:
        return world.one("zendesk", "organizations", cases[key].organization)

    def subscription(key: int) -> dict[str, Any]:
        return world.one("stripe", "subscriptions", cases[key].subscription)

    def contract(key: int) -> dict[str, Any]:
        return world.one("salesforce", "contracts", cases[key].contract)

    def booked(key: int) -> dict[str, Any]:
        return world.one("netsuite", "transactions", cases[key].ledger_invoice)

    def cancel(key: int, *, days: float = 5, in_support: bool = True) -> None:
        at = NOW - timedelta(days=days)
        subscription(key).update(status="canceled", ended_at=at, canceled_at=at, _changed_at=at)
        contract(key).update(status="Terminated", last_modified_at=at + timedelta(hours=1))
        world.one("zendesk", "tickets", cases[key].ticket).update(created_at=NOW - timedelta(days=50))
        if in_support:
            organization(key).update(entitlement_end_date=at.date())

    # D1
    cancel(2)
    contract(2).update(status="Activated")
    cancel(3)  # terminated along with it
    erp(4).update(isinactive=True)
    erp(5).update(isinactive=True)
    account(5).update(type="Other")
    cancel(6, days=0.001)  # within the grace
    contract(6).update(status="Activated")
    # D2
    erp(7).update(oncredithold=True)
    account(7).update(credit_status="Hold")
    erp(8).update(oncredithold=True, lastmodifieddate=OVERRIDE_NOW)  # within the grace
    account(9).update(credit_status="Hold")
    erp(10).update(oncredithold=True)
    account(10).update(credit_status="Hold")
    organization(10).update(credit_status="hold")
    erp(11).update(oncredithold=True)
    organization(11).update(credit_status="hold")
    world.add("netsuite", "transactions", id=9001, tranid="SO9001", type="SalesOrd", status="B", trandate=NOW.date(), entity=cases[11].erp, currency=1,
              exchangerate=Decimal(1), foreigntotal=Decimal("50"), taxtotal=Decimal(0), voided=False, createddate=NOW - timedelta(hours=2),
              lastmodifieddate=NOW - timedelta(hours=2))
    # D3
    cancel(12, in_support=False)
    organization(13).update(entitlement_tier=None, entitlement_start_date=None, entitlement_end_date=None)
    organization(14).update(entitlement_tier="basic")
    organization(15).update(entitlement_end_date=(NOW + timedelta(days=400)).date())
    subscription(16).update(_changed_at=NOW - timedelta(minutes=2))  # renewed just now
    organization(16).update(entitlement_end_date=(NOW - timedelta(days=1)).date())
    cancel(17)
    world.one("zendesk", "tickets", cases[17].ticket).update(created_at=NOW - timedelta(days=2))
    # D4
    world.drop("netsuite", "transactions", cases[18].ledger_invoice)
    invoice(world, cases[19], suffix="-late", finalized=NOW - timedelta(minutes=5), in_ledger=False)
    world.drop("stripe", "invoices", cases[20].invoice)
    booked(21)["foreigntotal"] += Decimal("0.03")  # two lines allow two cents
    booked(22)["foreigntotal"] += Decimal("0.02")
    booked(23).update(foreigntotal=Decimal("100"), taxtotal=Decimal(0))
    booked(24).update(currency=2)
    booked(25).update(status="A", foreignamountpaid=Decimal(0), foreignamountunpaid=Decimal("120"))
    world.add("netsuite", "transactions", **{**booked(26), "id": 88026, "tranid": "INV88026", "externalid": None, "createddate": NOW - timedelta(days=2)})
    invoice(world, cases[27], suffix="-draft", status="draft", in_ledger=False)
    invoice(world, cases[27], suffix="-void", status="void", in_ledger=False)
    booked(28).update(foreigntotal=Decimal("12000"), taxtotal=Decimal("2000"))  # minor units taken for units
    booked(29).update(externalid=None)  # found by its number
    booked(30).update(externalid=None, otherrefnum=None)  # found by customer, amount, day
    _, credited = invoice(world, cases[31], suffix="-credited", status="paid", total=5000, tax=0)
    world.one("netsuite", "transactions", credited).update(status="A", foreignamountpaid=Decimal(0), foreignamountunpaid=Decimal("50"))
    world.add("stripe", "credit_notes", id="cn_31", number="CN31", invoice="in_31-credited", customer=cases[31].billing, status="issued", currency="usd",
              amount=5000, subtotal=5000, total=5000, created=RECENT, _changed_at=RECENT)
    # D5
    world.rows["salesforce"]["opportunities"][31]["stage_name"] = "Verbal Yes"
    booked(33).update(status="Q")
    subscription(34).update(status="hibernating")
    organization(34).update(entitlement_tier=None)
    world.one("zendesk", "tickets", cases[35].ticket).update(status="escalated")
    organization(36).update(credit_status="Blocked!")
    account(53).update(type="Dormant")
    # D11
    account(37).update(credit_limit=Decimal("9000"), last_modified_by_id=PERSON)
    account(38).update(last_modified_by_id=PERSON)
    account(39).update(credit_limit=Decimal("9000"), last_modified_by_id=INTEGRATION_USER)
    account(40).update(credit_limit=Decimal("9000"), last_modified_by_id=PERSON, last_modified_at=RECENT - timedelta(days=9))
    # D15
    world.add("salesforce", "accounts", **{**account(41), "id": "001DOUBLE", "name": "FIRM NUMBER41 INCORPORATED", "erp_customer_id": None, "created_at": RECENT})
    world.drop("zendesk", "organizations", cases[42].organization)
    world.drop("netsuite", "customers", cases[43].erp)
    account(44).update(erp_customer_id=None)
    erp(44).update(externalid=None)
    world.one("stripe", "customers", cases[45].billing).update(erp_customer_id=None, tax_id=None)
    world.add("salesforce", "accounts", **{**account(46), "id": "001PROSPECT", "name": "Never Bought", "type": "Prospect", "erp_customer_id": None,
                                           "tax_id": None, "website": "never.example", "created_at": LONG_AGO})
    organization(47).update(erp_id=None)  # found through the CRM
    erp(48).update(datecreated=NOW - timedelta(hours=1))  # too young to be missed
    world.drop("zendesk", "organizations", cases[48].organization)
    world.add("zendesk", "organizations", **{**organization(49), "id": 99049, "external_id": None, "erp_id": None, "tax_id": None, "created_at": RECENT})
    # currencies
    key = 60
    for currency in ("JPY", "KWD"):
        cases.append(healthy(world, key, currency=currency))
        key += 1
    return world


PLATFORM = {
    "stripe": {"_schema_drift": [
        {"resource": "invoices", "column_name": "billing_reason", "change": "added", "detail": "declared since", "observed_at": RECENT},
        {"resource": "customers", "column_name": "loyalty", "change": "added", "detail": "new field", "observed_at": RECENT},
        {"resource": "customers", "column_name": "loyalty", "change": "added", "detail": "new field", "observed_at": NOW}]},
    "zendesk": {
        "_schema_drift": [{"resource": "users", "column_name": "created_at", "change": "retyped", "detail": "text", "observed_at": NOW}],
        "_quarantine": [{"resource": "users", "key": "[1]", "reason": "not a time", "column": "created_at", "raw": "{}"}],
        "_audit": [
            {"resource": "users", "expected": 12, "actual": 10, "method": "count", "is_complete": False, "checked_at": NOW},
            {"resource": "tickets", "expected": 9, "actual": 7, "method": "count", "is_complete": False, "checked_at": NOW - timedelta(hours=3)},
            {"resource": "tickets", "expected": 9, "actual": 9, "method": "count", "is_complete": True, "checked_at": NOW}]},
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home: Path = tmp_path_factory.mktemp("findings")
    settings = settings_at(home)
    world = _world()
    for row in world.rows["salesforce"]["opportunities"]:
        row["last_modified_at"] = row["system_modstamp"] = RECENT
    land(settings, world, platform=PLATFORM)
    # a second desk that nobody but our own writes touched for weeks, and that is still being read
    quiet = setting()
    quiet.rows = {"zendesk": {"tickets": [{"id": 1, "subject": "Old", "status": "closed", "tags": [], "created_at": LONG_AGO, "updated_at": NOW,
                                           "generated_timestamp": NOW}]}}
    # a second shop, whose ended subscription has the id of one that another customer's contract names
    at = NOW - timedelta(days=60)
    quiet.rows["stripe"] = {
        "customers": [{**world.one("stripe", "customers", Ids(3).billing), "id": "cus_other"}],
        "subscriptions": [{**world.one("stripe", "subscriptions", Ids(3).subscription), "id": Ids(WELL).subscription, "customer": "cus_other",
                           "contract_id": None, "status": "canceled", "ended_at": at, "canceled_at": at, "_changed_at": RECENT}]}
    land(settings, quiet, names={"zendesk": "quiet_desk", "stripe": "other_shop"})
    build(settings, connections([
        Connection(name="quiet_desk", system="zendesk", role="support", sandbox=True),
        Connection(name="other_shop", system="stripe", role="billing", sandbox=True)]))
    connection = duckdb.connect(str(settings.warehouse), read_only=True)
    yield connection
    connection.close()


def found(warehouse: duckdb.DuckDBPyConnection, drift_id: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """(class, any subject id) -> the rest of the finding."""
    rows = warehouse.execute(
        "select class, left_id, right_id, field, left_value, right_value, exposure, currency, severity, left_connection, right_connection"
        " from drift where drift_id = ?", [drift_id]).fetchall()
    return {(row[0], str(each)): row[3:] for row in rows for each in (row[1], row[2]) if each is not None}


def classes(warehouse: duckdb.DuckDBPyConnection, drift_id: str) -> dict[str, int]:
    rows = warehouse.execute("select class, count(*) from drift where drift_id = ? group by class", [drift_id]).fetchall()
    return dict(rows)


def test_d1_contract_of_a_cancelled_subscription(warehouse: duckdb.DuckDBPyConnection) -> None:
    status = found(warehouse, "D1")
    assert ("contract_subscription", Ids(2).contract) in status
    assert ("contract_subscription", Ids(2).subscription) in status
    assert ("inactive_customer", Ids(4).account) in status
    assert classes(warehouse, "D1") == {"contract_subscription": 1, "inactive_customer": 1}


def test_d2_one_finding_a_target_and_none_within_grace(warehouse: duckdb.DuckDBPyConnection) -> None:
    hold = found(warehouse, "D2")
    assert ("not_propagated", str(Ids(7).organization)) in hold
    assert ("not_propagated", Ids(11).account) in hold
    assert hold["not_propagated", Ids(11).account][5] == "critical"  # an order went through
    assert hold["not_propagated", str(Ids(7).organization)][5] == "error"
    assert ("not_released", Ids(9).account) in hold
    assert classes(warehouse, "D2") == {"not_propagated": 2, "not_released": 1}


def test_d3_classes(warehouse: duckdb.DuckDBPyConnection) -> None:
    cover = found(warehouse, "D3")
    assert ("lapsed_but_entitled", str(Ids(12).organization)) in cover
    assert ("missing", Ids(13).subscription) in cover
    assert cover["tier", str(Ids(14).organization)][:3] == ("tier", "premium", "basic")
    assert cover["dates", str(Ids(15).organization)][0] == "end_date"
    assert ("case_without_cover", str(Ids(17).ticket)) in cover
    assert classes(warehouse, "D3") == {"lapsed_but_entitled": 1, "missing": 1, "tier": 1, "dates": 1, "case_without_cover": 1}
    assert cover["tier", str(Ids(14).organization)][3] == Decimal("200")


def test_d4_classes(warehouse: duckdb.DuckDBPyConnection) -> None:
    wrong = found(warehouse, "D4")
    assert ("missing_in_erp", Ids(18).invoice) in wrong
    assert wrong["missing_in_erp", Ids(18).invoice][7] == "netsuite"
    assert ("missing_in_billing", str(Ids(20).ledger_invoice)) in wrong
    assert wrong["amount", Ids(21).invoice][3] == Decimal("0.03")
    assert wrong["tax", Ids(23).invoice][3] == Decimal("20")
    assert wrong["currency", Ids(24).invoice][1:3] == ("USD", "EUR")
    assert wrong["status", Ids(25).invoice][1:3] == ("paid", "open")
    assert ("duplicate", "88026") in wrong
    assert wrong["amount", Ids(28).invoice][5] == "critical"
    assert classes(warehouse, "D4") == {
        "missing_in_erp": 1, "missing_in_billing": 1, "amount": 2, "tax": 1, "currency": 1, "status": 1, "duplicate": 1}


def test_d4_pairs_without_an_id_and_keeps_grace(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = dict(warehouse.execute("select billing_invoice_id, method || '/' || class from reconciled_invoice where ledger_invoice_id is not null").fetchall())
    assert rows[Ids(29).invoice] == "number/matched"
    assert rows[Ids(30).invoice] == "customer, amount, date/matched"
    assert rows[Ids(22).invoice] == "id/matched"
    lone = dict(warehouse.execute("select billing_invoice_id, class from reconciled_invoice where ledger_invoice_id is null").fetchall())
    assert lone["in_19-late"] == "timing"
    assert lone["in_27-draft"] == lone["in_27-void"] == "not_expected"


def test_d5_keeps_the_row_and_empties_its_status(warehouse: duckdb.DuckDBPyConnection) -> None:
    unmapped = found(warehouse, "D5")
    assert unmapped["unmapped", f"006{32:015d}"][2] == "Verbal Yes"
    assert ("unmapped", str(Ids(33).ledger_invoice)) in unmapped
    assert ("unmapped", Ids(34).subscription) in unmapped
    assert ("unmapped", str(Ids(35).ticket)) in unmapped
    assert ("unmapped", str(Ids(36).organization)) in unmapped
    assert unmapped["unmapped", Ids(53).account][0] == "account_type"
    assert classes(warehouse, "D5") == {"unmapped": 6}
    assert warehouse.execute("select status, status_raw from invoice where invoice_id = ?", [str(Ids(33).ledger_invoice)]).fetchone() == (None, "Q")


def test_d10_one_finding_a_column(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute("select left_connection, left_entity, field, class, severity from drift where drift_id = 'D10' order by all").fetchall()
    assert rows == [("stripe", "customers", "loyalty", "added", "warn"), ("zendesk", "users", "created_at", "retyped", "error")]


def test_d11_only_a_person_after_the_owner(warehouse: duckdb.DuckDBPyConnection) -> None:
    overwritten = found(warehouse, "D11")
    assert overwritten["overwritten_by_person", Ids(37).account][:4] == ("credit_limit", "5000", "9000", Decimal("4000"))
    assert classes(warehouse, "D11") == {"overwritten_by_person": 1}


def test_d13_only_the_quiet_connection(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert warehouse.execute("select left_connection, class from drift where drift_id = 'D13'").fetchall() == [("quiet_desk", "stale")]


def test_d14_newest_audit_counts(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute("select left_connection, left_entity, left_value, right_value from drift where drift_id = 'D14'").fetchall()
    assert rows == [("zendesk", "users", "12", "10")]


def test_d15_classes_are_not_multiplied(warehouse: duckdb.DuckDBPyConnection) -> None:
    identity = found(warehouse, "D15")
    assert ("duplicate", "001DOUBLE") in identity
    assert ("duplicate", "99049") in identity
    assert identity["missing", str(Ids(42).erp)][-1] in ("zendesk", "quiet_desk")
    assert ("orphan", Ids(43).account) in identity
    assert classes(warehouse, "D15") == {"duplicate": 2, "missing": 1, "orphan": 1}
    touched = warehouse.execute(
        "select drift_id from drift where left_id in (?, ?, ?) or right_id in (?, ?, ?)", [str(Ids(43).erp), Ids(43).account, Ids(43).invoice] * 2).fetchall()
    assert touched == [("D15",)]


def test_healthy_customers_raise_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    for key in (WELL, 50, 60, 61):
        ids = Ids(key)
        known = [str(ids.erp), ids.account, ids.billing, str(ids.organization), ids.subscription, ids.invoice, str(ids.ledger_invoice), str(ids.ticket)]
        marks = ", ".join("?" * len(known))
        assert warehouse.execute(f"select * from drift where left_id in ({marks}) or right_id in ({marks})", known * 2).fetchall() == []


def test_crosswalk_methods(warehouse: duckdb.DuckDBPyConnection) -> None:
    method = dict(warehouse.execute("select record_id, method from crosswalk").fetchall())
    assert method[str(Ids(1).erp)] == "owner"
    assert method[Ids(1).account] == "erp_id"
    assert method[Ids(44).account] == "tax_id"
    assert method[Ids(45).billing] == "domain"
    assert method[str(Ids(47).organization)] == "crm_id"
    unmatched = {row[0] for row in warehouse.execute("select record_id from crosswalk_unmatched").fetchall()}
    assert {"001PROSPECT", Ids(43).account, Ids(43).billing, str(Ids(43).organization)} == unmatched
    golden = warehouse.execute("select customer_id from customer where owner_record_id = ?", [str(Ids(1).erp)]).fetchone()
    assert golden is not None and len(golden[0]) == 36 and golden[0].count("-") == 4


def test_amounts_follow_the_currency(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = warehouse.execute("select currency, total_amount, total_minor, role from invoice where customer_record_id in (?, ?, ?, ?) order by currency, role",
                             [Ids(60).billing, Ids(61).billing, str(Ids(60).erp), str(Ids(61).erp)]).fetchall()
    assert rows == [
        ("JPY", Decimal("12000.000000"), 12000, "billing"), ("JPY", Decimal("12000.000000"), 12000, "erp"),
        ("KWD", Decimal("12.000000"), 12000, "billing"), ("KWD", Decimal("12.000000"), 12000, "erp")]


def _sync(warehouse: duckdb.DuckDBPyConnection, table: str, record: Any) -> tuple[dict[str, Any], dict[str, Any], int, bool]:
    row = warehouse.execute(f"select desired_fields, observed_fields, priority, needs_approval from {table} where record_id = ?", [str(record)]).fetchone()
    assert row is not None
    for text in row[:2]:  # text compares equal exactly when the values do
        assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return json.loads(row[0]), json.loads(row[1]), row[2], row[3]


def test_sync_zendesk_organizations(warehouse: duckdb.DuckDBPyConnection) -> None:
    desired, observed, priority, approval = _sync(warehouse, "sync_zendesk__organizations", Ids(1).organization)
    assert desired == observed and priority == 3 and approval is False
    assert desired["erp_balance"] == 120.5 and desired["erp_id"] == "1001" and desired["overdue_days"] == 0
    desired, observed, priority, _ = _sync(warehouse, "sync_zendesk__organizations", Ids(7).organization)
    assert (desired["credit_status"], observed["credit_status"], priority) == ("hold", "ok", 1)
    desired, observed, priority, _ = _sync(warehouse, "sync_zendesk__organizations", Ids(13).organization)
    assert (desired["entitlement_tier"], observed["entitlement_tier"], priority) == ("premium", None, 2)
    desired, observed, _, _ = _sync(warehouse, "sync_zendesk__organizations", Ids(12).organization)
    assert desired["entitlement_end"] < observed["entitlement_end"]
    # an unreadable subscription decides nothing: its keys are left out
    desired, observed, _, _ = _sync(warehouse, "sync_zendesk__organizations", Ids(34).organization)
    assert "entitlement_tier" not in desired and "entitlement_tier" not in observed


def test_sync_salesforce_accounts(warehouse: duckdb.DuckDBPyConnection) -> None:
    desired, observed, priority, _ = _sync(warehouse, "sync_salesforce__accounts", Ids(11).account)
    assert (desired["Credit_Status__c"], observed["Credit_Status__c"], priority) == ("Hold", "OK", 1)
    assert desired["Entitlement_Tier__c"] == "Premium"
    desired, observed, priority, _ = _sync(warehouse, "sync_salesforce__accounts", Ids(37).account)
    assert (desired["Credit_Limit__c"], observed["Credit_Limit__c"], priority) == (5000, 9000, 3)
    assert warehouse.execute("select count(*) from sync_salesforce__accounts where record_id = '001DOUBLE'").fetchone() == (0,)


def test_sync_zendesk_tickets(warehouse: duckdb.DuckDBPyConnection) -> None:
    desired, observed, priority, _ = _sync(warehouse, "sync_zendesk__tickets", Ids(10).ticket)
    assert desired == {"tag_credit_hold": True, "tag_lapsed_cover": False} and observed["tag_credit_hold"] is False and priority == 1
    desired, _, priority, _ = _sync(warehouse, "sync_zendesk__tickets", Ids(17).ticket)
    assert desired["tag_lapsed_cover"] is True and priority == 2
    note = warehouse.execute("select note from sync_zendesk__tickets where record_id = ?", [str(Ids(17).ticket)]).fetchone()
    assert note is not None and "lapsed" in note[0]
    assert warehouse.execute("select note from sync_zendesk__tickets where record_id = ?", [str(Ids(1).ticket)]).fetchone() == (None,)


def test_marts(warehouse: duckdb.DuckDBPyConnection) -> None:
    profile = warehouse.execute(
        "select is_on_hold, is_covered, entitlement_tier, invoice_count, open_case_count, finding_count from customer_financial_profile"
        " where erp_record_id = ?", [str(Ids(7).erp)]).fetchone()
    assert profile == (True, True, "premium", 1, 1, 1)
    assert warehouse.execute("select class from invoice_status where billing_invoice_id = ?", [Ids(21).invoice]).fetchone() == ("amount",)
    assert warehouse.execute("select class from entitlement_status where subscription_id = ?", [Ids(14).subscription]).fetchone() == ("tier",)
    # a view shows what nobody has measured, too: without a baseline there is nothing to reduce
    row = warehouse.execute("select value, sample_size from view_finance where kpi = 'manual_reconciliation_reduction'").fetchone()
    assert row == (None, 0)

"""Expectation suites: a failing frame fails, and a check that cannot run is an error, not a failure."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from concord.errors import ConcordError, UsageError
from quality.suites import CheckResult, Expectation, Suite, load_suites, run_suites

SUITE = Suite(
    table="invoice_status", query="select * from invoice_status", description="One row an invoice.",
    expectations=(
        Expectation(expect="column_values_to_be_unique", with_={"column": "id"}, blocking=True),
        Expectation(expect="column_values_to_be_between", with_={"column": "total", "min_value": 0}, severity="warn"),
        Expectation(expect="table_row_count_to_be_between", with_={"min_value": 1}),
    ),
)


def warehouse(rows: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"create table invoice_status as select * from (values {rows}) as t(id, total)")
    return connection


def test_good_rows_pass_and_bad_rows_fail_with_numbers() -> None:
    assert [check.passed for check in run_suites(warehouse("(1, 5), (2, 0)"), [SUITE])] == [True, True, True]
    unique, between, count = run_suites(warehouse("(1, 5), (1, -3)"), [SUITE])
    assert (unique.passed, unique.stops_publish, unique.observed["unexpected_count"]) == (False, True, 2)
    assert (between.passed, between.stops_publish) == (False, False)
    assert count.passed


def test_a_check_that_cannot_run_raises() -> None:
    broken = SUITE.model_copy(update={"expectations": (Expectation(expect="column_values_to_be_unique", with_={"column": "nope"}),)})
    with pytest.raises(ConcordError, match="nope"):
        run_suites(warehouse("(1, 5)"), [broken])


def test_a_missing_table_raises() -> None:
    with pytest.raises(ConcordError, match="invoice_status"):
        run_suites(duckdb.connect(), [SUITE])


def test_an_unknown_key_names_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("table: t\nquery: select 1\ndescription: d\nexpectations: []\nblokcing: true\n")
    with pytest.raises(UsageError, match=r"bad\.yml: blokcing"):
        load_suites(tmp_path)


def test_the_same_expectation_twice_names_file_and_check(tmp_path: Path) -> None:
    twice = "- {expect: column_values_to_not_be_null, with: {column: a}}\n" * 2
    (tmp_path / "bad.yml").write_text(f"table: t\nquery: select 1 as a\ndescription: d\nexpectations:\n{twice}")
    with pytest.raises(UsageError, match=r"bad\.yml: expectations.*column_values_to_not_be_null__a"):
        load_suites(tmp_path)


def test_names_of_the_shipped_checks_are_unique() -> None:
    suites = load_suites()
    assert suites
    for suite in suites:
        names = [item.name for item in suite.expectations]
        assert len(names) == len(set(names)) > 0


def checked_invoices(rows: str) -> list[CheckResult]:
    """What the shipped suite says of such a table."""
    connection = duckdb.connect()
    connection.execute(f"create table invoice_status {rows}")
    return run_suites(connection, [suite for suite in load_suites() if suite.table == "invoice_status"])


@pytest.mark.parametrize(("rows", "failing"), [
    ("('a', 'i1', 'l1', 'matched'), ('b', 'i2', 'l2', 'amount')", set()),
    ("('a', 'i1', 'l1', 'matched'), ('a', 'i2', 'l2', 'amount')", {"repeated_keys"}),
    ("('a', 'i1', 'l1', 'matched'), (null, 'i2', 'l2', 'amount')", {"pairs_without_key"}),
    ("('a', 'i1', 'l1', 'matched'), ('b', 'i2', 'l2', null)", {"pairs_without_class"}),
    ("('a', 'i1', null, 'matched'), ('b', 'i2', null, 'amount')", {"share_in_the_ledger"}),
    ("('a', null, 'l1', 'matched'), ('b', null, 'l2', 'amount')", {"share_in_billing"}),
])
def test_each_expectation_on_invoices_can_fail(rows: str, failing: set[str]) -> None:
    checks = checked_invoices(f"as select * from (values {rows}) as t(pair_key, billing_invoice_id, ledger_invoice_id, class)")
    assert {type(value) for check in checks for value in check.observed.values()} <= {int, float}, "metadata takes no numbers of NumPy"
    assert {check.name.split("__")[1] for check in checks if not check.passed} == failing


def test_no_invoice_at_all_stops_publishing() -> None:
    checks = checked_invoices("(pair_key text, billing_invoice_id text, ledger_invoice_id text, class text)")
    assert {check.name.split("__")[1] for check in checks if check.stops_publish} >= {"pairs"}

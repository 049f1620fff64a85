"""Expectation suites: a failing frame fails, and a check that cannot run is an error, not a failure."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from concord.errors import ConcordError, UsageError
from quality.suites import Expectation, Suite, check_names, load_suites, run_suites

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


def test_names_of_the_shipped_checks_are_unique() -> None:
    suites = load_suites()
    assert suites
    for suite in suites:
        names = check_names(suite)
        assert len(names) == len(set(names)) > 0

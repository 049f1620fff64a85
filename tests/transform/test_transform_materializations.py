"""How tables, increments and tests are put into DuckDB: each refusal has a case that it refuses, and says which table and column."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from transform.generate import DBT_PROJECT

DBT_TESTS = True
Run = Callable[..., dict[str, Any]]
CONTRACT = """
version: 2
models:
- name: thing
  config: {contract: {enforced: true}}
  columns:
  - {name: thing_key, data_type: varchar, constraints: [{type: not_null}], data_tests: [key]}
  - {name: amount, data_type: "decimal(24, 6)"}
"""
INCREMENT = "{{ config(materialized='incremental', unique_key=['place', 'number'], incremental_strategy='delete+insert', on_schema_change='fail') }}\n"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Builds a project of the given models with this project's materializations and generic tests; node -> status and message."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    for folder in ("macros", "tests/generic", "models"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(DBT_PROJECT / "macros" / "materializations.sql", tmp_path / "macros")
    shutil.copy(DBT_PROJECT / "tests" / "generic" / "key.sql", tmp_path / "tests" / "generic")
    (tmp_path / "dbt_project.yml").write_text("name: small\nversion: '1.0.0'\nprofile: small\ntest-paths: [tests]\nmodels: {+materialized: table}\n")
    (tmp_path / "profiles.yml").write_text(f"small: {{target: d, outputs: {{d: {{type: duckdb, path: {tmp_path / 'small.duckdb'}, threads: 1}}}}}}\n")

    def build(*flags: str, **models: str) -> dict[str, Any]:
        for name, text in models.items():
            (tmp_path / "models" / (f"{name}.yml" if name == "shape" else f"{name}.sql")).write_text(text)
        try:
            outcome = dbtRunner().invoke([
                "--quiet", "--log-level", "none", "--log-level-file", "none", "build", *flags,
                "--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path), "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path)])
        finally:
            DuckDBConnectionManager.close_all_connections()
        assert outcome.exception is None, outcome.exception
        found = {result.node.name: (str(result.status), str(result.message)) for result in outcome.result.results}  # type: ignore[union-attr]
        with duckdb.connect(str(tmp_path / "small.duckdb"), read_only=True) as warehouse:
            names = [row[0] for row in warehouse.sql("select table_name from information_schema.tables").fetchall()]
            return found | {"tables": {name: sorted(warehouse.sql(f"select * from {name}").fetchall()) for name in names}}

    return build


def test_a_table_keeps_its_contract_and_its_key(run: Run) -> None:
    good = "select 'a' as thing_key, cast(1 as decimal(24, 6)) as amount"
    found = run(shape=CONTRACT, thing=good)
    assert found["thing"][0] == "success" and found["key_thing_thing_key"][0] == "pass"

    null = run(thing=f"{good} union all select null, 2")
    assert null["thing"][0] == "error" and "NOT NULL constraint failed: thing.thing_key" in null["thing"][1]
    assert null["tables"] == found["tables"], "a table that could not be made stays as it was"

    twice = run(thing=f"{good} union all select 'a', 2")
    assert twice["key_thing_thing_key"][0] == "fail" and "Got 1 result" in twice["key_thing_thing_key"][1]

    other = run(thing="select 'a' as thing_key, 1.5::double as amount")
    assert other["thing"][0] == "error" and "amount" in other["thing"][1] and "DOUBLE" in other["thing"][1]
    more = run(thing=f"select *, 1 as surplus from ({good})")
    assert more["thing"][0] == "error" and "surplus" in more["thing"][1]


def test_a_type_may_have_two_names(run: Run) -> None:
    found = run(shape=CONTRACT.replace("varchar", "text"), thing="select 'a' as thing_key, cast(1 as decimal(24, 6)) as amount")
    assert found["thing"][0] == "success"


def test_a_key_is_never_null_where_no_constraint_says_so(run: Run) -> None:
    shape = "version: 2\nmodels:\n- name: thing\n  columns:\n  - {name: thing_key, data_tests: [key]}\n"
    found = run(shape=shape, thing="{{ config(materialized='view') }} select null as thing_key")
    assert found["key_thing_thing_key"][0] == "fail"
    assert run(thing="{{ config(materialized='view') }} select 'a' as thing_key")["key_thing_thing_key"][0] == "pass"
    as_table = run(thing="select 'b' as thing_key")
    assert as_table["key_thing_thing_key"][0] == "pass" and as_table["tables"]["thing"] == [("b",)], "a view may become a table"


def test_an_increment_replaces_by_key_and_refuses_other_columns(run: Run) -> None:
    first = run(thing=INCREMENT + "select * from (values ('a', 1, 'old'), ('a', 2, 'kept')) as t(place, number, said)")
    assert first["tables"]["thing"] == [("a", 1, "old"), ("a", 2, "kept")]
    again = run(thing=INCREMENT + "select * from (values ('new', 'a', 1), ('more', 'b', 1)) as t(said, place, number)")
    assert again["tables"] == {"thing": [("a", 1, "new"), ("a", 2, "kept"), ("b", 1, "more")]}, "columns go by name, and nothing is left over"

    changed = run(thing=INCREMENT + "select 'a' as place, 1 as number, 5 as said, 6 as surplus")
    assert changed["thing"][0] == "error"
    assert "thing" in changed["thing"][1] and "said was VARCHAR and is INTEGER" in changed["thing"][1] and "surplus was not there and is INTEGER" in changed["thing"][1]
    assert changed["tables"] == again["tables"]
    rebuilt = run("--full-refresh", thing=INCREMENT + "select 'a' as place, 1 as number, 5 as said")
    assert rebuilt["tables"] == {"thing": [("a", 1, 5)]}


def test_an_increment_says_how_it_is_meant(run: Run) -> None:
    found = run(thing="{{ config(materialized='incremental') }} select 1 as number")
    assert found["thing"][0] == "error" and "delete+insert with a unique_key" in found["thing"][1]


def test_a_limit_and_a_warning_of_a_test_count(run: Run) -> None:
    shape = "version: 2\nmodels:\n- name: thing\n  columns:\n  - name: thing_key\n    data_tests:\n    - key: {config: {limit: 1, severity: warn}}\n"
    found = run(shape=shape, thing="select unnest(['a', 'a', 'b', 'b']) as thing_key")
    assert found["key_thing_thing_key"] == ("warn", "Got 1 result, configured to warn if != 0")

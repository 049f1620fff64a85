"""What the command line says when something is wrong: one message that names place and mend, the right exit code, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from concord import stages
from concord.cli import app
from concord.errors import UsageError
from transform.build import BuildResult


def concord(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from concord.cli import main; main()", *arguments], capture_output=True, text=True, timeout=120,
        env={**os.environ, "CONCORD_HOME": str(home), "CONCORD_DATA": "", **environment})


@pytest.fixture
def published(tmp_path: Path) -> Path:
    with duckdb.connect(str(tmp_path / "published.duckdb")) as made:
        made.execute("create table customer (customer_id text, customer_number text, name text)")
        made.execute("insert into customer values ('c1', '1', 'Acme [/old] GmbH')")
        made.execute("create table customer_record (record_key text, name text)")
        made.execute("create table crosswalk (customer_id text, record_key text, role text, connection text, record_id text, method text, score double,"
                     " evidence text, is_primary boolean)")
        made.execute("create table customer_lineage (customer_id text, entity text, field text, value text, connection text, record_key text, load_id text,"
                     " rule text, changed_by text, changed_at timestamp)")
        made.execute("insert into customer_lineage values ('c1', 'customer', 'name', 'Acme [/old] GmbH', 'erp', 'erp:1', '1', 'owner', null, '2026-03-01')")
        made.execute("create table field_history (customer_id text, valid_from timestamp, valid_to timestamp, connection text, entity text, record_id text,"
                     " part text, field text, value text, value_raw text, changed_by text, load_id text, is_first_known boolean)")
        made.execute("create table drift (finding_id text, drift_id text, class text, severity text, left_connection text, left_id text, left_value text,"
                     " right_connection text, right_id text, right_value text, field text, exposure decimal(18, 2), currency text, since timestamp,"
                     " owner_role text, detail text, golden_customer_id text)")
    return tmp_path


@pytest.mark.parametrize("wanted", ["[/nobody]", "[bold]nobody", "O'Neil \"[x]\" Ünï"])
def test_a_message_repeats_what_stands_in_brackets(published: Path, wanted: str) -> None:
    said = concord(published, "explain", "customer", wanted)
    assert said.returncode == 2 and said.stderr.startswith("concord: ") and repr(wanted) in said.stderr
    assert "Traceback" not in said.stderr


def test_a_name_in_brackets_is_printed_as_it_is(published: Path) -> None:
    said = concord(published, "explain", "customer", "1")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("Acme [/old] GmbH  c1\n")


def test_times_are_told_alike_by_every_command(published: Path) -> None:
    told = json.loads(concord(published, "explain", "customer", "1", "--json").stdout)
    (row,) = json.loads(concord(published, "sql", "select changed_at from customer_lineage", "--json").stdout)
    assert told["values"][0]["since"] == row["changed_at"] == "2026-03-01T00:00:00"


def test_columns_of_one_name_are_all_printed(published: Path) -> None:
    (row,) = json.loads(concord(published, "sql", "select 1 as a, 2 as a, 3 as a_2, 4 as a", "--json").stdout)
    assert row == {"a": 1, "a_3": 2, "a_2": 3, "a_4": 4}


def test_what_no_finding_can_be_is_refused(published: Path) -> None:
    said = concord(published, "findings", "--kind", "D99")
    assert said.returncode == 2 and "--kind: 'D99' is no kind of finding. Known: D1, " in said.stderr
    assert concord(published, "findings", "--kind", "d4").stdout == "Findings: nothing.\n"
    for command in (("findings",), ("outbox", "list"), ("apply",)):
        said = concord(published, *command, "--limit", "-1")
        assert said.returncode == 2 and "--limit" in said.stderr


@pytest.mark.parametrize("command", [("run",), ("sandbox", "serve", "--port", "0")])
def test_a_fault_plan_that_does_not_fit_says_nothing_of_another_world(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "plan.yml").write_text("faults: {tea_break: 3}")
    for name, words in (("none.yml", "cannot be read"), ("plan.yml", "unknown kind tea_break")):
        said = concord(tmp_path, *command, "--faults", str(tmp_path / name))
        assert said.returncode == 2 and f"--faults: {tmp_path / name}: " in said.stderr and words in said.stderr
        assert "reset" not in said.stderr and "clean" not in said.stderr


def test_a_damaged_address_of_the_sandbox_is_named(tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "address.json").write_text("{bad")
    for command in (("sandbox", "advance", "1"), ("connections", "test")):
        said = concord(tmp_path, *command)
        assert said.returncode == 1 and "address.json: is no JSON. Delete it" in said.stderr


def test_a_selection_of_nothing_is_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "build", lambda *_, **__: BuildResult((), 1.0, False, Path("manifest.json")))
    result = CliRunner().invoke(app, ["build", "--select", "customers"])
    assert isinstance(result.exception, UsageError) and "--select: 'customers' selects nothing." in str(result.exception)
    assert CliRunner().invoke(app, ["build"]).exit_code == 0, "nothing is due"


def test_a_damaged_warehouse_is_deleted_and_one_that_is_open_waited_for(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    warehouse.write_bytes(b"nonsense" * 3000)
    said = concord(tmp_path, "check")
    assert said.returncode == 1 and "warehouse.duckdb: cannot be read" in said.stderr and "Delete the file and build again" in said.stderr
    warehouse.unlink()
    with duckdb.connect(str(warehouse)):
        said = concord(tmp_path, "check")
    assert said.returncode == 1 and "warehouse.duckdb: cannot be read" in said.stderr and "Wait for the build" in said.stderr

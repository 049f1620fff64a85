"""Taken once, taken again when corrected, refused whole, waiting: through the whole load, as staging reads it."""

from __future__ import annotations

import csv
import os
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import pytest
from typer.testing import CliRunner

from concord.cli import app
from concord.connections import load_connections
from concord.errors import UsageError
from ingestion.filedrop.form import system_of
from ingestion.poll import newest_change
from ingestion.status import test_connection as check

HEADER = "Date,Supplier,Amount\n"
JANUARY = HEADER + "13/01/2026,A,1.10\n14/01/2026,B,2.20\n15/01/2026,C,3.30\n"


def test_a_file_is_taken_once(kit: Any) -> None:
    path = kit.write("jan.csv", JANUARY)
    first = kit.take()
    assert first.error is None and first.is_complete and first.rows == {"lines": 3} and first.load_id
    assert kit.live() == [("jan.csv", 2, "A", Decimal("1.1")), ("jan.csv", 3, "B", Decimal("2.2")), ("jan.csv", 4, "C", Decimal("3.3"))]
    assert kit.query("SELECT DISTINCT _connection, _load_id, _deleted, currency FROM landed") == [("till", first.load_id, False, "GBP")]
    os.utime(path, (1, 1))  # touched
    kit.write("copy.csv", JANUARY)  # and copied
    second = kit.take()
    assert second.rows == {} and second.is_complete and len(kit.live()) == 3
    assert [audit.detail for audit in second.audits if "copy" in audit.method] == ["the content of jan.csv, which is taken already"]
    third = kit.take()
    assert third.rows == {} and third.requests == 0 and [audit.method for audit in third.audits] == ["files taken"]
    again = kit.take(full=True)
    assert again.rows == {"lines": 3} and len(kit.live()) == 3


def test_a_corrected_file_replaces_what_it_brought(kit: Any) -> None:
    kit.write("jan.csv", JANUARY)
    kit.write("feb.csv", JANUARY.replace("/01/", "/02/"))
    kit.take()
    kit.write("jan.csv", HEADER + "13/01/2026,A,1.15\n")
    result = kit.take()
    assert result.rows == {"lines": 3} and result.is_complete  # one row and two tombstones
    assert [row for row in kit.live() if row[0] == "jan.csv"] == [("jan.csv", 2, "A", Decimal("1.15"))]
    assert len(kit.live()) == 4
    kit.write("jan.csv", JANUARY)  # and back
    kit.take()
    assert len(kit.live()) == 6 and result.is_complete


def test_a_corrected_file_with_a_natural_key_leaves_other_files_rows(kit: Any) -> None:
    kit.change(("    ignored: [Page]", "    ignored: [Page]\n    key: [invoice]"))
    head = "Date,Supplier,Amount,Invoice No\n"
    kit.write("a.csv", head + "13/01/2026,A,1,I1\n13/01/2026,A,2,I2\n13/01/2026,A,3,I3\n")
    kit.write("b.csv", head + "13/01/2026,B,9,I2\n")
    kit.take()
    assert kit.live("invoice, supplier, amount", "invoice") == [("I1", "A", 1), ("I2", "B", 9), ("I3", "A", 3)]
    kit.write("a.csv", head + "13/01/2026,A,1,I1\n")
    kit.take()
    assert kit.live("invoice, supplier, amount", "invoice") == [("I1", "A", 1), ("I2", "B", 9)]


def test_renamed_and_then_corrected_is_no_double(kit: Any) -> None:
    path = kit.write("jan.csv", JANUARY)
    kit.take()
    path.rename(path.with_name("jan_final.csv"))
    assert kit.take().rows == {}
    kit.write("jan_final.csv", JANUARY + "16/01/2026,D,4\n")
    assert kit.take().is_complete
    assert [row[:3] for row in kit.live()] == [("jan_final.csv", 2, "A"), ("jan_final.csv", 3, "B"), ("jan_final.csv", 4, "C"), ("jan_final.csv", 5, "D")]


def test_a_copy_is_taken_when_its_original_is_corrected(kit: Any) -> None:
    kit.write("jan.csv", JANUARY)
    kit.write("north.csv", JANUARY)
    kit.take()
    kit.write("jan.csv", HEADER + "13/01/2026,Z,9\n")
    kit.take()
    kit.take()
    assert sorted({row[0] for row in kit.live()}) == ["jan.csv", "north.csv"] and len(kit.live()) == 4


def test_a_refused_file_lands_nothing_and_is_told_by_row(kit: Any) -> None:
    kit.write("good.csv", JANUARY)
    kit.write("bad.csv", HEADER + "13/01/2026,A,1\n99/99/2026,B,2\n13/01/2026,C,many\n")
    result = kit.take()
    assert result.error is None and not result.is_complete and result.rows == {"lines": 3}
    assert {row[0] for row in kit.live()} == {"good.csv"}
    reasons = kit.query("SELECT key, \"column\", reason FROM landed ORDER BY key", "_quarantine")
    assert [row[:2] for row in reasons] == [("bad.csv", ""), ("bad.csv|3", "paid_on"), ("bad.csv|4", "amount")]
    assert "2 of 3 rows are bad" in reasons[0][2]
    (report,) = (kit.settings.home / "reports" / "till").glob("*.csv")
    told = list(csv.DictReader(report.open(encoding="utf-8")))
    assert [(row["row"], row["column"]) for row in told] == [("", ""), ("bad.csv|3", "paid_on"), ("bad.csv|4", "amount")]
    # told again without being read again, until it is mended; then its trouble is over
    again = kit.take()
    assert again.requests == 0 and not again.is_complete and again.quarantined == {}
    kit.write("bad.csv", HEADER + "13/01/2026,A,1\n")
    mended = kit.take()
    assert mended.is_complete and len(kit.live()) == 4


def test_a_bad_correction_leaves_the_earlier_version(kit: Any) -> None:
    kit.write("jan.csv", JANUARY)
    kit.take()
    kit.write("jan.csv", "nonsense\n1\n")
    assert not kit.take().is_complete and len(kit.live()) == 3
    kit.write("jan.csv", JANUARY)
    back = kit.take()
    assert back.rows == {} and back.is_complete and [audit.detail for audit in back.audits if audit.method == "file jan.csv"] == ["mended or withdrawn"]


def test_a_mended_form_takes_what_was_refused(kit: Any) -> None:
    kit.write("jan.csv", JANUARY.replace("Amount", "Betrag"))
    assert not kit.take().is_complete
    kit.change(("headers: [Amount,", "headers: [Betrag, Amount,"))
    assert kit.take().rows == {"lines": 3}


def test_bad_rows_within_the_share_go_to_quarantine(kit: Any) -> None:
    kit.write("jan.csv", JANUARY + "13/01/2026,D,\n")
    result = kit.take()
    assert result.rows == {"lines": 3} and result.quarantined == {"lines": 1} and result.is_complete
    assert kit.query('SELECT key, "column", reason FROM landed', "_quarantine") == [("jan.csv|5", "amount", "the cell is blank")]


MANIFEST = """    ignored: [Page]
    manifest: {file: totals.csv, name: File, rows: Lines, sums: {amount: Sum}, negatives: {amount: Credits}}
"""


def test_control_totals(kit: Any) -> None:
    kit.change(("    ignored: [Page]\n", MANIFEST))
    kit.write("jan.csv", JANUARY)
    waiting = kit.take()
    assert waiting.rows == {} and not waiting.is_complete and waiting.requests == 0
    kit.write("totals.csv", 'File,Lines,Sum,Credits\njan.csv,3,"6.61",0\nfeb.csv,1,5,0\n')
    differs = kit.take()
    told = {audit.method: audit for audit in differs.audits}
    assert differs.rows == {} and kit.live() == []
    assert "sum of amount: 6.61 in the manifest, 6.60 in the file" in told["file jan.csv"].detail
    assert told["file jan.csv"].expected == 3 and told["file jan.csv"].actual == 0
    assert "it is not there" in told["file feb.csv"].detail and not told["file feb.csv"].is_complete
    kit.write("totals.csv", 'File,Lines,Sum,Credits\njan.csv,3,"6.60",0\nfeb.csv,1,-5,1\n')
    kit.write("feb.csv", HEADER + "13/02/2026,A,(5.00)\n")
    kit.write("mar.csv", HEADER + "13/03/2026,A,1\n")
    agrees = kit.take()
    told = {audit.method: audit for audit in agrees.audits}
    assert agrees.rows == {"lines": 4} and told["file jan.csv"].is_complete and told["file feb.csv"].actual == 1
    assert [method for method, audit in told.items() if not audit.is_complete] == ["file mar.csv", "files taken"]
    assert "does not name the file" in told["file mar.csv"].detail


def test_a_manifest_without_a_header_is_told(kit: Any) -> None:
    kit.change(("    ignored: [Page]\n", MANIFEST))
    kit.write("jan.csv", JANUARY)
    kit.write("totals.csv", "File,Lines\njan.csv,3\n")
    result = kit.take()
    assert result.error is not None and "totals.csv: has no header 'Sum'" in str(result.error)
    assert result.rows == {} and not kit.settings.landing.exists()


def test_files_still_being_written_wait(kit: Any) -> None:
    kit.change(("settle: 0s", "settle: 5m"))
    fresh = kit.write("jan.csv", JANUARY)
    old = time.time() - 600
    for name in ("feb.csv.part", "~$mar.csv", ".apr.csv"):
        os.utime(kit.write(name, JANUARY), (old, old))
    assert kit.take().rows == {}
    assert newest_change(kit.connection) == ""
    os.utime(fresh, (old, old))
    assert newest_change(kit.connection) != ""
    assert kit.take().rows == {"lines": 3}


def test_vanished_files(kit: Any) -> None:
    path = kit.write("jan.csv", JANUARY)
    kit.write("feb.csv", JANUARY.replace("/01/", "/02/"))
    kit.take()
    path.unlink()
    kit.take()
    assert len(kit.live()) == 6  # archived by whoever keeps the folder
    kit.change(("    ignored: [Page]", "    ignored: [Page]\n    when_gone: bury"))
    assert kit.take().is_complete
    assert {row[0] for row in kit.live()} == {"feb.csv"} and len(kit.live()) == 3
    kit.folder.rename(kit.folder.with_name("elsewhere"))
    gone = kit.take()
    assert gone.error is not None and "there is no such folder" in str(gone.error) and len(kit.live()) == 3


def test_a_bucket(kit: Any) -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/till/2026/jan.csv", JANUARY.encode())
    kit.address = "memory://till"
    try:
        assert kit.take().rows == {"lines": 3} and kit.take().rows == {}
        assert {row[0] for row in kit.live()} == {"2026/jan.csv"}
    finally:
        store.rm("/till", recursive=True)


def test_unknown_and_missing_headers_are_told_once(kit: Any) -> None:
    kit.change(("presence: optional}", "presence: expected}"))
    kit.write("jan.csv", "Date,Supplier,Amount,Cost Centre\n13/01/2026,A,1,5\n")
    first = kit.take()
    assert sorted(first.drift) == [("lines", "Cost Centre", "added"), ("lines", "invoice", "removed")]
    kit.write("feb.csv", "Date,Supplier,Amount,Cost Centre\n13/02/2026,A,1,5\n")
    assert list(kit.take().drift) == []
    assert len(kit.query("SELECT 1 FROM landed", "_schema_drift")) == 2


def test_every_table_has_a_file_with_its_schema(kit: Any) -> None:
    kit.take()
    for name, resource in system_of(kit.connection).resources.items():
        names = {row[0] for row in kit.query("SELECT column_name FROM (DESCRIBE SELECT * FROM landed)", name)}
        assert names >= {*resource.columns, "_connection", "_extracted_at", "_load_id", "_deleted", "_extra"}


def test_the_command_line(kit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kit.write("jan.csv", JANUARY)
    file = tmp_path / "connections.yml"
    file.write_text("connections:\n  till: {system: file_drop, role: erp, settings: {folder: files}}\n")
    monkeypatch.setenv("CONCORD_HOME", str(kit.settings.home))
    monkeypatch.setenv("CONCORD_CONNECTIONS", str(file))
    runner = CliRunner()
    listed = runner.invoke(app, ["connections", "--json"])
    assert listed.exit_code == 0 and '"system": "file_drop"' in listed.stdout
    tested = runner.invoke(app, ["connections", "test", "--json"])
    assert tested.exit_code == 0 and "lines: 1 files" in tested.stdout, tested.output
    taken = runner.invoke(app, ["ingest", "till", "--json"])
    assert taken.exit_code == 0 and '"rows": 3' in taken.stdout, taken.output
    assert len(kit.live()) == 3


def test_settings_that_do_not_fit(kit: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="settings.folder: is missing"):
        kit.address = ""
        kit.take()
    file = tmp_path / "connections.yml"
    file.write_text("connections:\n  till: {system: file_drop, role: erp, settings: {folder: files, drop: none}}\n")
    told = check(load_connections(file)["till"])
    assert not told.reachable and "there is no such file" in told.problem
    with pytest.raises(UsageError, match="could be read by id"):
        kit.address = str(kit.folder)
        raise kit.take(keys={"lines": ["1"]}).error

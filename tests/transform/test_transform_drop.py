"""A file drop's rows become entities as its form says; with nothing else connected, every model still builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection, load_connections
from concord.errors import UsageError
from concord.settings import Settings
from ingestion.run import ingest
from tests.dbt_cache import dbt_cache
from transform.build import build

FORM = """
drop: ledger
settle: 0s
reading: {delimiters: [";"], dates: ["%d.%m.%Y"], numbers: ["1.234,56"]}
tables:
  lines:
    files: ["*.csv"]
    key: [document, position]
    columns:
      document: {type: string, headers: [Beleg], presence: required, filled: true}
      position: {type: bigint, headers: [Pos], presence: required, filled: true}
      customer: string < Kunde
      booked_on: date < Datum
      amount: decimal < Betrag
      state: string < Status
    becomes:
      invoice:
        where: document not like 'G%'
        group_by: document
        columns:
          invoice_id: document
          number: document
          customer_record_id: min(customer)
          status_raw: case when min(state) = 'bezahlt' then 'paid' else min(state) end
          currency: "'EUR'"
          total_amount: sum(amount)
          tax_amount: "0"
          invoice_date: min(booked_on)
      invoice_line:
        where: document not like 'G%'
        columns: {invoice_line_id: "document || '-' || position", invoice_id: document, amount: amount}
      credit_note:
        where: document like 'G%'
        columns: {credit_note_id: document, currency: "'EUR'", total_amount: -amount, status_raw: "'issued'"}
"""
ROWS = """Beleg;Pos;Kunde;Datum;Betrag;Status
R1;1;K7;03.02.2026;1.000,50;bezahlt
R1;2;K7;03.02.2026;99,50;bezahlt
R2;1;K8;05.02.2026;10,00;offen
G1;1;K7;09.02.2026;-50,00;
"""


class Site:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home / "home", home / "connections.yml", "sqlite://", None, own_dbt_cache=dbt_cache())
        (home / "drops").mkdir(parents=True)
        (home / "exports").mkdir()
        self.form(FORM)
        (home / "connections.yml").write_text(
            "connections:\n  ledger: {system: file_drop, role: erp, settings: {folder: exports, drop: ledger}}\n")

    def form(self, text: str) -> None:
        (self.home / "drops" / "ledger.yml").write_text(text)

    @property
    def connections(self) -> dict[str, Connection]:
        return load_connections(self.home / "connections.yml")

    def take(self, name: str, text: str) -> None:
        (self.home / "exports" / name).write_text(text)
        (result,) = ingest(self.settings, self.connections)
        assert result.error is None, result.error

    def rows(self, query: str) -> list[Any]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as warehouse:
            return warehouse.sql(query).fetchall()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_rows_become_documents_and_a_corrected_file_corrects_them(site: Site) -> None:
    site.take("feb.csv", ROWS)
    build(site.settings, site.connections)
    told = "select invoice_id, status, status_raw, total_amount::varchar, line_count, role, system from invoice order by 1"
    assert site.rows(told) == [
        ("R1", "paid", "paid", "1100.000000", 2, "erp", "file_drop"), ("R2", None, "offen", "10.000000", 1, "erp", "file_drop")]
    assert site.rows("select credit_note_id, total_amount::varchar, status from credit_note") == [("G1", "50.000000", "issued")]
    assert ("invoice", "offen") in site.rows("select left_entity, right_value from drift where drift_id = 'D5'")  # a word that no map knows
    site.take("feb.csv", ROWS.replace("10,00;offen", "12,00;bezahlt"))
    build(site.settings, site.connections)
    assert site.rows(told)[1] == ("R2", "paid", "paid", "12.000000", 1, "erp", "file_drop")


def test_systems_that_are_not_connected_leave_no_table(site: Site) -> None:
    site.take("feb.csv", ROWS)
    build(site.settings, site.connections)
    names = {name for (name,) in site.rows("select table_name from information_schema.tables")}
    assert {"invoice", "customer", "drift", "support_case"} <= names
    assert not [name for name in names if name.startswith(("stg_netsuite", "stg_stripe", "netsuite__", "zendesk__", "sync_"))]


@pytest.mark.parametrize(
    ("find", "put", "parts"),
    [
        ("      credit_note:", "      creditnote:", ["ledger.yml", "tables.lines.becomes.creditnote", "credit_note"]),
        ("total_amount: sum(amount)", "total: sum(amount)", ["ledger.yml", "tables.lines.becomes.invoice.columns.total", "total_amount"]),
        ("group_by: document", "group: document", ["ledger.yml", "group"]),
    ],
)
def test_a_wrong_form_is_explained(site: Site, find: str, put: str, parts: list[str]) -> None:
    site.form(FORM.replace(find, put))
    with pytest.raises(UsageError) as raised:
        build(site.settings, site.connections)
    assert all(part in str(raised.value) for part in parts), str(raised.value)

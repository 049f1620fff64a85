"""A retailer's invoices, supply orders and an incident log, where they are at hand: from the files to the figures in docs/real-data.md.

What the warehouse says is held against the files themselves, counted by other means.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from concord.connections import load_connections
from concord.settings import PROJECT, Settings, load_settings
from ingestion.run import ingest
from tests.dbt_cache import dbt_cache
from transform.build import build

Rows = Callable[[str], list[tuple[Any, ...]]]
SETS = {
    "retail": ("online_retail", "online_retail", "erp"), "supply": ("usaid_scms", "scms", "erp"),
    "desk": ("servicenow_incidents", "servicenow_incidents", "support"),
}

DBT_TESTS = True


def _data() -> Path:
    data = load_settings().data
    if data is None or not all((data / folder).is_dir() for folder, _, _ in SETS.values()):
        pytest.skip("the real data sets are not at hand (CONCORD_DATA)")
    return data


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    data, home = _data(), tmp_path_factory.mktemp("real")
    settings = Settings(home / "home", home / "connections.yml", "sqlite://", None, own_dbt_cache=dbt_cache())
    (home / "connections.yml").write_text("connections:\n" + "".join(
        f"  {name}: {{system: file_drop, role: {role}, settings: {{folder: {data / folder}, drop: {PROJECT / 'drops' / form}.yml}}}}\n"
        for name, (folder, form, role) in SETS.items()))
    connections = load_connections(settings.connections_file)
    for result in ingest(settings, connections):
        assert result.error is None and result.is_complete and not result.quarantined, result
    with pytest.MonkeyPatch.context() as environment:  # a part of the models, with the tests that need no other
        environment.setenv("DBT_INDIRECT_SELECTION", "buildable")
        built = build(settings, connections, select=["+reconciled_cancellation", "+reconciled_freight", "+case_cycle", "+sales_order", "+sales_order_line", "+shipment", "+product"])
    assert {"cancellations_stay_within_sales", "freight_is_all_allocated"} <= {node.name for node in built.nodes if node.status == "pass"}

    def query(text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
            return warehouse.sql(text).fetchall()

    return query


def _written(name: str) -> pl.DataFrame:
    text = gzip.decompress((_data() / name).read_bytes()).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    return pl.read_csv(io.StringIO(text), infer_schema=False)


def test_the_retailers_documents_are_those_of_the_file(rows: Rows) -> None:
    lines = _written("online_retail/invoice_lines.csv.gz").with_columns(
        pl.col("Quantity").cast(pl.Int64), pl.col("UnitPrice").cast(pl.Decimal(18, 3)),
    ).with_columns((pl.col("Quantity") * pl.col("UnitPrice")).cast(pl.Decimal(28, 3)).alias("amount"))
    is_credit = pl.col("InvoiceNo").str.starts_with("C") | (pl.col("UnitPrice") < 0)
    credits, stock = lines.filter(is_credit), lines.filter(~is_credit & (pl.col("Quantity") <= 0))
    sales = lines.filter(~is_credit & (pl.col("Quantity") > 0))
    assert stock["amount"].sum() == 0 and stock["CustomerID"].null_count() == stock.height == 925  # counts of the stock are no documents
    for documents, parts, written, sign in (("invoice", "invoice_line", sales, 1), ("credit_note", "credit_note_line", credits, -1)):
        [(heads, total)] = rows(f"select count(*), sum(total_amount) from {documents} where connection = 'retail'")
        [(count, amount)] = rows(f"select count(*), sum(amount) from {parts} where connection = 'retail'")
        assert (heads, count) == (written["InvoiceNo"].n_unique(), written.height)
        assert total == amount == sign * written["amount"].sum()
    assert rows("select sum(case when kind = 'sale' then amount else -amount end) from (select 'sale' as kind, amount from invoice_line"
                " union all select 'credit', amount from credit_note_line)") == [(lines["amount"].sum(),)]
    assert rows("select count(distinct customer_record_id) from (select customer_record_id from invoice union select customer_record_id from credit_note)") == [
        (lines["CustomerID"].drop_nulls().n_unique(),)]


def test_cancellations_find_their_sales(rows: Rows) -> None:
    assert rows("select class, count(*), sum(amount) from reconciled_cancellation group by 1 order by 1") == [
        ("ambiguous", 1_054, Decimal("31939.34")), ("exact", 1_342, Decimal("152373.34")), ("exceeds", 24, Decimal("701.60")),
        ("none", 1_528, Decimal("337102.22")), ("partial", 1_891, Decimal("20468.93")), ("spread", 10, Decimal("309.25"))]
    assert rows("select count(*) from cancellation_match where sold_at > cancelled_at") == [(0,)]
    # each pair is of one customer, article and price
    assert rows(
        "select count(*) from cancellation_match as pair join credit_note_line as credit using (credit_note_line_key) join credit_note as note using (credit_note_key)"
        " join invoice_line as sale on pair.invoice_line_key = sale.invoice_line_key join invoice using (invoice_key)"
        " where note.customer_record_id <> invoice.customer_record_id or credit.sku <> sale.sku"
        " or abs(credit.amount / credit.quantity - sale.amount / sale.quantity) >= 0.0001") == [(0,)]
    assert rows("select count(*) from reconciled_cancellation where class in ('exact', 'partial', 'spread', 'ambiguous') and matched_amount <> amount") == [(0,)]


def test_orders_and_deliveries_are_those_of_the_file(rows: Rows) -> None:
    lines = _written("usaid_scms/SCMS_Delivery_History_Dataset.csv.gz")
    value = lines["Line Item Value"].cast(pl.Decimal(18, 2)).sum()
    assert rows("select count(*), sum(total_amount) from sales_order") == [(lines["PO / SO #"].n_unique(), value)] == [(6_233, Decimal("1627584457.29"))]
    assert rows("select count(*), sum(amount) from sales_order_line") == [(lines.height, value)]
    assert rows("select count(*), count(delivered_at), count(distinct status) from shipment") == [(lines["ASN/DN #"].n_unique(),) * 2 + (1,)]


def test_every_freight_cell_is_resolved_and_all_of_it_allocated(rows: Rows) -> None:
    lines = _written("usaid_scms/SCMS_Delivery_History_Dataset.csv.gz")
    cells = dict(zip(lines["ID"], lines["Freight Cost (USD)"], strict=True))
    carried = sum(Decimal(cell) for cell in cells.values() if cell[:1].isdigit())
    named = {line: cell.split("ID#:")[1].rstrip(")") for line, cell in cells.items() if cell.startswith("See ")}
    assert len(named) == 2_445
    assert rows("select sum(carried_amount), sum(allocated_amount) from reconciled_freight") == [(carried, carried)] == [(Decimal("68817849.41"),) * 2]
    shared = dict(rows("select shipment_line_id, split_part(carrier_line_key, ':', 2) from reconciled_freight where freight_terms = 'shared'"))
    assert shared == named
    assert rows("select class, coalesce(reason, ''), count(*) from reconciled_freight group by 1, 2 order by 1, 2") == [
        ("carried", "", 6_198), ("included_in_price", "", 1_442), ("invoiced_separately", "", 239), ("invoiced_separately", "terms_of_the_carrier", 105),
        ("shared", "", sum(cells[carrier][:1].isdigit() for carrier in named.values()))]
    assert rows("select count(*) from reconciled_freight where allocated_amount <> round(allocated_amount, 2) or allocated_amount < 0") == [(0,)]


def test_the_incident_log_becomes_cases_whose_reopenings_agree(rows: Rows) -> None:
    log = _written("servicenow_incidents/incident_event_log.csv.gz")
    told = log.group_by("number").agg(pl.col("reopen_count").cast(pl.Int64).max())
    assert rows("select count(*), sum(told_reopen_count), count(*) filter (told_reopen_count > 0) from case_cycle") == [
        (told.height, told["reopen_count"].sum(), told.filter(pl.col("reopen_count") > 0).height)] == [(24_918, 331, 275)]
    # one incident's updates contradict each other in the order of time
    assert rows("select reopen_check, count(*) from case_cycle group by 1 order by 1") == [("agrees", 24_917), ("history_shows_more", 1)]
    assert rows("select case_id from case_cycle where reopen_check <> 'agrees'") == [("INC0000137",)]
    assert rows("select count(*) from case_cycle where is_open or solved_at is null or closed_at is null or resolution_seconds < 0 or cycle_seconds < resolution_seconds") == [(0,)]
    # the states of a case follow each other without gap or overlap
    assert rows("select count(*) from case_state as one join case_state as next on one.case_key = next.case_key and next.place = one.place + 1"
                " where one.ended_at <> next.started_at or one.status = next.status") == [(0,)]
    assert rows("select count(*) from case_cycle where abs(new_seconds + open_seconds + pending_seconds + hold_seconds + solved_seconds - cycle_seconds) > 0"
                " and state_change_count < 3") == [(0,)]

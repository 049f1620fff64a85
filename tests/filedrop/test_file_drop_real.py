"""Real exports through the forms in drops/, where the data is at hand: thirteen ledgers, a delivery history, a retailer's invoices."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from concord.settings import PROJECT

Real = Callable[[str], Path]


def take(kit: Any, folder: Path, form: str) -> Any:
    kit.address, kit.form = str(folder), PROJECT / "drops" / f"{form}.yml"
    return kit.take()


def test_the_forms_that_are_shipped_fit() -> None:
    from ingestion.filedrop.form import as_system, load_drop

    tables = {path.stem: set(as_system(load_drop(path)).resources) for path in sorted((PROJECT / "drops").glob("*.yml"))}
    assert tables == {
        "nhs_spend": {"spend_lines"}, "online_retail": {"invoice_lines"}, "scms": {"shipment_lines"}, "servicenow_incidents": {"incident_updates"}}


def test_thirteen_ledgers_to_the_penny(kit: Any, real_data: Real) -> None:
    folder = real_data("nhs_spend")
    manifest = list(csv.DictReader((folder / "manifest.csv").open(encoding="utf-8")))
    result = take(kit, folder, "nhs_spend")
    assert result.error is None and result.is_complete
    # what the manifest counts as rows: 2 closing rows are none, and 2 lines without an amount are in quarantine
    assert len(manifest) == 123 and sum(int(line["rows"]) for line in manifest) == 177_415
    assert result.rows == {"spend_lines": 177_411} and result.quarantined == {"spend_lines": 2}
    bad = kit.query('SELECT key, "column", reason FROM landed ORDER BY key', "_quarantine")
    assert [row[1:] for row in bad] == [("amount", "the cell is blank")] * 2
    assert [row[0].split("|")[0] for row in bad] == ["raw/HOME/HOME_08_November.pdf.csv.gz", "raw/ROYF/ROYF_01-03_April_June.csv.gz"]
    landed = {row[0]: row[1:] for row in kit.query(
        "SELECT source_file, count(*), sum(amount), count(*) FILTER (amount < 0) FROM landed GROUP BY ALL", "spend_lines")}
    in_quarantine = {row[0].split("|")[0] for row in bad}
    closing = {"raw/LNWU/LNWU_11_Febuary.csv.gz": Decimal("19710294.07"), "raw/LNWU/LNWU_12_March.csv.gz": Decimal("64463765.82")}
    for line in manifest:
        name = "raw/" + line["file"]
        rows, amount, negatives = landed[name]
        assert rows + (name in in_quarantine) + (name in closing) == int(line["rows"]), name
        assert amount + closing.get(name, 0) == Decimal(line["amount_sum"]), name
        assert negatives == int(line["negative_rows"]), name
    assert sum(row[2] for row in landed.values()) == 2_689
    # every line has its day, and none a later one than the year of the extracts, whichever way the publisher writes dates
    [(first, last, undated, organisations)] = kit.query(
        "SELECT min(paid_on), max(paid_on), count(*) FILTER (paid_on IS NULL), count(DISTINCT organisation) FROM landed", "spend_lines")
    assert (organisations, undated, first, last) == (13, 0, date(2014, 12, 31), date(2021, 3, 31))  # an invoice stayed open for years
    assert kit.query("SELECT min(paid_on), max(paid_on) FROM landed WHERE source_file LIKE '%EPSH_05%'", "spend_lines") == [
        (date(2020, 8, 1), date(2020, 8, 31))]
    again = kit.take()
    assert again.rows == {} and again.is_complete


def test_a_ledger_with_one_penny_missing_is_refused(kit: Any, real_data: Real, tmp_path: Path) -> None:
    folder = real_data("nhs_spend")
    name = "CHWE/CHWE_01_April.csv.gz"
    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        header, *lines = list(csv.reader(stream))
    line = next(line for line in lines if line[1] == name)
    line[header.index("amount_sum")] = str(Decimal(line[header.index("amount_sum")]) - Decimal("0.01"))
    (kit.folder / "raw" / "CHWE").mkdir(parents=True)
    (kit.folder / "raw" / name).write_bytes((folder / "raw" / name).read_bytes())
    with (kit.folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, line])
    form = tmp_path / "nhs.yml"
    form.write_text((PROJECT / "drops" / "nhs_spend.yml").read_text(encoding="utf-8").replace("settle: 30s", "settle: 0s"), encoding="utf-8")
    kit.form = form
    result = kit.take()
    assert result.rows == {} and not result.is_complete
    assert any("sum of amount: 21881405.55 in the manifest, 21881405.56 in the file" in audit.detail for audit in result.audits)


def test_the_delivery_history(kit: Any, real_data: Real) -> None:
    """CR line ends, a byte-order mark, and text in number and date columns: each word has its stated meaning, nothing is guessed."""
    folder = real_data("usaid_scms")
    result = take(kit, folder, "scms")
    assert result.error is None and result.is_complete and result.rows == {"shipment_lines": 10_324} and result.quarantined == {}
    written = _rows(folder / "SCMS_Delivery_History_Dataset.csv.gz")
    for column, header, note in (("freight_cost", "Freight Cost (USD)", "freight_note"), ("weight_kg", "Weight (Kilograms)", "weight_note")):
        numbers = [Decimal(row[header]) for row in written if row[header][:1].isdigit()]
        texts = sorted(row[header] for row in written if row[header] and not row[header][:1].isdigit())
        [(count, total)] = kit.query(f"SELECT count({column}), sum({column}) FROM landed", "shipment_lines")
        assert (count, total) == (len(numbers), sum(numbers))
        assert [row[0] for row in kit.query(f"SELECT {note} FROM landed WHERE {note} IS NOT NULL", "shipment_lines") if row[0]] and sorted(
            row[0] for row in kit.query(f"SELECT {note} FROM landed WHERE {note} IS NOT NULL", "shipment_lines")) == texts
    assert kit.query("SELECT count(*) FROM landed WHERE freight_note LIKE 'See %'", "shipment_lines") == [(2_445,)]
    for column, note, header in (("quoted_on", "quoted_note", "PQ First Sent to Client Date"), ("ordered_on", "ordered_note", "PO Sent to Vendor Date")):
        days = sum(row[header][:1].isdigit() for row in written)
        assert kit.query(f"SELECT count({column}), count({note}) FROM landed", "shipment_lines") == [(days, 10_324 - days)]
    assert kit.query("SELECT count(insurance_cost), count(DISTINCT order_number), count(DISTINCT country) FROM landed", "shipment_lines") == [
        (10_037, 6_233, 43)]
    assert kit.query("SELECT quoted_on, scheduled_on, country FROM landed WHERE line_id IN (1, 85183) ORDER BY line_id", "shipment_lines") == [
        (None, date(2006, 6, 2), "Côte d'Ivoire"), (date(2010, 8, 25), date(2011, 3, 30), "Nigeria")]


def test_the_retailers_invoices(kit: Any, real_data: Real) -> None:
    folder = real_data("online_retail")
    result = take(kit, folder, "online_retail")
    assert result.error is None and result.is_complete and result.rows == {"invoice_lines": 320_705} and result.quarantined == {}
    written = _rows(folder / "invoice_lines.csv.gz")
    total = sum(int(row["Quantity"]) * Decimal(row["UnitPrice"]) for row in written)
    [(lines, amount, credits, customers, first)] = kit.query(
        "SELECT count(*), sum(quantity * unit_price), count(*) FILTER (invoice_number LIKE 'C%'), count(customer_number), min(invoiced_at) FROM landed",
        "invoice_lines")
    assert (lines, amount) == (len(written), total)
    assert credits == sum(row["InvoiceNo"].startswith("C") for row in written)
    assert customers == sum(bool(row["CustomerID"]) for row in written)
    assert first == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert kit.query("SELECT customer_number FROM landed WHERE source_line = 2", "invoice_lines") == [(17850,)]


def _rows(path: Path) -> list[dict[str, str]]:
    text = gzip.decompress(path.read_bytes()).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", ["nhs_spend"])
def test_manifest_names_every_file(real_data: Real, name: str) -> None:
    folder = real_data(name)
    listed = {line["file"] for line in csv.DictReader((folder / "manifest.csv").open(encoding="utf-8"))}
    assert listed == {str(path.relative_to(folder / "raw")) for path in (folder / "raw").glob("*/*.gz")}

"""How files are written: encodings, line ends, headers, dates, numbers, words, closing rows. One file at a time, nothing is landed."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import yaml

from concord.errors import UsageError
from concord.settings import PROJECT
from ingestion import landing
from ingestion.columns import Misfit
from ingestion.filedrop.folder import digest, unpacked
from ingestion.filedrop.form import as_system, parse_drop
from ingestion.filedrop.take import Refused, Taken, take_file
from ingestion.filedrop.values import Ways, date_parser, number_parser, typed_text

HEADER = "Date,Supplier,Amount\n"
Take = Callable[..., Taken]


@pytest.fixture
def take(kit: Any) -> Take:
    def one(content: str | bytes, name: str = "a.csv", changes: tuple[tuple[str, str], ...] = ()) -> Taken:
        kit.change(*changes)
        drop = parse_drop(yaml.safe_load(kit.form.read_text()), "drops/till.yml")
        raw = content.encode() if isinstance(content, str) else content
        system = as_system(drop)
        meta = {"_connection": "till", "_extracted_at": datetime.now(UTC), "_load_id": "1", "_deleted": False}
        return take_file(name, unpacked(name, raw), digest(raw), drop.tables["lines"], system.resources["lines"],
                         schema=landing.schemas(system)["lines"], meta=meta, taken_at=datetime.now(UTC))
    return one


def rows(taken: Taken, *columns: str) -> list[tuple[Any, ...]]:
    found = [row for batch in taken.batches for row in batch.to_pylist()]
    return [tuple(row[column] for column in columns) for row in found]


@pytest.mark.parametrize("content", [
    "Date,Supplier,Amount\r13/01/2026,Café Nord,5\r",
    "\ufeffDate,Supplier,Amount\r\n13/01/2026,Café Nord,5\r\n",
    "Date;Supplier;Amount\n13/01/2026;Café Nord;5",
    "Date\tSupplier\tAmount\n13/01/2026\tCafé Nord\t5\n",
    "Amount,  SUPPLIER  name ,Date Paid,\n5,Café Nord,13/01/2026,\n",
    "Spend over 25k\n\nJanuary\nDate,Supplier,Amount\n13/01/2026,Café Nord,5\n",
    "Date,Page,Supplier,Amount in Sterling\n13/01/2026,7,Café Nord,£5.00\n",
], ids=["cr", "bom-crlf", "semicolon", "tab", "reordered", "preamble", "ignored-variant"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_one_line_however_it_is_written(take: Take, content: str, encoding: str) -> None:
    if encoding == "cp1252":
        content = content.lstrip("\ufeff")
    taken = take(content.encode(encoding))
    assert rows(taken, "paid_on", "supplier", "amount", "currency") == [(date(2026, 1, 13), "Café Nord", Decimal(5), "GBP")]
    assert not taken.quarantined and taken.drift == []


def test_line_ends_and_delimiters_inside_quotes_stay(take: Take) -> None:
    taken = take('Date,Supplier,Amount\r\n13/01/2026,"Nord, Süd\r\nLtd","1,234.50"\r\n14/01/2026,B,2\r\n')
    assert rows(taken, "supplier", "amount", "source_line") == [("Nord, Süd\r\nLtd", Decimal("1234.5"), 2), ("B", Decimal(2), 4)]


def test_numbers_in_all_their_forms(take: Take) -> None:
    written = ["1,234.56", "-1,234.56", "1,234.56-", "(1,234.56)", "£1,234.56", "-£1,234.56", "(£1,234.56)", "1234.56 GBP", "\u22121234.56", " 1,234.56 "]
    taken = take(HEADER + "".join(f'13/01/2026,A,"{one}"\n' for one in written))
    assert [float(row[0]) for row in rows(taken, "amount")] == [
        1234.56, -1234.56, -1234.56, -1234.56, 1234.56, -1234.56, -1234.56, 1234.56, -1234.56, 1234.56]


def test_the_files_other_cells_decide_between_two_locales(take: Take) -> None:
    points = take(HEADER + '13/01/2026,A,"1,234"\n13/01/2026,A,"1,234.5"\n')
    assert rows(points, "amount") == [(Decimal(1234),), (Decimal("1234.5"),)]
    commas = take(HEADER + '13/01/2026,A,"1,234"\n13/01/2026,A,"7,5"\n')
    assert rows(commas, "amount") == [(Decimal("1.234"),), (Decimal("7.5"),)]
    with pytest.raises(Refused) as caught:
        take(HEADER + '13/01/2026,A,"1,234"\n13/01/2026,A,5\n')
    assert "ambiguous" in caught.value.rows[0].reason and "1 of 2 rows are bad" in str(caught.value)
    with pytest.raises(Refused):  # both ways are shown: nothing decides
        take(HEADER + '13/01/2026,A,"1,234"\n13/01/2026,A,"1,234.5"\n13/01/2026,A,"7,5"\n13/01/2026,A,"2,345"\n')


def test_the_files_other_cells_decide_between_day_and_month(take: Take) -> None:
    american = take(HEADER + "1/31/2026,A,1\n2/3/2026,A,1\n")
    assert rows(american, "paid_on") == [(date(2026, 1, 31),), (date(2026, 2, 3),)]
    british = take(HEADER + "31/1/2026,A,1\n2/3/2026,A,1\n")
    assert rows(british, "paid_on") == [(date(2026, 1, 31),), (date(2026, 3, 2),)]
    mixed = take(HEADER + "2026-01-31,A,1\n05/05/2026,A,1\n31-Jan-26,A,1\n")
    assert rows(mixed, "paid_on") == [(date(2026, 1, 31),), (date(2026, 5, 5),), (date(2026, 1, 31),)]
    with pytest.raises(Refused) as caught:
        take(HEADER + "2/3/2026,A,1\n")
    assert "reads differently as %d/%m/%Y and %m/%d/%Y" in caught.value.rows[0].reason


def test_an_override_says_how_some_files_are_written(take: Take) -> None:
    change = (("    ignored: [Page]", '    ignored: [Page]\n    overrides: [{files: ["us_*"], read: {dates: ["%m/%d/%Y"]}}]'),)
    assert rows(take(HEADER + "2/3/2026,A,1\n", "us_feb.csv", change), "paid_on") == [(date(2026, 2, 3),)]


def test_words_and_references_in_number_columns(take: Take) -> None:
    taken = take("Date,Supplier,Amount,Freight\n13/01/2026,A,1,7.5\n13/01/2026,A,1,included\n13/01/2026,A,1,See 93\n13/01/2026,A,1,\n13/01/2026,A,1,about 5\n")
    assert rows(taken, "freight", "freight_note") == [(Decimal("7.5"), None), (None, "included"), (None, "See 93"), (None, None)]
    assert [(bad.column, "aaaaa 9" in bad.reason, json.loads(bad.raw)["cells"]["Freight"]) for bad in taken.quarantined] == [("freight", True, "about 5")]
    assert ("freight", "retyped") in [(drift.column, drift.change) for drift in taken.drift]


def test_blank_rows_repeated_headers_and_closing_rows_are_no_data(take: Take) -> None:
    taken = take(HEADER + "13/01/2026,A,1\n,,\nDATE,supplier,Amount\n13/01/2026,Total Oil,2\n13/01/2026,B,3\nTotal,,6\n,,\n")
    assert rows(taken, "supplier") == [("A",), ("Total Oil",), ("B",)]
    assert taken.left_out == {"blank": 2, "repeated header": 1, "closing row": 1}
    # the word alone makes no closing row: rows follow it
    middle = take(HEADER + "Total,A,1\n13/01/2026,B,3\n13/01/2026,C,3\n")
    assert [bad.key for bad in middle.quarantined] == ["a.csv|2"]


def test_a_closing_row_may_have_to_agree(take: Take) -> None:
    change = (("    ignored: [Page]", "    ignored: [Page]\n    footer_total: amount"),)
    assert take(HEADER + '13/01/2026,A,1.10\n13/01/2026,B,2.20\nTotal,,"3.30"\n', changes=change).rows == 2
    with pytest.raises(Refused, match="sum of amount: 3.31 in the closing row, 3.30 in the rows"):
        take(HEADER + "13/01/2026,A,1.10\n13/01/2026,B,2.20\nTotal,,3.31\n")
    with pytest.raises(Refused, match="no closing row"):
        take(HEADER + "13/01/2026,A,1.10\n")


def test_two_currencies_are_told_apart(take: Take) -> None:
    taken = take(HEADER + "13/01/2026,A,€5\n13/01/2026,B,£5\n13/01/2026,C,5\n")
    assert rows(taken, "currency") == [("EUR",), ("GBP",), ("GBP",)]


def test_ragged_rows_are_bad_rows(take: Take) -> None:
    taken = take(HEADER + "13/01/2026,A,1\n13/01/2026,B\n13/01/2026,C,3,,\n13/01/2026,D,3\n13/01/2026,E,5\n13/01/2026,F,4,x\n")
    assert rows(taken, "supplier") == [("A",), ("C",), ("D",), ("E",)]
    assert [bad.reason for bad in taken.quarantined] == ["the row has 2 cells, the header 3", "the row has 4 cells, the header 3"]


@pytest.mark.parametrize(("content", "why"), [
    ("When,Who,How much\n13/01/2026,A,1\n", "the header is unknown: no header for paid_on, supplier, amount; line 1 holds 'When'"),
    ("Date,Supplier\n13/01/2026,A\n", "no header for amount"),
    ("", "the file holds no rows"),
    (HEADER, "a header and no rows"),
    (HEADER + '13/01/2026,"A,1\n', "line 2 cannot be parsed"),
    (HEADER + "x,A,1\n13/01/2026,B,1\n", "1 of 2 rows are bad, more than 34.0%"),
    (b"PK\x03\x04 no workbook", "the workbook cannot be opened"),
    (b"Date,Supplier,Amount\n\x00\x00", "zero bytes"),
])
def test_what_does_not_fit_is_refused(take: Take, content: str | bytes, why: str) -> None:
    with pytest.raises(Refused) as caught:
        take(content, changes=(("  delimiters: [\",\", \";\", \"\\t\"]\n", ""),))
    assert why in str(caught.value)


def test_a_file_cut_off_is_refused() -> None:
    with pytest.raises(ValueError, match="cut off"):
        unpacked("a.csv.gz", gzip.compress(HEADER.encode() * 50)[:-12])


def test_a_header_that_stands_twice_loses_nothing(take: Take) -> None:
    taken = take("Date,Supplier,Amount,Amount,Net,Net,\n13/01/2026,A,1,2,3,4,\n13/01/2026,A,x,2,3,4,\n13/01/2026,B,1,,,,\n")
    assert rows(taken, "amount", "_extra") == [(Decimal(1), '{"Amount (column 4)":"2","Net":"3","Net (column 6)":"4"}'), (Decimal(1), None)]
    assert json.loads(taken.quarantined[0].raw)["cells"]["Net (column 6)"] == "4"


def test_the_documented_form_fits() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs" / "file-drop.md").read_text(encoding="utf-8"), re.DOTALL)
    drop = parse_drop(yaml.safe_load(blocks[1]), "docs/file-drop.md")
    assert set(as_system(drop).resources["spend_lines"].columns) >= {"organisation", "freight_note", "currency", "source_file"}
    assert drop.tables["spend_lines"].reading_of("US/a.csv").dates == ("%m/%d/%Y",)


def test_unknown_headers_are_kept_and_told(take: Take) -> None:
    taken = take("Date,Supplier,Amount,Cost Centre\n13/01/2026,A,1,55\n13/01/2026,B,1,\n")
    assert rows(taken, "_extra") == [('{"Cost Centre":"55"}',), (None,)]
    assert [(drift.column, drift.change) for drift in taken.drift] == [("Cost Centre", "added")]


def workbook(*lines: list[Any], sheet: str = "Spend") -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["Notes only"])
    page = book.create_sheet(sheet)
    for line in lines:
        page.append(line)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_a_workbook(take: Take) -> None:
    content = workbook(["Spend in January"], [], ["Date", "Supplier", "Amount", "Invoice No", "Freight"],
                       [datetime(2026, 1, 2), "A", 0.1 + 0.2, 85123, "Included"], ["13/01/2026", "B", "1,234.50", "C7", None], ["Total", None, 9])
    taken = take(content, "a.xlsx")
    # numbers and dates that the workbook has as such know no locale: 2 January is not ambiguous there
    assert rows(taken, "paid_on", "supplier", "amount", "invoice", "freight_note", "source_line") == [
        (date(2026, 1, 2), "A", Decimal("0.3"), "85123", "Included", 4), (date(2026, 1, 13), "B", Decimal("1234.5"), "C7", None, 5)]


def test_json_lines(take: Take) -> None:
    lines = [{"Date": "2026-01-13", "Supplier": {"Name": "A"}, "Amount": 1234.5, "Invoice No": 12}, {"Date": "2026-01-14", "Supplier": {"Name": "B"}, "Amount": "7.50"}]
    content = "\n".join(map(json.dumps, lines)).replace("1234.5", "12345678901234567.25")
    taken = take(content, "a.jsonl", (("headers: [Supplier, Supplier Name]", "headers: [Supplier.Name]"),))
    assert rows(taken, "supplier", "amount", "invoice") == [("A", Decimal("12345678901234567.25"), "12"), ("B", Decimal("7.5"), None)]
    with pytest.raises(Refused, match="line 1 is no object"):
        take("[1, 2]\n", "a.jsonl")


def test_a_natural_key_stands_once_in_a_file(take: Take) -> None:
    changes = (("    ignored: [Page]", "    ignored: [Page]\n    key: [invoice]"),)
    taken = take("Date,Supplier,Amount,Invoice No\n13/01/2026,A,1,7\n13/01/2026,B,2,8\n13/01/2026,C,3,7\n", changes=changes)
    assert rows(taken, "invoice", "supplier") == [("7", "A"), ("8", "B")]
    assert [(bad.key, bad.reason) for bad in taken.quarantined] == [("7", "the key is on line 2 already")]


@pytest.mark.parametrize(("example", "text", "value"), [
    ("1,234.56", "12,34", None), ("1,234.56", "1,2345", None), ("1.234,56", "1.234.567,8", "1234567.8"), ("1 234,56", "1\u202f234,5", "1234.5"),
    ("1'234.56", "1\u2019234.50", "1234.50"), ("1234.56", "1,234", None), ("1234,56", "12,5", "12.5"), ("1,234.56", "1.23E+11", None),
    ("1,234.56", ".5", "0.5"), ("1,234.56", "5.", "5"), ("1,234.56", "-", None), ("1,234.56", "", None),
])
def test_numbers_by_example(example: str, text: str, value: str | None) -> None:
    found = number_parser(example)(text)
    assert found == value or (found is not None and value is not None and Decimal(found) == Decimal(value))


def test_dates_by_format() -> None:
    assert date_parser("%d. %B %Y", {"märz": 3})("4. März 2026") == "2026-03-04"
    assert date_parser("serial", {})("46035") == "2026-01-13"
    assert date_parser("%d/%m/%Y", {})("31/02/2026") is None
    assert date_parser("%d/%m/%Y %H:%M", {})("01/02/2026 10:30") is None  # a column of days would lose the hour
    assert date_parser("%d/%m/%Y %H:%M", {}, with_time=True)("01/02/2026 10:30") == "2026-02-01T10:30:00"
    ways = Ways(["%d/%m/%y"], [date_parser("%d/%m/%y", {})], "date")
    with pytest.raises(Misfit, match="written as %d/%m/%y"):
        ways.value("John Smith")


def test_typed_cells_know_no_locale() -> None:
    assert [typed_text(one) for one in (True, 1e20, 0.1, 85123.0, datetime(2026, 1, 2), datetime(2026, 1, 2, 3))] == [
        "true", "100000000000000000000", "0.1", "85123", "2026-01-02", "2026-01-02T03:00:00"]


@pytest.mark.parametrize(("old", "new", "told"), [
    ("    ignored: [Page]", "    ignored: [Page]\n    hasty: true", "tables.lines.hasty: unknown key. Known here: bad_rows"),
    ("type: date,", "type: day,", "tables.lines.columns.paid_on.type"),
    ("    ignored: [Page]", "    key: [nobody]", "key must name columns; `nobody` is none"),
    ('numbers: ["1,234.56", "1.234,56"]', 'numbers: ["1,2"]', "is no example of a number"),
    ('"%d-%b-%y"]', '"soon"]', "is no date format"),
    ("[utf-8, cp1252]", "[latin-99]", "no encoding is called 'latin-99'"),
    ("settle: 0s", "settle: soon", "settle: write a number and s, m or h"),
    ("note: freight_note", "note: amount", "two columns are called `amount`"),
    ("    ignored: [Page]", '    overrides: [{files: ["x"], read: {datum: 1}}]', "tables.lines.overrides.0.read.datum: unknown key"),
    ("    ignored: [Page]", "    footer_total: supplier", "totals are of number columns; `supplier` is none"),
    ('["(?i)^total"]', '["(total"]', "is no regular expression"),
])
def test_a_form_that_does_not_fit_is_told_with_its_place(kit: Any, old: str, new: str, told: str) -> None:
    kit.change((old, new))
    with pytest.raises(UsageError) as caught:
        kit.take()
    assert told in str(caught.value) and "drops/till.yml" in str(caught.value)

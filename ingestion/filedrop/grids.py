"""A file's bytes -> its header and rows of cells. Values are as written; what they mean is for values.py and take.py."""

from __future__ import annotations

import codecs
import csv
import io
import json
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from ingestion.filedrop.form import Reading, TableForm

Row = tuple[int, Sequence[Any]]  # line and cells; a cell is text as written, or has the type that a workbook or JSON gives it
_KEPT = 50_000  # rows kept between the survey and the taking; a longer file is parsed twice instead
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Unreadable(ValueError):
    """The file as a whole does not fit; the text is the reason in the report."""


@dataclass(frozen=True)
class Header:
    """Which column is at which place. `extra`: headers that nobody knows. `missing`: columns that the file does not have."""

    line: int
    cells: tuple[str, ...]
    names: tuple[str, ...]  # the same, each one once
    places: dict[str, int]
    extra: dict[int, str]
    missing: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class Grid:
    """An opened file. `rows()` starts anew each time it is called; `padded`: rows have no length of their own."""

    header: Header
    rows: Callable[[], Iterator[Row]]
    padded: bool
    encoding: str = ""


def open_grid(name: str, content: bytes, table: TableForm, reading: Reading) -> Grid:
    """Find encoding, delimiter or sheet, and header. Raises Unreadable saying why none of them fits."""
    kind = name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind in ("xlsx", "xlsm") or content.startswith(b"PK\x03\x04"):
        return _workbook(content, table, reading)
    if kind in ("jsonl", "ndjson", "json"):
        return _json_lines(content, table, reading)
    return _text(content, table, reading)


def normal(text: Any) -> str:
    """A header as it is compared: without capitals, doubled blanks, byte-order marks and compatibility forms."""
    return " ".join(unicodedata.normalize("NFKC", str(text if text is not None else "")).replace("\ufeff", "").casefold().split())


def is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


# headers


def map_header(line: int, cells: Sequence[Any], table: TableForm) -> Header:
    """Which columns these headers are. A header goes to the column that names it earliest; a column takes one header."""
    names = ["" if cell is None else str(cell).replace("\ufeff", "").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    at: dict[str, int] = {}
    for place, name in enumerate(names):
        at.setdefault(normal(name), place)
    at.pop("", None)
    read = {column: form for column, form in table.columns.items() if not form.from_file}
    places: dict[str, int] = {}
    claimed: set[int] = set()
    for rank in range(max((len(form.headers) for form in read.values()), default=0)):
        for column, form in read.items():
            if column not in places and rank < len(form.headers):
                claim = at.get(normal(form.headers[rank]), -1)
                if claim >= 0 and claim not in claimed:
                    places[column] = claim
                    claimed.add(claim)
    ignored = {normal(one) for one in table.ignored}
    told = _told_apart(names)
    extra = {place: told[place] for place, name in enumerate(names) if place not in claimed and normal(name) not in ignored}
    return Header(line, tuple(names), tuple(told), places, extra, tuple(column for column in read if column not in places))


def _told_apart(names: Sequence[str]) -> list[str]:
    """A name for each place: a header that is blank or stands twice gets its place with it."""
    return [
        f"column {place + 1}" if not name else f"{name} (column {place + 1})" if name in names[:place] else name
        for place, name in enumerate(names)]


def _required(table: TableForm) -> list[str]:
    return [name for name, form in table.columns.items() if not form.from_file and (form.presence == "required" or name in table.key)]


def _find_header(rows: Iterable[Row], table: TableForm, reading: Reading) -> tuple[Header | None, Header | None]:
    """The header among the first rows, and the row that came nearest."""
    required = _required(table)
    nearest: Header | None = None
    for line, cells in islice((row for row in rows if not all(map(is_blank, row[1]))), reading.header_within):
        found = map_header(line, cells, table)
        if found.places and not any(name in found.missing for name in required):
            return found, found
        if nearest is None or len(found.places) > len(nearest.places):
            nearest = found
    return None, nearest


def _no_header(nearest: Header | None, table: TableForm) -> Unreadable:
    if nearest is None:
        return Unreadable("the file holds no rows")
    missing = [name for name in _required(table) if name in nearest.missing] or ["every column"]
    seen = ", ".join(repr(name[:40]) for name in nearest.cells[:12])
    return Unreadable(f"the header is unknown: no header for {', '.join(missing)}; line {nearest.line} holds {seen}")


# text


def _text(content: bytes, table: TableForm, reading: Reading) -> Grid:
    encoding = _decoded(content, reading)[1]
    nearest: Header | None = None
    for delimiter in reading.delimiters:
        try:
            header, near = _find_header(_csv_rows(content, encoding, delimiter), table, reading)
        except Unreadable:
            if len(reading.delimiters) == 1:
                raise
            continue
        if header is not None:
            return Grid(header, _kept(_below(header, partial(_csv_rows, content, encoding, delimiter))), False, encoding)
        if nearest is None or (near is not None and len(near.cells) > len(nearest.cells)):
            nearest = near
    raise _no_header(nearest, table)


def _decoded(content: bytes, reading: Reading) -> tuple[str, str]:
    for mark, name in _BOMS:
        if content.startswith(mark):
            encodings: Sequence[str] = (name,)
            break
    else:
        encodings = reading.encodings
    for name in encodings:
        encoding = "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name
        try:
            text = content.decode(encoding)
        except UnicodeError:
            continue
        if "\x00" in text[:100_000]:
            raise Unreadable("the file is not text, or in another encoding: it holds zero bytes")
        return text, encoding
    raise Unreadable(f"the file is not written in {' or '.join(encodings)}")


def _csv_rows(content: bytes, encoding: str, delimiter: str) -> Iterator[Row]:
    # newline="": lines end in CR, LF or both, and line ends inside quotes stay as they are
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"line {line} cannot be parsed ({error})") from None


def _below(header: Header, rows: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    return lambda: (row for row in rows() if row[0] > header.line)


def _kept(rows: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    """The same rows, parsed once where they are few enough to be kept."""
    kept: list[Row] | None = None
    is_long = False

    def again() -> Iterator[Row]:
        nonlocal kept, is_long
        if kept is None and not is_long:
            found = list(islice(rows(), _KEPT + 1))
            if len(found) <= _KEPT:
                kept = found
            else:
                is_long = True
        return iter(kept) if kept is not None else rows()

    return again


# workbooks


def _workbook(content: bytes, table: TableForm, reading: Reading) -> Grid:
    import openpyxl  # type: ignore[import-untyped]
    from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        if reading.sheet and reading.sheet not in book.sheetnames:
            raise Unreadable(f"the workbook has no sheet {reading.sheet!r}; it has {', '.join(map(repr, book.sheetnames))}")
        nearest: Header | None = None
        for sheet in [book[reading.sheet]] if reading.sheet else book.worksheets:
            def lines(sheet: Any = sheet) -> Iterator[Row]:
                sheet.reset_dimensions()  # the size that some exporters write is wrong
                return ((line, cells) for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1))

            header, near = _find_header(lines(), table, reading)
            if header is not None:
                return Grid(header, _kept(_below(header, lines)), True)
            if nearest is None or (near is not None and len(near.places) > len(nearest.places)):
                nearest = near
    except Unreadable:
        raise
    except (InvalidFileException, zipfile.BadZipFile, OSError, KeyError, ValueError, EOFError, SyntaxError, TypeError) as error:
        raise Unreadable(f"the workbook cannot be opened ({type(error).__name__})") from None
    raise _no_header(nearest, table)


# JSON lines


def _json_lines(content: bytes, table: TableForm, reading: Reading) -> Grid:
    text, encoding = _decoded(content, reading)
    records: list[tuple[int, dict[str, Any]]] = []
    names: dict[str, None] = {}
    for line, one in enumerate(io.StringIO(text), start=1):
        if one.strip():
            try:
                record = json.loads(one, parse_float=Decimal)  # a float would lose digits
            except ValueError as error:
                raise Unreadable(f"line {line} is no JSON ({error})") from None
            if not isinstance(record, dict):
                raise Unreadable(f"line {line} is no object but {type(record).__name__}; write one object a line")
            flat = _flat(record)
            names |= dict.fromkeys(flat)
            records.append((line, flat))
    header = map_header(0, list(names), table)
    if not header.places or any(name in header.missing for name in _required(table)):
        raise _no_header(header if names else None, table)
    order = list(names)
    return Grid(header, lambda: ((line, [record.get(name) for name in order]) for line, record in records), True, encoding)


def _flat(record: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Members of inner objects as `outer.inner`; lists as their JSON."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = json.dumps(value, default=float) if isinstance(value, list) else value
    return found

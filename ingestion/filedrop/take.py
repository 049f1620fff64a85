"""One file -> typed rows, all of them or none. Decides which rows are bad and whether the file fits; writes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import pyarrow as pa

from ingestion import landing
from ingestion.columns import Misfit, Quarantined, compile_columns, dump, type_page
from ingestion.filedrop.form import ColumnForm, Currency, Reading, TableForm
from ingestion.filedrop.grids import Grid, Row, Unreadable, is_blank, normal, open_grid
from ingestion.filedrop.totals import Control, Totals
from ingestion.filedrop.values import Ways, date_parser, number_parser, shape, typed_text
from ingestion.readers import Drift
from ingestion.spec import Resource

_PAGE = 10_000
_BLANK = "the cell is blank"
_TOLD = 1_000  # bad rows that a refused file's report shows


@dataclass
class Taken:
    """A file that fits."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    quarantined: list[Quarantined] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    keys: set[tuple[Any, ...]] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)  # blank rows, repeated headers, closing rows


class Refused(Exception):
    """A file that does not fit: the reasons, and its bad rows as far as they are known."""

    def __init__(self, reasons: Sequence[str], rows: Sequence[Quarantined] = ()) -> None:
        super().__init__("; ".join(reasons))
        self.reasons, self.rows = list(reasons), list(rows)


def take_file(
    name: str, content: bytes, digest: str, table: TableForm, resource: Resource, *, schema: pa.Schema, meta: dict[str, Any],
    taken_at: datetime, control: Control | None = None, with_keys: bool = False,
) -> Taken:
    """Read, type and check a file. `with_keys`: remember the keys of its rows. Raises Refused where it must not be landed at all."""
    reading = table.reading_of(name)
    try:
        grid = open_grid(name, content, table, reading)
        taking = _Taking(name, table, reading, grid, resource, schema, {**meta, "source_file": name, "source_taken_at": taken_at})
        taking.with_keys = with_keys
        taking.survey()
        taking.read()
    except Unreadable as error:
        raise Refused([str(error)]) from None
    out = taking.out
    reasons = []
    bad = len(out.quarantined)
    if bad and bad > table.bad_rows * (out.rows + bad):
        reasons.append(f"{bad} of {out.rows + bad} rows are bad, more than {table.bad_rows:.1%}")
    if not out.rows + bad and not (control is not None and control.rows == 0):
        reasons.append("the file holds a header and no rows")
    if control is not None:
        counted = taking.with_footers() if table.manifest and table.manifest.counts_footers else out.totals
        reasons += control.differences(counted, digest)
    reasons += taking.footer_differences()
    if reasons:
        raise Refused(reasons, out.quarantined[:_TOLD])
    return out


class _Taking:
    """The state of reading one file."""

    def __init__(
        self, name: str, table: TableForm, reading: Reading, grid: Grid, resource: Resource, schema: pa.Schema, meta: dict[str, Any],
    ) -> None:
        self.name, self.table, self.reading, self.grid, self.schema, self.meta = name, table, reading, grid, schema, meta
        self.out = Taken()
        self.footers: list[Row] = []
        self.retyped: dict[str, int] = {}
        self.header = grid.header
        self._own_header = [normal(cell) for cell in grid.header.cells]
        self._footer = [re.compile(one) for one in reading.footers]
        self._opens: dict[Any, bool] = {}
        self._closes: dict[Any, bool] = {}
        self._compiled = compile_columns(
            {column: spec for column, spec in resource.columns.items() if column not in ("source_file", "source_taken_at")},
            tuple(one for one in table.key if one not in ("source_file", "source_taken_at")), zone=reading.time_zone, text_values=True)
        self._cells = {column: _Cells(form, reading) for column, form in table.columns.items() if column in self.header.places}
        self._fixed = {column: _from_file(column, form, name) for column, form in table.columns.items() if form.from_file}
        self._natural = "source_line" not in table.key
        self.with_keys = False
        self._seen: dict[tuple[Any, ...], int] = {}
        self.out.drift += [
            Drift(text, "added", f"a header that the drop's form does not know, first in {name}; kept in _extra")
            for text in self.header.extra.values() if not text.startswith("column ")]
        self.out.drift += [
            Drift(column, "removed", f"{name} has no header for it") for column in self.header.missing
            if table.columns[column].presence != "optional"]

    # rows

    def rows(self) -> Iterator[Row]:
        """Rows that carry data: no blank ones, no header again, no closing rows."""
        left: dict[str, int] = {}
        held: list[Row] = []
        for line, cells in self.grid.rows():
            if not cells or (is_blank(cells[0]) and all(map(is_blank, cells))):
                left["blank"] = left.get("blank", 0) + 1
                continue
            if self._is_header(cells):
                left["repeated header"] = left.get("repeated header", 0) + 1
                continue
            if self._footer and self._is_footer(cells):
                held.append((line, cells))
                continue
            if held:  # rows go on after it: it was no closing row
                yield from held
                held = []
            yield line, cells
        if held:
            left["closing row"] = len(held)
        self.footers, self.out.left_out = held, left

    def _is_header(self, cells: Sequence[Any]) -> bool:
        if not self._once(self._opens, cells[0], lambda cell: normal(cell) == self._own_header[0]):
            return False
        found = [normal(cell) for cell in cells]
        while found and not found[-1]:
            found.pop()
        return found == self._own_header

    def _is_footer(self, cells: Sequence[Any]) -> bool:
        first = cells[0] if not is_blank(cells[0]) else next(cell for cell in cells if not is_blank(cell))
        return self._once(self._closes, first, lambda cell: any(one.search(str(cell).strip()) for one in self._footer))

    @staticmethod
    def _once(known: dict[Any, bool], cell: Any, tell: Callable[[Any], bool]) -> bool:
        """First cells repeat: what one is, is found out once."""
        found = known.get(cell)
        if found is None:
            found = tell(cell)
            if len(known) < 10_000:
                known[cell] = found
        return found

    def survey(self) -> None:
        """Learn from the whole file how its dates and numbers are written, where several ways are possible."""
        open_columns = [(self.header.places[column], cells) for column, cells in self._cells.items() if cells.ways and cells.ways.needs_survey]
        if not open_columns:
            return
        seen: list[set[Any]] = [set() for _ in open_columns]
        for _, row in self.rows():
            for number, (place, _cells) in enumerate(open_columns):
                if place < len(row) and isinstance(row[place], str):
                    seen[number].add(row[place])
            for number, (_place, cells) in enumerate(open_columns):
                if len(seen[number]) > 50_000:
                    cells.survey(seen[number])
                    seen[number] = set()
        for number, (_place, cells) in enumerate(open_columns):
            cells.survey(seen[number])

    def read(self) -> None:
        rows = self.rows()
        while page := list(islice(rows, _PAGE)):
            self._page(page)
        self.out.drift += [
            Drift(column, "retyped", f"declared {self.table.columns[column].type}, {count} cells in {self.name} are none")
            for column, count in sorted(self.retyped.items()) if column in self.table.columns]

    def _page(self, page: list[Row]) -> None:
        bad: dict[int, tuple[str, str]] = {}
        width = max(self.header.width, 1)
        lines = [line for line, _ in page]
        rows: list[Sequence[Any]] = []
        for place, (_, cells) in enumerate(page):
            if len(cells) != width:
                is_short = len(cells) < width and not self.grid.padded
                if is_short or any(not is_blank(cell) for cell in cells[width:]):
                    bad[place] = ("", f"the row has {len(cells)} cells, the header {width}")
                cells = [*cells[:width], *[None] * (width - len(cells))]
            rows.append(cells)
        written = list(zip(*rows, strict=True))
        values: dict[str, list[str | None]] = {}
        signs: dict[int, str] = {}
        notes: dict[str, list[str | None]] = {}
        for column, reader in self._cells.items():
            found = reader.read(written[self.header.places[column]])
            values[column] = found.texts
            for place, reason in found.misfits.items():
                bad.setdefault(place, (column, reason))
                if reason != _BLANK:
                    self.retyped[column] = self.retyped.get(column, 0) + 1
            if reader.form.note:
                notes[reader.form.note] = found.notes
            for place, code in found.codes.items():
                if signs.setdefault(place, code) != code:
                    bad.setdefault(place, (column, f"the row names two currencies, {signs[place]} and {code}"))
        for column, fixed in self._fixed.items():
            values[column] = [fixed] * len(page)
        values |= notes
        if self.reading.currency:
            self._currency(self.reading.currency, values, signs, bad, len(page))
        for column in self.table.controlled:
            for text in values.get(column, []):
                self.out.totals.add(column, text)
        self.out.totals.rows += len(page)
        self._land(page, lines, written, values, bad)

    def _currency(
        self, currency: Currency, values: dict[str, list[str | None]], signs: dict[int, str], bad: dict[int, tuple[str, str]], size: int,
    ) -> None:
        own = values.get(currency.column) or [None] * size
        codes = list(own)
        for place in range(size):
            sign = signs.get(place)
            if sign and codes[place] and codes[place] != sign:
                bad.setdefault(place, (currency.column, f"the row names {codes[place]}, its amount {sign}"))
            codes[place] = codes[place] or sign or currency.default or None
        values[currency.column] = codes

    def _land(
        self, page: list[Row], lines: list[int], written: list[tuple[Any, ...]], values: dict[str, list[str | None]],
        bad: dict[int, tuple[str, str]],
    ) -> None:
        places = [place for place in range(len(page)) if place not in bad]
        if self._natural:
            places = self._without_repeats(places, lines, values, bad)
        names = [name for name in self._compiled.columns if name in values]
        columns = [values[name] for name in names]
        if bad:
            columns = [[column[place] for place in places] for column in columns]
        records: list[dict[str, Any]] = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
        for record, place in zip(records, places, strict=True):
            record["source_line"] = str(lines[place])
        typed = type_page(self._compiled, records)
        kept = places if typed.kept is None else [places[one] for one in typed.kept]
        still = set(kept)
        for found, place in zip(typed.quarantined, (one for one in places if one not in still), strict=True):
            bad[place] = (found.column, found.reason)
        for place, (column, reason) in sorted(bad.items()):
            self.out.quarantined.append(Quarantined(self._key_text(values, lines, place), reason, column, self._raw(page[place])))
        if not typed.rows:
            return
        meta = dict(self.meta)
        if self.header.extra:
            meta["_extra"] = pa.array([self._extra(page[place][1]) for place in kept], pa.string())
        batch = landing.batch_of(self.schema, typed.columns, typed.rows, meta)
        self.out.batches.append(batch)
        self.out.rows += batch.num_rows
        if self.with_keys:
            self.out.keys |= set(zip(*(batch.column(name).to_pylist() for name in self.table.key), strict=True))

    def _without_repeats(
        self, places: list[int], lines: list[int], values: dict[str, list[str | None]], bad: dict[int, tuple[str, str]],
    ) -> list[int]:
        """Of rows with one key in one file the first stands: which of them is right, no rule can say."""
        kept = []
        for place in places:
            key = tuple(values[name][place] for name in self.table.key if name in values)
            first = self._seen.setdefault(key, lines[place])
            if first != lines[place]:
                bad[place] = (self.table.key[0], f"the key is on line {first} already")
            else:
                kept.append(place)
        return kept

    def _key_text(self, values: dict[str, list[str | None]], lines: list[int], place: int) -> str:
        own = {"source_file": self.name, "source_line": str(lines[place])}
        return "|".join(own.get(name) or str(values[name][place] if name in values else None) for name in self.table.key)

    def _raw(self, row: Row) -> str:
        line, cells = row
        names = [*self.header.names, *(f"column {place + 1}" for place in range(self.header.width, len(cells)))]
        found = dict(zip(names, cells, strict=False))
        return dump({"source_file": self.name, "source_line": line, "cells": found})

    def _extra(self, cells: Sequence[Any]) -> str | None:
        found = {text: typed_text(cells[place]) if not isinstance(cells[place], str) else cells[place]
                 for place, text in self.header.extra.items() if place < len(cells) and not is_blank(cells[place])}
        return dump(dict(sorted(found.items()))) if found else None

    # totals

    def _footer_numbers(self) -> Iterator[tuple[str, str | None]]:
        for _, cells in self.footers:
            for column in self.table.controlled:
                place = self.header.places.get(column)
                if place is not None:
                    cell = cells[place] if place < len(cells) else None
                    yield column, self._cells[column].read([cell]).texts[0]

    def with_footers(self) -> Totals:
        """The totals as a manifest has them that was counted over all rows."""
        own = self.out.totals
        found = Totals(own.rows + len(self.footers), dict(own.sums), dict(own.negatives), dict(own.blanks))
        for column, text in self._footer_numbers():
            found.add(column, text)
        return found

    def footer_differences(self) -> list[str]:
        """What the file's own closing row says otherwise, where the form asks for it."""
        column = self.table.footer_total
        if not column:
            return []
        stated = [text for name, text in self._footer_numbers() if name == column and text is not None]
        if not stated:
            return [f"no closing row states the sum of {column}"]
        found = Totals()
        found.add(column, stated[-1])
        have, want = self.out.totals.sums.get(column, 0), found.sums[column]
        return [] if have == want else [f"sum of {column}: {want} in the closing row, {have} in the rows"]


@dataclass
class _Read:
    """A column of a page: canonical texts, and what there is to say of single cells by place."""

    texts: list[str | None]
    misfits: dict[int, str] = field(default_factory=dict)
    notes: list[str | None] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)  # currencies that amounts name


class _Cells:
    """The cells of one column of one file."""

    def __init__(self, form: ColumnForm, reading: Reading) -> None:
        self.form = form
        self.words = {normal(word) for word in form.words}
        self.patterns = [re.compile(one) for one in form.patterns]
        self.values = {normal(text): value for text, value in form.values.items()}
        self.ways: Ways | None = None
        self.symbols: dict[str, str] = {}
        if form.is_number:
            examples = form.numbers or reading.numbers
            self.ways = Ways(examples, [number_parser(one) for one in examples], "number")
            if reading.currency:
                signs = {**reading.currency.symbols, **{code: code for code in reading.currency.symbols.values()}}
                self.symbols = dict(sorted(signs.items(), key=lambda sign: -len(sign[0])))  # US$ before $
        elif form.is_date:
            formats = form.dates or reading.dates
            with_time = form.type != "date"
            self.ways = Ways(formats, [date_parser(one, reading.months, with_time=with_time) for one in formats], "date")
        # nothing to look up: most columns of most files
        self.plain = form.type == "string" and not (self.words or self.patterns or self.values or form.filled)
        self._known: dict[str, tuple[str | None, str, str | None, str]] = {}

    def survey(self, cells: set[Any]) -> None:
        for cell in cells:
            text = cell.strip()
            if text and self.ways and not self._means_nothing(text):
                self.ways.survey(self._bare(self.values.get(normal(text), text))[0] if self.values else self._bare(text)[0])

    def read(self, cells: Sequence[Any]) -> _Read:
        if self.plain:
            return _Read([self._plain(cell) for cell in cells])
        out = _Read([], notes=[None] * len(cells) if self.form.note else [])
        known, texts = self._known, out.texts
        for place, cell in enumerate(cells):
            if isinstance(cell, str):
                found = known.get(cell)
                if found is None:
                    found = self._one(cell)
                    if len(known) < 100_000:
                        known[cell] = found
            else:
                found = self._typed(cell)
            text, reason, note, code = found
            texts.append(text)
            if reason:
                out.misfits[place] = reason
            if note is not None:
                out.notes[place] = note
            if code:
                out.codes[place] = code
        return out

    def _plain(self, cell: Any) -> str | None:
        if cell is None:
            return None
        text = cell if isinstance(cell, str) else typed_text(cell)
        return (text.strip() if self.form.trim else text) or None

    def _typed(self, cell: Any) -> tuple[str | None, str, str | None, str]:
        if cell is None:
            return None, _BLANK if self.form.filled else "", None, ""
        text = typed_text(cell)
        if self.form.type != "string" and self.form.is_date and isinstance(cell, int | float):
            return self._one(text)  # a bare number is a date only where the form says so
        if self.form.type == "bigint":
            text = _whole(text)
        return self.values.get(normal(text), text), "", None, ""

    def _one(self, cell: str) -> tuple[str | None, str, str | None, str]:
        """Canonical text, what is wrong, the note, the currency."""
        text = cell.strip()
        if not text:
            return None, _BLANK if self.form.filled else "", None, ""
        if self._means_nothing(text):
            return None, "", text if self.form.note else None, ""
        if self.values:
            text = self.values.get(normal(text), text)
        if self.ways is None:
            return (text if self.form.trim or self.form.type != "string" else cell), "", None, ""
        bare, code = self._bare(text)
        try:
            value = self.ways.value(bare)
        except Misfit as error:
            return None, str(error), None, ""
        return (_whole(value) if self.form.type == "bigint" else value), "", None, code

    def _means_nothing(self, text: str) -> bool:
        return (bool(self.words) and normal(text) in self.words) or any(one.fullmatch(text) for one in self.patterns)

    def _bare(self, text: str) -> tuple[str, str]:
        """An amount without its currency sign, and the currency."""
        for symbol, code in self.symbols.items():
            if symbol in text:
                head, _, tail = text.partition(symbol)
                if not head.strip(" (-+\u2212\u00a0") or not tail.strip(" )-\u00a0"):
                    return f"{head.rstrip()}{tail.lstrip()}".strip(), code
        return text, ""


def _whole(text: str) -> str:
    """17850.0 -> 17850: a whole number that an export wrote with a point."""
    head, point, tail = text.partition(".")
    return head if point and not tail.strip("0") else text


def _from_file(column: str, form: ColumnForm, name: str) -> str:
    found = re.search(form.from_file, name)
    if found is None:
        raise Unreadable(f"the file's name does not tell {column}: {form.from_file!r} is not in {shape(name)}")
    return str(found[1])

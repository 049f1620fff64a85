"""Control totals: what a manifest or a closing row says of a file, and whether the file holds it. No reading of the file itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from concord.errors import ConcordError
from ingestion.filedrop.form import Manifest, TableForm
from ingestion.filedrop.grids import normal
from ingestion.filedrop.values import number_parser


@dataclass
class Totals:
    """What a file holds: rows that became rows or went to the quarantine, and the sums of its number columns."""

    rows: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)
    negatives: dict[str, int] = field(default_factory=dict)
    blanks: dict[str, int] = field(default_factory=dict)  # rows without a readable number

    def add(self, column: str, text: str | None) -> None:
        """One cell, as its canonical text; None where it is blank or cannot be read."""
        try:
            number = None if text is None else Decimal(text)
        except InvalidOperation:  # a workbook's cell of another type: its row goes to the quarantine
            number = None
        if number is None:
            self.blanks[column] = self.blanks.get(column, 0) + 1
            return
        self.sums[column] = self.sums.get(column, Decimal()) + number
        if number < 0:
            self.negatives[column] = self.negatives.get(column, 0) + 1


@dataclass(frozen=True)
class Control:
    """One file's line of the manifest, with the names of what it controls."""

    rows: int | None
    sums: Mapping[str, Decimal]
    negatives: Mapping[str, int]
    blanks: Mapping[str, int]
    sha256: str

    @property
    def mark(self) -> str:
        """Differs when the manifest's line was changed."""
        return repr((self.rows, sorted(self.sums.items()), sorted(self.negatives.items()), sorted(self.blanks.items()), self.sha256))

    def differences(self, found: Totals, digest: str) -> list[str]:
        """Each total that does not agree, in words; none where the file holds what it should."""
        told = []
        if self.sha256 and self.sha256.lower() != digest:
            told.append(f"sha256: {self.sha256[:12]}... in the manifest, {digest[:12]}... in the file")
        if self.rows is not None and self.rows != found.rows:
            told.append(f"rows: {self.rows} in the manifest, {found.rows} in the file")
        for column, amount in self.sums.items():
            if amount != found.sums.get(column, Decimal()):
                told.append(f"sum of {column}: {amount} in the manifest, {found.sums.get(column, Decimal())} in the file")
        for what, wanted, have in (("negative", self.negatives, found.negatives), ("blank", self.blanks, found.blanks)):
            for column, count in wanted.items():
                if count != have.get(column, 0):
                    told.append(f"{what} {column}: {count} in the manifest, {have.get(column, 0)} in the file")
        return told

    @property
    def words(self) -> str:
        parts = [] if self.rows is None else [f"{self.rows} rows"]
        return ", ".join(parts + [f"{column} {amount}" for column, amount in self.sums.items()])


def read_manifest(content: bytes, manifest: Manifest, table: TableForm, where: str) -> dict[str, Control]:
    """The manifest's lines by the file's name in the drop. Raises ConcordError naming line and header where it does not fit."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeError:
        raise ConcordError("is not UTF-8.", where=where, field=manifest.file, mend="Save the manifest as UTF-8.") from None
    dialect = "\t" if "\t" in text.partition("\n")[0] else ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect))
    header = [normal(cell) for cell in rows[0]] if rows else []
    wanted = [manifest.name, manifest.rows, manifest.sha256, *manifest.sums.values(), *manifest.negatives.values(), *manifest.blanks.values()]
    for name in wanted:
        if name and normal(name) not in header:
            raise ConcordError(f"has no header {name!r}.", where=where, field=manifest.file, mend="Mend the manifest or the drop's form.")
    reading = table.reading
    parsers = [number_parser(example) for example in ("1234.56", *(reading.numbers if reading else ()))]
    found: dict[str, Control] = {}
    for line, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        told = dict(zip(header, (cell.strip() for cell in cells), strict=False))

        def number(name: str, line: int = line, told: dict[str, str] = told) -> Decimal | None:
            text = told.get(normal(name), "") if name else ""
            if not text:
                return None
            for parser in parsers:
                if (value := parser(text)) is not None:
                    return Decimal(value)
            raise ConcordError(f"line {line}: {name} is no number.", where=where, field=manifest.file, mend="Mend the manifest.")

        def numbers(names: Mapping[str, str]) -> dict[str, Decimal]:
            return {column: value for column, name in names.items() if (value := number(name)) is not None}

        count = number(manifest.rows)
        name = "/".join(part for part in (manifest.under.strip("/"), told.get(normal(manifest.name), "").lstrip("./")) if part)
        found[name] = Control(
            None if count is None else int(count), numbers(manifest.sums), {key: int(value) for key, value in numbers(manifest.negatives).items()},
            {key: int(value) for key, value in numbers(manifest.blanks).items()}, told.get(normal(manifest.sha256), "") if manifest.sha256 else "")
    return found

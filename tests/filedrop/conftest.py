"""A drop in a temporary folder: its form, its files, and what is landed of them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection
from concord.settings import Settings, load_settings
from ingestion.landing import files_of
from ingestion.run import IngestResult, ingest

FORM = """
drop: till
settle: 0s
reading:
  encodings: [utf-8, cp1252]
  delimiters: [",", ";", "\\t"]
  dates: ["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d-%b-%y"]
  numbers: ["1,234.56", "1.234,56"]
  currency: {column: currency, default: GBP, symbols: {"£": GBP, "€": EUR}}
  header_within: 4
  footers: ["(?i)^total"]
tables:
  lines:
    files: ["*.csv*", "*.tsv", "*.xlsx", "*.jsonl"]
    bad_rows: 0.34
    columns:
      paid_on: {type: date, headers: [Date, Date Paid], presence: required}
      supplier: {type: string, headers: [Supplier, Supplier Name], presence: required, pii: true}
      invoice: {type: string, headers: [Invoice No], presence: optional}
      amount: {type: decimal, headers: [Amount, Amount in Sterling], presence: required, filled: true}
      freight: {type: decimal, headers: [Freight], presence: optional, words: [Included], patterns: ['See \\d+'], note: freight_note}
    ignored: [Page]
"""


class DropKit:
    """One connection on a drop, and short ways to write files and to look at what landed."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder, self.form = root, root / "files", root / "drops" / "till.yml"
        self.folder.mkdir()
        self.form.parent.mkdir()
        self.form.write_text(FORM)
        self.settings: Settings = load_settings({**os.environ, "CONCORD_HOME": str(root / "home"), "CONCORD_DATA": ""})
        self.address = str(self.folder)

    @property
    def connection(self) -> Connection:
        return Connection(name="till", system="file_drop", role="erp", settings={"folder": self.address, "drop": str(self.form)})

    def change(self, *pairs: tuple[str, str]) -> None:
        text = self.form.read_text()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        self.form.write_text(text)

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text.encode(encoding)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    def take(self, **options: Any) -> IngestResult:
        (result,) = ingest(self.settings, {"till": self.connection}, **options)
        return result

    def files_of(self, table: str = "lines") -> list[str]:
        return files_of(self.settings, "till", table)

    def query(self, select: str, table: str = "lines") -> list[tuple[Any, ...]]:
        files = self.files_of(table)
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            return database.execute(select.replace("landed", f"read_parquet({files!r}, union_by_name = true)")).fetchall()

    def live(self, columns: str = "source_file, source_line, supplier, amount", key: str = "source_file, source_line") -> list[tuple[Any, ...]]:
        """Rows as staging sees them: the newest version of each key, if it is not deleted."""
        newest = f"SELECT * FROM landed QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY source_taken_at DESC, _extracted_at DESC) = 1"
        return self.query(f"SELECT {columns} FROM ({newest}) WHERE NOT _deleted ORDER BY ALL")


@pytest.fixture
def kit(tmp_path: Path) -> DropKit:
    return DropKit(tmp_path)


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """A folder of the real data sets, where they are at hand."""

    def folder(name: str) -> Path:
        data = load_settings().data
        if data is None or not (data / name).is_dir():
            pytest.skip(f"the real data set {name} is not at hand (CONCORD_DATA)")
        return data / name

    return folder

"""Files of organisations as relations in the form that the matcher reads. Here: finding columns by their headers. Not here: what is done with them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml

from concord.errors import UsageError
from identity.facts import FOLDER
from identity.records import COLUMNS

if TYPE_CHECKING:
    import duckdb

GZIP = b"\x1f\x8b"
DELIMITERS = ",;\t|"
LONGEST = 10_000  # characters of a name; a longer one is half a file behind a quote that was left open
SAMPLE = 100  # rows that tell a file's delimiter
HEADER_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Read:
    """What was found in a file. `columns`: column: header; `guessed`: the encoding, where the file does not say it."""

    headers: list[str]
    columns: dict[str, str]
    guessed: str | None


def _bare(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def columns_of(path: Path, headers: list[str], given: Mapping[str, list[str]] | None = None) -> dict[str, str]:
    """Which header holds which column. `given`: what the user said, column: headers; the first that the file has."""
    found = {column: next(title for title in titles if title in headers) for column, titles in (given or {}).items() if set(titles) & set(headers)}
    aliases = yaml.safe_load((FOLDER / "columns.yml").read_text(encoding="utf-8"))
    bare = {_bare(header): header for header in reversed(headers)}
    for column in COLUMNS:
        for alias in aliases[column]:
            if column not in found and _bare(str(alias)) in bare and bare[_bare(str(alias))] not in found.values():
                found[column] = bare[_bare(str(alias))]
    for column, word in (("record_key", "id"), ("name", "name")):
        if column not in found:
            named = [h for h in headers if word in [w.lower() for w in HEADER_WORD.findall(h)] and h not in found.values()]
            if not named:
                raise UsageError(
                    f"no column of the file is its {'id' if word == 'id' else 'name'}.", where=str(path), field=word,
                    mend=f"It has: {', '.join(headers)}. Rename one to {word!r}, or say which with --column {column}=HEADER.",
                )
            found[column] = named[0]
    return found


def read_file(
    con: duckdb.DuckDBPyConnection, path: Path, table: str, *, side: str | None = None, given: Mapping[str, list[str]] | None = None
) -> Read:
    """Make a temporary table of the file's records. `side`: what its records are marked with, in front of their keys too."""
    import pyarrow as pa

    text, guessed = _text(path)
    header, rows = _rows(path, text)
    found = columns_of(path, header, given)
    at = {column: header.index(title) for column, title in found.items()}
    for line, row in rows:
        if len(long := row[at["name"]]) > LONGEST:
            raise UsageError(f"the name that ends in line {line} has {len(long)} characters.", where=str(path), field=found["name"], mend="Is a quote left open?")
    lines = pa.array([line for line, _ in rows], pa.int64())
    values = {column: pa.array([row[at[column]].strip() or None for _, row in rows] if column in at else [None] * len(rows), pa.string()) for column in COLUMNS}
    con.register("identity_read", pa.table({"line": lines, **values}))
    con.execute(f"create or replace temp table {table} as select * from identity_read")
    con.unregister("identity_read")
    empty = con.execute(f"select min(line) from {table} where record_key is null").fetchone()
    if empty and empty[0]:
        raise UsageError(f"line {empty[0]} has no id.", where=str(path), field=found["record_key"], mend="Every record needs an id.")
    if side:
        con.execute(f"update {table} set record_key = ? || record_key, parent_key = ? || parent_key, source = ?", [f"{side}:", f"{side}:", side])
    return Read(header, found, guessed)


def _text(path: Path) -> tuple[str, str | None]:
    """The file's text, and its encoding where that is a guess: what is not Unicode is most often from a Western Windows."""
    if not path.is_file():
        raise UsageError("there is no such file.", where=str(path), mend="Give a CSV file (or .csv.gz) with an id and a name column.")
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content.startswith(GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"the file cannot be read: {error}.", where=str(path), mend="Give a CSV file (or .csv.gz) that can.") from None
    for encoding in ("utf-16", "cp1252") if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text, encoding if encoding == "cp1252" else None
    raise UsageError("the file is not text.", where=str(path), mend="Save it as CSV in UTF-8 with a header line.")


def _rows(path: Path, text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header and each row with the number of its last line, as long as the header. A file that breaks the rules of quotes is read
    without them if every line then has the header's length: then its quotes are part of the names.
    """
    if not text.strip():
        raise UsageError("the file is empty.", where=str(path), mend="It must be CSV with a header line.")
    csv.field_size_limit(2**31 - 1)  # a long name is no fault of the file's
    delimiter = _delimiter(text)
    try:
        rows = list(_parsed(text, delimiter))
    except csv.Error as error:
        rows = list(_parsed(text, delimiter, quoted=False))
        if any(len(row) != len(rows[0][1]) for _, row in rows):
            line = _broken_line(text, delimiter)
            raise UsageError(
                f"a quote that begins in line {line} is not closed as it should be ({error}).", where=str(path),
                mend='Write a quote within quotes twice ("") and close what is opened.',
            ) from None
    header = [title.strip() for title in rows[0][1]]
    width = len(header)
    for line, row in rows:
        if any(value.strip() for value in row[width:]):
            raise UsageError(f"line {line} has {len(row)} fields, the header {width}.", where=str(path), mend=f"Put a value with {delimiter!r} in it in quotes.")
    return header, [(line, (row + [""] * width)[:width]) for line, row in rows[1:]]


def _parsed(text: str, delimiter: str, *, quoted: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, each with the number of its last line."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True, skipinitialspace=quoted)
    for row in reader:
        if any(value.strip() for value in row):
            yield reader.line_num, row


def _broken_line(text: str, delimiter: str) -> int:
    """Where the row begins that the quotes of which are wrong."""
    line = 1
    with suppress(csv.Error):
        for end, _ in _parsed(text, delimiter):
            line = end + 1
    return line


def _delimiter(text: str) -> str:
    """The one that cuts the first rows into pieces of one number, the more the better."""
    def regular(delimiter: str) -> tuple[bool, float, int]:
        widths = []
        with suppress(csv.Error):  # said when the file is read
            for _, row in islice(_parsed(text, delimiter), SAMPLE):
                widths.append(len(row))
        return (bool(widths) and widths[0] > 1, sum(w == widths[0] for w in widths) / len(widths) if widths else 0.0, widths[0] if widths else 0)

    return max(DELIMITERS, key=regular)

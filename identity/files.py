"""Files of organisations as relations in the form that the matcher reads. Here: finding columns by their headers. Not here: what is done with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from concord.errors import UsageError
from identity.facts import FOLDER
from identity.records import COLUMNS

if TYPE_CHECKING:
    import duckdb

HEADER_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _trimmed(header: str) -> str:
    return f"nullif(trim({_quoted(header)}), '')"


def _bare(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def columns_of(path: Path, headers: list[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Which header holds which column. `given`: what the user said, column: header."""
    found: dict[str, str] = {}
    for column, header in (given or {}).items():
        if column not in COLUMNS:
            raise UsageError(f"there is no column {column!r}.", where="--column", mend=f"Known: {', '.join(COLUMNS)}.")
        if header not in headers:
            raise UsageError("the file has no such column.", where=str(path), field=header, mend=f"It has: {', '.join(headers)}.")
        found[column] = header
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


def read_file(con: duckdb.DuckDBPyConnection, path: Path, table: str, *, side: str | None = None, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make a temporary table of the file's records; the columns found are returned. `side`: what its records are marked with, in front of their keys too."""
    import duckdb

    if not path.is_file():
        raise UsageError("there is no such file.", where=str(path), mend="Give a CSV file (or .csv.gz) with an id and a name column.")
    try:
        source = f"read_csv({_literal(str(path))}, all_varchar = true, header = true, null_padding = true, parallel = false, sample_size = -1)"
        headers = [str(row[0]) for row in con.execute(f"describe select * from {source}").fetchall()]
        found = columns_of(path, headers, given)
        selected = ", ".join(f"{_trimmed(found[c]) if c in found else 'null::varchar'} as {c}" for c in COLUMNS)
        con.execute(f"create or replace temp table {table} as select row_number() over () as line, {selected} from {source}")
    except duckdb.Error as error:
        raise UsageError(f"the file cannot be read: {str(error).splitlines()[0]}", where=str(path), mend="It must be CSV in UTF-8 with a header line.") from None
    empty = con.execute(f"select min(line) + 1 from {table} where coalesce(record_key, '') = ''").fetchone()
    if empty and empty[0]:
        raise UsageError(f"line {empty[0]} has no id.", where=str(path), field=found["record_key"], mend="Every record needs an id.")
    if side:
        con.execute(f"update {table} set record_key = ? || record_key, parent_key = ? || parent_key, source = ?", [f"{side}:", f"{side}:", side])
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""Holds the tables that Spark wrote against those of the DuckDB warehouse, row by row.

Belongs here: what counts as equal. Both sides are read by DuckDB, so that no third way of writing a value down comes in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from concord.errors import ConcordError


@dataclass(frozen=True)
class Comparison:
    """One table. `only_*`: rows that the other side does not have, or not as often; `types`: columns whose type or name differs."""

    table: str
    rows_duckdb: int
    rows_spark: int
    only_duckdb: int
    only_spark: int
    types: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()  # those whose values differ, where both sides have as many rows

    @property
    def is_equal(self) -> bool:
        return not (self.only_duckdb or self.only_spark or self.types)


def compare(warehouse: Path, spark_tables: Path) -> list[Comparison]:
    """Every table and view of the DuckDB warehouse against the folder of its name, in the order of names.

    Raises ConcordError where there is no warehouse, or no folder.
    """
    if not warehouse.exists():
        raise ConcordError("is not there.", where=str(warehouse), mend="Build it with `concord build`.")
    if not spark_tables.is_dir():
        raise ConcordError("is not there.", where=str(spark_tables), mend="Build it with `concord spark build`.")
    with duckdb.connect(str(warehouse), read_only=True) as session:
        session.execute("set TimeZone = 'UTC'")
        names = [name for (name,) in session.sql(
            "select table_name from information_schema.tables where table_schema = 'main' order by table_name").fetchall()]
        return [_compared(session, name, spark_tables / name) for name in names]


def _compared(session: duckdb.DuckDBPyConnection, name: str, folder: Path) -> Comparison:
    ours = _shape(session, f'select * from main."{name}"')
    (rows,) = session.sql(f'select count(*) from main."{name}"').fetchall()[0]
    if not any(folder.glob("*.parquet")):
        return Comparison(name, rows, 0, rows, 0, types=("there is no such table",))
    files = f"select * from read_parquet('{str(folder).replace(chr(39), chr(39) * 2)}/*.parquet')"
    theirs = _shape(session, files)
    types = tuple(
        f"{column}: {ours.get(column, 'missing')} / {theirs.get(column, 'missing')}"
        for column in sorted({*ours, *theirs}) if ours.get(column) != theirs.get(column))
    common = [column for column in ours if column in theirs]
    rendered = ", ".join(f'cast("{column}" as varchar) as "{column}"' for column in common)
    session.execute(f'create or replace temp table ours as select {rendered} from main."{name}"')
    session.execute(f"create or replace temp table theirs as select {rendered} from ({files})")
    (rows_spark,) = session.sql("select count(*) from theirs").fetchall()[0]
    (only_duckdb,) = session.sql("select count(*) from (from ours except all from theirs)").fetchall()[0]
    (only_spark,) = session.sql("select count(*) from (from theirs except all from ours)").fetchall()[0]
    columns: tuple[str, ...] = ()
    if only_duckdb or only_spark:
        columns = tuple(column for column in common if session.sql(
            f'select count(*) from (select "{column}" from ours except all select "{column}" from theirs)').fetchall()[0][0])
    return Comparison(name, rows, rows_spark, only_duckdb, only_spark, types, columns)


def _shape(session: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """Columns and their types; of decimals the places alone, for how many digits a sum has room for is each engine's own."""
    return {name: re.sub(r"DECIMAL\(\d+,(\d+)\)", r"DECIMAL(\1)", kind) for name, kind, *_ in session.sql(f"describe {query}").fetchall()}

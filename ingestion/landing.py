"""The landing zone: Parquet written streaming, imported by dlt, looked up again by key. No vendor and no paging here.

`landing/<connection>/<table>/<load id>.<file>.parquet`; a file counts once `_dlt_loads` holds its load.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from concord.errors import ConcordError
from concord.settings import Settings
from ingestion.columns import ARROW, MOMENT
from ingestion.spec import Column, System

META = [
    pa.field("_connection", pa.string()), pa.field("_extracted_at", MOMENT), pa.field("_load_id", pa.string()),
    pa.field("_deleted", pa.bool_()), pa.field("_extra", pa.string()),
]
QUARANTINE = pa.schema([
    pa.field("resource", pa.string()), pa.field("key", pa.string()), pa.field("reason", pa.string()), pa.field("column", pa.string()),
    pa.field("raw", pa.string()), *META,
])
AUDIT = pa.schema([
    pa.field("resource", pa.string()), pa.field("expected", pa.int64()), pa.field("actual", pa.int64()), pa.field("method", pa.string()),
    pa.field("window_start", MOMENT), pa.field("window_end", MOMENT), pa.field("is_complete", pa.bool_()), pa.field("detail", pa.string()),
    pa.field("checked_at", MOMENT), *META,
])
SCHEMA_DRIFT = pa.schema([
    pa.field("resource", pa.string()), pa.field("column_name", pa.string()), pa.field("change", pa.string()),
    pa.field("detail", pa.string()), pa.field("observed_at", MOMENT), *META,
])
OBSERVATIONS = {"_quarantine": QUARANTINE, "_audit": AUDIT, "_schema_drift": SCHEMA_DRIFT}
_GROUP = 20_000  # rows a row group: the most that is held in memory before it is written


@dataclass(frozen=True)
class Staged:
    """A finished file that waits to be imported by dlt."""

    table: str
    path: Path
    rows: int


@dataclass
class TableFile:
    """One Parquet file being written. Opened with its first rows: a table without news leaves no file."""

    folder: Path
    table: str
    schema: pa.Schema
    rows: int = 0
    _writer: pq.ParquetWriter | None = None
    _waiting: list[pa.RecordBatch] = field(default_factory=list)
    _waiting_rows: int = 0

    @property
    def path(self) -> Path:
        return self.folder / f"{self.table}.parquet"

    def add(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows == 0:
            return
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_rows >= _GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self.path, self.schema, compression="zstd")
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self.schema))
        self._waiting, self._waiting_rows = [], 0

    def close(self, even_empty: bool = False) -> Staged | None:
        if self.rows or even_empty:
            self._flush()
        if self._writer is None:
            return None
        self._writer.close()
        return Staged(self.table, self.path, self.rows)


def table_schema(columns: dict[str, Column], has_changed_at: bool) -> pa.Schema:
    fields = [pa.field(name, ARROW[column.type]) for name, column in columns.items()]
    return pa.schema([*fields, *([pa.field("_changed_at", MOMENT)] if has_changed_at else []), *META])


def schemas(system: System) -> dict[str, pa.Schema]:
    """Every table that a connection of this system lands, with its full schema."""
    changes = system.protocol == "stripe"
    found: dict[str, pa.Schema] = {}
    for name, resource in system.resources.items():
        found[name] = table_schema(resource.columns, changes or resource.version == "_changed_at")
        for child_name, child in resource.children.items():
            found[child_name] = table_schema(child.columns, changes or bool(child.parent_key))
    return found | OBSERVATIONS


def batch_of(schema: pa.Schema, columns: dict[str, Any], rows: int, meta: dict[str, Any]) -> pa.RecordBatch:
    """A batch in the schema's order; `meta` are values that all rows share or whole columns; the rest is null."""
    arrays = []
    for wanted in schema:
        value = columns.get(wanted.name, meta.get(wanted.name))
        if isinstance(value, pa.ChunkedArray):
            arrays.append(value.combine_chunks())
        elif isinstance(value, pa.Array):
            arrays.append(value)
        elif isinstance(value, list):
            arrays.append(pa.array(value, wanted.type))
        elif value is None:
            arrays.append(pa.nulls(rows, wanted.type))
        else:
            arrays.append(pa.repeat(pa.scalar(value, wanted.type), rows))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def fingerprints(batch: pa.RecordBatch | pa.Table, names: Sequence[str]) -> list[str]:
    """A short hash of each row's own columns: equal for a row that is delivered again unchanged."""
    columns = [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in names]
    return [hashlib.blake2b(repr(row).encode(), digest_size=9).hexdigest() for row in zip(*columns, strict=True)]


# looking up what has landed


def files_of(settings: Settings, connection: str, table: str, done: Set[str] | None = None) -> list[str]:
    """The table's files of completed loads (`done`, if they are known). A file that is not, or not yet, part of one does not count."""
    done = completed_loads(settings, connection) if done is None else done
    folder = settings.landing / connection / table
    return sorted(str(file) for file in folder.glob("*.parquet") if load_of(file) in done)


def completed_loads(settings: Settings, connection: str) -> set[str]:
    """Load ids that dlt recorded as complete, with status 0."""
    done = set()
    for file in (settings.landing / connection / "_dlt_loads").glob("*.jsonl"):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            if entry.get("status") == 0:
                done.add(entry["load_id"])
    return done


def load_of(file: Path) -> str:
    return ".".join(file.name.split(".")[:2])


def latest_sql(key: Sequence[str], version: str, files: Sequence[str], where: str = "") -> str:
    """The newest landed version of each key, tombstones included. `where`: only of these rows; it must take all rows of a key or none."""
    names = ", ".join(f'"{name}"' for name in key)
    return (
        f"SELECT * FROM {_scan(files)}{f' WHERE {where}' if where else ''} "
        f'QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY "{version}" DESC NULLS LAST, _extracted_at DESC, _load_id DESC) = 1'
    )


def _scan(files: Sequence[str]) -> str:
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}], union_by_name = true)"


@dataclass(frozen=True)
class LiveCount:
    """How many keys of a table are alive, and of which history: all its landed rows up to a load."""

    count: int
    rows: int
    load_id: str


def live_count(
    landed: Sequence[str], staged: Sequence[str], key: Sequence[str], version: str, load_id: str, before: LiveCount | None = None,
) -> LiveCount:
    """Distinct keys whose newest version is not deleted, in completed files and those about to land with this load.

    With the count of an earlier load only the keys that came since are looked up, unless rows of that time are no longer there.
    """
    rows = sum(pq.read_metadata(file).num_rows for file in (*landed, *staged))
    files = [*landed, *staged]
    if not rows:
        return LiveCount(0, 0, load_id)
    with duckdb.connect() as database:
        if before is not None:
            later = [file for file in landed if load_of(Path(file)) > before.load_id]
            names = ", ".join(f'"{name}"' for name in key)
            database.execute(f"CREATE TABLE came AS SELECT {names} FROM {_scan(files)} LIMIT 0")
            for some, condition in ((later, f" WHERE _load_id > '{before.load_id}'"), (staged, "")):
                if some:
                    database.execute(f"INSERT INTO came SELECT {names} FROM {_scan(some)}{condition}")
            [(came,)] = database.execute("SELECT count(*) FROM came").fetchall()
            if rows - came == before.rows:
                if not came:
                    return LiveCount(before.count, rows, load_id)
                # one pass over the history for the keys that came; what they were before and what they are now follow from it
                database.execute(
                    f'CREATE TABLE touched AS SELECT {names}, "{version}" AS version, _extracted_at, _load_id, _deleted '
                    f"FROM {_scan(files)} SEMI JOIN came USING ({names})")
                after, old = (
                    database.execute(
                        f"SELECT count(*) FROM (SELECT _deleted FROM touched WHERE {condition} QUALIFY row_number() OVER "
                        f"(PARTITION BY {names} ORDER BY version DESC NULLS LAST, _extracted_at DESC, _load_id DESC) = 1) WHERE NOT _deleted"
                    ).fetchall()[0][0]
                    for condition in ("true", f"_load_id <= '{before.load_id}'")
                )
                return LiveCount(before.count + after - old, rows, load_id)
        [(found,)] = database.execute(f"SELECT count(*) FROM ({latest_sql(key, version, files)}) WHERE NOT _deleted").fetchall()
        return LiveCount(int(found), rows, load_id)


def live_rows(
    files: Sequence[str], key: Sequence[str], version: str, columns: Sequence[str], where: tuple[str, Sequence[Any]] | None = None,
) -> pa.Table | None:
    """The given columns of every live row, or of those whose `where` column holds one of the values."""
    if not files:
        return None
    names = ", ".join(f'"{name}"' for name in columns)
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        if where is None:
            return database.sql(f"SELECT {names} FROM ({latest_sql(key, version, files)}) WHERE NOT _deleted").to_arrow_table()
        column, values = where
        wanted = pa.table({"value": pa.array(list(values))})
        database.register("wanted", wanted)
        held = f'"{column}" IN (SELECT value FROM wanted)'
        # a key's rows are picked before the newest of them is; a column outside the key may have changed from row to row
        latest = latest_sql(key, version, files, held if column in key else "")
        return database.sql(f"SELECT {names} FROM ({latest}) WHERE NOT _deleted AND {held}").to_arrow_table()


def live_keys(files: Sequence[str], key: Sequence[str], version: str, among: Set[str]) -> set[str]:
    """Which of the keys, written as text and joined by `|`, are alive."""
    if not files or not among:
        return set()
    text = "concat_ws('|', " + ", ".join(f"coalesce(CAST(\"{name}\" AS VARCHAR), 'None')" for name in key) + ")"
    with duckdb.connect() as database:
        database.register("among", pa.table({"value": pa.array(sorted(among), pa.string())}))
        latest = latest_sql(key, version, files, f"{text} IN (SELECT value FROM among)")
        return {row[0] for row in database.execute(f"SELECT {text} FROM ({latest}) WHERE NOT _deleted").fetchall()}


def quarantined_keys(files: Sequence[str], resource: str) -> set[str]:
    """Keys, as text, of the records of a resource that were ever quarantined."""
    if not files:
        return set()
    with duckdb.connect() as database:
        found = database.execute("SELECT DISTINCT key FROM read_parquet($files, union_by_name = true) WHERE resource = $resource",
                                 {"files": list(files), "resource": resource}).fetchall()
    return {row[0] for row in found}


def verify_landing(settings: Settings) -> int:
    """Read the footer of every landed file. Raises ConcordError naming the first that is damaged; returns how many are whole."""
    whole = 0
    for file in sorted(settings.landing.glob("*/*/*.parquet")):
        try:
            pq.read_metadata(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise ConcordError(
                f"is damaged ({str(error).splitlines()[0][:120]}).", where=str(file),
                mend=f"Delete it and run `concord ingest {file.parent.parent.name} --full`.",
            ) from None
        whole += 1
    return whole


# dlt


def open_pipeline(settings: Settings, connection: str) -> Any:
    """The connection's dlt pipeline, with anything that a killed run left behind finished or taken back."""
    import dlt

    def make() -> Any:
        return dlt.pipeline(
            connection, pipelines_dir=str(settings.dlt), dataset_name=connection,
            destination=dlt.destinations.filesystem(bucket_url=str(settings.landing)),
        )

    pipeline = make()
    if pipeline.has_pending_data:
        try:
            pipeline.normalize()
            pipeline.load()
        except Exception as error:
            # the landing zone knows the last completed load: forget the local remains and start from its state
            pipeline.drop()
            pipeline = make()
            pipeline.sync_destination()
            if pipeline.has_pending_data:
                raise ConcordError(
                    f"a half-done load cannot be taken back ({type(error).__name__}).", where=connection,
                    mend=f"Delete {settings.dlt / connection} and run again.") from error
    return pipeline


def staging_folder(settings: Settings, connection: str, load_id: str) -> Path:
    return settings.dlt / "_staging" / connection / load_id


def clear_staging(settings: Settings, connection: str) -> None:
    """Files of runs that are over; imported ones were linked into dlt's package."""
    shutil.rmtree(settings.dlt / "_staging" / connection, ignore_errors=True)


def import_item(staged: Staged, schema: pa.Schema) -> Any:
    """What a dlt resource yields for a finished file; table name and columns travel in the item."""
    import dlt
    from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

    described = [{"table": staged.table, "columns": py_arrow_to_table_schema_columns(schema)}]
    return dlt.mark.with_file_import(str(staged.path), "parquet", staged.rows, hints=described)


def missing_tables(settings: Settings, connection: str, names: Iterable[str]) -> list[str]:
    """Tables that have no file yet: they get an empty one with the full schema, so that a glob never finds nothing."""
    return [name for name in names if not any((settings.landing / connection / name).glob("*.parquet"))]


"""Compaction: the many small files of a landed table become few, every row and its `_load_id` kept. No reading of vendors, no dlt here.

Readers glob a table's folder, so a row must never be there twice nor be away. The new folder is therefore made beside the old one
(new file, and links to what stays) and the two trade places in one step of the file system. A crash before that step leaves the old
folder in place, a crash after it the new one; what is left over beside them is cleared by the next compaction.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from concord.connections import Connection
from concord.settings import Settings
from ingestion import landing

MANY_FILES = 32  # small files from which a table is worth rewriting
_SMALL = 32 * 1024 * 1024  # bytes: a file of this size stays as it is, so that no row is rewritten for ever
_ROWS_IN_GROUP = 100_000
_BYTES_IN_GROUP = 64 * 1024 * 1024  # of Arrow memory: wide rows make smaller groups
_ROWS_IN_FILE = 1_000_000
_WORK = ".compaction"


@dataclass(frozen=True)
class Compacted:
    """What became of a connection's tables. `tables`: files before and after; `skipped`: why a table stayed as it was."""

    connection: str
    tables: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)


def compact(settings: Settings, connection: Connection | str, *, more_than: int = 1) -> Compacted:
    """Rewrite each table that has more than `more_than` small files of completed loads. Files of other loads are left alone.

    May be killed anywhere. A table that cannot be rewritten (damaged file, full disk) stays as it is and is named in `skipped`.
    Somebody who listed the folder before and opens a file after is told that it is gone, and lists again.
    """
    name = connection if isinstance(connection, str) else connection.name
    folder = settings.landing / name
    done: dict[str, tuple[int, int]] = {}
    skipped: dict[str, str] = {}
    if not folder.is_dir():
        return Compacted(name)
    with _alone(folder) as alone:
        if not alone:
            return Compacted(name, skipped={"": "another process compacts this connection"})
        _finish(folder)
        completed: set[str] | None = None
        for table in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith((".", "_dlt"))):
            small = _small_files(folder / table)
            if len(small) <= more_than:
                continue
            completed = landing.completed_loads(settings, name) if completed is None else completed
            try:
                if (found := _rewrite(folder, table, small, completed)) is not None:
                    done[table] = found
            except (OSError, pa.ArrowException) as error:
                _finish(folder)
                skipped[table] = str(error).splitlines()[0][:160] or type(error).__name__
    return Compacted(name, done, skipped)


def _small_files(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.name.endswith(".parquet") and entry.stat().st_size < _SMALL)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """One compaction of a connection at a time; the lock ends with the process."""
    with open(folder / f"{_WORK}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _rewrite(folder: Path, table: str, small: Sequence[Path], completed: Set[str]) -> tuple[int, int] | None:
    """Make the new folder and let it trade places with the old one."""
    groups: dict[str, list[Path]] = {}
    for file in small:
        if landing.load_of(file) in completed:
            groups.setdefault(_shape(file), []).append(file)  # files of an older system file differ: each shape by itself, nothing is cast
    merged = [files for files in groups.values() if len(files) > 1]
    gone = [file for files in merged for file in files]
    if not gone:
        return None
    token = uuid.uuid4().hex[:12]
    fresh = folder / _WORK / f"{table}.{token}"
    fresh.mkdir(parents=True)
    made = sum(_merge(files, fresh, token, number) for number, files in enumerate(merged))
    taken = {file.name for file in gone}
    kept = []
    for entry in (folder / table).iterdir():
        if entry.name not in taken:
            os.link(entry, fresh / entry.name)
            kept.append(entry.name)
    # what the old folder holds beyond these came while we worked, and must not be lost with it
    _durable_text(folder / _WORK / f"{table}.{token}.json", json.dumps({"table": table, "known": sorted({*taken, *kept})}))
    _sync(fresh)
    _sync(folder / _WORK)
    _exchange(fresh, folder / table)
    _sync(folder)
    _finish(folder)
    return len(gone), made


def _shape(file: Path) -> str:
    return str(pq.read_schema(file).remove_metadata())


def _merge(files: Sequence[Path], fresh: Path, token: str, number: int) -> int:
    """Copy the rows, in the order of their loads, into as few files as they need; returns how many."""
    schema = pq.read_schema(files[0]).remove_metadata()
    expected = sum(pq.read_metadata(file).num_rows for file in files)
    written, made, in_file = 0, 0, 0
    writer: pq.ParquetWriter | None = None
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    ordered = sorted(files, key=lambda file: (landing.load_of(file), file.name))

    def flush(last: bool) -> None:
        nonlocal writer, waiting, rows, size, written, made, in_file
        if writer is None:
            made += 1
            # named after its newest load: the name of a file says from which load on it counts
            writer = pq.ParquetWriter(fresh / f"{landing.load_of(ordered[-1])}.{token}-{number}-{made}.parquet", schema, compression="zstd")
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=_ROWS_IN_GROUP)
        written, in_file = written + rows, in_file + rows
        waiting, rows, size = [], 0, 0
        if last or in_file >= _ROWS_IN_FILE:
            writer.close()
            _sync(Path(str(writer.where)))
            writer, in_file = None, 0

    for file in ordered:
        with pq.ParquetFile(file) as source:
            for batch in source.iter_batches(batch_size=20_000):
                waiting.append(batch.cast(schema) if batch.schema != schema else batch)
                rows, size = rows + batch.num_rows, size + batch.nbytes
                if rows >= _ROWS_IN_GROUP or size >= _BYTES_IN_GROUP:
                    flush(last=False)
    if waiting or made == 0 or writer is not None:
        flush(last=True)
    if written != expected:
        raise OSError(f"{expected} rows were to be copied, {written} were")
    return made


def _finish(folder: Path) -> None:
    """Clear what an ended compaction left beside the tables: after the exchange the old folder, before it the unused new one."""
    work = folder / _WORK
    if not work.is_dir():
        return
    for manifest in sorted(work.glob("*.json")):
        told = json.loads(manifest.read_text())
        beside, token = work / manifest.stem, manifest.stem.rsplit(".", 1)[1]
        if beside.is_dir() and any(f".{token}-" in file.name for file in (folder / told["table"]).iterdir()):
            for file in beside.iterdir():
                if file.name not in told["known"]:
                    os.replace(file, folder / told["table"] / file.name)
            _sync(folder / told["table"])
        shutil.rmtree(beside, ignore_errors=True)
        manifest.unlink()
    shutil.rmtree(work, ignore_errors=True)  # folders without a manifest were never finished


def _exchange(one: Path, other: Path) -> None:
    """Two folders trade places in one step, on Linux and macOS. Raises OSError where the system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(first, second, 2)  # RENAME_SWAP
    elif hasattr(library, "renameat2"):
        failed = library.renameat2(-100, first, -100, second, 2)  # AT_FDCWD, RENAME_EXCHANGE
    else:
        raise OSError(errno.ENOSYS, "this system cannot exchange two folders in one step")
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, f"the folders cannot be exchanged: {os.strerror(number)}", str(other))


def _durable_text(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    _sync(partial)
    partial.replace(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

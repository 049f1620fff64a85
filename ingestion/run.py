"""Ingesting connections: dlt source and pipeline around an extraction, several connections at once, and what came of it.

Here: order, commit, results. Not here: reading (readers/), typing (columns.py), files (landing.py).
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError, UsageError
from concord.settings import Settings, quiet_libraries
from ingestion import landing
from ingestion.audit import Audited
from ingestion.client import Client, open_client
from ingestion.compaction import MANY_FILES, compact
from ingestion.extract import Extracted, Extraction, ProgressEvent
from ingestion.filedrop import form as filedrop
from ingestion.filedrop.extraction import DropExtraction, Reader
from ingestion.landing import AUDIT, TableFile
from ingestion.spec import System, load_system, with_settings

Progress = Callable[[ProgressEvent], None]


_COLLECTING = threading.Lock()
_extracting = 0
_thresholds = gc.get_threshold()


def _collect_less(step: int) -> None:
    """While pages are parsed, the garbage collector would walk the same live records again and again: a third of all time."""
    global _extracting, _thresholds
    with _COLLECTING:
        if _extracting == 0 and step > 0:
            _thresholds = gc.get_threshold()
            gc.set_threshold(200_000, 20, 20)
        _extracting += step
        if _extracting == 0:
            gc.set_threshold(*_thresholds)


@dataclass(frozen=True)
class IngestResult:
    """What one connection's run did. `error`: why it failed; the other fields then tell how far it came."""

    connection: str
    rows: Mapping[str, int] = field(default_factory=dict)  # landed rows by table
    quarantined: Mapping[str, int] = field(default_factory=dict)
    drift: Sequence[tuple[str, str, str]] = ()  # table, column, change
    audits: Sequence[Audited] = ()
    requests: int = 0
    wait_seconds: float = 0.0
    seconds: float = 0.0
    load_id: str = ""
    stopped: str = ""  # the quota ran out: the next run goes on from there
    failed: Mapping[str, str] = field(default_factory=dict)  # resources that the vendor does not let us read, and what it said
    notes: Sequence[str] = ()  # what could not be looked at or tidied up; nothing of it is missing
    error: ConcordError | None = None

    @property
    def is_complete(self) -> bool:
        return self.error is None and not self.stopped and not self.failed and all(audited.is_complete for audited in self.audits)

    @property
    def total(self) -> int:
        return sum(self.rows.values())


@dataclass
class _Run:
    """One extraction shared by the dlt resources of a source."""

    settings: Settings
    connection: Connection
    system: System
    account: SandboxAccount | None
    full: bool
    keys: Mapping[str, Sequence[Any]] | None
    progress: Progress | None
    client: Client | Reader | None = None
    extraction: Extraction | DropExtraction | None = None
    selected: frozenset[str] = frozenset()
    open: set[str] = field(default_factory=set)
    done: dict[str, Extracted] = field(default_factory=dict)
    load_id: str = ""

    def start(self) -> Extraction | DropExtraction:
        """On the first resource that dlt asks: now the load id, the saved states and the selection are known."""
        import dlt

        if self.extraction is None:
            selected = dlt.current.source().selected_resources
            names = [name for name in self.system.resources if name in selected or set(self.system.resources[name].children) & set(selected)]
            if self.keys is not None:
                names = [name for name in names if self.keys.get(name)]
            self.load_id = dlt.current.load_package_state()["load_id"]
            self.selected = frozenset(selected)
            self.open = set(selected)
            states = {name: dlt.current.resource_state(name).get("place") or {} for name in names}
            self.done = {}
            landing.clear_staging(self.settings, self.connection.name)
            _collect_less(+1)
            if self.system.protocol == "file_drop":
                self.extraction = DropExtraction(
                    self.settings, self.connection, self.load_id, states, full=self.full, keys=self.keys, progress=self.progress)
                self.client = self.extraction.client
                return self.extraction
            self.client = _open_client(self.connection, self.account, self.progress)
            self.extraction = Extraction(
                self.settings, self.connection, self.system, self.client, self.load_id, states, names, full=self.full, keys=self.keys,
                progress=self.progress,
            )
        return self.extraction

    def items(self, table: str) -> Iterator[Any]:
        """What dlt imports for one table; the last table also brings the observations and the empty files."""
        import dlt

        extraction = self.start()
        owner = self.system.owner(table)
        try:
            if self.keys is None or self.keys.get(owner):
                out = self.done[owner] = extraction.result(owner)
                if self.keys is None and table == owner:
                    dlt.current.resource_state(owner)["place"] = out.state
                for staged in out.files:
                    # children that were not selected come with their parent: its cursor moves past them
                    if staged.table == table or (table == owner and staged.table not in self.selected):
                        yield landing.import_item(staged, extraction.schemas[staged.table])
        except BaseException:
            self.stop()
            raise
        self.open.discard(table)
        if not self.open:
            failed = [out.failed for out in self.done.values() if out.failed is not None]
            if failed and len(failed) == len(self.done):
                self.stop()
                raise failed[0]  # nothing at all may be read: that is the connection's trouble, not a resource's
            yield from self._observations(extraction, extraction.client)
            self.stop()

    def stop(self) -> None:
        """End the reading threads and the HTTP session; the results stay."""
        if self.extraction is not None:
            self.extraction.close()
            self.extraction.client.close()
            self.extraction = None
            _collect_less(-1)

    def _observations(self, extraction: Extraction | DropExtraction, client: Client | Reader) -> Iterator[Any]:
        written = {name for out in self.done.values() for name in out.rows}
        for name, rows in _observation_rows(list(self.done.values()), client.server_time()).items():
            schema = landing.OBSERVATIONS[name]
            if rows:
                file = TableFile(extraction.folder, name, schema)
                meta = {"_connection": self.connection.name, "_extracted_at": client.server_time(), "_load_id": self.load_id, "_deleted": False}
                file.add(landing.batch_of(schema, {key: [row[key] for row in rows] for key in rows[0]}, len(rows), meta))
                staged = file.close()
                assert staged is not None
                written.add(name)
                yield landing.import_item(staged, schema)
        for name in landing.missing_tables(self.settings, self.connection.name, set(extraction.schemas) - written):
            staged = TableFile(extraction.folder, name, extraction.schemas[name]).close(even_empty=True)
            assert staged is not None
            yield landing.import_item(staged, extraction.schemas[name])


def _observation_rows(done: Sequence[Extracted], at: datetime) -> dict[str, list[dict[str, Any]]]:
    return {
        "_quarantine": [
            {"resource": table, "key": bad.key, "reason": bad.reason, "column": bad.column, "raw": bad.raw}
            for out in done for table, bad in out.quarantined
        ],
        "_audit": [
            {name: getattr(audited, name) for name in AUDIT.names if not name.startswith("_")} for out in done for audited in out.audits],
        "_schema_drift": [
            {"resource": table, "column_name": drift.column, "change": drift.change, "detail": drift.detail, "observed_at": at}
            for out in done for table, drift in out.drift
        ],
    }


def dlt_source(
    settings: Settings, connection: Connection, account: SandboxAccount | None = None, *, resources: Sequence[str] | None = None,
    full: bool = False, keys: Mapping[str, Sequence[Any]] | None = None, progress: Progress | None = None,
) -> Any:
    """The connection as a dlt source: one resource a table, named as in the system file, files imported, cursors in resource state.

    Selecting some of its resources reads only those. Reads no secret and calls nobody until dlt extracts it.
    """
    quiet_libraries()
    import dlt

    system = system_of(connection)
    tables = _selected(system, resources if keys is None else list(keys))
    run = _Run(settings, connection, system, account, full, keys, progress)

    def items(table: str) -> Iterator[Any]:
        yield from run.items(table)

    @dlt.source(name=connection.name)
    def source() -> Iterator[Any]:
        for table in tables:
            yield dlt.resource(
                items, name=table, table_name=lambda item: item["table"], columns=lambda item: item["columns"],
                write_disposition="append",
            )(table)

    made = source()
    made.concord_run = run
    return made


def system_of(connection: Connection) -> System:
    """What a connection delivers: its vendor's system file, or what the form of its file drop says."""
    if connection.system == filedrop.SYSTEM:
        return filedrop.system_of(connection)
    return with_settings(load_system(connection.system), connection.settings)


def _open_client(connection: Connection, account: SandboxAccount | None, progress: Progress | None) -> Client:
    def waited(seconds: float, why: str) -> None:
        if progress:
            progress(ProgressEvent(connection.name, why, "wait", seconds=seconds))

    return open_client(connection, account, on_wait=waited)


def _selected(system: System, resources: Sequence[str] | None) -> list[str]:
    """The tables to read: all, or those named, a child always with its parent."""
    if resources is None:
        return system.table_names()
    owners = {system.owner(name) for name in resources}
    return [table for table in system.table_names() if system.owner(table) in owners]


def ingest(
    settings: Settings, connections: Mapping[str, Connection], names: Sequence[str] | None = None, *,
    resources: Sequence[str] | None = None, full: bool = False, keys: Mapping[str, Sequence[Any]] | None = None,
    accounts: Mapping[str, SandboxAccount] | None = None, progress: Progress | None = None,
) -> list[IngestResult]:
    """Read connections and land what changed. One result a connection, in the order asked; a failed one carries its error.

    `full`: read everything and bury what is gone. `keys`: read only these records again, by resource, and land them as they are.
    Raises UsageError for a connection or resource that nobody knows, before anything is read.
    """
    quiet_libraries()
    chosen = list(names) if names else list(connections)
    for name in chosen:
        if name not in connections:
            raise UsageError(
                f"no connection is called {name!r}.", where="connections.yml", mend=f"Known: {', '.join(connections)}.")
        _selected(system_of(connections[name]), resources if keys is None else list(keys))
    accounts = accounts or {}
    pa.array([0])  # pyarrow loads pandas on first use, where it is installed: better now than while another thread looks for it

    def one(name: str) -> IngestResult:
        return _ingest_one(settings, connections[name], accounts.get(name), resources, full, keys, progress)

    if len(chosen) == 1:
        return [one(chosen[0])]
    with ThreadPoolExecutor(len(chosen), thread_name_prefix="connection") as pool:
        return list(pool.map(one, chosen))


_PIPELINES = threading.Lock()  # dlt sets up its contexts one at a time; running them side by side is fine


def _ingest_one(
    settings: Settings, connection: Connection, account: SandboxAccount | None, resources: Sequence[str] | None, full: bool,
    keys: Mapping[str, Sequence[Any]] | None, progress: Progress | None,
) -> IngestResult:
    started = time.monotonic()
    run: _Run | None = None
    try:
        if connection.system != filedrop.SYSTEM:
            open_client(connection, account).close()  # a missing secret is said before anything else happens
        with _PIPELINES:
            pipeline = landing.open_pipeline(settings, connection.name)
            source = dlt_source(settings, connection, account, resources=resources, full=full, keys=keys, progress=progress)
        run = source.concord_run
        pipeline.run(source, loader_file_format="parquet")
        landing.clear_staging(settings, connection.name)
        compacted = compact(settings, connection, more_than=MANY_FILES)
        notes = [f"{table or 'landing'}: not compacted ({reason})" for table, reason in compacted.skipped.items()]
        return _result(connection, run, started, None, notes)
    except Exception as error:
        found = _concord_error(error) or _damage(settings)
        if found is None:
            raise
        return _result(connection, run, started, found)
    finally:
        if run is not None:
            run.stop()


def _result(
    connection: Connection, run: _Run | None, started: float, error: ConcordError | None, notes: Sequence[str] = (),
) -> IngestResult:
    done = list(run.done.values()) if run is not None else []
    client = run.client if run is not None else None
    quarantined: dict[str, int] = {}
    for out in done:
        for table, _ in out.quarantined:
            quarantined[table] = quarantined.get(table, 0) + 1
    stopped = next((str(out.stopped) for out in done if out.stopped), "")
    return IngestResult(
        connection.name,
        {table: count for out in done for table, count in out.rows.items()} if error is None else {},
        quarantined, [(table, drift.column, drift.change) for out in done for table, drift in out.drift],
        [audited for out in done for audited in out.audits] if error is None else [],
        client.usage.requests if client else 0, client.usage.wait_seconds if client else 0.0, time.monotonic() - started,
        run.load_id if run is not None and error is None else "", stopped,
        {out.name: str(out.failed) for out in done if out.failed is not None},
        [*(f"{out.name}: {out.note}" for out in done if out.note), *notes], error,
    )


def _concord_error(error: BaseException | None) -> ConcordError | None:
    """Our error inside dlt's wrappings; a full disk in words of our own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ConcordError):
            return error
        if isinstance(error, OSError) and error.errno == 28:
            return ConcordError("the disk is full.", where=str(error.filename or "landing"), mend="Free space and run again: nothing is lost.")
        error = error.__cause__ or error.__context__
    return None


def _damage(settings: Settings) -> ConcordError | None:
    """The damaged landed file that may have caused an error, if there is one."""
    try:
        landing.verify_landing(settings)
    except ConcordError as damaged:
        return damaged
    return None

"""One connection's extraction: reader pages -> typed, deduplicated files and observations. No dlt here (run.py imports the files).

Resources are read side by side by a few threads; each hands back its files, its new state and what there is to say about it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from concord.connections import Connection
from concord.errors import ConcordError
from concord.settings import Settings
from ingestion import landing
from ingestion.audit import Audited, audit_newest, audit_refused, audit_resource, shows_newest
from ingestion.client import Client, NotPermitted, RateLimited
from ingestion.columns import (
    MOMENT,
    Compiled,
    Quarantined,
    compile_columns,
    in_second_hour,
    microseconds,
    read_path,
    type_page,
    unknown_fields,
)
from ingestion.landing import LiveCount, Staged, TableFile
from ingestion.readers import Drift, Page, Record, State, Wanted, reader_of
from ingestion.schema import Schemas
from ingestion.spec import Child, Column, Resource, System

_OURS = frozenset({"seen", "drift", "schema", "live", "read_at", "counts"})  # kept with a reader's state and none of its business
_SEEN_LIMIT = 20_000  # border rows remembered at most
_RECENT = 1_000  # the last rows read are remembered whatever their version
_SAME_MOMENT = timedelta(seconds=5)  # stamps are whole seconds, and a request takes a while
_COUNTS_KEPT = 10
_REMOVED_FROM = 20  # rows from which a field that none of them has counts as removed


@dataclass(frozen=True)
class ProgressEvent:
    """What just happened, for a progress bar or a log. Holds no record's content."""

    connection: str
    resource: str
    kind: str  # start, rows, wait, done
    rows: int = 0
    seconds: float = 0.0


@dataclass
class Extracted:
    """The outcome of one resource."""

    name: str
    files: list[Staged] = field(default_factory=list)
    state: State = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)  # landed rows by table
    quarantined: list[tuple[str, Quarantined]] = field(default_factory=list)
    drift: list[tuple[str, Drift]] = field(default_factory=list)
    audits: list[Audited] = field(default_factory=list)
    touched: list[Any] = field(default_factory=list)  # first key column of the rows landed
    stopped: RateLimited | None = None  # the quota ran out: what came until then stands
    failed: NotPermitted | None = None  # the vendor does not let us read it: nothing of it lands, its cursor stays
    note: str = ""  # something that could not be looked at


@dataclass
class _Table:
    """One table of a resource while it is read."""

    name: str
    columns: dict[str, Column]
    key: tuple[str, ...]
    compiled: Compiled
    text: Compiled
    file: TableFile
    known: frozenset[str]
    open_fields: dict[str, frozenset[str]]
    own: list[str]  # the columns a fingerprint covers
    heads: dict[str, frozenset[str]]
    unseen: set[str]  # columns whose fields no record had so far
    records: int = 0
    retyped: dict[str, str] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)
    read_before: datetime | None = None  # when the read before this one began, where stamps are local times
    delivered: set[str] | None = None  # keys of all rows that came, as text, where a sweep will need them


class Extraction:
    """The running extraction of one connection: reading starts at once, results are fetched by resource."""

    def __init__(
        self, settings: Settings, connection: Connection, system: System, client: Client, load_id: str, states: Mapping[str, State],
        names: Sequence[str], *, full: bool = False, keys: Mapping[str, Sequence[Any]] | None = None,
        progress: Callable[[ProgressEvent], None] | None = None,
    ) -> None:
        self.settings, self.connection, self.system, self.client = settings, connection, system, client
        self.load_id, self.full, self.keys, self.progress = load_id, full, keys, progress
        self.folder: Path = landing.staging_folder(settings, connection.name, load_id)
        self.schemas = landing.schemas(system)
        self._described = Schemas(client, system)
        self._completed = landing.completed_loads(settings, connection.name)
        self._pool = ThreadPoolExecutor(max(2, system.limits.concurrency), thread_name_prefix=f"ingest-{connection.name}")
        self._futures: dict[str, Future[Extracted]] = {}
        self._stop = threading.Event()
        # parents first: a child waits for its parent, which must not wait for a free thread
        order = list(system.resources)
        for name in sorted(names, key=lambda name: (bool(system.resources[name].parent), order.index(name))):
            self._futures[name] = self._pool.submit(self._extract, name, dict(states.get(name) or {}))

    def result(self, name: str) -> Extracted:
        return self._futures[name].result()

    def close(self) -> None:
        """Stop what still runs, after an error elsewhere; harmless when all is done."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _say(self, resource: str, kind: str, rows: int = 0) -> None:
        if self.progress:
            self.progress(ProgressEvent(self.connection.name, resource, kind, rows))

    def _extract(self, name: str, state: State) -> Extracted:
        self._say(name, "start")
        resource = self.system.resources[name]
        out = Extracted(name)
        saved = {key: value for key, value in state.items() if key not in _OURS}
        targeted = self.keys is not None
        wanted = Wanted(
            name, resource, saved, self.full, list(self.keys.get(name, ())) if self.keys is not None else None,
            lambda: self._changed_parents(resource), self._landed_keys, state["live"][0] if state.get("live") else None,
        )
        has_cursor = _has_cursor(self.system, resource)
        seen: dict[str, int] = {} if self.full or targeted else dict(state.get("seen") or {})
        again: dict[str, int] = {}
        follows = not wanted.first or not has_cursor  # something was landed before: vanished rows must be noticed
        table = self._table(name, resource.columns, resource.key, resource, track=self.full or follows)
        if not (has_cursor or self.full or targeted) and state.get("live") and state["live"][0] > _SEEN_LIMIT:
            seen = dict.fromkeys(self._landed_prints(table, resource.version, None), 0)  # too many to keep with the cursor
        local = resource.version in resource.columns and resource.columns[resource.version].type == "local_timestamp"
        sweeps = not targeted and (self.full or not has_cursor) and (not resource.archive or bool(resource.parent))
        # a list shows nothing newer than this: what it leaves out may be newer, and is no sign of a deletion
        horizon = self.client.server_time() - self.system.limits.withheld - _SAME_MOMENT if sweeps else None
        began = self.client.server_time() if local else None
        if local and not self.full and not targeted and state.get("read_at"):
            table.read_before = datetime.fromisoformat(state["read_at"])
        children = {
            child: self._table(child, spec.columns, spec.key, spec, track=self.full or follows) for child, spec in resource.children.items()}
        if resource.parent and not wanted.first and not targeted:
            parents = self._changed_parents(resource)
            seen |= dict.fromkeys(self._landed_prints(table, resource.version, (resource.parent_key, parents)), 0)
        whole_parents: list[Any] = []
        observed: list[tuple[str, Drift]] = []
        finished = partial = False
        try:
            for page in _ahead(reader_of(self.system.protocol).read(self.client, wanted), self._stop):
                if self._stop.is_set():
                    raise ConcordError("the run was stopped.", where=self.connection.name)
                observed += [(name, drift) for drift in page.drift if (name, drift) not in observed]
                whole_parents += page.whole_parents
                partial = partial or page.partial
                if page.tombstones:
                    self._bury(table, resource, page, seen, again, out)
                else:
                    self._land_page(table, resource, children, page, seen, again, out)
                if page.state is not None:
                    saved = dict(page.state)
                self._say(name, "rows", table.file.rows)
            finished = not self._stop.is_set()
        except RateLimited as error:
            out.stopped = error
        except NotPermitted as error:
            for one in (table, *children.values()):
                one.file.close()
            return self._refused(name, resource, state, error)
        if whole_parents and not self.full:
            self._sweep_parents(resource, table, children, whole_parents)
        if finished and horizon is not None and not partial:
            self._tombstone_absent(table, resource.version, None, horizon)
            for child in children.values():
                self._tombstone_absent(child, "_changed_at", None, horizon)
        for one in (table, *children.values()):
            if (staged := one.file.close()) is not None:
                out.files.append(staged)
                out.rows[one.name] = staged.rows
            observed += [(one.name, drift) for drift in _observed(one, self.system.omits_nulls)]
        known: list[str] = [] if self.full else state.get("drift") or []
        look = None
        if not targeted:
            look = self._described.look(resource, state.get("schema") or {})
            out.note = look.note
        marks = {f"{table_name}.{drift.column} {drift.change}": (table_name, drift) for table_name, drift in observed}
        out.drift = [found for mark, found in marks.items() if mark not in known]  # told once, not with every overlap
        if look is not None:  # a change of the description is told at the look that sees it
            out.drift += [(name, drift) for drift in look.drift if f"{name}.{drift.column} {drift.change}" not in marks]
        if targeted:
            out.state, out.drift = state, []
        else:
            overlap = (resource.overlap or self.system.overlap).total_seconds()
            out.state = {**saved, "drift": sorted({*known, *marks}), "seen": _remember(table, resource.version, seen | again, again, None if not has_cursor else overlap)}
            if began is not None:
                out.state["read_at"] = began.isoformat()
            if look is not None and look.described:
                out.state["schema"] = look.described
            self._audit(resource, table, out, state, finished)
        self._say(name, "done", table.file.rows)
        return out

    def _changed_parents(self, resource: Resource) -> Sequence[Any]:
        """Keys of the parent's rows that this run landed; none where the parent is not read in this run."""
        future = self._futures.get(resource.parent)
        return future.result().touched if future is not None else ()

    # pages

    def _table(self, name: str, columns: dict[str, Column], key: tuple[str, ...], spec: Resource | Child, *, track: bool) -> _Table:
        zone = self.client.settings.get("time_zone", "UTC")
        heads = {column_name: column.heads for column_name, column in columns.items()}
        known = frozenset().union(*heads.values()) | self.system.ignored | spec.ignored
        open_fields: dict[str, frozenset[str]] = {}
        if isinstance(spec, Resource):
            known |= {child.path for child in spec.children.values()}
            if spec.deleted_when:
                known |= {spec.deleted_when.path.split(".")[0]}
            for outer in spec.open_fields:
                paths = [path for column in columns.values() for path in column.alternatives if path.startswith(f"{outer}.")]
                open_fields[outer] = frozenset(path.split(".")[1] for path in paths)
        return _Table(
            name, columns, key, compile_columns(columns, key, zone=zone, text_values=self.system.text_values),
            compile_columns(columns, key, zone=zone, text_values=True), TableFile(self.folder, name, self.schemas[name]), known,
            open_fields, list(columns), heads, {column for column, fields in heads.items() if fields and not columns[column].optional and not columns[column].from_parent},
            delivered=set() if track else None,
        )

    def _land_page(
        self, table: _Table, resource: Resource, children: dict[str, _Table], page: Page, seen: dict[str, int], again: dict[str, int],
        out: Extracted,
    ) -> None:
        if not page.rows:
            return
        batch = self._batch(table, page, _deleted(resource, page.rows), out)
        if batch is not None:
            batch = self._fresh(batch, table, resource.version, seen, again)
            table.file.add(batch)
            if self._is_parent(table.name):
                out.touched += batch.column(resource.key[0]).to_pylist()
        for child_name, child in resource.children.items():
            pairs = [(place, member) for place, row in enumerate(page.rows) for member in _members(row.get(child.path))]
            if not pairs:
                continue
            changed = [page.changed[place] for place, _ in pairs] if page.changed is not None else None
            inner = Page([member for _, member in pairs], page.at, parents=[page.rows[place] for place, _ in pairs], changed=changed)
            found = self._batch(children[child_name], inner, None, out)
            if found is not None:
                if child.parent_key and page.whole_parents:
                    landed = self._landed_prints(children[child_name], "_changed_at", (child.parent_key, page.whole_parents))
                    found = _drop_seen(found, children[child_name], "_changed_at", dict.fromkeys(landed, 0), {})
                children[child_name].file.add(found)

    def _is_parent(self, name: str) -> bool:
        return any(other.parent == name for other in self.system.resources.values())

    def _batch(self, table: _Table, page: Page, deleted: list[bool] | None, out: Extracted) -> pa.RecordBatch | None:
        """A page as typed columns with the meta columns; what does not fit goes to the quarantine, what nobody knows to `_extra`."""
        rows = page.rows
        typed = type_page(table.text if page.text else table.compiled, rows, page.parents)
        table.records += len(rows)
        table.retyped |= typed.retyped
        if table.unseen:
            present = set().union(*rows)
            table.unseen = {name for name in table.unseen if not table.heads[name] & present}
        out.quarantined += [(table.name, bad) for bad in typed.quarantined]
        if table.delivered is not None:
            table.delivered |= {bad.key for bad in typed.quarantined}
            table.delivered |= _key_texts([typed.columns[name] for name in table.key])
        if not typed.rows:
            return None
        extra, names = unknown_fields(rows, table.known, table.open_fields)
        table.added |= names
        meta = {**self._meta(page.at), "_deleted": False if deleted is None else pa.array(deleted, pa.bool_())}
        if names:
            meta["_extra"] = pa.array(extra, pa.string())
        if page.changed is not None:
            meta["_changed_at"] = pa.array([microseconds(at) for at in page.changed], pa.int64()).cast(MOMENT)
        if typed.kept is not None:
            kept = pa.array(typed.kept, pa.int64())
            meta = {name: value.take(kept) if isinstance(value, pa.Array) else value for name, value in meta.items()}
        return landing.batch_of(table.file.schema, typed.columns, typed.rows, meta)

    def _fresh(
        self, batch: pa.RecordBatch, table: _Table, version: str, seen: dict[str, int], again: dict[str, int],
    ) -> pa.RecordBatch:
        """The rows that were not landed before, their version in the order of time."""
        batch = _drop_seen(batch, table, version, seen, again)
        if table.read_before is None or not batch.num_rows:
            return batch
        place = batch.schema.get_field_index(version)
        moved = in_second_hour(batch.column(place), table.compiled.zone, table.read_before, self.client.server_time())
        if moved.equals(batch.column(place)):
            return batch
        return _drop_seen(batch.set_column(place, batch.schema.field(place), moved), table, version, seen, again)

    def _meta(self, at: datetime) -> dict[str, Any]:
        return {"_connection": self.connection.name, "_extracted_at": at, "_load_id": self.load_id}

    # deletes

    def _bury(
        self, table: _Table, resource: Resource, page: Page, seen: dict[str, int], again: dict[str, int], out: Extracted,
    ) -> None:
        """Tombstones that the vendor told of: key and version, everything else null."""
        if not page.rows:
            return
        names = [name for name in (*resource.key, resource.version) if name in resource.columns]
        columns = {name: resource.columns[name].model_copy(update={"path": name}) for name in names}
        typed = type_page(
            compile_columns(columns, resource.key, zone=table.compiled.zone, text_values=table.compiled.text_values), page.rows)
        out.quarantined += [(table.name, bad) for bad in typed.quarantined]
        meta = {**self._meta(page.at), "_deleted": True}
        if page.changed is not None:
            meta["_changed_at"] = list(page.changed)
        batch = self._fresh(landing.batch_of(table.file.schema, typed.columns, typed.rows, meta), table, resource.version, seen, again)
        table.file.add(batch)
        if self._is_parent(table.name):
            out.touched += batch.column(resource.key[0]).to_pylist()

    def _sweep_parents(self, resource: Resource, table: _Table, children: dict[str, _Table], parents: list[Any]) -> None:
        """Children that their re-read parents no longer hold are gone."""
        if resource.parent:
            self._tombstone_absent(table, resource.version, (resource.parent_key, parents))
        for child_name, spec in resource.children.items():
            if spec.parent_key:
                self._tombstone_absent(children[child_name], "_changed_at", (spec.parent_key, parents))

    def _tombstone_absent(
        self, table: _Table, version: str, where: tuple[str, Sequence[Any]] | None, horizon: datetime | None = None
    ) -> None:
        """What is landed and alive but did not come in a read that was complete for it; a partial read never gets here (R10).

        `horizon`: rows changed after it are left alone, and the tombstone is dated at it, so that any later version of a row that was
        only late outlives it.
        """
        keep = list(dict.fromkeys([*table.key, *([where[0]] if where else [])]))
        read = list(dict.fromkeys([*keep, *([version] if horizon else [])]))
        landed = landing.live_rows(self._files(table.name), table.key, version, read, where)
        if landed is None or table.delivered is None:
            return
        texts = _key_list([landed.column(name) for name in table.key])
        gone = [text not in table.delivered for text in texts]
        if horizon is not None:
            settled = microseconds(horizon)
            gone = [out and (at is None or at < settled) for out, at in zip(gone, _versions(landed.column(version)), strict=True)]
        absent = landed.filter(pa.array(gone, pa.bool_()))
        if not absent.num_rows:
            return
        now = self.client.server_time()
        columns = {name: absent.column(name).cast(table.file.schema.field(name).type) for name in keep}
        meta = {**self._meta(now), "_deleted": True, version: horizon or now}
        table.file.add(landing.batch_of(table.file.schema, columns, absent.num_rows, meta))

    # what has landed before

    def _landed_keys(self, name: str) -> Sequence[Any]:
        resource = self.system.resources[name]
        landed = landing.live_rows(self._files(name), resource.key, resource.version, [resource.key[0]])
        return [] if landed is None else landed.column(0).to_pylist()

    def _files(self, table: str) -> list[str]:
        return landing.files_of(self.settings, self.connection.name, table, self._completed)

    def _landed_prints(self, table: _Table, version: str, where: tuple[str, Sequence[Any]] | None) -> set[str]:
        if where is not None and not where[1]:
            return set()
        landed = landing.live_rows(self._files(table.name), table.key, version, table.own, where)
        if landed is None or not landed.num_rows:
            return set()
        typed = pa.table({name: landed.column(name).cast(table.file.schema.field(name).type) for name in table.own})
        return set(landing.fingerprints(typed, table.own))

    def _audit(self, resource: Resource, table: _Table, out: Extracted, state: State, finished: bool) -> None:
        landed = self._files(table.name)
        staged = [str(one.path) for one in out.files if one.table == table.name]
        if finished and shows_newest(self.system, resource):
            def held(ids: Sequence[str]) -> int:
                found = landing.live_rows([*landed, *staged], resource.key, resource.version, resource.key, (resource.key[0], ids))
                return 0 if found is None else found.num_rows
            out.audits = [audit_newest(self.client, table.name, resource, held)]
            return
        # the last count and what came since: the cost of an audit does not grow with the history
        before = None if self.full or not state.get("live") else LiveCount(*state["live"])
        live = landing.live_count(landed, staged, resource.key, resource.version, self.load_id, before)
        out.state["live"] = [live.count, live.rows, live.load_id]
        counts = [(datetime.fromisoformat(at), count) for at, count in state.get("counts") or []]
        audited = audit_resource(
            self.client, table.name, resource, live.count, finished=finished, stopped=str(out.stopped) if out.stopped else "",
            quarantined=self._only_quarantined(table, resource, [*landed, *staged], out), settled=self._settled(counts))
        out.audits = [audited]
        if self.system.limits.withheld and audited.expected is not None:
            counts = [*counts, (audited.checked_at, audited.expected)][-_COUNTS_KEPT:]
        out.state["counts"] = [(at.isoformat(), count) for at, count in counts]

    def _settled(self, counts: Sequence[tuple[datetime, int]]) -> int | None:
        """The newest count from before the time that the vendor's lists hold back; None where none is that old or nothing is held back."""
        if not self.system.limits.withheld:
            return None
        horizon = self.client.server_time() - self.system.limits.withheld - _SAME_MOMENT
        return next((count for at, count in reversed(counts) if at <= horizon), None)

    def _refused(self, name: str, resource: Resource, state: State, error: NotPermitted) -> Extracted:
        """One kind of record that we may not read: the others land, this one's cursor stays, and nobody takes it for complete."""
        out = Extracted(name, state=state, failed=error)
        if self.keys is None:
            known = state.get("live")
            out.audits = [audit_refused(self.client, name, resource, known[0] if known else 0, error.what)]
        self._say(name, "done")
        return out

    def _only_quarantined(self, table: _Table, resource: Resource, files: Sequence[str], out: Extracted) -> int:
        """How many records are in the quarantine, now or from before, and not among the good rows."""
        keys = {bad.key for name, bad in out.quarantined if name == table.name}
        keys |= landing.quarantined_keys(self._files("_quarantine"), table.name)
        return len(keys - landing.live_keys(files, resource.key, resource.version, keys))


def _ahead(pages: Iterator[Page], stop: threading.Event) -> Iterator[Page]:
    """The next page is fetched while this one is typed. Errors come after the pages before them."""
    waiting: queue.Queue[Page | BaseException | None] = queue.Queue(maxsize=1)
    given_up = threading.Event()

    def put(item: Page | BaseException | None) -> bool:
        while not (stop.is_set() or given_up.is_set()):
            try:
                waiting.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def fetch() -> None:
        try:
            for page in pages:
                if not put(page):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that reads
            put(error)
            return
        put(None)

    thread = threading.Thread(target=fetch, name=threading.current_thread().name + "-ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = waiting.get(timeout=0.2)
            except queue.Empty:
                if stop.is_set():
                    return
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        given_up.set()
        thread.join()


def _has_cursor(system: System, resource: Resource) -> bool:
    """Whether the vendor tells what changed; otherwise every read is a whole one."""
    if system.protocol == "zendesk":
        return resource.path.startswith("incremental/") or bool(resource.cursor or resource.parent)
    if system.protocol == "stripe":
        return bool(resource.events or resource.cursor or resource.parent)
    return system.protocol == "soql" or bool(resource.cursor)


def _deleted(resource: Resource, rows: Sequence[Record]) -> list[bool] | None:
    if resource.deleted_when is not None:
        path, value = resource.deleted_when.path, resource.deleted_when.value
        found = [row.get(path) for row in rows] if "." not in path else [read_path(row, path) for row in rows]
        return [one is not None if value is None else one == value for one in found]
    if "is_deleted" in resource.columns:
        path = resource.columns["is_deleted"].path
        return [row.get(path) in (True, "true") for row in rows]
    return None


def _members(value: Any) -> Sequence[Record]:
    """A nested list: bare or as an object with `data`."""
    if isinstance(value, dict):
        value = value.get("data")
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else ()


def _key_list(columns: Sequence[Any]) -> list[str]:
    if len(columns) == 1:
        return [str(value) for value in columns[0].to_pylist()]
    return ["|".join(map(str, values)) for values in zip(*(column.to_pylist() for column in columns), strict=True)]


def _key_texts(columns: Sequence[Any]) -> set[str]:
    return set(_key_list(columns))


def _drop_seen(batch: pa.RecordBatch, table: _Table, version: str, seen: Mapping[str, int], again: dict[str, int]) -> pa.RecordBatch:
    """Leave out rows that were landed before exactly as they are now (R1, R4); remember that they came again."""
    if not seen or not batch.num_rows:
        return batch
    prints = landing.fingerprints(batch, table.own)
    fresh = [one not in seen for one in prints]
    if all(fresh):
        return batch
    versions = _versions(batch.column(version))
    again.update({one: versions[place] for place, one in enumerate(prints) if not fresh[place]})
    return batch.filter(pa.array(fresh, pa.bool_()))


def _versions(column: Any) -> list[int]:
    """Versions as comparable whole numbers: microseconds for times."""
    if pa.types.is_timestamp(column.type):
        return [value or 0 for value in column.cast(pa.int64()).to_pylist()]
    return [0] * len(column)


def _remember(table: _Table, version: str, before: Mapping[str, int], again: Mapping[str, int], overlap: float | None) -> dict[str, int]:
    """The rows that the next read may deliver again: inside the overlap, read last, or come again just now.

    `overlap` None: every read is a whole one, so all rows are remembered.
    """
    found: dict[str, int] = {}
    newest = max(before.values(), default=0)
    if table.file.rows:
        file = pq.ParquetFile(table.file.path)
        versions = [_versions(file.read_row_group(group, columns=[version]).column(0)) for group in range(file.num_row_groups)]
        newest = max(newest, max(map(max, versions)))
        low = 0 if overlap is None else newest - int(overlap * 1_000_000)
        left = _RECENT
        for group in reversed(range(file.num_row_groups)):
            size = len(versions[group])
            places = [place for place in range(size) if versions[group][place] >= low or size - place <= left]
            left = max(0, left - size)
            if places:
                rows = file.read_row_group(group, columns=table.own).take(pa.array(places, pa.int64()))
                found |= dict(zip(landing.fingerprints(rows, table.own), (versions[group][place] for place in places), strict=True))
            if len(found) >= _SEEN_LIMIT:
                break
    if overlap is None:
        kept = dict(again)
    else:
        low = newest - int(overlap * 1_000_000)
        kept = {one: at for one, at in before.items() if at >= low} | dict(again)
    kept |= found
    if len(kept) > _SEEN_LIMIT:
        kept = {} if overlap is None else dict(sorted(kept.items(), key=lambda entry: entry[1])[-_SEEN_LIMIT:])
    return kept


def _observed(table: _Table, omits_nulls: bool) -> list[Drift]:
    """What the records themselves showed of a changed schema."""
    found = [Drift(name, "added", "a field that the system file does not know; kept in _extra") for name in sorted(table.added)]
    found += [Drift(name, "retyped", f"declared {table.columns[name].type}, came as {came}") for name, came in sorted(table.retyped.items())]
    if table.records >= _REMOVED_FROM and not omits_nulls:
        found += [Drift(name, "removed", "no record has the field any more") for name in sorted(table.unseen)]
    return found

"""A drop's extraction: which files are new or corrected, what is landed of them, and what there is to say. No dlt here (ingestion/run.py).

A file is taken once, by its content; taken again when its content changed, with tombstones for rows that the corrected file no
longer has; refused whole where it does not fit, which leaves what was landed before as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from concord.connections import Connection
from concord.errors import ConcordError, UsageError
from concord.settings import Settings
from ingestion import landing
from ingestion.audit import Audited
from ingestion.columns import Quarantined
from ingestion.extract import Extracted, ProgressEvent
from ingestion.filedrop.folder import Entry, Folder, digest, is_finished, open_folder, unpacked
from ingestion.filedrop.form import TableForm, as_system, drop_of, matches
from ingestion.filedrop.take import Refused, Taken, take_file
from ingestion.filedrop.totals import Control, read_manifest
from ingestion.landing import LiveCount, TableFile
from ingestion.readers import Drift, State
from ingestion.spec import Resource


@dataclass
class Usage:
    """What a vendor's client counts, for a folder: files read and nothing waited for."""

    requests: int = 0
    wait_seconds: float = 0.0


class Reader:
    """Stands where a vendor's client stands in a run: the clock and the count of what was read."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.usage = folder, Usage()

    def server_time(self) -> datetime:
        return datetime.now(UTC)

    def close(self) -> None:
        """A folder holds nothing open."""


@dataclass
class _Outcome:
    """What becomes of one file in this run."""

    entry: Entry
    digest: str = ""
    control: Control | None = None
    taken: Taken | None = None
    refused: Refused | None = None
    same_as: str = ""  # another file with this content was taken before
    unlisted: bool = False


class DropExtraction:
    """The running extraction of one drop; results are fetched by table, as from `ingestion.extract.Extraction`."""

    def __init__(
        self, settings: Settings, connection: Connection, load_id: str, states: Mapping[str, State], *, full: bool = False,
        keys: Mapping[str, Sequence[Any]] | None = None, progress: Callable[[ProgressEvent], None] | None = None,
    ) -> None:
        if keys is not None:
            raise UsageError("files hold no records that could be read by id.", where=connection.name, mend="Run `concord ingest` without keys.")
        self.settings, self.connection, self.load_id, self.full, self.progress = settings, connection, load_id, full, progress
        self.drop, address = drop_of(connection)
        self.system = as_system(self.drop)
        self.schemas = landing.schemas(self.system)
        self.folder: Path = landing.staging_folder(settings, connection.name, load_id)
        self.client = Reader(open_folder(connection.name, address))
        self._states = states
        self._started = self.client.server_time()
        self._taken = 0
        self._listing: list[Entry] | None = None

    def close(self) -> None:
        """Nothing runs beside the caller."""

    def result(self, name: str) -> Extracted:
        """Take what is new for one table. Nothing of it counts until the load is complete."""
        self._say(name, "start")
        table, resource = self.drop.tables[name], self.system.resources[name]
        state = dict(self._states.get(name) or {})
        known: dict[str, Any] = dict(state.get("files") or {})
        refused: dict[str, Any] = dict(state.get("refused") or {})
        entries = [entry for entry in self._entries() if matches(entry.name, table.files) and not self._is_manifest(entry)]
        manifest_there, controls = self._controls(table)
        waits = table.manifest is not None and not manifest_there and table.manifest.unlisted == "wait"
        out = Extracted(name)
        file = TableFile(self.folder, name, self.schemas[name])
        outcomes: list[_Outcome] = []
        by_digest = {info["hash"]: each for each, info in known.items() if not info.get("same_as")}
        # corrected files first: what was their content may be another file's now
        for entry in [] if waits else sorted(entries, key=lambda entry: (entry.name not in known, entry.name)):
            try:
                found = self._look(entry, table, resource, known, refused, by_digest, controls, file.schema)
            except FileNotFoundError:
                continue  # moved away since the listing
            if found is None:
                continue
            outcomes.append(found)
            if found.taken is not None:
                for batch in found.taken.batches:
                    file.add(batch)
                found.taken.batches = []
                before = known.get(entry.name)
                if before and by_digest.get(before["hash"]) == entry.name:
                    del by_digest[before["hash"]]
                by_digest[found.digest] = entry.name
                self._say(name, "rows", file.rows)
        for one in self._tombstones(name, table, resource, file, known, outcomes, entries):
            known.pop(one, None)
        self._keep(known, refused, outcomes, out)
        out.drift = self._drift(state, outcomes, name)
        if (staged := file.close()) is not None:
            out.files.append(staged)
            out.rows[name] = staged.rows
        out.state = {"files": known, "refused": refused, "drift": sorted({*(state.get("drift") or []), *(_mark(d) for _, d in out.drift)})}
        out.audits = self._audits(name, resource, known, refused, outcomes, controls, state, out)
        if waits and any(entry.name not in known for entry in entries):
            out.audits.insert(0, Audited(name, None, 0, "manifest", False, "the manifest is not there yet; the files wait", self._started))
        elif table.manifest is not None:
            out.audits.insert(0, Audited(name, None, 0, "manifest", True, "", self._started))
        self._say(name, "done", file.rows)
        return out

    def _say(self, resource: str, kind: str, rows: int = 0) -> None:
        if self.progress:
            self.progress(ProgressEvent(self.connection.name, resource, kind, rows))

    # which files

    def _entries(self) -> list[Entry]:
        if self._listing is None:
            self._listing = self.client.folder.entries()
        now = self.client.server_time()
        return [entry for entry in self._listing if is_finished(entry, self.drop.unfinished, self.drop.settle.total_seconds(), now)]

    def _is_manifest(self, entry: Entry) -> bool:
        return any(table.manifest is not None and table.manifest.file == entry.name for table in self.drop.tables.values())

    def _controls(self, table: TableForm) -> tuple[bool, dict[str, Control]]:
        """Whether the manifest is there and finished, and its lines."""
        if table.manifest is None:
            return False, {}
        entry = next((entry for entry in self._entries() if entry.name == table.manifest.file), None)
        if entry is None:
            return False, {}
        return True, read_manifest(unpacked(entry.name, self._read(entry)), table.manifest, table, self.connection.name)

    def _read(self, entry: Entry) -> bytes:
        self.client.usage.requests += 1
        return self.client.folder.read(entry.path)

    def _look(
        self, entry: Entry, table: TableForm, resource: Resource, known: Mapping[str, Any], refused: Mapping[str, Any],
        by_digest: Mapping[str, str], controls: Mapping[str, Control], schema: pa.Schema,
    ) -> _Outcome | None:
        """What is new about a file; None where nothing is. A file that looks untouched is not opened."""
        control = controls.get(entry.name)
        before, no = known.get(entry.name), refused.get(entry.name)
        mark = control.mark if control else before["control"] if before else ""
        if not self.full:
            original = before.get("same_as") if before else None
            is_stale = bool(before and original and (original not in known or known[original]["hash"] != before["hash"]))
            if before and before["stamp"] == entry.stamp and before["control"] == mark and not no and not is_stale:
                return None
            if no and no["stamp"] == entry.stamp and no["control"] == mark and no["form"] == self.drop.fingerprint:
                return None
        if table.manifest is not None and control is None and table.manifest.unlisted == "wait":
            return _Outcome(entry, unlisted=True)
        raw = self._read(entry)
        if self.client.folder.entry(entry.path).stamp != entry.stamp:
            return None  # it was written while it was read: next time
        found = _Outcome(entry, control=control)
        try:
            content = unpacked(entry.name, raw)
        except ValueError as error:
            found.refused = Refused([str(error)])
            found.digest = digest(raw)
            return found
        found.digest = digest(content)
        if before and before["hash"] == found.digest and not before.get("same_as") and not self.full and before["control"] == mark:
            return found  # touched, not changed
        other = by_digest.get(found.digest)
        if other is not None and other != entry.name:
            found.same_as = other
            return found
        self._taken += 1
        meta = {"_connection": self.connection.name, "_extracted_at": self._started, "_load_id": self.load_id, "_deleted": False}
        try:
            # a moment of its own for each file: the later of two files with one key wins
            found.taken = take_file(
                entry.name, content, found.digest, table, resource, schema=schema, meta=meta, control=control,
                taken_at=self._started + timedelta(microseconds=self._taken), with_keys=before is not None or "source_file" not in table.key)
        except Refused as error:
            found.refused = error
        return found

    # what it means

    def _tombstones(
        self, name: str, table: TableForm, resource: Resource, file: TableFile, known: Mapping[str, Any], outcomes: Sequence[_Outcome],
        entries: Sequence[Entry],
    ) -> set[str]:
        """Rows of an earlier version that the corrected file does not have; with `when_gone: bury` those of vanished files too.

        Returns the files that have no rows any more.
        """
        corrected = {found.entry.name: found.taken for found in outcomes if found.taken is not None and found.entry.name in known}
        there = {entry.name for entry in self._listing or ()}
        # renamed and then corrected: its rows are still under the old name
        gone = {known[one]["same_as"] for one in corrected if known[one].get("same_as") and known[one]["same_as"] not in there}
        if table.when_gone == "bury":
            moved = {found.same_as for found in outcomes if found.same_as}
            moved |= {info["same_as"] for one, info in known.items() if info.get("same_as") and one in there and one not in corrected}
            gone |= {one for one in known if one not in there and one not in moved}
            if gone and not entries:
                raise ConcordError("holds none of its files any more.", where=self.connection.name, field=f"tables.{name}.files",
                                   mend="Check the folder; rows are buried only while other files are there.")
        if not corrected and not gone:
            return gone
        landed = landing.live_rows(
            landing.files_of(self.settings, self.connection.name, name), resource.key, resource.version,
            list(dict.fromkeys([*resource.key, "source_file"])), ("source_file", [*corrected, *gone]))
        if landed is None:
            return gone
        rows = zip(landed.column("source_file").to_pylist(), *(landed.column(key).to_pylist() for key in resource.key), strict=True)
        fresh = set().union(*(found.taken.keys for found in outcomes if found.taken is not None))
        absent = landed.filter(pa.array([tuple(key) not in fresh for _, *key in rows], pa.bool_()))
        if absent.num_rows:
            at = self._started + timedelta(microseconds=self._taken + 1)
            meta = {"_connection": self.connection.name, "_extracted_at": self._started, "_load_id": self.load_id, "_deleted": True}
            columns = {one: absent.column(one).cast(file.schema.field(one).type) for one in absent.column_names}
            file.add(landing.batch_of(file.schema, columns, absent.num_rows, {**meta, "source_taken_at": at}))
        return gone

    def _keep(
        self, known: dict[str, Any], refused: dict[str, Any], outcomes: Sequence[_Outcome], out: Extracted,
    ) -> None:
        """The new state, the quarantine and the reports of refused files."""
        there = {entry.name for entry in self._listing or ()}
        for name in [one for one in refused if one not in there]:
            del refused[name]
        for found in outcomes:
            name, mark = found.entry.name, found.control.mark if found.control else ""
            if found.refused is not None:
                report = self._report(found, found.refused)
                reason = "; ".join(found.refused.reasons)
                refused[name] = {"stamp": found.entry.stamp, "control": mark, "form": self.drop.fingerprint, "why": reason, "report": report,
                                 "rows": found.control.rows if found.control else None}
                out.quarantined.append((out.name, Quarantined(name, f"the file is refused: {reason}", "", "")))
                out.quarantined += [(out.name, bad) for bad in found.refused.rows]
                continue
            if found.unlisted:
                continue
            refused.pop(name, None)
            if found.taken is not None:
                known[name] = {"stamp": found.entry.stamp, "hash": found.digest, "control": mark, "rows": found.taken.rows,
                               "bad": len(found.taken.quarantined)}
                out.quarantined += [(out.name, bad) for bad in found.taken.quarantined]
            elif found.same_as:
                known[name] = {"stamp": found.entry.stamp, "hash": found.digest, "control": mark, "rows": 0, "bad": 0, "same_as": found.same_as}
            elif name in known:
                known[name] = {**known[name], "stamp": found.entry.stamp}

    def _report(self, found: _Outcome, refused: Refused) -> str:
        """A CSV of a refused file's bad rows for whoever has to mend it; its path."""
        folder = reports_folder(self.settings, self.connection.name)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (re.sub(r"[^A-Za-z0-9._-]+", "_", found.entry.name) + f".{found.digest[:8]}.csv")
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["file", "row", "column", "reason"])
            writer.writerows([found.entry.name, "", "", reason] for reason in refused.reasons)
            writer.writerows([found.entry.name, bad.key, bad.column, bad.reason] for bad in refused.rows)
        return str(path)

    def _drift(self, state: State, outcomes: Sequence[_Outcome], name: str) -> list[tuple[str, Drift]]:
        told = set() if self.full else set(state.get("drift") or [])
        fresh: dict[str, Drift] = {}
        for found in outcomes:
            for drift in found.taken.drift if found.taken is not None else ():
                fresh.setdefault(_mark(drift), drift)
        return [(name, drift) for mark, drift in fresh.items() if mark not in told]

    def _audits(
        self, name: str, resource: Resource, known: Mapping[str, Any], refused: Mapping[str, Any], outcomes: Sequence[_Outcome],
        controls: Mapping[str, Control], state: State, out: Extracted,
    ) -> list[Audited]:
        """One line for each file about which there is news or trouble, then one for the table."""
        now = self.client.server_time()
        audits: list[Audited] = []

        def file_line(file: str, expected: int | None, actual: int, is_complete: bool, detail: str) -> None:
            audits.append(Audited(name, expected, actual, f"file {file}", is_complete, detail, now))

        for found in outcomes:
            file = found.entry.name
            if found.taken is not None:
                bad, manifest = len(found.taken.quarantined), self.drop.tables[name].manifest
                footers = found.taken.left_out.get("closing row", 0) if manifest and manifest.counts_footers else 0
                expected = found.control.rows if found.control else None
                parts = [f"{found.taken.rows} rows taken"] + ([f"{bad} in quarantine"] if bad else [])
                parts += [f"{count} {what} left out" for what, count in sorted(found.taken.left_out.items())]
                parts += [f"as the manifest: {found.control.words}"] if found.control else []
                file_line(file, expected, found.taken.rows + bad + footers, True, ", ".join(parts))
            elif found.same_as:
                file_line(file, None, 0, True, f"the content of {found.same_as}, which is taken already")
            elif found.unlisted:
                file_line(file, None, 0, False, "the manifest does not name the file; it waits")
        for file, info in sorted(refused.items()):
            file_line(file, info["rows"] or None, 0, False, f"refused: {info['why']}; report: {info['report']}")
        named = {entry.name for entry in self._listing or ()}
        for file in sorted(controls.keys() - known.keys() - named):
            if matches(file, self.drop.tables[name].files):
                file_line(file, controls[file].rows or None, 0, False, "the manifest names the file; it is not there")
        # a trouble that is over is told as well: its line would stand for ever
        told = {audited.method for audited in audits}
        audits += [Audited(name, None, 0, method, True, "mended or withdrawn", now) for method in state.get("open") or [] if method not in told]
        out.state["open"] = [audited.method for audited in audits if not audited.is_complete]
        before = LiveCount(*state["live"]) if state.get("live") and not self.full else None
        live = landing.live_count(
            landing.files_of(self.settings, self.connection.name, name), [str(staged.path) for staged in out.files], resource.key,
            resource.version, self.load_id, before)
        out.state["live"] = [live.count, live.rows, live.load_id]
        actual = live.count
        # rows of two files may share a key only where the form says what a row's key is
        expected = sum(info["rows"] for info in known.values()) if {"source_file", "source_line"} <= {*resource.key} else None
        whole = all(audited.is_complete for audited in audits) and (expected is None or actual >= expected)
        words = f"{len(known)} files taken" + (f", {len(refused)} refused" if refused else "")
        audits.append(Audited(name, expected, actual, "files taken", whole, words, now, window_end=now))
        return audits


def _mark(drift: Drift) -> str:
    return f"{drift.column} {drift.change}"


def reports_folder(settings: Settings, connection: str) -> Path:
    return settings.home / "reports" / connection


# without a run


def describe(connection: Connection) -> tuple[str, str]:
    """Who a drop is and what waits there, for a connection test. Raises ConcordError where form or folder do not fit."""
    drop, address = drop_of(connection)
    entries = open_folder(connection.name, address).entries()
    now = datetime.now(UTC)
    ready = [entry for entry in entries if is_finished(entry, drop.unfinished, drop.settle.total_seconds(), now)]
    counts = [f"{name}: {sum(matches(entry.name, table.files) for entry in ready)} files" for name, table in drop.tables.items()]
    waiting = len(entries) - len(ready)
    return f"folder {address} ({', '.join(counts)})", f"{waiting} still being written" if waiting else ""


def newest_file(connection: Connection) -> str:
    """A text that differs whenever a file came, changed or went; for the sensors."""
    drop, address = drop_of(connection)
    now = datetime.now(UTC)
    finished = [
        entry for entry in open_folder(connection.name, address).entries()
        if is_finished(entry, drop.unfinished, drop.settle.total_seconds(), now)]
    return digest("\n".join(f"{entry.name} {entry.stamp}" for entry in finished).encode()) if finished else ""

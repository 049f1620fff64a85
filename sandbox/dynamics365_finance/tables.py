"""The records of all entity sets: kept in order, found by key, written with their version. No HTTP, no rules about what may be written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.dynamics365_finance.catalogue import SETS
from sandbox.dynamics365_finance.records import Entry, Record, blank, etag, key_of, moment
from sandbox.protocol import Clock, Store

FIRST_NEW_RECORD = 68_719_476_736
_FIRST_NEW_TRANSACTION = 9_008_100_000_000_001
_BIG = frozenset({"FreeTextInvoiceHeaders"})  # record ids that clients see are beyond 2^53


class Tables:
    """Writers hold the store's lock; readers take lists that are replaced, never changed."""

    def __init__(self, store: Store, clock: Clock, user: str) -> None:
        self._store, self._clock, self._user = store, clock, user
        self._ordered: dict[str, tuple[int, list[str]]] = {}
        self._folded: dict[str, tuple[int, dict[str, str]]] = {}
        self._moved: dict[str, int] = {}
        self._owners: dict[str, list[tuple[str, str]]] = {}
        self._lines: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._done: list[tuple[str, str, Record | None]] | None = None  # while a transaction runs: what each write replaced

    # reading

    def get(self, collection: str, id: str) -> Record | None:
        return self._store.get(collection, id)

    def find(self, collection: str, id: str) -> tuple[str, Record] | None:
        """By its key, whose texts are compared without regard to case."""
        record = self._store.get(collection, id)
        if record is not None:
            return id, record
        rows = self._store.collection(collection)
        mark = len(rows)
        known = self._folded.get(collection)
        if known is None or known[0] != mark:
            with self._store.lock:
                known = self._folded[collection] = (mark, {other.casefold(): other for other in rows})
        own = known[1].get(id.casefold())
        found = self._store.get(collection, own) if own is not None else None
        return None if own is None or found is None else (own, found)

    def rows(self, collection: str) -> list[Record]:
        """All records in the order of the key."""
        stored = self._store.collection(collection)
        mark = (self._moved.get(collection, 0) << 32) + len(stored)
        known = self._ordered.get(collection)
        if known is None or known[0] != mark:
            with self._store.lock:
                key = SETS[collection].key
                ordered = sorted(stored, key=lambda id: tuple(map(_sortable, map(stored[id].get, key))))
                known = self._ordered[collection] = (mark, ordered)
        return [record for record in map(stored.get, known[1]) if record is not None]

    def related(self, collection: str, names: tuple[str, ...], values: tuple[Any, ...]) -> list[Record]:
        """The records that hold these values, by an index that is built on first use."""
        mark = (collection, "|".join(names))
        index = self._lines.get(mark)
        if index is None:
            with self._store.lock:
                index = {}
                for record in self.rows(collection):
                    index.setdefault(_joined(record, names), []).append(key_of(collection, record))
                self._lines[mark] = index
        ids = index.get("|".join(map(str, values)), [])
        return [record for record in map(self._store.collection(collection).get, ids) if record is not None]

    def owned(self, owner: str, collection: str) -> list[Record]:
        found = [self._store.get(collection, id) for name, id in self._owners.get(owner, ()) if name == collection]
        return [record for record in found if record is not None]

    # the world

    def fill(self, owner: str, entries: Iterable[Entry]) -> None:
        """Without a trace: what was there before anybody looked."""
        for collection, record in entries:
            id, stored = key_of(collection, record), self._store.collection(collection)
            if id not in stored and owner:  # a row that only adds to another's record does not own it
                self._owners.setdefault(owner, []).append((collection, id))
            stored[id] = record

    def forget(self) -> None:
        self._ordered, self._folded, self._lines = {}, {}, {}

    def replace(self, owner: str, entries: Iterable[Entry]) -> None:
        """The records of a world row are now these: others that it had are gone, unchanged ones stay as they are."""
        before, after = self._owners.get(owner, []), []
        mine = set(before)
        for collection, record in entries:
            id = key_of(collection, record)
            known = self._store.get(collection, id)
            is_own = known is None or (collection, id) in mine
            if is_own:
                after.append((collection, id))
            if known is None or _content(known) != _content(record):
                self.put(collection, id, record, known)
        for collection, id in before:
            if (collection, id) not in after:
                self.delete(collection, id)
        if after:
            self._owners[owner] = after
        else:
            self._owners.pop(owner, None)

    # writing

    def put(self, collection: str, id: str, record: Record, before: Record | None) -> Record:
        """Store it with the next version of the record it replaces."""
        version = before["_"]["version"] + 1 if before else 1
        beside = {**record["_"], "version": version}
        finished = {**record, "_": beside, "@odata.etag": etag(version, beside["recid"])}
        self._note(collection, id)
        held = self._store.get(collection, id)
        self._store.put(collection, id, finished)
        self._changed(collection, id, held, finished)
        return finished

    def delete(self, collection: str, id: str) -> None:
        self._note(collection, id)
        held = self._store.get(collection, id)
        self._store.delete(collection, id)
        self._changed(collection, id, held, None)

    def created(self, collection: str, values: Record) -> Record:
        """A record that our caller makes: blanks filled, stamped with now and the user."""
        now = moment(self._clock.now())
        record: Record = {"@odata.etag": "", **blank(collection), **values}
        record["_"] = {
            "recid": self.next_record_id(collection), "version": 1, "created": now, "modified": now, "by": self._user, "creator": self._user,
            "hidden": False,
        }
        return self.put(collection, key_of(collection, record), record, None)

    def updated(self, collection: str, id: str, before: Record, changes: Record) -> Record:
        beside = {**before["_"], "modified": moment(self._clock.now()), "by": self._user}
        return self.put(collection, id, {**before, **changes, "_": beside}, before)

    def begin(self) -> None:
        self._done = []

    def commit(self) -> None:
        self._done = None

    def roll_back(self) -> None:
        done, self._done = self._done or [], None
        for collection, id, before in reversed(done):
            held = self._store.get(collection, id)
            if before is None:
                self._store.delete(collection, id)
            else:
                self._store.put(collection, id, before)
            self._changed(collection, id, held, before)

    def _note(self, collection: str, id: str) -> None:
        if self._done is not None:
            self._done.append((collection, id, self._store.get(collection, id)))

    def next_record_id(self, collection: str) -> int:
        if collection in _BIG:
            return self._store.next_number("record", _FIRST_NEW_TRANSACTION)
        return self._store.next_number("small_record", FIRST_NEW_RECORD)

    def next_number(self, name: str, start: int = 1) -> int:
        return self._store.next_number(name, start)

    def _changed(self, collection: str, id: str, before: Record | None, after: Record | None) -> None:
        """Keep what is known beside the store in step, so that a write costs the same however much there is."""
        if before is None or after is None:
            self._moved[collection] = self._moved.get(collection, 0) + 1
            known = self._folded.get(collection)
            if known is not None:
                if after is None:
                    known[1].pop(id.casefold(), None)
                else:
                    known[1][id.casefold()] = id
                self._folded[collection] = (len(self._store.collection(collection)), known[1])
        for (name, columns), index in self._lines.items():
            if name != collection:
                continue
            old, new = (None if record is None else _joined(record, columns.split("|")) for record in (before, after))
            if old == new:
                continue
            if old is not None:
                index[old] = [other for other in index.get(old, []) if other != id]
            if new is not None:
                index[new] = [*index.get(new, []), id]


def _joined(record: Record, names: Iterable[str]) -> str:
    return "|".join([str(record.get(name)) for name in names])


def _content(record: Record) -> Record:
    """What makes two states differ: not the version, and not the stamp alone."""
    beside = {name: value for name, value in record["_"].items() if name not in ("version", "modified", "by")}
    return {name: value for name, value in record.items() if name not in ("@odata.etag", "_")} | {"_": beside}


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value

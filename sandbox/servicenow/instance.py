"""The records of an instance with the orders over them: the world as it comes in, tables with all that extend them, deletions.

Which requests may see or change them belongs to `api`, how a query is answered to `query`, what a write may hold to `writes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from sandbox.protocol import Clock, Record, Store
from sandbox.servicenow import records
from sandbox.servicenow.catalogue import (
    AUDITED,
    CHOICES,
    NUMBER_KINDS,
    TABLES,
    Column,
    chain,
    choices_of,
    classes,
    columns_of,
    max_length,
)
from sandbox.servicenow.ids import native_id
from sandbox.servicenow.records import stamp
from sandbox.world.model import View

Order = tuple[tuple[str, bool], ...]  # column, descending
_DELETED_WITH = ("sys_journal_field", "sys_audit")
_CACHED = 64


class Instance:
    def __init__(self, store: Store, clock: Clock, *, integration_login: str, audits_deletes: bool) -> None:
        self.store = store
        self.clock = clock
        self.integration_login = integration_login
        self.integration_id = native_id("agent", 0)
        self._audits_deletes = audits_deletes
        self._renderer = records.Renderer(integration_login)
        self._versions: dict[str, int] = {}
        self._cache: dict[Any, tuple[tuple[int, ...], Any]] = {}
        self._world: dict[tuple[str, str], Record] = {}  # each record as the world last gave it
        self._derived: dict[tuple[str, int], set[tuple[str, str]]] = {}  # row -> the records that it became

    # The world

    def load(self, view: View) -> None:
        with self.store.lock:
            begun = min((row.created_at for row in view.customers), default=view.as_of)
            integration = {"sys_id": self.integration_id, "user_name": self.integration_login, "email": f"{self.integration_login}@concord.example"}
            for table, record in (*records.furnishing(begun, integration), *self._described(stamp(begun))):
                self.put(table, record)
            self.apply(view)
            self.store.take_effects()

    def apply(self, view: View) -> None:
        with self.store.lock:
            self._renderer.learn(view)
            arrived: dict[tuple[str, int], set[tuple[str, str]]] = {}
            for row, (table, record) in self._renderer.rows_of(view):
                identity = (type(row).__name__, row.key)
                if row.removed and identity[0] != "Agent":
                    if table in AUDITED and self.store.get(table, record["sys_id"]) is None:
                        self._bury(table, record, record["sys_updated_on"], record["sys_updated_by"])
                    self.remove(table, record["sys_id"], at=stamp(row.updated_at), by=self._renderer.actor(row))
                    continue
                arrived.setdefault(identity, set()).add((table, record["sys_id"]))
                self._arrive(table, record)
            for identity, now in arrived.items():
                # an entitlement that the customer no longer holds is gone with its contract
                for table, sys_id in self._derived.get(identity, set()) - now:
                    if table not in _DELETED_WITH:
                        self.remove(table, sys_id, at=stamp(view.as_of), by=self.integration_login)
                self._derived[identity] = now

    def _arrive(self, table: str, record: Record) -> None:
        """Take the world's record, but keep what was written here to columns that the world has not touched since."""
        key = (table, record["sys_id"])
        old, held = self._world.get(key), self.store.get(table, record["sys_id"])
        if table not in _DELETED_WITH:  # entries are never changed
            self._world[key] = record
        if held is None:
            self.put(table, record)
            return
        if old is None:
            if held != record and table not in _DELETED_WITH:
                self.put(table, record)
            return
        if old == record:
            return
        merged = dict(held)
        for name in old.keys() | record.keys():
            if record.get(name) != old.get(name):
                if name in record:
                    merged[name] = record[name]
                else:
                    merged.pop(name, None)
        merged["sys_mod_count"] = str(int(held.get("sys_mod_count") or 0) + 1)
        self.put(table, merged)

    def _described(self, at: str) -> Iterator[tuple[str, Record]]:
        """The tables, columns and choices as records of the instance."""
        made = {"sys_created_on": at, "sys_created_by": "system", "sys_updated_on": at, "sys_updated_by": "system"}
        for table in TABLES.values():
            super_class = native_id("table", table.parent) if table.parent else ""
            yield "sys_db_object", {**made, "sys_id": native_id("table", table.name), "name": table.name, "label": table.label,
                                    "super_class": super_class}
            yield "sys_dictionary", {**made, "sys_id": native_id("table", f"{table.name}."), "name": table.name, "internal_type": "collection"}
            for column in table.columns.values():
                yield "sys_dictionary", {**made, **_dictionary_entry(table.name, column)}
        for (table_name, element), labels in CHOICES.items():
            for place, (value, label) in enumerate(labels.items()):
                yield "sys_choice", {
                    **made, "sys_id": native_id("choice", f"{table_name}.{element}.{value}"), "name": table_name, "element": element,
                    "value": value, "label": label, "sequence": str(place)}

    # Records

    def put(self, table: str, record: Record) -> None:
        self.store.put(table, record["sys_id"], record)
        self._versions[table] = self._versions.get(table, 0) + 1
        known = self._cache.get(("extra", table))
        if known is not None:
            known[1].update(name for name in record.keys() - columns_of(table).keys() if not name.startswith("_"))

    def remove(self, table: str, sys_id: str, *, at: str, by: str) -> None:
        """Delete for good, with what hangs on the record; an audited table leaves a line about it."""
        record = self.store.get(table, sys_id)
        if record is None:
            return
        self.store.delete(table, sys_id)
        self._versions[table] = self._versions.get(table, 0) + 1
        if table in AUDITED:
            self._bury(table, record, at, by)
        if "task" in chain(table):
            for entry in list(self.entries_of(sys_id)):
                self.store.delete("sys_journal_field", entry["sys_id"])
                self._versions["sys_journal_field"] = self._versions.get("sys_journal_field", 0) + 1

    def _bury(self, table: str, record: Record, at: str, by: str) -> None:
        if not self._audits_deletes:
            return
        sys_id = record["sys_id"]
        self.put("sys_audit_delete", {
            "sys_id": native_id("delete", f"{table}.{sys_id}.{at}"), "tablename": table, "documentkey": sys_id,
            "display_value": record.get(TABLES[table].display, ""), "user": by, "sys_created_on": at, "sys_created_by": by,
            "sys_updated_on": at, "payload": f'<?xml version="1.0" encoding="UTF-8"?><unload><{table} action="DELETE"/></unload>'})

    def find(self, table: str, sys_id: str) -> tuple[str, Record] | None:
        """The record under the table or one that extends it, with the table it is stored in."""
        for name in classes(table):
            record = self.store.get(name, sys_id)
            if record is not None:
                return name, record
        return None

    def columns(self, table: str) -> dict[str, Column]:
        """The table's columns, those included that records brought along without being declared."""
        found = columns_of(table)
        extra = sorted(name for one in chain(table) for name in self._extra(one) if name not in found)
        return {**found, **{name: Column(name) for name in extra}} if extra else found

    def _extra(self, table: str) -> set[str]:
        held = self._cache.get(("extra", table))
        if held is None:
            names = set().union(*self.store.collection(table).values()) - columns_of(table).keys()
            held = self._cache[("extra", table)] = ((), {name for name in names if not name.startswith("_")})
        return cast(set[str], held[1])

    def default(self, table: str, name: str) -> str:
        column = columns_of(table).get(name)
        return column.default if column else ""

    # Orders over a table

    def cached(self, key: Any, tables: Iterable[str], build: Callable[[], Any]) -> Any:
        """What `build` made, made anew when one of the tables has changed since."""
        versions = tuple(self._versions.get(name, 0) for name in tables)
        held = self._cache.get(key)
        if held is not None and held[0] == versions:
            return held[1]
        with self.store.lock:
            made = build()
            self._cache[key] = (versions, made)
            if len(self._cache) > _CACHED:
                stale = [name for name in self._cache if name != key and name[0] == "selection"]
                for name in stale[: len(stale) // 2 + 1]:
                    del self._cache[name]
        return made

    def version_of(self, table: str) -> tuple[int, ...]:
        return tuple(self._versions.get(name, 0) for name in classes(table))

    def ordered(self, table: str, order: Order) -> list[Record]:
        """All records of the table and those that extend it, in this order; without one in the order of sys_id."""
        names = classes(table)
        tables = (*names, "sys_dictionary") if table == "sys_dictionary" else names

        def build() -> list[Record]:
            rows = [row for name in names for row in self.store.collection(name).values()]
            if table == "sys_dictionary":
                rows += self._extra_entries()
            for name, descending in reversed(order or (("sys_id", False),)):
                rows.sort(key=self._sort_key(table, name), reverse=descending)
            return rows

        if table == "sys_dictionary":
            tables = (*tables, *TABLES)
        return cast(list[Record], self.cached(("order", table, order), dict.fromkeys(tables), build))

    def _sort_key(self, table: str, name: str) -> Callable[[Record], Any]:
        column = self.columns(table).get(name)
        default = column.default if column else ""
        if column is not None and column.kind in NUMBER_KINDS:
            return lambda row: number(row.get(name, default))
        if column is not None and column.reference:
            return lambda row: self.display_of(column.reference, row.get(name, default))
        return lambda row: row.get(name, default)

    def _extra_entries(self) -> list[Record]:
        """Dictionary entries of columns that were added to the instance after it was set up."""
        at = stamp(self.clock.now())
        made = {"sys_created_on": at, "sys_created_by": "admin", "sys_updated_on": at, "sys_updated_by": "admin"}
        return [{**made, **_dictionary_entry(name, Column(extra))} for name in TABLES for extra in self._extra(name)]

    def display_of(self, table: str, sys_id: str) -> str:
        """What stands for a record where it is referred to; empty for one that does not exist or whose table is not kept."""
        if not sys_id or table not in TABLES:
            return ""
        found = self.find(table, sys_id)
        if found is None:
            return ""
        display = TABLES[table].display
        value: str = found[1].get(display, self.default(table, display))
        column = columns_of(table).get(display)
        if column is not None and column.reference and display != "sys_id":
            return self.display_of(column.reference, value)
        return choices_of(table, display).get(value, value)

    def entries_of(self, element_id: str) -> list[Record]:
        """A record's journal, oldest first."""

        def build() -> dict[str, list[Record]]:
            made: dict[str, list[Record]] = {}
            for entry in self.store.collection("sys_journal_field").values():
                made.setdefault(entry["element_id"], []).append(entry)
            return made

        held = self.cached(("journal",), ("sys_journal_field",), build).get(element_id, [])
        return sorted(held, key=lambda entry: (entry["sys_created_on"], entry["sys_id"]))

    def user_name_id(self, user_name: str) -> str:
        """The sys_id of the user with that login."""

        def build() -> dict[str, str]:
            return {row["user_name"]: row["sys_id"] for row in self.ordered("sys_user", ()) if row.get("user_name")}

        return cast(str, self.cached(("logins",), classes("sys_user"), build).get(user_name, ""))


def number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("-inf")


def _dictionary_entry(table: str, column: Column) -> Record:
    return {
        "sys_id": native_id("table", f"{table}.{column.name}"), "name": table, "element": column.name, "internal_type": column.kind,
        "reference": column.reference, "max_length": str(max_length(column)),
        "column_label": column.name.removeprefix("u_").replace("_", " ").capitalize()}

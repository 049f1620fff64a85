"""The records of a Zendesk account with the indexes over them: the world as it comes in, lists, counts, exports, histories.

Who may read or write them, and in which form they go out, belongs to `zendesk`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.protocol import Clock, Record, Store
from sandbox.world.model import Agent, Row, Ticket, View
from sandbox.zendesk import measures, records
from sandbox.zendesk.pages import WITHHELD_SECONDS, Entry
from sandbox.zendesk.records import ASSET_KEY, epoch, stamp

INTEGRATION_USER_KEY = 0  # agent key of the user that Concord's credentials act as
_ARCHIVED_AFTER = timedelta(days=120)
__all__ = ["ASSET_KEY", "INTEGRATION_USER_KEY", "Account"]


class Account:
    def __init__(self, store: Store, clock: Clock, *, operator_email: str, is_admin: bool, exports_deleted_organizations: bool) -> None:
        self.store = store
        self.served = 0  # the newest second that an export has shown
        self._clock = clock
        self._operator_email = operator_email
        self._is_admin = is_admin
        self._exports_deleted_organizations = exports_deleted_organizations
        self._versions: dict[str, int] = {}
        self._cache: dict[str, tuple[tuple[int, ...], Any]] = {}
        self._holders: dict[tuple[str, str], dict[str, int]] = {}
        self._history: dict[int, Ticket] = {}
        self._skus: dict[int, str] = {}
        self._world: dict[tuple[str, int | str], Record] = {}  # each record as the world last gave it

    # The world

    def load(self, view: View) -> None:
        with self.store.lock:
            begun = min((row.created_at for row in view.customers), default=view.as_of)
            operator = Agent(
                key=INTEGRATION_USER_KEY, created_at=begun, updated_at=begun, name="Concord Integration", email=self._operator_email
            )
            operator_record = records.agent_user(operator, epoch(begun), "admin" if self._is_admin else "agent")
            self.put("users", operator_record)
            for group in records.groups(stamp(begun)):
                self.put("groups", group)
            latest = epoch(view.as_of) - WITHHELD_SECONDS - 1

            def generated(row: Row) -> int:
                """Work of the system itself touches some records a little after their last update."""
                updated = epoch(row.updated_at)
                return max(updated, min(updated + row.key % 5 * 7, latest))

            self._upsert(view, generated)
            # copies: the rows of a world may grow in place, the history that came with them does not
            self._history = {_ticket_id(row): replace(row, comments=list(row.comments), changes=list(row.changes)) for row in view.tickets}
            self._cache.clear()
            self.store.take_effects()

    def apply(self, view: View) -> None:
        with self.store.lock:

            def generated(row: Row) -> int:
                # never behind what an export has shown, or a client's cursor would pass it by
                return max(epoch(row.updated_at), self.served + 1)

            self._upsert(view, generated)
            known = {row.key: {audit["id"]: audit["events"] for audit in self.audits(_ticket_id(row))} for row in view.tickets}
            for row in view.tickets:
                for audit in records.history(row):
                    if known[row.key].get(audit["id"]) != audit["events"]:
                        self.put("ticket_audits", {**audit, "_generated": max(audit["_generated"], self.served + 1)})

    def _upsert(self, view: View, generated: Callable[[Any], int]) -> None:
        for customer in view.customers:
            record = records.organization(customer, generated(customer), view.peer)
            if customer.removed:
                self.drop("organizations", record["id"])
                self.put("deleted_organizations", {**record, "deleted_at": stamp(customer.updated_at)})
            else:
                self._arrive("organizations", record)
        for contact in view.contacts:
            self._arrive("users", records.contact_user(contact, generated(contact), view.peer))
        for agent in view.agents:
            self._arrive("users", records.agent_user(agent, generated(agent)))
        for row in view.tickets:
            record = records.ticket(row, generated(row))
            if row.removed:
                self.drop("tickets", record["id"])
                self.put("deleted_tickets", records.scrubbed(record, row.updated_at, record["assignee_id"]))
            else:
                self._arrive("tickets", record)
                self._rate(row, record, view.as_of)
        self._skus |= {product.key: product.sku for product in view.products}
        actor = records.zendesk_id("agent", INTEGRATION_USER_KEY) or 0
        for asset in view.assets:
            record = records.asset_record(asset, self._skus.get(asset.product, ""), generated(asset), actor)
            if asset.removed:
                self.drop_record("custom_object_records", record["id"])
            else:
                self._arrive("custom_object_records", record)

    def _rate(self, row: Ticket, record: Record, as_of: datetime) -> None:
        if record["status"] in measures.SOLVED and row.solved_at is not None:
            rating = measures.rating(record, stamp(row.solved_at), row.key, as_of)
            if rating is not None:
                self.put("satisfaction_ratings", {**rating, **({"_hidden": True} if row.hidden else {})})

    def _arrive(self, kind: str, record: Record) -> None:
        """Take the world's record, but keep what was written here to fields that the world has not touched since."""
        key = (kind, record["id"])
        old, held = self._world.get(key), self.store.get(kind, str(record["id"]))
        self._world[key] = record
        if old is not None and held is not None and held is not old:
            record = {**_merged(held, old, record), "updated_at": record["updated_at"], "_generated": record["_generated"]}
        self.put(kind, record)

    # Records and their indexes

    def put(self, collection: str, record: Record) -> None:
        id = str(record["id"])
        before = self.store.get(collection, id)
        self.store.put(collection, id, record)
        self._moved(collection, before, record)

    def drop(self, collection: str, id: int) -> None:
        before = self.store.get(collection, str(id))
        self.store.delete(collection, str(id))
        self._moved(collection, before, None)

    def drop_record(self, collection: str, id: str) -> None:
        before = self.store.get(collection, id)
        self.store.delete(collection, id)
        self._moved(collection, before, None)

    def _moved(self, collection: str, before: Record | None, after: Record | None) -> None:
        self._versions[collection] = self._versions.get(collection, 0) + 1
        for (indexed, name), holders in self._holders.items():
            if indexed != collection:
                continue
            if before is not None and before.get(name) and holders.get(str(before[name]).lower()) == before["id"]:
                del holders[str(before[name]).lower()]
            if after is not None and after.get(name):
                holders[str(after[name]).lower()] = after["id"]

    def holder(self, collection: str, name: str, value: str) -> int | None:
        """The id of the record that holds the value; letter case does not count."""
        holders = self._holders.get((collection, name))
        if holders is None:
            with self.store.lock:
                holders = {str(row[name]).lower(): row["id"] for row in self.store.collection(collection).values() if row.get(name)}
                self._holders[(collection, name)] = holders
        return holders.get(value.lower())

    def _cached(self, key: str, collections: Sequence[str], build: Callable[[], Any]) -> Any:
        """What `build` made, made anew when one of the collections has changed since."""
        versions = tuple(self._versions.get(name, 0) for name in collections)
        held = self._cache.get(key)
        if held is not None and held[0] == versions:
            return held[1]
        with self.store.lock:
            versions = tuple(self._versions.get(name, 0) for name in collections)
            made = build()
            self._cache[key] = (versions, made)
            return made

    def listed(self, kind: str) -> list[Record]:
        """What lists show, in the order of ids: nothing hidden, no inactive user, no archived ticket."""
        oldest = stamp(self._clock.now() - _ARCHIVED_AFTER)

        def build() -> list[Record]:
            rows = [row for row in self.store.collection(kind).values() if "_hidden" not in row]
            if kind == "users":
                rows = [row for row in rows if row["active"]]
            elif kind == "tickets":
                rows = [row for row in rows if row["status"] != "closed" or row["updated_at"] > oldest]
            return sorted(rows, key=lambda row: row["id"])

        return self._cached(f"list {kind} {oldest[:10]}" if kind == "tickets" else f"list {kind}", (kind,), build)

    def count(self, kind: str) -> int:
        def build() -> int:
            rows = self.store.collection(kind).values()
            return sum(1 for row in rows if row["active"]) if kind == "users" else len(rows)

        return self._cached(f"count {kind}", (kind,), build)

    def exported(self, kind: str) -> list[Entry]:
        names = [kind]
        if kind == "tickets" or (kind == "organizations" and self._exports_deleted_organizations):
            names.append(f"deleted_{kind}")

        def build() -> list[Entry]:
            rows = [row for name in names for row in self.store.collection(name).values()]
            return sorted(((row["_generated"], row["id"], None if "_hidden" in row else row) for row in rows), key=_order)

        return self._cached(f"export {kind}", names, build)

    def exported_events(self) -> list[Entry]:
        def base() -> list[Entry]:
            return [
                (time, id, None if row.hidden else (row, id)) for row in self._history.values() for time, id in records.history_times(row)
            ]

        def build() -> list[Entry]:
            written = self.store.collection("ticket_audits")
            entries = [entry for entry in self._cached("history", (), base) if str(entry[1]) not in written]
            entries += [(row["_generated"], row["id"], None if "_hidden" in row else row) for row in written.values()]
            return sorted(entries, key=_order)

        return self._cached("export ticket_events", ("ticket_audits",), build)

    def audits(self, ticket_id: int) -> list[Record]:
        """A ticket's audits, oldest first: those it came with and those that were written since."""

        written = {row["id"]: row for row in self.written(ticket_id)}
        told = self._history.get(ticket_id)
        held = {row["id"]: row for row in records.history(told)} if told else {}
        return sorted({**held, **written}.values(), key=lambda row: (row["created_at"], row["id"]))

    def written(self, ticket_id: int) -> list[Record]:
        """The audits of a ticket that came after it was loaded."""

        def by_ticket() -> dict[int, list[Record]]:
            made: dict[int, list[Record]] = {}
            for row in self.store.collection("ticket_audits").values():
                made.setdefault(row["ticket_id"], []).append(row)
            return made

        found: list[Record] = self._cached("audits", ("ticket_audits",), by_ticket).get(ticket_id, [])
        return found

    def searched(self, kind: str) -> list[Record]:
        """What search finds: everything that is there, archived tickets too."""

        def build() -> list[Record]:
            rows = [row for row in self.store.collection(kind).values() if "_hidden" not in row]
            return [row for row in rows if row["active"]] if kind == "users" else rows

        found: list[Record] = self._cached(f"search {kind}", (kind,), build)
        return found

    def exists(self, kind: str, id: Any) -> bool:
        record = self.store.get(kind, str(id))
        return record is not None and record.get("active", True)


def _order(entry: Entry) -> tuple[int, int]:
    return entry[0], entry[1]


def _ticket_id(row: Ticket) -> int:
    return int(records.native_id("zendesk", "ticket", row.key))


def _merged(held: Record, old: Record, new: Record) -> Record:
    """`held` with the steps from `old` to `new` taken in it, field by field and tag by tag."""
    result = dict(held)
    for name, value in new.items():
        before, present = old.get(name), held.get(name)
        if value == before:
            continue
        if isinstance(value, dict) and isinstance(before, dict) and isinstance(present, dict):
            result[name] = _merged(present, before, value)
        elif name == "tags" and isinstance(present, list):
            result[name] = sorted((set(present) - (set(before or []) - set(value))) | (set(value) - set(before or [])))
        else:
            result[name] = value
    return result

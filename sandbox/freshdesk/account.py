"""The records of a Freshdesk account with the indexes over them: the world as it comes in, what lists and searches show, the archive.

Who may read or write them, and in which form they go out, belongs to `api`; what a write may hold to `writes`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sandbox.freshdesk import records
from sandbox.freshdesk.fields import STATUSES
from sandbox.freshdesk.records import stamp
from sandbox.protocol import Clock, Record, Store
from sandbox.world.model import Agent, Customer, View

INTEGRATION_USER_KEY = 0  # agent key of the user whose API key Concord holds
_LISTS_KEPT = 40
_RECENT_KEPT = 100_000
_CLOSED = 5
_FIRST_NEW = {
    "companies": 43_050_000_001, "contacts": 43_150_000_001, "conversations": 46_000_000_001, "time_entries": 47_900_000_001,
    "sla_policies": 43_425_000_001, "attachments": 43_600_000_001,
}


class Account:
    def __init__(
        self, store: Store, clock: Clock, *, operator_email: str, is_admin: bool, archived_after: timedelta, trash_emptied_after: timedelta,
        search_lag: timedelta,
    ) -> None:
        self.store = store
        self._clock = clock
        self._operator_email, self._is_admin = operator_email, is_admin
        self._archived_after, self._trash_emptied_after, self._search_lag = archived_after, trash_emptied_after, search_lag
        self._versions: dict[str, int] = {}
        self._cache: OrderedDict[str, tuple[int, Any]] = OrderedDict()
        self._talk: dict[int, list[str]] | None = None  # ids of a ticket's conversations, from the first question for them on
        self._world: dict[tuple[str, str], Record] = {}  # each record as the world last gave it
        self._recent: list[tuple[datetime, str, str, Record | None]] = []  # what a search does not show yet: time, kind, id, before
        self._skus: dict[int, str] = {}
        self._own_statuses: dict[int, tuple[str, str]] = {}

    # The world

    def load(self, view: View) -> None:
        with self.store.lock:
            begun = min((row.created_at for row in view.customers), default=view.as_of)
            operator = Agent(
                key=INTEGRATION_USER_KEY, created_at=begun, updated_at=begun, name="Concord Integration", email=self._operator_email)
            at = stamp(begun)
            members = [records.known_id("agent", row.key) for row in view.agents if not row.removed]
            entitled: dict[str, list[int]] = {tier: [] for tier in records.TIERS}
            for row in view.customers:
                if (tier := _covered_by(row, view.as_of)) in entitled:
                    entitled[tier].append(records.known_id("customer", row.key))
            fixed = {
                "agents": [records.agent(operator, is_admin=self._is_admin)], "groups": records.groups(at, members),
                "roles": records.roles(at), "business_hours": records.business_hours(at), "sla_policies": records.sla_policies(entitled, at),
            }
            for kind, rows in fixed.items():
                for record in rows:
                    self.put(kind, record, searched=False)
            self._upsert(view)
            self._cache.clear()
            self._recent.clear()
            self.store.take_effects()

    def apply(self, view: View) -> None:
        with self.store.lock:
            self._upsert(view)
            for row in view.customers:
                self._move_policy(records.known_id("customer", row.key), _covered_by(row, view.as_of), stamp(row.updated_at))

    def _upsert(self, view: View) -> None:
        self._own_statuses |= records.own_statuses(view.tickets)
        self._skus |= {row.key: row.sku for row in view.products}
        for customer in view.customers:
            record = records.company(customer, view)
            if customer.removed:
                self.drop("companies", str(record["id"]))
            else:
                self._arrive("companies", record)
        for contact in view.contacts:
            self._arrive("contacts", records.contact(contact, view))
        for agent in view.agents:
            self._gone_or_here("agents", records.agent(agent), agent.removed)
        for product in view.products:
            self._gone_or_here("products", records.product(product), product.removed)
        for asset in view.assets:
            self._gone_or_here("asset_records", records.asset(asset, self._skus), asset.removed, "display_id")
        for row in view.tickets:
            self._arrive("tickets", records.ticket(row))
            for said in records.conversations(row):
                if said != self._world.get(("conversations", str(said["id"]))):
                    self._arrive("conversations", said)
            for entry in records.time_entries(row):
                if entry != self._world.get(("time_entries", str(entry["id"]))):
                    self._arrive("time_entries", entry)
            rated = records.rating(row)
            if rated is not None and rated != self._world.get(("ratings", str(rated["id"]))):
                self._arrive("ratings", rated)

    def _gone_or_here(self, kind: str, record: Record, removed: bool, key: str = "id") -> None:
        if removed:
            self.drop(kind, str(record[key]))
        else:
            self._arrive(kind, record, key)

    def _arrive(self, kind: str, record: Record, key: str = "id") -> None:
        """Take the world's record, but keep what was written here to fields that the world has not touched since."""
        place = (kind, str(record[key]))
        old, held = self._world.get(place), self.store.get(*place)
        self._world[place] = record
        if old is not None and held is not None and held is not old:
            stamps = {name: record[name] for name in ("updated_at", "updated_time") if name in record}
            record = {**_merged(held, old, record), **stamps}
            if "version" in held:
                record["version"] = held["version"] + 1
        self.put(kind, record, key=key)

    def _move_policy(self, company: int, tier: str, at: str) -> None:
        for name in records.TIERS:
            policy = self.store.get("sla_policies", str(records.sla_id(name)))
            if policy is None:
                continue
            held = policy["applicable_to"].get("company_ids", [])
            wanted = sorted({*held, company}) if name == tier else [id for id in held if id != company]
            if wanted != held:
                applicable = {**policy["applicable_to"], "company_ids": wanted}
                self.put("sla_policies", {**policy, "applicable_to": applicable, "updated_at": at}, searched=False)

    # Records

    def put(self, kind: str, record: Record, *, key: str = "id", searched: bool = True) -> None:
        id = str(record[key])
        before = self.store.get(kind, id)
        self.store.put(kind, id, record)
        if kind == "conversations" and before is None and self._talk is not None:
            self._talk.setdefault(record["ticket_id"], []).append(id)
        self._moved(kind, id, before, searched)

    def drop(self, kind: str, id: str) -> None:
        before = self.store.get(kind, id)
        if before is None:
            return
        self.store.delete(kind, id)
        if kind == "conversations" and self._talk is not None:
            self._talk[before["ticket_id"]].remove(id)
        self._moved(kind, id, before, True)

    def _moved(self, kind: str, id: str, before: Record | None, searched: bool) -> None:
        self._versions[kind] = self._versions.get(kind, 0) + 1
        if searched and self._search_lag and kind in ("companies", "contacts", "tickets"):
            self._recent.append((self._clock.now(), kind, id, before))
            if len(self._recent) > _RECENT_KEPT:
                self._forget()

    def new_id(self, kind: str) -> int:
        if kind == "tickets":
            floor = max((int(id) for id in self.store.collection("tickets")), default=0)
            number = self.store.next_number("tickets", floor + 1)
            while self.store.get("tickets", str(number)) is not None:
                number = self.store.next_number("tickets")
            return number
        return self.store.next_number(kind, _FIRST_NEW[kind])

    def statuses(self) -> dict[int, tuple[str, str]]:
        return STATUSES | dict(sorted(self._own_statuses.items()))

    # Which tickets are where

    def _archive_border(self) -> str:
        """The archive takes closed tickets once a day, at midnight UTC."""
        border = self._clock.now() - self._archived_after
        return stamp(border.replace(hour=0, minute=0, second=0, microsecond=0))

    def is_archived(self, ticket: Record) -> bool:
        return ticket["status"] == _CLOSED and ticket["updated_at"] < self._archive_border() and not self.is_trash(ticket) and not ticket["spam"]

    @staticmethod
    def is_trash(ticket: Record) -> bool:
        return bool(ticket.get("deleted"))

    def is_purged(self, ticket: Record) -> bool:
        """The trash is emptied some time after: then nothing of the ticket is left."""
        return self.is_trash(ticket) and ticket["updated_at"] < stamp(self._clock.now() - self._trash_emptied_after)

    def ticket(self, id: str) -> Record | None:
        """A ticket outside the archive."""
        found = self.store.get("tickets", id)
        return None if found is None or self.is_purged(found) or self.is_archived(found) else found

    def archived_ticket(self, id: str) -> Record | None:
        found = self.store.get("tickets", id)
        return found if found is not None and self.is_archived(found) else None

    def said(self, ticket_id: int) -> list[Record]:
        with self.store.lock:
            if self._talk is None:
                self._talk = {}
                for id, one in self.store.collection("conversations").items():
                    self._talk.setdefault(one["ticket_id"], []).append(id)
            ids = list(self._talk.get(ticket_id, ()))
        rows = [row for id in ids if (row := self.store.get("conversations", id)) is not None]
        return sorted(rows, key=lambda row: (row["created_at"], row["id"]))

    # Lists

    def cached(self, key: str, kind: str, build: Callable[[], Any]) -> Any:
        """What `build` made, made anew when the kind has changed since."""
        version = self._versions.get(kind, 0)
        held = self._cache.get(key)
        if held is not None and held[0] == version:
            return held[1]
        with self.store.lock:
            version = self._versions.get(kind, 0)
            made = build()
            self._cache[key] = (version, made)
            while len(self._cache) > _LISTS_KEPT:
                self._cache.popitem(last=False)
            return made

    def shown(self, kind: str, order: Callable[[Record], Any]) -> list[Record]:
        def build() -> list[Record]:
            return sorted((row for row in self.store.collection(kind).values() if "_hidden" not in row), key=order)

        shown: list[Record] = self.cached(f"shown {kind}", kind, build)
        return shown

    def tickets(self, place: str, order: str) -> tuple[list[Any], list[Record]]:
        """The tickets of one place (live, deleted, spam) in ascending order, with the values they are ordered by."""
        border = self._archive_border()

        def build() -> tuple[list[Any], list[Record]]:
            rows = [row for row in self.store.collection("tickets").values() if "_hidden" not in row and self._place(row, border) == place]
            rows.sort(key=lambda row: (str(row[order] or ""), _scattered(row["id"])))
            return [str(row[order] or "") for row in rows], rows

        made: tuple[list[Any], list[Record]] = self.cached(f"tickets {place} {order} {border}", "tickets", build)
        return made

    def _place(self, row: Record, border: str) -> str:
        if row.get("deleted"):
            return "purged" if self.is_purged(row) else "deleted"
        if row["spam"]:
            return "spam"
        return "archive" if row["status"] == _CLOSED and row["updated_at"] < border else "live"

    def tickets_since(self, place: str, order: str, since: str, *, by_update: bool) -> list[Record]:
        stamps, rows = self.tickets(place, order)
        if by_update and order == "updated_at":
            return rows[bisect_left(stamps, since) :]
        name = "updated_at" if by_update else "created_at"
        return [row for row in rows if row[name] >= since]

    # Searches

    def searchable(self, kind: str) -> list[Record]:
        """What the index holds of a kind, a while behind the records; hidden rows among it, for they are counted."""
        with self.store.lock:
            self._forget()
            recent = [entry for entry in reversed(self._recent) if entry[1] == kind]
            if not recent:
                settled: list[Record] = self.cached(f"index {kind} {self._archive_border()}", kind, lambda: self._indexed(kind, []))
                return settled
            return self._indexed(kind, recent)

    def _forget(self) -> None:
        """Changes that the index has seen by now."""
        seen = self._clock.now() - self._search_lag
        self._recent = [entry for entry in self._recent if entry[0] > seen]

    def _indexed(self, kind: str, recent: Sequence[tuple[datetime, str, str, Record | None]]) -> list[Record]:
        rows = dict(self.store.collection(kind))
        for _, _, id, before in recent:
            if before is None:
                rows.pop(id, None)
            else:
                rows[id] = before
        if kind == "tickets":
            border = self._archive_border()
            found = [row for row in rows.values() if self._place(row, border) == "live"]
        else:
            found = [row for row in rows.values() if not row.get("deleted")]
        return sorted(found, key=lambda row: _scattered(row["id"]))

    def exists(self, kind: str, id: Any) -> bool:
        found = self.store.get(kind, str(id))
        return found is not None and not found.get("deleted")

    def holder(self, kind: str, name: str, value: str) -> int | None:
        """The id of the record that holds the value; letter case does not count."""

        def build() -> dict[str, int]:
            return {str(row[name]).lower(): row["id"] for row in self.store.collection(kind).values() if row.get(name)}

        holders: dict[str, int] = self.cached(f"holder {kind} {name}", kind, build)
        return holders.get(value.lower())


def _scattered(id: int) -> int:
    """Records of one moment come in an order of their own that follows from no field."""
    return id * 2_654_435_761 % 4_294_967_296


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


def operator_id() -> int:
    return records.known_id("agent", INTEGRATION_USER_KEY)


def _covered_by(customer: Customer, at: datetime) -> str:
    """The tier whose policy names the company: whoever keeps the desk takes a company out when its cover has ended."""
    if customer.removed or (customer.entitlement_end is not None and customer.entitlement_end < at.date()):
        return ""
    return customer.entitlement_tier

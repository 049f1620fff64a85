"""One Chargebee site's books: records in the store, their orders and indexes, and the events that tell of each change.

A record kept here has the vendor's own fields; names with a leading underscore feed the renderer (sandbox.chargebee.shapes) and never
leave. What does not belong here: which fields may filter or sort a list (filters), payload shapes (shapes).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.chargebee.ids import native_id
from sandbox.protocol import Clock, Record, Store
from sandbox.world.parties import RATES

EVENT_WINDOW = timedelta(days=90)
ZERO_DECIMAL = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"])
THREE_DECIMAL = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

# key of the resource in answers, by collection
NOUN = {
    "customers": "customer", "item_families": "item_family", "items": "item", "item_prices": "item_price", "attached_items": "attached_item",
    "coupons": "coupon", "subscriptions": "subscription", "contract_terms": "contract_term", "invoices": "invoice",
    "credit_notes": "credit_note", "transactions": "transaction", "payment_sources": "payment_source", "usages": "usage",
    "unbilled_charges": "unbilled_charge", "promotional_credits": "promotional_credit", "orders": "order", "quotes": "quote",
    "comments": "comment", "events": "event", "disputes": "dispute", "currencies": "currency", "exports": "export",
}
# event type by collection: how a record that came, changed or went is told; "" where no event tells of it
EVENT_TYPES: dict[str, tuple[str, str, str]] = {
    "customers": ("customer_created", "customer_changed", "customer_deleted"),
    "item_families": ("item_family_created", "item_family_updated", "item_family_deleted"),
    "items": ("item_created", "item_updated", "item_deleted"),
    "item_prices": ("item_price_created", "item_price_updated", "item_price_deleted"),
    "attached_items": ("attached_item_created", "attached_item_updated", "attached_item_deleted"),
    "coupons": ("coupon_created", "coupon_updated", "coupon_deleted"),
    "subscriptions": ("subscription_created", "subscription_changed", "subscription_deleted"),
    "contract_terms": ("contract_term_created", "", ""),
    "invoices": ("invoice_generated", "invoice_updated", "invoice_deleted"),
    "credit_notes": ("credit_note_created", "credit_note_updated", "credit_note_deleted"),
    "transactions": ("transaction_created", "transaction_updated", "transaction_deleted"),
    "payment_sources": ("payment_source_added", "payment_source_updated", "payment_source_deleted"),
    "unbilled_charges": ("unbilled_charges_created", "", "unbilled_charges_deleted"),
    "promotional_credits": ("promotional_credits_added", "", ""),
    "orders": ("order_created", "order_updated", "order_deleted"),
    "quotes": ("quote_created", "quote_updated", "quote_deleted"),
}
# which day of a record tells when it began, by collection
BORN = {"invoices": "date", "credit_notes": "date", "transactions": "date", "quotes": "date", "usages": "usage_date", "events": "occurred_at"}

Entry = tuple[Any, int, str]  # sort value, running number, id
_TEXTS = frozenset(("name", "id"))  # sorted by their text; everything else is a whole number


def exponent(currency: str) -> int:
    code = currency.upper()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def minor_units(amount: Decimal, currency: str) -> int:
    """An amount as whole number of the currency's smallest unit; half a unit rounds away from zero."""
    return int(amount.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


@dataclass
class _Order:
    """The listed records of a collection by one field: (value, running number, id), rows without the value first."""

    entries: list[Entry] = field(default_factory=list)
    by_id: dict[str, Entry] = field(default_factory=dict)

    def put(self, id: str, entry: Entry | None) -> None:
        before = self.by_id.pop(id, None)
        if before == entry and entry is not None:
            self.by_id[id] = entry
            return
        if before is not None:
            del self.entries[bisect_left(self.entries, before)]
        if entry is not None:
            insort(self.entries, entry)
            self.by_id[id] = entry


@dataclass
class _Cache:
    """What is kept sorted or grouped beside the store."""

    orders: dict[tuple[str, str], _Order] = field(default_factory=dict)
    indexes: dict[tuple[str, str], dict[Any, set[str]]] = field(default_factory=dict)

    def clear(self) -> None:
        self.orders.clear()
        self.indexes.clear()


class Site:
    """Reads and writes of the site's records. Writers hold `store.lock`; records are replaced whole."""

    def __init__(self, store: Store, clock: Clock, base_currency: str, *, list_lag: int = 0) -> None:
        self.store, self.clock, self.base_currency, self.list_lag = store, clock, base_currency, list_lag
        self.source, self.user = "api", ""  # who changes records just now, as events tell it
        self._cache = _Cache()

    # ---------------------------------------------------------------- time and money

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def now_ms(self) -> int:
        return int(self.clock.now().timestamp() * 1000)

    def exchange_rate(self, currency: str) -> float:
        """To the site's base currency."""
        if currency == self.base_currency or currency not in RATES or self.base_currency not in RATES:
            return 1.0
        return float(round(RATES[self.base_currency] / RATES[currency], 6))

    # ---------------------------------------------------------------- records

    def get(self, kind: str, id: object) -> Record | None:
        return self.store.get(kind, str(id)) if id is not None else None

    def live(self, kind: str, id: object) -> Record | None:
        record = self.get(kind, id)
        return None if record is None or record.get("deleted") else record

    def put(self, kind: str, record: Record) -> Record:
        """Keep a record; a new one gets its running number, by which equal sort values are told apart."""
        id = record["id"]
        before = self.store.get(kind, id)
        if "_seq" not in record:
            record["_seq"] = before["_seq"] if before is not None else self.store.next_number(f"chargebee_{kind}")
        self.store.put(kind, id, record)
        self._note(kind, id, before, record)
        return record

    def change(self, kind: str, id: str, **fields: Any) -> Record:
        """Replace fields and stamp the change; None removes a field."""
        before = self.store.collection(kind)[id]
        now = self.now()
        after = {**before, **fields, "updated_at": now, "resource_version": max(self.now_ms(), (before.get("resource_version") or 0) + 1)}
        return self.put(kind, {name: value for name, value in after.items() if value is not None})

    def relink(self, kind: str, id: str, **fields: Any) -> Record:
        """Replace fields that follow from another record's change; stamps stay as they are."""
        return self.put(kind, {**self.store.collection(kind)[id], **fields})

    def remove(self, kind: str, id: str) -> None:
        """Gone for good: nothing of it is listed or found again."""
        before = self.store.get(kind, id)
        self.store.delete(kind, id)
        self._note(kind, id, before, None)

    def new_id(self, entity: str) -> str:
        number = self.store.next_number(f"chargebee_id_{entity}")
        if entity in ("invoice", "credit_note"):
            return native_id(entity, f"A{number:06d}")  # apart from the world's own numbers
        return native_id(entity, f"api-{number}")

    # ---------------------------------------------------------------- orders and indexes

    def forget_order(self) -> None:
        """Records came in by another way than `put`."""
        self._cache.clear()

    @staticmethod
    def _entry(record: Record | None, by: str) -> Entry | None:
        if record is None or record.get("_hidden"):
            return None
        value = record.get(by)
        if value is None:
            value = "" if by in _TEXTS else -1
        return (value, record["_seq"], record["id"])

    def _note(self, kind: str, id: str, before: Record | None, after: Record | None) -> None:
        for (name, by), order in list(self._cache.orders.items()):
            if name == kind:
                order.put(id, self._entry(after, by))
        for (name, by), buckets in list(self._cache.indexes.items()):
            if name == kind:
                if before is not None:
                    buckets[before.get(by)].discard(id)
                if after is not None and not after.get("_hidden"):
                    buckets[after.get(by)].add(id)

    def _order(self, kind: str, by: str) -> _Order:
        order = self._cache.orders.get((kind, by))
        if order is None:
            order = _Order()
            entries = [entry for record in self.store.collection(kind).values() if (entry := self._entry(record, by)) is not None]
            entries.sort()
            order.entries, order.by_id = entries, {entry[2]: entry for entry in entries}
            self._cache.orders[(kind, by)] = order
        return order

    def bucket(self, kind: str, by: str, value: Any) -> list[str]:
        """Ids of listed records whose field has this value."""
        with self.store.lock:
            buckets = self._cache.indexes.get((kind, by))
            if buckets is None:
                buckets = defaultdict(set)
                for id, record in self.store.collection(kind).items():
                    if not record.get("_hidden"):
                        buckets[record.get(by)].add(id)
                self._cache.indexes[(kind, by)] = buckets
            return list(buckets.get(value, ()))

    def rows_by(self, kind: str, by: str, value: Any) -> list[Record]:
        rows = [record for id in self.bucket(kind, by, value) if (record := self.get(kind, id)) is not None]
        return sorted(rows, key=lambda record: int(record["_seq"]))

    def walk(
        self, kind: str, by: str, *, descending: bool, after: tuple[Any, int] | None, low: int | None, high: int | None,
        ids: list[str] | None = None,
    ) -> Iterator[tuple[Entry, Record]]:
        """Listed records in the order of `by`, from behind the place `after`; `low` and `high` are inclusive bounds of the value.

        Records without the value come first in ascending order; any bound leaves them out. `ids`: only these. Hold the lock.
        """
        order = self._order(kind, by)
        rows = self.store.collection(kind)
        entries = order.entries if ids is None else sorted(order.by_id[id] for id in ids if id in order.by_id)
        start = 0 if low is None else bisect_left(entries, (low, -1, ""))
        end = len(entries) if high is None else bisect_left(entries, (high + 1, -1, ""))
        if after is not None:
            if descending:
                end = min(end, bisect_left(entries, (*after, "")))
            else:
                start = max(start, bisect_right(entries, (*after, "\uffff")))
        steps = range(end - 1, start - 1, -1) if descending else range(start, end)
        for step in steps:
            entry = entries[step]
            record = rows.get(entry[2])
            if record is not None:
                yield entry, record

    # ---------------------------------------------------------------- events

    def emit(
        self, type: str, kind: str, record: Record, *, at: int | None = None, key: str | None = None, others: dict[str, str] | None = None,
        source: str | None = None,
    ) -> None:
        """Record an event. Its content keeps the record as it was then; `others` are further resources, by collection and id."""
        if not type:
            return
        content = [(kind, record)]
        for other, id in (others or {}).items():
            found = self.get(other, id)
            if found is not None:
                content.append((other, found))
        self.put("events", {
            "id": native_id("event", key) if key else self.new_id("event"), "occurred_at": self.now() if at is None else at,
            "event_type": type, "source": source or self.source, "user": self.user or None, "webhook_status": "scheduled",
            "_content": content,
        })

    def tell(self, kind: str, before: Record | None, after: Record, *, extra: str = "") -> None:
        """The event of a change that just happened, and one that names its turn."""
        types = EVENT_TYPES.get(kind)
        if types is None:
            return
        turn = types[0] if before is None else types[2] if after.get("deleted") and not before.get("deleted") else types[1]
        others = {"customers": after["customer_id"]} if kind == "subscriptions" else {}
        self.emit(turn, kind, after, others=others)
        self.emit(extra, kind, after, others=others)

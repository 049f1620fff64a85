"""One Stripe account's books: records in the store, their order and indexes, and the events that tell of each change.

A record kept here is neither payload shape: plain fields carry the names that both shapes share, and names with a leading
underscore feed the renderer (sandbox.stripe.shapes). Invoice lines are kept apart as short tuples, because there are many.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.protocol import Clock, Record, Store
from sandbox.world.model import native_id

EVENT_WINDOW = timedelta(days=30)
NESTED_ROWS = 10
ZERO_DECIMAL = frozenset(["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"])
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
WHOLE_UNITS_ONLY = frozenset(("isk", "ugx"))  # sent with two decimals that must be zero

# the id's prefix by kind, through the world's names of entities; balance transactions of customers exist only here
_ENTITY = {
    "customers": "customer", "products": "product", "prices": "price", "subscriptions": "subscription",
    "subscription_items": "subscription_item", "invoices": "invoice", "charges": "payment", "payment_intents": "payment_intent",
    "invoice_payments": "invoice_payment", "refunds": "refund", "credit_notes": "credit_note", "disputes": "dispute", "events": "event",
    "balance_transactions": "balance_transaction", "payouts": "payout", "coupons": "coupon", "promotion_codes": "promotion_code",
    "discounts": "discount", "tax_ids": "tax_id", "invoiceitems": "invoice_item", "subscription_schedules": "subscription_schedule",
    "tax_rates": "tax_rate", "payment_methods": "payment_method", "webhook_endpoints": "webhook_endpoint", "test_helpers/test_clocks": "test_clock",
    "billing/meters": "meter", "billing/meter_events": "meter_event", "billing/meter_event_summaries": "meter_event_summary",
}
NOUN = {
    "customers": "customer", "products": "product", "prices": "price", "subscriptions": "subscription",
    "subscription_items": "subscription_item", "invoices": "invoice", "charges": "charge", "payment_intents": "payment_intent",
    "invoice_payments": "invoice_payment", "refunds": "refund", "credit_notes": "credit note", "disputes": "dispute", "events": "event",
    "customer_balance_transactions": "customer_balance_transaction", "balance_transactions": "balance_transaction", "payouts": "payout",
    "coupons": "coupon", "promotion_codes": "promotion code", "discounts": "discount", "tax_ids": "tax ID", "invoiceitems": "invoiceitem",
    "subscription_schedules": "subscription schedule", "plans": "plan", "tax_rates": "tax rate", "payment_methods": "PaymentMethod",
    "webhook_endpoints": "webhook endpoint", "test_helpers/test_clocks": "test clock", "billing/meters": "meter",
}


def exponent(currency: str) -> int:
    code = currency.lower()
    return 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2


def minor_units(amount: Decimal, currency: str) -> int:
    """An amount as whole number of the currency's smallest unit; half a unit rounds away from zero."""
    return int(amount.scaleb(exponent(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def is_chargeable(amount: int, currency: str) -> bool:
    """Whether the API takes this amount: thousandths end in 0, and a few currencies have no fraction though it is sent."""
    code = currency.lower()
    return amount % 10 == 0 if code in THREE_DECIMAL else amount % 100 == 0 if code in WHOLE_UNITS_ONLY else True


@dataclass
class _Order:
    """Ids of the listed records, oldest first, and foreign keys looked up so far."""

    ids: list[str] = field(default_factory=list)
    created: list[int] = field(default_factory=list)
    position: dict[str, int] = field(default_factory=dict)
    by: dict[str, dict[Any, list[str]]] = field(default_factory=dict)

    def append(self, id: str, record: Record) -> None:
        self.position[id] = len(self.ids)
        self.ids.append(id)
        self.created.append(record["created"])
        for name, buckets in self.by.items():
            buckets[record.get(name)].append(id)


def is_listed(record: Record | None) -> bool:
    return record is not None and not record.get("_hidden") and not record.get("deleted")


class Account:
    """Reads and writes of the account's records. Writers hold `store.lock`; readers need no lock, as records are replaced whole."""

    def __init__(self, store: Store, clock: Clock, default_version: str, *, webhook_secret: str = "", is_live: bool = False) -> None:
        self.store, self.clock, self.default_version, self.is_live = store, clock, default_version, is_live
        self.webhook_secret = webhook_secret
        self._orders: dict[str, _Order] = {}

    # ---------------------------------------------------------------- records

    def now(self) -> int:
        return int(self.clock.now().timestamp())

    def get(self, kind: str, id: object) -> Record | None:
        return self.store.get(kind, str(id)) if id is not None else None

    def live(self, kind: str, id: object) -> Record | None:
        """The record, unless it was deleted."""
        record = self.get(kind, id)
        return None if record is None or record.get("deleted") else record

    def lines(self, invoice: str) -> list[Any]:
        kept = self.store.get("invoice_lines", invoice)
        return kept["rows"] if kept else []

    def put(self, kind: str, record: Record) -> Record:
        id = record["id"]
        before = self.store.get(kind, id)
        self.store.put(kind, id, record)
        self._note(kind, id, before, record)
        return record

    def change(self, kind: str, id: str, **fields: Any) -> tuple[Record, Record]:
        """Replace some fields; returns the record before and after."""
        before = self.store.collection(kind)[id]
        return before, self.put(kind, {**before, **fields})

    def delete(self, kind: str, id: str) -> None:
        before = self.store.get(kind, id)
        self.store.delete(kind, id)
        self._note(kind, id, before, None)

    def new_id(self, kind: str) -> str:
        number = self.store.next_number("stripe_id")
        if kind == "customer_balance_transactions":
            return "cbtxn_" + native_id("stripe", "customer", f"balance-{number}").removeprefix("cus_")
        return native_id("stripe", _ENTITY[kind], f"api-{number}")

    def named_id(self, kind: str, key: str) -> str:
        """The id of something that follows from another record: the same key is the same thing."""
        return native_id("stripe", _ENTITY[kind], key)

    # ---------------------------------------------------------------- order and indexes

    def forget_order(self) -> None:
        """Records came in by another way than `put`."""
        self._orders.clear()

    def _note(self, kind: str, id: str, before: Record | None, after: Record | None) -> None:
        order = self._orders.get(kind)
        if order is None:
            return
        was, is_now = is_listed(before), is_listed(after)
        if is_now and not was and after is not None and (not order.created or after["created"] >= order.created[-1]) \
                and id not in order.position:
            order.append(id, after)
        elif was != is_now or (was and before and after and (
                before["created"] != after["created"] or any(before.get(name) != after.get(name) for name in order.by))):
            self._orders.pop(kind, None)

    def _order(self, kind: str) -> _Order:
        order = self._orders.get(kind)
        if order is None:
            with self.store.lock:  # a writer must not slip between the sort and its keeping
                order = _Order()
                rows = [(record["created"], id) for id, record in self.store.collection(kind).items() if is_listed(record)]
                rows.sort(key=lambda row: row[0])  # stable: records of one second keep the order of their making
                order.ids = [id for _, id in rows]
                order.created = [created for created, _ in rows]
                order.position = {id: at for at, id in enumerate(order.ids)}
                self._orders[kind] = order
        return order

    def count(self, kind: str) -> int:
        return len(self._order(kind).ids)

    def ids_by(self, kind: str, name: str, value: Any) -> list[str]:
        """Ids of listed records whose field has this value, oldest first."""
        return self._bucket(self._order(kind), kind, name, value)

    def _bucket(self, order: _Order, kind: str, name: str, value: Any) -> list[str]:
        if name not in order.by:
            with self.store.lock:
                buckets: dict[Any, list[str]] = defaultdict(list)
                rows = self.store.collection(kind)
                for id in order.ids:
                    record = rows.get(id)
                    if record is not None:
                        buckets[record.get(name)].append(id)
                order.by[name] = buckets
        return order.by[name].get(value, [])

    def rows_by(self, kind: str, name: str, value: Any) -> list[Record]:
        return [record for id in self.ids_by(kind, name, value) if (record := self.get(kind, id)) is not None]

    def is_cursor(self, kind: str, id: str) -> bool:
        """Whether a list of this kind can start at the record."""
        return id in self._order(kind).position

    def walk(
        self, kind: str, *, bounds: tuple[int | None, int | None] = (None, None), after: str | None = None, before: str | None = None,
        by: tuple[str, Any] | None = None,
    ) -> Iterator[Record]:
        """Listed records, newest first; from `after` (an id) downwards, or, oldest first, from `before` upwards.

        `bounds` are inclusive unix seconds of creation. `by` is one field that an index serves.
        """
        order = self._order(kind)
        low, high = bounds
        ids: list[str]
        places: Sequence[int]
        if by is not None:
            ids = list(self._bucket(order, kind, *by))  # a copy: a writer may append meanwhile
            places = [order.position[id] for id in ids]
        else:
            ids = order.ids
            places = range(len(ids))
        start = 0 if low is None else bisect_left(places, bisect_left(order.created, low))
        end = len(ids) if high is None else bisect_left(places, bisect_right(order.created, high))
        if (after or before) is not None and (after or before) not in order.position:
            return  # deleted since the caller looked
        if before is not None:
            steps: Iterable[int] = range(max(start, bisect_right(places, order.position[before])), end)
        else:
            if after is not None:
                end = min(end, bisect_left(places, order.position[after]))
            steps = range(end - 1, start - 1, -1)
        rows = self.store.collection(kind)
        for step in steps:
            record = rows.get(ids[step])
            if record is not None:
                yield record

    # ---------------------------------------------------------------- events

    def emit(
        self, type: str, kind: str, record: Record, *, before: Record | None = None, at: int | None = None,
        request: Mapping[str, Any] | None = None, key: str | None = None,
    ) -> None:
        """Record an event. It keeps the object as it was at that moment, and the version in which it is shown for ever."""
        if record.get("_hidden"):
            return
        event: Record = {
            "id": native_id("stripe", "event", key) if key else self.new_id("events"),
            "created": self.now() if at is None else at, "type": type, "api_version": self.default_version,
            "request": dict(request or {"id": None, "idempotency_key": None}), "_kind": kind, "_object": record, "_before": before,
        }
        if kind == "invoices":
            lines = self.lines(record["id"])
            event["_lines"], event["_line_count"] = lines[:NESTED_ROWS], len(lines)
        self.put("events", event)

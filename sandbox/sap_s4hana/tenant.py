"""The records of one tenant: loaded from the world, kept sorted by key, looked up by key, by range and by what they refer to.

No URLs and no JSON here (`reads`), no rules of writing (`writes`).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sandbox.protocol import Record, Store
from sandbox.sap_s4hana import records
from sandbox.sap_s4hana.catalogue import SETS, EntitySet
from sandbox.sap_s4hana.ids import native_id
from sandbox.sap_s4hana.query import Node, Predicate, Property, key_ranges, predicate, sort_value
from sandbox.sap_s4hana.receivables import Ledger
from sandbox.sap_s4hana.records import Change, Organisation
from sandbox.sap_s4hana.wire import key_text, key_tuple, stored_key
from sandbox.world.model import View

_CACHED = 16  # results of filters kept per tenant
_Sorted = list[tuple[tuple[Any, ...], str]]
_BP_STAMPS = frozenset({"LastChangeDate", "LastChangeTime", "LastChangedByUser", "ETag"})
_CHILDREN = {
    "A_SalesOrder": ("A_SalesOrderItem", "A_SalesOrderScheduleLine", "A_SalesOrderHeaderPartner", "A_SalesOrderSubsqntProcFlow",
                     "A_SalesOrderText", "A_SalesOrderHeaderPrElement", "A_SalesOrderRelatedObject"),
    "A_OutbDeliveryHeader": ("A_OutbDeliveryItem",),
    "A_CustomerReturn": ("A_CustomerReturnItem", "A_CustomerReturnPartner"),
    "A_CreditMemoRequest": ("A_CreditMemoRequestItem", "A_CreditMemoReqPartner", "A_CreditMemoReqSubsqntProcFlow"),
    "A_ReturnsDeliveryHeader": ("A_ReturnsDeliveryItem",),
    "A_SalesOrderItem": ("A_SalesOrderScheduleLine",),
}
_LINES = {"A_SalesOrder": "A_SalesOrderItem", "A_BillingDocument": "A_BillingDocumentItem", "A_OutbDeliveryHeader": "A_OutbDeliveryItem",
          "A_CustomerReturn": "A_CustomerReturnItem", "A_CreditMemoRequest": "A_CreditMemoRequestItem"}


class Tenant:
    def __init__(self, store: Store, organisation: Organisation) -> None:
        self.store, self.organisation = store, organisation
        self._ledger = Ledger(organisation)
        self._sorted: dict[str, _Sorted] = {}
        self._versions: dict[str, int] = defaultdict(int)
        self._by_value: dict[tuple[str, tuple[str, ...]], tuple[int, dict[tuple[str, ...], list[str]]]] = {}
        self._found: dict[tuple[str, str, str], tuple[int, list[Record]]] = {}

    # the world

    def load(self, view: View) -> None:
        with self.store.lock:
            for name, id, record in [*records.fixed(self.organisation), *self._rendered(view)]:
                if record is not None:
                    self.store.collection(name)[id] = record
            self.forget()

    def apply(self, view: View) -> None:
        with self.store.lock:
            lines: dict[tuple[str, str], set[str]] = {}
            for name, id, record in self._rendered(view):
                held = self.store.get(name, id)
                if record is None:
                    if held is not None:
                        self.delete(name, id)
                    continue
                if held is not None and name == "A_BusinessPartner" and _same(held, record):
                    continue  # only the customer's data changed: the partner's own stamps stay where they are
                if name in _LINES:
                    lines[name, id] = set(self.children(_LINES[name], id)) - {id}
                for parent, child in _LINES.items():
                    if name == child:
                        lines.get((parent, id.split("|")[0]), set()).discard(id)
                if held != record:
                    self.put(name, id, record)
            for (name, _), left in lines.items():
                for id in left:  # a document that has fewer lines than before
                    self.delete(_LINES[name], id)

    def _rendered(self, view: View) -> Iterator[Change]:
        own = self.organisation
        for customer in view.customers:
            yield from records.customer_changes(customer, view, own)
        for contact in view.contacts:
            yield from records.contact_changes(contact, view, own)
        for product in view.products:
            yield from records.product_changes(product, view, own)
        documents: list[tuple[str, str, Any, Any]] = [
            ("A_SalesOrder", "order", view.orders, records.order_changes),
            ("A_OutbDeliveryHeader", "shipment", view.shipments, records.delivery_changes),
            ("A_CustomerReturn", "return", view.returns, records.return_changes),
        ]
        for name, entity, rows, render in documents:
            for row in rows:
                if row.removed:
                    yield from records.vanished(name, _CHILDREN[name], native_id(entity, row.key), self.children)
                else:
                    yield from render(row, view, own)
        yield from self._ledger.changes(view)

    # the store

    def put(self, name: str, id: str, record: Record) -> None:
        index = self._sorted.get(name)
        if index is not None and self.store.get(name, id) is None:
            insort(index, (key_tuple(SETS[name], record), id))
        self.store.put(name, id, record)
        self._versions[name] += 1

    def delete(self, name: str, id: str) -> None:
        held = self.store.get(name, id)
        index = self._sorted.get(name)
        if held is not None and index is not None:
            place = bisect_left(index, (key_tuple(SETS[name], held), id))
            if place < len(index) and index[place][1] == id:
                del index[place]
        self.store.delete(name, id)
        self._versions[name] += 1

    def delete_with_children(self, name: str, id: str) -> None:
        for child in _CHILDREN.get(name, ()):
            for child_id in self.children(child, id):
                self.delete(child, child_id)
        self.delete(name, id)

    def forget(self) -> None:
        """Whatever is kept beside the store is made anew when it is asked for."""
        self._sorted.clear()
        self._by_value.clear()
        self._found.clear()
        for name in SETS:
            self._versions[name] += 1

    # looking up

    def get(self, entity: EntitySet, key: Record) -> Record | None:
        return self.store.get(entity.name, key_text(entity, key))

    def children(self, name: str, parent_id: str) -> list[str]:
        """Ids of the records whose key begins with the parent's."""
        return [id for id in self._ids_from(name, parent_id)]

    def _ids_from(self, name: str, parent_id: str) -> Iterator[str]:
        entity, parts = SETS[name], parent_id.split("|")
        low = key_tuple(entity, dict(zip(entity.key, parts, strict=False)))[: len(parts)]
        index = self._index(name)
        place = bisect_left(index, (low,))
        while place < len(index) and index[place][0][: len(parts)] == low:
            yield index[place][1]
            place += 1

    def related(self, target: EntitySet, names: tuple[str, ...], values: tuple[Any, ...]) -> list[Record]:
        """Visible records whose properties hold these values, in the order of their key."""
        shown = tuple(stored_key(target.properties[name], value) for name, value in zip(names, values, strict=True))
        if any(not value for name, value in zip(names, shown, strict=True) if target.properties[name].kind == "s" and name != "Person"):
            return []
        held = self._by_value.get((target.name, names))
        if held is None or held[0] != self._versions[target.name]:
            groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
            rows = self.store.collection(target.name)
            columns = [(name, target.properties[name]) for name in names]
            for _, id in self._index(target.name):
                row = rows[id]
                groups[tuple(stored_key(one, row.get(name)) for name, one in columns)].append(id)
            held = (self._versions[target.name], groups)
            self._by_value[target.name, names] = held
        rows = self.store.collection(target.name)
        return [rows[id] for id in held[1].get(shown, ()) if "_hidden" not in rows[id]]

    def count(self, entity: EntitySet, node: Node | None) -> int:
        """The vendor's own total: what lists leave out is in it."""
        rows = self.store.collection(entity.name)
        if node is None:
            return len(rows)
        test = predicate(node)
        return sum(1 for record in self._candidates(entity, node) if test(record))

    def select(
        self, entity: EntitySet, node: Node | None, text: str, order: list[tuple[Property, bool]], skip: int, limit: int | None,
    ) -> list[Record]:
        """Visible records from `skip` on, one more than `limit` where there is one."""
        end = None if limit is None else skip + limit + 1
        by_key = [(one.name, down) for one, down in order] in ([], [(name, False) for name in entity.key])
        ranges = key_ranges(entity, node)
        if by_key and node is not None and end is not None and any(low for low, _ in ranges):
            found: list[Record] = []
            test = predicate(node)
            for record in self._candidates(entity, node):
                if "_hidden" not in record and test(record):
                    found.append(record)
                    if len(found) == end:
                        break
            return found[skip:]
        words = ",".join(f"{one.name} {down}" for one, down in order)
        cached = self._found.get((entity.name, text, words))
        if cached is None or cached[0] != self._versions[entity.name]:
            accepts: Predicate = predicate(node) if node is not None else lambda record: True
            rows = [record for record in self._candidates(entity, node) if "_hidden" not in record and accepts(record)]
            if not by_key:
                for one, down in reversed(order):
                    rows.sort(key=lambda record, one=one: sort_value(one, record), reverse=down)  # type: ignore[misc]
            cached = (self._versions[entity.name], rows)
            while len(self._found) >= _CACHED:
                self._found.pop(next(iter(self._found)))
            self._found[entity.name, text, words] = cached
        return cached[1][skip:end]

    def _candidates(self, entity: EntitySet, node: Node | None) -> Iterator[Record]:
        index, rows = self._index(entity.name), self.store.collection(entity.name)
        place = 0
        for low, high in key_ranges(entity, node):
            place = max(place, bisect_left(index, (low,))) if low else place
            size = len(high)
            while place < len(index):
                key, id = index[place]
                if size and key[:size] > high:
                    break
                yield rows[id]
                place += 1

    def _index(self, name: str) -> _Sorted:
        if name not in self._sorted:
            entity = SETS[name]
            self._sorted[name] = sorted((key_tuple(entity, record), id) for id, record in self.store.collection(name).items())
        return self._sorted[name]


def _same(held: Record, record: Record) -> bool:
    return {name: value for name, value in held.items() if name not in _BP_STAMPS} == {
        name: value for name, value in record.items() if name not in _BP_STAMPS}

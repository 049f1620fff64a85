"""Sorted, filtered and paged rows of a collection, kept until the collection changes. No attributes' meaning and no HTTP here."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.oracle_fusion.expression import Filter
from sandbox.protocol import Store

Record = dict[str, Any]
Order = tuple[tuple[str, bool], ...]  # attribute, descending
_FILTERED_KEPT = 12


@dataclass(frozen=True)
class Found:
    rows: Sequence[Record]
    has_more: bool


@dataclass(frozen=True)
class _Sorted:
    rows: list[Record]
    firsts: list[Any] | None  # values of the first attribute where it is ascending and they compare


@dataclass(frozen=True)
class Derived:
    """Rows that are no records of their own: made from other collections whenever those change."""

    sources: tuple[str, ...]
    rows: Callable[[], list[Record]]


class Lists:
    """`may_see`: whether the caller's data security shows a record."""

    def __init__(self, store: Store, derived: dict[str, Derived], may_see: Callable[[Record], bool]) -> None:
        self._store, self._derived, self._may_see = store, derived, may_see
        self._versions: dict[str, int] = {}
        self._cache: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._filtered: OrderedDict[tuple[Any, ...], list[Record]] = OrderedDict()

    def touch(self, collection: str) -> None:
        self._versions[collection] = self._versions.get(collection, 0) + 1

    def version(self, collection: str) -> tuple[int, ...]:
        sources = self._derived[collection].sources if collection in self._derived else (collection,)
        return tuple(self._versions.get(source, 0) for source in sources)

    def all(self, collection: str) -> list[Record]:
        """Every record that the caller may see, the hidden ones included."""
        return self._kept(("all", collection), collection, lambda: [
            record for record in (
                self._derived[collection].rows() if collection in self._derived else self._store.collection(collection).values())
            if self._may_see(record)])

    def by(self, collection: str, name: str, key: Callable[[Record], Any]) -> dict[Any, list[Record]]:
        """The records by a value of theirs; `name` tells one such index from another."""

        def build() -> dict[Any, list[Record]]:
            found: dict[Any, list[Record]] = {}
            for record in self.all(collection):
                found.setdefault(key(record), []).append(record)
            return found

        index: dict[Any, list[Record]] = self._kept(("by", collection, name), collection, build)
        return index

    def page(self, collection: str, order: Order, chosen: Filter | None, mark: str, limit: int, offset: int) -> Found:
        """`mark`: the text of the filter, under which a filtered list is kept for the pages after the first."""
        ordered: _Sorted = self._kept(("sorted", collection, order), collection, lambda: _sort(
            [record for record in self.all(collection) if not record.get("_hidden")], order))
        if chosen is None:
            rows = ordered.rows[offset : offset + limit]
            return Found(rows, len(ordered.rows) > offset + limit)
        start = 0
        if ordered.firsts is not None and order and order[0][0] in chosen.lows:
            low = chosen.lows[order[0][0]]
            if not ordered.firsts or _comparable(ordered.firsts[0], low):
                start = bisect_left(ordered.firsts, low)
        if not offset:
            rows = []
            for place in range(start, len(ordered.rows)):
                if chosen.test(ordered.rows[place]):
                    if len(rows) == limit:
                        return Found(rows, True)
                    rows.append(ordered.rows[place])
            return Found(rows, False)
        key = (collection, order, mark, self.version(collection))
        if key not in self._filtered:
            self._filtered[key] = [record for record in ordered.rows[start:] if chosen.test(record)]
            while len(self._filtered) > _FILTERED_KEPT:
                self._filtered.popitem(last=False)
        matching = self._filtered[key]
        return Found(matching[offset : offset + limit], len(matching) > offset + limit)

    def count(self, collection: str, chosen: Filter | None, mark: str) -> int:
        """How many there are; rows that no list shows count."""
        rows = self.all(collection)
        if chosen is None:
            return len(rows)
        counted: int = self._kept(("count", collection, mark), collection, lambda: sum(map(chosen.test, rows)))
        return counted

    def _kept(self, key: tuple[Any, ...], collection: str, make: Callable[[], Any]) -> Any:
        version = self.version(collection)
        held = self._cache.get(key)
        if held is not None and held[0] == version:
            return held[1]
        made = make()
        self._cache[key] = (version, made)
        return made


def select(rows: Sequence[Record], order: Order, chosen: Filter | None, limit: int, offset: int) -> Found:
    """The same for a short list that is not worth keeping."""
    found = [record for record in rows if not record.get("_hidden") and (chosen is None or chosen.test(record))]
    ordered = _sort(found, order).rows
    return Found(ordered[offset : offset + limit], len(ordered) > offset + limit)


def _sort(rows: list[Record], order: Order) -> _Sorted:
    ordered = list(rows)
    for name, descending in reversed(order):
        try:
            ordered.sort(key=lambda record: record[name], reverse=descending)
        except (KeyError, TypeError):  # nulls come last, values of another type after those of the usual one
            ordered.sort(key=lambda record: _rank(record.get(name)), reverse=descending)
    if not order or order[0][1]:
        return _Sorted(ordered, None)
    firsts = [record.get(order[0][0]) for record in ordered]
    is_even = all(isinstance(value, str) for value in firsts) or all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in firsts)
    return _Sorted(ordered, firsts if is_even else None)


def _rank(value: Any) -> tuple[int, Any]:
    if value is None:
        return 3, 0
    if isinstance(value, int | float):
        return 1, value
    return (2, value) if isinstance(value, str) else (2, str(value))


def _comparable(held: Any, low: Any) -> bool:
    return isinstance(held, str) == isinstance(low, str)

"""Dynamics 365 Finance by its OData v4 data entities: all companies in every read, next links, no stamp that tells a change.

A resource without a cursor is read whole, and what vanished is gone. One with a cursor is cut by a day that its rows carry, from some
days back; rows that may still change are read again until they are done (`reread`), and lines follow their documents (`parent`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from ingestion.client import Client, Refused
from ingestion.readers import Page, Record, Wanted, chunks, refusal
from ingestion.spec import Column, Resource, System

COUNTED_BY = "$count"
_NAMESPACE = "Microsoft.Dynamics.DataEntities"
_FOLLOWS = "_changed_at"  # as a cursor: nothing in the rows cuts them, they only follow their parents and `reread`
_PASSES = 3  # over a set that changes while it is read
_KEYS_AT_ONCE = 25  # in one filter: addresses may not grow beyond about 2,000 characters
_MOMENTS = frozenset({"timestamp", "open_timestamp"})


@dataclass
class _Place:
    """What a read of a resource with a cursor has seen: its newest day, and the rows that may still change with their parents."""

    newest: str
    open: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def note(self, resource: Resource, rows: Sequence[Record]) -> None:
        if resource.cursor != _FOLLOWS:
            path = resource.columns[resource.cursor].path
            self.newest = max([self.newest, *(value for row in rows if isinstance(value := row.get(path), str))])
        if resource.reread is not None:
            name, values = resource.reread.field, resource.reread.values
            is_day = not resource.reread.enum
            for row in rows:
                value = row.get(name)
                if (str(value)[:10] if is_day else value) in values:
                    self.open[_key(resource, row)] = row.get(resource.columns[resource.parent_key].path) if resource.parent else None

    def state(self) -> dict[str, Any]:
        return {"since": self.newest, "open": [[list(key), parent] for key, parent in self.open.items()]}


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource = wanted.resource
    try:
        if wanted.keys is not None:
            for rows, at in _by_keys(client, resource, resource.key[0], wanted.keys):
                yield _page(rows, at)
        elif not resource.cursor:
            held_back: list[int] = []
            for rows, at in _all(client, resource, held_back):
                yield _page(rows, at)
            yield Page(
                [], client.server_time(), {"read": client.server_time().isoformat(timespec="seconds")}, partial=bool(held_back))
        elif wanted.first:
            yield from _first(client, resource)
        else:
            yield from _changes(client, wanted)
    except Refused as error:
        if error.status == 404 and resource.optional:
            yield Page([], client.server_time(), dict(wanted.state))
            return
        raise refusal(
            client, wanted, error, f"the entity set {resource.path}",
            "Give the user of the registered application a role with the entity's privilege, and check that the set is there.") from None


def _first(client: Client, resource: Resource) -> Iterator[Page]:
    """Everything, in the order of the cursor: what came until a stop stands, and the next read goes on from there."""
    place, held_back = _Place(""), list[int]()
    for rows, at in _all(client, resource, held_back):
        place.note(resource, rows)
        yield _page(rows, at, place.state() if resource.cursor != _FOLLOWS else None)
    yield Page(
        [], client.server_time(), {**place.state(), "read": client.server_time().isoformat(timespec="seconds")}, partial=bool(held_back))


def _changes(client: Client, wanted: Wanted) -> Iterator[Page]:
    """What is new by its day or may have changed, then what was open before and is no longer, then the children of changed parents."""
    resource, state = wanted.resource, wanted.state
    before = {tuple(key): parent for key, parent in state.get("open") or []}
    parents = list(dict.fromkeys(wanted.changed_parents())) if resource.parent else []
    place = _Place(state.get("since") or "")
    delivered: set[tuple[Any, ...]] = set()
    conditions = [*_since(client, resource, place.newest), *_still_open(resource)]
    if conditions:
        for rows, at in _rows(client, resource, {"$filter": " or ".join(conditions), "$orderby": _order(resource)}):
            fresh = [row for row in rows if _key(resource, row) not in delivered]
            delivered.update(_key(resource, row) for row in fresh)
            place.note(resource, fresh)
            yield _page(fresh, at)
    swept = set(parents)  # what these no longer hold is found out below
    left = [key for key, parent in before.items() if key not in delivered and parent not in swept]
    for some in chunks(left, _KEYS_AT_ONCE):
        found: set[tuple[Any, ...]] = set()
        at = client.server_time()
        for rows, at in _by_keys(client, resource, resource.key[0], list(dict.fromkeys(key[0] for key in some))):
            rows = [row for row in rows if _key(resource, row) in before and _key(resource, row) not in delivered]
            found.update(_key(resource, row) for row in rows)
            place.note(resource, rows)
            yield _page(rows, at)
        gone = [dict(zip(resource.key, key, strict=True)) for key in some if key not in found and key not in delivered]
        delivered |= found
        if gone:  # it was there, could still change, and is not there under its key
            yield Page(gone, at, tombstones=True, changed=[at] * len(gone))
    for some_parents in chunks(parents, _KEYS_AT_ONCE):
        for rows, at in _by_keys(client, resource, resource.parent_key, some_parents):
            place.note(resource, rows)
            yield _page([row for row in rows if _key(resource, row) not in delivered], at)
        yield Page([], client.server_time(), whole_parents=some_parents)
    yield Page([], client.server_time(), {**place.state(), "read": client.server_time().isoformat(timespec="seconds")})


def _page(rows: Sequence[Record], at: datetime, state: dict[str, Any] | None = None) -> Page:
    return Page(rows, at, state, changed=[at] * len(rows))


# requests


def _all(client: Client, resource: Resource, held_back: list[int]) -> Iterator[tuple[list[Record], datetime]]:
    """Every row once. Next links count rows, so one that is deleted before them makes them leave out another: then read again.

    That has happened where the vendor's count is not what it was at the first page, or more than came. Where it stays more, the vendor
    lists less than it holds: how many, goes to `held_back`, and what did not come is not gone.
    """
    delivered: set[tuple[Any, ...]] = set()
    after = -1
    for _ in range(_PASSES):
        pages, before = 0, -1
        for rows, at, count in _counted(client, resource, {"$orderby": _order(resource), "$count": "true"}):
            pages += 1
            before = count if pages == 1 else before
            keys = [_key(resource, row) for row in rows]
            if delivered and not delivered.isdisjoint(keys):
                rows = [row for row, key in zip(rows, keys, strict=True) if key not in delivered]
            delivered.update(keys)
            yield rows, at
        after = _count(client, resource) if pages > 1 else before
        if before in (after, -1) and after <= len(delivered):
            return
    if after > len(delivered):
        held_back.append(after - len(delivered))


def _rows(client: Client, resource: Resource, options: Mapping[str, str]) -> Iterator[tuple[list[Record], datetime]]:
    for rows, at, _ in _counted(client, resource, options):
        yield rows, at


def _counted(client: Client, resource: Resource, options: Mapping[str, str]) -> Iterator[tuple[list[Record], datetime, int]]:
    """Pages by their links, with the vendor's count of all rows where it was asked for, else -1."""
    link = _address(resource.path, {**resource.params, "cross-company": "true", **options})
    size = client.system.limits.page_size
    while link:
        answer = client.read("GET", link, headers={"Prefer": f"odata.maxpagesize={size}"})
        yield answer.content["value"], answer.at, int(answer.content.get("@odata.count", -1))
        link = answer.content.get("@odata.nextLink") or ""


def _by_keys(client: Client, resource: Resource, column: str, keys: Sequence[Any]) -> Iterator[tuple[list[Record], datetime]]:
    """Rows whose `column` holds one of the keys, in any company."""
    told = resource.columns[column]
    for some in chunks(list(keys), _KEYS_AT_ONCE):
        condition = " or ".join(f"{told.path} eq {_literal(told, key)}" for key in some)
        yield from _rows(client, resource, {"$filter": condition, "$orderby": _order(resource)})


def _count(client: Client, resource: Resource) -> int:
    response = client.request("GET", _address(f"{resource.path}/$count", {"cross-company": "true"}), headers={"Accept": "text/plain, */*"})
    return int(response.content.decode("utf-8-sig").strip())


def _address(path: str, options: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(options, safe='$,()', quote_via=quote)}"


def _order(resource: Resource) -> str:
    """By the cursor and then the key: without an order the pages of one read do not fit together."""
    first = [] if resource.cursor in ("", _FOLLOWS) else [resource.columns[resource.cursor].path]
    return ",".join(dict.fromkeys([*first, *(resource.columns[name].path for name in resource.key)]))


def _since(client: Client, resource: Resource, newest: str) -> list[str]:
    if resource.cursor == _FOLLOWS or not newest:
        return []
    low = datetime.fromisoformat(newest).astimezone(UTC) - (resource.overlap or client.system.overlap)
    column = resource.columns[resource.cursor]
    if column.type not in _MOMENTS:
        low = low.replace(hour=0, minute=0, second=0)
    return [f"{column.path} ge {low:%Y-%m-%dT%H:%M:%SZ}"]


def _still_open(resource: Resource) -> list[str]:
    if resource.reread is None:
        return []
    name, kind = resource.reread.field, resource.reread.enum
    if kind:
        return [f"{name} eq {_NAMESPACE}.{kind}'{value}'" for value in resource.reread.values]
    return [f"({name} ge {value}T00:00:00Z and {name} lt {_next_day(value)}T00:00:00Z)" for value in resource.reread.values]


def _next_day(day: str) -> str:
    return (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()


def _literal(column: Column, value: Any) -> str:
    if column.type == "string":
        text = str(value).replace("'", "''")
        return f"'{text}'"
    return str(value)


def _key(resource: Resource, row: Record) -> tuple[Any, ...]:
    return tuple([row.get(resource.columns[name].path) for name in resource.key])


# beside reading


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    if resource.optional:
        return None  # an environment without the set counts nothing
    return lambda client: _count(client, resource)


def describe(client: Client) -> tuple[str, str]:
    rows = client.read("GET", _address("LegalEntities", {"$select": "LegalEntityId", "cross-company": "true"})).content["value"]
    names = ", ".join(str(row["LegalEntityId"]) for row in rows[:10])
    return f"{client.settings.get('environment') or 'environment'} ({len(rows)} legal entities: {names})", ""


def newest_change(client: Client) -> str:
    """The newest stamp of the customer table where the entity store is there, else a mark of who is on hold; and the newest transaction."""
    found = []
    try:
        address = _address("CustTableBiEntities", {
            "$select": "AccountNum,SysModifiedDateTime", "$orderby": "SysModifiedDateTime desc", "$top": "1", "cross-company": "true"})
        found += [f"{row.get('SysModifiedDateTime', '')} {row.get('AccountNum', '')}" for row in client.read("GET", address).content["value"]]
    except Refused as error:
        if error.status not in (403, 404):
            raise
        address = _address("CustomersV3", {
            "$select": "dataAreaId,CustomerAccount,OnHoldStatus", "$filter": f"OnHoldStatus ne {_NAMESPACE}.CustVendorBlocked'No'",
            "$orderby": "dataAreaId,CustomerAccount", "cross-company": "true"})
        rows = client.read("GET", address).content["value"]
        held = "|".join(f"{row['dataAreaId']} {row['CustomerAccount']} {row['OnHoldStatus']}" for row in rows)
        found.append(hashlib.blake2b(held.encode(), digest_size=9).hexdigest())
    address = _address("CustTransactions", {
        "$select": "SysRecId", "$orderby": "SysRecId desc", "$top": "1", "cross-company": "true"})
    found += [str(row["SysRecId"]) for row in client.read("GET", address).content["value"]]
    return " ".join(found)

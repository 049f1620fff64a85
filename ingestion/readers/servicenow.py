"""ServiceNow by the Table API: whole reads in ranges of keys, changes by keyset on stamp and sys_id, tombstones from the audit.

The instance drops a condition whose column it does not know without a word and then returns everything. So columns are held
against the instance's dictionary before they are used, and every page against the bound that was asked for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from concord.errors import ConcordError
from ingestion.client import Answer, Client, NotPermitted, Refused
from ingestion.readers import Drift, Page, Record, Wanted, chunks, refusal
from ingestion.spec import Column, Resource, System

COUNTED_BY = "Aggregate API count"

_FORM = "%Y-%m-%d %H:%M:%S"
_PLAIN = {"sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}
_SMALLEST_PAGE = 25
_KEYS_AT_ONCE = 100
_DICTIONARY_PAGE = 5_000
_SAME_SECOND = 50
_GREENWICH = frozenset({"GMT", "UTC", "Etc/UTC", "Etc/GMT", ""})  # empty: the instance's own default
_WATCHED = ("customer_account", "sn_customerservice_case")


@dataclass(frozen=True)
class _Instance:
    """What all resources of a run want to know of the instance. `columns` None: our roles may not read the dictionary."""

    columns: Mapping[str, frozenset[str]] | None
    zone: str


@dataclass
class _Asked:
    """What one client was told, and the lock under which it asks."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    instance: _Instance | None = None


_asked: WeakKeyDictionary[Client, _Asked] = WeakKeyDictionary()
_looking = threading.Lock()


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    try:
        yield from _read(client, wanted)
    except Refused as error:
        if error.status == 400 and error.message.startswith("Invalid table"):
            if wanted.resource.optional:
                return  # the plugin that brings the table is not installed: there is nothing to read
            raise NotPermitted(
                f"the instance has no table {wanted.resource.table}.", where=f"{client.connection.name}.{wanted.name}",
                mend="Install the plugin that brings it.") from None
        raise refusal(client, wanted, error, "the query", "Give the integration user a role that reads the table.") from None


def _read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource = wanted.resource
    instance = _described(client)
    if instance.zone not in _GREENWICH:
        raise ConcordError(
            f"the integration user's time zone is {instance.zone}, so the instance would read our times in it.",
            where=client.connection.name, mend="Set the user's time zone to GMT.")
    fields, drift = _fields(client.system, resource, instance)
    base = resource.params.get("query", "")
    if wanted.keys is not None:
        for some in chunks(list(wanted.keys), _KEYS_AT_ONCE):
            query = _and(base, f"sys_idIN{','.join(map(str, some))}")
            answer = _page(client, resource.table, query, fields, len(some), 0)
            yield Page(answer.content["result"], answer.at, drift=drift)
        return
    if not resource.cursor:
        for answer in _pages(client, wanted, base, fields, "sys_id", ""):
            yield Page(answer.content["result"], answer.at, drift=drift)
        yield Page([], client.server_time(), {"read": client.server_time().strftime(_FORM)})
        return
    if wanted.first or wanted.state.get("resume"):
        yield from _whole(client, wanted, base, fields, drift)
        return
    stamp = resource.columns[resource.cursor].path
    since = wanted.state.get("since", "")
    kept = {name: wanted.state[name] for name in ("deletes",) if name in wanted.state}
    started = client.server_time().strftime(_FORM)
    low = _earlier(since, resource.overlap or client.system.overlap) if since else ""
    seen: set[str] = set()
    for answer in _pages(client, wanted, base, fields, stamp, low):
        rows = answer.content["result"]
        if rows:
            since = max(since, min(rows[-1][stamp], started))
        seen.update(row["sys_id"] for row in rows)
        yield Page(rows, answer.at, {**kept, **({"since": since} if since else {})}, drift=drift)
    if resource.deletes is not None:
        yield from _deleted(client, wanted, base, seen)
        kept["deletes"] = started
    yield Page([], client.server_time(), {**kept, "since": since or started})


def _whole(client: Client, wanted: Wanted, base: str, fields: Sequence[str], drift: Sequence[Drift]) -> Iterator[Page]:
    """Everything, in the order of the keys. A row that changes meanwhile is stamped after the start and comes with the next run."""
    resume: dict[str, str] = {} if wanted.full else wanted.state.get("resume") or {}
    started = resume.get("started") or client.server_time().strftime(_FORM)
    newest, stamp = resume.get("newest", ""), wanted.resource.columns[wanted.resource.cursor].path
    for answer in _spread(client, wanted, base, fields, resume.get("after", "")):
        rows = answer.content["result"]
        newest = max([newest, *(row[stamp] for row in rows)])
        going = {"resume": {"after": rows[-1]["sys_id"], "started": started, "newest": newest}} if rows and not wanted.full else None
        yield Page(rows, answer.at, going, drift=drift)
    deletes = {"deletes": started} if wanted.resource.deletes is not None else {}
    yield Page([], client.server_time(), {"since": min(newest or started, started), **deletes})


def _spread(client: Client, wanted: Wanted, base: str, fields: Sequence[str], after: str) -> Iterator[Answer]:
    """A large table in ranges of keys, as many at once as the connection may ask, delivered in order.

    The keys are random hexadecimal numbers, so that even ranges hold about the same number of rows each.
    """
    count, size, at_once = counter(client.system, wanted.resource), client.system.limits.page_size, client.system.limits.concurrency
    total = count(client) if count is not None else 0
    if total <= size * at_once:
        yield from _pages(client, wanted, _and(base, f"sys_id>{after}" if after else ""), fields, "sys_id", "")
        return
    parts = -(-total * 5 // (size * 4))  # ranges a little smaller than a page: one request each
    bounds = ["", *(f"{(part << 32) // parts:08x}" for part in range(1, parts)), ""]
    ranges = [
        _and(base, f"sys_id>{after}" if low < after else f"sys_id>={low}" if low else "", f"sys_id<{high}" if high else "")
        for low, high in zip(bounds, bounds[1:], strict=False) if not high or high > after]

    def whole(condition: str) -> list[Answer]:
        return list(_pages(client, wanted, condition, fields, "sys_id", ""))

    with ThreadPoolExecutor(at_once, thread_name_prefix="servicenow") as pool:
        running: deque[Future[list[Answer]]] = deque()
        try:
            for condition in ranges:
                running.append(pool.submit(whole, condition))
                if len(running) >= at_once:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()
        finally:
            for left in running:
                left.cancel()


def _pages(
    client: Client, wanted: Wanted, base: str, fields: Sequence[str], stamp: str, low: str,
) -> Iterator[Answer]:
    """Pages in the order of (stamp, sys_id), each from behind the last row of the one before: ties and changes shift nothing.

    Rights are applied after the limit, so a short page, even an empty one, is no end: the vendor's total is.
    """
    table, size, offset = wanted.resource.table, client.system.limits.page_size, 0
    last: tuple[str, str] | None = None
    order = "ORDERBYsys_id" if stamp == "sys_id" else f"ORDERBY{stamp}^ORDERBYsys_id"
    while True:
        query = f"{_behind(base, stamp, low, last)}^{order}".lstrip("^")
        answer = _page(client, table, query, fields, size, offset)
        if "error" in answer.content:
            if size <= _SMALLEST_PAGE:
                raise ConcordError(
                    f"the instance gave up on {size} rows ({answer.content['error'].get('message', 'no reason given')}).",
                    where=f"{client.connection.name}.{wanted.name}", mend="Run it again later.")
            size = max(_SMALLEST_PAGE, size // 2)  # what came with it may be cut short: ask again for less
            continue
        rows = answer.content["result"]
        if rows:
            _check_order(client, wanted, rows, stamp, low, last)
            last = (rows[-1][stamp], rows[-1]["sys_id"])
        yield answer
        if not _has_more(answer, offset, size):
            return
        offset = 0 if rows else offset + size


def _behind(base: str, stamp: str, low: str, last: tuple[str, str] | None) -> str:
    """The condition for what comes behind the last row. A new query (`^NQ`) forgets what stands before it: the base is repeated."""
    if last is None:
        return _and(base, f"{stamp}>={low}" if low else "")
    if stamp == "sys_id":
        return _and(base, f"sys_id>{last[1]}")
    return f"{_and(base, f'{stamp}>{last[0]}')}^NQ{_and(base, f'{stamp}={last[0]}')}^sys_id>{last[1]}"


def _check_order(client: Client, wanted: Wanted, rows: Sequence[Record], stamp: str, low: str, last: tuple[str, str] | None) -> None:
    """The instance did what it was asked: had it dropped a condition, rows from before the bound would be here."""
    first, end = (rows[0][stamp], rows[0]["sys_id"]), (rows[-1][stamp], rows[-1]["sys_id"])
    if (last is not None and first <= last) or (low and first[0] < low) or end < first:
        raise ConcordError(
            f"the instance ignored a part of the query: rows from {first[0]} came where later ones were asked for.",
            where=f"{client.connection.name}.{wanted.name}", mend=f"Check that {wanted.resource.table} has the column {stamp}.")


def _has_more(answer: Answer, offset: int, size: int) -> bool:
    total = answer.headers.get("X-Total-Count")
    if total is not None and total.isdecimal():
        return int(total) > offset + size
    return 'rel="next"' in answer.headers.get("Link", "")


def _deleted(client: Client, wanted: Wanted, base: str, seen: set[str]) -> Iterator[Page]:
    """Tombstones of what is landed and was deleted: as the audit tells, then what is gone without a line there.

    Cascades leave no line, many tables are not audited, and it takes an administrator's rights to read the audit. So the vendor's
    count is held against what must be there, and where something is missing all keys are listed. `seen`: keys that this run read.
    """
    resource = wanted.resource
    assert resource.deletes is not None
    held: set[str] | None = None
    dead: set[str] = set()
    since = wanted.state.get("deletes", "")
    for answer in _audit(client, resource.deletes.record_type, _earlier(since, client.system.overlap)) if since else ():
        rows = answer.content["result"]
        if rows and held is None:
            held = {*wanted.landed(wanted.name), *seen}
        told = [row for row in rows if held and row["documentkey"] in held]
        dead.update(row["documentkey"] for row in told)
        yield Page(
            [{resource.key[0]: row["documentkey"], resource.version: row["sys_created_on"]} for row in told], answer.at, tombstones=True)
    count = counter(client.system, resource)
    if wanted.live is None or count is None:
        return
    there = count(client)
    if there >= wanted.live + len(seen) - len(dead):
        return
    held = held or {*wanted.landed(wanted.name), *seen}
    if there >= len(held - dead):
        return
    alive: set[str] = set()
    for answer in _pages(client, wanted, base, ("sys_id",), "sys_id", ""):
        alive.update(row["sys_id"] for row in answer.content["result"])
    now = client.server_time()
    gone = sorted(held - dead - alive)
    yield Page([{resource.key[0]: id, resource.version: now.strftime(_FORM)} for id in gone], now, tombstones=True)


def _audit(client: Client, table: str, low: str) -> Iterator[Answer]:
    """The audit's lines about deletions of a table. A record that was restored has a newer stamp than its line."""
    last: tuple[str, str] | None = None
    size, base = client.system.limits.page_size, f"tablename={table}"
    while True:
        query = f"{_behind(base, 'sys_created_on', low, last)}^ORDERBYsys_created_on^ORDERBYsys_id"
        try:
            answer = _page(client, "sys_audit_delete", query, ("sys_id", "tablename", "documentkey", "sys_created_on"), size, 0)
        except Refused as error:
            if error.status not in (400, 403, 404):
                raise
            return  # not for our roles: the count tells
        rows = [row for row in answer.content["result"] if row["tablename"] == table]
        yield replace(answer, content={"result": rows})
        if not rows or not _has_more(answer, 0, size):
            return
        last = (rows[-1]["sys_created_on"], rows[-1]["sys_id"])


def _page(client: Client, table: str, query: str, fields: Sequence[str], limit: int, offset: int) -> Answer:
    params = {
        **_PLAIN, "sysparm_query": query, "sysparm_fields": ",".join(fields), "sysparm_limit": str(limit), "sysparm_offset": str(offset)}
    return client.read("GET", f"table/{table}", params=params)


def _and(*conditions: str) -> str:
    return "^".join(filter(None, conditions))


def _earlier(stamp: str, overlap: timedelta) -> str:
    return (datetime.strptime(stamp, _FORM) - overlap).strftime(_FORM)


# the instance


def _described(client: Client) -> _Instance:
    """The dictionary's columns of every table that the system file reads, and our user's zone; asked once a client."""
    with _looking:
        asked = _asked.setdefault(client, _Asked())
    with asked.lock:
        if asked.instance is None:
            asked.instance = _Instance(_dictionary(client), _zone(client))
        return asked.instance


def _zone(client: Client) -> str:
    rows = client.read("GET", client.system.whoami).content["result"]
    return str(rows[0].get("time_zone") or "") if rows else ""


def _dictionary(client: Client) -> dict[str, frozenset[str]] | None:
    wanted = sorted({resource.table for resource in client.system.resources.values()})
    steps = ["name", *(f"{'super_class.' * depth}name" for depth in (1, 2, 3))]
    try:
        tables = _page(client, "sys_db_object", f"nameIN{','.join(wanted)}^ORDERBYsys_id", steps, len(wanted), 0).content["result"]
        chains = {row["name"]: [row[step] for step in steps if row.get(step)] for row in tables if row.get("name")}
        names = sorted({name for chain in chains.values() for name in chain})
        own: dict[str, set[str]] = {}
        offset = 0
        while names:
            query = f"nameIN{','.join(names)}^elementISNOTEMPTY^active=true^ORDERBYsys_id"
            answer = _page(client, "sys_dictionary", query, ("name", "element"), _DICTIONARY_PAGE, offset)
            for row in answer.content["result"]:
                own.setdefault(row["name"], set()).add(row["element"])
            if not _has_more(answer, offset, _DICTIONARY_PAGE):
                break
            offset += _DICTIONARY_PAGE
    except Refused:
        return None
    columns = {table: frozenset().union(*(own.get(name, ()) for name in chain)) for table, chain in chains.items()}
    return {table: found for table, found in columns.items() if "sys_id" in found} or None


def _fields(system: System, resource: Resource, instance: _Instance) -> tuple[list[str], list[Drift]]:
    """The columns to ask for: those that the system file names, without what the instance lost and with what nobody knows yet."""
    declared = {path: name for name, column in resource.columns.items() for path in column.alternatives}
    there = None if instance.columns is None else instance.columns.get(resource.table)
    if there is None:
        return [*dict.fromkeys(["sys_id", *declared])], []
    needed = {path for name in (*resource.key, resource.version) if name in resource.columns for path in resource.columns[name].alternatives}
    gone = [path for path in declared if path not in there and path not in needed]
    drift = [
        Drift(declared[path], "removed", f"{resource.table}.{path} is not in the instance's dictionary") for path in gone
        if _is_missed(resource.columns[declared[path]], there)]
    unknown = sorted(there - declared.keys() - resource.ignored - system.ignored)
    return [*dict.fromkeys(["sys_id", *(path for path in declared if path not in gone), *unknown])], drift


def _is_missed(column: Column, there: frozenset[str]) -> bool:
    return not column.optional and not any(path in there for path in column.alternatives)


# what others ask


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    def count(client: Client) -> int:
        query = resource.params.get("query", "")
        try:
            content = client.read("GET", f"stats/{resource.table}", params={"sysparm_count": "true", "sysparm_query": query}).content
        except Refused as error:
            if resource.optional and error.status == 400:
                return 0
            raise
        return int(content["result"]["stats"]["count"])

    return count


def describe(client: Client) -> tuple[str, str]:
    answer = client.read("GET", client.system.whoami)
    rows: list[dict[str, Any]] = answer.content["result"]
    if not rows:
        raise ConcordError(
            "the instance answers, but does not show us our own user.", where=client.connection.name,
            mend="Give the integration user a role that reads sys_user.")
    zone = rows[0].get("time_zone") or ""
    if zone not in _GREENWICH:
        raise ConcordError(f"the integration user's time zone is {zone}.", where=client.connection.name, mend="Set the user's time zone to GMT.")
    limit, reset = answer.headers.get("X-RateLimit-Limit"), answer.headers.get("X-RateLimit-Reset")
    quota = f"{limit} requests an hour" if limit else ""
    if quota and reset and reset.isdecimal():
        quota += f", counted anew at {datetime.fromtimestamp(int(reset), UTC):%H:%M}"
    return f"user {rows[0].get('user_name', '')}", quota


def newest_change(client: Client) -> str:
    """The newest second of the watched tables and every version in it: a second change within it shows as well."""
    found = []
    for table in _WATCHED:
        answer = _page(
            client, table, "ORDERBYDESCsys_updated_on^ORDERBYDESCsys_id", ("sys_id", "sys_updated_on", "sys_mod_count"), _SAME_SECOND, 0)
        rows = answer.content["result"]
        newest = rows[0]["sys_updated_on"] if rows else ""
        found.append(" ".join([newest, *(f"{row['sys_id']}:{row['sys_mod_count']}" for row in rows if row["sys_updated_on"] == newest)]))
    return " | ".join(found)

"""NetSuite by SuiteQL: slices by key below the 100,000-row ceiling, local stamps as text, tombstones from DeletedRecord."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from concord.errors import ConcordError
from ingestion.client import Answer, Client, Refused
from ingestion.readers import Drift, Page, Record, Wanted, chunks, refusal
from ingestion.spec import Column, Resource, System

_STAMP = 'YYYY-MM-DD"T"HH24:MI:SS'
_PATH = "query/v1/suiteql"
_MISSING = re.compile(r"Field '(\w+)' for record '\w+' was not found")
_DATED = ("customer", "transaction")


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    gone: list[Drift] = []
    while True:
        try:
            for page in _read(client, wanted):
                yield replace(page, drift=gone) if gone else page
            return
        except Refused as error:
            found = _MISSING.search(error.message)
            column = found[1].lower() if found else ""
            needed = {*wanted.resource.key, wanted.resource.version, wanted.resource.cursor, wanted.resource.parent_key}
            if column not in wanted.resource.columns or column in needed:
                raise refusal(
                    client, wanted, error, "the query", "Check the integration role's permissions and the system file's columns.") from None
            # the column was removed or hidden from our role: go on without it, and say so
            gone.append(Drift(column, "removed", f"{wanted.resource.table}.{column} is no longer visible"))
            kept = {name: kind for name, kind in wanted.resource.columns.items() if name != column}
            wanted = replace(wanted, resource=wanted.resource.model_copy(update={"columns": kept}))


def _read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource, state = wanted.resource, wanted.state
    single = len(resource.key) == 1
    if wanted.keys is not None:
        yield from _by_key(client, resource, resource.key[0], wanted.keys, ())
        return
    started = _local_now(client)
    if not resource.cursor:
        if resource.parent and not wanted.first:
            # rows without a stamp change with their parent: the rest was not asked for, and its silence says nothing (R10)
            for page in _by_key(client, resource, resource.parent_key, wanted.changed_parents(), wanted.changed_parents()):
                yield replace(page, partial=True)
            yield Page([], client.server_time(), {"read": started}, partial=True)
            return
        for answer in (_slices if single else _offsets)(client, resource, [], None):
            yield _page(resource, answer)
        yield Page([], client.server_time(), {"read": started})
        return
    since = None if wanted.full else state.get("since")
    resume = {} if wanted.full else state.get("resume") or {}
    if resume:
        since, started = resume["low"], resume["started"]
    low = None if since is None else _earlier(since, resource.overlap or client.system.overlap)
    newest = resume.get("newest") or since or ""
    kept = {name: state[name] for name in ("deletes", "watched") if name in state and not wanted.full}
    came: dict[str, str | None] = {}  # what this read has of the watched amounts already
    for answer in (_slices if single else _offsets)(client, resource, _since(resource.cursor, low), resume.get("after")):
        rows = answer.content["items"]
        newest = max([newest, *(row.get(resource.cursor) or "" for row in rows)])
        if resource.watch and "watched" in kept:
            came |= {row[resource.key[0]]: row.get(resource.watch) for row in rows}
        going = {"low": since, "started": started, "newest": newest, "after": rows[-1].get(resource.key[0])} if single and rows else None
        yield Page(rows, answer.at, {**kept, **({"since": since} if since else {}), "resume": going} if going else None)
    if resource.parent and not wanted.first:
        yield from _by_key(client, resource, resource.parent_key, wanted.changed_parents(), wanted.changed_parents())
    if resource.deletes:
        yield from _tombstones(client, resource, None if wanted.first else state.get("deletes"))
        kept["deletes"] = started
    if resource.watch in resource.columns:
        yield from _moved(client, resource, kept, came)
    # a row changed while we read may carry a stamp before the newest one seen
    end = min(newest, started) if newest else ""
    yield Page([], client.server_time(), {**kept, **({"since": max(end, since or "")} if end or since else {"since": started})})


def _slices(client: Client, resource: Resource, where: list[str], after: Any) -> Iterator[Answer]:
    """Pages by `key > last`: no offset, so no ceiling, and rows that change while we read do not shift the pages."""
    key, size = resource.key[0], client.system.limits.page_size
    while True:
        conditions = where + ([f"{key} > {int(after)}"] if after is not None else [])
        answer = _query(client, f"{_select(resource)}{_where(conditions)} ORDER BY {key}", size, 0)
        yield answer
        rows = answer.content["items"]
        if not answer.content["hasMore"] or not rows:
            return
        after = rows[-1][key]


def _offsets(client: Client, resource: Resource, where: list[str], after: Any) -> Iterator[Answer]:
    """For keys of several columns: offsets up to the ceiling, then on from the last stamp, or the last first key where there is none.

    At the ceiling the vendor says that there is no more, whether or not that is so: a full last page is never believed (R9).
    """
    size, ceiling = client.system.limits.page_size, client.system.limits.ceiling
    along = resource.cursor or resource.key[0]
    order = ", ".join(dict.fromkeys([along, *resource.key]))
    conditions, offset, last = where, 0, ""
    ended: list[tuple[tuple[Any, ...], Any]] = []  # rows of the last stamp so far
    border: set[tuple[Any, ...]] = set()  # the slice before ended with these rows of its last stamp, and this one begins with them
    while True:
        answer = _query(client, f"{_select(resource)}{_where(conditions)} ORDER BY {order}", size, offset)
        rows = answer.content["items"]
        fresh = [row for row in rows if _mark(resource, row) not in border] if border else rows
        yield replace(answer, content={**answer.content, "items": fresh})
        newest = rows[-1].get(along) if rows else None
        ended = [pair for pair in (*ended, *((_mark(resource, row), row.get(along)) for row in rows)) if pair[1] == newest]
        offset += size
        if not rows or (not answer.content["hasMore"] and not (ceiling and offset >= ceiling and len(rows) == size)):
            return
        if ceiling and offset >= ceiling:
            stamp = rows[-1].get(along, "")
            if not stamp or stamp == last:
                raise ConcordError(
                    f"more than {ceiling} rows share one slice.", where=f"{client.connection.name}.{resource.table}",
                    mend="Give the resource a key of one column.")
            low = _since(along, stamp) if resource.cursor else [f"{along} >= {int(stamp)}"]
            conditions, offset, last = [*([] if resource.cursor else where), *low], 0, stamp
            border, ended = {mark for mark, at in ended if at == stamp}, []


def _mark(resource: Resource, row: Record) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in (*resource.key, resource.version))


def _page(resource: Resource, answer: Answer) -> Page:
    """Rows that carry no stamp are as of the answer."""
    rows = answer.content["items"]
    return Page(rows, answer.at, changed=[answer.at] * len(rows) if resource.version == "_changed_at" else None)


def _by_key(client: Client, resource: Resource, column: str, keys: Sequence[Any], parents: Sequence[Any]) -> Iterator[Page]:
    single = len(resource.key) == 1
    for some in chunks(list(keys), 200):
        values = ", ".join(str(int(key)) for key in some)
        for answer in (_slices if single else _offsets)(client, resource, [f"{column} IN ({values})"], None):
            yield _page(resource, answer)
        if parents:
            yield Page([], client.server_time(), whole_parents=[int(key) for key in some])


def _moved(client: Client, resource: Resource, kept: dict[str, Any], came: dict[str, str | None]) -> Iterator[Page]:
    """Rows whose watched amount moved though their stamp did not: the amounts that are not zero, held against the last read's."""
    key, amount = resource.key[0], resource.watch
    small = resource.model_copy(update={"columns": {name: resource.columns[name] for name in (key, amount)}})
    now: dict[str, str] = {}
    try:
        for answer in _slices(client, small, [f"{amount} <> 0"], None):
            now |= {row[key]: row[amount] for row in answer.content["items"]}
    except Refused as error:  # an amount that is no number any more: the rows themselves are here
        if error.status != 400:
            raise
        yield Page([], client.server_time(), drift=[Drift(amount, "retyped", f"{resource.table}.{amount} cannot be compared with zero: {error.message}")])
        return
    before = kept.get("watched")
    if before is not None:
        moved = [id for id in {**before, **now} if before.get(id) != now.get(id)]
        missed = [id for id in moved if id not in came or (came[id] if came[id] != "0" else None) != now.get(id)]
        yield from _by_key(client, resource, key, missed, ())
    kept["watched"] = now


def _tombstones(client: Client, resource: Resource, since: str | None) -> Iterator[Page]:
    """Records deleted since; a first read has nothing landed that could have been deleted."""
    if since is None or resource.deletes is None:
        return
    low = _earlier(since, client.system.overlap)
    offset, size = 0, client.system.limits.page_size
    conditions = [f"type = '{resource.deletes.record_type}'", *_since("deleteddate", low)]
    while True:
        answer = _query(
            client, f"SELECT recordid, TO_CHAR(deleteddate, '{_STAMP}') AS deleteddate FROM deletedrecord{_where(conditions)} "
            "ORDER BY deleteddate, recordid", size, offset)
        rows = [{resource.key[0]: row["recordid"], resource.version: row["deleteddate"]} for row in answer.content["items"]]
        yield Page(rows, answer.at, tombstones=True)
        if not answer.content["hasMore"] or not rows:
            return
        offset += size


def _query(client: Client, query: str, limit: int, offset: int) -> Answer:
    return client.read("POST", _PATH, params={"limit": limit, "offset": offset}, json={"q": query}, headers={"Prefer": "transient"})


def _select(resource: Resource) -> str:
    return f"SELECT {', '.join(_expression(name, column) for name, column in resource.columns.items())} FROM {resource.table}"


def _expression(name: str, column: Column) -> str:
    """A time is asked for as text of a fixed form: the account's own form drops the time of day."""
    if column.type == "local_timestamp":
        return f"TO_CHAR({column.path}, '{_STAMP}') AS {name}"
    if column.type == "local_date":
        return f"TO_CHAR({column.path}, 'YYYY-MM-DD') AS {name}"
    return f"{column.sql} AS {name}" if column.sql else name


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _since(column: str, low: str | None) -> list[str]:
    return [f"{column} >= TO_TIMESTAMP('{low.replace('T', ' ')}', 'YYYY-MM-DD HH24:MI:SS')"] if low else []


def _earlier(stamp: str, overlap: timedelta) -> str:
    """Wall-clock arithmetic on purpose: stamps are stored and compared as the account's wall clock."""
    return (datetime.fromisoformat(stamp) - overlap).isoformat(timespec="seconds")


def _local_now(client: Client) -> str:
    zone = ZoneInfo(client.settings["time_zone"])
    return client.server_time().astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


COUNTED_BY = "SELECT COUNT(*)"


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    def count(client: Client) -> int:
        content: Record = _query(client, f"SELECT COUNT(*) AS n FROM {resource.table}", 1, 0).content
        return int(content["items"][0]["n"])
    return count


def describe(client: Client) -> tuple[str, str]:
    content = client.read("POST", "query/v1/suiteql", params={"limit": 1, "offset": 0}, json={"q": "SELECT COUNT(*) AS n FROM customer"},
                          headers={"Prefer": "transient"}).content
    account = client.settings.get("account", "?")
    return f"account {account} ({content['items'][0]['n']} customers visible)", f"{client.system.limits.concurrency} requests at once (ours)"


def newest_change(client: Client) -> str:
    found = []
    for name in _DATED:
        query = f"SELECT TO_CHAR(MAX(lastmodifieddate), 'YYYY-MM-DD\"T\"HH24:MI:SS') AS newest, COUNT(*) AS total FROM {name}"
        answer = client.read("POST", "query/v1/suiteql", params={"limit": 1}, json={"q": query}, headers={"Prefer": "transient"})
        found += [f"{row.get('newest', '')} {row.get('total', '')}" for row in answer.content["items"]]
    return " ".join(found)

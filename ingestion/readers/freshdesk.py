"""Freshdesk: bare lists by page, tickets in the order of their updates, conversations ticket by ticket, assets as a custom object.

Lists carry no totals and leave things out without a word: a ticket that is deleted, spam or archived, a contact that is deleted, a
company that is gone. Each of these is told apart here, by the list or address that the vendor has for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from concord.errors import ConcordError
from ingestion.client import Answer, Client, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

COUNTED_BY = "search total"
_EARLIEST = "2000-01-01T00:00:00Z"  # without a time, a list of tickets begins thirty days back
_NEXT = re.compile(r'rel\s*=\s*"?next\b')
_INDEXED = timedelta(minutes=5)  # by then a search has seen a change
_PARENTS = 50  # tickets whose conversations make one page
_LOOK_BACK = timedelta(minutes=10)
_MARKS = 10


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    try:
        yield from _read(client, wanted)
    except Refused as error:
        raise refusal(client, wanted, error, "the list", "Give the key's agent a role that may see it.") from None


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    return (lambda client: _total(client, resource) - _lately_gone(client, resource)) if resource.count else None


def describe(client: Client) -> tuple[str, str]:
    answer = client.read("GET", client.system.whoami)
    left, most = answer.headers.get("X-RateLimit-Remaining"), answer.headers.get("X-RateLimit-Total")
    scope = {1: "all tickets", 2: "its groups' tickets", 3: "its own tickets"}.get(answer.content.get("ticket_scope"), "unknown tickets")
    return f"agent {answer.content['id']} ({scope})", f"{left} of {most} requests this minute" if left else ""


def newest_change(client: Client) -> str:
    since = _stamp(client.server_time() - _LOOK_BACK)
    latest = {"updated_since": since, "order_by": "updated_at", "order_type": "desc", "per_page": 1}
    rows = client.read("GET", "tickets", params=latest).content
    rows += client.read("GET", "companies", params={"updated_since": since, "per_page": 100}).content
    return max((f"{_stamp(_moment(row['updated_at']))} {row['id']}" for row in rows), default="")


def _read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource = wanted.resource
    if wanted.keys is not None:
        yield from _by_id(client, wanted, wanted.keys)
    elif resource.parent:
        yield from _of_parents(client, wanted, ())
    elif resource.table:
        yield from _objects(client, wanted)
    elif resource.archive:
        yield from _in_order(client, wanted)
    elif resource.cursor:
        yield from _changed(client, wanted)
    else:
        yield from _whole(client, wanted)
        yield Page([], client.server_time(), {"read": _stamp(client.server_time())})


# lists


def _pages(client: Client, path: str, params: dict[str, Any], first: int = 1) -> Iterator[tuple[int, Answer]]:
    """Pages by number for as long as the vendor names a next one; its link itself is not needed."""
    number = first
    while True:
        answer = client.read("GET", path, params={**params, "per_page": client.system.limits.page_size, "page": number})
        yield number, answer
        if not _has_next(answer):
            return
        number += 1


def _has_next(answer: Answer) -> bool:
    return _NEXT.search(answer.headers.get("Link") or "") is not None


def _whole(client: Client, wanted: Wanted) -> Iterator[Page]:
    """A list that tells no changes. Extraction drops what is as it was and buries what is gone."""
    resource = wanted.resource
    if not resource.explode:
        for _, answer in _pages(client, resource.path, dict(resource.params)):
            yield Page(answer.content, answer.at)
        return
    answer = client.read("GET", resource.path, params=resource.params)
    pairs = [
        ({"code": code, "labels": labels}, field) for field in answer.content if isinstance(field.get(resource.explode), dict)
        for code, labels in field[resource.explode].items()
    ]
    yield Page([row for row, _ in pairs], answer.at, parents=[field for _, field in pairs])


def _changed(client: Client, wanted: Wanted) -> Iterator[Page]:
    """Lists that can be cut by time and come in no order: the time moves on only when all of them were read."""
    resource, state = wanted.resource, {} if wanted.full else wanted.state
    resume: State = state.get("resume") or {}
    since = resume["since"] if resume else state.get("since")
    started = resume.get("started") or _stamp(client.server_time())
    low = None if since is None else _stamp(_moment(since) - (resource.overlap or client.system.overlap))
    kept = {name: state[name] for name in ("since", "marks", "excess") if name in state}
    selections: list[dict[str, str]] = [{}, *resource.lists]
    buried = 0
    for place, selection in enumerate(selections):
        if place < resume.get("list", 0):
            continue
        params = {**resource.params, **selection, **({resource.since: low} if low else {})}
        # rows may have moved to the page before since the last run stopped here
        first = max(1, resume["page"] - 1) if resume and place == resume["list"] else 1
        for number, answer in _pages(client, resource.path, params, first):
            rows = _newer(resource, answer.content, low)
            buried += sum(1 for row in rows if row.get("deleted") is True)
            going = {"list": place, "page": number + 1, "since": since, "started": started}
            yield Page(rows, answer.at, {**kept, "resume": going})
    marks = _marked(client, wanted, kept.get("marks") or [])
    kept = {"since": started, "marks": marks, **({"excess": kept["excess"]} if "excess" in kept else {})}
    if since is not None and resource.count and not wanted.full:
        short = _missing(client, wanted, marks, buried, kept.get("excess", 0))
        if short:
            kept["excess"] = yield from _swept(client, wanted)
    yield Page([], client.server_time(), kept)


def _newer(resource: Resource, rows: list[Record], low: str | None) -> list[Record]:
    """Without what an account that passes over the time delivers again."""
    if low is None:
        return rows
    name, border = resource.columns[resource.cursor].path, _moment(low)
    return [row for row in rows if not row.get(name) or _moment(row[name]) >= border]


# what is gone without a word


def _marked(client: Client, wanted: Wanted, marks: list[list[Any]]) -> list[list[Any]]:
    """How many rows were landed at the reads before, as far back as a search may lag."""
    return [*marks, [_stamp(client.server_time()), wanted.live]][-_MARKS:] if wanted.live is not None else marks


def _missing(client: Client, wanted: Wanted, marks: list[list[Any]], buried: int, excess: int) -> bool:
    """Whether the vendor counts fewer than are landed, not for the lag of its index. One request, whatever the size of the list."""
    settled = _stamp(client.server_time() - _INDEXED)
    then = next((count for at, count in reversed(marks) if at <= settled), None)
    if then is None or wanted.live is None:
        return False
    try:
        return _total(client, wanted.resource) < min(then, wanted.live - buried) - excess
    except (Refused, Uncounted):
        return False  # the audit asks the same after the read, and records that there is no count


def _swept(client: Client, wanted: Wanted) -> Generator[Page, None, int]:
    """Read the whole list for its keys; what is landed and not in it is looked up by its id. Returns what the count leaves out even so."""
    resource = wanted.resource
    key = resource.columns[resource.key[0]].path
    landed = wanted.landed(wanted.name)
    known, listed = set(landed), set()
    answers: Iterator[tuple[list[Record], Answer]]
    if resource.table:
        answers = (([_timed(row) for row in answer.content["records"]], answer)
                   for answer in _object_pages(client, _schema(client, wanted) or "", {}))
    else:
        answers = ((answer.content, answer) for _, answer in _pages(client, resource.path, dict(resource.params)))
    for rows, answer in answers:
        listed |= {row[key] for row in rows}
        yield Page([row for row in rows if row[key] not in known], answer.at)  # one that a shifting page had left out
    yield from _fates(client, wanted, [id for id in landed if id not in listed])
    return max(0, len(listed) - _total(client, resource))


class Uncounted(ConcordError):
    """The vendor's answer holds no count."""


def _fates(client: Client, wanted: Wanted, ids: Sequence[Any]) -> Iterator[Page]:
    """Records that left the lists, one by one: still there, in the archive, or gone."""
    for some in chunks(list(ids), _PARENTS):
        found = _at_once(client, lambda id: _one(client, wanted.resource, id), some)
        now = client.server_time()
        yield Page([row for row in found if row is not None], now)
        gone = [id for id, row in zip(some, found, strict=True) if row is None]
        if gone:
            [key], version = wanted.resource.key, wanted.resource.version
            yield Page([{key: id, version: _stamp(now)} for id in gone], now, tombstones=True)


def _one(client: Client, resource: Resource, id: Any) -> Record | None:
    """A record by its id. An archived one has an address of its own, and leaving the lists for it is no deletion."""
    for path in filter(None, (resource.by_id, resource.archive)):
        try:
            row: Record = client.read("GET", path.format(id=id), params={"include": "stats"} if resource.archive else None).content
            return {"archived": False, **row} if resource.archive else row
        except Refused as error:
            if error.status != 404:
                raise
    return None


# tickets


def _in_order(client: Client, wanted: Wanted) -> Iterator[Page]:
    """By time of update, each request from the last one's end on, so that no page is far down and none shifts while tickets change.

    The vendor serves 300 pages of one request and no more (R9); only tickets of one second need more than the first.
    """
    resource, window, now = wanted.resource, client.system.limits.window, client.server_time()
    last = wanted.state.get("read")
    # a ticket that was deleted and gone from the trash between two reads is in no list: only a whole read misses it (R5)
    aged = last is not None and window is not None and now - _moment(last) > window
    whole = wanted.full or aged
    state = {} if whole else wanted.state
    since = state.get("since")
    low = _EARLIEST if since is None else _stamp(_moment(since) - (resource.overlap or client.system.overlap))
    away_before: list[Any] = state.get("away") or []
    kept: State = {name: state[name] for name in ("probe", "probed", "read") if name in state}
    delivered: set[Any] = set()
    newest = since
    probes = client.settings.get("archived_tickets") == "all" and not state.get("probed")
    for answer, rows in _ascending(client, wanted, low):
        if whole or probes:
            delivered |= {row["id"] for row in rows}
        if answer.content:
            newest = max(newest or "", _stamp(_moment(answer.content[-1]["updated_at"])))
        yield Page(rows, answer.at, {**kept, **({"since": newest} if newest else {}), "away": away_before})
    away: set[Any] = set()
    for selection in resource.lists:
        for answer, rows in _ascending(client, wanted, _EARLIEST, selection):
            away |= {row["id"] for row in rows}
            yield Page(rows, answer.at)
    # what left the trash was restored or emptied out; a restored ticket need not look changed
    left = set(away_before) - away - delivered
    if whole:
        left |= set(wanted.landed(wanted.name)) - away - delivered
    yield from _fates(client, wanted, sorted(left))
    kept |= {"since": newest or _EARLIEST, "away": sorted(away), "read": _stamp(now)}
    if probes:
        yield from _archive(client, wanted, delivered | away | left | set(wanted.landed(wanted.name)), kept)
        kept["probed"] = True
    yield Page([], client.server_time(), kept)


def _archive(client: Client, wanted: Wanted, known: set[Any], kept: State) -> Iterator[Page]:
    """What was archived before the first read: no list shows it, but an account numbers its tickets from 1 on."""
    place = kept.pop("probe", 1)
    for some in chunks([id for id in range(place, max(known, default=0)) if id not in known], _PARENTS):
        found = _at_once(client, lambda id: _one(client, wanted.resource.model_copy(update={"by_id": ""}), id), some)
        yield Page([row for row in found if row is not None], client.server_time(), {**kept, "probe": some[-1] + 1})


def _ascending(client: Client, wanted: Wanted, low: str, selection: dict[str, str] | None = None) -> Iterator[tuple[Answer, list[Record]]]:
    resource, limits = wanted.resource, client.system.limits
    chosen = selection or resource.params  # what is included costs credits, and for a deleted ticket nobody needs it
    border: set[tuple[Any, ...]] = set()
    number = 1
    while True:
        answer = client.read("GET", resource.path, params={
            **chosen, resource.since: low, "order_by": "updated_at", "order_type": "asc", "per_page": limits.page_size, "page": number})
        rows: list[Record] = answer.content
        yield answer, [row for row in rows if _mark(row) not in border] if border else rows
        if not rows or not _has_next(answer):
            return
        last = _stamp(_moment(rows[-1]["updated_at"]))
        if last != low:
            border = {_mark(row) for row in rows if row["updated_at"] == rows[-1]["updated_at"]}
            low, number = last, 1
            continue
        border |= {_mark(row) for row in rows}
        number += 1
        if limits.ceiling and number * limits.page_size > limits.ceiling:
            raise ConcordError(
                f"more than {limits.ceiling} tickets were changed in one second ({last}); the vendor shows no more of them.",
                where=f"{client.connection.name}.{wanted.name}", mend="Change some of them again (a bulk update of a part), then run again.")


def _mark(row: Record) -> tuple[Any, ...]:
    return row["id"], row["updated_at"]


# conversations


def _of_parents(client: Client, wanted: Wanted, parents: Sequence[Any]) -> Iterator[Page]:
    """One request or more a ticket, for changed tickets only (R6); tickets still to be read outlast the run (R11)."""
    pending = [*(wanted.state.get("pending") or () if not wanted.full else ()), *parents, *wanted.changed_parents()]
    if wanted.first and wanted.keys is None:
        pending = [*wanted.landed(wanted.resource.parent), *pending]
    pending = list(dict.fromkeys(pending))
    yield Page([], client.server_time(), {"pending": pending, "read": _stamp(client.server_time())})
    done = 0
    for some in chunks(pending, _PARENTS):
        rows = [row for said in _at_once(client, lambda id: _said(client, wanted.resource, id), some) for row in said]
        done += len(some)
        now = client.server_time()
        yield Page(rows, now, {"pending": pending[done:], "read": _stamp(now)}, whole_parents=list(some))


def _said(client: Client, resource: Resource, id: Any) -> list[Record]:
    for path in filter(None, (resource.path, resource.archive)):
        try:
            return [row for _, answer in _pages(client, path.format(id=id), dict(resource.params)) for row in answer.content]
        except Refused as error:
            if error.status != 404:
                raise
    return []


def _at_once(client: Client, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """In order, bounded by the connection's concurrency; the client holds everybody back when the vendor says so (R14)."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), client.system.limits.concurrency)) as pool:
        return list(pool.map(work, items))


# assets


def _objects(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource, state = wanted.resource, {} if wanted.full else wanted.state
    started = _stamp(client.server_time())
    schema = _schema(client, wanted)
    if schema is None:  # a plan without custom objects, or an account that keeps none of these
        yield Page([], client.server_time(), {"since": started})
        return
    since = state.get("since")
    low = None if since is None else _stamp(_moment(since) - (resource.overlap or client.system.overlap)).replace("Z", ".000Z")
    for answer in _object_pages(client, schema, {f"{resource.since}[gte]": low} if low else {}):
        yield Page([_timed(row) for row in answer.content["records"]], answer.at)
    marks = _marked(client, wanted, state.get("marks") or [])
    kept: State = {"since": started, "marks": marks, "excess": state.get("excess", 0)}
    if since is not None and not wanted.full and _missing(client, wanted, marks, 0, kept["excess"]):
        kept["excess"] = yield from _swept(client, wanted)
    yield Page([], client.server_time(), kept)


def _schema(client: Client, wanted: Wanted) -> str | None:
    try:
        schemas = client.read("GET", "custom_objects/schemas").content["schemas"]
    except Refused as error:
        if isinstance(error.body, dict) and error.body.get("code") == "require_feature":
            return None
        raise
    return next((str(schema["id"]) for schema in schemas if schema["name"] == wanted.resource.table), None)


def _object_pages(client: Client, schema: str, params: dict[str, Any]) -> Iterator[Answer]:
    answer = client.read(
        "GET", f"custom_objects/schemas/{schema}/records", params={**params, "page_size": client.system.limits.page_size})
    while True:
        yield answer
        following = ((answer.content.get("_links") or {}).get("next") or {}).get("href")
        if not following:
            return
        answer = client.read("GET", "custom_objects" + following)


def _timed(row: Record) -> Record:
    """Times of custom objects are milliseconds since 1970."""
    times = {
        name: datetime.fromtimestamp(row[name] / 1000, UTC).isoformat() for name in ("created_time", "updated_time")
        if isinstance(row.get(name), int)
    }
    return {**row, **times}


# by id, and counts


def _by_id(client: Client, wanted: Wanted, keys: Sequence[Any]) -> Iterator[Page]:
    resource = wanted.resource
    if resource.parent:  # conversations have no address of their own: the keys are those of tickets
        yield from _of_parents(client, wanted, keys)
    elif resource.table:
        schema = _schema(client, wanted)
        path = f"custom_objects/schemas/{schema}/records/{{id}}"
        for page in _fates(client, _at(wanted, path), keys) if schema else ():
            yield page if page.tombstones else Page([_timed(row) for row in page.rows], page.at)
    elif resource.by_id:
        yield from _fates(client, wanted, keys)
    else:
        key = resource.columns[resource.key[0]].path
        texts = {str(id) for id in keys}
        for page in _whole(client, wanted):
            yield Page([row for row in page.rows if str(row[key]) in texts], page.at)


def _at(wanted: Wanted, path: str) -> Wanted:
    return Wanted(wanted.name, wanted.resource.model_copy(update={"by_id": path}), wanted.state)


def _total(client: Client, resource: Resource) -> int:
    """All that a search finds; it shows 300 rows at most and counts the rest."""
    query = "\"created_at:>'2000-01-01'\""
    if resource.table:
        schemas = client.read("GET", "custom_objects/schemas").content["schemas"]
        schema = next((str(one["id"]) for one in schemas if one["name"] == resource.table), None)
        if schema is None:
            return 0
        content, name = client.read("GET", f"custom_objects/schemas/{schema}/records/count").content, "count"
    else:
        content, name = client.read("GET", resource.count, params={"query": query}).content, "total"
    total = content.get(name) if isinstance(content, dict) else None
    if not isinstance(total, int):
        raise Uncounted("the answer holds no count.", where=client.connection.name)
    return total


def _lately_gone(client: Client, resource: Resource) -> int:
    """What was deleted so recently that a search may still count it."""
    since = _stamp(client.server_time() - _INDEXED)
    gone = 0
    for selection in resource.lists:
        for _, answer in _pages(client, resource.path, {**selection, resource.since: since}):
            gone += len(answer.content)
    return gone


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

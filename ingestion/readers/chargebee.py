"""Chargebee: whole lists at first, then what `updated_at` tells, verified against the events that say which records came.

A filter on `updated_at` hides every record that never changed since it was migrated, so a first read never filters. Offsets are opaque
and short-lived: they lead through one run and are never kept. What a run keeps is a moment, which the next one goes back from.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from ingestion.client import Answer, Client, RateLimited, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

COUNTED_BY = "events of records that came"
_log = logging.getLogger(__name__)
_GATHERED = 1_000  # rows handed on at once: ten of the vendor's pages
_VERIFIED = 7 * 86_400  # how far back a first read is held against the events
_LINES = 300  # line items that the vendor shows at most at once
_BORN = ("created_at", "date", "usage_date")


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    try:
        yield from _read(client, wanted)
    except Refused as error:
        if wanted.resource.optional and error.status in (400, 404):
            return  # a feature that this site has not
        raise refusal(client, wanted, error, "the list", "Give the API key the permission to read it.") from None


def _read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource = wanted.resource
    if wanted.keys is not None:
        yield from _by_id(client, wanted, wanted.keys)
        return
    if not resource.cursor:
        for rows, at in _gathered(client, wanted, {}):
            yield _page(client, wanted, rows, at, {"read": int(at.timestamp())})
        return
    since, window = wanted.state.get("since"), client.system.limits.window
    checked = wanted.state.get("checked") or since
    aged = checked is not None and window is not None and client.server_time().timestamp() - checked > window.total_seconds()
    if wanted.full or since is None or aged:  # beyond the events' reach only a whole read tells of unstamped records (R5)
        yield from _whole(client, wanted, aged)
    else:
        yield from _changes(client, wanted, since, checked or since)


# ---------------------------------------------------------------- reads


def _whole(client: Client, wanted: Wanted, aged: bool) -> Iterator[Page]:
    """Every record. A long list is read in slices of time side by side; a read that stopped goes on in each slice from where it was."""
    resource = wanted.resource
    started = int(client.server_time().timestamp())
    resume: State = {} if wanted.full or aged else wanted.state.get("resume") or {}
    since, order = resume.get("since") or started, resource.sorts[0] if resource.sorts else ""
    delivered: set[str] = set()
    pages = _sliced(client, wanted, order, resume.get("slices")) if order in _BORN else _unsliced(client, wanted, order)
    for rows, at, slices in pages:
        delivered |= {row["id"] for row in rows if "id" in row}
        yield _page(client, wanted, rows, at, None if slices is None else {"resume": {"slices": slices, "since": since}})
    came = _missing(client, wanted, max(since - _VERIFIED, 0), delivered)
    yield from _recovered(client, wanted, came, {"since": since, "checked": started})


Slice = list[Any]  # first moment still wanted and last one, None for no end
Delivery = tuple[list[Record], datetime, list[Slice] | None]


def _unsliced(client: Client, wanted: Wanted, order: str) -> Iterator[Delivery]:
    for rows, at in _gathered(client, wanted, _sorted(order)):
        yield rows, at, None


def _sliced(client: Client, wanted: Wanted, order: str, left: list[Slice] | None) -> Iterator[Delivery]:
    """Slices of the day that a record began. A record without one is hidden by their filters, and stands at one end of the list."""
    first = _one_page(client, wanted, _sorted(order))
    if left is None and not first.content.get("next_offset"):
        yield _members(wanted, first), first.at, []
        return
    undated: dict[str, Record] = {}
    ends: list[list[int]] = []
    for direction in ("asc", "desc"):
        for rows, _ in _pages(client, wanted, {f"sort_by[{direction}]": order}):
            undated |= {row["id"]: row for row in rows if row.get(order) is None}
            dated = [row[order] for row in rows if row.get(order) is not None]
            if dated:
                ends.append(dated)
                break
    if undated:
        yield list(undated.values()), first.at, left
    if len(ends) < 2:
        return
    slices = _slices(ends[0], ends[1], client.system.limits.concurrency) if left is None else left
    yield from _side_by_side(client, wanted, order, slices)


def _slices(oldest: list[int], newest: list[int], workers: int) -> list[Slice]:
    """Equal times, so many that each worker gets some; how long the list is shows in what time its first and last page span."""
    low, high = min(oldest), max(newest)
    seconds_a_page = max(1, (max(oldest) - low + high - min(newest)) // 2)
    count = max(1, min(4 * workers, (high - low) // seconds_a_page // 4))
    step = (high - low) // count + 1
    bounds = [low + step * place for place in range(count)]
    return [[bound, bound + step - 1 if bound != bounds[-1] else None] for bound in bounds]


def _side_by_side(client: Client, wanted: Wanted, order: str, slices: list[Slice]) -> Iterator[Delivery]:
    """Each slice is a chain of offsets of its own; what is left of all of them goes with every page."""
    left: dict[int, Slice] = dict(enumerate(slices))
    workers = max(1, min(len(slices), client.system.limits.concurrency))
    ready: queue.Queue[tuple[int, list[Record], datetime | None] | BaseException] = queue.Queue(maxsize=2 * workers)
    stopped = threading.Event()

    def put(item: tuple[int, list[Record], datetime | None] | BaseException) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def chain(place: int, low: int, high: int | None) -> None:
        filters: dict[str, Any] = {f"{order}[after]": low - 1} if high is None else {f"{order}[between]": f"[{low},{high}]"}
        try:
            for rows, at in _gathered(client, wanted, {**filters, **_sorted(order)}):
                put((place, rows, at))
                if stopped.is_set():
                    return
            put((place, [], None))
        except BaseException as error:  # noqa: BLE001 - raised again where the pages are wanted
            put(error)

    with ThreadPoolExecutor(workers, thread_name_prefix="slice") as pool:
        for place, (low, high) in list(left.items()):
            pool.submit(chain, place, low, high)
        running, spent = len(left), None
        try:
            while running:
                item = ready.get()
                if isinstance(item, RateLimited):  # what the other slices still bring stands as well (R11)
                    running, spent = running - 1, item
                    continue
                if isinstance(item, BaseException):
                    raise item
                place, rows, at = item
                if at is None:
                    running -= 1
                    del left[place]
                    yield [], client.server_time(), list(left.values())
                    continue
                if rows:
                    left[place] = [rows[-1][order], left[place][1]]
                yield rows, at, list(left.values())
            if spent is not None:
                raise spent
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _changes(client: Client, wanted: Wanted, since: int, checked: int) -> Iterator[Page]:
    """What changed since; the order is the vendor's, and where it cannot be that of changes, the moment moves only at the end."""
    resource = wanted.resource
    overlap = int((resource.overlap or client.system.overlap).total_seconds())
    started = int(client.server_time().timestamp())
    in_order = resource.cursor in resource.sorts
    order = resource.cursor if in_order else resource.sorts[0] if resource.sorts else ""
    latest = since
    delivered: set[str] = set()
    for rows, at in _gathered(client, wanted, {f"{resource.cursor}[after]": since - overlap - 1, **_sorted(order)}):
        delivered |= {row["id"] for row in rows if "id" in row}
        latest = max([latest, *(row[resource.cursor] for row in rows if isinstance(row.get(resource.cursor), int))])
        yield _page(client, wanted, rows, at, {"since": latest, "checked": checked} if in_order else None, changed=True)
    came = _missing(client, wanted, checked - overlap, delivered)
    yield from _recovered(client, wanted, came, {"since": latest, "checked": started})


def _sorted(order: str) -> dict[str, str]:
    return {"sort_by[asc]": order} if order else {}


def _gathered(client: Client, wanted: Wanted, filters: dict[str, Any]) -> Iterator[tuple[list[Record], datetime]]:
    """The vendor's small pages, several at a time; always at least one, which may be empty."""
    held: list[Record] = []
    at = None
    try:
        for rows, at in _pages(client, wanted, filters):
            held += rows
            if len(held) >= _GATHERED:
                yield held, at
                held = []
    except RateLimited:
        if held:
            yield held, at or client.server_time()
        raise
    if held or at is None:
        yield held, at or client.server_time()


def _pages(client: Client, wanted: Wanted, filters: dict[str, Any]) -> Iterator[tuple[list[Record], datetime]]:
    while True:
        answer = _one_page(client, wanted, filters)
        # a page may hold fewer rows than asked for though more follow: only the offset tells
        yield _members(wanted, answer), answer.at
        if not answer.content.get("next_offset"):
            return
        filters = {**filters, "offset": answer.content["next_offset"]}


def _one_page(client: Client, wanted: Wanted, filters: dict[str, Any]) -> Answer:
    params = {"limit": client.system.limits.page_size, **wanted.resource.params, **filters}
    return client.read("GET", wanted.resource.path, params=params)


def _members(wanted: Wanted, answer: Answer) -> list[Record]:
    return [member[wanted.resource.root] for member in answer.content["list"]]


def _page(client: Client, wanted: Wanted, rows: list[Record], at: datetime, state: State | None, *, changed: bool = False) -> Page:
    whole = [row["id"] for row in rows if "id" in row] if changed and wanted.resource.children else ()
    return Page(_filled(client, wanted, rows), at, state, changed=[_changed_at(row, at) for row in rows], whole_parents=whole)


def _changed_at(row: Record, at: datetime) -> datetime:
    """The version: milliseconds of the last change, else the last stamp that the record has."""
    version = row.get("resource_version")
    if isinstance(version, int):
        return datetime.fromtimestamp(version / 1000, UTC)
    for name in ("updated_at", *_BORN):
        if isinstance(row.get(name), int):
            return datetime.fromtimestamp(row[name], UTC)
    return at


# ---------------------------------------------------------------- verification against the events


def _missing(client: Client, wanted: Wanted, since: int, delivered: set[str]) -> list[str]:
    """Ids of records that came since, by the events, and were not in what the list delivered (R8)."""
    try:
        return list(dict.fromkeys(id for id in _came(client, wanted, since) if id not in delivered))
    except Refused as error:
        if error.status not in (403, 404):
            raise
        _log.warning("%s.%s is not verified: the API key may not read events (%s)", client.connection.name, wanted.name, error.status)
        return []


def _came(client: Client, wanted: Wanted, since: int) -> Iterator[str]:
    for type_ in wanted.resource.events:
        params: dict[str, Any] = {
            "limit": client.system.limits.page_size, "event_type[is]": type_, "occurred_at[after]": max(since - 1, 0), "sort_by[asc]": "occurred_at"}
        while True:
            content = client.read("GET", "events", params=params).content
            for member in content["list"]:
                touched = (member["event"].get("content") or {}).get(wanted.resource.root) or {}
                if touched.get("id"):
                    yield str(touched["id"])
            if not content.get("next_offset"):
                break
            params["offset"] = content["next_offset"]


def _recovered(client: Client, wanted: Wanted, ids: list[str], state: State) -> Iterator[Page]:
    """Read by id what a list left out, and close the run with its state."""
    for some in chunks(ids, client.system.limits.page_size):
        rows, _ = _fetch(client, wanted, some)  # an id that is no more never reached us, so there is nothing to bury
        yield _page(client, wanted, rows, client.server_time(), None, changed=True)
    yield Page([], client.server_time(), state)


# ---------------------------------------------------------------- single records


def _by_id(client: Client, wanted: Wanted, keys: Sequence[Any]) -> Iterator[Page]:
    now = client.server_time()
    for some in chunks(list(keys), client.system.limits.page_size):
        rows, gone = _fetch(client, wanted, some)
        yield _page(client, wanted, rows, client.server_time(), None, changed=True)
        if gone:
            yield Page([{"id": id} for id in gone], now, changed=[now] * len(gone), tombstones=True, whole_parents=gone)


def _fetch(client: Client, wanted: Wanted, ids: Sequence[str]) -> tuple[list[Record], list[str]]:
    """The records as they are now, and the ids that are no more."""

    def one(id: str) -> Record | None:
        try:
            row: Record = client.read("GET", f"{wanted.resource.path}/{_quoted(id)}").content[wanted.resource.root]
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return row

    found = _at_once(client, one, ids)
    return [row for row in found if row is not None], [id for id, row in zip(ids, found, strict=True) if row is None]


def _quoted(id: str) -> str:
    """An id in a path: document numbers may hold a slash or a blank."""
    return quote(str(id), safe="")


def _filled(client: Client, wanted: Wanted, rows: list[Record]) -> list[Record]:
    """A document with many line items comes cut; the rest is read with the offset that it names."""
    cut = [row for row in rows if row.get("line_items_next_offset")]

    def rest(row: Record) -> None:
        items, taxes, offset = list(row["line_items"]), list(row.get("line_item_taxes") or ()), row["line_items_next_offset"]
        while offset:
            params = {"line_items_limit": _LINES, "line_items_offset": offset}
            found = client.read("GET", f"{wanted.resource.path}/{_quoted(row['id'])}", params=params).content[wanted.resource.root]
            items += found["line_items"]
            taxes += found.get("line_item_taxes") or ()
            offset = found.get("line_items_next_offset")
        row["line_items"] = items
        # a document that shows all its taxes at once repeats them with each part of its lines
        row["line_item_taxes"] = list({(tax.get("line_item_id"), tax.get("tax_name")): tax for tax in taxes}.values())

    _at_once(client, rest, cut)
    return rows


def _at_once(client: Client, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Bounded by the connection's concurrency; the client holds everybody back when the vendor says so (R14)."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), client.system.limits.concurrency)) as pool:
        return list(pool.map(work, items))


# ---------------------------------------------------------------- what an audit, a test and a poll ask


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    return None  # lists carry no total: each read is verified against the events of records that came


def describe(client: Client) -> tuple[str, str]:
    client.read("GET", client.system.whoami)
    site = client.settings.get("site", "?")
    return f"the key of site {site} ({'test' if site.endswith('-test') else 'live'} site)", ""


def newest_change(client: Client) -> str:
    content = client.read("GET", "events", params={"limit": 1, "sort_by[desc]": "occurred_at"}).content
    return str(content["list"][0]["event"]["id"]) if content["list"] else ""

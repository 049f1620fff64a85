"""Stripe: lists for a first or full read, the events feed for what changed since, each touched object read again by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from ingestion.client import Client, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

_SETTLING = 5  # seconds: an event may become visible a moment after its time
_CUSTOMER = "{customer}"  # in the path of a list that each customer has
_STAYS = frozenset({"customer.subscription.deleted"})  # says cancelled; the subscription itself remains


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    try:
        yield from _read(client, wanted)
    except Refused as error:
        raise refusal(client, wanted, error, "the list", "Give the key the permission to read it.") from None


def _read(client: Client, wanted: Wanted) -> Iterator[Page]:
    if wanted.keys is not None:
        yield from _by_id(client, wanted, wanted.keys)
        return
    if _CUSTOMER in wanted.resource.path:
        yield from _ledgers(client, wanted)
        return
    window = client.system.limits.window
    since = wanted.state.get("since")
    aged = since is not None and window is not None and client.server_time().timestamp() - since > window.total_seconds()
    told_of = wanted.resource.events or wanted.resource.cursor
    if wanted.full or since is None or aged or not told_of:  # beyond the feed's reach only a full read tells what changed (R5)
        yield from _whole(client, wanted, aged)
    elif not wanted.resource.events:
        yield from _lately(client, wanted, since)
    else:
        yield from _changes(client, wanted, since)


def _whole(client: Client, wanted: Wanted, aged: bool) -> Iterator[Page]:
    """Newest first; what is created meanwhile appears in front and comes with the next run's events."""
    resume: State = {} if wanted.full or aged else wanted.state.get("resume") or {}
    started = resume.get("since") or int(client.server_time().timestamp()) - _SETTLING
    floor = wanted.state.get("since") or wanted.state.get("floor") or 0  # a row must not seem older than what was landed of it before
    told = _newest_events(client, wanted)
    after = resume.get("after")
    while True:
        params: dict[str, Any] = {"limit": client.system.limits.page_size, **wanted.resource.params}
        if after:
            params["starting_after"] = after
        try:
            answer = client.read("GET", wanted.resource.path, params=params)
        except Refused as error:
            if after and after == resume.get("after") and error.status in (400, 404):
                after = None  # the row that we stopped at is gone: begin again
                continue
            raise
        rows = answer.content["data"]
        after = rows[-1]["id"] if rows else after
        more = bool(answer.content["has_more"]) and bool(rows)
        state: State = {"resume": {"after": after, "since": started}} if more else {"since": started, "events": {}}
        if floor and more:
            state["floor"] = floor
        changed = [_at(max(_moment(row), told.get(row["id"], 0), floor)) for row in rows]
        yield Page(_filled(client, wanted, rows), answer.at, state, changed=changed)
        if not more:
            return


def _lately(client: Client, wanted: Wanted, since: int) -> Iterator[Page]:
    """What no event tells of, but which stays as it is soon after it was made: the list from the overlap on."""
    overlap = int((wanted.resource.overlap or client.system.overlap).total_seconds())
    started = int(client.server_time().timestamp()) - _SETTLING
    params: dict[str, Any] = {"limit": client.system.limits.page_size, **wanted.resource.params, "created[gte]": since - overlap}
    more = True
    while more:
        answer = client.read("GET", wanted.resource.path, params=params)
        rows = answer.content["data"]
        more = bool(answer.content["has_more"]) and bool(rows)
        # newest first: only behind the last page is everything before `started` read
        yield Page(rows, answer.at, None if more else {"since": max(since, started)}, changed=[_at(_moment(row)) for row in rows])
        if more:
            params["starting_after"] = rows[-1]["id"]


def _moment(row: Record) -> int:
    """When a record last changed as far as it tells itself."""
    settled = row["available_on"] if row.get("status") == "available" and row.get("available_on") else 0
    return max(row.get("updated") or 0, row.get("created") or row.get("date") or 0, settled)


def _ledgers(client: Client, wanted: Wanted) -> Iterator[Page]:
    """The balance ledgers of the customers who have one to read: a balance that is not zero, or an event that says it moved."""
    overlap = int((wanted.resource.overlap or client.system.overlap).total_seconds())
    started, since = int(client.server_time().timestamp()) - _SETTLING, wanted.state.get("since")
    window = client.system.limits.window
    aged = since is not None and window is not None and client.server_time().timestamp() - since > window.total_seconds()
    whole = wanted.full or since is None or aged
    seen: dict[str, int] = {} if whole else wanted.state.get("events") or {}
    events = {event["id"]: event for event in _events(client, wanted, None if whole or since is None else since - overlap)}
    moved = [event["data"]["object"]["id"] for id, event in events.items() if id not in seen and _moves_balance(event)]
    if whole:
        moved += [row["id"] for row in _all(client, "customers") if row.get("balance")]
    for some in chunks(list(dict.fromkeys(moved)), client.system.limits.page_size):

        def ledger(customer: str) -> list[Record]:
            try:
                return list(_all(client, wanted.resource.path.replace(_CUSTOMER, customer)))
            except Refused as error:
                if error.status == 404:  # deleted since
                    return []
                raise

        rows = [row for found in _at_once(client, ledger, some) for row in found]
        yield Page(rows, client.server_time(), changed=[_at(_moment(row)) for row in rows])
    latest = max([started - overlap, *(event["created"] for event in events.values())]) if whole else max(
        [since or 0, *(event["created"] for event in events.values())])
    kept = {id: at for id, at in (seen | {id: event["created"] for id, event in events.items()}).items() if at >= latest - overlap}
    yield Page([], client.server_time(), {"since": latest, "events": kept})


def _moves_balance(event: Record) -> bool:
    if event["type"] == "customer.created":
        return bool(event["data"]["object"].get("balance"))
    return "balance" in (event["data"].get("previous_attributes") or {})


def _all(client: Client, path: str) -> Iterator[Record]:
    params: dict[str, Any] = {"limit": client.system.limits.page_size}
    while True:
        content = client.read("GET", path, params=params).content
        yield from content["data"]
        if not content["has_more"] or not content["data"]:
            return
        params["starting_after"] = content["data"][-1]["id"]


def _changes(client: Client, wanted: Wanted, since: int) -> Iterator[Page]:
    overlap = int((wanted.resource.overlap or client.system.overlap).total_seconds())
    seen: dict[str, int] = wanted.state.get("events") or {}
    newest: dict[str, tuple[int, str]] = {}
    events: dict[str, int] = {}
    fresh = False
    for event in _events(client, wanted, since - overlap):
        events[event["id"]] = event["created"]
        if event["id"] in seen:
            continue
        fresh = True
        touched, kind = _touched(event)
        if touched not in newest or event["created"] > newest[touched][0]:
            newest[touched] = (event["created"], kind)
    latest = max([since, *events.values()])
    state: State = {"since": latest, "events": {id: at for id, at in (seen | events).items() if at >= latest - overlap}}
    now = client.server_time()
    if not fresh:
        yield Page([], now, state)
        return
    gone = [id for id, (_, kind) in newest.items() if kind.endswith(".deleted") and kind not in _STAYS]
    kept = [id for id in newest if id not in set(gone)]
    # every touched object or none: the state moves only after the last page
    for some in chunks(kept, client.system.limits.page_size):
        rows, missing = _fetch(client, wanted, some)
        gone += missing
        yield Page(_filled(client, wanted, rows), client.server_time(), changed=[_at(newest[row["id"]][0]) for row in rows],
                   whole_parents=[row["id"] for row in rows])
    yield Page([{"id": id} for id in gone], now, state, changed=[_at(newest[id][0]) for id in gone], tombstones=True, whole_parents=gone)


def _touched(event: Record) -> tuple[str, str]:
    """The id of the record that the event changes, and how: a customer's tax id is a part of the customer."""
    kind, held = event["type"], event["data"]["object"]
    if kind.startswith("customer.tax_id."):
        customer = held["customer"]
        return customer["id"] if isinstance(customer, dict) else customer, "customer.updated"
    return held["id"], kind


def _by_id(client: Client, wanted: Wanted, keys: Sequence[Any]) -> Iterator[Page]:
    now = client.server_time()
    for some in chunks(list(keys), client.system.limits.page_size):
        rows, gone = _fetch(client, wanted, some)
        yield Page(_filled(client, wanted, rows), client.server_time(), changed=[now] * len(rows), whole_parents=[row["id"] for row in rows])
        if gone:
            yield Page([{"id": id} for id in gone], now, changed=[now] * len(gone), tombstones=True, whole_parents=gone)


def _fetch(client: Client, wanted: Wanted, ids: Sequence[str]) -> tuple[list[Record], list[str]]:
    """The objects as they are now, and the ids that are no more. An event's own copy may be old or of another version."""

    expanded = wanted.resource.params.get("expand[]", "")
    within = {"expand[]": expanded.removeprefix("data.")} if expanded else None

    def one(id: str) -> Record | None:
        try:
            row: Record = client.read("GET", f"{wanted.resource.path}/{id}", params=within).content
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return None if row.get("deleted") else row

    found = _at_once(client, one, ids)
    return [row for row in found if row is not None], [id for id, row in zip(ids, found, strict=True) if row is None]


def _filled(client: Client, wanted: Wanted, rows: list[Record]) -> list[Record]:
    """Nested lists hold ten members at most; the rest is read from the list's own address."""
    cut = [(row, child.path) for row in rows for child in wanted.resource.children.values()
           if isinstance(row.get(child.path), dict) and row[child.path].get("has_more")]

    def rest(place: tuple[Record, str]) -> None:
        row, name = place
        members = list(row[name]["data"])
        more = True
        while more:
            params = {"limit": client.system.limits.page_size, **({"starting_after": members[-1]["id"]} if members else {})}
            content = client.read("GET", row[name]["url"], params=params).content
            members += content["data"]
            more = content["has_more"] and bool(content["data"])
        row[name] = {**row[name], "data": members, "has_more": False}

    _at_once(client, rest, cut)
    return rows


def _at_once(client: Client, work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Bounded by the connection's concurrency; the client holds everybody back when the vendor says so (R14)."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), client.system.limits.concurrency)) as pool:
        return list(pool.map(work, items))


def _events(client: Client, wanted: Wanted, since: int | None) -> Iterator[Record]:
    after = None
    while wanted.resource.events:
        params: dict[str, Any] = {"limit": client.system.limits.page_size, "types[]": list(wanted.resource.events)}
        if since is not None:
            params["created[gte]"] = since
        if after:
            params["starting_after"] = after
        content = client.read("GET", "events", params=params).content
        yield from content["data"]
        if not content["has_more"] or not content["data"]:
            return
        after = content["data"][-1]["id"]


def _newest_events(client: Client, wanted: Wanted) -> dict[str, int]:
    newest: dict[str, int] = {}
    for event in _events(client, wanted, None):
        id, _ = _touched(event)
        newest[id] = max(newest.get(id, 0), event["created"])
    return newest


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


COUNTED_BY = "ids of the newest page"


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    return None  # lists carry no total: `audit_newest` looks at the newest page


def describe(client: Client) -> tuple[str, str]:
    rows = client.read("GET", client.system.whoami).content["data"]
    mode = "unknown mode, no customer yet" if not rows else "live mode" if rows[0].get("livemode") else "test mode"
    return f"the key's account ({mode})", ""


def newest_change(client: Client) -> str:
    events = client.read("GET", "events", params={"limit": 1}).content["data"]
    return str(events[0]["id"]) if events else ""

"""Zendesk's incremental exports by opaque cursor (tickets, users) and by time (organizations, events), and its lists by cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from concord.errors import ConcordError
from ingestion.client import Client, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

_LIST_PAGE = 100  # the most that a list gives at once
_PARENTS_AT_ONCE = 100
_WITHHELD = 60  # seconds: the export shows nothing younger, and refuses to start younger
_EVENT_FIELDS = frozenset({
    "id", "event_type", "type", "via", "via_reference_id", "previous_value", "comment_present", "comment_public", "metadata", "custom",
})
_LOOK_BACK = timedelta(minutes=10)  # how far back a feed without "newest first" is asked


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    if wanted.keys is not None:
        yield from _by_id(client, wanted, wanted.keys)
    elif wanted.resource.path.endswith("/cursor"):
        yield from _by_cursor(client, wanted)
    elif wanted.resource.path.startswith("incremental/"):
        yield from _by_time(client, wanted)
    elif wanted.resource.parent and not wanted.first:
        yield from _of_changed_parents(client, wanted)
    else:
        yield from _listed(client, wanted)


def _by_cursor(client: Client, wanted: Wanted) -> Iterator[Page]:
    """The stored cursor goes on even after an end of stream; a start time is used once, for the first call ever."""
    page_size = client.system.limits.page_size
    cursor = None if wanted.full else wanted.state.get("cursor")
    while True:
        place: dict[str, Any] = {"start_time": 0} if cursor is None else {"cursor": cursor}
        try:
            answer = client.read("GET", wanted.resource.path, params={**wanted.resource.params, **place, "per_page": page_size})
        except Refused as error:
            if cursor is not None and cursor == wanted.state.get("cursor") and error.status in (400, 404, 410, 422):
                cursor = None  # the vendor no longer knows the cursor: read everything again
                continue
            raise refusal(client, wanted, error, "the export") from None
        cursor = answer.content.get("after_cursor") or cursor
        yield _page(wanted, answer.content, answer.at, {"cursor": cursor} if cursor else dict(wanted.state))
        if answer.content["end_of_stream"]:
            return


def _by_time(client: Client, wanted: Wanted) -> Iterator[Page]:
    since = 0 if wanted.full else int(wanted.state.get("since", 0))
    if since:
        since = min(since, int(client.server_time().timestamp()) - _WITHHELD - 1)
    path: str = wanted.resource.path
    border: set[tuple[Any, ...]] = set()
    params: dict[str, Any] | None = {**wanted.resource.params, "start_time": since, "per_page": client.system.limits.page_size}
    while True:
        try:
            answer = client.read("GET", path, params=params)
        except Refused as error:
            raise refusal(client, wanted, error, "the export") from None
        end, following = answer.content.get("end_time") or since, answer.content.get("next_page")
        root = wanted.resource.root or wanted.name
        rows, before = answer.content[root], border
        border = set(map(_mark, rows))
        if not before.isdisjoint(border):  # page borders repeat rows (R4)
            rows = [row for row in rows if _mark(row) not in before]
        yield _page(wanted, {root: rows}, answer.at, {"since": int(end)})
        if answer.content.get("end_of_stream", following is None) or not following:
            return
        if following == path:
            raise ConcordError("the export leads to the same page again.", where=f"{client.connection.name}.{wanted.name}", mend="Run it again later.")
        path, params = following, None
        if wanted.resource.params and not all(name in following for name in wanted.resource.params):
            params = dict(wanted.resource.params)


def _listed(client: Client, wanted: Wanted) -> Iterator[Page]:
    """A list by cursor, whole or from the time that `since` names. Where the account lacks the feature, it has no records."""
    resource = wanted.resource
    params: dict[str, Any] | None = {**resource.params, "page[size]": _LIST_PAGE}
    since = None if wanted.full else wanted.state.get("since")
    begun = int(client.server_time().timestamp())
    if params is not None and resource.since and since is not None:
        params[resource.since] = max(0, int(since) - int((resource.overlap or client.system.overlap).total_seconds()))
    path: str = resource.path
    while True:
        try:
            answer = client.read("GET", path, params=params)
        except Refused as error:
            if error.status == 404 and resource.optional and path == resource.path:
                yield Page([], client.server_time(), {"listed": True}, partial=True)
                return
            raise refusal(client, wanted, error, "the list") from None
        following = (answer.content.get("links") or {}).get("next")
        has_more = bool((answer.content.get("meta") or {}).get("has_more")) and bool(following)
        done: State = {"since": begun} if resource.since else {"listed": True}
        yield _page(wanted, answer.content, answer.at, dict(wanted.state) if has_more else done)
        if not has_more:
            return
        if following == path:
            raise ConcordError("the list leads to the same page again.", where=f"{client.connection.name}.{wanted.name}", mend="Run it again later.")
        path, params = str(following), None


def _of_changed_parents(client: Client, wanted: Wanted) -> Iterator[Page]:
    """The members of each parent that this run landed, asked for one parent at a time, as many at once as the connection allows (R6)."""
    resource = wanted.resource

    def members(parent: Any) -> tuple[Any, list[Record]]:
        path: str = f"{resource.parent}/{parent}/{resource.path}"
        params: dict[str, Any] | None = {"page[size]": _LIST_PAGE}
        rows: list[Record] = []
        while True:
            try:
                content = client.read("GET", path, params=params).content
            except Refused as error:
                if error.status == 404:  # the parent is gone, and its members with it
                    return parent, rows
                raise refusal(client, wanted, error, "the list") from None
            rows += content[resource.root or wanted.name]
            path, params = str((content.get("links") or {}).get("next") or ""), None
            if not path or not (content.get("meta") or {}).get("has_more"):
                return parent, rows

    state = dict(wanted.state)
    for parents in chunks(list(dict.fromkeys(wanted.changed_parents())), _PARENTS_AT_ONCE):
        with ThreadPoolExecutor(client.system.limits.concurrency) as pool:
            found = list(pool.map(members, parents))
        rows = [row for _, some in found for row in some]
        yield Page(rows, client.server_time(), state, whole_parents=[parent for parent, _ in found])


def _mark(row: Record) -> tuple[Any, ...]:
    return row["id"], row.get("updated_at") or row.get("timestamp") or row.get("time")


def _by_id(client: Client, wanted: Wanted, keys: Sequence[Any]) -> Iterator[Page]:
    for some in chunks(list(keys), 100):
        answer = client.read("GET", wanted.resource.by_id, params={**wanted.resource.params, "ids": ",".join(str(key) for key in some)})
        yield _page(wanted, answer.content, answer.at, None)


def _page(wanted: Wanted, content: Record, at: Any, state: State | None) -> Page:
    rows = content[wanted.resource.root or wanted.name]
    if content.get("metric_sets"):  # beside the tickets or in them, as the endpoint does
        metrics = {row["ticket_id"]: row for row in content["metric_sets"]}
        rows = [row if "metric_set" in row else {**row, "metric_set": metrics.get(row["id"])} for row in rows]
    if not wanted.resource.explode:
        return Page(rows, at, state)
    members = [(_event(member), row) for row in rows for member in row.get(wanted.resource.explode) or ()]
    return Page([member for member, _ in members], at, state, parents=[row for _, row in members])


def _event(child: Record) -> Record:
    """A change is told either as field_name and value or under the field's own name; both become the first form."""
    if "field_name" in child or child.get("event_type") not in ("Change", "Create"):
        return child
    for name, value in child.items():
        if name not in _EVENT_FIELDS:
            return {**{key: child[key] for key in child if key != name}, "field_name": name, "value": value}
    return child


COUNTED_BY = "count"


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    return (lambda client: int(client.read("GET", resource.count).content["count"]["value"])) if resource.count else None


def describe(client: Client) -> tuple[str, str]:
    answer = client.read("GET", client.system.whoami)
    user: dict[str, Any] = answer.content["user"]
    if user.get("id") is None:  # an anonymous caller is answered 200
        raise ConcordError("the vendor answers, but takes us for an anonymous visitor.", where=client.connection.name, mend="Check the secrets.")
    left, most = answer.headers.get("X-Rate-Limit-Remaining"), answer.headers.get("X-Rate-Limit")
    return f"user {user['id']} ({user.get('role', 'unknown role')})", f"{left} of {most} requests this minute" if left else ""


def newest_change(client: Client) -> str:
    start = int((client.server_time() - _LOOK_BACK).timestamp())
    found = []
    for name in ("organizations", "tickets"):
        rows: list[dict[str, Any]] = client.read("GET", f"incremental/{name}", params={"start_time": start}).content[name]
        found += [f"{row['updated_at']} {row['id']}" for row in rows]
    return max(found, default="")

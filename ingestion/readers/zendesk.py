"""Zendesk's incremental exports: by opaque cursor (tickets, users) and by time (organizations, ticket events)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from concord.errors import ConcordError
from ingestion.client import Client, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

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
    else:
        yield from _by_time(client, wanted)


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


def _mark(row: Record) -> tuple[Any, ...]:
    return row["id"], row.get("updated_at") or row.get("timestamp")


def _by_id(client: Client, wanted: Wanted, keys: Sequence[Any]) -> Iterator[Page]:
    for some in chunks(list(keys), 100):
        answer = client.read("GET", wanted.resource.by_id, params={"ids": ",".join(str(key) for key in some)})
        yield Page(answer.content[wanted.resource.root or wanted.name], answer.at)


def _page(wanted: Wanted, content: Record, at: Any, state: State) -> Page:
    rows = content[wanted.resource.root or wanted.name]
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

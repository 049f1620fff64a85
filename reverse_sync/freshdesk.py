"""Writing to Freshdesk: company fields, ticket tags and private notes; one record a request, for the vendor has no bulk for them.

What does not belong here: what to write and when (plan, dispatch); reading for the warehouse (ingestion).
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from concord.connections import Connection
from ingestion.client import Refused
from reverse_sync.targets import Client, Current, Rejection, Submission, Target, Write
from reverse_sync.values import canonical

API = "/api/v2"
TAGS = {"tag_credit_hold": "concord_credit_hold", "tag_lapsed_cover": "concord_lapsed_cover"}
_PAGE = 100


def _record(client: Client, path: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.read("GET", f"{API}/{path}").content
        return found
    except Refused as error:
        if error.status == 404:
            return None
        raise


def _version(record: dict[str, Any]) -> str | None:
    """Some accounts tell the times of companies with an offset."""
    text = record.get("updated_at")
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if text else None


def _read_companies(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    found = {}
    for id in ids:
        record = _record(client, f"companies/{id}")
        if record is not None:
            held = record.get("custom_fields") or {}
            found[id] = Current({name: canonical(held.get(name)) for name in names}, _version(record), record)
    return found


def _submit_companies(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    """Fields that are not sent stay as they are; unknown ones refuse the whole record."""
    [write] = writes
    try:
        client.request("PUT", f"{API}/companies/{write.record_id}", json={"custom_fields": write.fields}, write=True)
    except Refused as error:
        return Submission({write.record_id: _rejection(error)})
    return Submission({write.record_id: None})


def _rejection(error: Refused) -> Rejection:
    """A refused request did nothing. The vendor names every bad field; who mends it needs to know them."""
    body = error.body if isinstance(error.body, dict) else {}
    named = [f"{one.get('field')}: {one.get('message')} ({one.get('code')})" for one in body.get("errors") or () if isinstance(one, dict)]
    text = "; ".join(named) or str(body.get("message") or f"status {error.status}")
    if error.status == 405:
        return Rejection("record_missing", "the ticket was deleted or marked as spam")
    if error.status == 404:
        return Rejection("record_missing", "the target has no such record any more")
    if error.status == 403:
        return Rejection("forbidden", text)
    return Rejection("conflict" if error.status == 409 else "validation", f"{error.status} {text}", retry=error.status in (423, 425))


def _read_tickets(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    found = {}
    for id in ids:
        record = _record(client, f"tickets/{id}") or _record(client, f"tickets/archived/{id}")
        if record is not None and not record.get("deleted"):
            held = record.get("tags") or []
            found[id] = Current({name: TAGS[name] in held for name in names}, _version(record), record)
    return found


def _submit_tickets(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    """The note goes first: were the tags there without it, nothing would tell that it is still missing."""
    [write] = writes
    record: Any = write.current.raw
    if record.get("archived"):
        return Submission({write.record_id: Rejection("record_closed", "the ticket is closed and in the archive")})
    try:
        if write.note and write.marker and not _has_note(client, connection, write.record_id, write.marker):
            body = f"<div>{html.escape(write.note)}</div><div>{html.escape(write.marker)}</div>"
            client.request("POST", f"{API}/tickets/{write.record_id}/notes", json={"body": body, "private": True}, write=True)
            record = _record(client, f"tickets/{write.record_id}") or record  # the tags are replaced as a whole: take them as they are now
        tags = list(record.get("tags") or [])
        for name, wanted in write.fields.items():
            tags = [tag for tag in tags if tag != TAGS[name]] + ([TAGS[name]] if wanted else [])
        client.request("PUT", f"{API}/tickets/{write.record_id}", json={"tags": tags}, write=True)
    except Refused as error:
        return Submission({write.record_id: _rejection(error)})
    return Submission({write.record_id: None})


def _has_note(client: Client, connection: Connection, record_id: str, marker: str) -> bool:
    """The vendor has no key against doubles, so what was said is read before it is said again."""
    page = 1
    while True:
        said = client.read("GET", f"{API}/tickets/{record_id}/conversations", params={"per_page": _PAGE, "page": page}).content
        if any(marker in (one.get("body_text") or "") or marker in (one.get("body") or "") for one in said):
            return True
        if len(said) < _PAGE:
            return False
        page += 1


TARGETS = (
    Target("freshdesk", "company", "companies", "sync_freshdesk__companies", 1, _read_companies, _submit_companies),
    Target("freshdesk", "ticket", "tickets", "sync_freshdesk__tickets", 1, _read_tickets, _submit_tickets, None, _has_note),
)

"""Writing to Zendesk: organization fields, ticket tags and private notes; bulk updates with their jobs.

What does not belong here: what to write and when (plan, dispatch); reading for the warehouse (ingestion).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from concord.connections import Connection
from reverse_sync.targets import Client, Current, Rejection, Submission, Target, Write
from reverse_sync.values import canonical, dump

API = "/api/v2"
TAGS = {"tag_credit_hold": "concord_credit_hold", "tag_lapsed_cover": "concord_lapsed_cover"}


def _read_organizations(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    content = client.read("GET", f"{API}/organizations/show_many", params={"ids": ",".join(ids)}).content
    found = {}
    for record in content["organizations"]:
        held = record.get("organization_fields") or {}
        found[str(record["id"])] = Current({name: canonical(held.get(name)) for name in names}, record.get("updated_at"), record)
    return found


def _submit_organizations(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    body = {"organizations": [{"id": int(write.record_id), "organization_fields": write.fields} for write in writes]}
    return _submitted(client.request("PUT", f"{API}/organizations/update_many", json=body, write=True).json(), writes)


def _read_tickets(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    content = client.read("GET", f"{API}/tickets/show_many", params={"ids": ",".join(ids)}).content
    return {
        str(record["id"]): Current({name: TAGS[name] in record.get("tags", []) for name in names}, record.get("updated_at"), record)
        for record in content["tickets"]
    }


def _submit_tickets(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    if len(writes) == 1:
        return _submit_ticket(client, writes[0])
    tickets = []
    for write in writes:
        ticket: dict[str, Any] = {"id": int(write.record_id)}
        if add := [TAGS[name] for name, wanted in write.fields.items() if wanted]:
            ticket["additional_tags"] = add
        if remove := [TAGS[name] for name, wanted in write.fields.items() if not wanted]:
            ticket["remove_tags"] = remove
        tickets.append(ticket | _comment(write))
    return _submitted(client.request("PUT", f"{API}/tickets/update_many", json={"tickets": tickets}, write=True).json(), writes)


def _submit_ticket(client: Client, write: Write) -> Submission:
    """One ticket alone can be guarded: the vendor refuses when it changed after it was read."""
    tags = set(write.current.raw.get("tags", []))
    for name, wanted in write.fields.items():
        tags = tags | {TAGS[name]} if wanted else tags - {TAGS[name]}
    ticket: dict[str, Any] = {"tags": sorted(tags)} | _comment(write)
    if write.current.version:
        ticket |= {"safe_update": True, "updated_stamp": write.current.version}
    client.request("PUT", f"{API}/tickets/{write.record_id}", json={"ticket": ticket}, write=True)
    return Submission({write.record_id: None})


def _comment(write: Write) -> dict[str, Any]:
    if not write.note or not write.marker:
        return {}
    return {"comment": {"body": f"{write.note}\n\n{write.marker}", "public": False}}


def _has_note(client: Client, connection: Connection, record_id: str, marker: str) -> bool:
    path, params = f"{API}/tickets/{record_id}/comments", {"page[size]": "100"}
    while True:
        content = client.read("GET", path, params=params).content
        if any(marker in (comment.get("body") or "") for comment in content["comments"]):
            return True
        meta = content.get("meta") or {}
        if not meta.get("has_more"):
            return False
        params = {"page[size]": "100", "page[after]": meta["after_cursor"]}


def _submitted(content: dict[str, Any], writes: Sequence[Write]) -> Submission:
    job = content["job_status"]
    return _finished(job, [write.record_id for write in writes]) or Submission({}, job=str(job["id"]))


def _collect(client: Client, connection: Connection, job: str, sent: Sequence[str]) -> Submission | None:
    return _finished(client.read("GET", f"{API}/job_statuses/{job}").content["job_status"], sent)


def _finished(job: dict[str, Any], sent: Sequence[str]) -> Submission | None:
    """The job's results by record. A finished job says nothing of its items: each result counts on its own."""
    if job["status"] in ("queued", "working"):
        return None
    results: dict[str, Rejection | None] = {}
    listed = job.get("results")
    if job["status"] == "completed" and isinstance(listed, list):
        for item in listed:
            id = item.get("id")
            if id is None and isinstance(item.get("index"), int) and item["index"] < len(sent):
                id = sent[item["index"]]
            if id is None:
                continue
            if "error" in item or item.get("success") is False:
                results[str(id)] = _rejection(str(item.get("error") or "Failed"), item.get("details") or item.get("errors") or "")
            elif item.get("success") is True or item.get("status") in ("Updated", "updated"):
                results[str(id)] = None
    return Submission(results)


def _rejection(code: str, details: Any) -> Rejection:
    text = f"{code}: {details if isinstance(details, str) else dump(details)}".rstrip(": ")
    lower = text.lower()
    if "conflict" in lower or "lock" in lower or "timeout" in lower:
        return Rejection("conflict", text, retry=True)
    if "status closed" in lower or "closed prevents" in lower:
        return Rejection("record_closed", text)
    if "notfound" in lower or "not found" in lower:
        return Rejection("record_missing", text)
    return Rejection("validation", text)


TARGETS = (
    Target("zendesk", "organization", "organizations", "sync_zendesk__organizations", 100, _read_organizations, _submit_organizations, _collect),
    Target("zendesk", "ticket", "tickets", "sync_zendesk__tickets", 100, _read_tickets, _submit_tickets, _collect, _has_note),
)

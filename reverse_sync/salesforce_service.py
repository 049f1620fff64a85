"""Writing to Salesforce Service Cloud: account fields, marks on cases, and private comments that say why.

What does not belong here: what to write and when (plan, dispatch); collections and their errors (salesforce).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concord.connections import Connection
from reverse_sync.salesforce import BATCH, collection, read_accounts, results_of, retrieve, root, submit_accounts
from reverse_sync.targets import Client, Current, Rejection, Submission, Target, Write

FLAGS = {"tag_credit_hold": "Credit_Hold__c", "tag_lapsed_cover": "Lapsed_Cover__c"}
_COMMENT_BYTES = 4_000


def _read_cases(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    rows = retrieve(client, connection, "Case", ids, [FLAGS[name] for name in names])
    return {row["Id"]: Current({name: row.get(FLAGS[name]) for name in names}, row.get("SystemModstamp"), row) for row in rows}


def _submit_cases(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    """Notes first, then the marks of the cases whose note stands: once a case shows its mark, nobody looks for its note again."""
    results = _leave_notes(client, connection, [write for write in writes if write.note and write.marker])
    going = [write for write in writes if write.record_id not in results]
    if going:
        records = [
            {"attributes": {"type": "Case"}, "id": write.record_id, **{FLAGS[name]: bool(value) for name, value in write.fields.items()}}
            for write in going
        ]
        results |= results_of(collection(client, connection, "PATCH", records), [write.record_id for write in going])
    return Submission(results)


def _leave_notes(client: Client, connection: Connection, writes: Sequence[Write]) -> dict[str, Rejection | None]:
    """The refusals. A note that is there from an earlier try, whatever became of that, is not left twice."""
    if not writes:
        return {}
    bodies = _comments(client, connection, [write.record_id for write in writes])
    missing = [write for write in writes if not any(write.marker in body for body in bodies.get(write.record_id, ()))]
    if not missing:
        return {}
    records = [
        {"attributes": {"type": "CaseComment"}, "ParentId": write.record_id, "IsPublished": False, "CommentBody": _body(write)}
        for write in missing
    ]
    items = collection(client, connection, "POST", records)
    # a new comment's id names no case: the place in the answer does
    told = results_of([{**item, "id": None} for item in items], [write.record_id for write in missing])
    if len(items) != len(missing):
        return {write.record_id: Rejection("conflict", "the answer does not tell which comments were made", retry=True) for write in missing}
    return {record_id: refused for record_id, refused in told.items() if refused is not None}


def _body(write: Write) -> str:
    end = f"\n\n{write.marker}"
    return (write.note or "").encode()[: _COMMENT_BYTES - len(end.encode())].decode(errors="ignore") + end


def _comments(client: Client, connection: Connection, case_ids: Sequence[str]) -> dict[str, list[str]]:
    """The comments of the cases. Their text is too long a field to be searched by a filter."""
    ids = ", ".join(f"'{id}'" for id in case_ids)
    query = f"SELECT Id, ParentId, CommentBody FROM CaseComment WHERE ParentId IN ({ids})"
    found: dict[str, list[str]] = {}
    content: Mapping[str, Any] = client.read("GET", f"{root(connection)}/query", params={"q": query}).content
    while True:
        for row in content["records"]:
            found.setdefault(row["ParentId"], []).append(row.get("CommentBody") or "")
        if content["done"]:
            return found
        content = client.read("GET", content["nextRecordsUrl"]).content


def _has_note(client: Client, connection: Connection, record_id: str, marker: str) -> bool:
    return any(marker in body for body in _comments(client, connection, [record_id]).get(record_id, ()))


TARGETS = (
    Target("salesforce_service", "Account", "accounts", "sync_salesforce_service__accounts", BATCH, read_accounts, submit_accounts),
    Target("salesforce_service", "Case", "cases", "sync_salesforce_service__cases", BATCH, _read_cases, _submit_cases, has_note=_has_note),
)

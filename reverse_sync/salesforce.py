"""Writing to a Salesforce org: fields of its objects by sObject collections, and what the org says to them.

What does not belong here: what to write and when (plan, dispatch); reading for the warehouse (ingestion); the service org's cases
(salesforce_service).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concord.connections import Connection
from reverse_sync.targets import Client, Current, Rejection, Submission, Target, Write
from reverse_sync.values import Fields, canonical

BATCH = 200  # records that a collection takes
# errors of a row that pass by themselves
_PASSING = ("UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "REQUEST_RUNNING_TOO_LONG")
_CLASSES = {
    "ENTITY_IS_DELETED": "record_missing", "NOT_FOUND": "record_missing", "INVALID_CROSS_REFERENCE_KEY": "record_missing",
    "INSUFFICIENT_ACCESS_OR_READONLY": "forbidden", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "forbidden",
}
# the first names us as the origin of the change events that a write causes; the second keeps assignment rules off cases
_HEADERS = {"Sforce-Call-Options": "client=concord", "Sforce-Auto-Assign": "FALSE"}


def root(connection: Connection) -> str:
    return f"/services/data/v{connection.settings.get('api_version', '62.0')}"


def retrieve(client: Client, connection: Connection, sobject: str, ids: Sequence[str], columns: Sequence[str]) -> list[Mapping[str, Any]]:
    """The records that are there, with Id, SystemModstamp and the named columns."""
    fields = ",".join(dict.fromkeys(["Id", "SystemModstamp", *columns]))
    rows = client.read("GET", f"{root(connection)}/composite/sobjects/{sobject}", params={"ids": ",".join(ids), "fields": fields}).content
    return [row for row in rows if row is not None]


def collection(client: Client, connection: Connection, method: str, records: Sequence[Fields]) -> list[Mapping[str, Any]]:
    """One collection call, each record for itself: PATCH updates, POST creates. The org's answers in the order of the records."""
    body = {"allOrNone": False, "records": list(records)}
    path = f"{root(connection)}/composite/sobjects"
    items: list[Mapping[str, Any]] = client.request(method, path, json=body, write=True, headers=_HEADERS).json()
    return items


def results_of(items: Sequence[Mapping[str, Any]], record_ids: Sequence[str]) -> dict[str, Rejection | None]:
    results: dict[str, Rejection | None] = {}
    in_order = len(items) == len(record_ids)
    for place, item in enumerate(items):
        # a failed row has no id, so only a whole answer tells which row it was
        record_id = item.get("id") or (record_ids[place] if in_order else None)
        if record_id is not None:
            results[record_id] = None if item.get("success") else rejection(item.get("errors") or [])
    return results


def rejection(errors: Sequence[Mapping[str, Any]]) -> Rejection:
    code = str(errors[0].get("statusCode", "")) if errors else ""
    text = "; ".join(
        f"{error.get('statusCode')}: {error.get('message')}" + (f" ({', '.join(error['fields'])})" if error.get("fields") else "")
        for error in errors
    ) or "refused without a reason"
    return Rejection("conflict", text, retry=True) if code in _PASSING else Rejection(_CLASSES.get(code, "validation"), text)


def read_accounts(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    return {
        row["Id"]: Current({name: canonical(row.get(name)) for name in names}, row.get("SystemModstamp"), row)
        for row in retrieve(client, connection, "Account", ids, names)
    }


def submit_accounts(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    records = [{"attributes": {"type": "Account"}, "id": write.record_id, **write.fields} for write in writes]
    return Submission(results_of(collection(client, connection, "PATCH", records), [write.record_id for write in writes]))


TARGETS = (Target("salesforce", "Account", "accounts", "sync_salesforce__accounts", BATCH, read_accounts, submit_accounts),)

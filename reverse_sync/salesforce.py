"""Writing to Salesforce: account fields by sObject collections.

What does not belong here: what to write and when (plan, dispatch); reading for the warehouse (ingestion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from concord.connections import Connection
from reverse_sync.targets import Client, Current, Rejection, Submission, Target, Write
from reverse_sync.values import canonical

# errors of a row that pass by themselves
_PASSING = ("UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "REQUEST_RUNNING_TOO_LONG")
_CLASSES = {
    "ENTITY_IS_DELETED": "record_missing", "NOT_FOUND": "record_missing", "INVALID_CROSS_REFERENCE_KEY": "record_missing",
    "INSUFFICIENT_ACCESS_OR_READONLY": "forbidden", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "forbidden",
}


def _root(connection: Connection) -> str:
    return f"/services/data/v{connection.settings.get('api_version', '62.0')}"


def _read(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    fields = ",".join(dict.fromkeys(["Id", "SystemModstamp", *names]))
    rows = client.read("GET", f"{_root(connection)}/composite/sobjects/Account", params={"ids": ",".join(ids), "fields": fields}).content
    return {
        row["Id"]: Current({name: canonical(row.get(name)) for name in names}, row.get("SystemModstamp"), row)
        for row in rows if row is not None
    }


def _submit(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Account"}, "id": write.record_id, **write.fields} for write in writes]}
    # the header names us as the origin of the change events that this call causes
    items = client.request("PATCH", f"{_root(connection)}/composite/sobjects", json=body, write=True,
                           headers={"Sforce-Call-Options": "client=concord"}).json()
    results: dict[str, Rejection | None] = {}
    in_order = len(items) == len(writes)
    for place, item in enumerate(items):
        # a failed row has no id, so only a whole answer tells which row it was
        record_id = item.get("id") or (writes[place].record_id if in_order else None)
        if record_id is not None:
            results[record_id] = None if item.get("success") else _rejection(item.get("errors") or [])
    return Submission(results)


def _rejection(errors: Sequence[Mapping[str, Any]]) -> Rejection:
    code = str(errors[0].get("statusCode", "")) if errors else ""
    text = "; ".join(
        f"{error.get('statusCode')}: {error.get('message')}" + (f" ({', '.join(error['fields'])})" if error.get("fields") else "")
        for error in errors
    ) or "refused without a reason"
    return Rejection("conflict", text, retry=True) if code in _PASSING else Rejection(_CLASSES.get(code, "validation"), text)


TARGETS = (Target("salesforce", "Account", "accounts", "sync_salesforce__accounts", 200, _read, _submit),)

"""Writing to ServiceNow: columns of accounts, marks and internal notes of cases, one PATCH a record, sent together by the Batch API.

What does not belong here: what to write and when (plan, dispatch); reading for the warehouse (ingestion).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from concord.connections import Connection
from reverse_sync.targets import Client, Current, Rejection, Submission, Target, Write
from reverse_sync.values import Fields, canonical

API = "/api/now/v2/table"
BATCH_API = "/api/now/v1/batch"
BATCH = 50  # all items of a batch share a transaction of 30 seconds
ACCOUNT, CASE = "customer_account", "sn_customerservice_case"
FLAGS = {"tag_credit_hold": "u_credit_hold", "tag_lapsed_cover": "u_lapsed_cover"}
_NUMBERS = frozenset({"u_erp_balance", "u_overdue_amount", "u_overdue_days"})
_PLAIN = {"sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}
_HEADERS = [{"name": "Content-Type", "value": "application/json"}, {"name": "Accept", "value": "application/json"}]
_NOTES_PAGE = 200
_PASSING = frozenset({401, 409, 429, 503})  # a login refused under load, a lock, the hourly limit, a node that restarts: nothing was done
_CLASSES = {403: "forbidden", 404: "record_missing"}


def _text(value: Any) -> str:
    """A value as the instance stores it: everything is text, and empty text is nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _value(column: str, text: Any) -> Any:
    if text is None or text == "":
        return None
    if column in _NUMBERS:
        try:
            return canonical(Decimal(str(text)))
        except InvalidOperation:
            return text
    return canonical(text)


def _read(client: Client, table: str, ids: Sequence[str], columns: Sequence[str]) -> list[Mapping[str, Any]]:
    fields = ",".join(dict.fromkeys(["sys_id", "sys_updated_on", "sys_mod_count", *columns]))
    params = {**_PLAIN, "sysparm_query": f"sys_idIN{','.join(ids)}", "sysparm_fields": fields, "sysparm_limit": str(len(ids))}
    wanted = set(ids)
    rows: list[Mapping[str, Any]] = client.read("GET", f"{API}/{table}", params=params).content["result"]
    return [row for row in rows if row["sys_id"] in wanted]


def _read_accounts(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    return {
        row["sys_id"]: Current({name: _value(name, row.get(name)) for name in names}, row.get("sys_updated_on"), row)
        for row in _read(client, ACCOUNT, ids, names)
    }


def _read_cases(client: Client, connection: Connection, ids: Sequence[str], names: Sequence[str]) -> dict[str, Current]:
    return {
        row["sys_id"]: Current({name: row.get(FLAGS[name]) == "true" for name in names}, row.get("sys_updated_on"), row)
        for row in _read(client, CASE, ids, [FLAGS[name] for name in names])
    }


def _submit_accounts(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    return _submit(client, ACCOUNT, {write.record_id: {name: _text(value) for name, value in write.fields.items()} for write in writes})


def _submit_cases(client: Client, connection: Connection, writes: Sequence[Write]) -> Submission:
    return _submit(client, CASE, {
        write.record_id: {**{FLAGS[name]: _text(bool(value)) for name, value in write.fields.items()}, **_note(write)} for write in writes})


def _note(write: Write) -> Fields:
    return {"work_notes": f"{write.note}\n\n{write.marker}"} if write.note and write.marker else {}


def _submit(client: Client, table: str, changes: Mapping[str, Fields]) -> Submission:
    items = [
        {
            "id": record_id, "method": "PATCH", "headers": _HEADERS, "exclude_response_headers": True,
            "url": f"{API}/{table}/{record_id}?sysparm_exclude_reference_link=true&sysparm_fields=sys_id,{','.join(fields)}",
            "body": base64.b64encode(orjson.dumps(fields)).decode(),
        }
        for record_id, fields in changes.items()
    ]
    body = {"batch_request_id": "concord", "rest_requests": items}
    answer = client.request("POST", BATCH_API, json=body, headers={"Accept": "application/json"}, write=True).json()
    results: dict[str, Rejection | None] = {}
    for served in answer["serviced_requests"]:
        record_id, status = str(served["id"]), int(served["status_code"])
        if record_id not in changes or (status >= 500 and status not in _PASSING):
            continue  # a server error may come after the work was done: only reading tells
        results[record_id] = _outcome(status, _content(served.get("body")), changes[record_id])
    for record_id in map(str, answer.get("unserviced_requests") or ()):
        results[record_id] = Rejection("conflict", "the instance had no time left for it", retry=True)
    return Submission(results)


def _content(body: Any) -> Any:
    try:
        return orjson.loads(base64.b64decode(body or ""))
    except ValueError:
        return None


def _outcome(status: int, content: Any, sent: Fields) -> Rejection | None:
    error = content.get("error") if isinstance(content, dict) else None
    if status >= 300 or isinstance(error, dict):
        told = error if isinstance(error, dict) else {}
        text = f"{status} {told.get('message') or ''}: {told.get('detail') or ''}".rstrip(": ")
        if status in _PASSING:
            return Rejection("conflict", text, retry=True)
        return Rejection("validation" if "Data Policy" in text else _CLASSES.get(status, "validation"), text)
    # an unknown column, or one that our roles may not write, is left as it was without a word
    held = (content or {}).get("result") or {}
    ignored = sorted(name for name, value in sent.items() if name != "work_notes" and not _same(name, held.get(name), value))
    if ignored:
        return Rejection("forbidden", f"the instance left {', '.join(ignored)} as it was: no such column, or no right to write it")
    return None


def _same(column: str, held: Any, sent: str) -> bool:
    return held is not None and _value(column, held) == _value(column, sent)


def _has_note(client: Client, connection: Connection, record_id: str, marker: str) -> bool:
    offset = 0
    while True:
        answer = client.read("GET", f"{API}/sys_journal_field", params={
            **_PLAIN, "sysparm_query": f"element_id={record_id}^element=work_notes^ORDERBYDESCsys_created_on^ORDERBYsys_id",
            "sysparm_fields": "sys_id,element_id,value", "sysparm_limit": str(_NOTES_PAGE), "sysparm_offset": str(offset)})
        rows = answer.content["result"]
        if any(row["element_id"] == record_id and marker in row["value"] for row in rows):
            return True
        if len(rows) < _NOTES_PAGE:
            return False
        offset += _NOTES_PAGE


TARGETS = (
    Target("servicenow", ACCOUNT, "accounts", "sync_servicenow__accounts", BATCH, _read_accounts, _submit_accounts),
    Target("servicenow", CASE, "cases", "sync_servicenow__cases", BATCH, _read_cases, _submit_cases, has_note=_has_note),
)

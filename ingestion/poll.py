"""Did anything change? One or two cheap questions to a vendor, for the sensors. What changed is for an extraction to find out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from concord.connections import Connection, SandboxAccount
from ingestion.client import Client, open_client
from ingestion.filedrop.extraction import newest_file
from ingestion.filedrop.form import SYSTEM

_LOOK_BACK = timedelta(minutes=10)  # how far back a feed without "newest first" is asked
_MODSTAMPED = ("Account", "Opportunity", "Contract")
_DATED = ("customer", "transaction")


def newest_change(connection: Connection, account: SandboxAccount | None = None) -> str:
    """A text that differs whenever the vendor has a newer change; empty where it shows none.

    Raises ConcordError as a read does. Zendesk shows a change a minute late, the others at once.
    """
    if connection.system == SYSTEM:
        return newest_file(connection)
    with open_client(connection, account, timeout=(5.0, 20.0)) as client:
        return _ASK[client.system.protocol](client)


def _stripe(client: Client) -> str:
    events = client.read("GET", "events", params={"limit": 1}).content["data"]
    return str(events[0]["id"]) if events else ""


def _soql(client: Client) -> str:
    found = []
    for name in _MODSTAMPED:
        query = f"SELECT Id, SystemModstamp FROM {name} ORDER BY SystemModstamp DESC, Id DESC LIMIT 1"
        rows = client.read("GET", "queryAll", params={"q": query}).content["records"]
        found += [f"{row['SystemModstamp']} {row['Id']}" for row in rows]
    return _newest(found)


def _suiteql(client: Client) -> str:
    found = []
    for name in _DATED:
        query = f"SELECT TO_CHAR(MAX(lastmodifieddate), 'YYYY-MM-DD\"T\"HH24:MI:SS') AS newest, COUNT(*) AS total FROM {name}"
        answer = client.read("POST", "query/v1/suiteql", params={"limit": 1}, json={"q": query}, headers={"Prefer": "transient"})
        found += [f"{row.get('newest', '')} {row.get('total', '')}" for row in answer.content["items"]]
    return " ".join(found)


def _zendesk(client: Client) -> str:
    start = int((client.server_time() - _LOOK_BACK).timestamp())
    found = []
    for name in ("organizations", "tickets"):
        rows: list[dict[str, Any]] = client.read("GET", f"incremental/{name}", params={"start_time": start}).content[name]
        found += [f"{row['updated_at']} {row['id']}" for row in rows]
    return _newest(found)


def _newest(found: Iterable[str]) -> str:
    return max(found, default="")


_ASK: dict[str, Callable[[Client], str]] = {"stripe": _stripe, "soql": _soql, "suiteql": _suiteql, "zendesk": _zendesk}

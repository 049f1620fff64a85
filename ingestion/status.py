"""Is a connection usable? One or two cheap reads and what they tell; for `concord connections test`. Never raises for a bad one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError
from ingestion.auth import method_of
from ingestion.client import Client, open_client
from ingestion.filedrop.extraction import describe
from ingestion.filedrop.form import SYSTEM
from ingestion.spec import load_system

_SKEW = 300.0  # seconds: signed logins fail beyond it


@dataclass(frozen=True)
class ConnectionStatus:
    """`who`: the acting user or account as the vendor names it. `clock_seconds`: the vendor's clock minus ours."""

    connection: str
    reachable: bool
    who: str = ""
    api_version: str = ""
    login: str = ""
    quota: str = ""
    clock_seconds: float = 0.0
    problem: str = ""
    mend: str = ""


def test_connection(connection: Connection, account: SandboxAccount | None = None) -> ConnectionStatus:
    """Log in, ask who we are and what is left of the quota."""
    login = ""
    try:
        if connection.system == SYSTEM:
            who, waiting = describe(connection)
            return ConnectionStatus(connection.name, True, who, login="file system", quota=waiting)
        login = method_of(connection, load_system(connection.system))
        with open_client(connection, account, timeout=(5.0, 20.0)) as client:
            who, quota = _ASK[client.system.protocol](client)
            skew = (client.server_time() - datetime.now(UTC)).total_seconds()
            version = client.settings.get("api_version", "v1" if client.system.protocol == "suiteql" else "v2")
            mend = "" if abs(skew) < _SKEW or connection.sandbox else "Set this machine's clock: signed logins fail when it is off."
            return ConnectionStatus(connection.name, True, who, version, login, quota, round(skew, 1), mend=mend)
    except ConcordError as error:
        return ConnectionStatus(connection.name, False, login=login, problem=error.what, mend=error.mend)


test_connection.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest makes of its name


def _zendesk(client: Client) -> tuple[str, str]:
    answer = client.read("GET", client.system.whoami)
    user: dict[str, Any] = answer.content["user"]
    if user.get("id") is None:  # an anonymous caller is answered 200
        raise ConcordError("the vendor answers, but takes us for an anonymous visitor.", where=client.connection.name, mend="Check the secrets.")
    left, most = answer.headers.get("X-Rate-Limit-Remaining"), answer.headers.get("X-Rate-Limit")
    return f"user {user['id']} ({user.get('role', 'unknown role')})", f"{left} of {most} requests this minute" if left else ""


def _stripe(client: Client) -> tuple[str, str]:
    rows = client.read("GET", client.system.whoami).content["data"]
    mode = "unknown mode, no customer yet" if not rows else "live mode" if rows[0].get("livemode") else "test mode"
    return f"the key's account ({mode})", ""


def _soql(client: Client) -> tuple[str, str]:
    content = client.read("GET", client.system.whoami).content
    limits = client.read("GET", "limits").content.get("DailyApiRequests") or {}
    quota = f"{limits['Remaining']} of {limits['Max']} requests today" if limits else ""
    return f"user {content.get('user_id', '?')} of organisation {content.get('organization_id', '?')}", quota


def _suiteql(client: Client) -> tuple[str, str]:
    content = client.read("POST", "query/v1/suiteql", params={"limit": 1, "offset": 0}, json={"q": "SELECT COUNT(*) AS n FROM customer"},
                          headers={"Prefer": "transient"}).content
    account = client.settings.get("account", "?")
    return f"account {account} ({content['items'][0]['n']} customers visible)", f"{client.system.limits.concurrency} requests at once (ours)"


_ASK: dict[str, Callable[[Client], tuple[str, str]]] = {"zendesk": _zendesk, "stripe": _stripe, "soql": _soql, "suiteql": _suiteql}

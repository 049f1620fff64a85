"""Is a connection usable? One or two cheap reads and what they tell; for `concord connections test`. Never raises for a bad one."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError
from ingestion.auth import method_of
from ingestion.client import Client, open_client
from ingestion.filedrop.extraction import describe
from ingestion.filedrop.form import SYSTEM
from ingestion.readers import Page, Wanted, reader_of
from ingestion.spec import System, load_system

_SKEW = 300.0  # seconds: signed logins fail beyond it


@dataclass(frozen=True)
class ConnectionStatus:
    """`who`: the acting user or account as the vendor names it. `clock_seconds`: the vendor's clock minus ours.

    `reads`: how many of the kinds of record we may read, and which not. `writes`: what Concord writes there, and whether it may now.
    """

    connection: str
    reachable: bool
    who: str = ""
    api_version: str = ""
    login: str = ""
    reads: str = ""
    writes: str = ""
    quota: str = ""
    clock_seconds: float = 0.0
    problem: str = ""
    mend: str = ""


def test_connection(connection: Connection, account: SandboxAccount | None = None) -> ConnectionStatus:
    """Log in, ask who we are and what is left of the quota, and for one record of each kind that we read."""
    login = ""
    try:
        if connection.system == SYSTEM:
            who, waiting = describe(connection)
            return ConnectionStatus(connection.name, True, who, login="file system", quota=waiting)
        login = method_of(connection, load_system(connection.system))
        with open_client(connection, account, timeout=(5.0, 20.0)) as client:
            who, quota = reader_of(client.system.protocol).describe(client)
            skew = (client.server_time() - datetime.now(UTC)).total_seconds()
            version = client.settings.get("api_version", client.system.api_version)
            mend = "" if abs(skew) < _SKEW or connection.sandbox else "Set this machine's clock: signed logins fail when it is off."
            refused = _refused(client)
            if refused:
                name, error = next(iter(refused.items()))
                mend = f"{name}: {error.mend or error.what}"
            return ConnectionStatus(
                connection.name, True, who, version, login, _reads(client.system, refused), _writes(connection, client.system, refused), quota,
                round(skew, 1), mend=mend, problem=f"{len(refused)} kinds of record cannot be read." if refused else "")
    except ConcordError as error:
        return ConnectionStatus(connection.name, False, login=login, problem=error.what, mend=error.mend)


def _refused(client: Client) -> dict[str, ConcordError]:
    """The resources that the vendor does not let us read: each is asked for its first page, of one record."""
    limits = client.system.limits.model_copy(update={"page_size": 1, "bulk_above": 0})
    client.system = client.system.model_copy(update={"limits": limits})
    reader = reader_of(client.system.protocol)

    def ask(name: str) -> ConcordError | None:
        pages = reader.read(client, Wanted(name, client.system.resources[name], {}))
        try:
            next(pages, None)
        except ConcordError as error:
            return error
        finally:
            cast(Generator[Page], pages).close()
        return None

    names = [name for name, resource in client.system.resources.items() if not resource.parent]
    with ThreadPoolExecutor(client.system.limits.concurrency) as pool:
        return {name: error for name, error in zip(names, pool.map(ask, names), strict=True) if error is not None}


def _reads(system: System, refused: Mapping[str, ConcordError]) -> str:
    missing = f", not {', '.join(refused)}" if refused else ""
    return f"{len(system.resources) - len(refused)} of {len(system.resources)} kinds of record{missing}"


def _writes(connection: Connection, system: System, refused: Mapping[str, ConcordError]) -> str:
    written = [f"{name} ({len(resource.writes)} fields)" for name, resource in system.resources.items() if resource.writes and name not in refused]
    if not written:
        return "nothing"
    return ", ".join(written) + ("" if connection.applies else "; planned only, until `push: true`")


test_connection.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest makes of its name

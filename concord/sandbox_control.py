"""The sandbox as the command line drives it: start, move its clock, fetch what it planted. Nothing of the pipeline comes here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from rich.console import Console

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError, UsageError
from concord.settings import Settings

if TYPE_CHECKING:
    from sandbox.world.landscape import Account
    from sandbox.world.plant import FaultPlan

# the names that connections.yml uses for a credential -> the names of the sandbox's own settings, where they differ
_RENAMED = {"zendesk": {"api_token": "token"}}


def ensure_running(settings: Settings, connections: Iterable[Connection], *, seed: int, scale: float, faults: Path | None) -> bool:
    """Start the sandbox in the background unless it already answers; False when no connection needs it."""
    wanted = landscape(connections)
    if not wanted:
        return False
    from sandbox.protocol import SandboxError
    from sandbox.server import start_background

    _plan(faults)
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        start_background(settings.home, seed=seed, scale=scale, faults=faults, data=settings.data, accounts=wanted, port=0)
    except SandboxError as error:
        raise ConcordError(f"{error}.", where="sandbox", mend="`concord sandbox stop` and `make clean` start afresh.") from None
    return True


def serve(
    settings: Settings, connections: Iterable[Connection], console: Console, *, port: int, seed: int, scale: float, faults: Path | None, reset: bool) -> None:
    """Serve the sandbox in this process until interrupted."""
    from sandbox.protocol import SandboxError
    from sandbox.server import serve as run

    plan = _plan(faults)
    try:
        run(
            settings.home, seed=seed, scale=scale, faults=plan, data=settings.data,
            accounts=landscape(connections), port=port, reset=reset, on_ready=lambda sandbox: console.print(f"Serving at {sandbox.main_url} (Ctrl-C ends it).", highlight=False),
        )
    except SandboxError as error:
        raise ConcordError(f"{error}.", where="sandbox", mend="Add --reset for another world.") from None


def _plan(faults: Path | None) -> FaultPlan | None:
    """The fault plan of that file. Raises UsageError where it cannot be read or does not fit: the world that is there has no part in that."""
    from sandbox.protocol import SandboxError
    from sandbox.world.plant import load_plan

    try:
        return load_plan(faults) if faults else None
    except SandboxError as error:
        raise UsageError(f"{error}.", where="--faults", mend="Mend the file; docs/sandbox.md says what a fault plan holds.") from None


def landscape(connections: Iterable[Connection]) -> list[Account]:
    """The sandbox's accounts for these connections. A vendor plays its own role there, whatever the connection calls it."""
    from sandbox.world.landscape import ROLE_OF, Account

    return [
        Account(connection.name, connection.system, ROLE_OF[connection.system], connection.region)
        for connection in connections if connection.sandbox and connection.system in ROLE_OF]


def accounts(settings: Settings) -> dict[str, SandboxAccount]:
    """By connection, where the running sandbox serves it and what it accepts there. Empty when none was started here."""
    file = settings.sandbox / "address.json"
    if not file.exists():
        return {}
    vendors = _address(file)["vendors"]
    return accounts_at(settings.home, {name: told["url"] for name, told in vendors.items()}, {name: told["system"] for name, told in vendors.items()})


def accounts_at(home: Path, urls: Mapping[str, str], systems: Mapping[str, str] | None = None) -> dict[str, SandboxAccount]:
    """The sandbox's own credentials under the names that connections.yml uses, with the address of each account.

    `systems`: the system of each account, its name where it is not told.
    """
    from sandbox.accounts import netsuite_private_key
    from sandbox.accounts import settings as credentials

    found = {}
    for name, url in urls.items():
        system = (systems or {}).get(name, name)
        secrets = {key: str(value) for key, value in credentials(system, home).items()}
        secrets |= {ours: secrets[theirs] for ours, theirs in _RENAMED.get(system, {}).items()}
        if system == "netsuite":
            secrets["private_key"] = netsuite_private_key(home).read_text()
        found[name] = SandboxAccount(url, secrets)
    return found


def truth(settings: Settings) -> list[dict[str, Any]]:
    """The faults that the running sandbox planted."""
    answer: list[dict[str, Any]] = _call(settings, "GET", "truth")
    return answer


def journal(settings: Settings) -> Sequence[dict[str, Any]]:
    """Every write that the sandbox has received."""
    answer: list[dict[str, Any]] = _call(settings, "GET", "journal")
    return answer


def advance(settings: Settings, days: int) -> str:
    """Move the sandbox's clock; returns its time afterwards."""
    return str(_call(settings, "POST", "clock", {"days": days})["now"])


def _address(file: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(file.read_text())
    except ValueError:
        raise ConcordError("is no JSON.", where=str(file), mend="Delete it and start the sandbox with `concord sandbox serve`.") from None
    return told


def _call(settings: Settings, method: str, name: str, body: dict[str, Any] | None = None) -> Any:
    file = settings.sandbox / "address.json"
    try:
        address = _address(file)["url"]
        response = requests.request(method, f"{address}/_sandbox/{name}", json=body, timeout=300)
        response.raise_for_status()
        return response.json()
    except (FileNotFoundError, KeyError):
        raise ConcordError("no sandbox has been started here.", where=str(file), mend="Start it with `concord sandbox serve`.") from None
    except requests.RequestException as error:
        raise ConcordError(f"the sandbox does not answer ({type(error).__name__}).", mend="Start it with `concord sandbox serve`.") from None

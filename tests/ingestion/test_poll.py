"""The cheap question "did anything change?" against each vendor's stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from concord.connections import Connection, load_connections
from concord.sandbox_control import accounts_at
from concord.settings import PROJECT
from ingestion.client import open_client
from ingestion.poll import newest_change
from sandbox.server import Sandbox, running
from sandbox.world.plant import FaultPlan


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("home"), scale=0.25, faults=FaultPlan()) as served:
        yield served


@pytest.fixture(scope="module")
def connections() -> dict[str, Connection]:
    return load_connections(PROJECT / "connections.yml")


def write(system: str, client: Any) -> None:
    """One change, as somebody else would make it."""
    if system == "stripe":
        (customer,) = client.read("GET", "customers", params={"limit": 1}).content["data"]
        client.request("POST", f"customers/{customer['id']}", data={"metadata[seen]": "1"}, write=True)
    elif system == "salesforce":
        (row,) = client.read("GET", "query", params={"q": "SELECT Id FROM Account LIMIT 1"}).content["records"]
        client.request("PATCH", f"sobjects/Account/{row['Id']}", json={"Phone": "1"}, write=True)
    elif system == "netsuite":
        (row,) = client.read("GET", "record/v1/customer", params={"limit": 1}).content["items"]
        client.request("PATCH", f"record/v1/customer/{row['id']}", json={"phone": "555-0100"}, write=True)
    else:
        row = client.read("GET", "organizations", params={"page[size]": 1}).content["organizations"][0]
        client.request("PUT", f"organizations/{row['id']}", json={"organization": {"notes": "called"}}, write=True)


@pytest.mark.parametrize("system", ["netsuite", "salesforce", "stripe", "zendesk"])
def test_a_change_changes_the_answer_and_nothing_does_not(
    system: str, sandbox: Sandbox, connections: dict[str, Connection], tmp_path: Path
) -> None:
    account = accounts_at(sandbox.home, {system: sandbox.url(system)})[system]
    before = newest_change(connections[system], account)
    assert newest_change(connections[system], account) == before
    with open_client(connections[system], account) as client:
        write(system, client)
    sandbox.advance(seconds=90)  # Zendesk withholds the newest minute
    assert newest_change(connections[system], account) not in ("", before)

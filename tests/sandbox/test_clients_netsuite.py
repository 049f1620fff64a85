"""The NetSuite stand-in under the `netsuite` package (token-based login), which nobody here wrote. Skipped where it is not installed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import settings as credentials
from sandbox.server import Sandbox, running
from sandbox.world.plant import FaultPlan

NAME = "netsuite"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("sandbox"), scale=0.1, faults=FaultPlan(), vendors=(NAME,)) as started:
        yield started


@pytest.fixture
def errors() -> Any:
    return pytest.importorskip("netsuite.exceptions").NetsuiteAPIRequestError


@pytest.fixture
def client(sandbox: Sandbox, errors: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    rest_api = pytest.importorskip("netsuite.rest_api").NetSuiteRestApi
    monkeypatch.setattr(rest_api, "_make_url", lambda self, path: f"{sandbox.root_url(NAME)}/services/rest{path}")  # it names the vendor's host
    return login(credentials(NAME, tmp_path))


def login(account: dict[str, Any]) -> Any:
    netsuite = pytest.importorskip("netsuite")
    names = ("consumer_key", "consumer_secret", "token_id", "token_secret")
    auth = netsuite.TokenAuth(**{name: account[name] for name in names})
    return netsuite.NetSuite(netsuite.Config(account=account["account"], auth=auth)).rest_api


def test_records_and_suiteql(client: Any) -> None:
    found: list[str] = []
    while True:
        page = asyncio.run(client.get("/record/v1/customer", params={"limit": 40, "offset": len(found)}))
        found += [row["id"] for row in page["items"]]
        if not page["hasMore"]:
            break
    assert len(found) == page["totalResults"] == len(set(found))
    one = asyncio.run(client.get(f"/record/v1/customer/{found[0]}", params={"expandSubResources": "true"}))
    assert one["id"] == found[0] and one["addressBook"]["items"]
    rows = asyncio.run(client.suiteql("SELECT id, entityid FROM customer ORDER BY id", limit=40, offset=40))
    assert rows["totalResults"] == len(found) and rows["offset"] == 40 and len(rows["items"]) == 40
    later = asyncio.run(client.get("/record/v1/customer", params={"q": 'lastModifiedDate ON_OR_AFTER "1/1/2015"', "limit": 1}))
    assert later["totalResults"] == len(found)
    assert "entityId" in asyncio.run(client.jsonschema("customer"))["properties"]


def test_writes(client: Any) -> None:
    """The client sends the value of X-NetSuite-PropertyNameValidation in small letters."""
    asyncio.run(client.put("/record/v1/customer/eid:C-77", json={"companyName": "Quill", "subsidiary": {"id": "1"}}))
    asyncio.run(client.patch("/record/v1/customer/eid:C-77", json={"phone": "+44 1"}))
    made = asyncio.run(client.get("/record/v1/customer/eid:C-77"))
    assert (made["companyName"], made["phone"]) == ("Quill", "+44 1")


def test_refusals(sandbox: Sandbox, client: Any, errors: Any, tmp_path: Path) -> None:
    with pytest.raises(errors, match="HTTP404.*NONEXISTENT_ID"):
        asyncio.run(client.get("/record/v1/customer/99999999"))
    with pytest.raises(errors, match="HTTP400.*Field 'nope'"):
        asyncio.run(client.suiteql("SELECT nope FROM customer"))
    with pytest.raises(errors, match="HTTP401.*INVALID_LOGIN"):
        asyncio.run(login({**credentials(NAME, tmp_path), "token_secret": "wrong"}).get("/record/v1/customer"))
    sandbox.fault(NAME, "429")
    with pytest.raises(errors, match="HTTP429"):
        asyncio.run(client.get("/record/v1/customer"))

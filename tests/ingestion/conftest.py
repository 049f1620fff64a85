"""Fixtures: a sandbox of some vendors, and the connections, accounts and settings that ingest from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from concord.connections import Connection, SandboxAccount
from concord.settings import Settings, load_settings
from ingestion.client import Client, open_client
from ingestion.run import IngestResult, ingest
from sandbox import accounts
from sandbox.server import Sandbox, running
from sandbox.world.landscape import ROLE_OF
from tests.dbt_cache import NAME

SETTINGS = {
    "netsuite": {"account": accounts.NETSUITE_ACCOUNT, "time_zone": "America/Los_Angeles"}, "salesforce": {"api_version": "62.0"},
    "stripe": {"api_version": "2026-10-28.endive"}, "zendesk": {},
}


def secrets_of(vendor: str, home: Path) -> dict[str, str]:
    found = {name: value for name, value in accounts.settings(vendor, home).items() if isinstance(value, str)}
    if vendor == "netsuite":
        found["private_key"] = accounts.netsuite_private_key(home).read_text()
    if vendor == "zendesk":
        found["api_token"] = found["token"]
    return found


@dataclass
class Lab:
    """One sandbox and one installation beside it."""

    sandbox: Sandbox
    settings: Settings
    connections: dict[str, Connection]
    accounts: dict[str, SandboxAccount]

    def ingest(self, name: str, **options: Any) -> IngestResult:
        [result] = ingest(self.settings, self.connections, [name], accounts=self.accounts, **options)
        return result

    def good(self, name: str, **options: Any) -> IngestResult:
        result = self.ingest(name, **options)
        if result.error:
            raise result.error
        return result

    def client(self, name: str) -> Client:
        return open_client(self.connections[name], self.accounts[name])

    def rows(self, name: str, table: str, query: str = "SELECT * FROM t") -> list[tuple[Any, ...]]:
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            database.execute(
                f"CREATE VIEW t AS SELECT * FROM read_parquet('{self.settings.landing}/{name}/{table}/*.parquet', union_by_name = true)")
            return database.execute(query).fetchall()

    def store(self, name: str) -> Any:
        return self.sandbox.vendors[name].store

    @contextmanager
    def altered(self, name: str, collection: str, records: dict[str, dict[str, Any] | None]) -> Iterator[None]:
        """The vendor holds these records (None: does not hold them) without having told anybody, while the block runs."""
        store = self.store(name)
        before = {id: store.get(collection, id) for id in records}

        def hold(held: dict[str, Any]) -> None:
            for id, record in held.items():
                if record is None:
                    store.delete(collection, id)
                else:
                    store.put(collection, id, record)
            store.take_effects()
            # what each stand-in keeps sorted or copied beside its store; a write through its API would tell it
            vendor = self.sandbox.vendors[name]
            if name == "netsuite":
                vendor._changed[collection] = None  # all records of the collection
                vendor._version += 1
            elif hasattr(vendor, "org"):
                vendor.org._versions[collection] = vendor.org._versions.get(collection, 0) + 1
            elif name == "stripe":
                vendor.account.forget_order()
            elif hasattr(getattr(vendor, "_account", None), "_cache"):
                vendor._account._cache.clear()

        hold(records)
        try:
            yield
        finally:
            hold(before)

    def elsewhere(self, home: Path) -> Lab:
        """A fresh installation on the same sandbox."""
        return Lab(self.sandbox, load_settings({"CONCORD_HOME": str(home), "CONCORD_DATA": "", NAME: os.environ[NAME]}), self.connections, self.accounts)


@pytest.fixture(scope="module")
def make_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Lab]]:
    with ExitStack() as stack:
        def make(*vendors: str, scale: float = 0.1, **options: Any) -> Lab:
            home = tmp_path_factory.mktemp("home")
            sandbox = stack.enter_context(running(home, scale=scale, vendors=vendors, **options))
            return Lab(
                sandbox, load_settings({"CONCORD_HOME": str(home), "CONCORD_DATA": ""}),
                {name: Connection(name=name, system=name, role=ROLE_OF[name], sandbox=True, settings=SETTINGS.get(name, {})) for name in vendors},
                {name: SandboxAccount(sandbox.url(name), secrets_of(name, home)) for name in vendors},
            )
        yield make

"""Writes published sync tables for tests: the columns that the warehouse delivers, one row a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from concord.connections import Connection, SandboxAccount
from tests.reverse_sync.standin import Standin

TABLES = {"organization": "sync_zendesk__organizations", "ticket": "sync_zendesk__tickets", "Account": "sync_salesforce__accounts"}
SYSTEMS = {"organization": "zendesk", "ticket": "zendesk", "Account": "salesforce"}
CONNECTIONS = {
    "zendesk": Connection(name="zendesk", system="zendesk", role="support", sandbox=True),
    "salesforce": Connection(name="salesforce", system="salesforce", role="crm", sandbox=True),
}


def row(object_: str, record_id: str, desired: dict[str, Any] | None, observed: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "connection": SYSTEMS[object_], "object": object_, "record_id": record_id,
        "desired_fields": None if desired is None else json.dumps(desired, sort_keys=True),
        "observed_fields": None if observed is None else json.dumps(observed, sort_keys=True),
        "observed_version": datetime(2026, 10, 1, tzinfo=UTC), "source_commit_at": datetime(2026, 10, 2, tzinfo=UTC),
        "correlation_id": f"chain-{record_id}", "golden_customer_id": f"golden-{record_id}", "priority": 5, "needs_approval": False,
        "exposure": 1250.5, "currency": "EUR", "note": None, **more,
    }


def publish(path: Path, rows: list[dict[str, Any]], tables: tuple[str, ...] = tuple(TABLES.values())) -> Path:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with duckdb.connect(str(fresh)) as connection:
        for object_, table in TABLES.items():
            if table not in tables:
                continue
            connection.execute(
                f"CREATE TABLE {table} (connection VARCHAR, object VARCHAR, record_id VARCHAR, desired_fields VARCHAR, observed_fields VARCHAR, "
                "observed_version TIMESTAMPTZ, source_commit_at TIMESTAMPTZ, correlation_id VARCHAR, golden_customer_id VARCHAR, priority INTEGER, "
                "needs_approval BOOLEAN, exposure DECIMAL(38, 9), currency VARCHAR, note VARCHAR)"
            )
            mine = [list(item.values()) for item in rows if item["object"] == object_]
            if mine:
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * 14)})", mine)
    fresh.replace(path)
    return path


def accounts(vendor: Standin) -> dict[str, SandboxAccount]:
    return {name: vendor.account(name) for name in CONNECTIONS}


def organization(vendor: Standin, id: str, **fields: Any) -> None:
    vendor.organizations[id] = {"id": int(id), "name": f"Org {id}", "organization_fields": fields, "updated_at": "2026-10-01T00:00:00Z"}


def ticket(vendor: Standin, id: str, *tags: str, status: str = "open") -> None:
    vendor.tickets[id] = {"id": int(id), "tags": list(tags), "status": status, "updated_at": "2026-10-01T00:00:00Z"}


def account(vendor: Standin, id: str, **fields: Any) -> None:
    vendor.accounts[id] = {"Id": id, "SystemModstamp": "2026-10-01T00:00:00.000+0000", **fields}

"""The definitions load with nothing running and no credentials, and the graph says what a reader needs to know."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from concord.settings import PROJECT, Settings
from concord.stages import Installation
from ingestion.spec import load_system
from orchestration.automation import AUDIT_JOB, MAIN_JOB
from orchestration.definitions import build_defs
from quality.kinds import kind_names
from tests.dbt_cache import dbt_cache


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    return build_defs(Installation(Settings(home, PROJECT / "connections.yml", f"sqlite:///{home / 'operations.sqlite'}", None, own_dbt_cache=dbt_cache())))


def test_loading_needs_no_credentials_and_writes_no_landing(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("STRIPE", "ZENDESK", "SALESFORCE", "NETSUITE"))}
    code = "from orchestration.definitions import defs; assert defs.resolve_asset_graph().get_all_asset_keys()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT, env={**environment, "CONCORD_HOME": str(tmp_path)})
    assert not (tmp_path / "landing").exists() and not (tmp_path / "warehouse.duckdb").exists()


def test_every_landed_table_is_an_asset_with_columns_and_owner(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for connection in ("netsuite", "salesforce", "stripe", "zendesk"):
        for table in load_system(connection).table_names():
            node = graph.get(dg.AssetKey([connection, table]))
            assert node.group_name == connection and node.owners and {"dlt", connection} <= set(node.kinds)
            assert node.metadata["dagster/column_schema"].columns


def test_nothing_hangs_in_the_air(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert not graph.external_asset_keys
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        if key.path[0] == "staging" and key.path[-1].startswith("stg_netsuite"):
            assert any(parent.path[0] == "netsuite" for parent in node.parent_keys), key
    published = graph.get(dg.AssetKey("published"))
    assert dg.AssetKey(["drift", "drift"]) in published.parent_keys


def test_findings_and_expectations_are_checks(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    names = {(key.asset_key.path[-1], key.name) for key in graph.asset_check_keys}
    assert {("drift", drift_id) for drift_id in kind_names()} <= names
    assert ("customer_financial_profile", "column_values_to_be_unique__customer_id") in names
    blocking = [key for key in graph.asset_check_keys if graph.get(key).blocking]
    assert any(key.asset_key.path[-1] == "invoice_status" for key in blocking)
    assert not any(key.name in kind_names() for key in blocking)  # a finding is news, not a reason to keep the news back


def test_jobs_schedules_and_sensors(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {MAIN_JOB, AUDIT_JOB, "sync_netsuite", "sync_zendesk"} <= set(repository.job_names)
    assert {"netsuite_schedule", "nightly_audit_schedule"} <= {schedule.name for schedule in repository.schedule_defs}
    assert {"stripe_changes", "dead_letters", "failed_checks"} <= {sensor.name for sensor in repository.sensor_defs}
    targeted = definitions.resolve_job_def("sync_stripe").asset_layer.executable_asset_keys
    assert dg.AssetKey(["stripe", "invoices"]) in targeted and dg.AssetKey(["zendesk", "tickets"]) not in targeted
    assert dg.AssetKey("plan") in targeted

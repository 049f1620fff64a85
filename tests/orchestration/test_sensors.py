"""The sensors: a change starts a targeted run once; given-up writes and failed checks are told once each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from concord.settings import PROJECT, Settings
from concord.stages import Installation
from ingestion.client import open_client
from orchestration.definitions import build_defs
from reverse_sync.store import open_store, outbox
from reverse_sync.values import stamp
from sandbox.server import addresses, running
from sandbox.world.plant import FaultPlan
from tests.dbt_cache import dbt_cache


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("home")
    with running(home, scale=0.25, faults=FaultPlan()) as sandbox:
        (home / "sandbox" / "address.json").write_text(json.dumps(addresses(sandbox)))
        yield Installation(Settings(home, PROJECT / "connections.yml", f"sqlite:///{home / 'operations.sqlite'}", None, own_dbt_cache=dbt_cache()))


@pytest.fixture(scope="module")
def definitions(installation: Installation) -> dg.Definitions:
    return build_defs(installation)


def tick(
    definitions: dg.Definitions, installation: Installation, name: str, cursor: str | None, instance: dg.DagsterInstance | None = None
) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=definitions.get_repository_def(), resources={"installation": installation}
    )
    result = definitions.get_repository_def().get_sensor_def(name)(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def alerts(installation: Installation) -> list[str]:
    file = installation.settings.alerts / "alerts.jsonl"
    return [json.loads(line)["title"] for line in file.read_text().splitlines()] if file.exists() else []


def test_a_change_starts_one_targeted_run(definitions: dg.Definitions, installation: Installation) -> None:
    first = tick(definitions, installation, "stripe_changes", None)
    assert isinstance(first, dg.SensorResult) and not first.run_requests and first.cursor
    assert isinstance(tick(definitions, installation, "stripe_changes", first.cursor), dg.SkipReason)
    with open_client(installation.connections["stripe"], installation.accounts["stripe"]) as client:
        (customer,) = client.read("GET", "customers", params={"limit": 1}).content["data"]
        client.request("POST", f"customers/{customer['id']}", data={"metadata[seen]": "1"}, write=True)
    changed = tick(definitions, installation, "stripe_changes", first.cursor)
    assert isinstance(changed, dg.SensorResult) and changed.run_requests and len(changed.run_requests) == 1
    assert isinstance(tick(definitions, installation, "stripe_changes", changed.cursor), dg.SkipReason)


def test_a_vendor_that_does_not_answer_is_a_skip_with_its_reason(installation: Installation, definitions: dg.Definitions, tmp_path: Path) -> None:
    file = tmp_path / "connections.yml"
    file.write_text("connections: {stripe: {system: stripe, role: billing, base_url: 'http://127.0.0.1:9', secrets: {api_key: NO_SUCH_KEY}}}")
    lonely = Installation(Settings(tmp_path, file, "sqlite://", None))
    skipped = tick(definitions, lonely, "stripe_changes", None)
    assert isinstance(skipped, dg.SkipReason) and skipped.skip_message and "NO_SUCH_KEY" in skipped.skip_message


def test_a_dead_letter_is_told_once(definitions: dg.Definitions, installation: Installation) -> None:
    assert isinstance(tick(definitions, installation, "dead_letters", None), dg.SkipReason)
    now = stamp(datetime.now(UTC))
    with open_store(installation.settings.operations_url).writing() as store:
        store.execute(sa.insert(outbox).values(
            connection="zendesk", object="organization", record_id="31", payload="{}", desired="{}", observed="{}", idempotency_key="k",
            previous_key="", state="dead_letter", reason_class="validation", reason="Name: is too long", priority=1, attempts=1,
            uncertain=False, created_at=now, updated_at=now,
        ))
    told = tick(definitions, installation, "dead_letters", None)
    assert isinstance(told, dg.SensorResult)
    assert [title for title in alerts(installation) if "zendesk organization" in title] == ["1 writes to zendesk organization were given up: validation"]
    assert isinstance(tick(definitions, installation, "dead_letters", told.cursor), dg.SkipReason)


def test_a_failed_check_is_told_once_and_again_after_it_healed(definitions: dg.Definitions, installation: Installation) -> None:
    asset, name = dg.AssetKey(["marts", "invoice_status"]), "column_max_to_be_between__repeated_keys"

    def evaluated(instance: dg.DagsterInstance, passed: bool) -> None:
        instance.report_runless_asset_event(dg.AssetCheckEvaluation(asset_key=asset, check_name=name, passed=passed, metadata={}))

    def count() -> int:
        return sum("invoice_status" in title for title in alerts(installation))

    with dg.DagsterInstance.ephemeral() as instance:
        evaluated(instance, passed=False)
        first = tick(definitions, installation, "failed_checks", None, instance)
        assert isinstance(first, dg.SensorResult) and count() == 1
        assert isinstance(tick(definitions, installation, "failed_checks", first.cursor, instance), dg.SkipReason)
        evaluated(instance, passed=True)
        healed = tick(definitions, installation, "failed_checks", first.cursor, instance)
        assert isinstance(healed, dg.SensorResult) and count() == 1
        evaluated(instance, passed=False)
        tick(definitions, installation, "failed_checks", healed.cursor, instance)
        assert count() == 2

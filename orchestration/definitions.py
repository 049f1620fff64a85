"""What Dagster loads: `defs`, built from connections.yml, the system files and the dbt manifest; needs no credentials."""

from __future__ import annotations

import json

import dagster as dg

from concord.settings import quiet_libraries
from concord.stages import Installation, Observer, Unwatched, open_installation
from orchestration.automation import jobs, schedules, sensors
from orchestration.checks import quality_checks
from orchestration.landing import landing_assets
from orchestration.sync import desired_keys, sync_assets
from orchestration.views import view_assets
from orchestration.warehouse import model_key, warehouse_assets


def build_defs(installation: Installation | None = None, observer: Observer | None = None) -> dg.Definitions:
    """The definitions of one installation. Raises UsageError when connections.yml or a system file does not fit."""
    from transform.build import manifest

    installation = installation or open_installation()
    connections = installation.connections
    manifest_file = manifest(installation.settings, installation.connections)
    nodes = json.loads(manifest_file.read_text())["nodes"].values()
    layers = {node["name"]: node["fqn"][1] for node in nodes if node["resource_type"] == "model" and len(node["fqn"]) > 2}
    checked = [model_key(layer, name) for name, layer in sorted(layers.items()) if layer in {"drift", "marts"}]
    return dg.Definitions(
        assets=[
            *landing_assets(installation.settings, connections),
            warehouse_assets(manifest_file, connections),
            *sync_assets(connections, checked, desired_keys(layers)),
            view_assets(),
        ],
        asset_checks=[quality_checks(layers)],
        jobs=jobs(connections),
        schedules=schedules(connections),
        sensors=sensors(connections),
        resources={"installation": installation, "observer": observer or Unwatched()},
        executor=dg.in_process_executor,
    )


quiet_libraries()
defs = build_defs()

"""Assets and checks of the warehouse, read from the dbt manifest; one dbt invocation builds all that a run selects."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from concord import stages
from concord.connections import Connection
from concord.errors import ConcordError
from orchestration.landing import landing_key
from transform.build import BuildError


def model_key(layer: str, name: str) -> dg.AssetKey:
    return dg.AssetKey([layer, name])


class WarehouseTranslator(DagsterDbtTranslator):
    """Keys by layer; a staging model hangs below the landing of every connection that it reads."""

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        super().__init__()
        self._connections = connections

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return landing_key(dbt_resource_props["source_name"], dbt_resource_props["name"])
        return model_key(_layer(dbt_resource_props), dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return _layer(dbt_resource_props)

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id, {})
        sources = [manifest["sources"][name] for name in node.get("depends_on", {}).get("nodes", []) if name in manifest["sources"]]
        shared = {landing_key(source["source_name"], source["name"]) for source in sources}
        # a dbt source is a system's resource; what is extracted is that resource of each connection of the system
        upstream = {
            landing_key(connection.name, source["name"])
            for source in sources
            for connection in self._connections.values()
            if connection.system == source["source_name"]
        }
        owner = (node.get("config", {}).get("meta") or {}).get("owner", "data")
        return spec.replace_attributes(
            deps=[*(dep for dep in spec.deps if dep.asset_key not in shared), *(dg.AssetDep(key) for key in sorted(upstream))],
            kinds={"dbt", "duckdb"},
            owners=[f"team:{re.sub('[^a-z0-9_]', '_', str(owner))}"],
        )


def _layer(node: Mapping[str, Any]) -> str:
    if node["resource_type"] == "seed":
        return "reference"
    return str(node["fqn"][1]) if len(node["fqn"]) > 2 else "warehouse"


def warehouse_assets(manifest_file: Path, connections: Mapping[str, Connection]) -> dg.AssetsDefinition:
    """All models, seeds and tests as one step: dbt orders them itself and there is one writer."""
    manifest = json.loads(manifest_file.read_text())
    translator = WarehouseTranslator(connections)

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="build_warehouse", pool="warehouse")
    def build_warehouse(
        context: dg.AssetExecutionContext,
        installation: dg.ResourceParam[stages.Installation],
        observer: dg.ResourceParam[stages.Observer],
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        selected = context.selected_asset_keys
        everything = len(selected) == len(context.assets_def.keys)
        select = None if everything else " ".join(sorted(key.path[-1] for key in selected))
        failure: BuildError | None = None
        try:
            result = stages.build(installation, select=select, on_event=lambda event: observer.progress("build", event))
        except BuildError as error:
            failure, result = error, error.result  # what was built is shown before the failure ends the step
        except ConcordError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        observer.finished("build", result)
        checks = {key.name: key for key in context.selected_asset_check_keys}
        for node in result.nodes:
            properties = manifest["nodes"].get(node.unique_id)
            if properties is None or node.status == "skipped":
                continue
            if node.kind == "test":
                if key := checks.get(properties["name"]):
                    yield dg.AssetCheckResult(
                        asset_key=key.asset_key, check_name=key.name, passed=node.status == "pass",
                        severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
                        metadata={"failures": node.failures, "message": node.message, "seconds": node.seconds},
                    )
            elif not node.failed and (asset_key := translator.get_asset_key(properties)) in selected:
                yield dg.MaterializeResult(asset_key, metadata={"seconds": node.seconds, "message": node.message})
        if failure is not None:
            raise dg.Failure(str(failure), allow_retries=False) from failure

    return build_warehouse

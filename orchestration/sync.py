"""Assets from the published copy to the targets: publish, plan, apply, read back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import TypeVar

import dagster as dg

from concord import stages
from concord.connections import Connection
from concord.errors import ConcordError
from orchestration.warehouse import model_key

_Result = TypeVar("_Result")
PUBLISHED = dg.AssetKey("published")
PLAN = dg.AssetKey("plan")
READ_BACK = dg.AssetKey("read_back")


def sync_assets(connections: Mapping[str, Connection], checked: list[dg.AssetKey], desired: list[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """`checked`: tables that must be built and pass their blocking checks before anything is published; `desired`: sync tables."""
    targets = [connection.name for connection in connections.values() if connection.role in {"support", "crm"}]

    @dg.asset(
        key=PUBLISHED, deps=[*checked, *desired], group_name="publish", kinds={"duckdb"}, owners=["team:data"],
        description="The checked warehouse, copied and swapped in by rename: readers never wait and never see half a build.",
        pool="warehouse",
    )
    def published(
        context: dg.AssetExecutionContext,
        installation: dg.ResourceParam[stages.Installation],
        observer: dg.ResourceParam[stages.Observer],
    ) -> dg.MaterializeResult:
        result = _stage(lambda: stages.publish(installation))
        observer.finished("publish", result)
        return dg.MaterializeResult(metadata={"bytes": result.size, "seconds": result.seconds})

    @dg.asset(
        key=PLAN, deps=[PUBLISHED, *desired], group_name="reverse_sync", kinds={"sql"}, owners=["team:integration"],
        description="Desired less observed less already on its way: the writes that would bring the targets into agreement, in the outbox.",
        pool="outbox",
    )
    def plan(
        context: dg.AssetExecutionContext,
        installation: dg.ResourceParam[stages.Installation],
        observer: dg.ResourceParam[stages.Observer],
    ) -> dg.MaterializeResult:
        result = _stage(lambda: stages.plan(installation))
        observer.finished("plan", result)
        return dg.MaterializeResult(
            metadata={
                "to_write": result.count("pending"), "held": result.count("held"), "on_its_way": result.count("on_its_way"),
                "unchanged": sum(target.unchanged for target in result.targets),
                "stopped": {f"{target.connection}.{target.object}": target.stopped for target in result.targets if target.stopped},
            }
        )

    specs = [
        dg.AssetSpec(
            dg.AssetKey(["applied", name]), deps=[PLAN], group_name="reverse_sync", kinds={connections[name].system},
            owners=["team:integration"], description=f"Writes sent to {name}, each with a receipt and read back.",
        )
        for name in targets
    ]

    @dg.multi_asset(name="apply", specs=specs, pool="outbox")
    def apply(
        context: dg.AssetExecutionContext,
        installation: dg.ResourceParam[stages.Installation],
        observer: dg.ResourceParam[stages.Observer],
    ) -> Iterator[dg.MaterializeResult]:
        result = _stage(lambda: stages.apply(installation, progress=lambda event: observer.progress("apply", event)))
        observer.finished("apply", result)
        for part in result.connections:
            shown = {name: value for name, value in asdict(part).items() if value is not None and name not in {"connection", "resume_at"}}
            yield dg.MaterializeResult(dg.AssetKey(["applied", part.connection]), metadata=shown)

    @dg.asset(
        key=READ_BACK, deps=[spec.key for spec in specs], group_name="reverse_sync", kinds={"dlt"}, owners=["team:integration"],
        description="The records just written, read again by id and landed, so that the next build sees what the targets now hold.",
    )
    def read_back(
        context: dg.AssetExecutionContext,
        installation: dg.ResourceParam[stages.Installation],
        observer: dg.ResourceParam[stages.Observer],
    ) -> dg.MaterializeResult:
        results = _stage(lambda: stages.read_back(installation))
        observer.finished("read_back", results)
        return dg.MaterializeResult(metadata={result.connection: result.total for result in results})

    return [published, plan, apply, read_back]


def _stage(run: Callable[[], _Result]) -> _Result:
    try:
        return run()
    except ConcordError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def desired_keys(layers: Mapping[str, str]) -> list[dg.AssetKey]:
    return [model_key(layer, name) for name, layer in sorted(layers.items()) if name.startswith("sync_")]

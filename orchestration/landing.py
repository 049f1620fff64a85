"""Assets of the landing: one for each resource of each connection, one step a connection."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dlt import DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData

from concord import stages
from concord.connections import Connection
from concord.settings import Settings
from ingestion.run import dlt_source, system_of
from ingestion.spec import System
from quality.kinds import teams


class IngestConfig(dg.Config):
    """`full` reads everything again and looks for deleted records; the nightly audit sets it."""

    full: bool = False


def landing_key(connection: str, resource: str) -> dg.AssetKey:
    return dg.AssetKey([connection, resource])


class LandingTranslator(DagsterDltTranslator):
    """Key, group, owner and columns of a resource, from its system file."""

    def __init__(self, connection: Connection, system: System) -> None:
        super().__init__()
        self._connection, self._system = connection, system

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        connection, name = self._connection, data.resource.name
        owner = self._system.resources[self._system.owner(name)]
        table = owner if name in self._system.resources else owner.children[name]
        columns = [
            dg.TableColumn(
                column_name, column.type, description=f"from `{column.path}`" if column.path != column_name else None,
                tags={"pii": ""} if column.pii else {},
            )
            for column_name, column in table.columns.items()
        ]
        return dg.AssetSpec(
            landing_key(connection.name, name),
            group_name=connection.name,
            kinds={"dlt", "parquet", connection.system},
            owners=[f"team:{teams()[connection.role]}"],
            description=f"{name.replace('_', ' ').capitalize()} of {connection.name} ({connection.system}, {connection.role}): "
            "every version ever read.",
            metadata={"dagster/column_schema": dg.TableSchema(columns=columns), "key": ", ".join(table.key)},
        )


def landing_assets(settings: Settings, connections: Mapping[str, Connection]) -> list[dg.AssetsDefinition]:
    """One multi-asset a connection; its resources are extracted together because they share limits and a load."""
    return [_connection_assets(settings, connection) for connection in connections.values()]


def _connection_assets(settings: Settings, connection: Connection) -> dg.AssetsDefinition:
    translator = LandingTranslator(connection, system_of(connection))
    source = dlt_source(settings, connection)  # calls nobody and reads no secret until it is extracted
    specs = [
        translator.get_asset_spec(DltResourceTranslatorData(resource=resource, pipeline=None))
        for resource in source.resources.values()
    ]

    @dg.multi_asset(name=f"extract_{connection.name}", specs=specs, can_subset=True, pool=f"connection_{connection.name}")
    def extract(
        context: dg.AssetExecutionContext,
        config: IngestConfig,
        installation: dg.ResourceParam[stages.Installation],
        observer: dg.ResourceParam[stages.Observer],
    ) -> Iterator[dg.MaterializeResult]:
        selected = sorted(key.path[-1] for key in context.selected_asset_keys)
        resources: Sequence[str] | None = None if len(selected) == len(specs) else selected
        (result,) = stages.ingest(
            installation, [connection.name], resources=resources, full=config.full,
            progress=lambda event: observer.progress("ingest", event),
        )
        observer.finished("ingest", result)
        if result.error is not None:
            raise dg.Failure(str(result.error), allow_retries=False) from result.error
        context.log.info(
            f"{connection.name}: {result.total} rows in {result.seconds:.1f} s, {result.requests} requests, "
            f"{result.wait_seconds:.1f} s waited for its limits, {sum(result.quarantined.values())} rows in quarantine"
        )
        audits = {audit.resource: audit for audit in result.audits}
        for name in selected:
            metadata: dict[str, Any] = {"rows": result.rows.get(name, 0), "quarantined": result.quarantined.get(name, 0)}
            if name in audits:
                audit = audits[name]
                metadata |= {"vendor_total": audit.expected, "landed_total": audit.actual, "complete": audit.is_complete}
            # a load of zero rows is still a load: the asset was observed and found unchanged
            yield dg.MaterializeResult(landing_key(connection.name, name), metadata=metadata)

    return extract

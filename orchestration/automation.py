"""Jobs, schedules and sensors: when Concord runs by itself."""

import json
from collections.abc import Iterator, Mapping

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from concord.connections import Connection
from concord.errors import ConcordError
from concord.stages import Installation
from orchestration.killed_runs import close_killed_runs

MAIN_JOB = "concord"
AUDIT_JOB = "nightly_audit"


def jobs(connections: Mapping[str, Connection]) -> list[UnresolvedAssetJobDefinition]:
    extracts = [
        dg.define_asset_job(
            f"sync_{name}",
            dg.AssetSelection.groups(name).downstream(),
            description=f"Read what changed in {name}, rebuild what depends on it, correct the targets.",
            tags={"concord/connection": name},
        )
        for name in connections
    ]
    everything = dg.AssetSelection.all()
    return [
        dg.define_asset_job(MAIN_JOB, everything, description="Everything once: extract, build, check, publish, plan, apply, read back."),
        dg.define_asset_job(
            AUDIT_JOB,
            everything,
            config={"ops": {f"extract_{name}": {"config": {"full": True}} for name in connections}},
            description="As the main job, but every record is read again and deleted ones are looked for.",
        ),
        *extracts,
    ]


def schedules(connections: Mapping[str, Connection]) -> list[dg.ScheduleDefinition]:
    return [
        *(
            dg.ScheduleDefinition(
                name=f"{name}_schedule", job_name=f"sync_{name}", cron_schedule=connection.schedule, execution_timezone="UTC",
                description=f"The regular read of {name}.",
            )
            for name, connection in connections.items()
        ),
        dg.ScheduleDefinition(
            name="nightly_audit_schedule", job_name=AUDIT_JOB, cron_schedule="30 2 * * *", execution_timezone="UTC",
            description="The full read that finds what incremental reads cannot see.",
        ),
    ]


def sensors(connections: Mapping[str, Connection]) -> list[dg.SensorDefinition]:
    return [*(_changed_records(connection) for connection in connections.values()), _dead_letters(), _failed_checks(), _killed_runs()]


def _changed_records(connection: Connection) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{connection.name}_changes", job_name=f"sync_{connection.name}", minimum_interval_seconds=30,
        description=f"Asks {connection.name} whether anything changed since the last look and starts a targeted run if so.",
    )
    def changes(
        context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
    ) -> dg.SensorResult | dg.SkipReason:
        from ingestion.poll import newest_change  # dlt and its HTTP stack load on the first tick, not with the definitions

        try:
            newest = newest_change(installation.connections[connection.name], installation.accounts.get(connection.name))
        except ConcordError as error:
            return dg.SkipReason(f"{connection.name} cannot be asked: {error}")
        if not newest or newest == context.cursor:
            return dg.SkipReason("nothing changed")
        first_look = context.cursor is None
        requests = [] if first_look else [dg.RunRequest(run_key=f"{connection.name}:{newest}", tags={"concord/trigger": "change"})]
        return dg.SensorResult(
            run_requests=requests, cursor=newest, skip_reason="first look: the state is noted" if first_look else None
        )

    return changes


def _dead_letters() -> dg.SensorDefinition:
    @dg.sensor(name="dead_letters", minimum_interval_seconds=60, description="Alerts on writes that were given up, once each.")
    def dead_letters(
        context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
    ) -> dg.SensorResult | dg.SkipReason:
        from quality.alerts import dead_letter_alerts, send
        from reverse_sync.outbox import Selection, entries
        from reverse_sync.store import open_store

        after = int(context.cursor or 0)
        store = open_store(installation.settings.operations_url)
        dead = entries(store, Selection(first=after + 1, states=("dead_letter",)), limit=1000)
        if not dead:
            return dg.SkipReason("no new dead letters")
        send(dead_letter_alerts(dead), installation.settings.alerts)
        return dg.SensorResult(run_requests=[], cursor=str(max(entry.id for entry in dead)))

    return dead_letters


def _failed_checks() -> dg.SensorDefinition:
    @dg.sensor(
        name="failed_checks", minimum_interval_seconds=60,
        description="Alerts on failed asset checks, which fire no failure sensor; a check that stays failed is told once.",
    )
    def failed_checks(
        context: dg.SensorEvaluationContext, installation: dg.ResourceParam[Installation]
    ) -> dg.SensorResult | dg.SkipReason:
        from quality.alerts import failed_check_alert, send

        told: dict[str, str] = json.loads(context.cursor or "{}")
        failed = {f"{key.asset_key.to_user_string()}:{key.name}": description for key, description in _failing(context)}
        new = {name: description for name, description in failed.items() if name not in told}
        if failed.keys() == told.keys():
            return dg.SkipReason("no check changed")
        send([failed_check_alert(name, description) for name, description in new.items()], installation.settings.alerts)
        return dg.SensorResult(run_requests=[], cursor=json.dumps(failed))

    return failed_checks


def _killed_runs() -> dg.SensorDefinition:
    @dg.sensor(
        name="killed_runs", minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Closes runs whose process was killed, so that the next ones do not wait for what these held.",
    )
    def killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        closed = close_killed_runs(context.instance)
        return dg.SkipReason(f"closed {', '.join(closed)}" if closed else "every run has its process")

    return killed_runs


def _failing(context: dg.SensorEvaluationContext) -> Iterator[tuple[dg.AssetCheckKey, str]]:
    repository = context.repository_def
    keys = [key for key in repository.asset_graph.asset_check_keys if not _is_finding(key)] if repository else []
    records = context.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    for key, record in records.items():
        event = record.event.dagster_event if record.event else None
        if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue  # planned and not run yet: the last outcome is told when there is one
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            yield key, evaluation.description or "failed"


def _is_finding(key: dg.AssetCheckKey) -> bool:
    # findings have their own alerts, grouped by kind and owner
    return key.asset_key.path[-1] == "drift" and key.name.startswith("D") and key.name[1:].isdigit()

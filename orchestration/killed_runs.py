"""Runs whose process was killed: closed, so that the next run gets what they held.

A step holds its pool's slot in Dagster's database. A process that ends without a word (kill -9, no memory left, a power cut) leaves it
held: every later run would wait for it, and neither the default launcher nor run monitoring looks whether the process still lives.
"""

from __future__ import annotations

import dagster as dg
import psutil  # type: ignore[import-untyped]
from dagster import DagsterEventType, DagsterRunStatus, RunsFilter

_AT_WORK = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def close_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as failed what no process executes any more, and free its slots. Returns the ids of these runs.

    A run that has not said yet in which process it works is left to Dagster's own start timeout.
    """
    closed = []
    for run in instance.get_runs(RunsFilter(statuses=_AT_WORK)):
        processes = _processes(instance, run.run_id)
        if not processes or any(_lives(pid, since) for pid, since in processes):
            continue
        pids = ", ".join(str(pid) for pid, _ in processes)
        instance.report_run_failed(run, f"Its process ({pids}) ended without a word. What it held is free; the next run goes on where it stopped.")
        closed.append(run.run_id)
    storage = instance.event_log_storage
    holders = {run_id for pool in storage.get_concurrency_keys() for run_id in storage.get_concurrency_info(pool).active_run_ids}
    for run_id in holders:
        holder = instance.get_run_by_id(run_id)
        if holder is None or holder.is_finished:
            storage.free_concurrency_slots_for_run(run_id)
    return closed


def _processes(instance: dg.DagsterInstance, run_id: str) -> list[tuple[int, float]]:
    """The processes that said they execute the run, each with the moment when it said so first."""
    found: dict[int, float] = {}
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        told = event.engine_event_data.metadata.get("pid") if event is not None else None
        if told is not None and str(told.value).isdigit():
            found.setdefault(int(str(told.value)), entry.timestamp)
    return list(found.items())


def _lives(pid: int, since: float) -> bool:
    """Whether the process is still that one: a number is given again after a while, and after a restart at once."""
    try:
        process = psutil.Process(pid)
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since + 1)
    except psutil.NoSuchProcess:
        return False

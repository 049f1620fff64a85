"""Run the main job in this process, recorded in the installation's Dagster instance so that the UI shows it."""

from __future__ import annotations

import dagster as dg

from concord.errors import ConcordError
from concord.stages import Installation, Observer
from orchestration.automation import MAIN_JOB
from orchestration.definitions import build_defs
from orchestration.home import prepare
from orchestration.killed_runs import close_killed_runs

# the observer tells what happens; every event is in the UI
_SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_main_job(installation: Installation, observer: Observer) -> str:
    """Execute every asset and check once; returns the run id.

    Raises ConcordError with the first failure's message.
    """
    home = prepare(installation.settings)
    definitions = build_defs(installation, observer)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        close_killed_runs(instance)
        result = definitions.resolve_job_def(MAIN_JOB).execute_in_process(
            instance=instance, raise_on_error=False, run_config=_SILENT
        )
    if not result.success:
        raise ConcordError(_first_failure(result), mend=f"The run is {result.run_id}; look at it with `concord ui`.")
    return result.run_id


def _first_failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return f"{event.step_key}: {data.user_failure_data.description}"
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            return f"{event.step_key}: {error.message.strip() if error else 'failed'}"
    return "the run failed before its first step."

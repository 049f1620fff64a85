"""A run that was killed holds nothing that the next one waits for; one that lives keeps what it has."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from concord.settings import PROJECT, load_settings
from orchestration.home import prepare
from orchestration.killed_runs import close_killed_runs

POOL = "warehouse"
JOB = """
import sys, time
import dagster as dg

@dg.op(pool="warehouse")
def hold():
    open(sys.argv[2], "w").close()
    time.sleep(float(sys.argv[3]))

@dg.job
def holding():
    hold()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    holding.execute_in_process(instance=instance)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return prepare(load_settings({"CONCORD_HOME": str(tmp_path / "home"), "CONCORD_DATA": ""}))


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def started(home: Path, folder: Path, seconds: float = 60) -> subprocess.Popen[bytes]:
    """A process whose run holds the pool."""
    mark = folder / "holds"
    process = subprocess.Popen([sys.executable, "-c", JOB, str(home), str(mark), str(seconds)], cwd=PROJECT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not mark.exists():
        assert time.monotonic() < deadline and process.poll() is None, "the run did not start"
        time.sleep(0.05)
    mark.unlink()
    return process


def held(instance: dg.DagsterInstance) -> int:
    return instance.event_log_storage.get_concurrency_info(POOL).active_slot_count


def test_the_next_run_does_not_wait_for_a_killed_one(home: Path, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    process = started(home, tmp_path)
    [run] = instance.get_runs()
    assert close_killed_runs(instance) == [] and held(instance) == 1  # it lives
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    assert held(instance) == 1, "nothing was left: this test proves nothing"
    assert close_killed_runs(instance) == [run.run_id]
    closed = instance.get_run_by_id(run.run_id)
    assert closed is not None and closed.status == DagsterRunStatus.FAILURE and held(instance) == 0
    assert close_killed_runs(instance) == []
    assert started(home, tmp_path, seconds=0).wait(60) == 0


def test_a_number_that_was_given_again_is_another_process(home: Path, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = started(home, tmp_path)
    try:
        created = time.time() + 3600
        monkeypatch.setattr("psutil.Process.create_time", lambda self: created)  # what the number stands for now began later
        assert len(close_killed_runs(instance)) == 1
    finally:
        process.kill()
        process.wait(20)


def test_what_a_finished_run_left_held_is_freed(home: Path, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    process = started(home, tmp_path)
    [run] = instance.get_runs()
    process.kill()
    process.wait(20)
    instance.report_run_failed(run)
    assert held(instance) == 1 and close_killed_runs(instance) == [] and held(instance) == 0

"""A run that is killed leaves all of a load or nothing, and the next one completes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

RUN = """
import os, sys
from concord.connections import Connection
from concord.settings import load_settings
from ingestion.run import ingest
connection = Connection(name="till", system="file_drop", role="erp", settings={"folder": sys.argv[1], "drop": sys.argv[2]})
ingest(load_settings(), {"till": connection})
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.0, 0.15])
def test_a_killed_run_leaves_nothing_half_landed(kit: Any, delay: float) -> None:
    for month in range(1, 7):
        kit.write(f"{month}.csv", "Date,Supplier,Amount\n" + "".join(f"{13 + line % 15}/{month:02}/2026,S{line},{line}.50\n" for line in range(5_000)))
    environment = {**os.environ, "CONCORD_HOME": str(kit.settings.home), "CONCORD_DATA": ""}
    run = subprocess.Popen([sys.executable, "-c", RUN, kit.address, str(kit.form)], env=environment)
    staging = kit.settings.dlt / "_staging" / "till"
    until = time.monotonic() + 60
    while time.monotonic() < until and run.poll() is None and not any(staging.glob("*/*.parquet")):
        time.sleep(0.01)
    time.sleep(delay)
    run.send_signal(signal.SIGKILL)
    run.wait(timeout=30)
    if (kit.settings.landing / "till" / "lines").exists() and kit.files_of():
        assert kit.query("SELECT count(*) FROM landed") == [(30_000,)]
    after = kit.take()
    assert after.error is None and after.is_complete
    assert len(kit.live("source_file")) == 30_000
    assert kit.query("SELECT count(*) FROM landed") == [(30_000,)]

"""DAGSTER_HOME of this installation: its settings file, its database, and the UI that reads it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg

from concord.errors import ConcordError
from concord.settings import PROJECT, Settings

TEMPLATE = Path(__file__).with_name("dagster.yaml")


def prepare(settings: Settings) -> Path:
    """Make the folder and its database once: two processes that do it at the same time on a fresh folder collide."""
    home = settings.dagster
    home.mkdir(parents=True, exist_ok=True)
    target = home / "dagster.yaml"
    if not target.exists() or target.read_bytes() != TEMPLATE.read_bytes():
        shutil.copyfile(TEMPLATE, target)
    os.environ["DAGSTER_HOME"] = str(home)
    if not (home / "history").exists():
        with dg.DagsterInstance.from_config(str(home)) as instance, contextlib.redirect_stdout(io.StringIO()):
            instance.upgrade()
    return home


def serve_ui(settings: Settings, host: str, port: int) -> None:
    """Run the Dagster web server and daemon until interrupted.

    Raises ConcordError when they stop by themselves.
    """
    prepare(settings)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(PROJECT / "workspace.yaml"), "-h", host, "-p", str(port)]
    environment = {**os.environ, "CONCORD_HOME": str(settings.home)}
    try:
        code = subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return
    if code:
        raise ConcordError(f"the UI stopped with code {code}.", where=f"{host}:{port}", mend="Is the port taken? Choose another with --port.")

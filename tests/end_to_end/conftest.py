"""Fixtures: an installation beside a sandbox that runs as a process of its own, and ways to run a stage that can be killed.

No stage is imitated here: HTTP is real, dbt is real, every file lies under a temporary home.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from concord.sandbox_control import landscape
from concord.settings import PROJECT, Settings, load_settings, quiet_libraries
from concord.stages import Installation
from sandbox.server import start_background, stop_background
from tests.dbt_cache import NAME

quiet_libraries()
# what Concord may write at the vendors; Zendesk's jobs and audits are side records of these
WRITTEN = ("organizations", "tickets", "Account")
# fields that a vendor sets by itself when a record is written
STAMPS = {"updated_at", "_generated", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}


@dataclass(frozen=True)
class Change:
    """One field of one record that a write changed, as the journal tells it."""

    collection: str
    record_id: str
    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Said:
    """What a command line run said."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass
class Site:
    """One installation and the sandbox that it reads and writes."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return load_settings({"CONCORD_HOME": str(self.home), "CONCORD_DATA": "", NAME: os.environ[NAME], **self.environment})

    @property
    def installation(self) -> Installation:
        return Installation(self.settings)

    # the sandbox's control endpoints

    @property
    def address(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "sandbox" / "address.json").read_text())
        return found

    def control(self, method: str, name: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.address['url']}/_sandbox/{name}", json=body, timeout=120)
        assert answer.ok, answer.text
        return answer.json()

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.control("GET", f"journal?since={since}")
        return entries

    def last_entry(self) -> int:
        return max((entry["seq"] for entry in self.journal()), default=0)

    # the command line

    def concord(
        self, *arguments: str, environment: dict[str, str] | None = None, limit: Callable[[], None] | None = None, timeout: float = 600
    ) -> Said:
        done = subprocess.run(
            [sys.executable, "-c", "from concord.cli import main; main()", *arguments],
            env=self.variables(environment or {}), cwd=PROJECT, capture_output=True, text=True, timeout=timeout, preexec_fn=limit,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def variables(self, more: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CONCORD_") or name == NAME}
        root = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
        return {**kept, "PYTHONPATH": root, "CONCORD_HOME": str(self.home), "CONCORD_DATA": "", **self.environment, **more}

    # installations beside this one, on the same sandbox

    def beside(self, home: Path, *, state: Iterable[str] = ()) -> Site:
        """Another home on the same sandbox, with copies of the named files and folders of this one."""
        (home / "sandbox").mkdir(parents=True)
        shutil.copy(self.home / "sandbox" / "address.json", home / "sandbox" / "address.json")
        for name in ("sandbox/keys", *state):
            source = self.home / name
            if source.is_dir():
                shutil.copytree(source, home / name)
            elif source.exists():
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                if source.suffix == ".sqlite":  # the newest rows may stand in its -wal file alone
                    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(home / name)) as other:
                        one.backup(other)
                else:
                    shutil.copy(source, home / name)
        return Site(home, dict(self.environment))


def changes(journal: Iterable[dict[str, Any]]) -> list[Change]:
    """Every field of every record that was changed, the vendors' own stamps left out; nested fields each by its own name."""
    found = []
    for entry in journal:
        for effect in entry["effects"]:
            if effect["collection"] not in WRITTEN:
                continue
            for name, (before, after) in effect["changed"].items():
                if name in STAMPS or (name == "tags" and effect["collection"] == "organizations"):  # follow from the fields
                    continue
                if isinstance(before, dict) and isinstance(after, dict):
                    inner = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
                    found += [Change(effect["collection"], str(effect["id"]), key, before.get(key), after.get(key)) for key in inner]
                else:
                    found.append(Change(effect["collection"], str(effect["id"]), name, before, after))
    return found


def notes(journal: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Every internal note that was added: ticket and text."""
    return [
        (str(effect["changed"]["ticket_id"][1]), event["body"])
        for entry in journal for effect in entry["effects"] if effect["collection"] == "ticket_audits"
        for event in effect["changed"]["events"][1] if event["type"] == "Comment"
    ]


@pytest.fixture(scope="module")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Starts sandboxes, each under a home of its own; `faults` is a plan as in docs/sandbox.md, `connections` the entries of a
    connections.yml in place of the project's own.
    """
    with ExitStack() as stack:
        def make(
            *, seed: int, scale: float = 0.25, faults: dict[str, Any] | None = None, connections: dict[str, Any] | None = None,
        ) -> Site:
            home = tmp_path_factory.mktemp("home")
            environment = {}
            if connections is not None:
                file = home / "connections.yml"
                file.write_text(yaml.safe_dump({"connections": connections}, sort_keys=False))
                environment["CONCORD_CONNECTIONS"] = str(file)
            site = Site(home, environment)
            plan = None
            if faults is not None:
                plan = home / "plan.yml"
                plan.write_text(yaml.safe_dump(faults))
            accounts = landscape(site.installation.connections.values())
            start_background(home, seed=seed, scale=scale, faults=plan, accounts=accounts, port=0)
            stack.callback(stop_background, home)
            return site
        yield make


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.node.name)

"""Bad input through the real command line: one message that names the place and the mend, the right exit code, nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from concord import stages
from concord.errors import UsageError
from concord.settings import PROJECT
from sandbox import accounts
from tests.end_to_end.conftest import Said, Site
from transform.generate import load_entities, load_values

pytestmark = pytest.mark.usefixtures("without_dbt_tests")

STATE = ("landing", "warehouse.duckdb", "published.duckdb", "dbt", "operations.sqlite", "dlt")
ROLES = {"netsuite": "erp", "salesforce": "crm", "stripe": "billing", "zendesk": "support"}
SETTINGS = {
    "netsuite": {"account": accounts.NETSUITE_ACCOUNT, "time_zone": "America/Los_Angeles"}, "salesforce": {"api_version": "62.0"},
    "stripe": {"api_version": "2026-10-28.endive"}, "zendesk": {},
}
# by vendor: the credential that is wrong, and what all of them are called in the sandbox
SECRETS = {
    "netsuite": ("certificate_id", {"client_id": "client_id", "certificate_id": "certificate_id", "private_key": "private_key"}),
    "salesforce": ("client_secret", {"client_id": "client_id", "client_secret": "client_secret"}),
    "stripe": ("api_key", {"api_key": "api_key"}),
    "zendesk": ("api_token", {"email": "email", "api_token": "api_token"}),
}


@pytest.fixture(scope="module")
def built(make_site: Callable[..., Site]) -> Site:
    """One installation that has been through all stages once."""
    site = make_site(seed=71, scale=0.1, faults={"faults": {}})
    assert all(result.error is None for result in stages.ingest(site.installation))
    stages.build(site.installation)
    stages.publish(site.installation, stages.check(site.installation))
    return site


@pytest.fixture
def site(built: Site, tmp_path: Path) -> Site:
    return built.beside(tmp_path / "home", state=STATE)


def contents(site: Site) -> tuple[Any, ...]:
    """What a reader gets from the published copy."""
    with duckdb.connect(str(site.settings.published), read_only=True) as published:
        rows = published.execute(
            "select (select count(*) from customer), (select bit_xor(hash(profile)) from customer_financial_profile as profile),"
            " (select max(as_of) from drift), (select count(*) from invoice)").fetchone()
    assert rows is not None
    return rows


def landed(site: Site) -> set[str]:
    return {str(path.relative_to(site.home)) for path in site.settings.landing.rglob("*.parquet")}


def assert_message(said: Said, code: int, *words: str) -> None:
    """One message with these words; tables fold their cells, so line ends and borders do not count."""
    flat = " ".join(said.all.replace("│", " ").split())
    assert said.code == code, said.all
    assert "Traceback" not in said.all
    for word in words:
        assert word in flat, f"{word!r} is not in {flat}"


def connect(site: Site, text: str | dict[str, Any]) -> Site:
    file = site.home / "my-connections.yml"
    file.write_text(text if isinstance(text, str) else yaml.safe_dump({"connections": text}))
    return replace(site, environment={"CONCORD_CONNECTIONS": str(file)})


def real(site: Site, vendor: str, **more: Any) -> dict[str, Any]:
    """The sandbox's vendor, connected like a real account: by address and environment variables."""
    return {
        "system": vendor, "role": ROLES[vendor], "base_url": site.address["vendors"][vendor]["url"], "settings": SETTINGS[vendor],
        "secrets": {name: f"MY_{name.upper()}" for name in SECRETS[vendor][1]}, **more,
    }


def credentials(site: Site, vendor: str) -> dict[str, str]:
    known = site.installation.accounts[vendor].secrets
    return {f"MY_{ours.upper()}": known[theirs] for ours, theirs in SECRETS[vendor][1].items()}


# --- connections.yml -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "words"), [
    ("connections: {erp: {system: netsuite, role: erp, sandbox: true, colour: red}}", ("connections.erp", "unknown key `colour`", "known: system")),
    ("connections: {erp: {system: sap, role: erp}}", ("connections.erp.system", "'sap'", "Known systems: chargebee, dynamics365_finance, file_drop")),
    ("connections: {erp: {system: netsuite, role: erp, freshness: soon}}", ("connections.erp", "freshness", "72h")),
    ("connections: {erp: {system: netsuite", ("not valid YAML", "line 1")),
    ("connection: {}", ("one key, `connections`",)),
    ("connections: {}", ("connects nothing", "Add a connection")),
])
def test_connections_file(site: Site, text: str, words: tuple[str, ...]) -> None:
    broken, before = connect(site, text), contents(site)
    assert_message(broken.concord("ingest"), 2, "my-connections.yml", *words)
    assert contents(site) == before


@pytest.mark.parametrize("command", ["connections", "build", "plan", "apply"])
def test_each_command_reads_the_connections_first(site: Site, command: str) -> None:
    broken = connect(site, "connections: {erp: {system: sap, role: erp}}")
    assert_message(broken.concord(command), 2, "my-connections.yml", "connections.erp.system", "Known systems")


def test_no_connections_file_and_no_such_connection(site: Site) -> None:
    missing = replace(site, environment={"CONCORD_CONNECTIONS": str(site.home / "nowhere.yml")})
    assert_message(missing.concord("connections"), 2, "nowhere.yml", "no such file", "Copy connections.yml")
    assert_message(site.concord("ingest", "oracle"), 2, "connections.yml", "'oracle'", "Known: netsuite, salesforce, stripe, zendesk")


# --- secrets and addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ROLES)
def test_a_missing_secret(site: Site, vendor: str) -> None:
    name = SECRETS[vendor][0]
    given, before = credentials(site, vendor), landed(site)
    unset = {key: value for key, value in given.items() if key != f"MY_{name.upper()}"}
    assert_message(
        connect(site, {vendor: real(site, vendor)}).concord("ingest", "--json", environment=unset), 1,
        "connections.yml", f"connections.{vendor}.secrets.{name}", f"environment variable MY_{name.upper()} is not set", f"Set MY_{name.upper()}",
    )
    assert landed(site) == before


def test_a_secret_that_nobody_named(site: Site) -> None:
    nameless = connect(site, {"stripe": real(site, "stripe", secrets={})})
    said = nameless.concord("ingest", "--json")
    assert_message(said, said.code, "connections.yml", "connections.stripe.secrets.api_key", "is missing", "Name the environment variable")
    assert said.code in (1, 2)


@pytest.mark.parametrize("vendor", ROLES)
def test_a_wrong_secret(site: Site, vendor: str) -> None:
    name, given = SECRETS[vendor][0], credentials(site, vendor)
    connected, before = connect(site, {vendor: real(site, vendor)}), landed(site)
    said = connected.concord("ingest", "--json", environment={**given, f"MY_{name.upper()}": "hunter2-wrong"})
    assert_message(said, 1, vendor, "refuses the login", "wrong or revoked secret", f"MY_{name.upper()}")
    assert "hunter2-wrong" not in said.all and not any(value in said.all for value in given.values() if len(value) > 30), "a secret was shown"
    assert landed(site) == before
    tested = connected.concord("connections", "test", "--json", environment=given)
    assert tested.code == 0, f"the right one passes: {tested.all}"


@pytest.mark.parametrize("vendor", ROLES)
def test_an_unreachable_host(site: Site, vendor: str) -> None:
    address = "http://127.0.0.1:9/nobody"
    connected, before = connect(site, {vendor: real(site, vendor, base_url=address)}), landed(site)
    said = connected.concord("connections", "test", "--json", environment=credentials(site, vendor))
    assert_message(said, 1, vendor, address, "cannot be reached", "Check the address and the network")
    assert landed(site) == before


def test_an_unreachable_host_while_reading_loses_nothing(site: Site) -> None:
    connected, before = connect(site, {"stripe": real(site, "stripe", base_url="http://127.0.0.1:9")}), landed(site)
    said = connected.concord("ingest", "--json", environment=credentials(site, "stripe"))
    assert_message(said, 1, "stripe", "http://127.0.0.1:9 cannot be reached", "Check the address and the network")
    assert landed(site) == before


# --- the project's own files -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copied_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "concord"
    leave = shutil.ignore_patterns("var", ".git", ".venv", "tests", "benchmarks", "docs", "__pycache__", ".*cache", ".hypothesis", "*.egg-info")
    shutil.copytree(PROJECT, folder, ignore=leave)
    return folder


@contextmanager
def edited(project: Path, name: str, edit: Callable[[str], str]) -> Iterator[None]:
    file = project / name
    whole = file.read_text()
    changed = edit(whole)
    assert changed != whole
    file.write_text(changed)
    try:
        yield
    finally:
        file.write_text(whole)


def concord_of(project: Path, site: Site, *arguments: str) -> Said:
    """The command line of a copy of the project."""
    variables = {**site.variables({}), "PYTHONPATH": str(project)}
    done = subprocess.run(
        [sys.executable, "-c", "from concord.cli import main; main()", *arguments], env=variables, cwd=project, capture_output=True, text=True, timeout=600)
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("edit", "words"), [
    (lambda text: text.replace("page_size:", "pagesize:", 1), ("limits.pagesize", "unknown key", "page_size")),
    (lambda text: text.replace("    key: [id]", "    key: [id]\n    colour: red", 1), ("colour", "unknown key")),
    (lambda text: text.replace("      id: string", "      id: number", 1), ("id", "Known types: string")),
    (lambda text: text + "\n  - nonsense: [", ("not valid YAML",)),
])
def test_a_system_file(site: Site, copied_project: Path, edit: Callable[[str], str], words: tuple[str, ...]) -> None:
    before = landed(site)
    with edited(copied_project, "ingestion/systems/stripe.yml", edit):
        said = concord_of(copied_project, site, "ingest", "stripe")
    assert_message(said, said.code, "stripe.yml", *words)
    assert said.code == 2, "a wrong file is usage, not failure"
    assert landed(site) == before


def test_a_value_map_that_names_an_unknown_value(tmp_path: Path) -> None:
    contracts = tmp_path / "contracts"
    shutil.copytree(PROJECT / "contracts", contracts)
    assert load_values(load_entities(contracts), contracts)
    file = contracts / "systems" / "netsuite.yml"
    file.write_text(file.read_text().replace("B: paid", "B: payed", 1))
    with pytest.raises(UsageError) as raised:
        load_values(load_entities(contracts), contracts)
    assert raised.value.exit_code == 2
    for word in ("netsuite.yml", "values.invoice.status", "'payed'", "Allowed: "):
        assert word in str(raised.value)


@pytest.mark.parametrize(("line", "words"), [
    ("merge,salesforce,0015g,not-an-id,me,2026-01-31T12:00:00,why", ("line 2: golden_id", "'not-an-id'", "Copy customer_id")),
    ("marry,salesforce,0015g,8c5d0b1e-aaaa-bbbb-cccc-123456789abc,me,2026-01-31T12:00:00,why", ("line 2: action", "merge, split or link")),
    ("merge,salesforce,0015g", ("line 2", "3 values instead of 7")),
    ("merge,salesforce,,8c5d0b1e-aaaa-bbbb-cccc-123456789abc,me,2026-01-31T12:00:00,why", ("line 2: native_id", "is empty")),
    ("merge,salesforce,0015g,8c5d0b1e-aaaa-bbbb-cccc-123456789abc,me,yesterday,why", ("line 2: decided_at", "'yesterday'")),
])
def test_the_stewards_override_file(site: Site, copied_project: Path, line: str, words: tuple[str, ...]) -> None:
    before = contents(site)
    with edited(copied_project, "transform/seeds/crosswalk_overrides.csv", lambda text: f"{text.splitlines()[0]}\n{line}\n"):
        assert_message(concord_of(copied_project, site, "build"), 2, "crosswalk_overrides.csv", *words)
    assert contents(site) == before


# --- the installation's state ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cut", "overwritten", "empty"])
def test_a_corrupt_file_in_the_landing(site: Site, how: str) -> None:
    before = contents(site)
    victim = max((site.settings.landing / "netsuite" / "customers").glob("*.parquet"), key=lambda path: path.stat().st_size)
    whole = victim.read_bytes()
    victim.write_bytes({"cut": whole[: len(whole) // 2], "overwritten": b"PAR1" + os.urandom(64) + whole[68:-200] + os.urandom(200), "empty": b""}[how])
    said = site.concord("build")
    assert_message(said, 1, str(victim))
    assert contents(site) == before
    if how != "cut":
        return
    reread = site.concord("ingest", "netsuite", "--full", "--json")
    assert_message(reread, 1, str(victim), "is damaged", "Delete it and run `concord ingest netsuite --full`")
    victim.unlink()  # as the message says
    assert site.concord("ingest", "netsuite", "--full").code == 0
    again = site.concord("build")
    assert again.code == 0, again.all


def test_a_locked_warehouse(site: Site) -> None:
    before = contents(site)
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({str(site.settings.warehouse)!r}); print('open', flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        assert_message(site.concord("build"), 1, "warehouse.duckdb", f"process {holder.pid}", "Wait for it or end it")
        for command in ("check", "publish"):
            assert_message(site.concord(command), 1, "warehouse.duckdb", "Wait for")
        assert contents(site) == before
        assert site.concord("findings", "--limit", "1").code == 0, "readers have a file of their own"
    finally:
        holder.communicate("\n", timeout=20)
    assert site.concord("publish").code == 0


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[bool]:
    """A file system of that size at the folder, where this user may make one."""
    folder.mkdir(parents=True)
    made = shutil.which("mount") is not None and os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True).returncode == 0
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def test_a_full_disk_while_publishing(built: Site, tmp_path: Path) -> None:
    files = ("warehouse.duckdb", "published.duckdb", "operations.sqlite", "sandbox/address.json")
    size = sum((built.home / name).stat().st_size for name in files)
    half = built.settings.warehouse.stat().st_size // 2
    with small_disk(tmp_path / "disk", size + half) as mounted:
        home = tmp_path / "disk" / "home"
        full = built.beside(home, state=files[:3])
        inode = full.settings.published.stat().st_ino
        with duckdb.connect(str(full.settings.warehouse)) as warehouse:
            warehouse.execute("update customer set name = 'Changed Since'")
        before = contents(full)
        # where no file system can be made, no file may grow past half of the copy
        said = full.concord("publish", limit=None if mounted else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (half, half)))
        assert_message(said, 1, "published.duckdb", "publish again", "disk is full" if mounted else "could not be written")
        assert contents(full) == before and full.settings.published.stat().st_ino == inode
        assert list(home.glob("*.partial*")) == []


def test_nothing_there_yet(built: Site, tmp_path: Path) -> None:
    empty = built.beside(tmp_path / "home")
    for command, word in ((["check"], "concord build"), (["publish"], "concord build"), (["findings"], "concord publish"), (["plan"], "publish")):
        assert_message(empty.concord(*command), 1, word)


def test_a_traceback_only_on_request(site: Site) -> None:
    broken = connect(site, "connections: {}")
    assert "Traceback" not in broken.concord("connections").all
    assert "Traceback" in broken.concord("--debug", "connections").err

"""Landing to warehouse by one dbt invocation in process, and the manifest that describes it.

Belongs here: dbt's variables, when a rebuild from scratch is due, and what its failures mean to a user. What the tables hold is SQL.
"""

from __future__ import annotations

import csv
import fcntl
import gc
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from concord.connections import Connection
from concord.errors import ConcordError, UsageError, first_line
from concord.settings import PROJECT, Settings, quiet_libraries
from transform.crosswalk_seen import TABLE as SEEN
from transform.generate import DBT_PROJECT, FILE_DROP, load_conformed, load_entities
from transform.operations import laid_down
from transform.rates import check_rates, check_reporting_currency, rates_digest

OVERRIDES = DBT_PROJECT / "seeds" / "crosswalk_overrides.csv"
MATCHER = PROJECT / "identity"
_OVERRIDE_COLUMNS = ["action", "connection", "native_id", "golden_id", "decided_by", "decided_at", "reason"]
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOAD_FILE = re.compile(r"(\d+\.\d+)\.")
_LOAD_RECORD = re.compile(r"__(\d+\.\d+)\.jsonl$")
_MOST_SHOWN = 5
# where things lie and what has landed: no model's place in the graph and no configuration hangs on these
_ONLY_RUN = frozenset({"landing", "landed", "operations", "warehouse", "temp_directory", "exchange_rates", "memory_limit"})
_KEPT_SECONDS = 7 * 86_400


@dataclass(frozen=True)
class NodeResult:
    """One model, seed or test of a build. `failures`: rows that a test found; `owner`: role that has to look."""

    unique_id: str
    name: str
    kind: str  # model, seed, test
    status: str  # success, pass, warn, fail, error, skipped
    seconds: float
    message: str = ""
    failures: int = 0
    is_blocking: bool = False
    group: str = ""
    owner: str = ""

    @property
    def failed(self) -> bool:
        return self.status in ("error", "fail", "runtime error")


@dataclass(frozen=True)
class BuildResult:
    nodes: tuple[NodeResult, ...]
    seconds: float
    full_refresh: bool
    manifest: Path

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        return tuple(node for node in self.nodes if node.failed)

    @property
    def warned(self) -> tuple[NodeResult, ...]:
        return tuple(node for node in self.nodes if node.status == "warn")

    def count(self, kind: str) -> int:
        return sum(1 for node in self.nodes if node.kind == kind and node.status != "skipped")


class BuildError(ConcordError):
    """Models or blocking tests failed; `result` holds every node's outcome."""

    def __init__(self, what: str, result: BuildResult, *, where: str = "", mend: str = "") -> None:
        self.result = result
        super().__init__(what, where=where, mend=mend)


def build(
    settings: Settings,
    connections: Mapping[str, Connection],
    *,
    select: str | Sequence[str] | None = None,
    full_refresh: bool = False,
    on_event: Callable[[NodeResult], None] | None = None,
) -> BuildResult:
    """Seeds, models and their tests, in dependency order. `on_event` is called as each node ends.

    Incremental unless asked otherwise, or unless the project, the connections or the landing folder are not those of the last build.
    Where no data landed for a table since then, its staging and what hangs on it alone are left as they are.
    Raises UsageError for a malformed override file or contract, BuildError when a model or a blocking test fails, ConcordError for a locked warehouse.
    """
    check_overrides(overrides_file(settings))
    check_rates(settings.exchange_rates)
    check_reporting_currency(settings.reporting_currency)
    load_entities()
    settings.home.mkdir(parents=True, exist_ok=True)
    check_unlocked(settings.warehouse)
    state = _state(settings, connections)
    full_refresh = full_refresh or not _continues(settings, state)
    arguments = ["build"]
    everything = select is None
    if full_refresh:
        arguments.append("--full-refresh")
    elif everything:
        select = _due(_built(settings), state)
    if select:
        arguments += ["--select", *([select] if isinstance(select, str) else select)]
    if not everything:
        if "DBT_INDIRECT_SELECTION" not in os.environ:  # what else a test looks at may never have been built
            arguments += ["--indirect-selection", "buildable"]
    elif select and (vendors := sorted({*state["systems"].values()} - {FILE_DROP})):
        # a view says what it said when the project, the connections and the seeds are the same; those of a system have no tests, which dbt would leave out too
        arguments += ["--exclude", *(f"config.materialized:view,path:models/conformed/{system}" for system in vendors)]
    begun = time.monotonic()
    _unfinished_path(settings).touch()
    with landing_kept(settings, connections):
        variables = dbt_vars(settings, connections)
        nodes, problem = invoke_dbt(settings, arguments, variables, on_event)
    result = BuildResult(nodes=nodes, seconds=time.monotonic() - begun, full_refresh=full_refresh, manifest=_manifest_path(settings, variables))
    if problem:
        raise BuildError(problem, result, where=settings.warehouse.name, mend="Mend what it names and build again.")
    if everything and not any(node.failed and node.kind != "test" for node in nodes):
        _state_path(settings).write_text(json.dumps(state))
    if not result.failed:
        _unfinished_path(settings).unlink(missing_ok=True)
    if full_refresh and everything and not result.failed:
        _drop_leftovers(settings, result.manifest)
    if result.failed:
        raise BuildError(explain(result.failed), result, where=settings.warehouse.name, mend="Nothing was published; build again when it is mended.")
    return result


def manifest(settings: Settings, connections: Mapping[str, Connection]) -> Path:
    """The project's manifest.json, parsed once for each state of the project's files and of what its graph hangs on."""
    variables = dbt_vars(settings, connections)
    wanted = _manifest_path(settings, variables)
    if not wanted.exists():
        settings.dbt_target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="parse-", dir=settings.dbt_target) as folder:  # another process may parse at the same time
            invoke_dbt(settings, ["parse"], variables, None, Path(folder))
            _keep_manifest(Path(folder), wanted)
        if not wanted.exists():
            raise ConcordError("dbt could not parse the project.", where=str(DBT_PROJECT), mend="Run `concord build` to see why.")
    return wanted


def dbt_vars(settings: Settings, connections: Mapping[str, Connection]) -> dict[str, Any]:
    """The variables that every dbt call on this installation needs."""
    systems: dict[str, list[str]] = {}
    landed: dict[str, list[str]] = {}
    for name, connection in sorted(connections.items()):
        systems.setdefault(connection.system, []).append(name)
        folder = settings.landing / name
        # a connection of which no load has completed has nothing that counts
        if any((folder / "_dlt_loads").glob("*.jsonl")):
            landed[name] = sorted(each.name for each in folder.iterdir() if each.is_dir() and _holds_files(each))
    freshness = {name: int(connection.freshness.total_seconds()) for name, connection in sorted(connections.items())}
    roles = {name: connection.role for name, connection in sorted(connections.items())}
    return {
        "landing": str(settings.landing), "warehouse": str(settings.warehouse), "temp_directory": str(settings.home / "duckdb_temp"),
        "connections": systems, "landed": landed, "freshness": freshness, "roles": roles, "drops": drop_tables(connections),
        "regions": {name: connection.region for name, connection in sorted(connections.items()) if connection.region},
        "legal_entities": {
            name: connection.legal_entities[0] for name, connection in sorted(connections.items()) if len(connection.legal_entities) == 1},
        "operations": sorted(laid_down(settings.landing)),
        "reporting_currency": settings.reporting_currency,
        "baseline_minutes": settings.baseline_minutes,
        "exchange_rates": str(settings.exchange_rates) if settings.exchange_rates.exists() else "",
        "identity_model": str(settings.identity_model) if settings.identity_model.exists() else "",
        "identity_model_digest": _digest_of(settings.identity_model),
        **({"memory_limit": settings.memory_limit} if settings.memory_limit else {}),
    }


def _digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else ""


def drop_tables(connections: Mapping[str, Connection]) -> dict[str, Any]:
    """connection -> table -> {columns, key, becomes} of every file drop, for the conformed models.

    Raises UsageError naming the drop's file, the field and the mend for an entity or column that the warehouse does not know.
    """
    shapes: dict[str, dict[str, str]] | None = None
    found: dict[str, Any] = {}
    for name, connection in sorted(connections.items()):
        if connection.system != FILE_DROP:
            continue
        from ingestion.filedrop.form import drop_of  # pydantic forms: only an installation with a drop pays for them
        from ingestion.run import system_of

        (drop, _), system = drop_of(connection), system_of(connection)
        shapes = shapes or load_conformed()
        for table, form in drop.tables.items():
            for entity, becomes in form.becomes.items():
                where, field = f"drops/{drop.drop}.yml", f"tables.{table}.becomes.{entity}"
                if entity not in shapes:
                    raise UsageError("is no entity.", where=where, field=field, mend=f"Known: {', '.join(sorted(shapes))}.")
                for column in sorted({column for way in becomes for column in way.columns}):
                    if column not in shapes[entity]:
                        raise UsageError("is no column of it.", where=where, field=f"{field}.columns.{column}",
                                         mend=f"Known: {', '.join(shapes[entity])}.")
        found[name] = {
            table: {
                "columns": {column: kind.type for column, kind in system.resources[table].columns.items()}, "key": list(form.key),
                "becomes": {entity: [way.model_dump(mode="json") for way in ways] for entity, ways in form.becomes.items()}}
            for table, form in drop.tables.items()}
    return found


def overrides_file(settings: Settings) -> Path:
    """The installation's own decisions about identity, or the project's seed, which holds none."""
    return settings.overrides if settings.overrides.exists() else OVERRIDES


def check_overrides(path: Path) -> None:
    """Raises UsageError naming line and column of the first thing in the steward's file that does not fit."""
    where = f"{'seeds/' if path.parent.name == 'seeds' else ''}{path.name}"
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))  # -sig: as Excel saves it
    except FileNotFoundError:
        raise UsageError("there is no such file.", where=where, mend=f"Make it with the header {','.join(_OVERRIDE_COLUMNS)}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"is not a UTF-8 CSV file ({error}).", where=where) from None
    if not rows or rows[0] != _OVERRIDE_COLUMNS:
        raise UsageError("has another header.", where=where, field="line 1", mend=f"It must read {','.join(_OVERRIDE_COLUMNS)}.")
    for number, row in enumerate(rows[1:], start=2):
        line = f"line {number}"
        if len(row) != len(_OVERRIDE_COLUMNS):
            raise UsageError(f"has {len(row)} values instead of {len(_OVERRIDE_COLUMNS)}.", where=where, field=line, mend="Quote values with commas.")
        told = dict(zip(_OVERRIDE_COLUMNS, row, strict=True))
        for column in _OVERRIDE_COLUMNS:
            if not told[column].strip():
                raise UsageError("is empty.", where=where, field=f"{line}: {column}", mend="Every decision states all seven values.")
        if told["action"] not in ("merge", "split", "link"):
            raise UsageError(f"{told['action']!r} is no action.", where=where, field=f"{line}: action", mend="Write merge, split or link.")
        if not _UUID.fullmatch(told["golden_id"]):
            raise UsageError(f"{told['golden_id']!r} is no golden id.", where=where, field=f"{line}: golden_id",
                             mend="Copy customer_id from the crosswalk.")
        try:
            datetime.fromisoformat(told["decided_at"])
        except ValueError:
            raise UsageError(f"{told['decided_at']!r} is no time.", where=where, field=f"{line}: decided_at",
                             mend="Write it like 2026-01-31T12:00:00.") from None


def check_unlocked(warehouse: Path) -> None:
    """Raises ConcordError naming the holder when another process has the warehouse open."""
    if not warehouse.exists():
        return
    try:
        duckdb.connect(str(warehouse)).close()
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise ConcordError(f"cannot be opened ({first_line(error)}).", where=str(warehouse),
                               mend="Delete the file and build again: it is rebuilt from landing.") from None
        holder = re.search(r"held in (.+?) \(PID (\d+)\)", str(error))
        by = f"process {holder[2]} ({holder[1]})" if holder else "another process"
        raise ConcordError(f"is locked by {by}.", where=str(warehouse), mend="Wait for it or end it; read `published.duckdb` meanwhile.") from None
    except duckdb.Error as error:
        raise ConcordError(f"cannot be opened ({first_line(error)}).", where=str(warehouse),
                           mend="Close other connections of this process, or delete the file and build again.") from None


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Garbage is collected seldom: dbt keeps nearly all that it makes, and looking through it again and again takes one second in twenty."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_rarely_collected()
def invoke_dbt(
    settings: Settings, arguments: list[str], variables: Mapping[str, Any], on_event: Callable[[NodeResult], None] | None,
    target: Path | None = None,
) -> tuple[tuple[NodeResult, ...], str]:
    """Run dbt once. Returns the nodes' outcomes, and what is wrong where dbt could not even start them."""
    quiet_libraries()
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # seconds to import
    from dbt.cli.main import dbtRunner

    Path(str(variables["temp_directory"])).mkdir(parents=True, exist_ok=True)
    project = _connected_project(settings, variables)
    common = [
        "--project-dir", str(project), "--profiles-dir", str(DBT_PROJECT), "--target-path", str(target or _target(settings)),
        "--log-path", str(settings.home / "logs"), "--vars", json.dumps(variables),
    ]
    flags = ["--quiet", "--no-use-colors", "--no-version-check", "--no-send-anonymous-usage-stats", "--log-level", "none", "--log-level-file", "none"]
    wanted = _manifest_path(settings, variables)
    known = None
    if arguments[0] == "build" and target is None and wanted.exists():
        flags.append("--no-write-json")  # seconds for files that are there already or that nobody reads
        known = _parsed_project(wanted, project)

    def watch(event: Any) -> None:
        if on_event is not None and event.info.name == "NodeFinished":
            node = event.data.node_info
            on_event(NodeResult(
                unique_id=node.unique_id, name=node.node_name, kind=str(node.resource_type),
                status=str(event.data.run_result.status), seconds=float(event.data.run_result.execution_time),
                message=str(event.data.run_result.message)))

    try:
        outcome = dbtRunner(manifest=known, callbacks=[watch]).invoke([*flags, *arguments, *common])
    finally:
        # dbt keeps the file open for the life of the process; the next reader must not wait for that
        DuckDBConnectionManager.close_all_connections()
    if arguments[0] == "build" and target is None and known is None and outcome.exception is None:
        _keep_manifest(_target(settings), wanted)
    if outcome.exception is not None:
        return (), _first_lines(str(outcome.exception))
    results = getattr(outcome.result, "results", None) or []
    return tuple(_node(each) for each in results), ""


def _node(result: Any) -> NodeResult:
    node = result.node
    meta = dict(getattr(node.config, "meta", None) or {})
    kind = str(node.resource_type)
    return NodeResult(
        unique_id=node.unique_id, name=node.name, kind=kind, status=str(result.status), seconds=float(result.execution_time or 0),
        message=str(result.message or ""), failures=int(result.failures or 0), is_blocking=kind == "test" and bool(meta.get("blocking", True)),
        group=str(getattr(node.config, "group", None) or ""), owner=str(meta.get("owner", "")),
    )


def _drop_leftovers(settings: Settings, manifest: Path) -> None:
    """Tables and views of models that are no more: of a system that was disconnected, or of another version of the project."""
    told = json.loads(manifest.read_text())["nodes"].values()
    known = {node["alias"] for node in told if node["resource_type"] in ("model", "seed")}
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        found = warehouse.sql("select table_name, table_type from information_schema.tables where table_schema = 'main'").fetchall()
        for name, kind in sorted(found, key=lambda entry: entry[1] != "VIEW"):  # views first: they read the tables
            if name not in known:
                warehouse.sql(f"drop {'view' if kind == 'VIEW' else 'table'} if exists \"{name}\"")


def explain(failed: Sequence[NodeResult]) -> str:
    shown = [f"{node.kind} {node.name}: {_first_lines(node.message)}" for node in failed[:_MOST_SHOWN]]
    more = f" and {len(failed) - _MOST_SHOWN} more" if len(failed) > _MOST_SHOWN else ""
    return f"{len(failed)} failed. " + "; ".join(shown) + more + "."


def _first_lines(text: str, most: int = 3) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip() and "compiled code at" not in line]
    traced = next((place for place, line in enumerate(lines) if line.endswith("Traceback (most recent call last):")), None)
    if traced is not None:  # a Python model's error says what went wrong in its last line
        lines = [*lines[:traced], lines[-1]]
    return " ".join(lines[:most]) or "no reason given"


def _holds_files(folder: Path) -> bool:
    return next(folder.glob("*.jsonl" if folder.name == "_dlt_loads" else "*.parquet"), None) is not None


def _connected_project(settings: Settings, variables: Mapping[str, Any]) -> Path:
    """The dbt project without the models and macros of systems that are not connected: links, so that dbt parses no more than it builds.

    They are disabled anyway; but parsing five hundred files takes longer than building what a company of four systems has.
    """
    systems = {*variables["connections"]}
    shapes = {*systems, "concord"}
    wanted: dict[str, Path] = {name: DBT_PROJECT / name for name in ("dbt_project.yml", "tests")}
    for path in sorted((DBT_PROJECT / "macros").rglob("*.sql")):
        if path.parent.name != "landing_schema" or path.stem in shapes:
            wanted[str(path.relative_to(DBT_PROJECT))] = path
    wanted |= {f"seeds/{path.name}": path for path in sorted((DBT_PROJECT / "seeds").iterdir()) if path.is_file()}
    wanted[f"seeds/{OVERRIDES.name}"] = overrides_file(settings)
    for path in sorted((DBT_PROJECT / "models").rglob("*")):  # file by file: dbt follows no link to a folder below its own
        layer, *below = path.relative_to(DBT_PROJECT / "models").parts
        if path.is_file() and path.suffix != ".pyc" and (layer not in ("staging", "conformed") or len(below) == 1 or below[0] in systems):
            wanted[str(path.relative_to(DBT_PROJECT))] = path
    told = "\n".join(f"{name} {path}" for name, path in sorted(wanted.items()))
    folder = settings.dbt_target / f"project-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
    if not folder.exists():
        settings.dbt_target.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="project-", dir=settings.dbt_target))
        for name, path in wanted.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).symlink_to(path)
        try:
            made.rename(folder)
        except OSError:  # another process was faster, with the same links
            shutil.rmtree(made)
    return folder


def _target(settings: Settings) -> Path:
    return settings.dbt_target / "target"


def _manifest_path(settings: Settings, variables: Mapping[str, Any]) -> Path:
    """Named after all that parsing depends on: the project, dbt itself, and every variable but those that only the running SQL asks for."""
    told = json.dumps({name: value for name, value in variables.items() if name not in _ONLY_RUN}, sort_keys=True)
    versions = " ".join(version(package) for package in ("dbt-core", "dbt-adapters", "dbt-duckdb"))
    digest = hashlib.sha256(f"{_project_digest()} {versions} {told}".encode()).hexdigest()[:24]
    return settings.dbt_cache / f"{digest}.json"


def _parsed_project(manifest: Path, project: Path) -> Any:
    """What dbt made of the same project before, in this installation or in another that shares the cache; None where it has to parse."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import SeedNode

    kept = manifest.with_suffix(".msgpack")
    if not kept.exists():
        return None
    parsed = Manifest.from_msgpack(kept.read_bytes())
    for node in parsed.nodes.values():
        if isinstance(node, SeedNode):  # read where it lay when it was parsed; a steward's decisions lie with the installation
            node.root_path = str(project)
    parsed.build_flat_graph()  # `graph` in macros; dbt does this after it has parsed
    return parsed


def _keep_manifest(target: Path, wanted: Path) -> None:
    """Copies of what dbt parsed, under the name of the project's state; states that nobody has made for a week are of no use."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for made, kept in ((target / "partial_parse.msgpack", wanted.with_suffix(".msgpack")), (target / "manifest.json", wanted)):
        if made.exists() and not kept.exists():
            partial = kept.with_suffix(f"{kept.suffix}.{os.getpid()}.partial")
            shutil.copyfile(made, partial)
            partial.replace(kept)
    for older in wanted.parent.iterdir():
        if older.stem != wanted.stem and time.time() - older.stat().st_mtime > _KEPT_SECONDS:
            older.unlink(missing_ok=True)


def _project_digest(*, with_data: bool = True) -> str:
    digest = hashlib.sha256()
    files = [DBT_PROJECT / "dbt_project.yml", DBT_PROJECT / "profiles.yml"]
    files += sorted(path for path in MATCHER.rglob("*") if path.is_file() and path.suffix != ".pyc")  # what pairs are worth
    for folder, pattern in (("models", "*"), ("macros", "*.sql"), ("tests", "*.sql"), ("seeds", "*")):
        files += sorted(path for path in (DBT_PROJECT / folder).rglob(pattern) if path.is_file() and path.suffix != ".pyc")
    for path in files:
        if path.suffix == ".csv" and not with_data:
            continue
        digest.update(str(path.relative_to(PROJECT if MATCHER in path.parents else DBT_PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _unfinished_path(settings: Settings) -> Path:
    """There while a build is under way, or after one that was broken off or failed: tables of two builds stand side by side then."""
    return settings.warehouse.with_name(f"{settings.warehouse.name}.unfinished")


def check_finished(settings: Settings) -> None:
    """Raises ConcordError when the last build did not come to a good end."""
    if _unfinished_path(settings).exists():
        raise ConcordError("the last build did not finish.", where=str(settings.warehouse), mend="Run `concord build`; the last good copy stays.")


def _state_path(settings: Settings) -> Path:
    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    return settings.dbt_target / "built.json"


@contextmanager
def landing_kept(settings: Settings, connections: Mapping[str, Connection]) -> Iterator[None]:
    """No compaction while a build reads: it lists files that a compaction would take away. Waits for one that is under way."""
    with ExitStack() as held:
        for name in sorted(connections):
            if (settings.landing / name).is_dir():
                lock = held.enter_context(open(settings.landing / name / ".compaction.lock", "a"))
                fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _state(settings: Settings, connections: Mapping[str, Connection]) -> dict[str, Any]:
    """What an incremental build continues from: the project, the connections, the last load record and the files of each."""
    last, tables = {}, {}
    for name in sorted(connections):
        folder = settings.landing / name
        records = sorted(path.name for path in (folder / "_dlt_loads").glob("*.jsonl"))
        last[name] = records[-1] if records else ""
        completed = {record.removesuffix(".jsonl").rpartition("__")[2] for record in records}
        tables[name] = {
            each.name: _files_digest(each, completed)
            for each in (sorted(folder.iterdir()) if folder.is_dir() else []) if each.is_dir() and not each.name.startswith(("_dlt", "."))
        }
    systems = {name: connection.system for name, connection in sorted(connections.items())}
    return {
        "project": _project_digest(with_data=False), "data": _project_digest(), "landing": str(settings.landing), "last_loads": last,
        "systems": systems, "tables": tables, "drops": drop_tables(connections),
        "vars": {
            name: [connection.role, connection.region, str(connection.freshness), *connection.legal_entities]
            for name, connection in sorted(connections.items())},
        "operations": laid_down(settings.landing),
        "overrides": _digest_of(overrides_file(settings)), "identity_model": _digest_of(settings.identity_model),
        "reporting": [settings.reporting_currency, rates_digest(settings.exchange_rates), settings.baseline_minutes],
    }


def _files_digest(folder: Path, completed: set[str]) -> str:
    """The files that count: those of completed loads (a file is named after its load) and those that a compaction made of such."""
    names = sorted(path.name for path in folder.glob("*.parquet"))
    counted = [name for name in names if (load := _LOAD_FILE.match(name)) is None or load[1] in completed]
    return hashlib.sha256("\n".join(counted).encode()).hexdigest()[:16]


def _built(settings: Settings) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_state_path(settings).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def _due(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str] | None:
    """What an incremental build has to run: the tables with new files and whatever tells the time. None: everything."""
    if any(before.get(name) != now[name] for name in ("data", "systems", "vars", "drops", "reporting")):
        return None
    changed = {
        selected
        for name, tables in now["tables"].items()
        for table, digest in tables.items()
        if not table.startswith("_") and before.get("tables", {}).get(name, {}).get(table) != digest
        for selected in _readers(now["systems"][name], table, now["drops"].get(name, {}))
    }
    for table, mark in now["operations"].items():
        if before.get("operations", {}).get(table) != mark:
            # what was seen of the crosswalk is what the crosswalk already says: only what tells the difference has to look
            changed |= {f"stg_{table}", "crosswalk_change+"} if table == SEEN else {f"stg_{table}+"}
    if before.get("overrides") != now["overrides"]:
        changed.add("crosswalk_overrides+")
    if _year(before.get("last_loads", {})) != _year(now["last_loads"]):
        changed.add("reporting_rate+")
    if before.get("identity_model", "") != now["identity_model"]:
        changed.add("customer_match_input+")
    return ["stg_loads", "stg_audits+", "stg_quarantine+", "stg_schema_observations+", *sorted(changed)]


def _year(last_loads: Mapping[str, str]) -> int:
    """Of the newest load: an id is the second in which it began."""
    begun = [float(found[1]) for record in last_loads.values() if (found := _LOAD_RECORD.search(record))]
    return datetime.fromtimestamp(max(begun, default=0.0), UTC).year


def _readers(system: str, table: str, drop: Mapping[str, Any]) -> list[str]:
    """The selections of what reads a landed table."""
    return [f"{FILE_DROP}__{entity}+" for entity in drop.get(table, {}).get("becomes", {})] if system == FILE_DROP else [f"stg_{system}__{table}+"]


def _continues(settings: Settings, state: Mapping[str, Any]) -> bool:
    before = _built(settings)
    if not settings.warehouse.exists() or (before.get("project"), before.get("landing")) != (state["project"], state["landing"]):
        return False
    last: Mapping[str, str] = before.get("last_loads") or {}
    if set(last) - set(state["last_loads"]):
        return False
    return all(not record or (settings.landing / name / "_dlt_loads" / record).exists() for name, record in last.items())

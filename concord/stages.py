"""The stages of a run, each a function of the installation; the command line and the orchestrator call the same ones.

What belongs here: the order of calls between packages and what one stage hands to the next. What does not: how a stage works.
Heavy libraries are imported by the stage that needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from concord.connections import Connection, SandboxAccount, load_connections
from concord.errors import ConcordError, first_line
from concord.settings import Settings, load_settings

if TYPE_CHECKING:
    import duckdb

    from ingestion.run import IngestResult, ProgressEvent
    from quality.suites import CheckResult
    from reverse_sync.dispatch import ApplyResult
    from reverse_sync.plan import Plan
    from transform.build import BuildResult
    from transform.publish import PublishResult


@dataclass(frozen=True)
class Installation:
    """Settings and connections of one installation; nothing is opened until a stage needs it."""

    settings: Settings

    @cached_property
    def connections(self) -> dict[str, Connection]:
        return load_connections(self.settings.connections_file)

    @property
    def accounts(self) -> dict[str, SandboxAccount]:
        """By connection name. Read each time: the sandbox may have been started since."""
        from concord.sandbox_control import accounts

        served = accounts(self.settings) if any(connection.sandbox for connection in self.connections.values()) else {}
        return {name: served[name] for name, connection in self.connections.items() if connection.sandbox and name in served}


def open_installation() -> Installation:
    return Installation(load_settings())


@dataclass(frozen=True)
class KindReport:
    """The open findings of one kind; exposure by currency."""

    count: int
    severity: str
    exposure: Mapping[str, float]

    @property
    def money(self) -> str:
        return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(self.exposure.items()))


@dataclass(frozen=True)
class QualityReport:
    """What the checks found after a build."""

    checks: Sequence[CheckResult]
    by_kind: Mapping[str, KindReport]
    opened: int
    closed: int
    open: int

    @property
    def blocking(self) -> list[CheckResult]:
        return [check for check in self.checks if check.stops_publish]


def ingest(
    installation: Installation, names: Sequence[str] | None = None, *, resources: Sequence[str] | None = None, full: bool = False,
    keys: Mapping[str, Sequence[Any]] | None = None, progress: Callable[[ProgressEvent], None] | None = None,
) -> list[IngestResult]:
    """Extract from the named connections (all of them where none is named) into the landing."""
    from ingestion.run import ingest as run

    installation.settings.home.mkdir(parents=True, exist_ok=True)
    return run(
        installation.settings, installation.connections, names, resources=resources, full=full, keys=keys,
        accounts=installation.accounts, progress=progress,
    )


def build(
    installation: Installation, *, select: str | None = None, full_refresh: bool = False,
    on_event: Callable[[Any], None] | None = None,
) -> BuildResult:
    """Build the warehouse from the landing and run its tests."""
    from transform.build import build as run

    tell_warehouse(installation)
    return run(installation.settings, installation.connections, select=select, full_refresh=full_refresh, on_event=on_event)


def tell_warehouse(installation: Installation) -> list[str]:
    """Lay down what people decided and what became of our writes, so that the next build counts them; returns the tables that changed."""
    from quality import exceptions
    from quality.ledger import open_ledger
    from reverse_sync import deliveries
    from reverse_sync.store import open_store
    from transform.operations import Published, kept_days, lay_down

    installation.settings.home.mkdir(parents=True, exist_ok=True)
    kept = timedelta(days=kept_days())
    ledger, store = open_ledger(installation.settings.operations_url), open_store(installation.settings.operations_url)
    worked, sent = exceptions.mark(ledger), deliveries.delivery_mark(store)
    return lay_down(installation.settings.landing, {
        "exceptions": Published(worked, lambda: exceptions.current(ledger)),
        "exception_events": Published(worked, lambda: exceptions.events(ledger)),
        "deliveries": Published(sent, lambda: deliveries.deliveries(store, kept)),
        "receipts": Published(sent, lambda: deliveries.read_backs(store, kept)),
    })


def check(installation: Installation) -> QualityReport:
    """Run the suites, bring the ledger of findings and the exceptions that people work on up to date, and send the alerts.

    Raises ConcordError when there is no warehouse, when a build has it open, or when it is damaged.
    """
    from quality import exceptions
    from quality.alerts import compose, compose_checks, send
    from quality.ledger import open_ledger, record
    from quality.suites import run_suites

    at = datetime.now(UTC)
    with _warehouse(installation.settings.warehouse) as warehouse:
        checks = run_suites(warehouse)
        drift = warehouse.sql("select * from drift").pl().to_dicts()
        names = dict(warehouse.sql("select customer_id, name from customer").fetchall())
        reconciled = warehouse.sql("select * from reconciliation_exception").pl().to_dicts()
    ledger = open_ledger(installation.settings.operations_url)
    changes = record(ledger, drift, at)
    found = exceptions.from_drift(drift, names)
    exceptions.record(ledger, [*found, *exceptions.from_reconciliation(reconciled, found)], at)
    send(compose(changes, at) + compose_checks(checks, at), installation.settings.alerts)
    return QualityReport(checks, _by_kind(drift), len(changes.opened) + len(changes.reopened), len(changes.closed), len(drift))


def _warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    if not path.exists():
        raise ConcordError("is not there.", where=str(path), mend="Build it with `concord build`.")
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        locked = "lock" in str(error)
        raise ConcordError(
            f"cannot be read ({first_line(error)}).", where=str(path),
            mend="Wait for the build that has it open." if locked else "Delete the file and build again: it is rebuilt from landing.",
        ) from None


def _by_kind(drift: Sequence[Mapping[str, Any]]) -> dict[str, KindReport]:
    rank = ["warn", "error", "critical"]
    kinds: dict[str, KindReport] = {}
    for drift_id in sorted({str(row["drift_id"]) for row in drift}, key=lambda name: int(name[1:])):
        rows = [row for row in drift if row["drift_id"] == drift_id]
        exposure: dict[str, float] = {}
        for row in rows:
            if row["exposure"] is not None and row["currency"]:
                exposure[row["currency"]] = exposure.get(row["currency"], 0.0) + float(row["exposure"])
        kinds[drift_id] = KindReport(len(rows), max((row["severity"] for row in rows), key=rank.index), exposure)
    return kinds


def publish(installation: Installation, report: QualityReport | None = None) -> PublishResult:
    """Swap the checked warehouse in for readers.

    Raises ConcordError when a blocking check failed; the published copy then stays as it was.
    """
    from transform.crosswalk_seen import remember_crosswalk
    from transform.publish import publish as run

    if report is not None and report.blocking:
        names = ", ".join(f"{check.table}.{check.name}" for check in report.blocking)
        raise ConcordError(f"not published: blocking checks failed ({names}).", mend="Look at `concord check`; the last good copy stays.")
    result = run(installation.settings)
    remember_crosswalk(installation.settings.landing, installation.settings.published)
    return result


def plan(installation: Installation, *, preview: bool = False) -> Plan:
    """Write what the targets should hold and do not into the outbox (with `preview` only show it); sends nothing."""
    from reverse_sync.plan import ChangeCap
    from reverse_sync.plan import plan as run
    from reverse_sync.store import open_store

    stops = _push_stops(installation)
    store = open_store(installation.settings.operations_url)
    return run(installation.settings.published, store, installation.connections, cap=ChangeCap(), stop=stops, preview=preview)


def apply(
    installation: Installation, *, dry_run: bool = False, progress: Callable[[Any], None] | None = None, limit: int | None = None
) -> ApplyResult:
    """Send what the outbox holds, read it back, and keep the receipts."""
    from reverse_sync.dispatch import apply as run
    from reverse_sync.store import open_store

    store = open_store(installation.settings.operations_url)
    return run(store, installation.connections, installation.accounts, dry_run=dry_run, progress=progress, limit=limit)


def _push_stops(installation: Installation) -> dict[str, str]:
    from quality.gates import push_stops
    from transform.publish import read_published

    with read_published(installation.settings) as published:
        return push_stops(published, installation.connections)


def read_back(installation: Installation) -> list[IngestResult]:
    """Read the records whose receipts are newer than what was last seen of them again, by id, and land them.

    Exports may withhold the newest changes (Zendesk: a minute); a read by id does not.
    """
    from reverse_sync.store import last_receipts, open_store
    from reverse_sync.targets import targets
    from reverse_sync.values import moment
    from transform.publish import read_published

    store = open_store(installation.settings.operations_url)
    wanted: dict[str, dict[str, list[str]]] = {}
    with read_published(installation.settings) as published, store.reading() as receipts:
        systems = {connection.system for connection in installation.connections.values()}
        for target in (one for one in targets() if one.system in systems):
            seen = published.sql(f"select connection, record_id, observed_version from {target.table}").fetchall()
            for name in {row[0] for row in seen} & installation.connections.keys():
                versions = {record: moment(version) for connection, record, version in seen if connection == name}
                for record, receipt in last_receipts(receipts, name, target.object).items():
                    written, observed = moment(receipt.version), versions.get(record)
                    if receipt.written and record in versions and (written is None or observed is None or written > observed):
                        wanted.setdefault(name, {}).setdefault(target.resource, []).append(record)
    return [result for name, keys in sorted(wanted.items()) for result in ingest(installation, [name], keys=keys)]


class Observer(Protocol):
    """Who watches a run: a terminal's progress bars, or nobody. `stage` is the name of the function in this module."""

    def progress(self, stage: str, event: Any) -> None: ...

    def finished(self, stage: str, result: Any) -> None: ...


class Unwatched:
    """An observer for runs that only the orchestrator's own log follows."""

    def progress(self, stage: str, event: Any) -> None:
        return

    def finished(self, stage: str, result: Any) -> None:
        return

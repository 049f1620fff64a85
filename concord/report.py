"""What a run says on a terminal: progress while it works, and a report that a finance director would understand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from concord.sandbox_control import ensure_running, truth
from concord.stages import Installation, QualityReport
from quality.kinds import kind_names
from quality.ledger import history, open_ledger
from quality.score import KindScore, score, score_exceptions

if TYPE_CHECKING:
    from ingestion.run import IngestResult
    from reverse_sync.dispatch import ApplyResult
    from reverse_sync.plan import Plan


class Watcher(AbstractContextManager["Watcher"]):
    """Progress bars on a terminal, nothing elsewhere; keeps the results of the stages that it saw finish."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}
        self.results: dict[str, list[Any]] = {}

    def __enter__(self) -> Watcher:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bars.stop()

    def progress(self, stage: str, event: Any) -> None:
        if stage == "ingest":
            note = f"waiting {event.seconds:.0f} s for its limits" if event.kind == "wait" else event.resource
            self._show(f"read {event.connection}", self._count(f"read {event.connection}", event.rows), None, note)
        elif stage == "build":
            self._show("build the warehouse", self._count("build", 1), None, event.name)
        elif stage == "apply":
            self._show(f"write to {event.connection}", event.done, event.total, event.note)

    def finished(self, stage: str, result: Any) -> None:
        self.results.setdefault(stage, []).append(result)
        for task in self._tasks.values():
            self._bars.remove_task(task)
        self._tasks.clear()
        self._done.clear()

    def _count(self, name: str, more: int) -> int:
        self._done[name] = self._done.get(name, 0) + more
        return self._done[name]

    def _show(self, name: str, done: int, total: int | None, note: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, note=note)
        self._bars.update(self._tasks[name], completed=done, total=total, note=note)


@dataclass
class PassReport:
    """One pass of the main job, as the watcher saw it."""

    number: int
    run_id: str
    seconds: float
    ingested: Sequence[IngestResult] = ()
    quality: QualityReport | None = None
    plan: Plan | None = None
    applied: ApplyResult | None = None
    customers: dict[str, int] = field(default_factory=dict)


def full_run(
    installation: Installation, console: Console, *, seed: int = 7, scale: float = 1.0, faults: Path | None = None, passes: int = 2
) -> list[PassReport]:
    """Run the main job `passes` times and print the report. Starts the sandbox first where a connection needs it."""
    started = time.monotonic()
    with console.status("starting the sandbox") if console.is_terminal else nullcontext():
        sandbox = ensure_running(
            installation.settings, installation.connections.values(), seed=seed, scale=scale, faults=faults
        )
    if sandbox:
        world = "real data sets" if installation.settings.data else "generated data"
        served = ", ".join(sorted({connection.system for connection in installation.connections.values() if connection.sandbox}))
        console.print(f"Sandbox: {served} on this machine, showing a company made of {world} (seed {seed}).", highlight=False)
    from orchestration.run import run_main_job

    reports = []
    for number in range(1, passes + 1):
        report = _one_pass(installation, console, number, run_main_job)
        reports.append(report)
        _print_pass(report, reports[0], console)
    if sandbox:
        print_score(score_now(installation), console)
    console.print(
        f"Done in {time.monotonic() - started:.0f} s. Look further: make ui, concord findings, concord sql \"select * from"
        ' customer_financial_profile limit 10".', highlight=False, soft_wrap=True,
    )
    return reports


def _one_pass(installation: Installation, console: Console, number: int, run_main_job: Any) -> PassReport:
    begin = time.monotonic()
    with Watcher(console) as watcher:
        run_id = run_main_job(installation, watcher)
    seen = watcher.results
    return PassReport(
        number=number, run_id=run_id, seconds=time.monotonic() - begin, ingested=seen.get("ingest", []),
        quality=seen.get("check", [None])[-1], plan=seen.get("plan", [None])[-1], applied=seen.get("apply", [None])[-1],
        customers=_customers(installation),
    )


def _customers(installation: Installation) -> dict[str, int]:
    from transform.publish import read_published

    with read_published(installation.settings) as published:
        row = published.sql(
            "select (select count(distinct customer_id) from crosswalk), (select count(*) from crosswalk),"
            " (select count(*) from crosswalk_review), (select count(*) from crosswalk_unmatched)"
        ).fetchone()
    return dict(zip(("customers", "records", "review", "unmatched"), row or (0, 0, 0, 0), strict=True))


def _print_pass(report: PassReport, first: PassReport, console: Console) -> None:
    title = "First pass" if report.number == 1 else f"Pass {report.number}: the same again, to see what healed"
    console.rule(f"{title} ({report.seconds:.1f} s)", align="left")
    read = _table("Read from each system", ["connection", "rows read", "left in quarantine", "complete", "seconds"])
    for row in ingest_rows(report.ingested):
        read.add_row(*(str(row[name]) for name in ("connection", "rows", "quarantined", "complete", "seconds")))
    console.print(read)
    counts = report.customers
    console.print(
        f"Customers: {counts['records']} records in all systems are {counts['customers']} customers; "
        f"{counts['review']} left for review, {counts['unmatched']} without a match.", highlight=False,
    )
    if report.quality:
        _print_findings(report, first, console)
        failed = [check for check in report.quality.checks if not check.passed]
        console.print(f"Checks: {len(report.quality.checks) - len(failed)} of {len(report.quality.checks)} expectations met.", highlight=False)
        for check in failed:
            console.print(f"  {check.severity}: {check.table}.{check.name} {dict(check.observed)}", highlight=False, markup=False)
    if report.applied is not None:
        rows = apply_rows(report.applied)
        if report.plan is not None:
            for target in report.plan.targets:
                if why := target.stopped or target.unsent:
                    console.print(f"Nothing is written to {target.connection} ({target.object}): {why}", highlight=False, markup=False)
            if held := report.plan.count("held"):
                console.print(f"{held} writes are held for approval: concord outbox list --state held", highlight=False)
        if any(row["sent"] or row["dead"] or row["left"] for row in rows):
            columns = ["connection", "sent", "verified", "dead", "left"]
            writes = _table("Written back", columns)
            for row in rows:
                writes.add_row(*(str(row[name]) for name in columns))
            console.print(writes)
        else:
            console.print("Written back: zero writes; the targets already hold what their owners say.", highlight=False)


def _print_findings(report: PassReport, first: PassReport, console: Console) -> None:
    assert report.quality is not None
    before = first.quality.by_kind if first.quality and report is not first else {}
    columns = ["finding", "open", "severity", "money at risk"]
    table = _table("Where the systems contradict each other", columns if report is first else [*columns, "healed since"])
    for drift_id in sorted(set(report.quality.by_kind) | set(before), key=lambda name: int(name[1:])):
        now, then = report.quality.by_kind.get(drift_id), before.get(drift_id)
        cells = [
            f"{drift_id} {kind_names().get(drift_id, '')}", str(now.count if now else 0), now.severity if now else "",
            now.money if now else "",
        ]
        if report is not first:
            healed = (then.count if then else 0) - (now.count if now else 0)
            cells.append(str(healed) if healed > 0 else "")
        table.add_row(*cells)
    console.print(table)


def print_score(scores: Sequence[KindScore], console: Console) -> None:
    console.rule("Score: findings against the faults that the sandbox planted", align="left")
    table = _table(None, ["finding", "planted", "found", "raised", "right", "precision", "recall"])
    for row in score_rows(scores):
        table.add_row(*("" if value is None else str(value) for value in list(row.values())[:7]))
    console.print(table)
    for kind in scores:
        for text in kind.missed[:5]:
            console.print(f"  missed {kind.drift_id}: {text}", highlight=False, markup=False)
        for text in kind.false_alarms[:5]:
            console.print(f"  false alarm {kind.drift_id}: {text}", highlight=False, markup=False)


def ingest_rows(results: Sequence[IngestResult]) -> list[dict[str, Any]]:
    return [
        {
            "connection": result.connection, "rows": result.total, "quarantined": sum(result.quarantined.values()),
            "complete": _completeness(result), "requests": result.requests, "waited": round(result.wait_seconds, 1),
            "seconds": round(result.seconds, 1),
        }
        for result in results
    ]


def _completeness(result: IngestResult) -> str:
    if result.error is not None:
        return "failed"
    if result.stopped:
        return f"quota spent, goes on next time: {result.stopped}"
    if result.failed:
        return "not allowed: " + ", ".join(sorted(result.failed))
    missing = [audit.resource for audit in result.audits if not audit.is_complete]
    return "no: " + ", ".join(missing) if missing else "yes"


def score_now(installation: Installation) -> list[KindScore]:
    """Score every finding and every reconciliation exception ever opened here against the sandbox's truth log."""
    from quality.exceptions import Filter, listed
    from quality.store import STATES
    from transform.publish import read_published

    with read_published(installation.settings) as published:
        row = published.sql("select max(as_of) from drift").fetchone()
    as_of = row[0].replace(tzinfo=UTC) if row and row[0] is not None else datetime.now(UTC)
    planted, ledger = truth(installation.settings), open_ledger(installation.settings.operations_url)
    worked = [row for row in listed(ledger, Filter(states=STATES)) if row["source"] == "reconciliation"]
    return [*score(planted, history(ledger), as_of), *score_exceptions(planted, worked)]


def score_rows(scores: Sequence[KindScore]) -> list[dict[str, Any]]:
    return [
        {
            "finding": f"{kind.drift_id} {kind_names().get(kind.drift_id, 'exceptions')}", "planted": kind.planted, "found": kind.found,
            "raised": kind.raised, "right": kind.right, "precision": _share(kind.precision), "recall": _share(kind.recall),
            "missed": list(kind.missed), "false_alarms": list(kind.false_alarms),
        }
        for kind in scores
    ]


def _share(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(Decimal("0.001"))


def plan_rows(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "connection": target.connection, "object": target.object, "records": target.rows, "unchanged": target.unchanged,
            "to write": target.count("pending"), "held": target.count("held"), "on its way": target.count("on_its_way"),
            "no preview": len(target.unreadable), "not sent because": target.stopped or target.unsent or "",
        }
        for target in plan.targets
    ]


def apply_rows(result: ApplyResult) -> list[dict[str, Any]]:
    return [
        {
            "connection": part.connection, "due": part.due, "sent": part.sent, "verified": part.verified,
            "already held": part.already_held, "dead": part.dead_letters, "left": part.left,
            "note": part.unsent or part.error or "",
        }
        for part in result.connections
    ]


def _table(title: str | None, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in columns:
        numeric = name in {"rows read", "left in quarantine", "seconds", "open", "planted", "found", "raised", "right", "sent", "verified"}
        table.add_column(name, justify="right" if numeric else "left")
    return table



"""The command line: one command a stage, `run` for all of it. Prints for people; `--json` prints for scripts."""

from __future__ import annotations

import getpass
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import dotenv
import stamina
import typer
from rich.console import Console
from rich.text import Text

from concord.errors import ConcordError, UsageError
from concord.exception_commands import exceptions_app
from concord.explain_commands import explain_app
from concord.figures import money
from concord.kpi_commands import kpis
from concord.printing import Json, out
from concord.printing import show as _show
from concord.settings import PROJECT, quiet_libraries
from concord.spark_commands import spark_app
from concord.stages import Installation, open_installation
from concord.steward_commands import identity_app

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Keeps ERP, CRM, billing and support systems in agreement."
)
sandbox_app = typer.Typer(no_args_is_help=True, help="The stand-in vendors on this machine.")
connections_app = typer.Typer(invoke_without_command=True, help="The connected systems.")
outbox_app = typer.Typer(no_args_is_help=True, help="The writes to other systems.")
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(connections_app, name="connections")
app.add_typer(outbox_app, name="outbox")
app.add_typer(exceptions_app, name="exceptions")
app.command()(kpis)
app.add_typer(explain_app, name="explain")
app.add_typer(identity_app, name="identity")
app.add_typer(spark_app, name="spark")

err = Console(stderr=True)


@app.callback()
def options(
    context: typer.Context, debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False
) -> None:
    context.obj = open_installation() if context.invoked_subcommand else None


def main() -> None:
    """Entry point: a failure is one clear message; exit code 2 for wrong usage, 1 for a failure."""
    dotenv.load_dotenv(PROJECT / ".env")
    stamina.instrumentation.set_on_retry_hooks([])  # waits are shown as progress, not as log lines
    quiet_libraries()
    debug = "--debug" in sys.argv
    try:
        app()
    except ConcordError as error:
        if debug:
            traceback.print_exc()
        err.print("[bold red]concord:[/]", Text(str(error)), soft_wrap=True, highlight=False)  # as it is: brackets are no style
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("concord: stopped; the next run continues where this one ended.")
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the last resort: one line, the traceback on request
        if debug:
            traceback.print_exc()
        err.print(
            f"concord: unexpected {type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}",
            "Run it again with `concord --debug ...` for the traceback.", soft_wrap=True, highlight=False, markup=False,
        )
        sys.exit(1)


# --- sandbox ---------------------------------------------------------------------------------------------------------


@sandbox_app.command("serve")
def sandbox_serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Main port; each vendor's own port follows.")] = 8750,
    seed: Annotated[int, typer.Option(help="Another seed is another company.")] = 7,
    scale: Annotated[float, typer.Option(help="1.0 is about 3,000 invoices.")] = 1.0,
    faults: Annotated[Path | None, typer.Option(help="YAML of fault kinds and counts (docs/sandbox.md).")] = None,
    reset: Annotated[bool, typer.Option(help="Forget the world that was served before.")] = False,
) -> None:
    """Serve the vendors until interrupted."""
    from concord.sandbox_control import serve

    serve(context.obj.settings, context.obj.connections.values(), out, port=port, seed=seed, scale=scale, faults=faults, reset=reset)


@sandbox_app.command("stop")
def sandbox_stop(context: typer.Context) -> None:
    """Stop a sandbox that `concord run` left serving."""
    from sandbox.server import stop_background

    stopped = stop_background(context.obj.settings.home)
    out.print("The sandbox has stopped." if stopped else "No sandbox was running.")


@sandbox_app.command("advance")
def sandbox_advance(context: typer.Context, days: Annotated[int, typer.Argument(min=1, help="How many days pass.")]) -> None:
    """Let the sandbox's clock and its company move on."""
    from concord.sandbox_control import advance

    out.print(f"It is now {advance(context.obj.settings, days)} there.")


# --- connections -----------------------------------------------------------------------------------------------------


@connections_app.callback()
def connections(context: typer.Context, json_: Json = False) -> None:
    """List the connections."""
    if context.invoked_subcommand:
        return
    rows = [
        {"connection": c.name, "system": c.system, "role": c.role, "region": c.region, "where": "sandbox" if c.sandbox else c.base_url,
         "pushes": c.applies}
        for c in context.obj.connections.values()
    ]
    _show("Connections", rows, json_)


@connections_app.command("test")
def connections_test(
    context: typer.Context, names: Annotated[list[str] | None, typer.Argument(metavar="[CONNECTION]...")] = None, json_: Json = False,
) -> None:
    """Ask each connection who we are there, what we may read and write, what is left of its quota and how far its clock is off."""
    from concurrent.futures import ThreadPoolExecutor

    from ingestion.status import test_connection

    installation: Installation = context.obj
    _check_names(installation, names)
    accounts = installation.accounts
    chosen = [installation.connections[name] for name in names or installation.connections]
    with ThreadPoolExecutor(len(chosen)) as pool:
        statuses = list(pool.map(lambda connection: test_connection(connection, accounts.get(connection.name)), chosen))
    _show("Connections", [_plain(status) for status in statuses], json_)
    if any(status.problem for status in statuses):
        raise typer.Exit(1)


@connections_app.command("add")
def connections_add(
    context: typer.Context,
    system: Annotated[str | None, typer.Argument(help="The vendor, as a file in ingestion/systems is called.")] = None,
    name: Annotated[str | None, typer.Option(help="What the connection is called; several of one vendor may be connected.")] = None,
    role: Annotated[str | None, typer.Option(help="erp, crm, billing or support; asked only where the vendor has several.")] = None,
    sandbox: Annotated[bool | None, typer.Option("--sandbox/--real", help="The stand-in on this machine, or the real account.")] = None,
    region: Annotated[str | None, typer.Option(help="The region whose customers it serves, as amer, emea, apac.")] = None,
    entity: Annotated[list[str] | None, typer.Option(help="A legal entity that it keeps books for; may be repeated.")] = None,
    setting: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="An account, subdomain or the like; may be repeated.")] = None,
    secret: Annotated[list[str] | None, typer.Option(metavar="NAME=VARIABLE", help="The environment variable of a credential; may be repeated.")] = None,
    auth: Annotated[str | None, typer.Option(help="The login method, where the vendor has several.")] = None,
) -> None:
    """Ask the few questions that a connection needs and write its entry; what is given as an option is not asked."""
    from concord.connections_file import add_entry
    from concord.connections_questions import Given, questions

    given = Given(system, name, role, sandbox, region, entity, _pairs(setting, "--setting"), _pairs(secret, "--secret"), auth)
    path = context.obj.settings.connections_file
    ask = typer.prompt if sys.stdin.isatty() else None
    name, entry = questions(given, ask)
    add_entry(path, name, entry)
    out.print(f"{name} is in {path.name}. Now: `concord connections test {name}`, then `concord run`.", highlight=False)
    if variables := [variable for variable in entry.get("secrets", {}).values()]:
        out.print(f"It takes its secrets from {', '.join(variables)} (put them in .env or the environment).", highlight=False)


@connections_app.command("drop")
def connections_drop(context: typer.Context, name: str) -> None:
    """Disconnect a system. What was landed of it stays on disk; the next build leaves it out."""
    from concord.connections_file import drop_entry

    left = drop_entry(context.obj.settings.connections_file, name)
    out.print(f"{name} is dropped; {', '.join(left)} stay. The next `concord build` leaves it out.", highlight=False)
    if (landed := context.obj.settings.landing / name).exists():
        out.print(f"What was read of it is still in {landed}; delete the folder if it is not wanted.", highlight=False, markup=False)


def _check_names(installation: Installation, names: Sequence[str] | None) -> None:
    for name in names or ():
        if name not in installation.connections:
            raise UsageError(f"no connection is called {name!r}.", where="connections.yml", mend=f"Known: {', '.join(installation.connections)}.")


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    found = {}
    for text in texts or []:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise UsageError(f"{text!r} is not NAME=VALUE.", where=option, mend=f"For example {option} subdomain=acme.")
        found[name.strip()] = value.strip()
    return found


# --- stages ----------------------------------------------------------------------------------------------------------


@app.command()
def ingest(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="[CONNECTION]...")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again and look for deleted records.")] = False,
    json_: Json = False,
) -> None:
    """Extract from the connections into the landing."""
    from concord import stages
    from concord.report import Watcher, ingest_rows

    _check_names(context.obj, names)
    with Watcher(err) as watcher:
        results = stages.ingest(context.obj, names or None, full=full, progress=lambda event: watcher.progress("ingest", event))
    _show("Read", ingest_rows(results), json_)
    failed = [result.error for result in results if result.error is not None]
    for error in failed:
        err.print(f"concord: {error}", soft_wrap=True, highlight=False, markup=False)
    if failed:
        raise typer.Exit(max(error.exit_code for error in failed))


@app.command()
def build(
    context: typer.Context,
    select: Annotated[str | None, typer.Option(help="A dbt selection, for example +drift.")] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Rebuild every table from the landing.")] = False,
    json_: Json = False,
) -> None:
    """Build the warehouse from the landing and run its tests."""
    from concord import stages
    from concord.report import Watcher

    with Watcher(err) as watcher:
        result = stages.build(
            context.obj, select=select, full_refresh=full_refresh, on_event=lambda event: watcher.progress("build", event)
        )
    if select and not any(result.count(kind) for kind in ("model", "seed", "test")):
        raise UsageError(f"{select!r} selects nothing.", where="--select", mend="Name a model, with + before it for all that it is made from: +drift.")
    _show("Built", [{"models": result.count("model"), "seeds": result.count("seed"), "tests": result.count("test"),
                     "warnings": len(result.warned), "from scratch": result.full_refresh, "seconds": round(result.seconds, 1)}], json_)


@app.command()
def check(context: typer.Context, json_: Json = False) -> None:
    """Run the expectation suites, record the findings and send alerts."""
    from concord import stages

    report = stages.check(context.obj)
    rows = [
        {"table": c.table, "check": c.name, "passed": c.passed, "severity": c.severity, "blocking": c.blocking,
         "observed": json.dumps(dict(c.observed), default=str)}
        for c in report.checks
    ]
    _show("Checks", rows, json_)
    if not json_:
        out.print(f"Findings open: {report.open} (new {report.opened}, healed {report.closed}).")
    if report.blocking:
        raise typer.Exit(1)


@app.command()
def publish(context: typer.Context, json_: Json = False) -> None:
    """Run the checks and swap the warehouse in for readers."""
    from concord import stages

    result = stages.publish(context.obj, stages.check(context.obj))
    _show("Published", [_plain(result)], json_)


@app.command()
def plan(
    context: typer.Context,
    preview: Annotated[bool, typer.Option("--preview", help="Queue nothing.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help="List every change with its old and new values.")] = False,
    json_: Json = False,
) -> None:
    """Show and queue the writes that would bring the targets into agreement."""
    from concord import stages
    from concord.report import plan_rows
    from reverse_sync.plan import describe

    result = stages.plan(context.obj, preview=preview)
    if changes:
        _show("Changes", [{"connection": c.connection, "object": c.object, "record": c.record_id, "state": c.outcome,
                           "change": describe(c)} for c in result.changes], json_)
    else:
        _show("Plan", plan_rows(result), json_)


@app.command()
def apply(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing.")] = False,
    limit: Annotated[int | None, typer.Option(min=0, help="Send at most so many.")] = None,
    json_: Json = False,
) -> None:
    """Send the queued writes, read them back, keep the receipts."""
    from concord import stages
    from concord.report import apply_rows

    _show("Applied", apply_rows(stages.apply(context.obj, dry_run=dry_run, limit=limit)), json_)


@app.command()
def run(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Sandbox: another seed is another company.")] = 7,
    scale: Annotated[float, typer.Option(help="Sandbox: size of the company.")] = 1.0,
    faults: Annotated[Path | None, typer.Option(help="Sandbox: YAML of fault kinds and counts.")] = None,
    passes: Annotated[int, typer.Option(min=1, help="How often; the second shows what healed.")] = 2,
) -> None:
    """All of it: extract, build, check, publish, plan, apply; then once more, and the score."""
    from concord.report import full_run

    full_run(context.obj, out, seed=seed, scale=scale, faults=faults, passes=passes)


@app.command()
def prepare(context: typer.Context) -> None:
    """Make the state folders, the orchestrator's database and the parsed models, so that the first run need not."""
    from orchestration.home import prepare as prepare_home
    from transform.build import manifest

    prepare_home(context.obj.settings)
    manifest(context.obj.settings, context.obj.connections)


@app.command()
def ui(
    context: typer.Context, host: str = "127.0.0.1", port: Annotated[int, typer.Option(min=0, max=65_535)] = 3000
) -> None:
    """Serve the Dagster UI with its schedules and sensors."""
    from orchestration.home import serve_ui

    serve_ui(context.obj.settings, host, port)


# --- looking ---------------------------------------------------------------------------------------------------------


@app.command()
def findings(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only one kind, for example D4.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    json_: Json = False,
) -> None:
    """The disagreements now open, the costliest first."""
    from quality.kinds import kind_names
    from transform.publish import read_published

    if kind is not None and (kind := kind.upper()) not in kind_names():
        raise UsageError(f"{kind!r} is no kind of finding.", where="--kind", mend=f"Known: {', '.join(kind_names())}.")
    with read_published(context.obj.settings) as published:
        rows = published.execute(
            'select drift_id, "class", severity, owner_role, left_connection, left_id, right_connection, right_id, field,'
            " left_value, right_value, exposure, currency, since, detail from drift"
            " where ? is null or drift_id = ? order by exposure desc nulls last, finding_id limit ?",
            [kind, kind, limit],
        )
        names = [column[0] for column in rows.description or []]
        found = [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
    _show("Findings", found if json_ else [_finding_line(row) for row in found], json_)


def _finding_line(row: Mapping[str, Any]) -> dict[str, Any]:
    sides = ((row[f"{side}_connection"], row[f"{side}_id"], row[f"{side}_value"]) for side in ("left", "right"))
    return {
        "finding": f"{row['drift_id']} {row['class']}", "severity": row["severity"], "owner": row["owner_role"],
        "at risk": None if row["exposure"] is None else money(row["exposure"], row["currency"]), "since": f"{row['since']:%Y-%m-%d}",
        "field": row["field"],
        "held": "\n".join(
            (f"{connection}:{record}" if record else connection) + (f" = {value}" if value is not None else "") for connection, record, value in sides if connection),
        "what": row["detail"]}


@app.command()
def sql(context: typer.Context, query: str, json_: Json = False) -> None:
    """Query the published tables."""
    import duckdb

    from transform.publish import read_published

    with read_published(context.obj.settings) as published:
        try:
            relation = published.sql(query)
            rows = [] if relation is None else [dict(zip(_apart(relation.columns), row, strict=True)) for row in relation.fetchall()]
        except duckdb.Error as error:
            raise UsageError(f"the query failed: {str(error).strip()}", mend="The tables are listed by `concord sql 'show tables'`.") from None
    _show("", rows, json_)


def _apart(names: Sequence[str]) -> list[str]:
    """Columns of one name as `name`, `name_2`, `name_3`: a join of two tables loses none."""
    told: list[str] = []
    for name in names:
        number, unique = 1, name
        while unique in told or (number > 1 and unique in names):
            number += 1
            unique = f"{name}_{number}"
        told.append(unique)
    return told


@app.command()
def score(context: typer.Context, json_: Json = False) -> None:
    """Precision and recall of every finding so far against the faults that the sandbox planted."""
    from concord.report import print_score, score_now, score_rows

    scores = score_now(context.obj)
    if json_:
        _show("Score", score_rows(scores), json_)
    else:
        print_score(scores, out)


# --- outbox ----------------------------------------------------------------------------------------------------------


State = Annotated[str | None, typer.Option(help="pending, held, dead_letter, ...")]
First = Annotated[int | None, typer.Option("--from", help="First id.")]
Last = Annotated[int | None, typer.Option("--to", help="Last id.")]
Connection = Annotated[str | None, typer.Option(help="Only this connection's.")]


@outbox_app.command("list")
def outbox_list(
    context: typer.Context, state: State = None, connection: Connection = None,
    limit: Annotated[int, typer.Option(min=1)] = 50, json_: Json = False,
) -> None:
    """The writes in the outbox."""
    from reverse_sync.outbox import Selection, entries
    from reverse_sync.store import open_store

    selection = Selection(states=(state,) if state else (), connection=connection)
    rows = [
        {"id": e.id, "connection": e.connection, "object": e.object, "record": e.record_id, "state": e.state,
         "class": e.reason_class or "", "reason": e.reason or "", "owner": e.owner_role or "", "exposure": e.exposure, "currency": e.currency, "fields": e.payload,
         **({"attempts": e.attempts, "reference": e.reference, "not_before": e.not_before} if json_ else {})}
        for e in entries(open_store(context.obj.settings.operations_url), selection, limit=limit)
    ]
    _show("Outbox", rows, json_)


@outbox_app.command("retry")
def outbox_retry(
    context: typer.Context, first: First = None, last: Last = None, state: State = "dead_letter", connection: Connection = None
) -> None:
    """Send dead letters, or waiting writes at once, again."""
    from reverse_sync.outbox import retry

    _decide(context, retry, "will be sent again", first, last, state, connection)


@outbox_app.command("approve")
def outbox_approve(context: typer.Context, first: First = None, last: Last = None, connection: Connection = None) -> None:
    """Release writes that were held for approval."""
    from reverse_sync.outbox import approve

    _decide(context, approve, "approved", first, last, "held", connection)


@outbox_app.command("discard")
def outbox_discard(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")],
    first: First = None,
    last: Last = None,
    state: State = "dead_letter",
    connection: Connection = None,
) -> None:
    """Give writes up; the same change is not planned again."""
    from reverse_sync.outbox import discard

    _decide(context, discard, "discarded", first, last, state, connection, reason=reason)


def _decide(
    context: typer.Context, decision: Callable[..., Any], verb: str, first: int | None, last: int | None, state: str | None,
    connection: str | None, **more: str,
) -> None:
    from reverse_sync.outbox import Selection
    from reverse_sync.store import open_store

    selection = Selection(first=first, last=last, states=(state,) if state else (), connection=connection)
    done = decision(open_store(context.obj.settings.operations_url), selection, who=getpass.getuser(), **more)
    out.print(f"{len(done.changed)} {verb}; {len(done.replaced)} were overtaken by a newer write and closed.")


def _plain(value: Any) -> dict[str, Any]:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else dict(value)

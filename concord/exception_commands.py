"""`concord exceptions`: the disagreements that people work on, and their decisions. How an exception lives is in quality/exceptions.py."""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from concord.errors import UsageError
from concord.printing import Json, out, show

exceptions_app = typer.Typer(invoke_without_command=True, help="The disagreements that people work on.")

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHORT = 10  # characters of an id that a list shows
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids, or beginnings of ids that fit one exception each.")]
Comment = Annotated[str | None, typer.Option("--comment", "-c", help="Why; kept for good.")]
Minutes = Annotated[int | None, typer.Option(min=0, help="Minutes of work spent on it, for the figure of manual reconciliation.")]


@exceptions_app.callback()
def exceptions(
    context: typer.Context,
    domain: Annotated[str | None, typer.Option(help="Only this domain, as invoice, payment, order, credit_status.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this team's.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="open, acknowledged, resolved, accepted, closed or all; may be repeated. All but closed where none is given.")] = None,
    older_than: Annotated[str | None, typer.Option(metavar="DURATION", help="Only what has disagreed for longer, as 4h, 3d or 2w.")] = None,
    over: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Only what puts more than this at risk.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    json_: Json = False,
) -> None:
    """The exceptions that are worked on, the costliest first and of these the oldest."""
    if context.invoked_subcommand:
        return
    from quality.exceptions import Filter, listed
    from quality.store import STATES

    states = tuple(STATES) if state and "all" in state else tuple(state or ())
    which = Filter(domain, owner, states, _duration(older_than), _amount(over), assignee)
    rows = listed(_ledger(context), which)
    if json_:
        show("Exceptions", rows[:limit], True)
        return
    show("Exceptions", [_line(row) for row in rows[:limit]], False)
    if len(rows) > limit:
        out.print(f"{len(rows) - limit} more: --limit {len(rows)}")


@exceptions_app.command("show")
def show_one(context: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID")], json_: Json = False) -> None:
    """One exception: what the systems say, what is at risk, and everything that was done about it."""
    from quality.exceptions import current, events_of, find

    ledger = _ledger(context)
    found = find(ledger, id_)
    row = next(row for row in current(ledger) if row["exception_id"] == found)
    past = events_of(ledger, found)
    if json_:
        show("", [{**row, "events": past}], True)
        return
    show(f"Exception {found}", [{"": name, "value": _plain(row[name])} for name in (
        "state", "domain", "class", "severity", "owner_role", "assignee", "customer_name", "correlation_id", "left_connection", "left_id",
        "left_value", "right_connection", "right_id", "right_value", "exposure", "currency", "since", "as_of", "age", "accepted_until", "detail",
    ) if row[name] is not None], False)
    show("What was done", [
        {"at": f"{event['at']:%Y-%m-%d %H:%M}", "what": event["event"], "who": event["who"], "to": event["to_state"],
         "owner": event["owner_role"], "assignee": event["assignee"], "comment": event["comment"]} for event in past], False)


@exceptions_app.command()
def ack(context: typer.Context, ids: Ids, comment: Comment = None) -> None:
    """Take note: you work on it, unless it has somebody already."""
    _decide(context, ids, "acknowledged", comment=comment)


@exceptions_app.command()
def assign(
    context: typer.Context, ids: Ids, to: Annotated[str | None, typer.Option(help="The person who works on it.")] = None,
    owner: Annotated[str | None, typer.Option(help="The team that owns it from now on, as finance.")] = None, comment: Comment = None,
) -> None:
    """Give it to a person, or hand it to another team (an escalation to finance is `--owner finance`)."""
    _decide(context, ids, "assigned", comment=comment, assignee=to, owner_role=owner)


@exceptions_app.command()
def resolve(context: typer.Context, ids: Ids, comment: Comment = None, minutes: Minutes = None) -> None:
    """Say that the cause is mended. The next read proves it: data that still disagrees opens it again."""
    _decide(context, ids, "resolved", comment=comment, minutes=minutes)


@exceptions_app.command()
def accept(
    context: typer.Context, ids: Ids, comment: Annotated[str, typer.Option("--comment", "-c", help="Why the difference may stay.")],
    until: Annotated[str | None, typer.Option(metavar="DAY", help="The last day, as 2026-12-31; for good where none is given.")] = None,
    minutes: Minutes = None,
) -> None:
    """Leave the difference as it is; it opens again when its values change, when more is at risk, or after its day."""
    _decide(context, ids, "accepted", comment=comment, until=_day(until), minutes=minutes)


@exceptions_app.command()
def reopen(context: typer.Context, ids: Ids, comment: Comment = None) -> None:
    """Take a decision back."""
    _decide(context, ids, "reopened", comment=comment)


@exceptions_app.command("comment")
def comment_(
    context: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID")], text: Annotated[str, typer.Argument()], minutes: Minutes = None
) -> None:
    """Add a remark; its state stays."""
    _decide(context, [id_], "commented", comment=text, minutes=minutes)


def _decide(context: typer.Context, ids: list[str], step: str, **more: Any) -> None:
    from quality.exceptions import decide, find

    ledger = _ledger(context)
    for found in [find(ledger, text) for text in ids]:  # an id that fits nothing stops before anything is decided
        row = decide(ledger, found, step, who=getpass.getuser(), **more)
        out.print(f"{found[:_SHORT]} is {row['state']}; {row['owner_role']}"
                  f"{', ' + row['assignee'] if row['assignee'] else ''}: {row['detail'] or row['class']}", highlight=False, markup=False)


def _ledger(context: typer.Context) -> Any:
    from quality.ledger import open_ledger

    settings = context.obj.settings
    settings.home.mkdir(parents=True, exist_ok=True)
    return open_ledger(settings.operations_url)


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["exception_id"][:_SHORT], "domain": row["domain"], "class": row["class"], "severity": row["severity"], "state": row["state"],
        "owner": row["owner_role"], "assignee": row["assignee"], "exposure": None if row["exposure"] is None else f"{row['exposure']:,.2f}",
        "cur": row["currency"], "age": _age(row["age"]), "detail": row["detail"],
    }


def _age(age: timedelta | None) -> str | None:
    if age is None:
        return None
    if age >= timedelta(days=2):
        return f"{age.days}d"
    hours, rest = divmod(int(age.total_seconds()), 3600)
    return f"{hours}h" if hours else f"{rest // 60}m"


def _plain(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, Decimal) else _age(value) or "" if isinstance(value, timedelta) else str(value)


def _duration(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if match := re.fullmatch(r"(\d{1,6})\s*([mhdw])", text.strip()):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise UsageError(f"{text!r} is not a duration.", where="--older-than", mend="Write a number and m, h, d or w, as 3d.")


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"{text!r} is not an amount.", where="--over", mend="Write it as 1000 or 99.50.")
    return amount


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day.", where="--until", mend="Write it as 2026-12-31.") from None

"""`concord identity review`, `accept`, `reject`, `merge`, `split`, `train`: a data steward's work. Here: arguments and printing.

What a decision may say and where it is kept is in transform/decisions.py; matching files is in concord/identity_commands.py.
"""

from __future__ import annotations

import getpass
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concord.errors import UsageError
from concord.figures import money
from concord.identity_commands import identity_app  # the steward's commands join those that match files
from concord.printing import Json, out, show

if TYPE_CHECKING:
    import duckdb

    from transform.decisions import Action

Record = Annotated[str, typer.Argument(metavar="RECORD", help="connection:id of a record, as `review` shows it.")]
Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="Golden id of a customer, or connection:id of any of its records.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; kept for good.")]
By = Annotated[str | None, typer.Option("--by", help="Who decided, where it is not whoever is logged in.")]
Supersede = Annotated[bool, typer.Option("--supersede", help="An earlier decision that says otherwise was wrong.")]


@identity_app.command("review")
def review(context: typer.Context, limit: Annotated[int, typer.Option(min=1)] = 25, json_: Json = False) -> None:
    """The records whose customer is not certain, the costliest first."""
    from transform.publish import read_published

    with read_published(context.obj.settings) as warehouse:
        order = "max(at_risk) over (partition by record_key) desc, max(invoiced_amount) over (partition by record_key) desc, record_key, score desc"
        found = warehouse.sql(f"select * from identity_review order by {order}, candidate_customer_id").pl().to_dicts()
    if json_:
        show("Review", found[:limit], True)
        return
    show("Review", [_line(row) for row in found[:limit]], False)
    if len(found) > limit:
        out.print(f"{len(found) - limit} more: --limit {len(found)}")
    if found:
        out.print("Decide with `concord identity accept RECORD CUSTOMER --reason ...` or `reject`.", highlight=False)


@identity_app.command("accept")
def accept(
    context: typer.Context, record: Record, customer: Customer, reason: Reason, by: By = None, supersede: Supersede = False
) -> None:
    """The record is this customer's."""
    _decide(context, "link", record, customer, reason, by, supersede)


@identity_app.command("reject")
def reject(
    context: typer.Context, record: Record, customer: Customer, reason: Reason, by: By = None, supersede: Supersede = False
) -> None:
    """The record is not this customer's, whatever speaks for it."""
    _decide(context, "split", record, customer, reason, by, supersede)


@identity_app.command("merge")
def merge(
    context: typer.Context, customer: Customer, into: Annotated[str, typer.Argument(metavar="INTO", help="The customer that stays.")], reason: Reason,
    by: By = None, supersede: Supersede = False,
) -> None:
    """Two customers of the ERP are one company: the first goes under the golden id of the second."""
    from transform.publish import read_published

    with read_published(context.obj.settings) as warehouse:
        gone, stays = _golden_id(warehouse, customer), _golden_id(warehouse, into)
        if gone == stays:
            raise UsageError("is one customer already.", where="concord identity merge", field=customer)
        owners = [row[0] for row in warehouse.execute(
            "select record_key from crosswalk where customer_id = ? and role = 'erp' order by record_key", [gone]).fetchall()]
        if not owners:
            raise UsageError(f"no customer has the golden id {gone!r}.", where="published warehouse", field="CUSTOMER",
                             mend="Copy customer_id from `customer`; after a merge it is the one that stayed.")
        _tell(context, warehouse, "merge", owners, stays, reason, by, supersede)


@identity_app.command("split")
def split(context: typer.Context, record: Record, reason: Reason, by: By = None, supersede: Supersede = False) -> None:
    """The record does not belong to the customer that it is linked to now."""
    from transform.publish import read_published

    with read_published(context.obj.settings) as warehouse:
        row = warehouse.execute("select customer_id from crosswalk where record_key = ?", [record]).fetchone()
        if row is None:
            raise UsageError("is linked to nobody.", where="concord identity split", field=record, mend="Write it as connection:id.")
        _tell(context, warehouse, "split", [record], row[0], reason, by, supersede)


@identity_app.command("train")
def train(context: typer.Context) -> None:
    """Train the matcher on the records of this installation and keep the model; the next build compares by it."""
    from datetime import UTC, datetime

    from concord.identity_commands import database
    from identity.training import train as train_on
    from transform.publish import read_published

    settings = context.obj.settings
    with read_published(settings) as warehouse, database() as scratch:
        scratch.register("given", warehouse.sql("select * from customer_match_input").to_arrow_table())
        scratch.execute("create table records as select * from given")
        model = train_on(scratch, "records", on=datetime.now(UTC).date())
    told = model.trained_on
    if not told["trained"]:
        out.print(f"{told['records']} records make {told['pairs']} pairs: too few to learn from; the model stays as it is.", highlight=False)
        return
    model.save(settings.identity_model)
    out.print(f"Trained on {told['pairs']} pairs of {told['records']} records: {', '.join(told['trained'])}; kept as they were: {', '.join(told['kept']) or 'none'}.", highlight=False)
    out.print(f"The model is in {settings.identity_model}; the next `concord build` goes by it.", highlight=False, markup=False)


def _decide(context: typer.Context, action: Action, record: str, customer: str, reason: str, by: str | None, supersede: bool) -> None:
    from transform.publish import read_published

    with read_published(context.obj.settings) as warehouse:
        _tell(context, warehouse, action, [record], _golden_id(warehouse, customer), reason, by, supersede)


def _tell(
    context: typer.Context, warehouse: duckdb.DuckDBPyConnection, action: Action, records: list[str], golden_id: str, reason: str, by: str | None,
    supersede: bool,
) -> None:
    from transform.decisions import decide

    made = decide(context.obj.settings, warehouse, action, records, golden_id, by=by or getpass.getuser(), reason=reason, supersede=supersede)
    for line in made:
        out.print(f"{line}.", highlight=False, markup=False)
    out.print(f"It is in {context.obj.settings.overrides}; the next `concord build` goes by it.", highlight=False, markup=False)


def _golden_id(warehouse: duckdb.DuckDBPyConnection, customer: str) -> str:
    """A golden id as it is; the customer of a record that is named instead."""
    if ":" not in customer:
        return customer
    row = warehouse.execute("select customer_id from crosswalk where record_key = ?", [customer]).fetchone()
    if row is None:
        raise UsageError(f"no customer has a record {customer!r}.", where="published warehouse", mend="Write it as connection:id, or give the golden id.")
    return str(row[0])


def _line(row: dict[str, Any]) -> dict[str, Any]:
    told = json.loads(row["explanation"])
    return {
        "record": row["record_key"], "name": row["name"], "may be": row["candidate_name"], "customer": row["candidate_customer_id"],
        "by": row["method"], "score": row["score"], "at risk": money(row["at_risk"], row["reporting_currency"]),
        "agree": ", ".join(told["agree"]), "differ": ", ".join(told["differ"]),
    }

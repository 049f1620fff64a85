"""`concord explain`: where the golden values of a customer or an invoice come from. Reads the published copy; decides nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from concord.errors import ConcordError, UsageError
from concord.printing import Json, out, print_json, show

if TYPE_CHECKING:
    import duckdb

explain_app = typer.Typer(no_args_is_help=True, help="Where a golden value comes from.")
_MOST_NAMED = 10  # customers that a name that fits several is answered with


@explain_app.command("customer")
def explain_customer(
    context: typer.Context,
    wanted: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Golden id, customer number, name, or connection:record id of any of its records.")],
    most: Annotated[int, typer.Option("--history", min=0, help="How many changes to show, the newest first.")] = 20,
    json_: Json = False,
) -> None:
    """A golden customer: each value with its source, load and rule; the linked records; what changed; what disagrees."""
    from transform.publish import read_published

    with read_published(context.obj.settings) as warehouse:
        _check_tables(warehouse, "customer_lineage", "field_history")
        customer_id = _customer_id(warehouse, wanted)
        told: dict[str, Any] = {
            "customer_id": customer_id,
            "values": _rows(warehouse, """
                select entity, field, value, connection, record_key, load_id, rule, changed_by, changed_at as since
                from customer_lineage where customer_id = ? order by entity, field""", customer_id),
            "records": _rows(warehouse, """
                select * exclude (customer_id) from crosswalk where customer_id = ? order by role, connection, record_id""", customer_id),
            "history": _rows(warehouse, """
                select valid_from, valid_to, connection, entity, record_id, part, field, value, value_raw, changed_by, load_id, is_first_known
                from field_history where customer_id = ?
                order by is_first_known, valid_from desc, connection, entity, record_id, part, field limit ?""", customer_id, most),
            "findings": _rows(warehouse, """
                select finding_id, drift_id, class, severity, left_connection, left_value, right_connection, right_value, field, exposure, currency, since,
                    owner_role, detail
                from drift where golden_customer_id = ? order by exposure desc nulls last, finding_id""", customer_id),
        }
        if json_:
            print_json(told)
            return
        name = next((row["value"] for row in told["values"] if (row["entity"], row["field"]) == ("customer", "name")), "")
    out.print(Text(str(name), style="bold"), f" {customer_id}", highlight=False)
    show("Golden values", [
        {"field": row["field"] if row["entity"] == "customer" else f"{row['entity']}.{row['field']}", "value": row["value"], "from": row["record_key"],
         "load": row["load_id"], "rule": row["rule"], "since": _minute(row["since"]), "by": row["changed_by"]}
        for row in told["values"] if row["value"] is not None], False)
    show("Linked records", [
        {"record": row["record_key"], "role": row["role"], "method": row["method"], "score": row["score"],
         "evidence": row.get("explanation") or row["evidence"], "primary": row["is_primary"]} for row in told["records"]], False)
    if most:
        show("What changed, the newest first", [_change(row) for row in told["history"]], False)
    show("Open findings", [
        {"id": row["drift_id"], "class": row["class"], "exposure": row["exposure"], "currency": row["currency"], "since": _minute(row["since"]),
         "owner": row["owner_role"], "what": row["detail"]} for row in told["findings"]], False)


@explain_app.command("invoice")
def explain_invoice(
    context: typer.Context,
    wanted: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number, or connection:id as one system keeps it.")], json_: Json = False,
) -> None:
    """An invoice as each system keeps it, how the two were paired, what changed and what disagrees."""
    from transform.publish import read_published

    with read_published(context.obj.settings) as warehouse:
        _check_tables(warehouse, "invoice", "field_history")
        found = _rows(warehouse, "select invoice_key from invoice where invoice_key = ? or number = ? order by invoice_key", wanted, wanted)
        if not found:
            raise UsageError(f"no invoice is called {wanted!r}.", where="concord explain invoice", mend="Give its number or connection:id.")
        keys = [row["invoice_key"] for row in found]
        pairs = _rows(warehouse, """
            select * from reconciled_invoice
            where billing_connection || ':' || billing_invoice_id in (select unnest(?)) or ledger_connection || ':' || ledger_invoice_id in (select unnest(?))
            order by pair_key""", keys, keys)
        for pair in pairs:
            keys += [f"{pair[f'{side}_connection']}:{pair[f'{side}_invoice_id']}" for side in ("billing", "ledger") if pair[f"{side}_invoice_id"]]
        keys = sorted(set(keys))
        told: dict[str, Any] = {
            "documents": _rows(warehouse, "select * from invoice where invoice_key in (select unnest(?)) order by invoice_key", keys),
            "pairs": pairs,
            "history": _rows(warehouse, """
                select valid_from, valid_to, connection, entity, record_id, part, field, value, value_raw, changed_by, load_id, is_first_known
                from field_history where entity = 'invoice' and connection || ':' || record_id in (select unnest(?))
                order by is_first_known, valid_from desc, connection, record_id, field""", keys),
            "findings": _rows(warehouse, """
                select finding_id, drift_id, class, severity, exposure, currency, since, owner_role, detail from drift
                where left_connection || ':' || left_id in (select unnest(?)) or right_connection || ':' || right_id in (select unnest(?))
                order by finding_id""", keys, keys),
        }
    if json_:
        print_json(told)
        return
    show("As each system keeps it", [
        {"field": name, **{row["invoice_key"]: _plain(row[name]) for row in told["documents"]}}
        for name in ("role", "number", "customer_id", "status", "status_raw", "currency", "total_amount", "tax_amount", "open_amount", "reporting_amount",
                     "reporting_currency", "company_id", "region", "invoice_date", "due_date", "finalized_at")], False)
    show("Paired", [{"pair": row["pair_key"], **{name: row[name] for name in ("method", "confidence", "class", "correlation_id") if name in row}}
                    for row in pairs], False)
    show("What changed, the newest first", [_change(row) for row in told["history"]], False)
    show("Open findings", [{"id": row["drift_id"], "class": row["class"], "since": _minute(row["since"]), "what": row["detail"]}
                           for row in told["findings"]], False)


def _customer_id(warehouse: duckdb.DuckDBPyConnection, wanted: str) -> str:
    """By golden id, record, number and name, in this order. Raises UsageError where nobody or several answer to it."""
    by_record = "select link.customer_id, customer.name from customer_record as record join crosswalk as link using (record_key) join customer using (customer_id)"
    for query in (
        "select customer_id, name from customer where customer_id = ?",
        "select link.customer_id, customer.name from crosswalk as link join customer using (customer_id) where link.record_key = ?",
        "select customer_id, name from customer where customer_number = ?",
        "select customer_id, name from customer where lower(name) = lower(?)",
        f"{by_record} where lower(record.name) = lower(?)",  # what a merged customer was called, and what other systems call it
        "select customer_id, name from customer where contains(lower(name), lower(?))",
        f"{by_record} where contains(lower(record.name), lower(?))",
    ):
        found = _rows(warehouse, f"select distinct customer_id, name from ({query}) order by name, customer_id", wanted)
        if len(found) == 1:
            return str(found[0]["customer_id"])
        if found:
            named = "; ".join(f"{row['name']} {row['customer_id']}" for row in found[:_MOST_NAMED])
            more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            raise UsageError(f"{wanted!r} fits {len(found)} customers.", where="concord explain customer", mend=f"Give the golden id: {named}{more}.")
    raise UsageError(f"no golden customer is called {wanted!r}.", where="concord explain customer",
                     mend="Give a golden id, a customer number, a name, or connection:record id.")


def _check_tables(warehouse: duckdb.DuckDBPyConnection, *names: str) -> None:
    there = {row[0] for row in warehouse.execute("select table_name from information_schema.tables").fetchall()}
    if set(names) - there:
        raise ConcordError("the published copy is of an older build.", where="published.duckdb", mend="Run `concord build` and `concord publish`.")


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, *values: Any) -> list[dict[str, Any]]:
    answer = warehouse.execute(query, values)
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def _change(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "from": ("first known " if row["is_first_known"] else "") + str(_minute(row["valid_from"])), "to": _minute(row["valid_to"]), "record": f"{row['connection']}:{row['record_id']}",
        "field": f"{row['entity']}.{row['field']}" + (f" ({row['part']})" if row["part"] else ""),
        "value": row["value"] if row["value"] is not None else row["value_raw"], "by": row["changed_by"], "load": row["load_id"]}


def _plain(value: Any) -> str | None:
    """Amounts without needless zeros."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else None if value is None else str(value)


def _minute(moment: Any) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M}" if moment is not None else None

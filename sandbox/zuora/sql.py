"""Data Query's SQL over the tenant's records: the statement is read as Trino's, then run by DuckDB over the tables that it names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sandbox.protocol import Record
from sandbox.zuora.objects import BY_TABLE, Kind
from sandbox.zuora.tenant import Tenant


class SqlRefused(Exception):
    """A statement that cannot be run: `code` and text as the job shows them."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


def run(tenant: Tenant, statement: str, *, read_deleted: bool, allowed: frozenset[str]) -> Any:
    """The result as an Arrow table. Aggregates count what lists hide, as the vendor's totals do. Raises SqlRefused."""
    import duckdb
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        parsed = sqlglot.parse(statement, read="trino")
    except SqlglotError as error:
        raise SqlRefused("SYNTAX_ERROR", str(error).splitlines()[0]) from None
    if len(parsed) != 1 or not isinstance(parsed[0], exp.Query):
        raise SqlRefused("SYNTAX_ERROR", "Only one SELECT is allowed.")
    tree = parsed[0]
    named = {cte.alias_or_name.lower() for cte in tree.find_all(exp.CTE)}
    kinds: dict[str, Kind] = {}
    for table in tree.find_all(exp.Table):
        name = table.name.lower()
        if name in named:
            continue
        if name not in BY_TABLE or BY_TABLE[name].path not in allowed or table.args.get("db"):
            raise SqlRefused("TABLE_NOT_FOUND", f"Table '{name}' does not exist")
        kinds[name] = BY_TABLE[name]
    columns = {column.name.lower() for column in tree.find_all(exp.Column)}
    whole = any(isinstance(star.parent, exp.Select | exp.Column) for star in tree.find_all(exp.Star))
    hidden = tree.find(exp.AggFunc) is not None
    for stamp in tree.find_all(exp.Cast):  # stamps are compared in UTC
        if stamp.to.this in (exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ):
            stamp.set("to", exp.DataType.build("TIMESTAMP"))
    with duckdb.connect(config={"enable_external_access": False}) as database:
        database.execute("SET TimeZone = 'UTC'")
        for name, kind in kinds.items():
            database.register(name, _table(tenant, kind, None if whole else columns, read_deleted, hidden))
        try:
            return database.execute(tree.sql(dialect="duckdb")).to_arrow_table()
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            raise SqlRefused("COLUMN_NOT_FOUND" if "column" in text.lower() else "GENERIC_USER_ERROR", text) from None


def _table(tenant: Tenant, kind: Kind, wanted: set[str] | None, read_deleted: bool, hidden: bool) -> Any:
    import pyarrow as pa

    types = {"s": pa.string(), "n": pa.float64(), "i": pa.int64(), "b": pa.bool_(), "d": pa.date32(), "t": pa.timestamp("us")}
    rows: list[Record] = list(tenant.records(kind.path))
    if hidden:
        rows += [row for id, entry in tenant.store.collection("_hidden").items()
                 if entry["kind"] == kind.path and (row := tenant.get(kind.path, id)) is not None]
    gone = list(tenant.deleted(kind.path)) if read_deleted else []
    fields = tenant.catalogue.fields(kind)
    data: dict[str, Any] = {}
    for name, type in fields.items():
        if wanted is not None and name.lower() not in wanted and name != "id":
            continue
        values = [_typed(type, row.get(name)) for row in (*rows, *gone)]
        try:
            data[name.lower()] = pa.array(values, types[type])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            data[name.lower()] = pa.array([None if value is None else str(value) for value in values], pa.string())
    data["deleted"] = pa.array([False] * len(rows) + [True] * len(gone), pa.bool_())
    return pa.table(data)


def _typed(type: str, value: Any) -> Any:
    if value is None or not isinstance(value, str) or type not in ("d", "t"):
        return value
    try:
        return date.fromisoformat(value) if type == "d" else datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return value

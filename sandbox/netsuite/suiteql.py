"""SuiteQL: a query is parsed, checked against what the role sees, translated and run on an in-memory copy of the records.

Here: the query language and its paging. Its columns are in `tables`. Not here: HTTP, authentication, writes, and how a world row becomes a record.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema
from sqlglot.tokens import TokenType
from sqlglot.transforms import eliminate_join_marks

from sandbox.netsuite.errors import Refusal
from sandbox.netsuite.tables import REFERENCES, STATUS_NAMES, TABLES, TYPE_NAMES, VIEWS, Kind

MAX_ROWS = 100_000  # rows of one query that paging can reach
MAX_PAGE = 1_000
_KEPT_RESULTS = 6
_REBUILD_SHARE = 2_000  # more changed records than this and a collection is built anew

_DUCKDB = {"int": "BIGINT", "num": "DECIMAL(28,8)", "text": "VARCHAR", "flag": "VARCHAR", "date": "DATE", "time": "TIMESTAMP"}
_ARROW = {
    "int": pa.int64(), "num": pa.float64(), "text": pa.string(), "flag": pa.string(), "date": pa.date32(), "time": pa.timestamp("us"),
}
_OWN_FUNCTIONS = {"TO_CHAR", "TO_DATE", "TO_TIMESTAMP", "TRUNC"}
_FORMATS = (  # longest first: Oracle's element, strftime's
    ("YYYY", "%Y"), ("MONTH", "%B"), ("HH24", "%H"), ("HH12", "%I"), ("MON", "%b"), ("DAY", "%A"), ("FF6", "%f"), ("FF3", "%g"),
    ("YY", "%y"), ("MM", "%m"), ("DD", "%d"), ("HH", "%I"), ("MI", "%M"), ("SS", "%S"), ("FF", "%f"), ("AM", "%p"), ("PM", "%p"),
)

Rows = Iterable[tuple[str, Sequence[Any]]]


@dataclass(frozen=True)
class Plan:
    """A checked query. `visible` leaves hidden rows out, `counted` has them; both without a page's limit."""

    names: tuple[str, ...]
    visible: exp.Query
    counted: str
    has_limit: bool
    is_volatile: bool
    key_range: tuple[str, exp.Column, int] | None  # all keys in order, the key's column, the bound that this query starts above


@dataclass(frozen=True)
class Page:
    items: list[dict[str, str]]
    total: int
    has_more: bool


class SuiteQL:
    """The query side of one account.

    `spread(collection, record)` gives the rows that a record makes in child tables (lines, links, addresses).
    """

    def __init__(
        self, zone: ZoneInfo, now: Callable[[], datetime], spread: Callable[[str, dict[str, Any]], Rows],
        children: Mapping[str, tuple[str, ...]], hidden_columns: frozenset[str],
    ) -> None:
        self._zone, self._now, self._spread, self._children = zone, now, spread, children
        self._hidden_columns = hidden_columns
        self._lock = threading.RLock()
        self._connection = duckdb.connect(":memory:", config={"threads": 2, "enable_external_access": "false"})
        self._kinds: dict[str, dict[str, Kind]] = {name: dict(columns) for name, columns in TABLES.items()}
        self._extras: dict[str, list[str]] = {}
        self._built: set[str] = set()
        self._has_hidden = False
        self._results: OrderedDict[tuple[int, str], pa.Table] = OrderedDict()
        self._slices: OrderedDict[tuple[int, str], array[int]] = OrderedDict()
        self._totals: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._schema = MappingSchema(dialect="duckdb")
        self._visible_kinds: dict[str, dict[str, Kind]] = {}
        self._local = lru_cache(maxsize=200_000)(self._to_local)
        for name in TABLES:
            self._create(name)
        self._refresh_schema()

    # --- keeping the copy in step -------------------------------------------------------------------------------------

    def refresh(self, collection: str, records: Mapping[str, dict[str, Any]], changed: set[str] | None) -> None:
        """Bring a collection's tables up to its records; `changed` None means all of them."""
        with self._lock:
            partial = changed is not None and collection in self._built and len(changed) <= _REBUILD_SHARE
            if partial and changed is not None:
                present = [records[id] for id in changed if id in records]
                if self._replace(collection, present, changed):
                    return
            self._kinds[collection] = dict(TABLES[collection])
            extras = {key for record in records.values() for key in record if key not in TABLES[collection] and key[0] != "_"}
            self._extras[collection] = sorted(extras)
            rows = list(records.values())
            self._retype(collection, rows)
            for name in (collection, *self._children.get(collection, ())):
                self._create(name)
            self._replace(collection, rows, None)
            self._built.add(collection)
            self._refresh_schema()

    def _create(self, name: str) -> None:
        columns = [f'"{column}" {_DUCKDB[kind]}' for column, kind in self._kinds[name].items()]
        columns += [f'"{column}" VARCHAR' for column in self._extras.get(name, [])]
        self._connection.execute(f'CREATE OR REPLACE TABLE "{name}" ({", ".join(columns)}, _owner BIGINT, _hidden BOOLEAN)')

    def _retype(self, collection: str, rows: Sequence[dict[str, Any]]) -> None:
        """A column that holds a value of another type is served as text, whole."""
        present = set().union(*rows)
        for column, kind in TABLES[collection].items():
            try:
                for row in rows if column in present else ():
                    self._convert(kind, row.get(column))
            except (ValueError, TypeError):
                self._kinds[collection][column] = "text"

    def _replace(self, collection: str, rows: Sequence[dict[str, Any]], changed: set[str] | None) -> bool:
        """Put rows in, after taking out what the changed records had. False when they need new columns or types."""
        kinds, extras = self._kinds[collection], self._extras.get(collection, [])
        owners = [_owner_of(collection, row) for row in rows]
        hidden = [bool(row.get("_hidden")) for row in rows]
        try:
            present = set().union(*rows)
            values = [[self._convert(kind, row.get(column)) for row in rows] if column in present else [] for column, kind in kinds.items()]
        except (ValueError, TypeError):
            return False
        known = set(kinds) | set(extras)
        if any(key not in known and key[0] != "_" for row in rows for key in row):
            return False
        values += [[_as_text(row.get(column)) for row in rows] for column in extras]
        types = [_ARROW[kind] for kind in kinds.values()] + [pa.string()] * len(extras)
        batches = {collection: (values, types, owners, hidden)}
        children: dict[str, tuple[list[Sequence[Any]], list[int], list[bool]]] = {name: ([], [], []) for name in self._children.get(collection, ())}
        if children:
            for row, owner, is_hidden in zip(rows, owners, hidden, strict=True):
                for child, cells in self._spread(collection, row):
                    all_cells, child_owners, child_hidden = children[child]
                    all_cells.append(cells)
                    child_owners.append(owner)
                    child_hidden.append(is_hidden)
        for child, (all_cells, child_owners, child_hidden) in children.items():
            columns = [list(column) for column in zip(*all_cells, strict=True)]
            columns += [[] for _ in range(len(TABLES[child]) - len(columns))]  # columns that no record has any value in come last
            batches[child] = (columns, [_ARROW[kind] for kind in TABLES[child].values()], child_owners, child_hidden)
        cursor = self._connection
        cursor.execute("BEGIN")
        for name, (columns, arrow_types, row_owners, row_hidden) in batches.items():
            if changed is not None and changed:
                gone = sorted(_owner_of(collection, {"id": id, "_key": id}) for id in changed)
                cursor.execute(f'DELETE FROM "{name}" WHERE _owner IN (SELECT unnest(?::BIGINT[]))', [gone])
            if row_owners:
                arrays = [
                    pa.array(column, kind) if column else pa.nulls(len(row_owners), kind)
                    for column, kind in zip(columns, arrow_types, strict=True)
                ]
                arrays += [pa.array(row_owners, pa.int64()), pa.array(row_hidden, pa.bool_())]
                batch = pa.table(arrays, names=[f"c{i}" for i in range(len(arrays))])
                cursor.register("batch", batch)
                cursor.execute(f'INSERT INTO "{name}" SELECT * FROM batch')
                cursor.unregister("batch")
        cursor.execute("COMMIT")
        self._has_hidden = self._has_hidden or any(hidden)
        return True

    def _refresh_schema(self) -> None:
        for name, (columns, select) in VIEWS.items():
            self._connection.execute(f"CREATE OR REPLACE VIEW {name} AS {select}")
            self._kinds[name] = dict(columns)
        self._visible_kinds = {}
        self._schema = MappingSchema(dialect="duckdb")
        for name, columns in self._kinds.items():
            seen = {**columns, **{extra: "text" for extra in self._extras.get(name, [])}}
            seen = {column: kind for column, kind in seen.items() if f"{name}.{column}" not in self._hidden_columns}
            self._visible_kinds[name] = seen
            self._schema.add_table(name, {column: _DUCKDB[kind] for column, kind in seen.items()}, dialect="duckdb")

    def _to_local(self, text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(self._zone).replace(tzinfo=None)

    def local_time(self, text: str) -> datetime:
        """A record's UTC time on the account's wall clock."""
        return self._local(text)

    def _convert(self, kind: Kind, value: Any) -> Any:
        if value is None or value == "":
            return None
        if kind == "text":
            return value if isinstance(value, str) else _as_text(value)
        if kind == "time":
            return self._local(value)
        if kind == "num":
            return float(value)
        if kind == "int":
            return int(value)
        if kind == "flag":
            return value if isinstance(value, str) else ("T" if value else "F")
        return date.fromisoformat(value)

    def columns(self, table: str) -> dict[str, Kind]:
        """What the role sees of a table, the columns that only some records carry included."""
        return self._visible_kinds[table]

    # --- answering ----------------------------------------------------------------------------------------------------

    def page(self, query: str, version: int, limit: int, offset: int) -> Page:
        """One page of a query's rows. Raises `Refusal` where the query is not valid SuiteQL or asks for what is not there."""
        with self._lock:
            plan = self._plan(query)
            key = (version, query)
            try:
                table = self._results.get(key)
                sliced = self._slice(plan, version, limit) if offset == 0 and not self._has_hidden else None
                if sliced is not None:
                    rows, total = sliced
                    return Page(_render(rows, plan.names), total, total > rows.num_rows)
                if table is None and offset == 0 and not plan.has_limit:
                    # the first page of a key-range slice is all that a client wants of it: sort no more than that
                    rows = self._fetch(_first_rows(plan.visible, limit).sql("duckdb"))
                elif table is None:
                    text = plan.visible.sql("duckdb") if plan.has_limit else plan.visible.limit(MAX_ROWS, copy=True).sql("duckdb")
                    table = self._fetch(text)
                    rows = table.slice(offset, limit)
                    if not plan.is_volatile:
                        self._keep(self._results, key, table)
                else:
                    rows = table.slice(offset, limit)
                total = self._total(plan, key, rows.num_rows, limit, offset)
                reachable = min(MAX_ROWS, table.num_rows if table is not None else total)
            except duckdb.Error as problem:
                raise _bad_query(f"Invalid or unsupported search: {str(problem).splitlines()[0]}") from problem
        items = _render(rows, plan.names)
        has_more = offset + len(items) < reachable and len(items) == limit
        return Page(items, total, has_more)

    def _total(self, plan: Plan, key: tuple[int, str], got: int, limit: int, offset: int) -> int:
        if key not in self._totals or plan.is_volatile:
            if not self._has_hidden and got < limit and (got or offset == 0):
                return offset + got
            answer = self._connection.execute(f"SELECT count(*) FROM ({plan.counted})").fetchone()
            self._keep(self._totals, key, int(answer[0]) if answer else 0)
        return self._totals[key]

    def _slice(self, plan: Plan, version: int, limit: int) -> tuple[pa.Table, int] | None:
        """A key-range slice (`id > last ORDER BY id`), found by the kept list of keys rather than by sorting all rows each time."""
        if plan.key_range is None or plan.is_volatile:
            return None
        query, column, low = plan.key_range
        if (keys := self._slices.get((version, query))) is None:
            keys = array("q", (row[0] for row in self._connection.execute(query).fetchall()))
            self._keep(self._slices, (version, query), keys)
        start = bisect_right(keys, low)
        total = min(len(keys) - start, MAX_ROWS)
        last = keys[min(start + limit, len(keys)) - 1] if total else low
        bounded = plan.visible.copy()
        assert isinstance(bounded, exp.Select)
        bounded.where(exp.LTE(this=column.copy(), expression=exp.Literal.number(last)), copy=False)
        return self._fetch(bounded.limit(limit, copy=False).sql("duckdb")), total

    @staticmethod
    def _keep(cache: OrderedDict[tuple[int, str], Any], key: tuple[int, str], value: Any) -> None:
        cache[key] = value
        for stale in [old for old in cache if old[0] != key[0]]:
            del cache[stale]
        while len(cache) > _KEPT_RESULTS:
            cache.popitem(last=False)

    def _fetch(self, query: str) -> pa.Table:
        return self._connection.sql(query).to_arrow_table()

    # --- understanding a query ----------------------------------------------------------------------------------------

    def _plan(self, query: str) -> Plan:
        tree = _parse(query)
        for name in tree.find_all(exp.Identifier):
            name.set("this", name.this.lower())
        self._check_tables(tree)
        _lift_rownum(tree)
        outer = tree
        while isinstance(outer, exp.SetOperation):
            outer = outer.this
        number = 0
        for projection in list(outer.expressions):
            if not isinstance(projection, exp.Alias | exp.Column | exp.Star):
                number += 1
                projection.replace(exp.alias_(projection.copy(), f"expr{number}"))
        try:
            tree = qualify(tree, schema=self._schema, dialect="duckdb", quote_identifiers=True)
            if any(column.args.get("join_mark") for column in tree.find_all(exp.Column)):
                tree = eliminate_join_marks(tree)
            tree = annotate_types(tree, schema=self._schema, dialect="duckdb")
        except (OptimizeError, SqlglotError) as problem:
            raise self._unresolved(tree, str(problem)) from problem
        now = self._now().astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        is_volatile = any(tree.find_all(exp.CurrentTimestamp, exp.CurrentDate))
        owners = {table.alias_or_name: table.name for table in tree.find_all(exp.Table)}
        for node in reversed(list(tree.walk())):  # inner parts first: the outer ones look at what those became
            translated = _translate(node, owners, now)
            if translated is not node:
                node.replace(translated)
        _group_by_position(tree)
        _order_by_columns(tree)
        assert isinstance(tree, exp.Query)
        names = tuple(tree.named_selects)
        counted = tree.copy()
        counted_order = counted.args.get("order")
        has_limit = tree.args.get("limit") is not None
        if counted_order is not None and not has_limit:
            counted.set("order", None)
        # an aggregate is the account's own count: it knows the rows that lists keep back
        is_count = any(projection.find(exp.AggFunc) for projection in outer_select(tree).expressions)
        visible = tree if is_count else _without_hidden(tree, set(self._visible_kinds))
        return Plan(names, visible, counted.sql("duckdb"), has_limit, is_volatile, None if has_limit else _key_range(visible))

    def _check_tables(self, tree: exp.Expr) -> None:
        named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            if not isinstance(table.this, exp.Identifier) or table.args.get("db"):
                raise _bad_query("Search error occurred: Invalid or unsupported search")
            if table.name not in self._visible_kinds and table.name not in named:
                raise _bad_query(f"Search error occurred: Record '{table.name}' was not found.")

    def _unresolved(self, tree: exp.Expr, text: str) -> Refusal:
        for column in tree.find_all(exp.Column):
            owners = {table.alias_or_name: table.name for table in tree.find_all(exp.Table)}
            record = owners.get(column.table) or next(iter(owners.values()), "")
            seen = self._visible_kinds.get(record)
            if column.name and seen is not None and column.name not in seen and f"'{column.name}'" in text + f"'{text[16:]}'":
                return _bad_query(
                    f"Search error occurred: Field '{column.name}' for record '{record}' was not found. Reason: NOT_EXPOSED - Field "
                    "is not exposed to the search channel or to this role."
                )
        return _bad_query(f"Search error occurred: Invalid or unsupported search. {text.split(' Line:')[0]}")


def _is_plain(query: exp.Query) -> bool:
    """Rows of one table, in an order by its own columns."""
    order = query.args.get("order")
    if not isinstance(query, exp.Select) or order is None or query.args.get("from_") is None:
        return False
    if any(query.args.get(part) for part in ("joins", "group", "having", "distinct", "with_", "windows", "qualify")):
        return False
    if query.find(exp.AggFunc, exp.Window) is not None or any(order.find_all(exp.Literal)):
        return False
    return all(column.table for column in order.find_all(exp.Column))


def _first_rows(query: exp.Query, limit: int) -> exp.Query:
    """The query's first rows; of a plain query they are chosen before their columns are computed: most never need to be."""
    if not _is_plain(query):
        return query.limit(limit, copy=True)
    source = query.args["from_"].this
    chosen = exp.select("*").from_(source.copy())
    chosen.set("where", query.args["where"].copy() if query.args.get("where") else None)
    chosen.set("order", query.args["order"].copy())
    outer = query.copy()
    outer.set("where", None)
    outer.set("from_", exp.From(this=chosen.limit(limit).subquery(exp.to_identifier(source.alias_or_name, quoted=True))))
    return outer


def _key_range(query: exp.Query) -> tuple[str, exp.Column, int] | None:
    """Of `... WHERE key > n ... ORDER BY key`: the query of all its keys without the bound, the key, and n."""
    where = query.args.get("where")
    if where is None or not _is_plain(query) or len(query.args["order"].expressions) != 1:
        return None
    ordered = query.args["order"].expressions[0]
    column = ordered.this
    if ordered.args.get("desc") or not isinstance(column, exp.Column) or column.type is None or not column.type.is_type("bigint"):
        return None
    conditions = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    bounds = [
        each for each in conditions
        if isinstance(each, exp.GT) and each.this == column and isinstance(each.expression, exp.Literal) and each.expression.is_int
    ]
    if len(bounds) != 1:
        return None
    rest = [each.copy() for each in conditions if each is not bounds[0]]
    keys = exp.select(column.copy()).from_(query.args["from_"].this.copy()).where(*rest, exp.Not(this=column.is_(exp.null())))
    return keys.order_by(column.copy()).sql("duckdb"), column, int(bounds[0].expression.name)


def outer_select(tree: exp.Query) -> exp.Select:
    """The select whose projections name the result's columns."""
    node: Any = tree
    while not isinstance(node, exp.Select):
        node = node.this
    return node


def _bad_query(detail: str) -> Refusal:
    return Refusal(400, "INVALID_PARAMETER", f"Invalid search query. Detailed unprocessed description follows. {detail}", ("errorPath", "q"))


def _owner_of(collection: str, row: Mapping[str, Any]) -> int:
    if collection != "deletedrecord":
        return int(row["id"])
    kind, number = str(row["_key"]).split(":")
    return int(number) * 10 + ("customer", "contact", "item", "transaction", "employee").index(kind)


def _as_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, dict | list):
        return str(value)
    return _number_text(Decimal(str(value))) if isinstance(value, int | float | Decimal) else str(value)


def _number_text(value: Decimal) -> str:
    if not value:
        return "0"
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _day_text(value: date) -> str:
    return f"{value.month}/{value.day}/{value.year}"


def _render(table: pa.Table, names: Sequence[str]) -> list[dict[str, str]]:
    """Every value as text: numbers without padding, flags T and F, a time cut to its day; nothing where there is no value."""
    columns: list[list[str | None]] = []
    for column in table.columns:
        kind, values = column.type, column.to_pylist()
        if pa.types.is_integer(kind):
            columns.append([None if value is None else str(value) for value in values])
        elif pa.types.is_decimal(kind):
            columns.append([None if value is None else _number_text(value) for value in values])
        elif pa.types.is_floating(kind):
            columns.append([None if value is None else _number_text(Decimal(format(value, ".15g"))) for value in values])
        elif pa.types.is_temporal(kind):
            columns.append([None if value is None else _day_text(value) for value in values])
        elif pa.types.is_boolean(kind):
            columns.append([None if value is None else ("T" if value else "F") for value in values])
        else:
            columns.append([str(value) if value else None for value in values])
    items: list[dict[str, Any]] = []
    for row in zip(*columns, strict=True):
        item: dict[str, Any] = {"links": []}
        item.update((name, value) for name, value in zip(names, row, strict=True) if value is not None)
        items.append(item)
    return items


def _parse(query: str) -> exp.Query:
    """The query as a tree. What Oracle's grammar takes differently or not at all is renamed, token by token, before."""
    try:
        tokens = sqlglot.tokenize(query, read="oracle")
    except SqlglotError as problem:
        raise _bad_query("Search error occurred: Invalid or unsupported search") from problem
    if not tokens or tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN):
        raise _bad_query("Only SELECT is supported.")
    pieces: list[str] = []
    position = index = 0
    while index < len(tokens):
        token, rest = tokens[index], tokens[index + 1 :]
        follows = rest[0].token_type if rest else None
        word = token.text.upper()
        if token.token_type in (TokenType.LIMIT, TokenType.SEMICOLON, TokenType.PLACEHOLDER):
            raise _bad_query(f"Unexpected token: {token.text}")
        new, used = None, 1
        if token.token_type == TokenType.STRING or token.token_type == TokenType.IDENTIFIER:
            pass
        elif word == "BUILTIN" and follows == TokenType.DOT and len(rest) > 1:
            function = rest[1].text.upper()
            if function not in ("DF", "CF"):
                raise _bad_query(f"Unsupported function: BUILTIN.{function}")
            new, used = f"NS_{function}", 3
        elif word in _OWN_FUNCTIONS and follows == TokenType.L_PAREN:
            new = f"NS_{word}"
        elif word == "TOP" and follows == TokenType.NUMBER:
            new, used = f"NS_TOP({rest[0].text}),", 2
        if new is not None:
            last = tokens[index + used - 1]
            pieces += [query[position : token.start], new]
            position = last.end + 1
        index += used
    text = "".join(pieces) + query[position:]
    try:
        trees = sqlglot.parse(text, read="oracle")
    except SqlglotError as problem:
        raise _bad_query("Search error occurred: Invalid or unsupported search") from problem
    if len(trees) != 1 or not isinstance(trees[0], exp.Query) or isinstance(trees[0], exp.Subquery):
        raise _bad_query("Only one SELECT is supported.")
    tree = trees[0]
    for function in list(tree.find_all(exp.Anonymous)):
        if function.name.upper() not in {"NS_DF", "NS_CF", "NS_TOP", *(f"NS_{name}" for name in _OWN_FUNCTIONS)}:
            raise _bad_query(f"Unknown function: {function.name}")
        if function.name.upper() == "NS_TOP":
            select = function.parent
            if not isinstance(select, exp.Select):
                raise _bad_query("Search error occurred: Invalid or unsupported search")
            select.set("limit", exp.Limit(expression=function.expressions[0].copy()))
            select.set("expressions", [projection for projection in select.expressions if projection is not function])
    return tree


def _is_rownum(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Column | exp.Pseudocolumn) and node.name.lower() == "rownum" and not node.table


def _lift_rownum(tree: exp.Query) -> None:
    """ROWNUM counts rows before they are ordered: the limit goes into an inner select when there is an order."""
    for select in list(tree.find_all(exp.Select)):
        where = select.args.get("where")
        kept: list[exp.Expr] = []
        bound: int | None = None
        for condition in where.this.flatten() if where is not None and isinstance(where.this, exp.And) else [where.this] if where else []:
            right = condition.args.get("expression")
            if isinstance(condition, exp.LT | exp.LTE) and _is_rownum(condition.this) and isinstance(right, exp.Literal):
                size = int(right.name) - isinstance(condition, exp.LT)
                bound = size if bound is None else min(bound, size)
            else:
                kept.append(condition.copy())
        if bound is not None:
            select.set("where", exp.Where(this=exp.and_(*kept, copy=False)) if kept else None)
            order = select.args.get("order")
            if order is not None:
                select.set("order", None)
                select.set("limit", exp.Limit(expression=exp.Literal.number(max(bound, 0))))
                inner = select.copy()
                outer = exp.select("*").from_(inner.subquery("rownum_slice"))
                for ordered in order.find_all(exp.Column):
                    ordered.set("table", None)
                outer.set("order", order.copy())
                for name in list(select.args):
                    select.set(name, None)
                for name, value in outer.args.items():
                    select.set(name, value)
                continue
            select.set("limit", exp.Limit(expression=exp.Literal.number(max(bound, 0))))
        for node in list(select.find_all(exp.Column, exp.Pseudocolumn)):
            if _is_rownum(node):
                if node.find_ancestor(exp.Where) is not None:
                    raise _bad_query("ROWNUM can only be compared with < or <=.")
                window = exp.Window(this=exp.RowNumber())
                node.replace(exp.alias_(window, "rownum") if node.parent is select else window)


def _timestamp(value: datetime) -> exp.Expr:
    return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "TIMESTAMP")


@lru_cache(maxsize=256)
def _strftime_format(text: str) -> str:
    """An Oracle date format in strftime's letters. Raises ValueError for an element that is not known."""
    out: list[str] = []
    position = 0
    while position < len(text):
        if text[position] == '"':
            end = text.find('"', position + 1)
            if end < 0:
                raise ValueError(text)
            out.append(text[position + 1 : end].replace("%", "%%"))
            position = end + 1
            continue
        for element, letters in _FORMATS:
            if text[position : position + len(element)].upper() == element:
                out.append(letters)
                position += len(element)
                break
        else:
            char = text[position]
            if char in "xX" and text[position + 1 : position + 3].upper() == "FF":
                out.append(".")
            elif char.isalnum():
                raise ValueError(text)
            else:
                out.append(char)
            position += 1
    return "".join(out)


def _read_time(text: str, form: str) -> datetime:
    try:
        letters = _strftime_format(form)
    except ValueError as problem:
        raise _bad_query(f"Unknown date format: {form}") from problem
    # a fraction in the format may be left out of the text
    for attempt in (letters, letters.replace(".%f", ""), letters.split(" %H")[0]):
        try:
            return datetime.strptime(text, attempt)
        except ValueError:
            continue
    raise _bad_query(f"Invalid date: '{text}' does not match {form}.")


_TEMPORAL = {exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ, exp.DataType.Type.DATE}


def _is_temporal(node: exp.Expr | None) -> bool:
    if isinstance(node, exp.Cast):
        return node.to.this in _TEMPORAL
    return node is not None and node.type is not None and node.type.this in _TEMPORAL


def _date_operand(node: exp.Expr) -> exp.Expr:
    """A text compared with a date is read in the account's date format."""
    if not (isinstance(node, exp.Literal) and node.is_string):
        return node
    return _timestamp(_read_time(node.name, "MM/DD/YYYY"))


def _translate(node: exp.Expr, owners: Mapping[str, str], now: datetime) -> exp.Expr:
    if isinstance(node, exp.Between) and not node.args.get("symmetric"):
        # as observed, the upper bound is not part of the range
        low, high = node.args["low"], node.args["high"]
        if _is_temporal(node.this):
            low, high = _date_operand(low), _date_operand(high)
        lower, upper = exp.GTE(this=node.this.copy(), expression=low.copy()), exp.LT(this=node.this.copy(), expression=high.copy())
        return exp.paren(exp.And(this=lower, expression=upper))
    if isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        left, right = node.this, node.expression
        if _is_temporal(left):
            node.set("expression", _date_operand(right))
        elif _is_temporal(right):
            node.set("this", _date_operand(left))
        return node
    if isinstance(node, exp.In) and _is_temporal(node.this):
        node.set("expressions", [_date_operand(value) for value in node.expressions])
        return node
    if isinstance(node, exp.CurrentTimestamp):
        return _timestamp(now)
    if isinstance(node, exp.CurrentDate):
        return _timestamp(now.replace(hour=0, minute=0, second=0))
    if isinstance(node, exp.Add | exp.Sub) and isinstance(node.expression, exp.Literal) and not node.expression.is_string:
        if _is_temporal(node.this) or isinstance(node.this, exp.CurrentTimestamp | exp.CurrentDate):
            node.set("expression", exp.Anonymous(this="to_seconds", expressions=[
                exp.Mul(this=exp.Literal.number(86400), expression=node.expression.copy())
            ]))
        return node
    if isinstance(node, exp.Anonymous):
        return _translate_function(node, owners)
    return node


def _translate_function(node: exp.Anonymous, owners: Mapping[str, str]) -> exp.Expr:
    name, given = node.name.upper(), node.expressions
    if not given or len(given) > 2:
        raise _bad_query(f"Wrong number of arguments: {name[3:]}")
    form = given[1].name if len(given) == 2 and isinstance(given[1], exp.Literal) else None
    if name == "NS_TO_CHAR":
        if len(given) == 1:
            return exp.cast(given[0], "VARCHAR")
        if form is None:
            raise _bad_query("TO_CHAR needs a format.")
        if given[0].type is not None and given[0].type.is_type(*exp.DataType.NUMERIC_TYPES):
            raise _bad_query("TO_CHAR with a number format is not supported.")
        try:
            letters = exp.Literal.string(_strftime_format(form))
        except ValueError as problem:
            raise _bad_query(f"Unknown date format: {form}") from problem
        if given[0].type is not None and given[0].type.is_type(*exp.DataType.TEXT_TYPES):
            # a column that holds something else than times passes that through
            parsed = exp.TryCast(this=given[0].copy(), to=exp.DataType.build("TIMESTAMP"))
            return exp.Coalesce(this=exp.Anonymous(this="strftime", expressions=[parsed, letters]), expressions=[given[0]])
        return exp.Anonymous(this="strftime", expressions=[given[0], letters])
    if name in ("NS_TO_DATE", "NS_TO_TIMESTAMP"):
        if not (isinstance(given[0], exp.Literal) and given[0].is_string):
            raise _bad_query(f"{name[3:]} needs a text.")
        return _timestamp(_read_time(given[0].name, form or "MM/DD/YYYY"))
    if name == "NS_TRUNC":
        if given[0].type is not None and given[0].type.is_type(*exp.DataType.NUMERIC_TYPES):
            return exp.Anonymous(this="trunc", expressions=[given[0]])
        units = {None: "day", "DD": "day", "MM": "month", "MONTH": "month", "YYYY": "year", "YEAR": "year", "Q": "quarter", "HH24": "hour"}
        if (form.upper() if form else None) not in units:
            raise _bad_query(f"TRUNC: unknown unit {form}")
        unit = units[form.upper() if form else None]
        return exp.cast(exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(unit), given[0]]), "TIMESTAMP")
    column = given[0]
    if not isinstance(column, exp.Column) or len(given) != 1:
        raise _bad_query("BUILTIN functions take one field.")
    is_status = column.name == "status" and owners.get(column.table) == "transaction"
    kind = exp.column("type", table=column.table, quoted=True)
    if name == "NS_CF":
        if not is_status:
            return column
        return exp.DPipe(this=exp.DPipe(this=kind, expression=exp.Literal.string(":")), expression=column)
    return _display(column, kind, is_status)


def _display(column: exp.Column, kind: exp.Column, is_status: bool) -> exp.Expr:
    if is_status:
        case = exp.Case(default=column.copy())
        for type_, letters in STATUS_NAMES.items():
            for letter, text in letters.items():
                case = case.when(exp.and_(kind.eq(type_), column.eq(letter)), exp.Literal.string(text))
        return case
    if column.name == "type":
        case = exp.Case(default=column.copy())
        for type_, text in TYPE_NAMES.items():
            case = case.when(column.eq(type_), exp.Literal.string(text))
        return case
    if column.name in REFERENCES and column.type is not None and column.type.is_type("bigint"):
        table, label = REFERENCES[column.name]
        inner = exp.select(f"any_value(df.{label})").from_(exp.alias_(exp.to_table(table, quoted=True), "df", table=True))
        return inner.where(exp.column("id", table="df").eq(column.copy())).subquery()
    return column


def _group_by_position(tree: exp.Expr) -> None:
    """A grouped display text is the same subquery twice; naming it by position keeps it one."""
    for select in tree.find_all(exp.Select):
        group = select.args.get("group")
        if group is None:
            continue
        bodies = [projection.unalias() for projection in select.expressions]
        for item in list(group.expressions):
            if item in bodies and not isinstance(item, exp.Column):
                item.replace(exp.Literal.number(bodies.index(item) + 1))


def _order_by_columns(tree: exp.Expr) -> None:
    """An order by the name of a projection that is a column is an order by that column."""
    if not isinstance(tree, exp.Select) or tree.args.get("order") is None:
        return
    plain = {each.alias_or_name: each.unalias() for each in tree.expressions if isinstance(each.unalias(), exp.Column)}
    for column in list(tree.args["order"].find_all(exp.Column)):
        if not column.table and column.name in plain and not tree.args.get("distinct") and not tree.args.get("group"):
            column.replace(plain[column.name].copy())


def _without_hidden(tree: exp.Query, known: set[str]) -> exp.Query:
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    copy = tree.copy()
    for table in list(copy.find_all(exp.Table)):
        if table.name in named or table.name not in known or table.alias_or_name == "df":
            continue
        rows = exp.select("*").from_(exp.to_table(table.name, quoted=True)).where("NOT _hidden")
        table.replace(rows.subquery(exp.to_identifier(table.alias_or_name, quoted=True)))
    return copy

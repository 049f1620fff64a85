"""One statement of the project, written for DuckDB, in words that mean the same to Spark.

Belongs here: every difference between the two dialects. sqlglot knows most of them; what stands here is what it cannot know (how we read
the landing), what it translates to something that gives other values (division, moments, first matches), and what Spark has meanwhile
learnt (QUALIFY). Running statements is `transform.spark.adapter`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

# what Spark has no function for, or one of the same name that gives other values; the session registers them (transform.spark.session)
UDFS = {"strip_accents": "concord_strip_accents", "jaro_winkler_similarity": "concord_jaro_winkler"}
_TIME_PARTS = {"%Y": "yyyy", "%m": "MM", "%d": "dd", "%H": "HH", "%M": "mm", "%S": "ss", "%g": "SSS", "%f": "SSSSSS", "%j": "DDD"}
_MOST_SCANS = 24
_PLACE = "_place_of_row"
_ANCHORED = re.compile(r"^\^|(?<!\\)\$$")


class TranslationError(ValueError):
    """The statement asks for something of which nobody has said what it is in Spark."""


@dataclass(frozen=True)
class Step:
    """A query whose result is kept under a name, for the statements after it."""

    name: str
    sql: str


def translated(sql: str, columns_of: Callable[[str], Sequence[str]]) -> str:
    """The statement for Spark. `columns_of` tells the columns of the Parquet files that a pattern finds.

    Raises TranslationError for what cannot be said.
    """
    return _translate(sqlglot.parse_one(sql, read="duckdb"), columns_of)


def translated_steps(sql: str, columns_of: Callable[[str], Sequence[str]], prefix: str) -> tuple[list[Step], str]:
    """The steps to take before the statement, in their order, and the statement for Spark.

    Spark computes a common table expression once for each place that names it, and those below it as often again: what takes DuckDB a moment
    would be millions of scans. Where that would be, an expression that is named more than once becomes a step.
    """
    statement = sqlglot.parse_one(sql, read="duckdb")
    names = _shared(statement)
    steps = []
    if names:
        clause = statement.args["with_"]
        for table in list(statement.find_all(exp.Table)):
            if not table.db and table.name in names:
                alias = table.alias or table.name
                table.set("this", exp.to_identifier(f"{prefix}{table.name}"))
                table.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
        kept: list[exp.Expr] = []
        for expression in clause.expressions:
            if expression.alias in names:
                query = expression.this.copy()
                needed = _needed(query, kept)
                if needed:
                    query.set("with_", exp.With(expressions=[each.copy() for each in needed]))
                steps.append(Step(f"{prefix}{expression.alias}", _translate(query, columns_of)))
            else:
                kept.append(expression)
        needed = _needed(statement, kept)
        clause.set("expressions", needed)
        if not needed:
            statement.set("with_", None)
    return steps, _translate(statement, columns_of)


def _needed(query: exp.Expr, expressions: Sequence[exp.Expr]) -> list[exp.Expr]:
    """Of the common table expressions those that a query names, by itself or through others."""
    clause = query.args.get("with_")
    named = {table.name for table in query.find_all(exp.Table) if not table.db and (clause is None or table.find_ancestor(exp.With) is not clause)}
    needed: list[exp.Expr] = []
    for expression in reversed(expressions):
        if expression.alias in named:
            needed.insert(0, expression)
            named |= {table.name for table in expression.find_all(exp.Table) if not table.db}
    return needed


def _shared(statement: exp.Expr) -> set[str]:
    """The common table expressions that are to be computed once: none where the statement reads few tables however often it names them."""
    clause = statement.args.get("with_")
    if clause is None:
        return set()
    bodies = {expression.alias: expression.this for expression in clause.expressions}
    if any(inner.alias in bodies and inner.parent is not clause for inner in statement.find_all(exp.CTE)):
        return set()  # a name that means something else further in
    names = {
        alias: [table.name if not table.db and table.name in bodies else "" for table in body.find_all(exp.Table)] for alias, body in bodies.items()}
    last = [table.name if not table.db and table.name in bodies else ""
            for table in statement.find_all(exp.Table) if table.find_ancestor(exp.With) is not clause]
    scans: dict[str, int] = {}
    for alias, read in names.items():
        scans[alias] = sum(scans.get(name, 1) for name in read)
    if sum(scans.get(name, 1) for name in last) <= _MOST_SCANS:
        return set()
    shared: set[str] = set()
    for alias, read in names.items():
        scans[alias] = sum(1 if name in shared else scans.get(name, 1) for name in read)
        if scans[alias] > 1 and sum(others.count(alias) for others in (*names.values(), last)) > 1:
            shared.add(alias)
    return shared


def _translate(statement: exp.Expr, columns_of: Callable[[str], Sequence[str]]) -> str:
    _align_unions(statement, columns_of)
    for node in reversed(list(statement.walk())):  # what is inside first: what is around it takes it along
        for kind, rewrite in _REWRITES.items():
            if isinstance(node, kind):
                told = rewrite(node)
                if told is not node:
                    if node is statement:
                        statement = told
                    else:
                        node.replace(told)
                break
    _keep_as_words(statement)
    return _said(statement)


def tables(sql: str, schema: str) -> set[str]:
    """The names of the warehouse's tables that a statement of the project reads."""
    return {table.name for table in sqlglot.parse_one(sql, read="duckdb").find_all(exp.Table) if table.db == schema}


def data_type(name: str) -> str:
    """A type of a contract as Spark writes it."""
    return _said(exp.DataType.build(name, dialect="duckdb"))


def _said(node: exp.Expr) -> str:
    return str(node.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE))


def _keep_as_words(statement: exp.Expr) -> None:
    """What Spark 4.3 knows and sqlglot would rewrite for older ones goes along as words, the innermost first: QUALIFY, whose rewriting adds a
    column to `select *`, and `with` inside a query, which would be moved to the top among others of the same names.
    """
    for query in reversed(list(statement.find_all(exp.Query, bfs=True))):
        if qualify := query.args.get("qualify"):
            if any(isinstance(column.this, exp.Star) for column in qualify.find_all(exp.Column)):
                _place_rows(query, qualify)
            else:
                having = query.args.get("having")
                words = f"{' HAVING ' + _said(having.this) if having else ''} QUALIFY {_said(qualify.this)}"
                query.set("qualify", None)
                query.set("having", exp.Var(this=words))
        if query is not statement and query.args.get("with_"):
            query.replace(exp.Var(this=_said(query)))


def _place_rows(select: exp.Expr, qualify: exp.Qualify) -> None:
    """Whole rows may be compared in a projection, but not in QUALIFY: so the place of a row is a column of a query inside."""
    window = qualify.find(exp.Window)
    if window is None or [type(column) for column in select.selects] != [exp.Star]:
        raise TranslationError(f"whole rows are compared in {_said(qualify)}")
    inside = select.copy()
    inside.set("qualify", None)
    inside.set("expressions", [exp.Star(), exp.alias_(window.copy(), _PLACE)])
    window.replace(exp.column(_PLACE))
    for part in list(select.args):
        if part != "with_":
            select.set(part, None)
    inside.set("with_", None)
    select.set("expressions", [exp.Star(except_=[exp.to_identifier(_PLACE)])])
    select.set("from_", exp.From(this=exp.Subquery(this=inside, alias=exp.TableAlias(this=exp.to_identifier("placed")))))
    select.set("where", exp.Where(this=qualify.this))


def _align_unions(statement: exp.Expr, columns_of: Callable[[str], Sequence[str]]) -> None:
    """`union all by name`: every side names the columns of the first, and says null for those that it lacks."""
    for union in list(statement.find_all(exp.SetOperation)):
        if not union.args.get("by_name"):
            continue
        first = union.this
        while isinstance(first, exp.SetOperation):
            first = first.this
        names = [column.alias_or_name for column in first.selects]
        side = union.expression
        if any(isinstance(column, exp.Star) for column in side.selects):
            source = side.args["from_"].this
            if not isinstance(source.this, exp.ReadParquet):
                raise TranslationError(f"union by name of {source.sql(dialect='duckdb')}: only files can be asked for their columns")
            there = set(columns_of(_path(source.this)))
            told: list[exp.Expr] = [
                exp.column(name, quoted=True) if name in there else exp.alias_(exp.Null(), name, quoted=True) for name in names]
        else:
            by_name = {column.alias_or_name: column for column in side.selects}
            told = [by_name[name] if name in by_name else exp.alias_(exp.Null(), name, quoted=True) for name in names]
        side.set("expressions", told)
        union.set("by_name", False)


def _path(function: exp.Expr) -> str:
    first = function.expressions[0] if function.expressions else function.this
    return str(first.name)


def _files(kind: str, path: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(path, quoted=True), db=exp.to_identifier(kind))


def _table(node: exp.Table) -> exp.Expr:
    """Table functions that read files."""
    reads = node.this
    alias = node.args.get("alias")
    if isinstance(reads, exp.ReadParquet):
        found: exp.Expr = _files("parquet", _path(reads))
        found.set("alias", alias)
        return found
    if isinstance(reads, exp.Anonymous) and reads.name.lower() == "read_json":
        shape = _columns(reads)
        selected = exp.select(*[exp.alias_(exp.cast(exp.column(name), kind), name) for name, kind in shape.items()])
        return exp.Subquery(this=selected.from_(_files("json", _path(reads))), alias=alias or exp.TableAlias(this=exp.to_identifier("told")))
    if isinstance(reads, exp.ReadCSV):
        shape = _columns(reads)
        selected = exp.select(*[
            exp.alias_(exp.TryCast(this=exp.column(f"_c{place}"), to=kind), name) for place, (name, kind) in enumerate(shape.items())])
        selected = selected.from_(_files("csv", str(reads.this.name))).where(
            exp.NullSafeNEQ(this=exp.column("_c0"), expression=exp.Literal.string(next(iter(shape)))))  # the header is a line like others
        return exp.Subquery(this=selected, alias=alias or exp.TableAlias(this=exp.to_identifier("told")))
    return node


def _columns(reads: exp.Expr) -> dict[str, exp.DataType]:
    """What the argument `columns` of read_json or read_csv says."""
    for argument in reads.expressions:
        if isinstance(argument, (exp.PropertyEQ, exp.EQ, exp.Kwarg)) and argument.this.name == "columns":
            return {
                part.this.name: exp.DataType.build(part.expression.name, dialect="duckdb") for part in argument.expression.expressions}
    raise TranslationError(f"{reads.sql(dialect='duckdb')}: files are read with their columns told")


def _moment(value: exp.Expr) -> exp.Expr:
    return exp.cast(value.copy(), exp.DataType.Type.TIMESTAMPTZ)


def _micros(value: exp.Expr) -> exp.Expr:
    return exp.func("unix_micros", _moment(value))


def _double(value: exp.Expr) -> exp.Expr:
    return exp.cast(value.copy(), exp.DataType.Type.DOUBLE)


def _division(node: exp.Div) -> exp.Expr:
    """DuckDB divides doubles, and by zero as doubles do: to infinity, or to no number."""
    number, divisor = _double(node.this), _double(node.expression)
    told = exp.Div(this=number, expression=divisor, typed=True)
    if isinstance(node.expression, exp.Nullif) or (node.expression.is_number and float(node.expression.name) != 0):
        return exp.Paren(this=told)
    endless = exp.Mul(this=number.copy(), expression=exp.cast(exp.Literal.string("Infinity"), exp.DataType.Type.DOUBLE))
    return exp.Case(ifs=[exp.If(this=exp.EQ(this=divisor.copy(), expression=exp.Literal.number(0)), true=endless)], default=told)


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    """Boundaries crossed, as DuckDB counts; Spark would count what has passed."""
    unit = str(node.args["unit"].name).upper()
    later, earlier = (exp.cast(side.copy(), exp.DataType.Type.DATE) for side in (node.this, node.expression))
    if unit == "DAY":
        return exp.cast(exp.Anonymous(this="datediff", expressions=[later, earlier]), exp.DataType.Type.BIGINT)
    if unit == "MONTH":
        def months(day: exp.Expr) -> exp.Expr:
            return exp.Add(this=exp.Mul(this=exp.Year(this=day.copy()), expression=exp.Literal.number(12)), expression=exp.Month(this=day.copy()))

        return exp.Paren(this=exp.Sub(this=exp.Paren(this=months(later)), expression=exp.Paren(this=months(earlier))))
    raise TranslationError(f"date_diff in {unit}")


def _strftime(node: exp.TimeToStr) -> exp.Expr:
    """Java's patterns have letters for parts, and quotes around all other letters."""
    pattern, told = node.args["format"].name, ""
    for part in re.findall(r"%.|[^%]+", pattern):
        if part in _TIME_PARTS:
            told += _TIME_PARTS[part]
        elif part.startswith("%"):
            raise TranslationError(f"{part} in a pattern of strftime")
        else:
            told += "'" + part.replace("'", "''") + "'" if re.search("[A-Za-z']", part) else part
    return exp.Anonymous(this="date_format", expressions=[node.this.copy(), exp.Literal.string(told)])


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    """Spark replaces every match; a statement that wants the first only must have a pattern that matches once."""
    pattern, replacement = node.expression, node.args.get("replacement")
    options = node.args.get("modifiers")
    if "g" not in (options.name if options else "") and not _ANCHORED.search(pattern.name):
        raise TranslationError(f"regexp_replace of the first match alone: {node.sql(dialect='duckdb')}")
    new = [node.this.copy(), pattern.copy(), exp.Literal.string(re.sub(r"\\(\d)", r"$\1", replacement.name if replacement else ""))]
    return exp.Anonymous(this="regexp_replace", expressions=new)


def _arg_extreme(node: exp.ArgMin | exp.ArgMax) -> exp.Expr:
    # DuckDB leaves out rows without a value to give, Spark gives their null
    if isinstance(node.parent, exp.Filter):
        raise TranslationError("min_by and max_by with a filter of their own")
    there = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    return exp.Filter(this=node.copy(), expression=exp.Where(this=there))


def _texts(node: exp.GroupConcat) -> exp.Expr:
    """Spark 4.3 fails on several sorted lists of distinct texts in one query, so these are sets that are sorted and joined."""
    ordered = node.this if isinstance(node.this, exp.Order) else None
    distinct = ordered.this if ordered is not None else node.this
    if not isinstance(distinct, exp.Distinct):
        return node
    (text,) = distinct.expressions
    if ordered is None or [key.this for key in ordered.expressions] != [text] or ordered.expressions[0].args.get("desc"):
        raise TranslationError(f"distinct texts in no order, or in another than their own: {node.sql(dialect='duckdb')}")
    found = exp.Anonymous(this="collect_set", expressions=[text.copy()])
    joined = exp.Anonymous(this="array_join", expressions=[exp.Anonymous(this="sort_array", expressions=[found]), node.args["separator"].copy()])
    empty = exp.EQ(this=exp.Count(this=text.copy()), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=exp.Not(this=empty), true=joined)])


def _anonymous(node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    arguments = [argument.copy() for argument in node.expressions]
    if name == "epoch_us":
        return _micros(arguments[0])
    if name == "to_json":
        # Spark writes arrays and structs, so a text goes in as the one item of a list
        told = exp.func("to_json", exp.Anonymous(this="array", expressions=arguments))
        item = exp.Anonymous(this="substring", expressions=[
            told, exp.Literal.number(2), exp.Sub(this=exp.Length(this=told.copy()), expression=exp.Literal.number(2))])
        return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Is(this=arguments[0].copy(), expression=exp.Null())), true=item)])
    if name == "list_extract":
        return exp.Anonymous(this="try_element_at", expressions=arguments)
    if name in UDFS:
        return exp.Anonymous(this=UDFS[name], expressions=arguments)
    if name == "read_json":
        return node
    raise TranslationError(f"the function {name}")


def _ordered(node: exp.Ordered) -> exp.Expr:
    """`order by <relation>` compares its whole rows."""
    key = node.this
    if isinstance(key, exp.Column) and not key.table:
        select = node.find_ancestor(exp.Select)
        sources = [] if select is None else [select.args.get("from_"), *(select.args.get("joins") or [])]
        if key.name in {source.this.alias_or_name for source in sources if source is not None}:
            row = exp.Anonymous(this="struct", expressions=[exp.Column(this=exp.Star(), table=key.this.copy())])
            return exp.Ordered(this=row, desc=node.args.get("desc"), nulls_first=node.args.get("nulls_first"))
    return node


_REWRITES: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Table: _table,
    exp.Div: _division,
    exp.DateDiff: _date_diff,
    exp.TimeToUnix: lambda node: _division(exp.Div(this=_micros(node.this), expression=exp.Literal.number(1000000))),
    exp.TimeToStr: _strftime,
    exp.RegexpReplace: _regexp_replace,
    exp.ArgMin: _arg_extreme,
    exp.ArgMax: _arg_extreme,
    exp.PercentileCont: lambda node: exp.Anonymous(this="percentile", expressions=[node.this.copy(), node.expression.copy()]),
    exp.JarowinklerSimilarity: lambda node: exp.Anonymous(
        this=UDFS["jaro_winkler_similarity"], expressions=[node.this.copy(), node.expression.copy()]),
    exp.GroupConcat: _texts,
    exp.Anonymous: _anonymous,
    exp.Ordered: _ordered,
}

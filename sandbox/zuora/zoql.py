"""ZOQL: the query language of actions and bulk exports, parsed and run over the tenant's records.

Exports (`is_export`) may name fields of related objects (`Account.Name`) and order their rows; plain queries may not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.protocol import Record
from sandbox.zuora.answers import QueryFault
from sandbox.zuora.objectquery import parse_value, shown_value
from sandbox.zuora.objects import BY_ZOQL, KINDS, RELATIONS, Kind, pascal
from sandbox.zuora.tenant import Tenant

_MOST_CONDITIONS = 200
_TOKEN = re.compile(r"\s*(?:('(?:[^'\\]|\\.)*')|(!=|<=|>=|=|<|>|,|\(|\)|\*)|([A-Za-z_][\w.]*)|(-?\d+(?:\.\d+)?))")
_KEYWORDS = frozenset({"select", "from", "where", "and", "or", "like", "order", "by", "group", "in", "null", "true", "false", "asc", "desc"})
_REFUSED = frozenset({"in", "group", "join", "having", "limit"})


@dataclass(frozen=True)
class Path:
    """A column: relations to follow from the object that is asked, then the field."""

    text: str
    steps: tuple[str, ...]  # lower-case relation names
    origin: str  # the kind that the steps start from
    field: str
    type: str


@dataclass(frozen=True)
class Query:
    kind: Kind
    columns: tuple[Path, ...]
    fits: Callable[[Tenant, Record], bool]
    order: tuple[tuple[Path, bool], ...] = ()
    is_whole: bool = False  # nothing is left out


def _malformed(message: str) -> QueryFault:
    return QueryFault("fns:MALFORMED_QUERY", message)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    text = text.strip().rstrip(";")
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            if not text[place:].strip():
                break
            raise _malformed(f"There is an error in the query near '{text[place:place + 20]}'")
        quoted, sign, word, number = match.groups()
        found.append(("text", quoted[1:-1].replace("\\'", "'").replace("\\\\", "\\")) if quoted is not None else
                     ("sign", sign) if sign else ("word", word) if word else ("number", number))
        place = match.end()
    return found


class _Parser:
    def __init__(self, tenant: Tenant, text: str, is_export: bool) -> None:
        self.tenant, self.tokens, self.at, self.is_export = tenant, _tokens(text), 0, is_export
        self.conditions = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def keyword(self, word: str) -> bool:
        """Keywords are written in lower case in plain queries; exports take either."""
        kind, text = self.peek()
        if kind == "word" and (text == word or (self.is_export and text.lower() == word)):
            self.at += 1
            return True
        return False

    def parse(self) -> Query:
        if not self.keyword("select"):
            raise _malformed("A query must begin with select.")
        names = []
        while True:
            kind, text = self.take()
            if (kind, text) == ("sign", "*"):
                raise _malformed("You cannot use * in a query: name the fields.")
            if kind != "word" or text.lower() in _KEYWORDS:
                raise _malformed(f"'{text}' is no field name.")
            names.append(text)
            if self.peek() == ("sign", ","):
                self.take()
                continue
            break
        if not self.keyword("from"):
            raise _malformed("from is missing.")
        kind_word, name = self.take()
        asked = BY_ZOQL.get(name)
        if kind_word != "word" or asked is None or not (asked.in_zoql or self.is_export):
            raise QueryFault("fns:INVALID_TYPE", f"invalid type: {name}")
        columns = tuple(self.path(asked, text) for text in names)
        fits: Callable[[Tenant, Record], bool] = lambda tenant, record: True  # noqa: E731 - the neutral condition
        is_whole = self.peek()[1].lower() != "where"
        if self.keyword("where"):
            fits = self.either(asked)
        order: list[tuple[Path, bool]] = []
        if self.peek()[1].lower() == "order":
            if not self.is_export:
                raise _malformed("order by is not supported.")
            self.take()
            if self.take()[1].lower() != "by":
                raise _malformed("by is missing.")
            while True:
                path = self.path(asked, self.take()[1])
                down = self.keyword("desc")
                if not down:
                    self.keyword("asc")
                order.append((path, down))
                if self.peek() != ("sign", ","):
                    break
                self.take()
        if self.peek()[0] != "end":
            raise _malformed(f"There is an error in the query near '{self.peek()[1]}'")
        return Query(asked, columns, fits, tuple(order), is_whole)

    def path(self, kind: Kind, text: str) -> Path:
        *steps, field = text.split(".")
        if steps and steps[0] == kind.zoql:
            steps = steps[1:]
        if steps and not self.is_export:
            raise _malformed(f"'{text}': related objects cannot be queried.")
        walked, here = [], kind
        for step in steps:
            relation = RELATIONS.get(here.path, {}).get(step.lower())
            if relation is None or relation.many:
                raise QueryFault("fns:INVALID_FIELD", f"invalid field for query: {text}")
            walked.append(step.lower())
            here = KINDS[relation.kind]
        fields = {pascal(name): (name, type) for name, type in self.tenant.catalogue.fields(here).items()}
        if field not in fields:
            raise QueryFault("fns:INVALID_FIELD", f"invalid field for query: {here.zoql}.{field}".replace("..", "."))
        return Path(text, tuple(walked), kind.path, *fields[field])

    def either(self, kind: Kind) -> Callable[[Tenant, Record], bool]:
        tests = [self.both(kind)]
        while self.keyword("or"):
            tests.append(self.both(kind))
        return tests[0] if len(tests) == 1 else lambda tenant, record: any(test(tenant, record) for test in tests)

    def both(self, kind: Kind) -> Callable[[Tenant, Record], bool]:
        tests = [self.condition(kind)]
        while self.keyword("and"):
            tests.append(self.condition(kind))
        return tests[0] if len(tests) == 1 else lambda tenant, record: all(test(tenant, record) for test in tests)

    def condition(self, kind: Kind) -> Callable[[Tenant, Record], bool]:
        self.conditions += 1
        if self.conditions > _MOST_CONDITIONS:
            raise _malformed(f"A query may have {_MOST_CONDITIONS} conditions.")
        token, text = self.take()
        if token == "sign":
            raise _malformed("Parentheses are not supported.")
        path = self.path(kind, text)
        token, operator = self.take()
        if operator in _REFUSED:
            raise _malformed(f"{operator} is not supported.")
        if operator not in ("=", "!=", "<", ">", "<=", ">=", "like"):
            raise _malformed(f"'{operator}' is no operator.")
        token, value = self.take()
        if token not in ("text", "number", "word") or (token == "word" and value.lower() not in ("null", "true", "false")):
            raise _malformed(f"'{value}' is no value.")
        if operator == "like":
            if path.type != "s" or value.count("%") != 1 or not (value.startswith("%") or value.endswith("%")):
                raise _malformed("like takes 'abc%' or '%abc'.")
            part = value.strip("%")
            ends = value.startswith("%")
            return lambda tenant, record: (shown := _value(tenant, record, path)) is not None and (
                str(shown).endswith(part) if ends else str(shown).startswith(part))
        if token == "word" and value.lower() == "null":
            wanted: Any = None
        else:
            try:
                wanted = parse_value(self.tenant, path.type, value)
            except ValueError:
                raise QueryFault("fns:INVALID_VALUE", f"invalid value for field {path.text}: {value}") from None

        def test(tenant: Tenant, record: Record) -> bool:
            found = shown_value(tenant, path.type, _value(tenant, record, path))
            if operator == "=":
                return bool(found == wanted)
            if operator == "!=":
                return bool(found != wanted)
            if found is None or wanted is None:
                return False
            return bool(found < wanted if operator == "<" else found > wanted if operator == ">" else
                        found <= wanted if operator == "<=" else found >= wanted)

        return test


def _value(tenant: Tenant, record: Record, path: Path) -> Any:
    here: Record | None = record
    kind = path.origin
    for step in path.steps:
        relation = RELATIONS[kind][step]
        here, kind = tenant.get(relation.kind, (here or {}).get(relation.here)), relation.kind
    return (here or {}).get(path.field)


def parse(tenant: Tenant, text: str, *, is_export: bool = False) -> Query:
    """Raises QueryFault."""
    return _Parser(tenant, text, is_export).parse()


def run(tenant: Tenant, query: Query, *, with_deleted: bool = False) -> list[tuple[Record, list[Any]]]:
    """The rows that fit: each record with its columns' values. Without an order nothing is promised of theirs."""
    found: list[tuple[Record, list[Any]]] = []
    if query.is_whole and [path.text for path in query.columns] == ["Id"] and not query.order and not with_deleted:
        return [({"id": id}, [id]) for _, id in tenant.by_change(query.kind.path)]  # a count needs no records
    pools = [tenant.records(query.kind.path)] + ([tenant.deleted(query.kind.path)] if with_deleted else [])
    for pool in pools:
        for record in pool:
            if query.fits(tenant, record):
                found.append((record, [_value(tenant, record, path) for path in query.columns]))
    for sorted_by, down in reversed(query.order):

        def place(entry: tuple[Record, list[Any]], path: Path = sorted_by) -> tuple[bool, Any]:
            value = shown_value(tenant, path.type, _value(tenant, entry[0], path))
            return value is not None, value if value is not None else 0

        found.sort(key=place, reverse=down)
    return found


def as_record(query: Query, values: list[Any]) -> Record:
    """A row of action/query: null columns left out, stamps with thousandths."""
    record: Record = {}
    for path, value in zip(query.columns, values, strict=True):
        if value is None:
            continue
        if path.type == "t":
            value = datetime.fromisoformat(value).isoformat(timespec="milliseconds")
        record[pascal(path.field)] = value
    return record

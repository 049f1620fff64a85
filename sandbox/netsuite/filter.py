"""The record service's `q` filter: a small condition language, turned into the WHERE clause of a SuiteQL query."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from sandbox.netsuite.catalogue import Field
from sandbox.netsuite.errors import Refusal

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([()\[\],])|([^\s()\[\],"]+))')
_TEXT = {"IS": "= {}", "IS_NOT": "<> {}", "CONTAIN": "LIKE {}", "START_WITH": "LIKE {}", "END_WITH": "LIKE {}"}
_ORDERED = {"EQUAL": "=", "GREATER": ">", "GREATER_OR_EQUAL": ">=", "LESS": "<", "LESS_OR_EQUAL": "<="}
_DAYS = {"ON", "AFTER", "ON_OR_AFTER", "BEFORE", "ON_OR_BEFORE"}


def where_of(filter_text: str, fields: Mapping[str, Field]) -> str:
    """The condition as SuiteQL; `fields` are those that can be filtered by. Raises `Refusal` where the filter is malformed or names what cannot be filtered by."""
    tokens: list[tuple[str, bool]] = []
    position = 0
    text = filter_text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _refuse("The filter is not well formed.")
        quoted = match[1] is not None
        tokens.append((match[1] if quoted else match[2] or match[3], quoted))
        position = match.end()
    condition, rest = _either(tokens, fields)
    if rest:
        raise _refuse(f"Unexpected token: {rest[0][0]}")
    return condition


def _either(tokens: list[tuple[str, bool]], fields: Mapping[str, Field]) -> tuple[str, list[tuple[str, bool]]]:
    left, tokens = _primary(tokens, fields)
    while tokens and tokens[0][0].upper() in ("AND", "OR"):
        word = tokens[0][0].upper()
        right, tokens = _primary(tokens[1:], fields)
        left = f"({left} {word} {right})"
    return left, tokens


def _primary(tokens: list[tuple[str, bool]], fields: Mapping[str, Field]) -> tuple[str, list[tuple[str, bool]]]:
    if not tokens:
        raise _refuse("The filter ends too early.")
    if tokens[0] == ("(", False):
        inner, rest = _either(tokens[1:], fields)
        if not rest or rest[0] != (")", False):
            raise _refuse("A bracket is not closed.")
        return f"({inner})", rest[1:]
    name = tokens[0][0]
    field = fields.get(name)
    if field is None:
        raise Refusal(400, "NONEXISTENT_FIELD", f"Field {name} does not exist or cannot be filtered by.", ("errorQueryParam", "q"))
    if len(tokens) < 2:
        raise _refuse("An operator is missing.")
    operator, rest = tokens[1][0].upper(), tokens[2:]
    negated = operator.endswith("_NOT") and operator != "IS_NOT"
    operator = operator[:-4] if negated else operator
    if operator == "EMPTY":
        return f"{field.column} IS {'NOT ' if negated else ''}NULL", rest
    if negated:
        raise _refuse(f"Operator {operator}_NOT does not fit field {name}.")
    if not rest:
        raise _refuse("A value is missing.")
    values, rest = _values(operator, rest)
    return _condition(name, field, operator, values), rest


def _values(operator: str, tokens: list[tuple[str, bool]]) -> tuple[list[str], list[tuple[str, bool]]]:
    if operator not in ("ANY_OF", "BETWEEN") or tokens[0] != ("[", False):
        return [tokens[0][0]], tokens[1:]
    values: list[str] = []
    for index, (word, quoted) in enumerate(tokens[1:], 1):
        if (word, quoted) == ("]", False):
            return values, tokens[index + 1 :]
        if (word, quoted) != (",", False):
            values.append(word)
    raise _refuse("A list is not closed.")


def _condition(name: str, field: Field, operator: str, values: list[str]) -> str:
    column, kind = field.column, field.kind
    if kind in ("d", "dt") and operator in _DAYS:
        return _day_condition(column, operator, _day(values[0]))
    if kind == "b" and operator == "IS" and values[0].lower() in ("true", "false"):
        return f"{column} = '{'T' if values[0].lower() == 'true' else 'F'}'"
    if kind in ("s", "enum") and operator in _TEXT and column != "id":
        pattern = {"CONTAIN": "%{}%", "START_WITH": "{}%", "END_WITH": "%{}"}.get(operator, "{}").format(values[0])
        return f"{column} " + _TEXT[operator].format("'" + pattern.replace("'", "''") + "'")
    if kind == "enum" and operator == "ANY_OF":
        return f"{column} IN ({', '.join(_quoted(value) for value in values)})"
    if kind in ("n", "i") or kind.startswith("ref") or column == "id":
        numbers = [_number(value) for value in values]
        if operator in _ORDERED:
            return f"{column} {_ORDERED[operator]} {numbers[0]}"
        if operator == "ANY_OF":
            return f"{column} IN ({', '.join(numbers)})"
        if operator == "BETWEEN" and len(numbers) == 2:
            return f"({column} >= {numbers[0]} AND {column} <= {numbers[1]})"
    raise _refuse(f"Operator {operator} does not fit field {name}.")


def _day_condition(column: str, operator: str, day: str) -> str:
    """Whole days only: the hour of a time takes no part."""
    start, end = f"TO_DATE('{day}', 'YYYY-MM-DD')", f"(TO_DATE('{day}', 'YYYY-MM-DD') + 1)"
    return {
        "ON": f"({column} >= {start} AND {column} < {end})", "AFTER": f"{column} >= {end}", "ON_OR_AFTER": f"{column} >= {start}",
        "BEFORE": f"{column} < {start}", "ON_OR_BEFORE": f"{column} < {end}",
    }[operator]


def _day(text: str) -> str:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date().isoformat()
    except ValueError as problem:
        raise _refuse(f"'{text}' is not a date in the account's format (M/D/YYYY).") from problem


def _number(text: str) -> str:
    if re.fullmatch(r"-?\d+(\.\d+)?", text) is None:
        raise _refuse(f"'{text}' is not a number.")
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _refuse(detail: str) -> Refusal:
    return Refusal(400, "INVALID_PARAMETER", detail, ("errorQueryParam", "q"))

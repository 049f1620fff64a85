"""The `$filter` language of the environment: parsed, checked against the entity's types, compiled to a test on stored records.

What the vendor does not support is refused here: functions, `in`, `has`, enumerations compared with anything but their own literal.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.dynamics365_finance.catalogue import NAMESPACE, EntitySet, Property
from sandbox.dynamics365_finance.enumerations import ENUMS
from sandbox.dynamics365_finance.errors import Refusal, bad_query
from sandbox.protocol import Record

Value = Callable[[Record], Any]
Test = Callable[[Record], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<enum>[A-Za-z_][\w.]*\.(?P<type>\w+)'(?P<member>[^']*)')|(?P<text>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))|(?P<day>\d{4}-\d{2}-\d{2})"
    r"|(?P<guid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>[A-Za-z_][\w/]*)|(?P<mark>[(),]))")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
_KINDS = {"eq": "Equal", "ne": "NotEqual", "gt": "GreaterThan", "ge": "GreaterThanOrEqual", "lt": "LessThan", "le": "LessThanOrEqual"}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "mod": operator.mod}
_EDM = {"s": "Edm.String", "n": "Edm.Decimal", "t": "Edm.DateTimeOffset", "g": "Edm.Guid", "b": "Edm.Boolean", "null": "null", "d": "Edm.Date"}


@dataclass(frozen=True)
class _Operand:
    """`kind`: s, n, t, g, d, b, null or the name of an enumeration. `literal`: its value where it is one."""

    kind: str
    value: Value
    literal: Any = None
    is_literal: bool = False


def stored(prop: Property) -> Value:
    """How a property's value is had from a stored record."""
    source = prop.source
    if source.startswith("_"):
        inner = source[1:]
        return lambda record: record["_"].get(inner, 0 if prop.kind in ("dec", "i64", "i32") else "")
    if prop.is_bare:
        nothing = prop.nothing
        return lambda record: record.get(source, nothing)
    return lambda record: record.get(source)


def compile_filter(text: str, entity: EntitySet) -> Test:
    """Raises Refusal where the text is malformed, a property unknown or an operator not supported."""
    tokens: list[tuple[str, str, re.Match[str]]] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise bad_query(f"Syntax error at position {position} in '{text}'.")
        kind = next(name for name in ("enum", "text", "moment", "day", "guid", "number", "word", "mark") if match[name] is not None)
        tokens.append((kind, match[kind], match))
        position = match.end()
    parser = _Parser(tokens, entity, text)
    test = parser.either()
    if not parser.is_done:
        raise bad_query(f"Syntax error at position {end} in '{text}'.")
    return test


class _Parser:
    def __init__(self, tokens: list[tuple[str, str, re.Match[str]]], entity: EntitySet, text: str) -> None:
        self._tokens, self._entity, self._text, self._place = tokens, entity, text, 0

    @property
    def is_done(self) -> bool:
        return self._place >= len(self._tokens)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place][:2] if not self.is_done else ("", "")

    def _next(self) -> tuple[str, str, re.Match[str]]:
        if self.is_done:
            raise bad_query(f"Expression expected at position {len(self._text)} in '{self._text}'.")
        self._place += 1
        return self._tokens[self._place - 1]

    def either(self) -> Test:
        left = self._both()
        while self._peek() == ("word", "or"):
            self._place += 1
            left = _or(left, self._both())
        return left

    def _both(self) -> Test:
        left = self._single()
        while self._peek() == ("word", "and"):
            self._place += 1
            left = _and(left, self._single())
        return left

    def _single(self) -> Test:
        if self._peek() == ("word", "not"):
            self._place += 1
            inner = self._single()
            return lambda record: not inner(record)
        if self._peek() == ("mark", "("):
            start = self._place
            try:
                self._place += 1
                inner = self.either()
                self._close()
                if self._peek()[1] not in _COMPARE and self._peek()[1] not in _ARITHMETIC:
                    return inner
            except Refusal:
                if not self._is_arithmetic(start):
                    raise
            self._place = start
        return self._comparison()

    def _is_arithmetic(self, start: int) -> bool:
        depth = 0
        for kind, text, _ in self._tokens[start:]:
            depth += (text == "(") - (text == ")") if kind == "mark" else 0
            if kind == "word" and text in (*_COMPARE, "and", "or"):
                return False
            if depth == 0:
                return True
        return False

    def _close(self) -> None:
        if self._next()[:2] != ("mark", ")"):
            raise bad_query(f"')' or operator expected in '{self._text}'.")

    def _comparison(self) -> Test:
        left = self._term()
        kind, word, _ = self._next() if not self.is_done else ("", "", None)
        if kind != "word" or word not in _COMPARE:
            if word in ("in", "has"):
                raise bad_query(f"The operator '{word}' is not supported.")
            raise bad_query(f"The $filter expression must evaluate to a single boolean value: '{self._text}'.")
        return _compare(word, left, self._term())

    def _term(self) -> _Operand:
        left = self._factor()
        while self._peek()[0] == "word" and self._peek()[1] in _ARITHMETIC:
            word = self._next()[1]
            right = self._factor()
            if left.kind != "n" or right.kind != "n":
                raise bad_query(f"A binary operator with incompatible types was detected for operator kind '{word.capitalize()}'.")
            left = _calculated(_ARITHMETIC[word], left, right)
        return left

    def _factor(self) -> _Operand:
        kind, text, match = self._next()
        if (kind, text) == ("mark", "("):
            inner = self._term()
            self._close()
            return inner
        if kind == "word":
            if self._peek() == ("mark", "("):
                raise bad_query(f"The function '{text}' is not supported. Use wildcards in eq, for example Name eq '*text*'.")
            if text in ("true", "false"):
                return _constant("b", text == "true")
            if text == "null":
                return _constant("null", None)
            prop = self._entity.properties.get(text)
            if prop is None:
                raise bad_query(f"Could not find a property named '{text}' on type '{NAMESPACE}.{self._entity.entity}'.")
            simple = {"dec": "n", "i32": "n", "i64": "n", "dto": "t", "guid": "g"}.get(prop.kind, prop.kind)
            return _Operand(simple, stored(prop))
        if kind == "enum":
            name, member = match["type"], match["member"]
            if not text.startswith(f"{NAMESPACE}.") or name not in ENUMS:
                raise bad_query(f"The type '{text.split(chr(39))[0]}' is not known.")
            if member not in ENUMS[name]:
                raise bad_query(f"The string '{text}' is not a valid enumeration type constant.")
            return _constant(name, member)
        if kind == "text":
            return _constant("s", text[1:-1].replace("''", "'"))
        if kind == "moment":
            return _constant("t", _moment(text))
        if kind == "number":
            return _constant("n", int(text) if re.fullmatch(r"-?\d+", text) else float(text))
        if kind in ("day", "guid"):
            return _constant(kind[0], text)
        raise bad_query(f"Expression expected before '{text}' in '{self._text}'.")


def _constant(kind: str, value: Any) -> _Operand:
    return _Operand(kind, lambda record: value, value, True)


def _moment(text: str) -> str:
    """Without the zone mark, so that fractions sort behind whole seconds."""
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as problem:
        raise bad_query(f"'{text}' is not a valid date time.") from problem
    return at.isoformat()[:-6]


def _calculated(act: Callable[[Any, Any], Any], left: _Operand, right: _Operand) -> _Operand:
    def value(record: Record) -> Any:
        try:
            return act(left.value(record), right.value(record))
        except ZeroDivisionError:
            return None
    return _Operand("n", value)


def _or(left: Test, right: Test) -> Test:
    return lambda record: left(record) or right(record)


def _and(left: Test, right: Test) -> Test:
    return lambda record: left(record) and right(record)


def _compare(word: str, left: _Operand, right: _Operand) -> Test:
    if left.is_literal and not right.is_literal:
        flipped = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
        return _compare(flipped.get(word, word), right, left)
    if "null" in (left.kind, right.kind):
        if word not in ("eq", "ne"):
            raise bad_query(f"A null value cannot be compared with '{word}'.")
        is_eq = word == "eq"
        return lambda record: (left.value(record) is None) == is_eq
    if left.kind != right.kind:
        shown = [f"{NAMESPACE}.{kind}" if kind in ENUMS else _EDM[kind] for kind in (left.kind, right.kind)]
        raise bad_query(
            f"A binary operator with incompatible types was detected. Found operand types '{shown[0]}' and '{shown[1]}' for operator kind "
            f"'{_KINDS[word]}'.")
    if left.kind in ENUMS and word not in ("eq", "ne"):
        raise bad_query(f"The operator '{word}' is not supported for enumerations.")
    act, first = _COMPARE[word], left.value
    if left.kind == "s":
        return _texts(word, first, right)
    second = right.value
    if left.kind == "t":
        if right.is_literal:
            bound = right.literal
            return lambda record: act(str(first(record)).rstrip("Z"), bound)
        return lambda record: act(str(first(record)), str(second(record)))

    def test(record: Record) -> bool:
        try:
            return bool(act(first(record), second(record)))
        except TypeError:
            return False
    return test


def _texts(word: str, first: Value, right: _Operand) -> Test:
    """Texts are compared without regard to case; `*` in the literal of eq and ne stands for anything."""
    act = _COMPARE[word]
    if not right.is_literal:
        second = right.value
        return lambda record: act(str(first(record) or "").casefold(), str(second(record) or "").casefold())
    wanted = right.literal.casefold()
    if "*" in wanted and word in ("eq", "ne"):
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("*")), re.DOTALL)
        is_eq = word == "eq"
        return lambda record: (pattern.fullmatch(str(first(record) or "").casefold()) is not None) == is_eq
    return lambda record: act(str(first(record) or "").casefold(), wanted)

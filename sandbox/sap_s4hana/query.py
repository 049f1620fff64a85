"""The query options of OData v2 over records: $filter, $orderby, and which part of a sorted set a filter can touch.

A filter is parsed to a tree; the tree gives a predicate and the key ranges that it lies in, so that reading on from a key does
not walk through everything before it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.protocol import Record
from sandbox.sap_s4hana.catalogue import EntitySet, Property
from sandbox.sap_s4hana.errors import BAD_REQUEST, Refusal
from sandbox.sap_s4hana.wire import Unfit, comparable, literal

Predicate = Callable[[Record], bool]
Range = tuple[tuple[Any, ...], tuple[Any, ...]]  # from this prefix of the key on, to the end of that one; () is open
_TOKEN = re.compile(
    r"\s*(?:(?P<literal>(?:datetimeoffset|datetime|time|guid|binary)?'(?:[^']|'')*'|-?\d+(?:\.\d+)?[mMlLdDfF]?(?![\w.])|true\b|false\b|null\b)"
    r"|(?P<name>[A-Za-z_][\w/]*)|(?P<sign>[(),]))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
_TEXT: dict[str, Callable[[str, str], bool]] = {"startswith": str.startswith, "endswith": str.endswith}
_UNSUPPORTED = frozenset({"add", "sub", "mul", "div", "mod", "in", "has", "contains", "any", "all"})


@dataclass(frozen=True)
class Comparison:
    property: Property
    sign: str
    value: Any


@dataclass(frozen=True)
class TextTest:
    property: Property
    function: str  # startswith, endswith, substringof
    value: str
    wanted: bool


@dataclass(frozen=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Negated:
    part: Node


Node = Comparison | TextTest | All | Either | Negated


def _bad(message: str, target: str = "") -> Refusal:
    return Refusal(400, BAD_REQUEST, message, target)


def property_of(entity: EntitySet, name: str) -> Property:
    if name not in entity.properties:
        raise _bad(f"Property {name} not found in type {entity.type_name}", name)
    return entity.properties[name]


def parse_filter(entity: EntitySet, text: str) -> Node:
    """Raises Refusal for what the service does not take."""
    tokens: list[tuple[str, str]] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise _bad(f"Invalid token '{text[place:].strip()[:20]}' at position {place}")
        tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
        place = match.end()
    parser = _Parser(entity, tokens)
    node = parser.either()
    if parser.tokens:
        raise _bad(f"Invalid token '{parser.tokens[0][1]}' in the filter")
    return node


class _Parser:
    def __init__(self, entity: EntitySet, tokens: list[tuple[str, str]]) -> None:
        self.entity, self.tokens = entity, tokens

    def take(self, expected: str = "") -> tuple[str, str]:
        if not self.tokens:
            raise _bad("The filter ends where an expression is expected")
        token = self.tokens.pop(0)
        if expected and token[1] != expected:
            raise _bad(f"'{expected}' expected instead of '{token[1]}' in the filter")
        return token

    def next_is(self, *words: str) -> bool:
        return bool(self.tokens) and self.tokens[0][1] in words

    def either(self) -> Node:
        parts = [self.every()]
        while self.next_is("or"):
            self.take()
            parts.append(self.every())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def every(self) -> Node:
        parts = [self.term()]
        while self.next_is("and"):
            self.take()
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def term(self) -> Node:
        kind, text = self.take()
        if text == "(":
            node = self.either()
            self.take(")")
            return node
        if text == "not":
            return Negated(self.term())
        if kind != "name":
            raise _bad(f"A property is expected instead of {text} in the filter")
        if self.next_is("("):
            return self.function(text)
        one = self.property(text)
        _, sign = self.take()
        if sign not in _COMPARE:
            reason = "is not supported" if sign in _UNSUPPORTED else "is no operator"
            raise _bad(f"'{sign}' {reason} in the filter")
        kind, value = self.take()
        if kind != "literal":
            raise _bad(f"A literal is expected instead of {value} in the filter")
        try:
            return Comparison(one, sign, literal(one, value))
        except Unfit:
            raise _bad(f"Invalid value {value} for property {one.name} of type {one.edm}", one.name) from None

    def function(self, name: str) -> Node:
        self.take("(")
        if name not in ("startswith", "endswith", "substringof"):
            raise _bad(f"Function '{name}' is not supported in the filter")
        first = self.take()
        self.take(",")
        second = self.take()
        self.take(")")
        field, value = (second, first) if name == "substringof" else (first, second)
        one = self.property(field[1])
        if one.kind != "s" or not value[1].startswith("'"):
            raise _bad(f"{name} compares text only")
        wanted = True
        if self.next_is("eq", "ne"):
            _, sign = self.take()
            _, truth = self.take()
            if truth not in ("true", "false"):
                raise _bad(f"true or false expected instead of {truth}")
            wanted = (truth == "true") == (sign == "eq")
        return TextTest(one, name, value[1][1:-1].replace("''", "'"), wanted)

    def property(self, name: str) -> Property:
        if "/" in name:
            raise _bad(f"A filter on the property of a navigation is not supported: {name}", name)
        one = property_of(self.entity, name)
        if not one.filterable:
            raise _bad(f"Property {name} cannot be used in a filter", name)
        return one


def predicate(node: Node) -> Predicate:
    if isinstance(node, All):
        tests = [predicate(part) for part in node.parts]
        return lambda record: all(test(record) for test in tests)
    if isinstance(node, Either):
        keyed = _one_of(node)
        if keyed is not None:
            return keyed
        tests = [predicate(part) for part in node.parts]
        return lambda record: any(test(record) for test in tests)
    if isinstance(node, Negated):
        inner = predicate(node.part)
        return lambda record: not inner(record)
    one, name, unset = node.property, node.property.name, node.property.unset
    if isinstance(node, TextTest):
        wanted, value = node.wanted, node.value
        if node.function == "substringof":
            return lambda record: (value in str(record.get(name, unset) or "")) == wanted
        test = _TEXT[node.function]
        return lambda record: test(str(record.get(name, unset) or ""), value) == wanted
    compare, value = _COMPARE[node.sign], node.value
    if node.sign in ("eq", "ne"):
        return lambda record: compare(comparable(one, record.get(name, unset)), value)

    def ordered(record: Record) -> bool:
        held = comparable(one, record.get(name, unset))
        return held is not None and value is not None and compare(held, value)
    return ordered


def _one_of(node: Either) -> Predicate | None:
    """`a eq 1 or a eq 2 or ...` as one look into a set."""
    if not all(isinstance(part, Comparison) and part.sign == "eq" for part in node.parts):
        return None
    comparisons = [part for part in node.parts if isinstance(part, Comparison)]
    one = comparisons[0].property
    if any(part.property is not one for part in comparisons):
        return None
    values = frozenset(part.value for part in comparisons)
    return lambda record: comparable(one, record.get(one.name, one.unset)) in values


def key_ranges(entity: EntitySet, node: Node | None) -> list[Range]:
    """Sorted key prefixes that every match of the filter lies between."""
    found = _ranges(entity, node, {}) if node is not None else [((), ())]
    return sorted(set(found))


def _ranges(entity: EntitySet, node: Node, fixed: dict[str, Any]) -> list[Range]:
    parts = node.parts if isinstance(node, All) else (node,)
    fixed = {**fixed, **{part.property.name: part.value for part in parts if isinstance(part, Comparison) and part.sign == "eq"}}
    branches = next((part for part in parts if isinstance(part, Either)), None)
    rest = [part for part in parts if part is not branches]
    if branches is None:
        return [_range(entity, parts, fixed)]
    found: list[Range] = []
    for branch in branches.parts:
        inner = branch.parts if isinstance(branch, All) else (branch,)
        found += _ranges(entity, All((*rest, *inner)), fixed)
    return found


def _range(entity: EntitySet, parts: Sequence[Node], fixed: dict[str, Any]) -> Range:
    prefix: list[Any] = []
    for name in entity.key:
        if fixed.get(name) is not None:
            prefix.append(fixed[name])
            continue
        above = [part.value for part in parts if isinstance(part, Comparison) and part.property.name == name and part.sign in ("gt", "ge")]
        return tuple([*prefix, max(above)]) if above and None not in above else tuple(prefix), tuple(prefix)
    return tuple(prefix), tuple(prefix)


def parse_order(entity: EntitySet, text: str) -> list[tuple[Property, bool]]:
    """Properties with True where they descend."""
    wanted = []
    for part in text.split(","):
        words = part.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise _bad(f"Invalid expression '{part.strip()}' in $orderby")
        wanted.append((property_of(entity, words[0]), words[1:] == ["desc"]))
    return wanted


def sort_value(one: Property, record: Record) -> tuple[bool, Any]:
    """Records without a value stand first."""
    value = comparable(one, record.get(one.name, one.unset))
    return (value is not None, value if value is not None else 0)

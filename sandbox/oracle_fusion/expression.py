"""Fusion's `q`: the simple form of framework version 1 and the expression form from version 2. Parsing and evaluating; no records here.

A parsed filter is a `Filter`: a test of one record, and for a sorted list the least value that its first attribute can have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.oracle_fusion.errors import Refusal

Record = dict[str, Any]
Test = Callable[[Record], bool]
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*'|\"[^\"]*\")|(?P<number>-?\d+(?:\.\d+)?(?![\w.:-]))|(?P<op><>|!=|>=|<=|=|<|>)|(?P<punct>[(),])"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*))"
)
_SIMPLE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(<>|!=|>=|<=|=|<|>|\s[Ll][Ii][Kk][Ee]\s)\s*(.+?)\s*$", re.DOTALL)
_SECOND = re.compile(r"(.+?)\s+(and|or)\s*(<>|!=|>=|<=|=|<|>)\s*(.+)$", re.DOTALL | re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")
_RESERVED = {"and", "or", "not", "like", "in", "between", "is", "null"}


@dataclass(frozen=True)
class Filter:
    test: Test
    lows: Mapping[str, Any]  # attribute -> no record with a smaller value passes

    @staticmethod
    def everything() -> Filter:
        return Filter(lambda record: True, {})


def malformed(text: str) -> Refusal:
    return Refusal(400, f"URL request parameter q with value {text[:120]} is not valid.", "JBO-27102")


def parse(text: str, kinds: Mapping[str, str], queryable: frozenset[str], version: int) -> Filter:
    """`kinds`: attribute -> s, i, n, b, d or dt. Raises Refusal for what Fusion does not take."""
    if version == 1:
        return _parse_simple(text, kinds, queryable)
    if ";" in re.sub(r"'(?:[^']|'')*'", "", text):
        raise malformed(text)
    return _Parser(text, kinds, queryable).whole()


def _attribute(name: str, kinds: Mapping[str, str], queryable: frozenset[str]) -> str:
    if name not in kinds:
        raise Refusal(400, f"{name} is not an attribute of this resource.", "JBO-25058", f"/{name}")
    if name not in queryable:
        raise Refusal(400, f"The attribute {name} used in the query is not queryable.", "JBO-25012", f"/{name}")
    return kinds[name]


def literal(kind: str, text: str, name: str, whole: str) -> Any:
    """A literal as the attribute stores it, so that it compares with the stored value."""
    if kind == "b":
        if text.lower() not in ("true", "false"):
            raise _bad(name, whole)
        return text.lower() == "true"
    if kind in ("i", "n"):
        try:
            number = float(text)
        except ValueError:
            raise _bad(name, whole) from None
        return int(number) if number.is_integer() else number
    if kind in ("d", "dt"):
        if not _MOMENT.fullmatch(text):
            raise _bad(name, whole)
        return _moment(text, name, whole) if kind == "dt" else text[:10]
    return text


def _moment(text: str, name: str, whole: str) -> str:
    """The one form in which moments are stored: UTC with milliseconds, so that text compares as time."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise _bad(name, whole) from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return stamp(at)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _bad(name: str, whole: str) -> Refusal:
    return Refusal(400, f"The value given for {name} in {whole[:120]} is malformed.", "JBO-27102", f"/{name}")


def _compare(name: str, op: str, value: Any) -> Filter:
    wanted = type(value) if not isinstance(value, int | float) or isinstance(value, bool) else None

    def fits(held: Any) -> bool:
        if wanted is None:
            return isinstance(held, int | float) and not isinstance(held, bool)
        return type(held) is wanted

    if op == "=":
        return Filter(lambda record: record.get(name) == value, {name: value})
    if op in ("<>", "!="):
        return Filter(lambda record: record.get(name) is not None and record[name] != value, {})
    if op == ">":
        return Filter(lambda record: fits(record.get(name)) and record[name] > value, {name: value})
    if op == ">=":
        return Filter(lambda record: fits(record.get(name)) and record[name] >= value, {name: value})
    if op == "<":
        return Filter(lambda record: fits(record.get(name)) and record[name] < value, {})
    return Filter(lambda record: fits(record.get(name)) and record[name] <= value, {})


def like(name: str, pattern: str) -> Filter:
    compiled = re.compile("".join(".*" if part in "%*" else "." if part == "_" else re.escape(part) for part in pattern), re.DOTALL)
    return Filter(lambda record: isinstance(record.get(name), str) and compiled.fullmatch(record[name]) is not None, {})


def both(first: Filter, second: Filter) -> Filter:
    lows = dict(first.lows)
    for name, low in second.lows.items():
        lows[name] = max(lows[name], low) if name in lows and type(lows[name]) is type(low) else low
    return Filter(lambda record: first.test(record) and second.test(record), lows)


def _either(first: Filter, second: Filter) -> Filter:
    lows = {
        name: min(low, second.lows[name]) for name, low in first.lows.items()
        if name in second.lows and type(second.lows[name]) is type(low)
    }
    return Filter(lambda record: first.test(record) or second.test(record), lows)


# --- version 1: `Name op value` parts joined by semicolons ---------------------------------------------------------------


def _parse_simple(text: str, kinds: Mapping[str, str], queryable: frozenset[str]) -> Filter:
    found = Filter.everything()
    for part in _split(text):
        if not part.strip():
            continue
        match = _SIMPLE.fullmatch(part)
        if match is None:
            raise malformed(text)
        name, op, rest = match[1], match[2].strip().lower(), match[3]
        kind = _attribute(name, kinds, queryable)
        second = None if rest[0] in "'\"" and _unquoted(rest) is not None else _SECOND.fullmatch(rest)
        first_value = second[1] if second else rest
        test = _simple_test(name, kind, op, first_value, text)
        if second:
            other = _simple_test(name, kind, second[3], second[4], text)
            test = both(test, other) if second[2].lower() == "and" else _either(test, other)
        found = both(found, test)
    return found


def _split(text: str) -> list[str]:
    parts, current, quote = [], "", ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == ";":
            parts.append(current)
            current = ""
            continue
        current += letter
    return [*parts, current]


def _unquoted(value: str) -> str | None:
    """What is inside the quotes, where the whole value is one quoted text."""
    if len(value) >= 2 and value[0] in "'\"" and value[-1] == value[0] and value[0] not in value[1:-1].replace("''", ""):
        return value[1:-1].replace("''", "'")
    return None


def _simple_test(name: str, kind: str, op: str, value: str, text: str) -> Filter:
    inner = _unquoted(value)
    if inner is None and (value[0] in "'\"" or re.search(r"\s(and|or)\s", value, re.IGNORECASE)):
        raise malformed(text)  # the expression form, which this version does not know
    plain = value if inner is None else inner
    if op == "like":
        return like(name, plain)
    if inner is None and plain.lower() == "null":
        return Filter(lambda record: (record.get(name) is None) == (op == "="), {})
    return _compare(name, op, literal(kind, plain, name, text))


# --- version 2 and later -------------------------------------------------------------------------------------------------


class _Parser:
    def __init__(self, text: str, kinds: Mapping[str, str], queryable: frozenset[str]) -> None:
        self._text, self._kinds, self._queryable = text, kinds, queryable
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None or match.end() == place:
                raise malformed(text)
            kind = str(match.lastgroup)
            self._tokens.append((kind, match[kind]))
            place = match.end()
        self._place = 0

    def whole(self) -> Filter:
        if not self._tokens:
            raise malformed(self._text)
        found = self._or()
        if self._place != len(self._tokens):
            raise malformed(self._text)
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._place += 1
        return token

    def _word(self, *words: str) -> bool:
        kind, value = self._peek()
        if kind == "word" and value.lower() in words:
            self._place += 1
            return True
        return False

    def _take(self, text: str) -> None:
        if self._next()[1].lower() != text:
            raise malformed(self._text)

    def _or(self) -> Filter:
        found = self._and()
        while self._word("or"):
            found = _either(found, self._and())
        return found

    def _and(self) -> Filter:
        found = self._not()
        while self._word("and"):
            found = both(found, self._not())
        return found

    def _not(self) -> Filter:
        if self._word("not"):
            inner = self._not()
            return Filter(lambda record: not inner.test(record), {})
        if self._peek() == ("punct", "("):
            self._place += 1
            found = self._or()
            self._take(")")
            return found
        return self._comparison()

    def _comparison(self) -> Filter:
        token, name = self._next()
        folded = ""
        if token == "word" and name.lower() in ("upper", "lower") and self._peek() == ("punct", "("):
            folded = name.lower()
            self._place += 1
            token, name = self._next()
            self._take(")")
        if token != "word" or name.lower() in _RESERVED:
            raise malformed(self._text)
        kind = _attribute(name, self._kinds, self._queryable)
        found = self._operator(name, kind)
        if not folded:
            return found
        return Filter(lambda record: found.test({**record, name: getattr(str(record.get(name) or ""), folded)()}), {})

    def _operator(self, name: str, kind: str) -> Filter:
        negated = self._word("not")
        if self._word("like"):
            found = like(name, self._literal("s", name))
        elif self._word("in"):
            self._take("(")
            values = [self._literal(kind, name)]
            while self._peek() == ("punct", ","):
                self._place += 1
                values.append(self._literal(kind, name))
            self._take(")")
            chosen = set(values)
            lows = {name: min(values)} if len(set(map(type, values))) == 1 else {}
            found = Filter(lambda record: record.get(name) in chosen, lows)
        elif self._word("between"):
            low = self._literal(kind, name)
            self._take("and")
            found = both(_compare(name, ">=", low), _compare(name, "<=", self._literal(kind, name)))
        elif not negated and self._word("is"):
            absent = not self._word("not")
            self._take("null")
            found = Filter(lambda record: (record.get(name) is None) == absent, {})
        else:
            token, op = self._next()
            if token != "op" or negated:
                raise malformed(self._text)
            found = _compare(name, op, self._literal(kind, name))
        return Filter(lambda record: not found.test(record), {}) if negated else found

    def _literal(self, kind: str, name: str) -> Any:
        token, value = self._next()
        if token == "string":
            return literal(kind, value[1:-1].replace("''", "'"), name, self._text)
        if token == "number" and kind in ("i", "n"):
            return literal(kind, value, name, self._text)
        if token == "word" and kind == "b":
            return literal(kind, value, name, self._text)
        raise malformed(self._text)  # text and moments must stand in quotes

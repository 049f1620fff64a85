"""SOQL: text to syntax tree, with its literals, ids and times.

Belongs here: the form of the query language. Does not belong here: what a query means for an org's objects and rows.
Rows are plain dicts; a datetime is held as "2026-01-15T09:30:00.000+0000" and a date as "2026-01-15", so text order is time order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

MAX_LENGTH = 100_000
MAX_OFFSET = 2_000


class SoqlError(Exception):
    """A query that Salesforce refuses; `code` is its errorCode."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# --- ids and times -------------------------------------------------------------------------------------------------------

_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def full_id(text: str) -> str | None:
    """The 18-character form of a 15- or 18-character id; None when the text cannot be an id."""
    if not _ID.fullmatch(text):
        return None
    fifteen = text[:15]
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, char in enumerate(fifteen[start : start + 5]) if "A" <= char <= "Z")
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    if len(text) == 18 and text[15:].upper() != suffix:
        return None
    return fifteen + suffix


@lru_cache(maxsize=4_096)
def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def parse_stamp(text: str) -> datetime:
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


# --- tokens --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Token:
    kind: str  # word, string, number, date, datetime, symbol, end
    text: str
    at: int


_TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d(?![\dTt]))"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<symbol><=|>=|!=|<>|[=<>(),:])"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


def malformed(message: str) -> SoqlError:
    return SoqlError("MALFORMED_QUERY", message)


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None:
            raise malformed(f"unexpected token: '{text[at : at + 1]}'")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match.group(), at))
        at = match.end()
    found.append(Token("end", "<EOF>", len(text)))
    return found


def _string(token: Token, *, like: bool = False) -> str:
    body = token.text[1:-1]

    def unescape(match: re.Match[str]) -> str:
        char = match.group(1)
        if like and char in "%_":
            return "\\" + char
        if char not in _ESCAPES and char not in "%_":
            raise malformed(f"Illegal string escape sequence: '\\{char}'")
        return "\\\\" if like and char == "\\" else _ESCAPES.get(char, char)

    return re.sub(r"\\(.)", unescape, body, flags=re.S)


# --- syntax tree ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Literal:
    kind: str  # string, number, boolean, null, date, datetime, range
    value: Any
    like: str = ""


@dataclass(frozen=True)
class Column:
    path: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True)
class Aggregate:
    function: str
    column: Column | None
    alias: str


@dataclass(frozen=True)
class FieldsFunction:
    kind: str


@dataclass(frozen=True)
class Comparison:
    column: Column
    operator: str  # = != < <= > >= like in "not in"
    values: tuple[Literal, ...] = ()
    subquery: Query | None = None


@dataclass(frozen=True)
class Logic:
    operator: str  # and, or, not
    terms: tuple[Condition, ...]


@dataclass(frozen=True)
class Order:
    column: Column
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Query:
    text: str
    select: tuple[Any, ...]  # Column, Aggregate, FieldsFunction, Query (child subquery)
    source: str
    alias: str = ""
    where: Condition | None = None
    group: tuple[Column, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
    count: bool = False


Condition = Comparison | Logic
_RESERVED = {"where", "order", "limit", "offset", "group", "having", "for", "using", "with", "all", "update", "typeof"}
_AGGREGATES = {"count", "count_distinct", "sum", "min", "max", "avg"}
_RANGES = re.compile(
    r"(today|yesterday|tomorrow|(?:this|last|next)_(?:week|month|year)|(?:last|next)_n_(?:days|months)|last_90_days)", re.I
)


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0
        self.today = now.date()

    def look(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        if token.kind != "end":
            self.place += 1
        return token

    def is_word(self, *words: str) -> bool:
        token = self.look()
        return token.kind == "word" and token.text.lower() in words

    def is_symbol(self, symbol: str) -> bool:
        token = self.look()
        return token.kind == "symbol" and token.text == symbol

    def unexpected(self) -> SoqlError:
        token = self.look()
        row = self.text.count("\n", 0, token.at) + 1
        column = token.at - (self.text.rfind("\n", 0, token.at) + 1) + 1
        around = self.text[max(0, token.at - 30) : token.at + 30]
        return malformed(f"\n{around}\n^\nERROR at Row:{row}:Column:{column}\nunexpected token: '{token.text}'")

    def need_word(self, word: str) -> None:
        if not self.is_word(word):
            raise self.unexpected()
        self.take()

    def need_symbol(self, symbol: str) -> None:
        if not self.is_symbol(symbol):
            raise self.unexpected()
        self.take()

    def column(self) -> Column:
        token = self.look()
        if token.kind != "word":
            raise self.unexpected()
        self.take()
        return Column(tuple(token.text.split(".")), token.at)

    def whole_number(self) -> int:
        token = self.look()
        if token.kind != "number" or not token.text.isdigit():
            raise self.unexpected()
        return int(self.take().text)

    def query(self, *, nested: bool = False) -> Query:
        start = self.look().at
        self.need_word("select")
        items, is_count = self.select_list()
        self.need_word("from")
        source = self.look()
        if source.kind != "word" or source.text.lower() in _RESERVED - {"order", "group"}:  # two objects bear the name of a keyword
            raise self.unexpected()
        self.take()
        alias = ""
        if self.look().kind == "word" and self.look().text.lower() not in _RESERVED:
            alias = self.take().text
        where = None
        if self.is_word("where"):
            self.take()
            where = self.condition()
        group: list[Column] = []
        if self.is_word("group"):
            self.take()
            self.need_word("by")
            group.append(self.column())
            while self.is_symbol(","):
                self.take()
                group.append(self.column())
        order: list[Order] = []
        if self.is_word("order"):
            self.take()
            self.need_word("by")
            order.append(self.order())
            while self.is_symbol(","):
                self.take()
                order.append(self.order())
        limit = offset = None
        if self.is_word("limit"):
            self.take()
            limit = self.whole_number()
        if self.is_word("offset"):
            self.take()
            offset = self.whole_number()
            if offset > MAX_OFFSET:
                raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        if not nested and self.look().kind != "end":
            raise self.unexpected()
        text = self.text[start : self.look().at]
        return Query(text, tuple(items), source.text, alias, where, tuple(group), tuple(order), limit, offset, is_count)

    def select_list(self) -> tuple[list[Any], bool]:
        items: list[Any] = []
        while True:
            if self.is_symbol("("):
                self.take()
                items.append(self.query(nested=True))
                self.need_symbol(")")
            else:
                column = self.column()
                if self.is_symbol("("):
                    self.take()
                    function = column.path[0].lower()
                    if function == "count" and self.is_symbol(")"):
                        self.take()
                        if items or not self.is_word("from"):
                            raise self.unexpected()
                        return [], True
                    if function == "fields":
                        kind = self.column().path[0].lower()
                        if kind not in ("all", "standard", "custom"):
                            raise self.unexpected()
                        items.append(FieldsFunction(kind))
                    elif function in _AGGREGATES:
                        items.append(Aggregate(function, self.column(), ""))
                    else:
                        raise self.unexpected()
                    self.need_symbol(")")
                    if isinstance(items[-1], Aggregate) and self.look().kind == "word" and not self.is_word("from"):
                        items[-1] = replace(items[-1], alias=self.take().text)
                else:
                    items.append(column)
            if not self.is_symbol(","):
                return items, False
            self.take()

    def condition(self) -> Condition:
        """AND and OR may not be mixed without brackets."""
        terms = [self.term()]
        operator = ""
        while self.is_word("and", "or"):
            word = self.look().text.lower()
            if operator and word != operator:
                raise self.unexpected()
            operator = word
            self.take()
            terms.append(self.term())
        return terms[0] if not operator else Logic(operator, tuple(terms))

    def term(self) -> Condition:
        if self.is_word("not"):
            self.take()
            return Logic("not", (self.term(),))
        if self.is_symbol("("):
            self.take()
            inner = self.condition()
            self.need_symbol(")")
            return inner
        column = self.column()
        token = self.look()
        if token.kind == "symbol" and token.text in ("=", "!=", "<>", "<", "<=", ">", ">="):
            self.take()
            return Comparison(column, "!=" if token.text == "<>" else token.text, (self.literal(),))
        if self.is_word("like"):
            self.take()
            return Comparison(column, "like", (self.literal(like=True),))
        operator = "in"
        if self.is_word("not"):
            self.take()
            operator = "not in"
        if not self.is_word("in"):
            raise self.unexpected()
        self.take()
        self.need_symbol("(")
        if self.is_word("select"):
            inner_query = self.query(nested=True)
            self.need_symbol(")")
            return Comparison(column, operator, (), inner_query)
        values = [self.literal()]
        while self.is_symbol(","):
            self.take()
            values.append(self.literal())
        self.need_symbol(")")
        return Comparison(column, operator, tuple(values))

    def literal(self, *, like: bool = False) -> Literal:
        token = self.look()
        if token.kind == "string":
            self.take()
            return Literal("string", _string(token), _string(token, like=True) if like else "")
        if like:
            raise self.unexpected()
        if token.kind == "number":
            self.take()
            return Literal("number", float(token.text))
        if token.kind == "date":
            self.take()
            return Literal("date", _valid_date(token.text).isoformat())
        if token.kind == "datetime":
            self.take()
            return Literal("datetime", _valid_moment(token.text))
        if token.kind == "word":
            word = token.text.lower()
            if word in ("true", "false"):
                self.take()
                return Literal("boolean", word == "true")
            if word == "null":
                self.take()
                return Literal("null", None)
            if _RANGES.fullmatch(word):
                self.take()
                number = 0
                if word.startswith(("last_n", "next_n")):
                    self.need_symbol(":")
                    number = self.whole_number()
                return Literal("range", _date_range(word, number, self.today))
        raise self.unexpected()

    def order(self) -> Order:
        column = self.column()
        descending = False
        if self.is_word("asc", "desc"):
            descending = self.take().text.lower() == "desc"
        nulls_first = True
        if self.is_word("nulls"):
            self.take()
            if not self.is_word("first", "last"):
                raise self.unexpected()
            nulls_first = self.take().text.lower() == "first"
        return Order(column, descending, nulls_first)


def _valid_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise malformed(f"Invalid date: {text}") from problem


def _valid_moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    except ValueError as problem:
        raise malformed(f"Invalid datetime: {text}") from problem
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _month(start: date, step: int) -> date:
    index = start.year * 12 + start.month - 1 + step
    return date(index // 12, index % 12 + 1, 1)


def _date_range(word: str, number: int, today: date) -> tuple[date, date]:
    """First day and the day after the last one."""
    day = timedelta(days=1)
    if word in ("today", "yesterday", "tomorrow"):
        first = today + day * {"today": 0, "yesterday": -1, "tomorrow": 1}[word]
        return first, first + day
    if word == "last_90_days":
        return today - 90 * day, today + day
    if word == "last_n_days":
        return today - number * day, today + day
    if word == "next_n_days":
        return today + day, today + (number + 1) * day
    step = {"this": 0, "last": -1, "next": 1}[word.split("_")[0]]
    unit = word.split("_")[-1]
    if unit == "week":
        first = today - day * ((today.weekday() + 1) % 7) + 7 * step * day  # weeks start on Sunday
        return first, first + 7 * day
    if unit == "month":
        return _month(today, step), _month(today, step + 1)
    if unit == "months":
        return (_month(today, -number), _month(today, 0)) if step < 0 else (_month(today, 1), _month(today, number + 1))
    return date(today.year + step, 1, 1), date(today.year + step + 1, 1, 1)


def parse(text: str, now: datetime) -> Query:
    if len(text) > MAX_LENGTH:
        raise malformed(f"SOQL statements cannot be longer than {MAX_LENGTH} characters.")
    if not text.strip():
        raise malformed("A query string has to be specified")
    return _Parser(text, now).query()

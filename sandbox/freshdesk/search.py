"""The query language of Freshdesk's searches: parsed and matched against records. Pages and the index's lag belong elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.freshdesk.answers import Refused, day, invalid, unexpected
from sandbox.protocol import Record

LONGEST = 512
_TOKEN = re.compile(r"\s*(?:(\()|(\))|(AND|OR)\b|([a-z_0-9]+)\s*:\s*([<>])?\s*('(?:[^'\\]|\\.)*'|[^\s()']+))")
Match = Callable[[Record], bool]

# name in a query -> field of the record
FIELDS: dict[str, dict[str, str]] = {
    "tickets": {
        "agent_id": "responder_id", "group_id": "group_id", "priority": "priority", "status": "status", "tag": "tags", "type": "type",
        "due_by": "due_by", "fr_due_by": "fr_due_by", "created_at": "created_at", "updated_at": "updated_at",
    },
    "contacts": {
        "active": "active", "company_id": "company_id", "twitter_id": "twitter_id", "email": "email", "phone": "phone", "mobile": "mobile",
        "tag": "tags", "language": "language", "time_zone": "time_zone", "created_at": "created_at", "updated_at": "updated_at",
    },
    "companies": {"domain": "domains", "created_at": "created_at", "updated_at": "updated_at"},
}
_DATES = frozenset({"due_by", "fr_due_by", "created_at", "updated_at"})


def parse(text: str | None, kind: str, custom: frozenset[str]) -> Match:
    """A matcher for the query. Raises Refused as the vendor refuses a query."""
    if not text or not (text.startswith('"') and text.endswith('"') and len(text) > 1):
        raise _refused("Given query is invalid; it belongs between double quotes")
    if len(text) > LONGEST + 2:
        raise _refused(f"The query is longer than {LONGEST} characters")
    tokens = _tokens(text[1:-1])
    match, end = _alternatives(tokens, 0, kind, custom)
    if end != len(tokens):
        raise _refused("Given query is invalid")
    return match


def _refused(message: str) -> Refused:
    return invalid([("query", message, "invalid_value")])


def _tokens(text: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    place = 0
    while text[place:].strip():
        matched = _TOKEN.match(text, place)
        if matched is None:
            raise _refused("Given query is invalid")
        opened, closed, joined, name, operator, value = matched.groups()
        found.append(("(",) if opened else (")",) if closed else (joined,) if joined else ("term", name, operator or "", value))
        place = matched.end()
    return found


def _alternatives(tokens: list[tuple[str, ...]], place: int, kind: str, custom: frozenset[str]) -> tuple[Match, int]:
    match, place = _all(tokens, place, kind, custom)
    found = [match]
    while place < len(tokens) and tokens[place][0] == "OR":
        match, place = _all(tokens, place + 1, kind, custom)
        found.append(match)
    return (lambda row: any(one(row) for one in found)), place


def _all(tokens: list[tuple[str, ...]], place: int, kind: str, custom: frozenset[str]) -> tuple[Match, int]:
    match, place = _term(tokens, place, kind, custom)
    found = [match]
    while place < len(tokens) and tokens[place][0] == "AND":
        match, place = _term(tokens, place + 1, kind, custom)
        found.append(match)
    return (lambda row: all(one(row) for one in found)), place


def _term(tokens: list[tuple[str, ...]], place: int, kind: str, custom: frozenset[str]) -> tuple[Match, int]:
    if place >= len(tokens):
        raise _refused("Given query is invalid")
    token = tokens[place]
    if token[0] == "(":
        match, place = _alternatives(tokens, place + 1, kind, custom)
        if place >= len(tokens) or tokens[place][0] != ")":
            raise _refused("Given query is invalid")
        return match, place + 1
    if token[0] != "term":
        raise _refused("Given query is invalid")
    return _comparison(token[1], token[2], token[3], kind, custom), place + 1


def _comparison(name: str, operator: str, literal: str, kind: str, custom: frozenset[str]) -> Match:
    is_text = literal.startswith("'")
    value: Any = literal[1:-1].replace("\\'", "'") if is_text else None if literal == "null" else literal
    if name in FIELDS[kind]:
        field = FIELDS[kind][name]

        def read(row: Record) -> Any:
            return row.get(field)
    elif name in custom or (kind == "tickets" and f"cf_{name}" in custom):
        own = name if name in custom else f"cf_{name}"

        def read(row: Record) -> Any:
            return row["custom_fields"].get(own)
    else:
        raise invalid([unexpected(name)])
    if name in _DATES:
        return _dated(name, operator, value, read)
    if operator:
        try:
            bound = float(str(value))
        except ValueError:
            raise invalid([(name, "It takes a number with this operator", "invalid_value")]) from None
        # both bounds belong to what is found
        return lambda row: isinstance(read(row), int | float) and (read(row) >= bound if operator == ">" else read(row) <= bound)

    def equal(row: Record) -> bool:
        held = read(row)
        if isinstance(held, list):
            return (not held) if value is None else any(str(member).lower() == str(value).lower() for member in held)
        if value is None or held is None:
            return value is None and held is None
        if isinstance(held, bool):
            return str(held).lower() == str(value).lower()
        return str(held).lower() == str(value).lower()

    return equal


def _dated(name: str, operator: str, value: Any, read: Callable[[Record], Any]) -> Match:
    if value is None and not operator:
        return lambda row: read(row) is None
    wanted = day(value)
    if wanted is None:
        raise invalid([(name, "It should be in the 'YYYY-MM-DD' format", "invalid_value")])
    if operator == ">":
        return lambda row: read(row) is not None and read(row)[:10] >= wanted
    if operator == "<":
        return lambda row: read(row) is not None and read(row)[:10] <= wanted
    return lambda row: read(row) is not None and read(row)[:10] == wanted

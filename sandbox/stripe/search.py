"""Stripe's search language: `field:"value"`, `field~"part"`, comparisons, `metadata["key"]`, `-` and AND or OR.

What does not belong here: paging of the answer and its totals (sandbox.stripe.api).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.stripe.params import StripeError

# the fields that each kind can be searched by, and how: text takes : and ~, token only :, number also < > <= >=
FIELDS: Mapping[str, Mapping[str, str]] = {
    "customers": {"created": "number", "email": "text", "metadata": "token", "name": "text", "phone": "text"},
    "invoices": {"created": "number", "currency": "token", "customer": "token", "metadata": "token", "number": "text",
                 "receipt_number": "text", "status": "token", "subscription": "token", "total": "number"},
    "subscriptions": {"created": "number", "metadata": "token", "status": "token", "canceled_at": "number"},
    "charges": {"amount": "number", "created": "number", "currency": "token", "customer": "token", "disputed": "token",
                "metadata": "token", "refunded": "token", "status": "token"},
    "payment_intents": {"amount": "number", "created": "number", "currency": "token", "customer": "token", "metadata": "token",
                        "status": "token"},
    "products": {"active": "token", "description": "text", "metadata": "token", "name": "text", "shippable": "token", "url": "text"},
    "prices": {"active": "token", "currency": "token", "lookup_key": "token", "metadata": "token", "product": "token", "type": "token"},
}
_KEPT_AS = {"subscription": "_subscription"}
_CLAUSE = re.compile(
    r"""\s*(?P<negated>-)?(?P<field>[a-z_]+)(?:\[(?P<quote>["'])(?P<key>(?:(?!(?P=quote)).)+)(?P=quote)\])?\s*(?P<sign>:|~|>=|<=|>|<)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|-?\d+|null|true|false)\s*""")
_JOIN = re.compile(r"(AND|OR)\b|(?=-?[a-z_])")

Test = Callable[[Mapping[str, Any]], bool]


def _broken(query: str, why: str) -> StripeError:
    return StripeError(f"We were unable to parse your search query: {why} Query: {query}", param="query", is_validation=True)


def parse(kind: str, query: str) -> Test:
    """A test of records. Raises StripeError for what the language or the kind does not know."""
    clauses: list[Test] = []
    joins: set[str] = set()
    at = 0
    while True:
        match = _CLAUSE.match(query, at)
        if match is None:
            raise _broken(query, "a clause like field:\"value\" was expected.")
        clauses.append(_clause(kind, query, match))
        at = match.end()
        if at >= len(query):
            break
        join = _JOIN.match(query, at)
        if join is None:
            raise _broken(query, "AND or OR was expected.")
        joins.add(join.group(1) or "AND")
        at = join.end()
    if len(joins) > 1:
        raise _broken(query, "AND and OR cannot be combined.")
    if len(clauses) > 10:
        raise _broken(query, "a query takes at most 10 clauses.")
    combine = any if joins == {"OR"} else all
    return lambda record: combine(clause(record) for clause in clauses)


def _clause(kind: str, query: str, match: re.Match[str]) -> Test:
    field, key, sign, raw = match["field"], match["key"], match["sign"], match["value"]
    type = FIELDS[kind].get(field)
    if type is None:
        raise StripeError(f"Field `{field}` is an unsupported search field for resource `{kind}`.", param="query", is_validation=True)
    if (key is not None) != (field == "metadata"):
        raise _broken(query, f"`{field}` {'needs' if field == 'metadata' else 'takes no'} key in brackets.")
    if sign == "~" and type != "text" or sign in ("<", ">", "<=", ">=") and type != "number":
        raise _broken(query, f"`{field}` cannot be compared by {sign}.")
    text = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw[0] in "\"'" else raw
    if type == "number" and raw != "null" and not re.fullmatch(r"-?\d+", text):
        raise _broken(query, f"`{field}` takes whole numbers.")
    name = _KEPT_AS.get(field, field)

    def value_of(record: Mapping[str, Any]) -> Any:
        return (record.get("metadata") or {}).get(key) if key is not None else record.get(name)

    def test(record: Mapping[str, Any]) -> bool:
        value = value_of(record)
        if raw == "null":
            return value is None
        if value is None:
            return False
        if type == "number":
            number = int(text)
            return bool({":": value == number, ">": value > number, "<": value < number, ">=": value >= number,
                         "<=": value <= number}[sign])
        shown = str(value).lower()
        return text.lower() in shown if sign == "~" else text.lower() == shown

    return (lambda record: not test(record)) if match["negated"] else test

"""Fusion's ids of the world's rows: surrogate numbers, a range for each kind. What belongs to a row (site, line) is numbered from its id."""

from __future__ import annotations

_BASE = 300_000_000_000_000
_RANGE = 1_000_000_000_000
_KINDS = {
    "customer": 1, "contact": 2, "agent": 3, "product": 4, "order": 5, "return": 6, "invoice": 7, "payment": 8, "credit_note": 9,
    "refund": 10, "shipment": 11, "account": 12, "address": 13, "contact_point": 14, "relationship": 15, "usage": 16, "reference": 17,
    "order_line": 18, "return_line": 19, "invoice_line": 20, "installment": 21, "credit_line": 22, "shipment_line": 23, "application": 24,
    "remittance": 25, "deleted": 26, "site_use": 27, "profile": 28, "credit_application": 29, "refund_application": 10,
}
LINES = 1_000  # room for the parts of one document


def number(entity: str, key: int | str) -> int:
    return _BASE + _KINDS[entity] * _RANGE + int(key)


def part(entity: str, key: int | str, place: int) -> int:
    """The id of one of several parts of the row `key`: a line, a contact point."""
    return number(entity, int(key) * LINES + place)


def native_id(entity: str, key: int | str) -> str:
    return str(number(entity, key))


def party_number(key: int | str) -> str:
    return str(1_000 + int(key))


def account_number(key: int | str) -> str:
    return str(100_000 + int(key))

"""Field values as they are compared, hashed and sent: one canonical form, so that 12.50 and 12.5 are the same value.

What does not belong here: which fields are owned, and anything about a vendor's wire format.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

Fields = dict[str, Any]

_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00:00(?:\.0+)?(?:Z|[+-]00:?00)?")
_EXACT = 2**53  # whole numbers beyond it do not survive a JSON double
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class FieldChange:
    """One field of one record: what the target holds and what it is to hold."""

    field: str
    before: Any
    after: Any


def parse_fields(text: str) -> Fields:
    """A JSON object with exact decimals. Raises ValueError when it is not an object."""
    fields = json.loads(text, parse_float=Decimal)
    if not isinstance(fields, dict):
        raise ValueError("is not a JSON object")
    return {name: canonical(value) for name, value in fields.items()}


def canonical(value: Any) -> Any:
    """The form that is stored and sent: numbers without trailing zeros, dates without a midnight, the rest as it is."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        if not value.is_integer():
            return value
        value = int(value)
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return canonical(int(value))
        nearest = float(value)
        # a number that a JSON double cannot carry exactly travels as text
        return nearest if Decimal(repr(nearest)) == value else format(value.normalize(), "f")
    if isinstance(value, str):
        return match[1] if (match := _MIDNIGHT.fullmatch(value)) else value
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value


def equal(left: Any, right: Any) -> bool:
    """Whether a target that holds `left` already holds `right`. Text equals a number when it spells that number."""
    if type(left) is type(right) and left == right:
        return True
    left, right = canonical(left), canonical(right)
    if type(left) is type(right):
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return False
    return _number(left) is not None and _number(left) == _number(right)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, (int, float)):
        return Decimal(repr(value))
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            return None
    return None


def differences(desired: Mapping[str, Any], observed: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The fields that must change. A field absent from `desired` is never touched; one present with null is cleared."""
    return tuple(
        FieldChange(name, observed.get(name), desired[name])
        for name in sorted(desired) if not equal(observed.get(name), desired[name])
    )


def dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def stored(text: str) -> Fields:
    """Fields that `dump` wrote: canonical already."""
    fields: Fields = orjson.loads(text)
    return fields


def idempotency_key(connection: str, object_: str, record_id: str, payload: Mapping[str, Any], previous: str) -> str:
    """Same change after the same predecessor, same key: a retry repeats it, A-B-A does not."""
    return hashlib.sha256(dump([connection, object_, record_id, payload, previous]).encode()).hexdigest()


def stamp(moment: datetime) -> str:
    """UTC with microseconds in one fixed width, so that text order is time order in every database."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment(value: Any) -> datetime | None:
    """A version or time as vendors and DuckDB write it, as UTC; None for what is not a time."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str) and value:
        if value.isdigit():
            return datetime.fromtimestamp(int(value), UTC)
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return None
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return None

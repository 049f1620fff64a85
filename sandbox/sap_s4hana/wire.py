"""How values stand in SAP's JSON and in its URLs: days, moments, times, text decimals, keys. No requests here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sandbox.protocol import Record
from sandbox.sap_s4hana.catalogue import WHOLE, EntitySet, Property

_EPOCH = date(1970, 1, 1).toordinal()
_MOMENT = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_TIME = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?")
_NO_DECIMALS = frozenset(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"])
_THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_LITERALS = {
    "s": re.compile(r"'((?:[^']|'')*)'"), "date": re.compile(r"datetime'([^']+)'"), "dto": re.compile(r"datetimeoffset'([^']+)'"),
    "time": re.compile(r"time'([^']+)'"), "guid": re.compile(r"guid'([^']+)'"), "d": re.compile(r"(-?\d+(?:\.\d+)?)[mM]?"),
    "bool": re.compile(r"(true|false)"), "double": re.compile(r"(-?\d+(?:\.\d+)?)[dD]?"),
    **dict.fromkeys(WHOLE, re.compile(r"(-?\d+)")),
}


class Unfit(ValueError):
    """A value that its property cannot hold."""


def day(value: date | datetime | None) -> str | None:
    if value is None:
        return None
    return f"/Date({(value.toordinal() - _EPOCH) * 86_400_000})/"


def moment(value: datetime | None) -> str | None:
    return None if value is None else f"/Date({int(value.timestamp() * 1000)}+0000)/"


def clock_time(value: datetime | None) -> str:
    return "PT00H00M00S" if value is None else value.strftime("PT%HH%MM%SS")


def amount(value: Decimal, currency: str) -> str:
    """As many decimals as the currency has."""
    digits = 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2
    return f"{value:.{digits}f}"


def quantity(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def guid(text: str) -> str:
    return str(uuid5(NAMESPACE_URL, text))


def etag(entity: EntitySet, record: Mapping[str, Any]) -> str:
    """W/"..." of the version column; "" where the type has none or the record no value."""
    value = record.get(entity.etag) if entity.etag else None
    if value is None:
        return ""
    if entity.properties[entity.etag].kind == "dto":
        seconds, thousandths = divmod(milliseconds(value), 1000)
        at = datetime.fromtimestamp(seconds, UTC)
        return f"W/\"datetimeoffset'{at.strftime('%Y-%m-%dT%H%%3A%M%%3A%S')}.{thousandths:03d}0000Z'\""
    return f"W/\"'{value}'\""


def milliseconds(text: str) -> int:
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise Unfit(text)
    return int(match[1])


def padded(value: str, one: Property) -> str:
    """All-digit keys are compared in their stored form, with leading zeros."""
    return value.rjust(one.length, "0") if one.numeric and value.isdigit() else value


def comparable(one: Property, value: Any) -> Any:
    """A wire value as something that compares; None stays None. A value of another type than declared compares as its text."""
    if value is None or value == "" and one.kind != "s":
        return None
    if one.kind == "s":
        return padded(value, one) if isinstance(value, str) else str(value)
    try:
        if one.kind in ("date", "dto"):
            return milliseconds(value)
        if one.kind in ("d", "double"):
            return Decimal(str(value))
    except (Unfit, InvalidOperation, TypeError):
        return None
    return value


def literal(one: Property, text: str) -> Any:
    """A literal of the filter language or of a key, as `comparable` gives its property's values. Raises Unfit."""
    if text == "null":
        return None
    match = _LITERALS[one.kind].fullmatch(text)
    if match is None and one.kind == "date":
        match = _LITERALS["dto"].fullmatch(text)
    if match is None:
        raise Unfit(text)
    inner = match[1]
    if one.kind == "s":
        return padded(inner.replace("''", "'"), one)
    if one.kind in ("date", "dto"):
        return int(parse_moment(inner).timestamp() * 1000)
    if one.kind in ("d", "double"):
        return Decimal(inner)
    if one.kind in WHOLE:
        return int(inner)
    if one.kind == "bool":
        return inner == "true"
    return _normal_time(inner) if one.kind == "time" else inner.lower()


def parse_moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        raise Unfit(text) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _normal_time(text: str) -> str:
    match = _TIME.fullmatch(text)
    if match is None:
        raise Unfit(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return f"PT{hours:02d}H{minutes:02d}M{seconds:02d}S"


def key_text(entity: EntitySet, values: Mapping[str, Any]) -> str:
    """The id under which a store keeps the record: its key's values without leading zeros, joined."""
    return "|".join(stored_key(entity.properties[name], values.get(name)) for name in entity.key)


def stored_key(one: Property, value: Any) -> str:
    text = "" if value is None else str(value)
    return text.lstrip("0") or ("0" if text else "") if one.numeric and text.isdigit() else text


def key_tuple(entity: EntitySet, record: Mapping[str, Any]) -> tuple[Any, ...]:
    """The key as a tuple that sorts; an initial value stands first."""
    return tuple(_key_value(entity.properties[name], record.get(name)) for name in entity.key)


def _key_value(one: Property, value: Any) -> Any:
    if one.kind == "s":
        return padded(value, one) if isinstance(value, str) else str(value or "")
    found = comparable(one, value)
    if found is None:
        return "" if one.kind in ("time", "guid") else -(10**18)
    return int(found) if one.kind == "bool" else found


def key_uri(entity: EntitySet, record: Mapping[str, Any]) -> str:
    """`A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')`."""
    parts = [f"{name}={shown_literal(entity.properties[name], record.get(name))}" for name in entity.key]
    return f"{entity.name}({parts[0].partition('=')[2] if len(parts) == 1 else ','.join(parts)})"


def shown_literal(one: Property, value: Any) -> str:
    if one.kind in ("date", "dto") and value is not None:
        at = datetime.fromtimestamp(milliseconds(value) / 1000, UTC)
        return f"datetime{'offset' if one.kind == 'dto' else ''}'{at.strftime('%Y-%m-%dT%H:%M:%S')}{'Z' if one.kind == 'dto' else ''}'".replace(":", "%3A")
    if one.kind == "bool":
        return "true" if value else "false"
    if one.kind == "guid":
        return f"guid'{value}'"
    text = str(value or "").replace("'", "''")
    return f"'{text}'"


def received(one: Property, value: Any) -> Any:
    """A value of a write in the form that it is kept in. Raises Unfit with the reason."""
    if value is None:
        return "" if one.kind == "s" else None
    if one.kind == "s":
        if not isinstance(value, str):
            raise Unfit(f"Property {one.name} must be a string")
        if len(value) > one.length:
            raise Unfit(f"Property {one.name} is longer than {one.length} characters")
        return stored_key(one, value) if one.numeric else value
    if one.kind == "bool":
        if not isinstance(value, bool):
            raise Unfit(f"Property {one.name} must be true or false")
        return value
    if one.kind in WHOLE:
        low, high = WHOLE[one.kind]
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Unfit(f"Property {one.name} must be a whole number of {low} to {high}")
        return value
    if not isinstance(value, str):
        raise Unfit(f"Property {one.name} of type {one.edm} must be given as text")
    if one.kind in ("d", "double"):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise Unfit(f"'{value}' is no {one.edm} ({one.name})") from None
        if not number.is_finite() or (one.kind == "d" and abs(number) >= Decimal(10) ** (one.length - one.scale)):
            raise Unfit(f"'{value}' does not fit {one.edm}({one.length},{one.scale}) ({one.name})")
        return value
    try:
        if one.kind == "time":
            return _normal_time(value)
        if one.kind == "guid":
            return value.lower()
        at = datetime.fromtimestamp(milliseconds(value) / 1000, UTC) if value.startswith("/Date") else parse_moment(value)
    except Unfit:
        raise Unfit(f"'{value}' is no {one.edm} ({one.name})") from None
    return day(at) if one.kind == "date" else moment(at)


def empty(entity: EntitySet) -> Record:
    """A record with every property that it keeps at its initial value."""
    return {name: "0" if one.numeric and one.length in (3, 4, 6) and name not in entity.key else one.initial
            for name, one in entity.properties.items() if name not in entity.further}


def split_top(text: str, separator: str = ",") -> Sequence[str]:
    """Split outside quotes."""
    parts, inside, start = [], False, 0
    for place, sign in enumerate(text):
        if sign == "'":
            inside = not inside
        elif sign == separator and not inside:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]

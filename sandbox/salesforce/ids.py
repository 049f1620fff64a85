"""Salesforce's ids of the world's rows: 18 characters, of which the first three tell the object."""

from __future__ import annotations

_PREFIX = {
    "customer": "001", "contact": "003", "opportunity": "006", "opportunity_line": "00k", "agent": "005", "contract": "800",
    "product": "01t", "price": "01u", "pricebook": "01s", "order": "801", "order_line": "802", "ticket": "500", "asset": "02i",
    "entitlement": "550", "service_contract": "810", "service_contract_line": "811", "comment": "00a", "email": "02s", "change": "017",
    "milestone": "555", "account_contact": "07k", "stage_change": "008",
}
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
POD = "5g0"  # characters 4 to 6 of an id: where the org lives
_PAIRS = [one + two for one in _BASE62 for two in _BASE62]
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def salesforce_id(prefix: str, number: int, pod: str = POD) -> str:
    """An 18-character id: 3 of prefix, 12 of pod and number, 3 that make it safe where letter case is lost."""
    digits = ""
    while number:
        number, rest = divmod(number, 3844)
        digits = _PAIRS[rest] + digits
    fifteen = prefix + pod + digits.rjust(9, "0")[-9:]  # two digits at a time may have made one zero too many
    return fifteen + _suffix(fifteen[:5]) + _suffix(fifteen[5:10]) + _suffix(fifteen[10:])


def _suffix(five: str) -> str:
    one, two, three, four, last = list(five)
    capitals = _CAPITALS
    return _SUFFIX[
        (one in capitals) | (two in capitals) << 1 | (three in capitals) << 2 | (four in capitals) << 3 | (last in capitals) << 4
    ]


def native_id(entity: str, key: int | str, pod: str = POD) -> str:
    return salesforce_id(_PREFIX[entity], int(key), pod)

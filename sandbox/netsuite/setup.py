"""What an account has whatever is sold: its company, currencies and their rates, payment terms, accounting periods, its own users.

No customers, items or transactions here.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from sandbox.world.model import Agent, native_id

Record = dict[str, Any]

_CURRENCIES = {
    "USD": ("1", "US Dollar", 2, 1.0), "EUR": ("2", "Euro", 2, 1.09), "GBP": ("3", "British Pound", 2, 1.27),
    "JPY": ("4", "Japanese Yen", 0, 0.0067), "KWD": ("5", "Kuwaiti Dinar", 3, 3.25),
}
_TERMS = {15: ("1", "Net 15"), 30: ("2", "Net 30"), 60: ("3", "Net 60"), 0: ("4", "Due on receipt"), 90: ("5", "Net 90"), 45: ("6", "Net 45")}
_FIRST_YEAR, _LAST_YEAR = 2010, 2035
_PER_YEAR = 17  # the year, its quarters, its months


def utc_text(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def currency_record(id: str, symbol: str, at: datetime) -> Record:
    known = _CURRENCIES.get(symbol)
    name, precision, rate = known[1:] if known else (symbol, 2, 1.0)
    return {
        "id": id, "name": name, "symbol": symbol, "currencyprecision": precision, "isbasecurrency": symbol == "USD",
        "exchangerate": rate, "isinactive": False, "lastmodifieddate": utc_text(at),
    }


def rate_records(currency: Record, at: datetime) -> Iterable[tuple[str, Record]]:
    """The rates that a currency has had to the base currency: an older one, and the one that the currency shows."""
    if currency["isbasecurrency"]:
        return
    for number, (year, factor) in enumerate(((at.year - 1, 0.98), (at.year, 1.0))):
        id = str(int(currency["id"]) * 10 + number)
        yield id, {
            "id": id, "basecurrency": "1", "transactioncurrency": currency["id"], "exchangerate": round(currency["exchangerate"] * factor, 8),
            "effectivedate": date(year, 1, 1).isoformat(), "lastmodifieddate": utc_text(at),
        }


def term_of(days: int) -> tuple[str, Record]:
    id, name = _TERMS.get(days, (str(100 + days), f"Net {days}"))
    return id, {"id": id, "name": name, "daysuntilnetdue": days, "isinactive": False}


def fixed_records(at: datetime) -> Iterable[tuple[str, Record]]:
    yield "subsidiary", {
        "id": "1", "name": "Parent Company", "fullname": "Parent Company", "legalname": "Parent Company, Inc.", "country": "US",
        "currency": "1", "iselimination": False, "isinactive": False, "lastmodifieddate": utc_text(at),
    }
    for symbol, (id, *_) in _CURRENCIES.items():
        record = currency_record(id, symbol, at)
        yield "currency", record
        for _, rate in rate_records(record, at):
            yield "currencyrate", rate
    for days, (id, name) in _TERMS.items():
        yield "term", {"id": id, "name": name, "daysuntilnetdue": days, "isinactive": False}
    for year in range(_FIRST_YEAR, _LAST_YEAR + 1):
        yield from (("accountingperiod", record) for record in _periods(year, at))


def _periods(year: int, at: datetime) -> Iterable[Record]:
    first = (year - _FIRST_YEAR) * _PER_YEAR + 1
    spans = [(f"FY {year}", 1, 12), *((f"Q{quarter + 1} {year}", quarter * 3 + 1, quarter * 3 + 3) for quarter in range(4))]
    spans += [(f"{date(year, month, 1):%b} {year}", month, month) for month in range(1, 13)]
    for number, (name, start, end) in enumerate(spans):
        yield {
            "id": str(first + number), "periodname": name, "startdate": date(year, start, 1).isoformat(),
            "enddate": date(year, end, monthrange(year, end)[1]).isoformat(), "closed": year < at.year, "isyear": number == 0,
            "isquarter": 1 <= number <= 4, "isinactive": False, "lastmodifieddate": utc_text(at),
        }


def period_of(day: Any) -> str | None:
    """The monthly period that a transaction of that day is posted in."""
    try:
        when = date.fromisoformat(str(day))
    except ValueError:
        return None
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        return None
    return str((when.year - _FIRST_YEAR) * _PER_YEAR + 5 + when.month)


def employee_record(row: Agent) -> Record:
    first, _, last = row.name.partition(" ")
    return {
        "id": native_id("netsuite", "agent", row.key), "entityid": row.name, "firstname": first, "lastname": last or first, "email": row.email,
        "subsidiary": "1", "issalesrep": False, "isinactive": False, "_datecreated": utc_text(row.created_at),
        "_lastmodifieddate": utc_text(row.updated_at), **({"_hidden": True} if row.hidden else {}), **row.extra,
    }

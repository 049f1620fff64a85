"""The installation's own table of exchange rates: a CSV file that is checked before a build reads it, and the reporting currency.

Belongs here: what the file must look like and which currencies there are. How rates are dated, chosen and applied is SQL.
"""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml

from concord.errors import UsageError
from transform.generate import CONTRACTS

COLUMNS = ["currency", "base_currency", "rate", "valid_from", "valid_to"]
_MOST, _LEAST = Decimal(1_000_000), Decimal("0.000000000001")


def known_currencies(contracts: Path = CONTRACTS) -> frozenset[str]:
    """The ISO 4217 codes of contracts/currencies.yml."""
    told = yaml.safe_load((contracts / "currencies.yml").read_text())
    return frozenset(code for key in ("zero", "two", "three") for code in str(told[key]).split())


def check_reporting_currency(code: str) -> None:
    """Raises UsageError for a code that no currency has; an empty one is none."""
    if code and code not in known_currencies():
        raise UsageError(f"{code!r} is no currency.", where="environment", field="CONCORD_REPORTING_CURRENCY",
                         mend="Write an ISO 4217 code of contracts/currencies.yml, for example EUR.")


def check_rates(path: Path) -> None:
    """Raises UsageError naming line and column of the first thing in the table that does not fit. No file is no table."""
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))  # -sig: as Excel saves it
    except FileNotFoundError:
        return
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"is not a UTF-8 CSV file ({error}).", where=path.name) from None
    if not rows or rows[0] != COLUMNS:
        raise UsageError("has another header.", where=path.name, field="line 1", mend=f"It must read {','.join(COLUMNS)}.")
    known, lines = known_currencies(), dict[tuple[str, str, str], int]()
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS):
            raise UsageError(f"has {len(row)} values instead of {len(COLUMNS)}.", where=path.name, field=f"line {number}",
                             mend="Leave valid_to empty where a rate still holds; keep its comma.")
        _check_rate(path.name, number, dict(zip(COLUMNS, row, strict=True)), known)
        key = (row[0], row[1], row[3])
        if key in lines:
            raise UsageError(f"gives the rate of line {lines[key]} again.", where=path.name, field=f"line {number}",
                             mend="One line a pair of currencies and first day.")
        lines[key] = number


def _check_rate(where: str, number: int, told: dict[str, str], known: frozenset[str]) -> None:
    def wrong(column: str, what: str, mend: str) -> UsageError:
        return UsageError(f"{told[column]!r} {what}.", where=where, field=f"line {number}: {column}", mend=mend)

    for column in ("currency", "base_currency"):
        if told[column] not in known:
            raise wrong(column, "is no currency", "Write an ISO 4217 code in capitals, for example EUR.")
    if told["currency"] == told["base_currency"]:
        raise wrong("base_currency", "is the currency itself", "A currency is worth one of its own; drop the line.")
    try:
        rate = Decimal(told["rate"])
        fits = rate.is_finite() and _LEAST <= rate < _MOST
    except InvalidOperation:
        fits = False
    if not fits:
        raise wrong("rate", "is no rate", "Write units of base_currency for one unit of currency: a number above 0 and below 1000000, as 1.0842.")
    days: dict[str, date | None] = {}
    for column in ("valid_from", "valid_to"):
        try:
            days[column] = date.fromisoformat(told[column]) if told[column] or column == "valid_from" else None
        except ValueError:
            raise wrong(column, "is no day", "Write it as 2026-01-31.") from None
    first, end = days["valid_from"], days["valid_to"]
    if first is not None and end is not None and end <= first:
        raise wrong("valid_to", "is not after valid_from", "valid_to is the first day on which the rate no longer holds.")


def rates_digest(path: Path) -> str:
    """Tells one state of the table from another; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else ""

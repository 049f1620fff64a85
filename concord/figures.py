"""Numbers as people write them, in every command and report."""

from __future__ import annotations

from decimal import Decimal

NOTHING = "-"


def money(amount: Decimal, currency: str | None) -> str:
    """1,200.00 EUR."""
    return f"{amount:,.2f} {currency or ''}".rstrip()


def figure(value: Decimal | None, unit: str, currency: str) -> str:
    """12.5 %, 3.2 h, 1,200.00 EUR: a number as people say it."""
    if value is None:
        return NOTHING
    if unit == "share":
        return f"{value * 100:.1f} %"
    if unit == "money":
        return money(value, currency)
    if unit == "seconds":
        return _span(float(value))
    return f"{value:,.1f}" if unit == "minutes" else f"{value:,.0f}"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"

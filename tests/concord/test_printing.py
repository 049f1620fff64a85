"""What people read: every value stands there whole, whatever the width."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from concord import printing
from concord.printing import show


def shown(rows: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> str:
    show("Rows", rows, False)
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "out", printing.Console(width=80))


def test_a_row_is_a_line_where_the_columns_fit(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown([{"name": "Acme [old] GmbH", "amount": Decimal("12.50"), "note": None}, {"name": "b", "amount": Decimal(3), "note": "paid"}], capsys)
    (line,) = [line for line in text.splitlines() if "Acme" in line]
    assert "Acme [old] GmbH" in line and "12.50" in line, "what stands in brackets is text"
    assert len(text.splitlines()) == 7


def test_records_stand_below_each_other_where_they_do_not(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{f"column_number_{place}": f"value {place} of row {number}" for place in range(12)} for number in range(2)]
    lines = [line.strip("\u2502 ").split(" \u2502 ") for line in shown(rows, capsys).splitlines()]
    pairs = [(pair[0].strip(), pair[1].strip()) for pair in lines if len(pair) == 2]
    assert pairs == [(name, value) for row in rows for name, value in row.items()]


def test_no_rows_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown([], capsys) == "Rows: nothing.\n"
    show("Rows", [{"amount": Decimal("1.10")}], True)
    assert json.loads(capsys.readouterr().out) == [{"amount": "1.10"}]


def test_what_json_has_no_form_for_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    show("Rows", [{"at": at, "share": float("nan"), "parts": [float("inf"), 0.5], "by_day": {at.date(): Decimal("1.10")}, "by_pair": {("a", 1): None}}], True)
    assert json.loads(capsys.readouterr().out, parse_constant=refuse) == [{
        "at": "2026-03-01T12:00:00+00:00", "share": "nan", "parts": ["inf", 0.5], "by_day": {"2026-03-01": "1.10"}, "by_pair": {"('a', 1)": None}}]

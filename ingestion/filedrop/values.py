"""Cells as people write them -> the one text that ingestion/columns.py types. Pure: no files, no columns' names.

Several ways of writing are tried in a stated order. Where two of them read a cell differently, the other cells of the same file
decide; where those do not, the cell is refused rather than guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.columns import Misfit

Parser = Callable[[str], "str | None"]
_EXAMPLE = re.compile(r"(?:1(?P<group>[,.' ])234|1234)(?P<point>[.,])56")
_GROUPS = {" ": "[ \u00a0\u202f]", "'": "['\u2019]", ",": ",", ".": r"\."}
_MONTHS = ("", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_WORD = re.compile(r"[^\W\d_]+\.?")
_SERIAL = re.compile(r"\d{1,5}(\.\d+)?")
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})


def number_parser(example: str) -> Parser:
    """The reader of numbers written like the example: 1,234.56 or 1.234,56 or 1 234,56 or 1'234.56 or 1234.56 or 1234,56.

    A minus may stand before or after, or parentheses around. Thousands must be whole groups of three.
    """
    match = _EXAMPLE.fullmatch(example)
    if match is None or match["group"] == match["point"]:
        raise ValueError(f"{example!r} is no example of a number; write for example '1,234.56' or '1.234,56'")
    group, point = match["group"], match["point"]
    whole = rf"\d{{1,3}}(?:{_GROUPS[group]}\d{{3}})+|\d+" if group else r"\d+"
    number = re.compile(rf"(?P<whole>{whole})?(?:{_GROUPS[point]}(?P<part>\d*))?", re.ASCII)
    drop = re.compile(_GROUPS[group]) if group else None

    def parse(text: str) -> str | None:
        text = text.translate(_MINUS)
        sign = ""
        if text.startswith("(") and text.endswith(")"):
            sign, text = "-", text[1:-1].strip()
        elif text.endswith("-"):
            sign, text = "-", text[:-1].rstrip()
        elif text.startswith("-"):
            sign, text = "-", text[1:].lstrip()
        elif text.startswith("+"):
            text = text[1:].lstrip()
        found = number.fullmatch(text)
        if found is None or not (found["whole"] or found["part"]):
            return None
        digits = found["whole"] or "0"
        if drop is not None:
            digits = drop.sub("", digits)
        return f"{sign}{digits}.{found['part']}" if found["part"] else f"{sign}{digits}"

    return parse


def date_parser(form: str, months: Mapping[str, int], *, with_time: bool = False) -> Parser:
    """The reader of dates in a strptime format, or of `serial`, a spreadsheet's count of days."""
    if form == "serial":
        def serial(text: str) -> str | None:
            if not _SERIAL.fullmatch(text) or float(text) < 1:
                return None
            return _iso(datetime(1899, 12, 30) + timedelta(seconds=round(float(text) * 86_400)), with_time)
        return serial
    try:
        readable = datetime.strptime(datetime(2001, 2, 3).strftime(form), form)
    except ValueError:
        readable = None
    if readable is None or "%" not in form or readable.date() != date(2001, 2, 3):
        raise ValueError(f"{form!r} is no date format; write for example '%d/%m/%Y', or `serial`")

    is_long = "%B" in form

    def parse(text: str) -> str | None:
        if months:
            text = _WORD.sub(lambda word: _month(word[0], months, is_long), text)
        try:
            return _iso(datetime.strptime(text, form), with_time)
        except ValueError:
            return None

    return parse


def _month(word: str, months: Mapping[str, int], is_long: bool) -> str:
    number = months.get(word.casefold()) or months.get(word.casefold().rstrip("."))
    return (_MONTHS[number] if is_long else _MONTHS[number][:3]) if number else word


def _iso(at: datetime, with_time: bool) -> str | None:
    if with_time:
        return at.isoformat()
    # a time of day in a column of days would be lost
    return at.date().isoformat() if (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0) else None


@dataclass
class Ways:
    """The ways in which a column of one file may be written, and what its cells have shown so far."""

    names: Sequence[str]
    parsers: Sequence[Parser]
    kind: str
    _shown: set[frozenset[int]] = field(default_factory=set)
    _read: dict[str, dict[int, str]] = field(default_factory=dict)

    @property
    def needs_survey(self) -> bool:
        return len(self.parsers) > 1

    def _readings(self, text: str) -> dict[int, str]:
        found = self._read.get(text)
        if found is None:
            found = {place: value for place, parser in enumerate(self.parsers) if (value := parser(text)) is not None}
            if len(self._read) < 200_000:  # dates repeat, amounts may not
                self._read[text] = found
        return found

    def survey(self, text: str) -> None:
        """Learn from a cell that reads the same in every way that reads it at all."""
        found = self._readings(text)
        if found and len(set(found.values())) == 1:
            self._shown.add(frozenset(found))

    def value(self, text: str) -> str:
        """Raises Misfit for a text that no way reads, or several ways differently."""
        found = self._readings(text)
        if len(found) == 1:
            return next(iter(found.values()))
        if not found:
            raise Misfit(f"{shape(text)} is no {self.kind} written as {' or '.join(self.names)}")
        values = set(found.values())
        if len(values) == 1:
            return values.pop()
        left = {found[place] for place in found if all(self._rules_out(place, other) for other in found if found[other] != found[place])}
        if len(left) != 1:
            names = " and ".join(self.names[place] for place in found)
            raise Misfit(f"{shape(text)} is ambiguous: it reads differently as {names}, and no other cell of the file decides")
        return left.pop()

    def _rules_out(self, place: int, other: int) -> bool:
        return any(place in one and other not in one for one in self._shown) and not any(
            other in one and place not in one for one in self._shown)


def typed_text(value: Any) -> str:
    """The text of a cell that already has a type, of a workbook or JSON: no locale applies to it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # a spreadsheet holds and shows fifteen digits; what follows is noise
        return format(Decimal(format(value, ".15g")), "f") if value == value and abs(value) != float("inf") else str(value)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, datetime):
        return value.isoformat() if value.time() != datetime.min.time() or value.tzinfo else value.date().isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def shape(text: str) -> str:
    """A text in a reason: its form, not its content, which may be personal data."""
    return "a text like '" + re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text[:24])) + "'"

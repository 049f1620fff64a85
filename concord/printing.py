"""How commands print: a table for people, JSON for scripts. What is printed is the commands' business."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_READABLE = 10  # characters; a narrower column of longer texts cannot be read
WIDTH = None if sys.stdout.isatty() else 140  # a file or pipe has no width of its own
out = Console(width=WIDTH)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _json_default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def _plain(value: Any) -> Any:
    """What JSON has no form for, in text: numbers that are none, and keys of maps that are no text."""
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(_json_default(key)): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(_plain(value), default=_json_default, allow_nan=False) + "\n")


def show(title: str, rows: Sequence[dict[str, Any]] | Iterable[dict[str, Any]], as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print(f"{title}: nothing." if title else "No rows.")
        return
    names = [str(name) for name in rows[0]]
    cells = [["" if value is None else str(value) for value in row.values()] for row in rows]
    table = Table(title=title or None, title_justify="left")
    if _fits(names, cells):
        for name, value in rows[0].items():
            table.add_column(Text(str(name)), justify="right" if isinstance(value, int | float | Decimal) else "left", overflow="fold")
        for line in cells:
            table.add_row(*map(Text, line))  # as it is: what stands in brackets is no style
    else:
        table.add_column("column")
        table.add_column("value", overflow="fold")
        for line in cells:
            for name, text in zip(names, line, strict=True):
                table.add_row(Text(name), Text(text))
            table.add_section()
    out.print(table)


def _fits(names: Sequence[str], cells: Sequence[Sequence[str]]) -> bool:
    """Whether every column can be as wide as it has to be to be read; if not, records are printed one below the other."""
    widest = (max(len(part) for text in texts for part in text.splitlines() or [""]) for texts in zip(names, *cells, strict=True))
    return sum(min(width, _READABLE) + 3 for width in widest) + 1 <= out.width

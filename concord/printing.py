"""How commands print: a table for people, JSON for scripts. What is printed is the commands' business."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

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


def show(title: str, rows: Sequence[dict[str, Any]] | Iterable[dict[str, Any]], as_json: bool) -> None:
    rows = list(rows)
    if as_json:
        sys.stdout.write(json.dumps(rows, default=_json_default) + "\n")
        return
    if not rows:
        out.print(f"{title}: nothing." if title else "No rows.")
        return
    table = Table(title=title or None, title_justify="left")
    for name in rows[0]:
        table.add_column(str(name), justify="right" if isinstance(rows[0][name], int | float | Decimal) else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    out.print(table)

"""Concord's own work as a source of the warehouse: tables of the operational store, laid down as Parquet beside what was landed.

Belongs here: the shape of these files (contracts/operations.yml) and writing them. What stands in the operational store is its owners'
business; what is made of it is SQL.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from concord.errors import UsageError
from concord.settings import PROJECT

if TYPE_CHECKING:
    import pyarrow as pa

CONTRACT = PROJECT / "contracts" / "operations.yml"
FOLDER = "_operations"  # no connection can be called so


@dataclass(frozen=True)
class Published:
    """A table of the operational store: what tells whether it has changed, and its rows, asked for only if it has."""

    fingerprint: str
    rows: Callable[[], Sequence[Mapping[str, Any]]]


@cache
def operations_shape(path: Path = CONTRACT) -> dict[str, dict[str, str]]:
    """table -> column -> logical type. Raises UsageError for an unknown type."""
    from transform.generate import TYPES

    tables: dict[str, dict[str, str]] = yaml.safe_load(path.read_text())["tables"]
    for table, columns in tables.items():
        for column, kind in columns.items():
            if kind not in TYPES:
                raise UsageError(f"has the unknown type {kind!r}.", where=f"contracts/{path.name}", field=f"tables.{table}.{column}",
                                 mend=f"Types: {', '.join(TYPES)}.")
    return tables


def kept_days(path: Path = CONTRACT) -> int:
    return int(yaml.safe_load(path.read_text())["kept_days"])


def lay_down(landing: Path, tables: Mapping[str, Published]) -> list[str]:
    """Write the tables that have changed since they were last laid down, each by rename; returns their names."""
    import pyarrow.parquet as pq

    folder = landing / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in sorted(tables.items()):
        mark = hashlib.sha256(json.dumps([operations_shape()[name], table.fingerprint]).encode()).hexdigest()
        path = folder / f"{name}.parquet"
        if path.exists() and (pq.read_schema(path).metadata or {}).get(b"concord") == mark.encode():
            continue
        partial = path.with_suffix(f".{os.getpid()}.partial")
        pq.write_table(_typed(table.rows(), operations_shape()[name], mark), partial)
        partial.replace(path)
        written.append(name)
    return written


def laid_down(landing: Path) -> dict[str, str]:
    """table -> what tells its content from another, of every table that is there."""
    import pyarrow.parquet as pq

    files = sorted((landing / FOLDER).glob("*.parquet"))
    return {path.stem: (pq.read_schema(path).metadata or {}).get(b"concord", b"").decode() for path in files if path.stem in operations_shape()}


def _typed(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], mark: str) -> pa.Table:
    import pyarrow as pa

    kinds = {
        "string": pa.string(), "bigint": pa.int64(), "money": pa.decimal128(24, 6), "boolean": pa.bool_(), "timestamp": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(), "strings": pa.list_(pa.string()),
    }
    arrays = {column: pa.array([_fit(row.get(column), kind) for row in rows], kinds[kind]) for column, kind in columns.items()}
    return pa.table(arrays).replace_schema_metadata({"concord": mark})


def _fit(value: Any, kind: str) -> Any:
    """A value as its column holds it; the store keeps times and amounts as text in places."""
    if value is None:
        return None
    if kind == "timestamp":
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if kind == "money":
        return Decimal(str(value)).quantize(Decimal("0.000001"))
    if kind == "date" and isinstance(value, str):
        return date.fromisoformat(value)
    return value

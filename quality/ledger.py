"""The life of a finding: opened when first seen, suppressed while it stays, closed when it heals, reopened when it returns.

The warehouse knows only what is true now; what was ever true, and since when it is known, is kept here in the operational store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from quality.store import findings, open_ledger, writing

__all__ = ["Changes", "findings", "history", "open_ledger", "record"]

_COLUMNS = [
    column.name for column in findings.columns if column.name not in {"opened_at", "last_seen_at", "closed_at", "times_opened"}
]


@dataclass(frozen=True)
class Changes:
    """What one look at the drift table changed: rows of `findings` as mappings."""

    opened: Sequence[Mapping[str, Any]]
    reopened: Sequence[Mapping[str, Any]]
    closed: Sequence[Mapping[str, Any]]
    still_open: int


def record(engine: sa.Engine, seen: Iterable[Mapping[str, Any]], at: datetime | None = None) -> Changes:
    """Compare the findings that are true now with the ledger and bring it up to date, in one transaction.

    `seen`: rows of the `drift` table; each is known by its `finding_id`. Seeing the same rows twice changes nothing but
    `last_seen_at`.
    """
    at = at or datetime.now(UTC)
    rows = {str(row["finding_id"]): row for row in seen}
    with writing(engine) as store:
        known = {row.finding_id: row for row in store.execute(sa.select(findings))}
        opened = [_values(row) for id, row in rows.items() if id not in known]
        reopened = [_values(row) for id, row in rows.items() if id in known and known[id].closed_at is not None]
        closed = [dict(row._mapping) for id, row in known.items() if row.closed_at is None and id not in rows]
        if opened:
            store.execute(sa.insert(findings), [{**row, "opened_at": at, "last_seen_at": at, "times_opened": 1} for row in opened])
        for row in reopened:
            store.execute(
                sa.update(findings)
                .where(findings.c.finding_id == row["finding_id"])
                .values(**row, last_seen_at=at, closed_at=None, times_opened=findings.c.times_opened + 1)
            )
        still = [{"id": id} for id in rows if id in known and known[id].closed_at is None]
        if still:
            store.execute(sa.update(findings).where(findings.c.finding_id == sa.bindparam("id")).values(last_seen_at=at), still)
        if closed:
            store.execute(
                sa.update(findings).where(findings.c.finding_id == sa.bindparam("id")).values(closed_at=at),
                [{"id": row["finding_id"]} for row in closed],
            )
    return Changes(opened, reopened, closed, len(still))


def history(engine: sa.Engine) -> list[Mapping[str, Any]]:
    """Every finding ever opened, the oldest first."""
    with engine.connect() as store:
        return [dict(row._mapping) for row in store.execute(sa.select(findings).order_by(findings.c.opened_at, findings.c.finding_id))]


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in _COLUMNS}

"""The stewards' decisions about identity: one line each of the installation's crosswalk_overrides.csv, never changed, only followed by newer ones.

Belongs here: what a decision may say and how a line gets into the file. What a decision does is SQL (crosswalk_decision and what reads it).
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import tempfile
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from concord.errors import UsageError
from concord.settings import Settings

if TYPE_CHECKING:
    import duckdb

Action = Literal["link", "merge", "split"]


@dataclass(frozen=True)
class Decision:
    """A line of the file. link and merge put a record under a golden id, split keeps it away from one. `decided_at` is UTC."""

    action: str
    connection: str
    native_id: str
    golden_id: str
    decided_by: str
    decided_at: str
    reason: str

    @property
    def record_key(self) -> str:
        return f"{self.connection}:{self.native_id}"

    @property
    def is_apart(self) -> bool:
        return self.action == "split"

    def __str__(self) -> str:
        verb = "kept away from" if self.is_apart else "put under"
        return f"{self.record_key} was {verb} {self.golden_id} by {self.decided_by} at {self.decided_at} ({self.reason})"


def decisions(path: Path) -> list[Decision]:
    """All lines, the oldest first; none where there is no file."""
    if not path.exists():
        return []
    return [Decision(**row) for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))]


def decide(
    settings: Settings, warehouse: duckdb.DuckDBPyConnection, action: Action, record_keys: list[str], golden_id: str, *, by: str, reason: str,
    supersede: bool = False, at: datetime | None = None,
) -> list[Decision]:
    """Check the decision against what readers see and what was decided before, and add it to the file; returns the lines that are new.

    Raises UsageError for an unknown record or customer, for a decision that changes nothing or that contradicts an earlier one without `supersede`.
    """
    from transform.build import check_overrides, overrides_file

    if not reason.strip() or not by.strip():
        raise UsageError("is empty.", where="decision", field="reason" if by.strip() else "by", mend="Say why, for whoever reads it in a year.")
    _check_known(warehouse, action, record_keys, golden_id)
    path = settings.overrides
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        check_overrides(overrides_file(settings))
        there = decisions(overrides_file(settings))
        latest = max((datetime.fromisoformat(each.decided_at).replace(tzinfo=UTC) for each in there), default=None)
        moment = (at or datetime.now(UTC)).astimezone(UTC)
        if latest is not None and moment <= latest:  # the newest line counts, also after the clock was set back
            moment = latest + timedelta(microseconds=1)
        new = []
        for key in record_keys:
            connection, _, native_id = key.partition(":")
            told = Decision(action, connection, native_id, golden_id, by.strip(), moment.replace(tzinfo=None).isoformat(), " ".join(reason.split()))
            before = _standing(there, key, golden_id, is_apart=told.is_apart)
            if before is not None and before.is_apart == told.is_apart and before.golden_id == golden_id:
                if len(record_keys) == 1:
                    raise UsageError(f"is decided already: {before}.", where=path.name, field=key)
                continue
            if before is not None and not supersede:
                raise UsageError(f"contradicts an earlier decision: {before}.", where=path.name, field=key, mend="Say --supersede if the earlier one was wrong.")
            new.append(told)
        _write(path, there + new)
        check_overrides(path)
    return new


def _standing(there: list[Decision], key: str, golden_id: str, *, is_apart: bool) -> Decision | None:
    """The newest decision about this record and customer, or, for one that gives the record a home, its newest other home."""
    about = sorted((each for each in there if each.record_key == key), key=lambda each: each.decided_at)
    pair = [each for each in about if each.golden_id == golden_id]
    if pair:
        return pair[-1]
    homes = [each for each in about if not each.is_apart]
    return homes[-1] if homes and not is_apart else None


def _check_known(warehouse: duckdb.DuckDBPyConnection, action: Action, record_keys: list[str], golden_id: str) -> None:
    if warehouse.execute("select 1 from customer where customer_id = ?", [golden_id]).fetchone() is None:
        raise UsageError(f"no customer has the golden id {golden_id!r}.", where="published warehouse", mend="Copy customer_id from `customer` or from `concord identity review`.")
    for key in record_keys:
        if warehouse.execute("select 1 from customer_record where record_key = ?", [key]).fetchone() is None:
            raise UsageError(f"no record is called {key!r}.", where="published warehouse", mend="Write it as connection:id, as `concord identity review` shows it.")
        owned = warehouse.execute("select customer_id from crosswalk where record_key = ? and method = 'owner'", [key]).fetchone()
        if action == "split" and owned is not None and owned[0] == golden_id:
            raise UsageError("gives this customer its golden id and stays with it.", where="published warehouse", field=key,
                             mend="Split the records off that do not belong to it.")


def _write(path: Path, lines: list[Decision]) -> None:
    """By rename, so that no build ever reads half a file."""
    handle, partial = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([each.name for each in fields(Decision)])
            writer.writerows(astuple(line) for line in lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)

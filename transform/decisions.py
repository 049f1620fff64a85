"""The stewards' decisions about identity: one line each of the installation's crosswalk_overrides.csv, never changed, only followed by newer ones.

Belongs here: what a decision may say and how a line gets into the file. What a decision does is SQL (crosswalk_decision and what reads it).
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import os
import tempfile
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import UUID

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

    @property
    def moment(self) -> datetime:
        """A line that was typed by hand may name another time zone."""
        told = datetime.fromisoformat(self.decided_at)
        return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)

    def __str__(self) -> str:
        verb = "kept away from" if self.is_apart else "put under"
        return f"{self.record_key} was {verb} {self.golden_id} by {self.decided_by} at {self.decided_at} ({self.reason})"


def decisions(path: Path) -> list[Decision]:
    """All lines, the oldest first; none where there is no file."""
    if not path.exists():
        return []
    return [Decision(**row) for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))]


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
        latest = max((each.moment for each in there), default=None)
        moment = (at or datetime.now(UTC)).astimezone(UTC)
        if latest is not None and moment <= latest:  # the newest line counts, also after the clock was set back
            moment = latest + timedelta(microseconds=1)
        homes, standing = _Homes(warehouse), _standing(there)
        new, decided = list[Decision](), None
        for key in record_keys:
            told = _line(action, key, golden_id, by, moment, reason)
            same = [each for each in standing if (each.record_key, each.golden_id, each.is_apart) == (key, golden_id, told.is_apart)]
            if same:
                decided = UsageError(f"is decided already: {same[0]}.", where=path.name, field=key)
                continue
            against = [each for each in standing if homes.contradict(told, each)]
            if against and not supersede:
                raise UsageError(f"contradicts an earlier decision: {'; '.join(map(str, against))}.", where=path.name, field=key,
                                 mend="Say --supersede if the earlier one was wrong.")
            # a newer line about the same record and golden id takes a decision back; another home takes back the one before
            taken_back = [_line("split" if told.is_apart else "link", each.record_key, each.golden_id, by, moment, reason)
                          for each in against if each.is_apart != told.is_apart and (each.record_key, each.golden_id) != (key, golden_id)]
            if taken_back:  # of two homes of one moment none would be the newer
                told = _line(action, key, golden_id, by, moment + timedelta(microseconds=1), reason)
            new += [*taken_back, told]
        if decided and not new:
            raise decided
        _write(path, there + new)
        check_overrides(path)
    return new


def _line(action: Action, key: str, golden_id: str, by: str, moment: datetime, reason: str) -> Decision:
    connection, _, native_id = key.partition(":")
    return Decision(action, connection, native_id, golden_id, by.strip(), moment.replace(tzinfo=None).isoformat(), " ".join(reason.split()))


def _given_id(record_key: str) -> str:
    """The golden id that a record of the ERP gives, as the macro golden_id has it."""
    return str(UUID(hashlib.md5(f"concord:customer:{record_key}".encode(), usedforsecurity=False).hexdigest()))


def _standing(there: list[Decision]) -> list[Decision]:
    """What counts, as crosswalk_decision has it: the newest about a record and a golden id; of several homes of a record the newest ever given."""
    pairs, homes = dict[tuple[str, str], Decision](), dict[str, Decision]()
    for each in sorted(there, key=lambda line: line.moment):
        pairs[each.record_key, each.golden_id] = each
        if not each.is_apart:
            homes[each.record_key] = each
    return [each for each in pairs.values() if each.is_apart or homes[each.record_key] == each]


class _Homes:
    """Which customer a golden id means to readers now, also one whose record has been merged into another; and the customers of the ERP's records."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection) -> None:
        self._of_record = dict(warehouse.execute("select record_key, customer_id from crosswalk where role = 'erp'").fetchall())
        self._of_golden = {_given_id(key): customer for key, customer in self._of_record.items()}

    def contradict(self, told: Decision, before: Decision) -> bool:
        """Whether the two cannot both be. Two records of the ERP that are kept apart are apart whichever of them is to follow the other."""
        to, other = self._meant(told.golden_id), self._meant(before.golden_id)
        if told.record_key == before.record_key:
            if told.is_apart == before.is_apart:
                return not told.is_apart and to != other
            return to == other
        here, there = self._of_record.get(told.record_key), self._of_record.get(before.record_key)
        return before.is_apart and not told.is_apart and here is not None and there == to and other == here

    def _meant(self, golden_id: str) -> str:
        return self._of_golden.get(golden_id, golden_id)


def _check_known(warehouse: duckdb.DuckDBPyConnection, action: Action, record_keys: list[str], golden_id: str) -> None:
    if warehouse.execute("select 1 from customer where customer_id = ?", [golden_id]).fetchone() is None:
        raise UsageError(f"no customer has the golden id {golden_id!r}.", where="published warehouse", mend="Copy customer_id from `customer` or from `concord identity review`.")
    for key in record_keys:
        if warehouse.execute("select 1 from customer_record where record_key = ?", [key]).fetchone() is None:
            raise UsageError(f"no record is called {key!r}.", where="published warehouse", mend="Write it as connection:id, as `concord identity review` shows it.")
        owned = warehouse.execute(
            "select method from crosswalk where record_key = ? and role = 'erp' and customer_id = ?", [key, golden_id]).fetchone()
        if action == "split" and owned is not None and (owned[0] == "owner" or _given_id(key) == golden_id):
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

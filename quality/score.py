"""Precision and recall of the findings against the faults that the sandbox planted.

The only reader of the truth log; detectors, models and the report never see it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class KindScore:
    """Of one finding kind: faults planted, findings raised, how many of each met."""

    drift_id: str
    planted: int
    found: int
    raised: int
    right: int
    missed: tuple[str, ...]
    false_alarms: tuple[str, ...]

    @property
    def precision(self) -> float | None:
        return self.right / self.raised if self.raised else None

    @property
    def recall(self) -> float | None:
        return self.found / self.planted if self.planted else None


def score(truth: Iterable[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]], as_of: datetime) -> list[KindScore]:
    """Match planted faults with findings by kind and subject.

    `truth`: entries of the sandbox's truth log; one counts once `visible_from` has passed. `findings`: rows in the drift shape.
    A finding is right when it has a planted subject of its kind; a fault is found when a finding of its kind has one of its subjects.
    """
    planted: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    pending: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for entry in truth:
        if not entry.get("finding"):
            continue  # a look-alike that must not be flagged: any finding on it is a false alarm
        due = entry.get("visible_from")
        if due and datetime.fromisoformat(str(due)) > as_of:
            pending[entry["finding"]] |= _subjects_of(entry)
        else:
            planted[entry["finding"]].append(entry)
    raised: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for finding in findings:
        drift_id = str(finding["drift_id"])
        if not _handles(finding) & pending[drift_id]:
            raised[drift_id].append(finding)
    scores = []
    for drift_id in sorted(planted.keys() | raised.keys(), key=lambda name: int(name[1:])):
        true_handles = set().union(*(_subjects_of(entry) for entry in planted[drift_id]))
        seen_handles = set().union(*(_handles(finding) for finding in raised[drift_id]))
        missed = [entry for entry in planted[drift_id] if not _subjects_of(entry) & seen_handles]
        false = [finding for finding in raised[drift_id] if not _handles(finding) & true_handles]
        scores.append(
            KindScore(
                drift_id, len(planted[drift_id]), len(planted[drift_id]) - len(missed), len(raised[drift_id]),
                len(raised[drift_id]) - len(false),
                tuple(f"{entry.get('kind', '')} {sorted(_subjects_of(entry))}" for entry in missed),
                tuple(f"{finding.get('class', '')} {sorted(_handles(finding))}" for finding in false),
            )
        )
    return scores


def _subjects_of(entry: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(str(subject["connection"]), str(subject["id"])) for subject in entry["subjects"]}


def _handles(finding: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Everything by which a finding can be recognised: its records, else its resource and column, else its connection."""
    handles = {
        (str(finding[f"{side}_connection"]), str(finding[f"{side}_id"]))
        for side in ("left", "right")
        if finding.get(f"{side}_connection") and finding.get(f"{side}_id")
    }
    if handles:
        return handles
    connection, entity, field = (str(finding.get(key) or "") for key in ("left_connection", "left_entity", "field"))
    if not entity or entity == "connection":
        return {(connection, connection)}
    return {(connection, entity), (connection, field)}  # a list of records is a subject, and so is a column

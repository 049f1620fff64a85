"""Precision and recall of the findings and of the reconciliation exceptions against the faults that the sandbox planted.

The only reader of the truth log; detectors, models and the report never see it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_LEDGER_KEY = re.compile(r"[^:]+:\d{4}:([^:]+)")  # company, fiscal year and number of a ledger's document: the faults name the number


@dataclass(frozen=True)
class KindScore:
    """Of one finding kind, or of one domain of exceptions: faults planted, findings raised, how many of each met."""

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
    return [_scored(kind, planted[kind], raised[kind]) for kind in sorted(planted.keys() | raised.keys(), key=lambda name: int(name[1:]))]


def score_exceptions(truth: Iterable[Mapping[str, Any]], exceptions: Sequence[Mapping[str, Any]]) -> list[KindScore]:
    """The same for reconciliation exceptions, by domain: of the faults that make an exception and no finding.

    `exceptions`: rows with `domain` and both sides. One on a record whose fault raises a finding is that finding's consequence and is not
    judged a second time.
    """
    planted: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    judged: set[tuple[str, str]] = set()
    for entry in truth:
        if entry.get("finding"):
            judged |= _subjects_of(entry)
        elif entry.get("domain"):
            planted[str(entry["domain"])].append(entry)
    raised: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in exceptions:
        if not _handles(row) & judged:
            raised[str(row["domain"])].append(row)
    return [_scored(domain, planted[domain], raised[domain]) for domain in sorted(planted.keys() | raised.keys())]


def _scored(kind: str, planted: Sequence[Mapping[str, Any]], raised: Sequence[Mapping[str, Any]]) -> KindScore:
    true_handles = set().union(*(_subjects_of(entry) for entry in planted))
    seen_handles = set().union(*(_handles(row) for row in raised))
    missed = [entry for entry in planted if not _subjects_of(entry) & seen_handles]
    false = [row for row in raised if not _handles(row) & true_handles]
    return KindScore(
        kind, len(planted), len(planted) - len(missed), len(raised), len(raised) - len(false),
        tuple(f"{entry.get('kind', '')} {sorted(_subjects_of(entry))}" for entry in missed),
        tuple(f"{row.get('class', '')} {sorted(_handles(row))}" for row in false),
    )


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
        return handles | {(connection, key[1]) for connection, id in handles if (key := _LEDGER_KEY.fullmatch(id))}
    connection, entity, field = (str(finding.get(key) or "") for key in ("left_connection", "left_entity", "field"))
    if not entity or entity == "connection":
        return {(connection, connection)}
    return {(connection, entity), (connection, field)}  # a list of records is a subject, and so is a column

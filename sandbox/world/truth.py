"""The truth log's entry: what was planted, which finding it must raise, on which records. How to plant belongs to `plant`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.world.model import native_id


@dataclass(frozen=True)
class Subject:
    """One record that the fault touches. `connection` is the system's name; `id` is native there."""

    connection: str
    entity: str  # the world's word: customer, invoice, ...; for schema faults the id is a column
    id: str


@dataclass(frozen=True)
class Fault:
    """One planted fault. `finding` is None for a benign look-alike: nothing may be raised on its subjects.

    `visible_from` is when a detector may first be expected to raise it.
    """

    fault: str
    kind: str
    finding: str | None
    classification: str | None
    subjects: tuple[Subject, ...]
    visible_from: datetime
    note: str

    def as_json(self) -> dict[str, Any]:
        return {
            "fault": self.fault,
            "kind": self.kind,
            "finding": self.finding,
            "class": self.classification,
            "subjects": [vars(subject) for subject in self.subjects],
            "visible_from": self.visible_from.isoformat(),
            "note": self.note,
        }


def subject(system: str, entity: str, key: int) -> Subject:
    return Subject(system, entity, native_id(system, entity, key))

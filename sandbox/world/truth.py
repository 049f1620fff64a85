"""The truth log's entry: what was planted, which finding it must raise, on which records. How to plant belongs to `plant`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Subject:
    """One record that the fault touches. While the world is built `connection` is a role and `key` the row's; `Landscape.resolve`
    puts the account's name and the native id in their place. `customers`: whose rows show it, where it is no single row's; each
    account that serves one of them shows the fault for itself.
    """

    connection: str
    entity: str  # the world's word: customer, invoice, ...; for schema faults the id is a column
    id: str
    key: int | None = None
    customers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Fault:
    """One planted fault. `finding` is the entry of the drift catalogue that it raises, `domain` the one of the reconciliation exception where
    it raises no finding. Neither: a benign look-alike, nothing may be raised on its subjects.

    `visible_from` is when a detector may first be expected to raise it.
    """

    fault: str
    kind: str
    finding: str | None
    classification: str | None
    subjects: tuple[Subject, ...]
    visible_from: datetime
    note: str
    domain: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "fault": self.fault,
            "kind": self.kind,
            "finding": self.finding,
            "class": self.classification,
            "subjects": [{"connection": subject.connection, "entity": subject.entity, "id": subject.id} for subject in self.subjects],
            "visible_from": self.visible_from.isoformat(),
            "note": self.note,
            "domain": self.domain,
        }


def subject(role: str, entity: str, key: int) -> Subject:
    return Subject(role, entity, f"{entity} {key}", key)

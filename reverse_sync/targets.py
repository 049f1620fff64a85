"""The seam between dispatch and a vendor: what a target must offer, and which targets there are.

What does not belong here: states, retries and the outbox (dispatch), and any vendor's wire format (its own module).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests

from concord.connections import Connection
from reverse_sync.values import Fields


class Answer(Protocol):
    @property
    def content(self) -> Any: ...


class Client(Protocol):
    """What dispatch needs of an HTTP client; `ingestion.client` has it. A write is tried exactly once."""

    def request(
        self, method: str, path: str, *, params: Any = None, json: Any = None, data: Any = None,
        headers: Mapping[str, str] | None = None, write: bool = False,
    ) -> requests.Response: ...

    def read(self, method: str, path: str, *, params: Any = None) -> Answer: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Current:
    """A record as the target holds it now, in the names of the desired fields. `raw` is the vendor's own form."""

    fields: Fields
    version: str | None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Write:
    """One record's change, ready to send. `marker` is set where a note goes with it and the note is not there yet."""

    record_id: str
    fields: Fields
    current: Current
    note: str | None = None
    marker: str = ""


@dataclass(frozen=True)
class Rejection:
    """Why the vendor refused one item. `retry`: the same request may pass later."""

    reason_class: str
    text: str
    retry: bool = False


@dataclass(frozen=True)
class Submission:
    """What the vendor said to a batch: results by record id (None: done), or a job whose results come later.

    A record that is in neither was forgotten by the vendor: its outcome is unknown.
    """

    results: Mapping[str, Rejection | None]
    job: str | None = None


@dataclass(frozen=True)
class Target:
    """One kind of record of one vendor that Concord writes."""

    system: str
    object: str
    resource: str               # the same records as ingestion reads them
    table: str                  # the published table with its desired state
    batch: int                  # records a write call takes
    read: Callable[[Client, Connection, Sequence[str], Sequence[str]], dict[str, Current]]  # ids, field names
    submit: Callable[[Client, Connection, Sequence[Write]], Submission]
    # results of a job, None while it runs; called with the record ids in the order in which they were sent
    collect: Callable[[Client, Connection, str, Sequence[str]], Submission | None] | None = None
    # whether the note with this marker is already on the record
    has_note: Callable[[Client, Connection, str, str], bool] | None = None


def targets() -> tuple[Target, ...]:
    from reverse_sync import freshdesk, salesforce, salesforce_service, servicenow, zendesk

    return tuple(target for vendor in (zendesk, freshdesk, servicenow, salesforce_service, salesforce) for target in vendor.TARGETS)


def owner_role(reason_class: str) -> str:
    """Who mends a dead letter of this class."""
    return _OWNERS.get(reason_class, "integration")


_OWNERS = {
    "validation": "target admin",
    "forbidden": "target admin",
    "record_closed": "support",
    "record_missing": "data steward",
    "conflict": "target admin",
    "attempts_spent": "integration",
    "too_large": "integration",
    "overwritten": "target admin",
}

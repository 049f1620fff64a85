"""One module a protocol: each turns a resource, its saved state and what is wanted into pages. No typing and no files here.

A reader yields `Page`s and ends when everything wanted was delivered; if it raises, what it yielded so far stands and the last
page's `state` is where the next run goes on. Paging loops are ours because every page must carry such a state.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast

from concord.errors import ConcordError
from ingestion.client import Client, NotPermitted, Refused
from ingestion.spec import Resource, System

State = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True)
class Drift:
    """A difference between what a vendor delivers and what the system file declares."""

    column: str
    change: str  # added, removed, retyped, nullability
    detail: str


@dataclass(frozen=True)
class Page:
    """Records as the vendor gave them. `state` None: nobody can go on from here."""

    rows: Sequence[Record]
    at: datetime
    state: State | None = None
    parents: Sequence[Record] | None = None  # for rows taken out of a record: that record, row by row
    changed: Sequence[datetime] | None = None  # Stripe: when each row last changed
    tombstones: bool = False  # the rows hold key and version only: they are deleted
    text: bool = False  # every value is text (CSV)
    partial: bool = False  # the vendor holds more than it lists: what did not come is not gone
    whole_parents: Sequence[Any] = ()  # children of these parents are delivered completely with this page's read
    drift: Sequence[Drift] = field(default_factory=tuple)


@dataclass(frozen=True)
class Wanted:
    """What to read of a resource: everything, what changed since `state`, or the records with `keys`."""

    name: str
    resource: Resource
    state: State
    full: bool = False
    keys: Sequence[Any] | None = None
    changed_parents: Callable[[], Sequence[Any]] = lambda: ()
    landed: Callable[[str], Sequence[Any]] = lambda resource: ()  # first keys of the rows of a resource that are landed and alive
    live: int | None = None  # how many rows of this resource were landed and alive after the last read

    @property
    def first(self) -> bool:
        return self.full or not self.state


Reader = Callable[[Client, Wanted], Iterator[Page]]


class ReaderModule(Protocol):
    """What a module here offers, beside its docstring."""

    COUNTED_BY: str  # how `counter` counts, as an audit shows it

    def read(self, client: Client, wanted: Wanted) -> Iterator[Page]: ...

    def counter(self, system: System, resource: Resource) -> Callable[[Client], int] | None:
        """The vendor's own total of what a full read delivers; None where it tells none."""

    def describe(self, client: Client) -> tuple[str, str]:
        """Who we are there and what is left of the quota, each as the vendor names it, "" where it does not."""

    def newest_change(self, client: Client) -> str:
        """A text that differs whenever there is a newer change; one or two cheap requests."""


def reader_of(protocol: str) -> ReaderModule:
    return cast(ReaderModule, importlib.import_module(f"ingestion.readers.{protocol}"))


# how the vendors say that the role may not see a kind of record, where the status alone does not
_FORBIDDEN = frozenset({"INVALID_TYPE", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY", "INSUFFICIENT_PERMISSION"})

_UNSEEN = re.compile(r"Record '\w+' was not found")  # NetSuite: a table outside the role's sight


def refusal(client: Client, wanted: Wanted, error: Refused, what: str, mend: str = "") -> ConcordError:
    """A vendor's no to a read, in words: NotPermitted where it concerns this kind of record only."""
    text = f"{what} was refused: {error.status} {error.code} {error.message}".rstrip(". ") + "."
    where = f"{client.connection.name}.{wanted.name}"
    if error.status in (403, 404) or error.code in _FORBIDDEN or _UNSEEN.search(error.message):
        return NotPermitted(text, where=where, mend=mend or "Give the integration's role the permission to read it.")
    return ConcordError(text, where=where, mend=mend)


def chunks(values: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]

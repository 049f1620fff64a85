"""Completeness: what the vendor says it has against what is landed, after each read. No reading of records here (readers/)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from concord.errors import ConcordError
from ingestion.client import Client, RateLimited
from ingestion.readers import reader_of
from ingestion.spec import Resource, System


@dataclass(frozen=True)
class Audited:
    """One row of `_audit`. `expected` None: the vendor tells no total."""

    resource: str
    expected: int | None
    actual: int
    method: str
    is_complete: bool
    detail: str
    checked_at: datetime
    window_start: datetime | None = None
    window_end: datetime | None = None


def audit_resource(
    client: Client, name: str, resource: Resource, live: int, *, finished: bool, quarantined: int = 0, stopped: str = "",
    settled: int | None = None,
) -> Audited:
    """Compare. `live`: landed rows that are not deleted; `quarantined`: records that are landed only there; they are not missing.

    `settled`: the vendor's count from before the time that its lists hold back; what came since cannot have been delivered yet.
    A read that stopped early is never complete; neither is an empty landing where the vendor has rows (R3, R8).
    """
    actual = live + quarantined
    expected: int | None = None
    detail = stopped
    counter = reader_of(client.system.protocol).counter(client.system, resource)
    if counter is not None and finished:
        try:
            expected = counter(client)
        except RateLimited:
            detail = detail or "the vendor's limit is reached: not counted"
        except ConcordError as error:
            detail = detail or f"the vendor did not count: {error.what}"
    due = expected if expected is None or settled is None else min(expected, settled)
    is_complete = finished and (due is None or actual >= due)
    if finished and expected is not None and (actual != expected or quarantined):
        detail = f"{expected} there, {actual} landed" + (f", {quarantined} of them in quarantine" if quarantined else "")
    return Audited(
        name, expected, actual, method_of(client.system, resource), is_complete, detail, client.server_time(), window_end=client.server_time())


def audit_refused(client: Client, name: str, resource: Resource, live: int, reason: str) -> Audited:
    """A resource that the vendor does not let us read: nothing is known to be complete, whatever was landed before."""
    return Audited(name, None, live, method_of(client.system, resource), False, reason, client.server_time())


def method_of(system: System, resource: Resource) -> str:
    """How completeness of a resource is told; always the same one, so that a later audit replaces an earlier one."""
    reader = reader_of(system.protocol)
    return reader.COUNTED_BY if shows_newest(system, resource) or reader.counter(system, resource) is not None else "end of read"


def shows_newest(system: System, resource: Resource) -> bool:
    """Whether the newest page of the resource's list stands in for a total, which the vendor does not tell."""
    return system.protocol == "stripe" and "{" not in resource.path


def audit_newest(client: Client, name: str, resource: Resource, landed: Callable[[Sequence[str]], int]) -> Audited:
    """Stripe tells no totals: the newest page of the list is held against what is landed of it."""
    params = {"limit": client.system.limits.page_size, **resource.params}
    rows = client.read("GET", resource.path, params=params).content["data"]
    ids = [row["id"] for row in rows]
    actual = landed(ids) if ids else 0
    times = [row["created"] for row in rows if row.get("created")]
    now = client.server_time()
    start = datetime.fromtimestamp(min(times), now.tzinfo) if times else None
    detail = "" if actual >= len(ids) else f"{len(ids)} newest listed, {actual} of them landed"
    return Audited(name, len(ids), actual, method_of(client.system, resource), actual >= len(ids), detail, now, start, now)

"""SAP's OData v2: slices by key, `__next` links, `/Date(...)/` stamps of days and moments, and what has no stamp read whole.

A read never steps by `$skip`: rows that come or go while it runs would shift the pages. It goes on from the last key instead, and
follows `__next` wherever the service pages by itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from ingestion.client import Answer, Client, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

COUNTED_BY = "$count"

_TICKS = re.compile(r"/Date\((-?\d+)")
_TIME = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEYS_AT_ONCE = 40  # the gateway refuses very long addresses
_UNSTAMPED = timedelta(seconds=5)  # rows without a stamp are dated a moment back, so that a later read can tell that they are gone


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    try:
        if wanted.keys is not None:
            yield from _by_key(client, wanted, wanted.keys)
        elif wanted.resource.cursor:
            yield from _changes(client, wanted)
        else:
            yield from _whole(client, wanted)
    except Refused as error:
        worded = Refused(client.connection.name, error.status, error.body, error.code, _message(error), "")
        raise refusal(client, wanted, worded, "the read", "Check the communication arrangement of the service and its user.") from None


def _message(error: Refused) -> str:
    """The text is one level deeper than elsewhere."""
    found = error.body.get("error", {}).get("message") if isinstance(error.body, dict) else None
    return str(found.get("value", "")) if isinstance(found, dict) else error.message


def _whole(client: Client, wanted: Wanted) -> Iterator[Page]:
    """No stamp: everything, each time; unchanged rows are told by their content, vanished ones by their absence."""
    started = client.server_time() - _UNSTAMPED
    for answer, rows, _ in _all_slices(client, wanted.resource, [], {}):
        yield _page(wanted, answer, rows, [started] * len(rows))
    yield Page([], client.server_time(), {"read": started.isoformat()})


def _changes(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource, state = wanted.resource, wanted.state
    stamps = [_stamp(resource, written) for written in resource.stamps]
    started = client.server_time()
    since = None if wanted.full else state.get("since")
    resume: State = {} if wanted.full else state.get("resume") or {}
    if resume:
        since, started = resume["low"], datetime.fromisoformat(resume["started"])
    low = None if since is None else datetime.fromisoformat(since) - (resource.overlap or client.system.overlap)
    newest = resume.get("newest") or since or ""
    delivered: set[str] = set()
    kept = {"total": state["total"]} if "total" in state else {}
    where = [] if low is None else ["(" + " or ".join(f"{stamp.field} ge {stamp.literal(low)}" for stamp in stamps) + ")"]
    for answer, rows, place in _all_slices(client, resource, where, resume.get("after") or {}):
        changed = [_changed(row, stamps) for row in rows]
        if low is not None:  # a day is all that some columns can be filtered by; the time of day is compared here
            late = [any(stamp.reaches(row, low) for stamp in stamps) for row in rows]
            rows = [row for row, told in zip(rows, late, strict=True) if told]
            changed = [at for at, told in zip(changed, late, strict=True) if told]
        delivered.update(str(row.get(_path(resource, resource.key[0]))) for row in rows)
        newest = max([newest, *(at.isoformat() for at in changed if at is not None)])
        going: State = {**kept, **({"since": since} if since else {}),
                        "resume": {"low": since, "started": started.isoformat(), "newest": newest, "after": place}}
        yield _page(wanted, answer, rows, [at or started for at in changed], going)
    if resource.swept and not wanted.first:
        total = _count(client, resource)
        kept = {"total": total}
        if delivered or total != wanted.live:
            yield from _vanished(client, wanted, total, delivered, started)
    # a row changed while we read may carry a stamp before the newest one seen
    end = min(newest, started.isoformat()) if newest else started.isoformat()
    yield Page([], client.server_time(), {**kept, "since": max(end, since or "")})


def _vanished(client: Client, wanted: Wanted, total: int, delivered: set[str], now: datetime) -> Iterator[Page]:
    """Deleted documents leave no trace. Keys are compared where fewer are there than known; each missing one is asked for (R10)."""
    resource = wanted.resource
    known = set(map(str, wanted.landed(wanted.name))) | delivered
    if total >= len(known):
        return
    field = _path(resource, resource.key[0])
    there = {str(row.get(field)) for _, rows, _ in _all_slices(client, resource, [], {}, select=field) for row in rows}
    gone = [key for key in sorted(known - there) if _is_gone(client, resource, key)]
    yield Page([{resource.key[0]: key} for key in gone], client.server_time(), changed=[now] * len(gone), tombstones=True, whole_parents=gone)


def _is_gone(client: Client, resource: Resource, key: str) -> bool:
    try:
        client.read("GET", f"{resource.path}({_literal(key)})", params={"$select": _path(resource, resource.key[0])})
    except Refused as error:
        if error.status == 404:
            return True
        raise
    return False


def _by_key(client: Client, wanted: Wanted, keys: Sequence[Any]) -> Iterator[Page]:
    resource, now = wanted.resource, client.server_time()
    field = _path(resource, resource.key[0])
    found: set[str] = set()
    for some in chunks(list(map(str, keys)), _KEYS_AT_ONCE):
        where = ["(" + " or ".join(f"{field} eq {_literal(key)}" for key in some) + ")"]
        for answer, rows, _ in _slices(client, resource, [*_static(resource), *where], {}):
            found.update(str(row.get(field)) for row in rows)
            stamps = [_stamp(resource, written) for written in resource.stamps]
            yield _page(wanted, answer, rows, [_changed(row, stamps) or now - _UNSTAMPED for row in rows])
    if len(resource.key) == 1:
        gone = [key for key in map(str, keys) if key not in found and _is_gone(client, resource, key)]
        if gone:
            yield Page([{resource.key[0]: key} for key in gone], now, changed=[now] * len(gone), tombstones=True, whole_parents=gone)


def _page(wanted: Wanted, answer: Answer, rows: list[Record], changed: Sequence[datetime], state: State | None = None) -> Page:
    resource = wanted.resource
    for child in resource.children.values():
        for row in rows:
            nested = row.get(child.path)
            if isinstance(nested, dict):
                row[child.path] = nested.get("results")
    whole = () if wanted.first or not resource.children else [row.get(_path(resource, resource.key[0])) for row in rows]
    return Page(rows, answer.at, state, changed=changed, whole_parents=whole)


# stamps


@dataclass(frozen=True)
class _Stamp:
    """When a record changed: a moment, a day, or a day with its time beside it."""

    field: str
    time: str
    is_moment: bool

    def literal(self, at: datetime) -> str:
        if self.is_moment:
            return f"datetimeoffset'{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
        return f"datetime'{at.astimezone(UTC):%Y-%m-%dT00:00:00}'"

    def of(self, row: Record) -> datetime | None:
        match = _TICKS.match(row.get(self.field) or "") if isinstance(row.get(self.field), str | None) else None
        if match is None:
            return None
        at = _EPOCH + timedelta(milliseconds=int(match[1]))
        clock = _TIME.fullmatch(str(row.get(self.time) or "")) if self.time else None
        if clock is None:
            return at
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return at + timedelta(hours=hours, minutes=minutes, seconds=seconds)

    def reaches(self, row: Record, low: datetime) -> bool:
        at = self.of(row)
        if at is None:
            return False
        return at >= (low if self.is_moment or self.time else low.replace(hour=0, minute=0, second=0, microsecond=0))


def _stamp(resource: Resource, written: str) -> _Stamp:
    field, _, time = written.partition("+")
    kinds = {column.path: column.type for column in resource.columns.values()}
    return _Stamp(field, time, kinds.get(field) == "odata_timestamp")


def _changed(row: Record, stamps: Sequence[_Stamp]) -> datetime | None:
    found = [at for stamp in stamps if (at := stamp.of(row)) is not None]
    return max(found) if found else None


# slices


def _path(resource: Resource, column: str) -> str:
    return resource.columns[column].path


def _static(resource: Resource) -> list[str]:
    return [f"({resource.params['$filter']})"] if "$filter" in resource.params else []


_Slice = tuple[Answer, list[Record], Record]  # the answer, its rows, and the key of the last one


def _all_slices(client: Client, resource: Resource, where: list[str], after: Record, select: str = "") -> Iterator[_Slice]:
    """All rows in the order of their key, one value of the partition after another."""
    conditions = [*_static(resource), *where]
    if not resource.partition:
        yield from _slices(client, resource, conditions, after, select)
        return
    fields = list(resource.partition)
    for values in _partitions(client, resource, fields, after):
        fixed = [f"{field} eq {_literal(value)}" for field, value in values.items()]
        inside = after if all(after.get(field) == value for field, value in values.items()) else {}
        yield from _slices(client, resource, [*fixed, *conditions], inside, select)


def _partitions(client: Client, resource: Resource, fields: list[str], after: Record) -> Iterator[Record]:
    """Each combination of values that there is, found by asking for the first row beyond the last one."""
    names = ",".join(fields)
    values: Record = {field: after[field] for field in fields if field in after}
    if values:
        yield values
    while True:
        where = [_beyond(fields, values)] if values else []
        rows = _results(_ask(client, resource.path, {
            **({"$filter": " and ".join([*_static(resource), *where])} if where or _static(resource) else {}),
            "$orderby": names, "$select": names, "$top": "1"}))
        if not rows:
            return
        values = {field: rows[0][field] for field in fields}
        yield values


def _slices(client: Client, resource: Resource, conditions: list[str], after: Record, select: str = "") -> Iterator[_Slice]:
    fields = [_path(resource, name) for name in resource.key]
    size = client.system.limits.page_size
    fixed = {name: value for name, value in resource.params.items() if name.startswith("$") and name != "$filter" and not (select and name == "$expand")}
    while True:
        where = [*conditions, *([f"({_beyond(fields, after)})"] if after else [])]
        options = {**fixed, **({"$filter": " and ".join(where)} if where else {}), "$orderby": ",".join(fields), "$top": str(size)}
        answer, got = _ask(client, resource.path, {**options, "$select": select} if select else options), 0
        while True:
            rows = _results(answer)
            got += len(rows)
            after = {field: rows[-1].get(field) for field in fields} if rows else after
            yield answer, rows, after
            link = answer.content["d"].get("__next") if isinstance(answer.content["d"], dict) else None
            if not link:
                break
            answer = client.read("GET", link)
        if got < size:
            return


def _beyond(fields: Sequence[str], after: Mapping[str, Any]) -> str:
    """Keys after this one in their order: a > 1 or (a = 1 and b > 2)."""
    first, value = fields[0], _literal(after[fields[0]])
    if len(fields) == 1:
        return f"{first} gt {value}"
    return f"{first} gt {value} or ({first} eq {value} and ({_beyond(fields[1:], after)}))"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    match = _TICKS.match(text)
    if match is not None:
        at = _EPOCH + timedelta(milliseconds=int(match[1]))
        return f"datetime'{at:%Y-%m-%dT%H:%M:%S}'"
    return "'" + text.replace("'", "''") + "'"


def _ask(client: Client, path: str, options: Mapping[str, str]) -> Answer:
    # a plus sign for a space is not understood everywhere
    return client.read("GET", f"{path}?{'&'.join(f'{name}={quote(value, safe=_SAFE)}' for name, value in options.items())}")


_SAFE = "$'(),:;/"


def _results(answer: Answer) -> list[Record]:
    found = answer.content["d"]
    rows: list[Record] = found["results"] if isinstance(found, dict) else found
    return rows


# beside the reading


def _count(client: Client, resource: Resource) -> int:
    where = _static(resource)
    query = f"?$filter={quote(' and '.join(where), safe=_SAFE)}" if where else ""
    return int(client.request("GET", f"{resource.path}/$count{query}", headers={"Accept": "text/plain"}).text)


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    return lambda client: _count(client, resource)


def describe(client: Client) -> tuple[str, str]:
    """No service tells a communication user its name, and no header what is left of a quota: the companies that it sees."""
    rows = _results(_ask(client, "API_COMPANYCODE/A_CompanyCode", {"$select": "CompanyCode,CompanyCodeName", "$top": "5"}))
    names = ", ".join(f"{row['CompanyCode']} {row['CompanyCodeName']}" for row in rows)
    return f"company codes {names}" if rows else "no company code is visible", ""


def newest_change(client: Client) -> str:
    """Newest stamps of the documents, and which customers are blocked: a block leaves no stamp."""
    found = []
    for path in ("API_SALES_ORDER_SRV/A_SalesOrder", "API_BILLING_DOCUMENT_SRV/A_BillingDocument"):
        rows = _results(_ask(client, path, {"$select": "LastChangeDateTime", "$orderby": "LastChangeDateTime desc", "$top": "1"}))
        found += [str(row["LastChangeDateTime"]) for row in rows]
    for path, field, key in (
        ("API_BUSINESS_PARTNER/A_Customer", "OrderIsBlockedForCustomer", "Customer"),
        ("API_BUSINESS_PARTNER/A_CustomerSalesArea", "OrderIsBlockedForCustomer", "Customer,SalesOrganization,DistributionChannel,Division"),
    ):
        answer = _ask(client, path, {"$filter": f"{field} ne ''", "$select": f"{key},{field}", "$orderby": key, "$inlinecount": "allpages"})
        rows = _results(answer)
        blocked = ";".join(" ".join(str(row.get(name)) for name in (*key.split(","), field)) for row in rows)
        found.append(f"{answer.content['d'].get('__count', '')} {hashlib.blake2b(blocked.encode(), digest_size=9).hexdigest()}")
    return " ".join(found)

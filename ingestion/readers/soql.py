"""Salesforce: SOQL by REST with nextRecordsUrl, Bulk 2.0 query for large first reads; queryAll shows deleted rows too."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from concord.errors import ConcordError
from ingestion.client import Client, Refused
from ingestion.readers import Drift, Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

_MISSING = re.compile(r"No such column '([A-Za-z0-9_.]+)'")
_BULK_PATIENCE = timedelta(hours=2)
_RESTARTS = 5  # a cursor that the vendor forgets this often is no accident
_CSV_ROWS = 5_000
_WATCHED = ("Account", "Opportunity", "Contract", "Case")  # what a sensor asks about; a comment moves its case
_WATCHED_ROWS = 20


class _JobGone(Exception):
    """The vendor knows the bulk job or its locator no more."""


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource = wanted.resource
    fields = [path for column in resource.columns.values() for path in column.alternatives]
    needed = {path for name in (*resource.key, resource.version) for path in resource.columns[name].alternatives}
    gone: list[Drift] = []
    while True:
        try:
            yield from _read(client, wanted, fields, gone)
            return
        except Refused as error:
            if resource.optional and error.code == "INVALID_TYPE":
                return  # the org has not switched the feature on: there is nothing to read
            found = _MISSING.search(error.message)
            if error.code != "INVALID_FIELD" or found is None or found[1] not in fields or found[1] in needed:
                raise refusal(
                    client, wanted, error, "the query", "Check the integration user's permissions and the system file's columns.") from None
            # the field was removed or hidden from us: go on without it, and say so
            fields.remove(found[1])
            column = next(name for name, column in resource.columns.items() if found[1] in column.alternatives)
            if not resource.columns[column].optional:
                gone.append(Drift(column, "removed", f"{resource.sobject}.{found[1]} is no longer visible"))


def _read(client: Client, wanted: Wanted, fields: list[str], gone: list[Drift]) -> Iterator[Page]:
    resource = wanted.resource
    select = f"SELECT {', '.join(dict.fromkeys(fields))} FROM {resource.sobject}"
    if wanted.keys is not None:
        for some in chunks(list(wanted.keys), 200):
            ids = ", ".join(f"'{_escaped(str(key))}'" for key in some)
            for page in _pages(client, f"{select} WHERE Id IN ({ids})"):
                yield Page(page["records"], page["_at"], drift=gone)
        return
    saved: State = {} if wanted.full else wanted.state
    since = reached = saved.get("since")
    most = client.system.limits.bulk_above
    if since is None and most and (saved.get("bulk") or _count(client, resource) > most):
        yield from _bulk(client, wanted, select, gone, saved.get("bulk"))
        return
    stamp = _stamp(resource)
    began = client.server_time()
    last = saved.get("at")
    buried: set[str] = set()
    restarts = 0
    while True:
        where = "" if since is None else f" WHERE {stamp} >= {_literal(since, resource.overlap or client.system.overlap)}"
        try:
            for page in _pages(client, f"{select}{where} ORDER BY {stamp} ASC, Id ASC"):
                rows = page["records"]
                if rows:
                    reached = rows[-1][stamp]
                buried |= {row["Id"] for row in rows if row.get("IsDeleted")}
                yield Page(rows, page["_at"], _reached(reached, last) if reached else dict(wanted.state), drift=gone)
            break
        except Refused as error:
            if error.code != "INVALID_QUERY_LOCATOR" or restarts >= _RESTARTS:
                raise
            restarts += 1  # the page cursor has died: begin again at the last row delivered
            since = reached
    window = client.system.limits.window
    if since is not None and last is not None and window is not None and began - datetime.fromisoformat(last) > window:
        yield from _vanished(client, wanted, buried)
    yield Page([], client.server_time(), _reached(reached, began.isoformat()))


def _reached(since: str | None, at: str | None) -> State:
    """`at`: when the last whole read began."""
    return {name: value for name, value in (("since", since), ("at", at)) if value is not None}


def _vanished(client: Client, wanted: Wanted, buried: set[str]) -> Iterator[Page]:
    """Rows that were deleted and have left the bin since the last read: no list names them, only their absence does."""
    landed = [key for key in wanted.landed(wanted.name) if key not in buried]
    began = client.server_time()
    alive: set[str] = set()
    total = 0
    for page in _pages(client, f"SELECT Id FROM {wanted.resource.sobject}", "query"):
        alive |= {row["Id"] for row in page["records"]}
        total = page["totalSize"]
    if len(alive) < total:
        return  # the list is not whole: what it leaves out may well be there
    rows = [{"id": key, wanted.resource.version: began.isoformat()} for key in landed if key not in alive]
    yield Page(rows, began, tombstones=True)


def _stamp(resource: Resource) -> str:
    """The vendor's field by which rows are followed: SystemModstamp, where the object has it."""
    return resource.columns[resource.version].path


def _pages(client: Client, query: str, path: str = "queryAll") -> Iterator[Record]:
    answer = client.read("GET", path, params={"q": query})
    while True:
        yield {**answer.content, "_at": answer.at}
        if answer.content["done"]:
            return
        answer = client.read("GET", answer.content["nextRecordsUrl"])


# Bulk 2.0


def _bulk(client: Client, wanted: Wanted, select: str, gone: list[Drift], resume: State | None) -> Iterator[Page]:
    """Row order means nothing here, so the cursor is set once, after the last page, to the newest stamp of all.

    Until then the state names the job and the place in its result, which the vendor keeps for days: a run that was stopped goes on
    there. A job or place that the vendor has forgotten is begun anew.
    """
    restarts = 0
    while True:
        began = client.server_time()
        try:
            place = resume or {"job": _finished_job(client, wanted, select), "locator": "", "newest": ""}
            newest: str = place["newest"]
            for page, newest, locator in _results(client, wanted, place):
                last = locator == "null"
                yield Page(page, client.server_time(), None if last else {"bulk": {**place, "locator": locator, "newest": newest}}
                           if locator else None, text=True, drift=gone)
            yield Page([], client.server_time(), _reached(newest or None, began.isoformat()), drift=gone)
            return
        except _JobGone:
            restarts += 1
            if restarts > _RESTARTS:
                raise ConcordError(
                    "the vendor keeps forgetting the bulk query.", where=f"{client.connection.name}.{wanted.name}", mend="Run it again later.",
                ) from None
            resume = None


def _finished_job(client: Client, wanted: Wanted, select: str) -> str:
    """The id of a query job whose result is ready."""
    job = client.read("POST", "jobs/query", json={
        "operation": "queryAll", "query": select, "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
    }).content
    deadline, pause = time.monotonic() + _BULK_PATIENCE.total_seconds(), 0.1
    while job["state"] != "JobComplete":
        told = str(job.get("errorMessage") or "")
        if job["state"] == "Failed" and _MISSING.search(told):
            raise Refused(client.connection.name, 400, job, "INVALID_FIELD", told)
        if job["state"] in ("Failed", "Aborted") or time.monotonic() > deadline:
            raise ConcordError(
                f"bulk query {job['id']} ended as {job['state']} {told}".rstrip() + ".",
                where=f"{client.connection.name}.{wanted.name}", mend="Run it again later.")
        time.sleep(pause)
        pause = min(pause * 2, 10.0)
        with _job():
            job = client.read("GET", f"jobs/query/{job['id']}").content
    return str(job["id"])


def _results(client: Client, wanted: Wanted, place: State) -> Iterator[tuple[list[Record], str, str]]:
    """Rows, the newest stamp so far, and with the last rows of an answer the locator of the next one ("null" after the last)."""
    stamp = _stamp(wanted.resource)
    newest, locator = place["newest"], place["locator"]
    while locator != "null":
        params: dict[str, Any] = {"maxRecords": client.system.limits.bulk_page, **({"locator": locator} if locator else {})}
        with _job():
            response = client.request("GET", f"jobs/query/{place['job']}/results", params=params, headers={"Accept": "text/csv"})
        locator = response.headers.get("Sforce-Locator", "null")
        table = _table(response.content)
        told = response.headers.get("Sforce-NumberOfRecords")
        if told is not None and int(told) != table.num_rows:
            raise ConcordError(
                f"the vendor announced {told} records and sent {table.num_rows}.", where=f"{client.connection.name}.{wanted.name}",
                mend="Run it again later.")
        if table.num_rows:
            newest = max(newest, pc.max(table.column(stamp)).as_py() or "")
        for start in range(0, max(1, table.num_rows), _CSV_ROWS):
            ended = start + _CSV_ROWS >= table.num_rows
            yield table.slice(start, _CSV_ROWS).to_pylist(), newest, locator if ended else ""


def _table(content: bytes) -> pa.Table:
    """A page of CSV, every value text and an empty one null; texts may hold line breaks."""
    header = content[: content.find(b"\n")].decode().strip()
    names = [name.strip('"') for name in header.split(",")]
    return csv.read_csv(
        pa.BufferReader(content), parse_options=csv.ParseOptions(newlines_in_values=True),
        read_options=csv.ReadOptions(block_size=max(len(content), 1)),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=True),
    )


@contextmanager
def _job() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        if error.status in (404, 409) or error.code == "INVALID_QUERY_LOCATOR":
            raise _JobGone from error
        raise


def _literal(stamp: str, overlap: timedelta) -> str:
    at = datetime.fromisoformat(stamp).astimezone(UTC) - overlap
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


# what the other parts ask


COUNTED_BY = "SELECT COUNT()"


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    return lambda client: _count(client, resource)


def _count(client: Client, resource: Resource) -> int:
    return int(client.read("GET", "query", params={"q": f"SELECT COUNT() FROM {resource.sobject}"}).content["totalSize"])


def describe(client: Client) -> tuple[str, str]:
    content = client.read("GET", client.system.whoami).content
    limits = client.read("GET", "limits").content.get("DailyApiRequests") or {}
    quota = f"{limits['Remaining']} of {limits['Max']} requests today" if limits else ""
    return f"user {content.get('user_id', '?')} of organisation {content.get('organization_id', '?')}", quota


def newest_change(client: Client) -> str:
    """The newest stamp of each watched object and who bears it: stamps are whole seconds, and one second may see several changes."""
    found = []
    for name in _WATCHED:
        if not any(resource.sobject == name for resource in client.system.resources.values()):
            continue
        query = f"SELECT Id, SystemModstamp FROM {name} ORDER BY SystemModstamp DESC, Id DESC LIMIT {_WATCHED_ROWS}"
        rows = client.read("GET", "queryAll", params={"q": query}).content["records"]
        if rows:
            at = rows[0]["SystemModstamp"]
            found.append(" ".join([name, at, *(row["Id"] for row in rows if row["SystemModstamp"] == at)]))
    return "; ".join(found)

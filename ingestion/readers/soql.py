"""Salesforce: SOQL by REST with nextRecordsUrl, Bulk 2.0 query for large first reads; queryAll shows deleted rows too."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from concord.errors import ConcordError
from ingestion.client import Client, Refused
from ingestion.readers import Drift, Page, Record, State, Wanted, chunks, refusal

_STAMP = "SystemModstamp"
_MISSING = re.compile(r"No such column '([A-Za-z0-9_.]+)'")
_BULK_PATIENCE = timedelta(hours=2)


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    fields = [path for column in wanted.resource.columns.values() for path in column.alternatives]
    gone: list[Drift] = []
    while True:
        try:
            yield from _read(client, wanted, fields, gone)
            return
        except Refused as error:
            found = _MISSING.search(error.message)
            if error.code != "INVALID_FIELD" or found is None or found[1] not in fields or found[1] in ("Id", _STAMP):
                raise refusal(
                    client, wanted, error, "the query", "Check the integration user's permissions and the system file's columns.") from None
            # the field was removed or hidden from us: go on without it, and say so
            fields.remove(found[1])
            column = next(name for name, column in wanted.resource.columns.items() if found[1] in column.alternatives)
            gone.append(Drift(column, "removed", f"{wanted.resource.sobject}.{found[1]} is no longer visible"))


def _read(client: Client, wanted: Wanted, fields: list[str], gone: list[Drift]) -> Iterator[Page]:
    resource = wanted.resource
    select = f"SELECT {', '.join(dict.fromkeys(fields))} FROM {resource.sobject}"
    if wanted.keys is not None:
        for some in chunks(list(wanted.keys), 200):
            ids = ", ".join(f"'{_escaped(str(key))}'" for key in some)
            for page in _pages(client, f"{select} WHERE Id IN ({ids})"):
                yield Page(page["records"], page["_at"], drift=gone)
        return
    since = None if wanted.full else wanted.state.get("since")
    if since is None and client.system.limits.bulk_above:
        count = client.read("GET", "query", params={"q": f"SELECT COUNT() FROM {resource.sobject}"}).content["totalSize"]
        if count > client.system.limits.bulk_above:
            yield from _bulk(client, wanted, select, gone)
            return
    restarts = 0
    while True:
        where = "" if since is None else f" WHERE {_STAMP} >= {_literal(since, wanted.resource.overlap or client.system.overlap)}"
        try:
            state: State = dict(wanted.state)
            for page in _pages(client, f"{select}{where} ORDER BY {_STAMP} ASC, Id ASC"):
                rows = page["records"]
                if rows:
                    state = {"since": rows[-1][_STAMP]}
                yield Page(rows, page["_at"], state, drift=gone)
            return
        except Refused as error:
            if error.code != "INVALID_QUERY_LOCATOR" or restarts >= 5:
                raise
            restarts += 1  # the page cursor has died: begin again at the last row delivered
            since = state.get("since")


def _pages(client: Client, query: str) -> Iterator[Record]:
    answer = client.read("GET", "queryAll", params={"q": query})
    while True:
        yield {**answer.content, "_at": answer.at}
        if answer.content["done"]:
            return
        answer = client.read("GET", answer.content["nextRecordsUrl"])


def _bulk(client: Client, wanted: Wanted, select: str, gone: list[Drift]) -> Iterator[Page]:
    """Row order means nothing here, so the state moves once, after the last page, to the newest stamp of all."""
    job = client.read("POST", "jobs/query", json={
        "operation": "queryAll", "query": select, "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
    }).content
    deadline, pause = time.monotonic() + _BULK_PATIENCE.total_seconds(), 0.1
    while job["state"] != "JobComplete":
        if job["state"] in ("Failed", "Aborted") or time.monotonic() > deadline:
            raise ConcordError(
                f"bulk query {job['id']} ended as {job['state']} {job.get('errorMessage', '')}".rstrip() + ".",
                where=f"{client.connection.name}.{wanted.name}", mend="Run it again later.")
        time.sleep(pause)
        pause = min(pause * 2, 10.0)
        job = client.read("GET", f"jobs/query/{job['id']}").content
    newest, locator = "", ""
    while locator != "null":
        params: dict[str, Any] = {"maxRecords": client.system.limits.bulk_page, **({"locator": locator} if locator else {})}
        response = client.request("GET", f"jobs/query/{job['id']}/results", params=params, headers={"Accept": "text/csv"})
        locator = response.headers.get("Sforce-Locator", "null")
        rows: list[Record] = []
        for line in csv.DictReader(io.StringIO(response.content.decode("utf-8"), newline="")):
            row: Record = {name: value or None for name, value in line.items()}
            newest = max(newest, row[_STAMP] or "")
            rows.append(row)
            if len(rows) == 5000:
                yield Page(rows, client.server_time(), text=True, drift=gone)
                rows = []
        yield Page(rows, client.server_time(), text=True, drift=gone)
    yield Page([], client.server_time(), {"since": newest} if newest else dict(wanted.state))


def _literal(stamp: str, overlap: timedelta) -> str:
    at = datetime.fromisoformat(stamp).astimezone(UTC) - overlap
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")

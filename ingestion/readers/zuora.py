"""Zuora: the object query by update stamp, Data Query for large first reads and for deletes, ZOQL for counts.

An answer with status 200 is no success by itself: `_checked` looks for every shape in which the vendor says no.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa
from pyarrow import csv as arrow_csv

from concord.errors import ConcordError
from ingestion.client import Answer, Client, NotPermitted, RateLimited, Refused
from ingestion.readers import Page, Record, State, Wanted, chunks, refusal
from ingestion.spec import Resource, System

COUNTED_BY = "size of a query"
_FIRST = "1970-01-01T00:00:00+00:00"
_TOO_MANY_ROWS = "50000060"
_CAREFUL_PAGE = 50  # the smaller of the two maxima that the vendor names
_RESTARTS = 5
_PER_REQUEST = 50  # ids asked for at once
_PERMISSION, _RULE = "10", "30"  # last two digits of a code: not allowed, or a feature that the tenant does not have
_PATIENCE = timedelta(hours=2)
_FILE_HOSTS = (".amazonaws.com", ".zuora.com")
_REMEMBERED = 5000  # records read again for what others moved, kept with the cursor so that they land only when they differ
_WATCHED = ("accounts", "subscriptions", "invoices", "payments", "credit-memos", "refunds")


def read(client: Client, wanted: Wanted) -> Iterator[Page]:
    try:
        yield from _read(client, wanted)
    except Refused as error:
        code, message = _reason(error.body)
        told = Refused(client.connection.name, error.status, error.body, code or error.code, message or error.message)
        if code.endswith((_PERMISSION, _RULE)):
            raise NotPermitted(
                f"the query was refused: {error.status} {code} {message}".rstrip(". ") + ".", where=f"{client.connection.name}.{wanted.name}",
                mend="Give the API user the permission to read it, or switch the feature on in the tenant.") from None
        raise refusal(client, wanted, told, "the query") from None


def _read(client: Client, wanted: Wanted) -> Iterator[Page]:
    resource = wanted.resource
    if wanted.keys is not None:
        yield from _by_id(client, resource, [str(key) for key in wanted.keys])
        return
    since: str | None = None if wanted.full else wanted.state.get("since")
    now = client.server_time()
    started, overlap = now.isoformat(timespec="seconds"), resource.overlap or client.system.overlap
    kept: State = {"touched": (wanted.state.get("touched") or {}) if since else {}, "deletes": started}
    if since:
        kept |= {name: wanted.state[name] for name in ("deletes", "buried") if name in wanted.state}
    if since is None and _is_large(client, resource):
        yield from _bulk(client, wanted, kept)
        return
    first, low = since is None, _earlier(since, overlap) if since else _FIRST
    touched = _touched(client, resource, low if since else _earlier(started, overlap))
    read_ids: set[str] = set()
    digests: dict[str, str] = {}
    for answer in _list(client, resource.path, low):
        rows = answer.content["data"]
        if rows:
            since = _utc(rows[-1]["updatedDate"])
        if touched:
            found = [row for row in rows if row["id"] in touched]
            digests.update({row["id"]: _digest(row) for row in found})
            read_ids.update(row["id"] for row in found)
        yield Page(rows, answer.at, {**kept, "since": since} if since else None)
    if not first:
        for page in _by_id(client, resource, [id for id in touched if id not in read_ids]):
            marks = {row["id"]: _digest(row) for row in page.rows}
            digests |= marks
            yield replace(page, rows=[row for row in page.rows if kept["touched"].get(row["id"]) != marks[row["id"]]])
        window = client.system.limits.window
        if window is not None and now - datetime.fromisoformat(kept["deletes"]) > window:
            yield from _sweep(client, wanted)
        else:
            told = _deleted(client, wanted)
            kept["buried"] = sorted(told)
            yield from _tombstones(client, wanted, told)
        kept["deletes"] = started
    kept["touched"] = digests if len(digests) <= _REMEMBERED else {}
    yield Page([], client.server_time(), {**kept, **({"since": since} if since else {})})


def _is_large(client: Client, resource: Resource) -> bool:
    """Whether the bulk way pays. Where the vendor does not count, its list will say what is wrong."""
    most = client.system.limits.bulk_above
    if not most or client.settings.get("deletes") == "none":  # the same permission opens both
        return False
    try:
        return _count(client, resource) > most
    except RateLimited:
        raise
    except ConcordError:
        return False


# ------------------------------------------------------------------ object query


def _list(client: Client, path: str, low: str) -> Iterator[Answer]:
    """Pages in the order of change. The cursor names the last row, so rows that change meanwhile come again at the end and none is missed."""
    size, restarts = client.system.limits.page_size, 0
    cursor: str | None = None
    last, border = "", set[str]()  # the newest stamp so far and the rows of the newest page that carry it
    while True:
        params: dict[str, Any] = {
            "pageSize": size, "sort[]": "updateddate.ASC", "filter[]": f"updateddate.GE:{low}", "includeNullFields": "true"}
        if cursor is not None:
            params["cursor"] = cursor
        try:
            answer = _checked(client, client.read("GET", path, params=params))
        except Refused as error:
            if error.status == 400 and _reason(error.body)[0] == _TOO_MANY_ROWS and size > _CAREFUL_PAGE:
                size = _CAREFUL_PAGE
                continue
            if cursor is not None and last and error.status in (400, 404, 410) and restarts < _RESTARTS:
                low, cursor, restarts = _utc(last), None, restarts + 1  # the cursor has died: on from the last stamp
                continue
            raise
        rows = answer.content["data"]
        if restarts and border:
            rows = [row for row in rows if row["id"] not in border or row["updatedDate"] != last]
            answer = replace(answer, content={**answer.content, "data": rows})
        if rows:
            last = rows[-1]["updatedDate"]
            border = {row["id"] for row in rows if row["updatedDate"] == last}
        yield answer
        following = answer.content.get("nextPage")
        if not following:
            return
        if following == cursor:
            raise ConcordError("the query leads to the same page again.", where=f"{client.connection.name} {path}", mend="Run it again later.")
        cursor = following


def _by_id(client: Client, resource: Resource, ids: Sequence[str]) -> Iterator[Page]:
    for some in chunks(ids, _PER_REQUEST):
        answer = _checked(client, client.read("GET", resource.path, params={
            "pageSize": _PER_REQUEST, "sort[]": "updateddate.ASC", "filter[]": f"id.IN:[{','.join(some)}]", "includeNullFields": "true"}))
        yield Page(answer.content["data"], answer.at)


def _touched(client: Client, resource: Resource, low: str) -> dict[str, None]:
    """Ids of records whose sums others moved: whether that moves their own stamp the vendor does not say, so they are read again."""
    touched: dict[str, None] = {}
    for path, field in resource.touched_by.items():
        try:
            for answer in _list(client, path, low):
                touched |= {row[field]: None for row in answer.content["data"] if row.get(field)}
        except Refused as error:
            if error.status not in (403, 404):  # a tenant without Invoice Settlement has no applications
                raise
    return touched


def _digest(row: Record) -> str:
    return hashlib.blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


# ------------------------------------------------------------------ Data Query


def _bulk(client: Client, wanted: Wanted, kept: State) -> Iterator[Page]:
    """Everything in one file. Its rows have no order, so the state moves once, after the last of them."""
    resource = wanted.resource
    paths = {column.path.lower(): column.path for column in resource.columns.values()}
    stamp = resource.columns[resource.version].path.lower()
    content = _run(client, wanted, f"SELECT {', '.join(paths)} FROM {resource.table}")
    options = arrow_csv.ConvertOptions(
        column_types={name: pa.string() for name in paths}, strings_can_be_null=True, quoted_strings_can_be_null=True, null_values=[""])
    parsing = arrow_csv.ParseOptions(newlines_in_values=True)
    newest = ""
    if content.strip():
        table = arrow_csv.read_csv(io.BytesIO(content), parse_options=parsing, convert_options=options)
        missing = [name for name in paths if name not in table.column_names]
        if missing:
            raise ConcordError(
                f"the exported file lacks {', '.join(missing)}.", where=f"{client.connection.name}.{wanted.name}", mend="Run it again later.")
        newest = max(filter(None, table.column(stamp).to_pylist()), default="")
        table = table.rename_columns([paths.get(name.lower(), name) for name in table.column_names])
        for batch in table.to_batches(max_chunksize=client.system.limits.bulk_page):
            yield Page(batch.to_pylist(), client.server_time(), text=True)
    yield Page([], client.server_time(), {**kept, **({"since": _utc(newest)} if newest else {})})


def _deleted(client: Client, wanted: Wanted) -> dict[str, str]:
    """Ids and last stamps of the rows deleted in the last 30 days, as far as Data Query tells."""
    resource = wanted.resource
    if resource.deletes is None or client.settings.get("deletes") == "none":
        return {}
    content = _run(client, wanted, f"SELECT id, updateddate FROM {resource.deletes.record_type} WHERE deleted = true", read_deleted=True)
    if not content.strip():
        return {}
    text = arrow_csv.ConvertOptions(column_types={"id": pa.string(), "updateddate": pa.string()})
    return {row["id"]: row["updateddate"] for row in arrow_csv.read_csv(io.BytesIO(content), convert_options=text).to_pylist()}


def _tombstones(client: Client, wanted: Wanted, told: Mapping[str, str]) -> Iterator[Page]:
    """Of what the vendor tells of for a month, the rows that are news and were landed."""
    news = told.keys() - set(wanted.state.get("buried") or ())
    if news:
        names = (wanted.resource.key[0], wanted.resource.version)
        gone = [str(key) for key in wanted.landed(wanted.name) if str(key) in news]
        yield Page([{names[0]: key, names[1]: told[key]} for key in gone], client.server_time(), tombstones=True)


def _sweep(client: Client, wanted: Wanted) -> Iterator[Page]:
    """After a gap longer than deletes are told of: what is landed and no longer there is gone. A list that hides rows proves nothing (R10)."""
    resource = wanted.resource
    there = {row["id"] for answer in _list(client, resource.path, _FIRST) for row in answer.content["data"]}
    if len(there) != _count(client, resource):
        return
    now = client.server_time()
    names = (resource.key[0], resource.version)
    gone = [{names[0]: key, names[1]: now.isoformat(timespec="seconds")} for key in wanted.landed(wanted.name) if str(key) not in there]
    yield Page(gone, now, tombstones=True)


def _run(client: Client, wanted: Wanted, query: str, *, read_deleted: bool = False) -> bytes:
    """Submit a query, wait for it and fetch its file."""
    job = _checked(client, client.read("POST", "query/jobs", json={
        "query": query, "outputFormat": "CSV", "compression": "NONE", "output": {"target": "S3"}, "sourceData": "LIVE",
        **({"readDeleted": True} if read_deleted else {})})).content["data"]
    deadline, pause = time.monotonic() + _PATIENCE.total_seconds(), 0.1
    where = f"{client.connection.name}.{wanted.name}"
    while job["queryStatus"] != "completed":
        if job["queryStatus"] in ("failed", "cancelled") or time.monotonic() > deadline:
            raise ConcordError(
                f"data query {job['id']} ended as {job['queryStatus']} {job.get('errorCode') or ''} {job.get('errorMessage') or ''}".rstrip() + ".",
                where=where, mend="Check the system file's columns, or run it again later.")
        time.sleep(pause)
        pause = min(pause * 2, 10.0)
        job = _checked(client, client.read("GET", f"query/jobs/{job['id']}")).content["data"]
    if not job.get("dataFile"):
        if job.get("outputRows"):
            raise ConcordError(f"data query {job['id']} names no file.", where=where, mend="Run it again later.")
        return b""
    return client.download(job["dataFile"], _FILE_HOSTS)


# ------------------------------------------------------------------ counts and what a connection tells of itself


def counter(system: System, resource: Resource) -> Callable[[Client], int] | None:
    """ZOQL names the size of a result at once; what it does not know (memos, applications, orders) Data Query counts."""
    if not (resource.sobject or resource.table):
        return None
    return lambda client: _count(client, resource)


def _count(client: Client, resource: Resource) -> int:
    if resource.sobject:
        answer = _checked(client, client.read(
            "POST", "v1/action/query", json={"queryString": f"select Id from {resource.sobject}", "conf": {"batchSize": 1}}))
        return int(answer.content["size"])
    if client.settings.get("deletes") == "none":  # no Data Query for this user: count what the list shows
        return sum(len(answer.content["data"]) for answer in _list(client, resource.path, _FIRST))
    content = _run(client, Wanted(resource.table, resource, {}), f"SELECT count(*) AS n FROM {resource.table}")
    return int(arrow_csv.read_csv(io.BytesIO(content)).column("n")[0].as_py())


def describe(client: Client) -> tuple[str, str]:
    answer = _checked(client, client.read("GET", client.system.whoami))
    modes = []
    for feature, path in (("Invoice Settlement", "credit-memos"), ("Orders", "orders")):
        try:
            _checked(client, client.read("GET", f"object-query/{path}", params={"pageSize": 1}))
            modes.append(feature)
        except Refused as error:
            if error.status not in (403, 404):
                raise
            modes.append(f"no {feature}")
    left = answer.headers.get("ratelimit-remaining", "")
    return f"the API user's tenant ({', '.join(modes)})", f"{left} requests" if left else ""


def newest_change(client: Client) -> str:
    """The newest stamp of each kind that drives the company; no single question covers them all."""
    newest = []
    for kind in _WATCHED:
        try:
            rows = _checked(client, client.read("GET", f"object-query/{kind}", params={
                "pageSize": 1, "sort[]": "updateddate.DESC", "fields[]": "id,updateddate"})).content["data"]
        except Refused as error:
            if error.status not in (403, 404):
                raise
            rows = []
        newest.append(f"{rows[0]['updatedDate']} {rows[0]['id']}" if rows else "")
    return "|".join(newest) if any(newest) else ""


# ------------------------------------------------------------------ answers


def _checked(client: Client, answer: Answer) -> Answer:
    """Raises Refused for every no that comes with status 200: `success`, `Success`, a fault, or an error code beside a message."""
    content = answer.content
    said_no = isinstance(content, dict) and (
        content.get("success") is False or content.get("Success") is False or "faultcode" in content
        or ("errorCode" in content and "message" in content))
    if said_no:
        code, message = _reason(content)
        raise Refused(client.connection.name, 200, content, code, message)
    return answer


def _reason(body: Any) -> tuple[str, str]:
    """Code and text of a refusal in any of the vendor's shapes."""
    if not isinstance(body, dict):
        return "", ""
    reasons = body.get("reasons") or body.get("Errors") or body.get("errors")
    if isinstance(reasons, list) and reasons and isinstance(reasons[0], dict):
        first: Record = reasons[0]
        return str(first.get("code") or first.get("Code") or ""), str(first.get("message") or first.get("Message") or "")
    return str(body.get("faultcode") or body.get("errorCode") or ""), str(body.get("faultstring") or body.get("message") or "")


def _utc(stamp: str) -> str:
    return datetime.fromisoformat(stamp).astimezone(UTC).isoformat(timespec="seconds")


def _earlier(stamp: str, overlap: timedelta) -> str:
    return (datetime.fromisoformat(stamp) - overlap).isoformat(timespec="seconds")

"""Bulk 2.0 of the Salesforce stand-in: query jobs with CSV pages, ingest jobs with per-row results.

Belongs here: the life of a job and its files. Does not belong here: the query language and the rules of a write.
"""

from __future__ import annotations

import base64
import binascii
import csv
import gzip
import io
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.protocol import Record, Request, Response, json_response
from sandbox.salesforce.bodies import allow
from sandbox.salesforce.catalogue import SObject
from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.org import INTEGRATION_USER, ApiError, Org
from sandbox.salesforce.plan import Plan, Planner, run
from sandbox.salesforce.records import (
    AmbiguousError,
    as_row_error,
    commit,
    external_field,
    plan_create,
    plan_delete,
    plan_update,
    plan_upsert,
)
from sandbox.salesforce.soql import FieldsFunction, Query, SoqlError, full_id, parse

_DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
_LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_RESULTS_KEPT = timedelta(days=7)
_GZIP_FROM = 1_000
_NOT_IN_BULK = {"CaseStatus", "OpportunityStage", "Organization"}


@dataclass
class QueryJob:
    id: str
    operation: str
    soql: str
    object: str
    version: str
    created: str
    delimiter: str
    line_ending: str
    query: Query
    state: str = "UploadComplete"
    polls: int = 0
    plan: Plan | None = None
    rows: list[Record] = field(default_factory=list)
    error: str = ""
    changed: str = ""


@dataclass
class IngestJob:
    id: str
    operation: str
    object: str
    external: str
    version: str
    created: str
    delimiter: str
    line_ending: str
    state: str = "Open"
    polls: int = 0
    upload: str | None = None
    header: list[str] = field(default_factory=list)
    successes: list[list[str]] = field(default_factory=list)
    failures: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    error: str = ""
    changed: str = ""


class Jobs:
    """The jobs of one org. They live as long as the process: a client that finds its job gone starts another."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.queries: dict[str, QueryJob] = {}
        self.ingests: dict[str, IngestJob] = {}
        self._started: deque[datetime] = deque()
        self._number = 0

    def remaining_query_jobs(self) -> int:
        horizon = self.org.now() - timedelta(hours=24)
        while self._started and self._started[0] < horizon:
            self._started.popleft()
        return self.org.settings.daily_query_jobs - len(self._started)

    def _new_id(self) -> str:
        self._number += 1
        return salesforce_id("750", int(self.org.now().timestamp()) * 1_000 + self._number % 1_000)

    def handle(self, request: Request, version: str, parts: Sequence[str]) -> Response:
        """`parts` is the path below jobs/."""
        if not parts or parts[0] not in ("query", "ingest"):
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if parts[0] == "query":
            return self._query(request, version, parts[1:])
        return self._ingest(request, version, parts[1:])

    # --- query jobs ---

    def _query(self, request: Request, version: str, parts: Sequence[str]) -> Response:
        if not parts:
            if request.method == "POST":
                return self._create_query(request, version)
            allow(request, "GET", "POST")
            return self._list([self._query_info(job) for job in self.queries.values()])
        job = self.queries.get(full_id(parts[0]) or "")
        if job is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if len(parts) == 2 and parts[1] == "results":
            allow(request, "GET")
            return self._results(request, job, version)
        if len(parts) == 2 and parts[1] == "resultPages":
            allow(request, "GET")
            return self._result_pages(job, version)
        if len(parts) > 1:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if request.method == "GET":
            self._advance_query(job)
            return json_response(self._query_info(job))
        if request.method == "PATCH":
            if _body(request).get("state") != "Aborted":
                raise ApiError(400, "INVALIDJOBSTATE", "a query job can only be set to Aborted")
            if job.state not in ("UploadComplete", "InProgress"):
                raise ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} cannot be aborted")
            job.state, job.changed = "Aborted", self.org.stamp()
            return json_response(self._query_info(job), is_write=False)
        allow(request, "GET", "PATCH", "DELETE")
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} cannot be deleted")
        del self.queries[job.id]
        return Response(204, is_write=False)

    def _create_query(self, request: Request, version: str) -> Response:
        body = _body(request)
        unknown = sorted(body.keys() - {"operation", "query", "contentType", "columnDelimiter", "lineEnding"})
        if unknown:
            raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
        if body.get("operation") not in ("query", "queryAll"):
            raise ApiError(400, "INVALIDJOB", "the operation of a query job is query or queryAll")
        if not isinstance(body.get("query"), str):
            raise ApiError(400, "INVALIDJOB", "a query job needs a query")
        delimiter, ending = _format(body)
        if self.remaining_query_jobs() <= 0:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded. (query jobs of 24 hours)")
        try:
            query = parse(body["query"], self.org.now())
        except SoqlError as refused:
            raise ApiError(400, "API_ERROR", f"{refused.code}: {refused.message}") from refused
        _refuse_in_bulk(query)
        sobject = self.org.sobject(query.source)
        if sobject is None or sobject.name in _NOT_IN_BULK:
            raise ApiError(400, "INVALIDENTITY", f"Entity '{query.source}' is not supported by the Bulk API.")
        now = self.org.stamp()
        job = QueryJob(self._new_id(), body["operation"], body["query"], sobject.name, version, now, delimiter, ending, query, changed=now)
        self.queries[job.id] = job
        self._started.append(self.org.now())
        return json_response(self._query_info(job, fresh=True), is_write=False)

    def _advance_query(self, job: QueryJob) -> None:
        """Jobs move on when they are looked at: first in progress, some looks later complete."""
        if job.state not in ("UploadComplete", "InProgress"):
            return
        job.polls += 1
        if job.polls <= self.org.settings.bulk_in_progress_polls:
            job.state = "InProgress"
            return
        job.changed = self.org.stamp()
        try:
            plan = Planner(self.org).plan(job.query)
            compound = [item.name for item in plan.columns if item.field.type == "address"]
            if compound:
                raise SoqlError("FUNCTIONALITY_NOT_ENABLED", f"Selecting compound data not supported in Bulk Query: {compound[0]}")
            rows = run(plan, self.org, deleted=job.operation == "queryAll").rows
        except SoqlError as refused:
            job.state, job.error = "Failed", f"{refused.code}: {refused.message.strip()}"
            return
        job.plan = plan
        job.rows = rows if job.query.order else [*rows[1::2], *rows[::2]]  # chunks finish in any order: so do the rows
        job.state = "JobComplete"

    def _query_info(self, job: QueryJob, *, fresh: bool = False) -> dict[str, Any]:
        info: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.object,
            "createdById": INTEGRATION_USER,
            "createdDate": job.created,
            "systemModstamp": job.changed,
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version),
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }
        if not fresh:
            info |= {
                "jobType": "V2Query",
                "numberRecordsProcessed": len(job.rows),
                "retries": 0,
                "totalProcessingTime": job.polls * 100,
                "apiActiveProcessingTime": job.polls * 90,
                "apexProcessingTime": 0,
                "isPkChunkingSupported": not job.query.order and job.query.limit is None,
            }
        if job.error:
            info["errorMessage"] = job.error
        return info

    def _complete(self, job: QueryJob) -> Plan:
        if job.state != "JobComplete" or job.plan is None:
            raise ApiError(400, "INVALIDJOBSTATE", f"results are ready once the job is complete; it is {job.state}")
        if self.org.now() - datetime.strptime(job.created, "%Y-%m-%dT%H:%M:%S.000%z") > _RESULTS_KEPT:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        return job.plan

    def _results(self, request: Request, job: QueryJob, version: str) -> Response:
        if version != job.version:
            raise ApiError(409, "CONFLICT", f"the job was made with version {job.version}, not {version}")
        plan = self._complete(job)
        size = self.org.settings.bulk_page
        asked = request.param("maxRecords")
        if asked is not None:
            if not asked.isdigit() or int(asked) < 1:
                raise ApiError(400, "INVALID_ARGUMENT", "maxRecords must be a positive whole number")
            size = int(asked)
        start = _from_locator(request.param("locator"), job.id, len(job.rows))
        page = job.rows[start : start + size]
        text = io.StringIO()
        writer = csv.writer(
            text, delimiter=_DELIMITERS[job.delimiter], lineterminator=_LINE_ENDINGS[job.line_ending], quoting=csv.QUOTE_ALL
        )
        writer.writerow([item.name for item in plan.columns])
        for row in page:
            writer.writerow([_cell(item.get(row), item.field.type) for item in plan.columns])
        following = start + len(page)
        headers = {
            "content-type": "text/csv",
            "sforce-numberofrecords": str(len(page)),
            "sforce-locator": _locator(job.id, following) if following < len(job.rows) else "null",
        }
        return _compressed(request, text.getvalue().encode(), headers)

    def _result_pages(self, job: QueryJob, version: str) -> Response:
        self._complete(job)
        root = f"/services/data/v{version}/jobs/query/{job.id}/results"
        size = self.org.settings.bulk_page
        links = [f"{root}?locator={_locator(job.id, start)}&maxRecords={size}" if start else f"{root}?maxRecords={size}"
                 for start in range(0, max(1, len(job.rows)), size)]
        pages = [{"resultUrl": link, "resultLink": link.partition(f"/v{version}")[2]} for link in links]
        return json_response({"done": True, "nextRecordsUrl": None, "resultPages": pages})

    def _list(self, records: list[dict[str, Any]]) -> Response:
        return json_response({"done": True, "nextRecordsUrl": None, "records": records})

    # --- ingest jobs ---

    def _ingest(self, request: Request, version: str, parts: Sequence[str]) -> Response:
        if not parts:
            if request.method == "POST":
                return self._create_ingest(request, version)
            allow(request, "GET", "POST")
            return self._list([self._ingest_info(job) for job in self.ingests.values()])
        job = self.ingests.get(full_id(parts[0]) or "")
        if job is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if len(parts) == 2:
            return self._ingest_part(request, job, parts[1])
        if len(parts) > 2:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if request.method == "GET":
            self._advance_ingest(job)
            return json_response(self._ingest_info(job))
        if request.method == "PATCH":
            return self._set_state(job, _body(request).get("state"))
        allow(request, "GET", "PATCH", "DELETE")
        if job.state not in ("UploadComplete", "JobComplete", "Failed", "Aborted"):
            raise ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} cannot be deleted")
        del self.ingests[job.id]
        return Response(204)

    def _create_ingest(self, request: Request, version: str) -> Response:
        body = _body(request)
        known = {"object", "operation", "externalIdFieldName", "contentType", "columnDelimiter", "lineEnding", "assignmentRuleId"}
        unknown = sorted(body.keys() - known)
        if unknown:
            raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
        delimiter, ending = _format(body)
        operation = body.get("operation")
        if operation not in ("insert", "update", "upsert", "delete", "hardDelete"):
            raise ApiError(400, "INVALIDJOB", f"no such operation: {operation}")
        sobject = self.org.sobject(str(body.get("object")))
        if sobject is None or not sobject.createable:
            raise ApiError(400, "INVALIDENTITY", f"Entity '{body.get('object')}' is not supported by the Bulk API.")
        external = str(body.get("externalIdFieldName") or "")
        if (operation == "upsert") != bool(external):
            raise ApiError(400, "INVALIDJOB", "externalIdFieldName belongs to an upsert job, and only to one")
        if external:
            try:
                external = external_field(sobject, external).name
            except ApiError as refused:
                raise ApiError(400, "INVALIDJOB", f"{external} is not an external id of {sobject.name}") from refused
        now = self.org.stamp()
        job = IngestJob(self._new_id(), operation, sobject.name, external, version, now, delimiter, ending, changed=now)
        self.ingests[job.id] = job
        return json_response(self._ingest_info(job, fresh=True))

    def _ingest_info(self, job: IngestJob, *, fresh: bool = False) -> dict[str, Any]:
        info: dict[str, Any] = {
            "id": job.id,
            "operation": job.operation,
            "object": job.object,
            "createdById": INTEGRATION_USER,
            "createdDate": job.created,
            "systemModstamp": job.changed,
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(job.version),
            "contentUrl": f"services/data/v{job.version}/jobs/ingest/{job.id}/batches",
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }
        if job.external:
            info["externalIdFieldName"] = job.external
        if not fresh:
            done = job.state in ("JobComplete", "Failed")
            info |= {
                "jobType": "V2Ingest",
                "numberRecordsProcessed": len(job.successes) + len(job.failures) if done else 0,
                "numberRecordsFailed": len(job.failures) if done else 0,
                "retries": 0,
                "totalProcessingTime": job.polls * 100,
                "apiActiveProcessingTime": job.polls * 90,
                "apexProcessingTime": 0,
            }
        if job.error and job.state == "Failed":
            info["errorMessage"] = job.error
        return info

    def _ingest_part(self, request: Request, job: IngestJob, part: str) -> Response:
        if part == "batches":
            allow(request, "PUT")
            return self._upload(request, job)
        allow(request, "GET")
        leading, rows = {
            "successfulresults": (["sf__Id", "sf__Created"], job.successes),
            "failedresults": (["sf__Id", "sf__Error"], job.failures),
            "unprocessedrecords": ([], job.unprocessed),
        }.get(part.lower(), (None, []))
        if leading is None:
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            raise ApiError(400, "INVALIDJOBSTATE", f"results are ready once the job is complete; it is {job.state}")
        text = io.StringIO()
        writer = csv.writer(
            text, delimiter=_DELIMITERS[job.delimiter], lineterminator=_LINE_ENDINGS[job.line_ending], quoting=csv.QUOTE_ALL
        )
        writer.writerow([*leading, *job.header])
        writer.writerows(rows)
        return _compressed(request, text.getvalue().encode(), {"content-type": "text/csv"})

    def _upload(self, request: Request, job: IngestJob) -> Response:
        if not request.headers.get("content-type", "").lower().startswith("text/csv"):
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "job data is sent as text/csv")
        if job.state != "Open":
            raise ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} takes no data")
        if job.upload is not None:
            raise ApiError(400, "INVALIDJOBSTATE", "a job takes its data in one upload")
        if len(request.body) > self.org.settings.bulk_upload_bytes:
            raise ApiError(413, "INVALIDJOB", "the upload is larger than a job may hold")
        try:
            job.upload = request.body.decode("utf-8-sig")
        except UnicodeDecodeError as problem:
            raise ApiError(400, "INVALIDJOB", "job data must be UTF-8") from problem
        return Response(201)

    def _set_state(self, job: IngestJob, state: Any) -> Response:
        if state not in ("UploadComplete", "Aborted"):
            raise ApiError(400, "INVALIDJOBSTATE", "an ingest job can be set to UploadComplete or Aborted")
        if job.state != "Open" and not (state == "Aborted" and job.state == "UploadComplete" and not job.successes):
            raise ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} cannot be set to {state}")
        if state == "UploadComplete" and job.upload is None:
            raise ApiError(400, "INVALIDJOBSTATE", "the job has no data yet")
        job.state, job.changed = state, self.org.stamp()
        if state == "UploadComplete":
            self._work(job)  # the outcome is shown once the job has been looked at often enough
        return json_response(self._ingest_info(job, fresh=True))

    def _advance_ingest(self, job: IngestJob) -> None:
        if job.state not in ("UploadComplete", "InProgress"):
            return
        job.polls += 1
        if job.polls <= self.org.settings.bulk_in_progress_polls:
            job.state = "InProgress"
            return
        job.state, job.changed = ("Failed" if job.error else "JobComplete"), self.org.stamp()

    def _work(self, job: IngestJob) -> None:
        sobject = self.org.need_sobject(job.object)
        rows = list(csv.reader(io.StringIO(job.upload or "", newline=""), delimiter=_DELIMITERS[job.delimiter]))
        job.upload = ""
        if not rows:
            job.error = "InvalidBatch : the upload has no header row"
            return
        job.header, data = rows[0], rows[1:]
        unknown = [name for name in job.header if sobject.field(name) is None and "." not in name]
        if unknown:
            job.error, job.unprocessed = f"InvalidBatch : Field name not found : {unknown[0]}", data
            return
        with self.org.store.lock:
            for row in data:
                if len(row) != len(job.header):
                    job.failures.append(["", "INVALID_CSV:row has another number of columns than the header:--", *row])
                    continue
                self._row(job, sobject, row)

    def _row(self, job: IngestJob, sobject: SObject, row: list[str]) -> None:
        body: Record = {}
        id = external = ""
        for name, cell in zip(job.header, row, strict=True):
            if name.lower() == "id":
                id = cell
            elif job.external and name.lower() == job.external.lower():
                external = cell
            elif cell == "":
                continue  # an empty cell leaves the field as it is
            elif "." in name:
                relation, column = name.split(".", 1)
                body[relation] = {column: cell}
            else:
                body[name] = None if cell == "#N/A" else cell
        try:
            if job.operation == "insert":
                plan = plan_create(self.org, sobject, body, from_csv=True)
            elif job.operation == "upsert":
                key = external_field(sobject, job.external)
                plan = plan_upsert(self.org, sobject, key, id if key.type == "id" else external, body, from_csv=True)
            else:
                if not id:
                    raise ApiError(400, "MISSING_ARGUMENT", f"Id not specified in an {job.operation} call", [])
                is_removal = job.operation in ("delete", "hardDelete")
                plan = plan_delete(self.org, sobject, id) if is_removal else plan_update(self.org, sobject, id, body, from_csv=True)
            written = commit(self.org, plan, hard=job.operation == "hardDelete")
        except AmbiguousError as refused:
            job.failures.append(["", f"DUPLICATE_EXTERNAL_ID:{refused.message}:{job.external} --", *row])
        except ApiError as found:
            error = as_row_error(found)
            job.failures.append([id, f"{error.code}:{error.message}:{','.join(error.fields or ())} --", *row])
        else:
            job.successes.append([written.id, str(written.created).lower(), *row])


def _body(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json")
    try:
        body = request.json()
    except ValueError as problem:
        raise ApiError(400, "JSON_PARSER_ERROR", f"the body is not JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "the body must be an object")
    return body


def _format(body: dict[str, Any]) -> tuple[str, str]:
    if body.get("contentType", "CSV") != "CSV":
        raise ApiError(400, "INVALIDJOB", "contentType must be CSV")
    delimiter, ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if delimiter not in _DELIMITERS or ending not in _LINE_ENDINGS:
        raise ApiError(400, "INVALIDJOB", f"no such delimiter or line ending: {delimiter}, {ending}")
    return delimiter, ending


def _refuse_in_bulk(query: Query) -> None:
    refused = ""
    if query.group or query.count or any(type(item).__name__ == "Aggregate" for item in query.select):
        refused = "Aggregate functions and GROUP BY"
    elif query.offset is not None:
        refused = "OFFSET"
    elif any(isinstance(item, Query) for item in query.select):
        refused = "Parent-to-child subqueries"
    elif any(isinstance(item, FieldsFunction) for item in query.select):
        refused = "FIELDS()"
    if refused:
        raise ApiError(400, "API_ERROR", f"FeatureNotEnabled: {refused} not supported in Bulk Query")


def _locator(job: str, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{job[-6:]}:{offset}".encode()).decode().rstrip("=")


def _from_locator(text: str | None, job: str, length: int) -> int:
    if not text:
        return 0
    refused = ApiError(400, "INVALID_QUERY_LOCATOR", f"invalid query locator: {text}")
    try:
        tail, _, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError) as problem:
        raise refused from problem
    if tail != job[-6:] or not number.isdigit() or int(number) >= length:
        raise refused
    return int(number)


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if kind == "datetime" and isinstance(value, str):
        return value.replace("+0000", "Z")
    return str(value)


def _compressed(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    if "gzip" in request.headers.get("accept-encoding", "") and len(body) > _GZIP_FROM:
        return Response(200, gzip.compress(body, compresslevel=1), {**headers, "content-encoding": "gzip"})
    return Response(200, body, headers)

"""Jobs that answer later: Data Query, AQuA batch queries and single exports, with the files that they leave."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from sandbox.protocol import Record, Request, Response, json_response
from sandbox.zuora import sql, zoql
from sandbox.zuora.answers import INVALID, MISSING, NOT_FOUND, QueryFault, Refusal, failure
from sandbox.zuora.ids import native_id
from sandbox.zuora.objects import KINDS, pascal
from sandbox.zuora.tenant import INTEGRATION_USER, Tenant, epoch

_PACIFIC = ZoneInfo("America/Los_Angeles")
_MOST_QUERIES = 50
_DATA_QUERY_FIELDS = frozenset({"query", "outputFormat", "compression", "output", "columnSeparator", "sourceData", "readDeleted", "useIndexJoin"})


@dataclass
class File:
    content: bytes
    content_type: str
    name: str


@dataclass
class Job:
    """`ready_at`: when its result shows; until then it waits and works. `ended`: it was stopped."""

    id: str
    made_at: datetime
    ready_at: datetime
    request: Record
    result: Record = field(default_factory=dict)
    ended: bool = False


class Jobs:
    def __init__(self, tenant: Tenant, *, seconds: float, partners: frozenset[str], segment_rows: int, ragged: bool, most_jobs: int,
                 settlement: bool) -> None:
        self.tenant, self.seconds, self.partners, self.segment_rows, self.ragged = tenant, seconds, partners, segment_rows, ragged
        self.most_jobs = most_jobs
        self.allowed = frozenset(path for path, kind in KINDS.items() if settlement or not kind.settlement)
        self.jobs: dict[str, Job] = {}
        self.files: dict[str, File] = {}

    def _new(self, request: Record, *, long_id: bool = False) -> Job:
        number = self.tenant.store.next_number("job")
        id = native_id("job", number) + (native_id("other", f"job:{number}") if long_id else "")
        now = self.tenant.clock.now()
        job = self.jobs[id] = Job(id, now, now, request)
        self._begin(job)
        return job

    def _begin(self, job: Job) -> None:
        """Its time starts now: what it took to make the result is no part of the wait that clients see."""
        job.made_at = self.tenant.clock.now()
        job.ready_at = job.made_at + timedelta(seconds=self.seconds)

    def _keep(self, content: bytes, content_type: str, name: str) -> str:
        id = native_id("file", self.tenant.store.next_number("file"))
        self.files[id] = File(content, content_type, name)
        return id

    def _stage(self, job: Job) -> str:
        now = self.tenant.clock.now()
        if job.ended:
            return "ended"
        if now >= job.ready_at:
            return "done"
        return "begun" if (now - job.made_at).total_seconds() < self.seconds / 2 else "working"

    def _waiting(self, kind: str) -> int:
        return sum(1 for job in self.jobs.values() if job.request.get("_kind") == kind and self._stage(job) in ("begun", "working"))

    # ---------------------------------------------------------------- Data Query

    def submit_query(self, body: Any, base_url: str) -> Response:
        if not isinstance(body, dict):
            raise Refusal(90, "The body must be an object.")
        for name in body:
            if name not in _DATA_QUERY_FIELDS:
                raise Refusal(21, f"Unknown field: {name}")
        for name in ("query", "outputFormat", "compression", "output"):
            if not body.get(name):
                raise Refusal(MISSING, f"{name} is required.")
        if body["outputFormat"] not in ("JSON", "CSV", "TSV", "DSV"):
            raise Refusal(INVALID, "outputFormat must be one of JSON, CSV, TSV, DSV.")
        if body["outputFormat"] == "DSV" and not body.get("columnSeparator"):
            raise Refusal(MISSING, "columnSeparator is required for DSV.")
        if body["compression"] not in ("NONE", "GZIP", "ZIP"):
            raise Refusal(INVALID, "compression must be one of NONE, GZIP, ZIP.")
        if not isinstance(body["output"], dict) or body["output"].get("target") != "S3":
            raise Refusal(INVALID, "output.target must be S3.")
        if body.get("sourceData", "LIVE") not in ("LIVE", "WAREHOUSE"):
            raise Refusal(INVALID, "sourceData must be LIVE or WAREHOUSE.")
        job = self._new({**body, "_kind": "data query"}, long_id=True)
        try:
            table = sql.run(self.tenant, body["query"], read_deleted=bool(body.get("readDeleted")), allowed=self.allowed)
            content, kind = _written(table, body["outputFormat"], body.get("columnSeparator", "|"))
            ending = {"JSON": "jsonl", "CSV": "csv", "TSV": "tsv", "DSV": "dsv"}[body["outputFormat"]]
            content, ending = _packed(content, body["compression"], ending)
            job.result = {"file": self._keep(content, kind, f"{job.id}.{ending}"), "rows": table.num_rows}
        except sql.SqlRefused as error:
            job.result = {"errorCode": error.code, "errorMessage": error.message}
        self._begin(job)
        return json_response({"data": self._query_state(job, base_url)})

    def query_state(self, id: str, base_url: str) -> Response:
        return json_response({"data": self._query_state(self._data_query(id), base_url)})

    def cancel_query(self, id: str) -> Response:
        job = self._data_query(id)
        if self._stage(job) == "done":
            raise Refusal(30, "The job has ended.")
        job.ended = True
        return json_response({"data": self._query_state(job, "")})

    def list_queries(self, request: Request) -> Response:
        wanted = request.param("queryStatus")
        size = request.param("pageSize", "20") or "20"
        if not size.isdigit():
            raise Refusal(INVALID, "pageSize must be a number.")
        states = [self._query_state(job, request.base_url) for job in reversed(self.jobs.values()) if job.request["_kind"] == "data query"]
        return json_response({"data": [state for state in states if wanted in (None, state["queryStatus"])][: int(size)]})

    def _data_query(self, id: str) -> Job:
        job = self.jobs.get(id)
        if job is None or job.request["_kind"] != "data query":
            raise Refusal(NOT_FOUND, f"Cannot find a query job by id: '{id}'.", status=404)
        return job

    def _query_state(self, job: Job, base_url: str) -> Record:
        stage = self._stage(job)
        failed = "errorCode" in job.result
        status = {"begun": "accepted", "working": "in_progress", "ended": "cancelled"}.get(stage, "failed" if failed else "completed")
        state: Record = {
            "id": job.id, "query": job.request["query"], "useIndexJoin": bool(job.request.get("useIndexJoin")),
            "sourceData": job.request.get("sourceData", "LIVE"), "queryStatus": status, "remainingRetries": 3,
            "updatedOn": self.tenant.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "createdBy": INTEGRATION_USER,
        }
        if status == "failed":
            state |= {"errorCode": job.result["errorCode"], "errorMessage": job.result["errorMessage"], "processingTime": 12}
        elif status == "completed":
            file = self.files[job.result["file"]]
            state |= {"dataFile": f"{base_url}/data-query-files/{file.name}?X-Amz-Signature={job.result['file']}",
                      "outputRows": job.result["rows"], "processingTime": int(self.seconds * 1000)}
        return state

    def presigned(self, request: Request) -> Response:
        """What the storage service does: the link is the permission, and a second one beside it is refused."""
        file = self.files.get(request.param("X-Amz-Signature") or "")
        if file is None or not request.path.endswith("/" + file.name):
            return Response(403, b"<Error><Code>AccessDenied</Code></Error>", {"content-type": "application/xml"})
        if "authorization" in request.headers:
            return Response(400, b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>",
                            {"content-type": "application/xml"})
        return Response(200, file.content, {"content-type": file.content_type})

    # ---------------------------------------------------------------- AQuA

    def submit_batch(self, body: Any) -> Response:
        if not isinstance(body, dict) or not isinstance(body.get("queries"), list) or not body["queries"]:
            return _aqua_error("90001", "The queries are missing.")
        if len(body["queries"]) > _MOST_QUERIES:
            return _aqua_error("90003", f"A job may have {_MOST_QUERIES} queries.")
        format = str(body.get("format", "csv")).lower()
        if format not in ("csv", "zip", "gzip"):
            return _aqua_error("90002", "The format must be csv, zip or gzip.")
        stateful = bool(body.get("partner") or body.get("project"))
        if stateful and body.get("partner") not in self.partners:
            return _aqua_error("90006", "Partner ID is not recognized.")
        if stateful and str(body.get("version", "1.0")) == "1.0":
            return _aqua_error("90007", "A stateful job needs version 1.1 or later.")
        if len(str(body.get("name", ""))) > 32:
            return _aqua_error("90004", "The name may have 32 characters.")
        kind = "stateful" if stateful else "stateless"
        if self._waiting(kind) >= self.most_jobs:
            return _aqua_error("90005", f"{self.most_jobs} {kind} jobs are running.")
        job = self._new({**body, "_kind": kind, "format": format})
        batches = []
        for place, wanted in enumerate(body["queries"]):
            batches.append(self._batch(job, wanted, place, stateful))
        job.result = {"batches": batches}
        self._begin(job)
        return json_response(self._batch_state(job))

    def batch_state(self, id: str) -> Response:
        job = self.jobs.get(id)
        if job is None or job.request["_kind"] not in ("stateful", "stateless"):
            return _aqua_error("90011", "The job does not exist.")
        return json_response(self._batch_state(job))

    def stop_batch(self, id: str) -> Response:
        job = self.jobs.get(id)
        if job is None or job.request["_kind"] not in ("stateful", "stateless"):
            return _aqua_error("90011", "The job does not exist.")
        if self._stage(job) != "done":
            job.ended = True
        return json_response(self._batch_state(job))

    def _batch(self, job: Job, wanted: Mapping[str, Any], place: int, stateful: bool) -> Record:
        tenant, body = self.tenant, job.request
        name, text = str(wanted.get("name", f"query{place}")), str(wanted.get("query", ""))
        batch: Record = {"batchId": native_id("other", f"batch:{job.id}:{place}"), "batchType": wanted.get("type", "zoqlexport"), "name": name,
                         "query": text, "full": True, "recordCount": 0, "message": ""}
        deleted = wanted.get("deleted") or {}
        try:
            query = zoql.parse(tenant, text, is_export=wanted.get("type", "zoqlexport") == "zoqlexport")
            if query.kind.path not in self.allowed:
                raise QueryFault("fns:INVALID_TYPE", f"invalid type: {query.kind.zoql}")
            if stateful and not any(path.field == "id" and not path.steps for path in query.columns):
                raise QueryFault("fns:MALFORMED_QUERY", "A stateful query must include Id.")
        except QueryFault as fault:
            return {**batch, "status": "aborted", "message": fault.message}
        since = None
        if stateful:
            key = f"{body['partner']}|{body['project']}|{name}"
            kept = tenant.store.get("_aqua", key)
            columns = [path.text for path in query.columns]
            since = kept["until"] if kept and kept["columns"] == columns else None
            if body.get("incrementalTime") and since is not None:
                since = datetime.strptime(body["incrementalTime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=_PACIFIC).timestamp()
            tenant.store.put("_aqua", key, {"columns": columns, "until": tenant.now().timestamp()})
        rows = zoql.run(tenant, query, with_deleted=bool(deleted) and since is not None)
        if since is not None:
            rows = [entry for entry in rows if epoch(entry[0]) >= since]
        utc = str(body.get("dateTimeUtc", "")).lower() == "true"
        heads = [path.text if "." in path.text else f"{query.kind.zoql}.{pascal(path.field)}" for path in query.columns]
        shown = deleted.get("format", "Boolean")
        lines = []
        null = str(body.get("nullReplacement", "") or "")
        for record, values in rows:
            line = [null if value is None else self._cell(path.type, value, utc) for path, value in zip(query.columns, values, strict=True)]
            if deleted:
                gone = tenant.store.get("_deleted", record["id"]) is not None and tenant.get(query.kind.path, record["id"]) is None
                line.append(("1" if gone else "0") if shown == "Numeric" else str(gone).lower())
            lines.append(line)
        if self.ragged and lines:
            lines[-1] = [*lines[-1], "", ""]
        if deleted:
            heads.append(str(deleted.get("column", "Deleted")))
        parts = [lines[at : at + self.segment_rows] for at in range(0, max(len(lines), 1), self.segment_rows)]
        ids = []
        for at, part in enumerate(parts):
            text_file = io.StringIO(newline="")
            writer = csv.writer(text_file, lineterminator="\n")
            writer.writerow(heads)
            writer.writerows(part)
            content, ending = _packed(text_file.getvalue().encode(), {"csv": "NONE", "gzip": "GZIP", "zip": "ZIP"}[body["format"]], "csv")
            ids.append(self._keep(content, "text/csv" if ending == "csv" else "application/octet-stream", f"{name}_{at}.{ending}"))
        batch |= {"status": "completed", "recordCount": len(lines), "full": since is None}
        where: Record = {"fileId": ids[0]} if len(ids) == 1 else {"segments": ids}
        return batch | where

    def _cell(self, type: str, value: Any, utc: bool) -> str:
        if type == "t":
            at = datetime.fromisoformat(value)
            return (at.astimezone(UTC) if utc else at.astimezone(self.tenant.zone)).strftime("%Y-%m-%dT%H:%M:%S%z")
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float) and value == int(value):
            return str(int(value))
        return str(value)

    def _batch_state(self, job: Job) -> Record:
        body, stage = job.request, self._stage(job)
        state: Record = {name: body[name] for name in ("partner", "project", "name", "encrypted") if name in body}
        state |= {"id": job.id, "version": str(body.get("version", "1.0")), "format": body["format"].upper()}
        if stage == "done":
            failed = any(batch["status"] == "aborted" for batch in job.result["batches"])
            return state | {"status": "error" if failed else "completed", "batches": job.result["batches"],
                            "startTime": job.made_at.astimezone(UTC).isoformat(timespec="seconds")}
        word = {"begun": "pending", "working": "executing", "ended": "aborted"}[stage]
        batches = [{**{name: batch[name] for name in ("batchType", "name", "query", "full")}, "status": word, "recordCount": 0}
                   for batch in job.result["batches"]]
        return state | {"status": {"begun": "submitted", "working": "executing", "ended": "aborted"}[stage], "batches": batches}

    # ---------------------------------------------------------------- single export and files

    def submit_export(self, body: Any) -> Response:
        if not isinstance(body, dict) or body.get("Format", "csv") not in ("csv", "html", "xls") or not body.get("Query"):
            return json_response({"Success": False, "Errors": [{"Code": "MISSING_REQUIRED_VALUE", "Message": "Format and Query are required."}]}, 400)
        job = self._new({**body, "_kind": "export", "format": "csv"})
        job.result = self._batch(job, {"name": "export", "query": body["Query"], "type": "zoqlexport"}, 0, False)
        return json_response({"Success": True, "Id": job.id})

    def export_state(self, id: str) -> Response | None:
        job = self.jobs.get(id)
        if job is None or job.request["_kind"] != "export":
            return None
        stage = self._stage(job)
        failed = job.result["status"] == "aborted"
        status = {"begun": "Pending", "working": "Processing", "ended": "Canceled"}.get(stage, "Failed" if failed else "Completed")
        state: Record = {"Id": id, "Format": "csv", "Query": job.request["Query"], "Status": status, "Encrypted": False, "Zip": False}
        if status == "Completed":
            state |= {"FileId": job.result["fileId"], "Size": len(self.files[job.result["fileId"]].content)}
        if status == "Failed":
            state["StatusReason"] = job.result["message"]
        return json_response(state)

    def file(self, id: str) -> Response:
        file = self.files.get(id)
        if file is None:
            return failure(NOT_FOUND, f"Cannot find a file by id: '{id}'.", status=404)
        return Response(200, file.content, {"content-type": file.content_type, "content-disposition": f'attachment; filename="{file.name}"'})


def _aqua_error(code: str, message: str) -> Response:
    """This family says no with status 200."""
    return json_response({"errorCode": code, "message": message})


def _packed(content: bytes, compression: str, ending: str) -> tuple[bytes, str]:
    if compression == "GZIP":
        return gzip.compress(content, 1), ending + ".gz"
    if compression == "ZIP":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"data.{ending}", content)
        return packed.getvalue(), ending + ".zip"
    return content, ending


def _written(table: Any, format: str, separator: str) -> tuple[bytes, str]:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            naive = table.column(place).cast(pa.timestamp("s"), safe=False)
            table = table.set_column(place, column.name, pc.strftime(naive, "%Y-%m-%dT%H:%M:%SZ"))
        elif pa.types.is_decimal(column.type):
            table = table.set_column(place, column.name, table.column(place).cast(pa.float64()))
    if format == "JSON":
        return b"".join(orjson.dumps(row, default=str) + b"\n" for row in table.to_pylist()), "application/json"
    mark = {"CSV": ",", "TSV": "\t"}.get(format, separator)
    target = io.BytesIO()
    arrow_csv.write_csv(table, target, arrow_csv.WriteOptions(delimiter=mark, quoting_style="needed"))
    return target.getvalue(), "text/csv"

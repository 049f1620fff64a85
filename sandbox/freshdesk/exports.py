"""Exports of contacts and companies as CSV files, made in the background. Jobs on tickets belong to `api`."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sandbox.freshdesk import fields
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.answers import Fault, Refused, invalid, only, unexpected, unknown_id
from sandbox.freshdesk.calls import Call, Handler, known
from sandbox.protocol import Clock, Record, Request, Response, json_response

FILES = "/exports/"
_KEPT = timedelta(days=15)
_DEFAULT_FIELDS = {
    "contacts": frozenset({
        "name", "email", "phone", "mobile", "twitter_id", "unique_external_id", "company_id", "job_title", "address", "description", "language",
        "time_zone", "tags", "created_at", "updated_at"}),
    "companies": frozenset({
        "name", "description", "note", "domains", "health_score", "account_tier", "renewal_date", "industry", "created_at", "updated_at"}),
}
_CUSTOM_FIELDS = {"contacts": fields.CONTACT_CUSTOM, "companies": fields.COMPANY_CUSTOM}


class Exports:
    def __init__(self, account: Account, clock: Clock, seconds: float) -> None:
        """`seconds`: how long the making of a file takes."""
        self._account, self._clock, self._takes = account, clock, timedelta(seconds=seconds)
        self._made: dict[str, tuple[datetime, str, bytes]] = {}  # id -> begun, kind, file

    def routes(self) -> list[tuple[str, str, Handler]]:
        kinds = "/(?P<kind>contacts|companies)/export"
        return [("POST", kinds, self._start), ("GET", f"{kinds}/(?P<record>[0-9a-f]+)", self._show)]

    def _start(self, call: Call) -> Response:
        body = known(call.body, {"fields"})
        wanted = body.get("fields")
        if not isinstance(wanted, dict) or not set(wanted) <= {"default_fields", "custom_fields"}:
            raise invalid([("fields", "It should hold default_fields and custom_fields", "datatype_mismatch" if "fields" in body else "missing_field")])
        default, custom = _names(wanted, "default_fields"), _names(wanted, "custom_fields")
        faults: list[Fault] = [unexpected(name) for name in default if name not in _DEFAULT_FIELDS[call.kind]]
        faults += [unexpected(name) for name in custom if name not in _CUSTOM_FIELDS[call.kind]]
        if faults:
            raise invalid(faults)
        now = self._clock.now()
        if any(now - begun < self._takes for begun, _, _ in self._made.values()):
            raise Refused(json_response({"code": "inconsistent_state", "message": "Another export is in progress."}, 409))
        id = uuid4().hex
        self._made[id] = (now, call.kind, self._file(call.kind, default, custom))
        return json_response({"id": id})

    def _file(self, kind: str, default: list[str], custom: list[str]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([*default, *custom])
        for row in self._account.shown(kind, lambda row: row["id"]):
            if not row.get("deleted"):
                writer.writerow([_cell(row.get(name)) for name in default] + [_cell(row["custom_fields"].get(name)) for name in custom])
        return text.getvalue().encode()

    def _show(self, call: Call) -> Response:
        only(call.request, ())
        begun, kind, _ = self._made.get(call.record, (None, "", b""))
        if begun is None or kind != call.kind:
            raise unknown_id()
        answer: Record = {"id": call.record, "status": "in_progress"}
        if self._clock.now() - begun >= self._takes:
            answer |= {"status": "completed", "download_url": f"{call.request.base_url}{FILES}{call.record}.csv"}
        return json_response(answer)

    def download(self, request: Request) -> Response:
        """The address itself is the permission, for fifteen days."""
        begun, _, content = self._made.get(request.path.removeprefix(FILES).removesuffix(".csv"), (None, "", b""))
        if begun is None or request.method != "GET" or self._clock.now() - begun > _KEPT:
            raise unknown_id()
        return Response(200, content, {"content-type": "text/csv; charset=utf-8"})


def _names(wanted: Record, name: str) -> list[str]:
    names = wanted.get(name) or []
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise invalid([(name, "It should be an Array of Strings", "datatype_mismatch")])
    return names


def _cell(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value

"""A small HTTP stand-in for both targets, with faults on demand and a journal of each effect; for tests and benchmarks.

The whole vendors are in `sandbox/`; this one is for faults at exact places and for speed.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from concord.connections import SandboxAccount

ZENDESK = {"email": "ops@concord.example", "api_token": "t", "client_id": "c", "client_secret": "s"}
SALESFORCE = {"client_id": "c", "client_secret": "s"}


@dataclass
class Fault:
    """`kind`: 429, 500, 500_after, cut_before, cut_after, status (with body), forget, reject, undo."""

    method: str
    path: str
    kind: str
    count: int = 1
    ids: tuple[str, ...] = ()
    status: int = 422
    body: Any = None
    wait: int = 1


@dataclass
class Standin:
    """What both vendors hold. `effects`: (collection, id, field, before, after), one an actual change."""

    port: int = 0
    organizations: dict[str, dict[str, Any]] = field(default_factory=dict)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, list[str]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    effects: list[tuple[str, str, str, Any, Any]] = field(default_factory=list)
    writes: list[tuple[str, str, Any]] = field(default_factory=list)
    reads: int = 0
    faults: list[Fault] = field(default_factory=list)
    working: int = 0            # how often a job is still "working" when asked
    delay: float = 0.0
    clock: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    lock: threading.RLock = field(default_factory=threading.RLock)
    requests: int = 0
    on_request: Callable[[int, str], None] | None = None  # (number, "before" or "after" its effect)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def account(self, system: str) -> SandboxAccount:
        return SandboxAccount(self.url, ZENDESK if system == "zendesk" else SALESFORCE)

    def tick(self) -> str:
        self.clock += timedelta(seconds=1)
        return self.clock.strftime("%Y-%m-%dT%H:%M:%SZ")

    def fault(self, method: str, path: str, kind: str, **settings: Any) -> None:
        self.faults.append(Fault(method, path, kind, **settings))

    def take_fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.path in path and fault.count > 0:
                fault.count -= 1
                return fault
        return None

    # the vendors' behaviour

    def set_fields(self, collection: str, id: str, held: dict[str, Any], values: dict[str, Any]) -> None:
        for name, value in values.items():
            if held.get(name) != value:
                self.effects.append((collection, id, name, held.get(name), value))
                held[name] = value

    def update_organization(self, id: str, sent: dict[str, Any]) -> None:
        record = self.organizations[id]
        self.set_fields("organization", id, record["organization_fields"], sent["organization_fields"])
        record["updated_at"] = self.tick()

    def update_ticket(self, id: str, sent: dict[str, Any]) -> None:
        record = self.tickets[id]
        tags = set(sent.get("tags", record["tags"])) | set(sent.get("additional_tags", []))
        tags -= set(sent.get("remove_tags", []))
        if tags != set(record["tags"]):
            self.effects.append(("ticket", id, "tags", record["tags"], sorted(tags)))
            record["tags"] = sorted(tags)
        if comment := sent.get("comment"):
            assert comment["public"] is False
            self.effects.append(("ticket", id, "comment", None, comment["body"]))
            self.comments.setdefault(id, []).append(comment["body"])
        record["updated_at"] = self.tick()

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        self.reads += 1
        parts = path.strip("/").split("/")
        if path.endswith("/show_many"):
            held = self.organizations if "organizations" in path else self.tickets
            kind = "organizations" if "organizations" in path else "tickets"
            return 200, {kind: [held[id] for id in query["ids"].split(",") if id in held]}
        if path.endswith("/comments"):
            return 200, {"comments": [{"id": n, "body": body} for n, body in enumerate(self.comments.get(parts[3], []))], "meta": {"has_more": False}}
        if "/job_statuses/" in path:
            job = self.jobs.get(parts[-1])
            if job is None:
                return 404, {"error": "RecordNotFound", "description": "Not found"}
            if job["asked"] < self.working:
                job["asked"] += 1
                return 200, {"job_status": {"id": parts[-1], "status": "working", "results": None}}
            return 200, {"job_status": {"id": parts[-1], "status": "completed", "results": job["results"]}}
        if "/composite/sobjects/Account" in path:
            names = query["fields"].split(",")
            return 200, [
                {"attributes": {"type": "Account"}, **{name: self.accounts[id].get(name) for name in names}} if id in self.accounts else None
                for id in query["ids"].split(",")
            ]
        return 404, {"error": "InvalidEndpoint", "description": "Not found"}

    def write(self, method: str, path: str, body: Any, fault: Fault | None) -> tuple[int, Any]:
        self.writes.append((method, path, body))
        if path.endswith("/organizations/update_many"):
            return self._bulk(body["organizations"], self.organizations, self.update_organization, fault)
        if path.endswith("/tickets/update_many"):
            return self._bulk(body["tickets"], self.tickets, self.update_ticket, fault)
        if "/tickets/" in path:
            id, ticket = path.rsplit("/", 1)[1], body["ticket"]
            if self.tickets[id]["status"] == "closed":
                return 422, {"error": "RecordInvalid", "description": "Record validation errors",
                             "details": {"status": [{"description": "Status closed prevents ticket update"}]}}
            if ticket.get("safe_update") and ticket["updated_stamp"] != self.tickets[id]["updated_at"]:
                return 409, {"error": "UpdateConflict", "description": "Safe Update prevented the update"}
            self.update_ticket(id, ticket)
            return 200, {"ticket": self.tickets[id]}
        if path.endswith("/composite/sobjects"):
            answers = []
            assert body["allOrNone"] is False and len(body["records"]) <= 200
            for record in body["records"]:
                id = record["id"]
                if fault and fault.kind == "reject" and id in fault.ids:
                    answers.append({"success": False, "errors": [fault.body or {
                        "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "no", "fields": ["Credit_Status__c"]}]})
                    continue
                self.set_fields("Account", id, self.accounts[id], {k: v for k, v in record.items() if k not in ("id", "attributes")})
                self.accounts[id]["SystemModstamp"] = self.tick().replace("Z", ".000+0000")
                if not (fault and fault.kind == "forget" and id in fault.ids):
                    answers.append({"id": id, "success": True, "errors": []})
            return 200, answers
        return 404, {"error": "InvalidEndpoint", "description": "Not found"}

    def _bulk(self, items: list[dict[str, Any]], held: dict[str, Any], update: Any, fault: Fault | None) -> tuple[int, Any]:
        if len(items) > 100:
            return 400, {"error": "TooManyValues", "description": "Too many"}
        results: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            id = str(item["id"])
            if fault and fault.kind == "reject" and id in fault.ids:
                results.append({"index": index, "id": item["id"], "error": "OrganizationUpdateFailed", "details": "Credit status: no"})
                continue
            if held[id].get("status") == "closed":
                results.append({"index": index, "id": item["id"], "error": "TicketUpdateFailed", "details": "Status closed prevents ticket update"})
                continue
            before = dict(held[id].get("organization_fields", {}))
            update(id, item)
            if fault and fault.kind == "undo" and id in fault.ids:
                held[id]["organization_fields"] = before
            if not (fault and fault.kind == "forget" and id in fault.ids):
                results.append({"id": item["id"], "action": "update", "success": True, "status": "Updated"})
        job = f"V3-{len(self.jobs):08d}"
        self.jobs[job] = {"asked": 0, "results": results}
        return 200, {"job_status": {"id": job, "status": "queued", "results": None, "total": len(items)}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: Standin
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet

    def log_message(self, format: str, *args: Any) -> None:
        """Tests do not log."""

    def _answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        standin = self.standin
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        if url.path.endswith("/oauth2/token"):
            self._answer(200, {"access_token": "00D!x", "instance_url": standin.url, "token_type": "Bearer"})
            return
        if standin.delay:
            threading.Event().wait(standin.delay)
        with standin.lock:
            standin.requests += 1
            number = standin.requests
            if standin.on_request:
                standin.on_request(number, "before")
            fault = standin.take_fault(self.command, url.path)
            if fault and fault.kind == "429":
                self._answer(429, {"error": "APIRateLimitExceeded"}, {"Retry-After": str(fault.wait)})
                return
            if fault and fault.kind == "500":
                self._answer(500, {"error": "InternalError"})
                return
            if fault and fault.kind == "status":
                self._answer(fault.status, fault.body)
                return
            if fault and fault.kind == "cut_before":
                self._cut()
                return
            if self.command == "GET":
                status, content = standin.get(url.path, {k: v[0] for k, v in parse_qs(url.query).items()})
            else:
                status, content = standin.write(self.command, url.path, json.loads(raw), fault)
            if standin.on_request:
                standin.on_request(number, "after")
        if fault and fault.kind == "cut_after":
            self._cut()
        elif fault and fault.kind == "500_after":
            self._answer(500, {"error": "InternalError"})
        else:
            self._answer(status, content)

    do_GET = do_PUT = do_PATCH = do_POST = _serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a request is part of the test."""


@contextmanager
def serving(standin: Standin | None = None) -> Iterator[Standin]:
    standin = standin or Standin()
    handler = type("Handler", (_Handler,), {"standin": standin})
    server = _Server(("127.0.0.1", 0), handler)
    standin.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

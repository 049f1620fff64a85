"""The HTTP front: ports, dates, journal, transport faults, restart. A small vendor made here stands in for the real ones,
so that what is tested is the front alone; what the vendors answer is tested beside them."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead, RemoteDisconnected
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sandbox import server
from sandbox.journal import Journal
from sandbox.protocol import Clock, Request, Response, SandboxError, Store, json_response
from sandbox.server import Sandbox, background_address, open_sandbox, running, start_background, stop_background
from sandbox.world.landscape import DEFAULT
from sandbox.world.model import View
from sandbox.world.plant import FaultPlan

ANCHOR = datetime(2026, 3, 10, 12, tzinfo=UTC)
NO_FAULTS = FaultPlan()


class Echo:
    """Keeps notes: POST /notes stores one, GET /notes lists them, POST /query only reads."""

    name = "stripe"

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self.is_open = True
        self.applied: list[View] = []

    def load(self, view: View) -> None:
        for customer in view.customers:
            self.store.put("customers", str(customer.key), {"name": customer.name})

    def apply(self, view: View) -> None:
        self.applied.append(view)
        for invoice in view.invoices:
            self.store.put("invoices", str(invoice.key), {"total": str(invoice.total)})

    def handle(self, request: Request) -> Response:
        if not self.is_open:
            self.is_open = True
            return json_response({"error": "expired"}, 401)
        if request.method == "POST" and request.path == "/notes":
            number = str(self.store.next_number("note"))
            self.store.put("notes", number, request.json())
            return json_response({"id": number}, 201)
        if request.method == "POST" and request.path == "/query":
            return json_response({"rows": []}, is_write=False)
        if request.path == "/notes":
            return json_response({"notes": list(self.store.collection("notes").values()), "base": request.base_url, "query": request.query})
        if request.path == "/count":
            return json_response({name: len(self.store.collection(name)) for name in ("customers", "invoices", "notes")})
        return json_response({"in_flight": request.in_flight}, 404)

    def rate_limited(self, request: Request) -> Response:
        return json_response({"error": "slow down"}, 429, {"retry-after": "1"})

    def unavailable(self, request: Request) -> Response:
        return json_response({"error": "broken"}, 500)

    def expire_tokens(self) -> None:
        self.is_open = False


@pytest.fixture(autouse=True)
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (account.name for account in DEFAULT):
        module = ModuleType(f"sandbox.{name}")
        module.__path__ = [str(Path(server.__file__).parent / name)]  # its ids stay the real ones
        module.create = lambda store, clock: Echo(store, clock)  # type: ignore[attr-defined]
        module.__spec__ = ModuleSpec(f"sandbox.{name}", None)
        monkeypatch.setitem(sys.modules, f"sandbox.{name}", module)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running(tmp_path, scale=0.1, faults=NO_FAULTS, anchor=ANCHOR) as running_sandbox:
        yield running_sandbox


def ask(url: str, body: Any = None, method: str | None = None, context: ssl.SSLContext | None = None) -> tuple[int, Any, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "idempotency-key": "key-1"}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def test_vendor_by_path_at_its_own_root_and_over_tls(sandbox: Sandbox, tmp_path: Path) -> None:
    assert ask(sandbox.url("stripe") + "/notes?a=1&a=2&b=")[1] == {
        "notes": [],
        "base": sandbox.url("stripe"),
        "query": [["a", "1"], ["a", "2"], ["b", ""]],
    }
    assert ask(sandbox.root_url("zendesk") + "/notes")[1]["base"] == sandbox.root_url("zendesk")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "sandbox" / "tls" / "cert.pem"))
    assert ask(sandbox.tls_url + "/notes", context=trusting)[1]["base"] == sandbox.tls_url


def test_date_header_follows_the_sandbox_clock(sandbox: Sandbox) -> None:
    first = parsedate_to_datetime(ask(sandbox.url("stripe") + "/notes")[2]["date"])
    assert abs(first - ANCHOR) < timedelta(seconds=30)
    assert ask(f"{sandbox.main_url}/_sandbox/clock", {"seconds": 7200})[0] == 200
    headers = ask(sandbox.url("stripe") + "/notes")[2]
    assert headers.get_all("date") is not None and len(headers.get_all("date")) == 1
    assert timedelta(hours=2) <= parsedate_to_datetime(headers["date"]) - first < timedelta(hours=2, seconds=30)


def test_journal_holds_writes_in_order_with_their_effects(sandbox: Sandbox) -> None:
    ask(sandbox.url("stripe") + "/notes", {"text": "one"})
    ask(sandbox.url("stripe") + "/query", {})
    ask(sandbox.url("stripe") + "/notes")
    ask(sandbox.url("zendesk") + "/notes", {"text": "two"})
    entries = ask(f"{sandbox.main_url}/_sandbox/journal")[1]
    assert [(entry["seq"], entry["vendor"], entry["path"], entry["status"]) for entry in entries] == [
        (1, "stripe", "/notes", 201),
        (2, "zendesk", "/notes", 201),
    ]
    assert entries[0]["keys"] == {"idempotency-key": "key-1"}
    assert entries[0]["body"] == {"text": "one"}
    assert entries[0]["effects"] == [{"collection": "notes", "id": "1", "kind": "created", "changed": {"text": [None, "one"]}}]
    assert [entry["seq"] for entry in ask(f"{sandbox.main_url}/_sandbox/journal?vendor=zendesk&since=1")[1]] == [2]
    assert ask(f"{sandbox.main_url}/_sandbox/journal?since=2")[1] == []


@pytest.mark.parametrize(("kind", "status", "effects"), [("429", 429, 0), ("500", 500, 0), ("500_after", 500, 1)])
def test_faults_that_answer(sandbox: Sandbox, kind: str, status: int, effects: int) -> None:
    sandbox.fault("stripe", kind, "^/notes$", count=1, method="POST")
    assert ask(sandbox.url("stripe") + "/notes")[0] == 200  # another method
    assert ask(sandbox.url("stripe") + "/notes", {"text": "x"})[0] == status
    assert ask(sandbox.url("stripe") + "/notes", {"text": "y"})[0] == 201  # spent
    first = sandbox.journal()[0]
    assert (first["status"], first["fault"], len(first["effects"])) == (status, kind, effects)


@pytest.mark.parametrize(("kind", "kept"), [("cut_before", 0), ("cut_after", 1)])
def test_cut_connections(sandbox: Sandbox, kind: str, kept: int) -> None:
    sandbox.fault("stripe", kind, "notes")
    with pytest.raises((RemoteDisconnected, ConnectionError, urllib.error.URLError)):
        ask(sandbox.url("stripe") + "/notes", {"text": "x"})
    assert len(ask(sandbox.url("stripe") + "/notes")[1]["notes"]) == kept
    entry = sandbox.journal()[0]
    assert entry["fault"] == kind and len(entry["effects"]) == kept
    assert entry["status"] == (201 if kept else None)


def test_truncated_body_is_short_of_its_length(sandbox: Sandbox) -> None:
    sandbox.fault("stripe", "truncated", "notes")
    with pytest.raises(IncompleteRead) as caught:
        ask(sandbox.url("stripe") + "/notes")
    assert caught.value.partial and caught.value.expected


def test_delay_expired_token_and_skipped_requests(sandbox: Sandbox) -> None:
    sandbox.fault("stripe", "delay", "notes", seconds=0.4)
    started = time.monotonic()
    assert ask(sandbox.url("stripe") + "/notes")[0] == 200
    assert time.monotonic() - started >= 0.4
    sandbox.fault("stripe", "expired_token", "notes", after=1)
    assert [ask(sandbox.url("stripe") + "/notes")[0] for _ in range(3)] == [200, 401, 200]


def test_faults_over_http_are_listed_cleared_and_checked(sandbox: Sandbox) -> None:
    control = f"{sandbox.main_url}/_sandbox/faults"
    assert ask(control, {"vendor": "stripe", "kind": "500", "path": "notes", "count": 3})[0] == 201
    listed = ask(control)[1]
    assert (listed[0]["vendor"], listed[0]["kind"], listed[0]["left"]) == ("stripe", "500", 3)
    assert ask(control, method="DELETE")[0] == 200
    assert ask(control)[1] == []
    for wrong, word in (
        ({"vendor": "sap", "kind": "500"}, "sap"),
        ({"vendor": "stripe", "kind": "flood"}, "kind"),
        ({"kind": "500"}, "vendor"),
        ({"vendor": "stripe", "kind": "500", "path": "("}, "regular expression"),
        ({"vendor": "stripe", "kind": "500", "often": 1}, "often"),
    ):
        status, content, _ = ask(control, wrong)
        assert status == 400 and word in content["error"]
    status, content, _ = ask(f"{sandbox.main_url}/_sandbox/clock", {"days": -1})
    assert status == 400 and "forward" in content["error"]
    assert ask(f"{sandbox.main_url}/elsewhere")[0] == 404


def test_restart_serves_the_same_state(tmp_path: Path) -> None:
    with running(tmp_path, scale=0.1, faults=NO_FAULTS, anchor=ANCHOR) as first:
        ask(first.url("stripe") + "/notes", {"text": "kept"})
        first.advance(days=2)
        before = (ask(first.url("stripe") + "/count")[1], first.truth(), first.clock.now())
    with running(tmp_path, scale=0.1, faults=NO_FAULTS) as again:
        after = (ask(again.url("stripe") + "/count")[1], again.truth(), again.clock.now())
        assert after[0] == before[0] and before[0]["invoices"] > 0
        assert after[1] == before[1]
        assert timedelta(0) < after[2] - before[2] < timedelta(minutes=1)
        ask(again.url("stripe") + "/notes", {"text": "next"})
        assert [entry["seq"] for entry in again.journal()] == [1, 2]
        assert again.journal()[1]["effects"][0]["id"] == "2"
        again.advance(days=1)
        third = {row.key for row in again.world.views["stripe"].invoices}
        assert len(third) == len(again.world.views["stripe"].invoices)  # no key is given twice across a restart


def test_another_world_under_the_same_home_is_refused(tmp_path: Path) -> None:
    open_sandbox(tmp_path, seed=1, scale=0.1, faults=NO_FAULTS).journal_file.close()
    with pytest.raises(SandboxError, match="seed"):
        open_sandbox(tmp_path, seed=2, scale=0.1, faults=NO_FAULTS)
    with pytest.raises(SandboxError, match="faults"):
        open_sandbox(tmp_path, seed=1, scale=0.1)
    open_sandbox(tmp_path, seed=2, scale=0.1, faults=NO_FAULTS, reset=True).journal_file.close()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=str(port)), running(tmp_path, scale=0.1, faults=NO_FAULTS, port=port):
            pytest.fail("it must not start")


def test_a_cut_last_line_of_the_journal_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    request = Request(
        "POST", "/token", "http://x", headers={"content-type": "application/x-www-form-urlencoded"}, body=b"client_secret=hush&grant_type=x"
    )
    journal.record("stripe", ANCHOR, request, None, [], "cut_before")
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"seq": 2, "ven')
    again = Journal(path)
    again.record("stripe", ANCHOR, request, None, [], "cut_before")
    again.close()
    assert [json.loads(line)["seq"] for line in path.read_text().splitlines()] == [1, 2]
    assert "hush" not in path.read_text()


def test_background_process_starts_answers_and_ends(tmp_path: Path) -> None:
    plan = tmp_path / "faults.yml"
    plan.write_text("faults: {stale_connection: 1}\n")
    address = start_background(tmp_path, scale=0.1, faults=plan, port=0)
    try:
        assert ask(f"{address['url']}/_sandbox/health")[1]["status"] == "ok"
        assert start_background(tmp_path, scale=0.1, port=0)["pid"] == address["pid"]
        other = tmp_path / "other.yml"
        other.write_text("faults: {tier_mismatch: 1}\n")
        with pytest.raises(SandboxError, match="another fault plan"):
            start_background(tmp_path, scale=0.1, faults=other, port=0)
        with pytest.raises(SandboxError, match="another world"):
            start_background(tmp_path, seed=99, scale=0.1, port=0)
    finally:
        assert stop_background(tmp_path)
    assert background_address(tmp_path) is None
    assert not stop_background(tmp_path)


def test_background_failure_tells_why(tmp_path: Path) -> None:
    plan = tmp_path / "faults.yml"
    plan.write_text("faults: {invoice_lost: 1}\n")
    with pytest.raises(SandboxError, match="unknown kind invoice_lost"):
        start_background(tmp_path, scale=0.1, faults=plan, port=0)


def test_command_line_refuses_a_port_in_use(tmp_path: Path) -> None:
    root = Path(server.__file__).resolve().parent.parent
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "sandbox", "--home", str(tmp_path), "--port", str(port), "--scale", "0.1"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr

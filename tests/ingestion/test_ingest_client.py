"""What the HTTP client promises: reads are waited out, writes go out once and tell what became of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError
from ingestion.client import Client, RateLimited, Refused, Unavailable, Uncertain, Unreachable, open_client
from ingestion.spec import load_system


class Vendor:
    """Answers as told: a list of (status, headers, body) or "cut"; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked: list[tuple[str, str]] = []
        self.most_at_once = self.now = 0
        self.delay = 0.0
        lock = threading.Lock()
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    vendor.asked.append((self.command, self.path))
                    vendor.now += 1
                    vendor.most_at_once = max(vendor.most_at_once, vendor.now)
                    answer = vendor.answers.pop(0) if vendor.answers else (200, {}, b"{}")
                assert body is not None
                time.sleep(vendor.delay)
                with lock:
                    vendor.now -= 1
                if answer == "cut":
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers, content = answer
                self.send_response_only(status)
                self.send_header("Content-Length", headers.pop("Content-Length", str(len(content))))
                self.send_header("Date", headers.pop("Date", formatdate(usegmt=True)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                if len(content) < int(self.headers.get("Content-Length") or 0):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do

            def log_message(self, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def client(vendor: Vendor) -> Iterator[Client]:
    waits: list[float] = []
    made = open_client(ZENDESK, SandboxAccount(vendor.url, SECRETS), on_wait=lambda seconds, why: waits.append(seconds), timeout=(1.0, 1.0))
    made.waits = waits  # type: ignore[attr-defined]
    yield made
    made.close()


ZENDESK = Connection(name="desk", system="zendesk", role="support", sandbox=True)
SECRETS = {"email": "ops@concord.example", "api_token": "very-secret-token"}


def test_rate_limit_waits_spend_no_attempt_and_are_shown(vendor: Vendor, client: Client) -> None:
    vendor.answers = [(429, {"Retry-After": "0.01"}, b"") for _ in range(12)]  # more than the attempts of a read
    assert client.read("GET", "organizations").content == {}
    assert client.usage.waits == len(client.waits) == 12 and client.usage.wait_seconds > 0.1  # type: ignore[attr-defined]


def test_a_wait_beyond_reason_ends_the_read(vendor: Vendor, client: Client) -> None:
    vendor.answers = [(429, {"Retry-After": "86400"}, b"")]
    with pytest.raises(RateLimited) as caught:
        client.read("GET", "organizations")
    assert (caught.value.not_before - datetime.now(UTC)).total_seconds() > 80_000


@pytest.mark.parametrize("trouble", [(500, {}, b""), (503, {}, b"<html>"), "cut", (200, {}, b'{"half":'), (200, {"Content-Length": "99"}, b"{}")])
def test_reads_are_repeated(vendor: Vendor, client: Client, trouble: Any) -> None:
    vendor.answers = [trouble, (200, {}, b'{"whole":1}')]
    assert client.read("GET", "organizations").content == {"whole": 1}
    assert len(vendor.asked) == 2


@pytest.mark.parametrize(("answer", "error"), [
    ((500, {}, b""), Unavailable), ((503, {}, b""), Unavailable), ("cut", Uncertain), ((429, {"Retry-After": "7"}, b""), RateLimited),
    ((422, {}, b'{"error":"RecordInvalid","description":"Record validation errors"}'), Refused),
])
def test_writes_go_out_once_and_say_what_became_of_them(vendor: Vendor, client: Client, answer: Any, error: type[ConcordError]) -> None:
    vendor.answers = [answer]
    with pytest.raises(error) as caught:
        client.request("PUT", "organizations/1", json={"organization": {"name": "x"}}, write=True)
    assert len(vendor.asked) == 1 and "very-secret-token" not in str(caught.value)
    if isinstance(caught.value, Refused):
        assert (caught.value.status, caught.value.code) == (422, "RecordInvalid") and caught.value.body["error"] == "RecordInvalid"
    if isinstance(caught.value, RateLimited):
        assert 5 < (caught.value.not_before - datetime.now(UTC)).total_seconds() <= 7


def test_a_write_without_an_answer_in_time_is_uncertain(vendor: Vendor, client: Client) -> None:
    vendor.delay = 1.5
    with pytest.raises(Uncertain):
        client.request("POST", "tickets", json={}, write=True)


def test_a_write_to_nobody_was_not_sent() -> None:
    with open_client(ZENDESK, SandboxAccount("http://127.0.0.1:9", SECRETS)) as client, pytest.raises(Unreachable, match="cannot be reached"):
        client.request("POST", "tickets", json={}, write=True)


def test_links_lead_only_to_the_own_host(vendor: Vendor, client: Client) -> None:
    with pytest.raises(ConcordError, match="another host"):
        client.read("GET", "https://evil.example/api/v2/organizations")
    with pytest.raises(ConcordError, match="another host"):
        client.read("GET", vendor.url.replace("http:", "https:") + "/x")
    assert client.read("GET", f"{vendor.url}/api/v2/organizations?page=2").content == {}
    assert vendor.asked == [("GET", "/api/v2/organizations?page=2")]


def test_r14_no_more_at_once_than_the_system_file_says(vendor: Vendor, client: Client) -> None:
    vendor.delay = 0.02
    threads = [threading.Thread(target=client.read, args=("GET", f"organizations/{number}")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vendor.asked) == 20 and vendor.most_at_once <= load_system("zendesk").limits.concurrency


def test_the_vendors_clock_comes_from_its_answers(vendor: Vendor, client: Client) -> None:
    ahead = formatdate(time.time() + 3600, usegmt=True)
    vendor.answers = [(200, {"Date": ahead}, b"{}")]
    client.read("GET", "organizations")
    assert 3590 < (client.server_time() - datetime.now(UTC)).total_seconds() < 3610


def test_a_wrong_secret_names_connection_and_variable(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_EMAIL", "a@b.example")
    monkeypatch.setenv("DESK_TOKEN", "very-secret-token")
    real = Connection(name="desk", system="zendesk", role="support", base_url=vendor.url, secrets={"email": "DESK_EMAIL", "api_token": "DESK_TOKEN"})
    vendor.answers = [(401, {}, b'{"error":"Couldn\'t authenticate you"}')]
    with open_client(real) as client, pytest.raises(ConcordError) as caught:
        client.read("GET", "organizations")
    assert "desk" in str(caught.value) and "DESK_TOKEN" in str(caught.value) and "very-secret-token" not in str(caught.value)
    monkeypatch.delenv("DESK_TOKEN")
    with pytest.raises(ConcordError, match="DESK_TOKEN is not set"):
        open_client(real)


def test_oauth_asks_for_a_token_and_renews_a_refused_one(vendor: Vendor) -> None:
    connection = ZENDESK.model_copy(update={"auth": "oauth"})
    token: Callable[[str], Any] = lambda value: (200, {}, b'{"access_token":"%s","expires_in":3600}' % value.encode())  # noqa: E731
    vendor.answers = [token("one"), (401, {}, b"{}"), token("two"), (200, {}, b'{"ok":true}')]
    with open_client(connection, SandboxAccount(vendor.url, {"client_id": "c", "client_secret": "s"})) as client:
        assert client.read("GET", "organizations").content == {"ok": True}
    assert [path for _, path in vendor.asked] == ["/oauth/tokens", "/api/v2/organizations", "/oauth/tokens", "/api/v2/organizations"]

"""A small HTTP server that plays a vendor by a function of the test, and an installation that is connected to it as to the real one."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import duckdb
import pytest

from concord.connections import Connection, Role, SandboxAccount
from concord.settings import load_settings
from ingestion.run import IngestResult, ingest


@dataclass(frozen=True)
class Asked:
    """One request as it came in. Header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def basic(self) -> tuple[str, str]:
        """User and password."""
        scheme, _, word = self.headers.get("authorization", "").partition(" ")
        user, _, password = base64.b64decode(word).decode().partition(":") if scheme == "Basic" else ("", "", "")
        return user, password


@dataclass(frozen=True)
class Told:
    """The answer: `content` is sent as JSON unless it is bytes."""

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Mock:
    base_url: str
    asked: list[Asked]

    def paths(self, method: str = "GET") -> list[str]:
        return [each.path for each in self.asked if each.method == method]


@contextmanager
def served(answer: Callable[[Asked], Told]) -> Iterator[Mock]:
    """Answer every request by the function for as long as the block runs."""
    mock = Mock("", [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            asked = Asked(
                self.command, unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(self.headers.get("Content-Length") or 0)), mock.base_url)
            mock.asked.append(asked)
            told = answer(asked)
            body = told.content if isinstance(told.content, bytes) else json.dumps(told.content).encode()
            self.send_response(told.status)
            for name, value in {"Content-Type": "application/json", **told.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    mock.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield mock
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Installation:
    """Concord with one connection, written down as for a real account."""

    home: Path
    connection: Connection
    account: SandboxAccount | None = None

    def ingest(self, *resources: str, full: bool = False) -> IngestResult:
        settings = load_settings({"CONCORD_HOME": str(self.home), "CONCORD_DATA": ""})
        accounts = {self.connection.name: self.account} if self.account else None
        [result] = ingest(
            settings, {self.connection.name: self.connection}, resources=list(resources) or None, full=full, accounts=accounts)
        if result.error:
            raise result.error
        return result

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What landed, in the order of landing; without Concord's own columns, except `_deleted`, `_extra`."""
        folder = load_settings({"CONCORD_HOME": str(self.home), "CONCORD_DATA": ""}).landing / self.connection.name / table
        if not list(folder.glob("*.parquet")):
            return []
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            found = database.execute(f"SELECT * FROM read_parquet('{folder}/*.parquet', union_by_name = true)")
            names = [column[0] for column in found.description or ()]
            return [
                {name: value for name, value in zip(names, row, strict=True) if not name.startswith("_") or name in ("_deleted", "_extra")}
                for row in found.fetchall()]


def installed(
    monkeypatch: pytest.MonkeyPatch, home: Path, mock: Mock, system: str, role: Role, secrets: Mapping[str, str], *, auth: str = "",
    settings: Mapping[str, str] | None = None,
) -> Installation:
    """A connection whose secrets are in the environment, as those of a real account are."""
    named = {name: f"CONFORMANCE_{system}_{name}".upper() for name in secrets}
    for name, variable in named.items():
        monkeypatch.setenv(variable, secrets[name])
    connection = Connection(
        name=system, system=system, role=role, base_url=mock.base_url, auth=auth, secrets=named, settings=dict(settings or {}))
    return Installation(home, connection)


def installed_beside(home: Path, mock: Mock, system: str, role: Role, secrets: Mapping[str, str], *, auth: str = "") -> Installation:
    """For a vendor whose login has a host of its own, which a real connection cannot be led away from: the mock stands for the sandbox."""
    connection = Connection(name=system, system=system, role=role, sandbox=True, auth=auth, settings={"tenant": "t", "environment": "acme"})
    return Installation(home, connection, SandboxAccount(mock.base_url, dict(secrets)))

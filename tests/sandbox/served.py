"""A vendor's stand-in alone behind an HTTP server of its own, for tests that make its world by hand and look into it.

Belongs here: the server and what it adds to an answer, as `sandbox.server` adds it. Worlds, clients and logins are each vendor's tests' own.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.protocol import Clock, Request, Response

Answer = Callable[[Request], Response | None]


@contextmanager
def served(answer: Answer, clock: Clock, *, prefix: str = "", certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve `answer` until the block ends; yields the URL. An answer of None cuts the connection without a word.

    `prefix`: the path under which it lies. `certificate`: files of certificate and key, to be served over TLS as localhost.
    """
    scheme = "https" if certificate else "http"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536
        disable_nagle_algorithm = True

        def respond(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            response = answer(Request(
                self.command, unquote(target.path.removeprefix(prefix)), f"{scheme}://{self.headers['host']}{prefix}",
                tuple(parse_qsl(target.query, keep_blank_values=True)), {name.lower(): value for name, value in self.headers.items()}, body))
            if response is None:
                self.close_connection = True
                return
            self.send_response_only(response.status)
            self.send_header("date", format_datetime(clock.now(), usegmt=True))
            for name, value in response.headers.items():
                self.send_header(name, value)
            has_body = response.status not in (204, 304)
            if has_body:
                self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            if has_body and self.command != "HEAD":
                self.wfile.write(response.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = respond

        def log_message(self, format: str, *args: Any) -> None:
            """A test's output is no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = "127.0.0.1"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        host = "localhost"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"{scheme}://{host}:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()

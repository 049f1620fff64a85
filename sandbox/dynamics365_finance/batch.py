"""`$batch`: a multipart body taken apart into requests, the answers put together again. A changeset is one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import uuid4

from sandbox.dynamics365_finance.errors import VERSION, Refusal
from sandbox.protocol import Request, Response

MOST_PARTS = 5_000
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_REASONS = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
            412: "Precondition Failed", 415: "Unsupported Media Type", 500: "Internal Server Error"}


@dataclass(frozen=True)
class _Part:
    headers: dict[str, str]
    body: bytes


def run(request: Request, one: Callable[[Request], Response], together: Callable[[list[Request]], list[Response]]) -> Response:
    """`one` answers a request, `together` a changeset: an answer for each, or only that of the request that made it fail."""
    parts = _parts(request.headers.get("content-type", ""), request.body)
    if len(parts) > MOST_PARTS:
        raise Refusal(400, f"The batch holds {len(parts)} parts, and at most {MOST_PARTS} are allowed.")
    boundary = f"batchresponse_{uuid4()}"
    answers = []
    for part in parts:
        kind = part.headers.get("content-type", "")
        if kind.startswith("multipart/mixed"):
            inner = _parts(kind, part.body)
            requests = [_request(request, member) for member in inner]
            if any(member.method == "GET" for member in requests):
                raise Refusal(400, "A changeset must not hold a query.")
            done = together(requests)
            if len(done) == len(inner) and all(answer.status < 400 for answer in done):
                own = f"changesetresponse_{uuid4()}"
                members = b"".join(
                    _rendered(own, answer, member.headers.get("content-id", "")) for answer, member in zip(done, inner, strict=True))
                answers.append(f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={own}\r\n\r\n".encode() + members
                               + f"--{own}--\r\n".encode())
            else:
                answers.append(_rendered(boundary, done[-1], ""))
        elif kind.startswith("application/http"):
            inner_request = _request(request, part)
            answers.append(_rendered(boundary, one(inner_request), part.headers.get("content-id", "")))
        else:
            raise Refusal(400, "A part of the batch must be application/http or multipart/mixed.")
    body = b"".join(answers) + f"--{boundary}--\r\n".encode()
    return Response(200, body, {"content-type": f"multipart/mixed; boundary={boundary}", **VERSION})


def _parts(content_type: str, body: bytes) -> list[_Part]:
    match = _BOUNDARY.search(content_type)
    if not content_type.startswith("multipart/mixed") or match is None:
        raise Refusal(400, "The batch must be sent as multipart/mixed with a boundary.")
    mark = b"--" + match[1].strip().encode()
    text = b"\r\n" + body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    pieces = text.split(b"\r\n" + mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Refusal(400, "The batch is not closed by its boundary.")
    found = []
    for piece in pieces[1:-1]:
        head, _, rest = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found.append(_Part(_headers(head.decode()), rest))
    return found


def _headers(text: str) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in text.split("\r\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _request(outer: Request, part: _Part) -> Request:
    head, _, body = part.body.lstrip(b"\r\n").partition(b"\r\n\r\n")
    line, _, rest = head.decode().partition("\r\n")
    words = line.split()
    if len(words) < 2:
        raise Refusal(400, "A part of the batch holds no request line.")
    method, target = words[0].upper(), words[1]
    if target.startswith("http"):
        target = target.removeprefix(outer.base_url)
        if target.startswith("http"):
            raise Refusal(400, "A part of the batch is addressed to another host.")
    elif not target.startswith("/"):
        target = f"/data/{target}"
    split = urlsplit(target)
    headers = {name: value for name, value in outer.headers.items() if name in ("authorization", "accept")}
    inner = {"content-id": part.headers["content-id"]} if "content-id" in part.headers else {}
    return replace(
        outer, method=method, path=unquote(split.path), query=tuple(parse_qsl(split.query, keep_blank_values=True)),
        headers={**headers, **inner, **_headers(rest)}, body=body.rstrip(b"\r\n"))


def _rendered(boundary: str, answer: Response, content_id: str) -> bytes:
    head = [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {content_id}"] if content_id else []
    head += ["", f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}"]
    head += [f"{name.title()}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + answer.body + b"\r\n"

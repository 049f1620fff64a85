"""$batch: multipart bodies to single requests and back. What the requests do belongs to `api`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from sandbox.protocol import Request, Response
from sandbox.sap_s4hana.errors import BAD_REQUEST, Refusal

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 412: "Precondition Failed", 428: "Precondition Required", 501: "Not Implemented"}


@dataclass(frozen=True)
class Part:
    """One request of a batch, with its Content-ID."""

    request: Request
    content_id: str


Group = Part | tuple[Part, ...]  # a read, or a changeset


def _bad(message: str) -> Refusal:
    return Refusal(400, BAD_REQUEST, message)


def parse(request: Request, root: str) -> list[Group]:
    """`root`: the service's path. Raises Refusal for a body that is no batch."""
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if "multipart/mixed" not in request.headers.get("content-type", "").lower() or found is None:
        raise _bad("The content type of a batch must be multipart/mixed with a boundary")
    groups: list[Group] = []
    for headers, body in _parts(request.body, found[1]):
        kind = headers.get("content-type", "")
        if kind.lower().startswith("multipart/mixed"):
            inner = _BOUNDARY.search(kind)
            if inner is None:
                raise _bad("A changeset without a boundary")
            parts = tuple(Part(_request(request, root, text), head.get("content-id", "")) for head, text in _parts(body, inner[1]))
            if any(part.request.method == "GET" for part in parts):
                raise _bad("A changeset must not hold a GET")
            groups.append(parts)
        elif kind.lower().startswith("application/http"):
            part = Part(_request(request, root, body), headers.get("content-id", ""))
            if part.request.method != "GET":
                raise _bad("A change must stand in a changeset")
            groups.append(part)
        else:
            raise _bad(f"Unexpected content type '{kind}' in a batch")
    if not groups:
        raise _bad("The batch holds no request")
    return groups


def _parts(body: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    mark = f"--{boundary}".encode()
    if mark + b"--" not in body:
        raise _bad("The batch does not end with its boundary")
    found = []
    for piece in body.split(mark)[1:]:
        if piece.startswith(b"--"):
            break
        head, _, rest = _halves(piece.lstrip(b"\r\n"))
        found.append((_headers(head), rest))
    return found


def _halves(piece: bytes) -> tuple[bytes, bytes, bytes]:
    """Lines end in CRLF; a body of bare line feeds is taken too."""
    crlf, bare = piece.find(b"\r\n\r\n"), piece.find(b"\n\n")
    if crlf >= 0 and (bare < 0 or crlf <= bare):
        return piece.partition(b"\r\n\r\n")
    return piece.partition(b"\n\n")


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _request(outer: Request, root: str, text: bytes) -> Request:
    head, _, body = _halves(text)
    first, _, rest = head.decode("utf-8", "replace").replace("\r\n", "\n").partition("\n")
    words = first.split()
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise _bad(f"Invalid request line '{first[:60]}' in a batch")
    path, _, query = words[1].partition("?")
    if path.startswith(outer.base_url):
        path = path[len(outer.base_url) :]
    elif not path.startswith("/"):
        path = f"{root}/{path}"
    headers = {name: value for name, value in outer.headers.items() if name in ("authorization", "cookie", "accept", "x-csrf-token")}
    headers |= _headers(rest.encode("latin-1", "replace"))
    return Request(words[0].upper(), unquote(path), outer.base_url, tuple(parse_qsl(query, keep_blank_values=True)), headers, body.strip(b"\r\n"))


def answer(groups: Sequence[Response | Sequence[tuple[Response, str]]]) -> Response:
    """The parts in the order of the requests; a changeset that failed is one single answer."""
    boundary = f"ejjeeffe0_{secrets.token_hex(6)}"
    pieces: list[bytes] = []
    for group in groups:
        pieces.append(f"--{boundary}\r\n".encode())
        if isinstance(group, Response):
            pieces.append(_part(group, ""))
            continue
        inner = f"ejjeeffe1_{secrets.token_hex(6)}"
        text = b"".join(f"--{inner}\r\n".encode() + _part(response, id) for response, id in group) + f"--{inner}--\r\n".encode()
        pieces.append(f"Content-Type: multipart/mixed; boundary={inner}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text)
        pieces.append(b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return Response(202, b"".join(pieces), {"content-type": f"multipart/mixed; boundary={boundary}", "dataserviceversion": "2.0"})


def _part(response: Response, content_id: str) -> bytes:
    head = f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Status')}\r\n"
    for name, value in response.headers.items():
        head += f"{name}: {value}\r\n"
    inner = f"{head}Content-Length: {len(response.body)}\r\n\r\n".encode("latin-1") + response.body
    id = f"content-id: {content_id}\r\n" if content_id else ""
    outer = f"Content-Type: application/http\r\nContent-Length: {len(inner)}\r\ncontent-transfer-encoding: binary\r\n{id}\r\n"
    return outer.encode() + inner + b"\r\n"

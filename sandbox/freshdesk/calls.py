"""A routed request to the Freshdesk stand-in, and what every handler needs to read its body and to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.freshdesk.answers import invalid, unexpected
from sandbox.protocol import Record, Request, Response, json_response

ROOT = "/api/v2"
PAGING = ("page", "per_page")


@dataclass(frozen=True)
class Call:
    """What the path of a request named, and its body."""

    request: Request
    body: Any
    id: str = ""
    kind: str = ""
    record: str = ""
    files: tuple[Record, ...] = ()  # of a multipart form


Handler = Callable[[Call], Response]


def bare(record: Record) -> Record:
    return {name: value for name, value in record.items() if name[0] != "_"}


def created(call: Call, kind: str, record: Record) -> Response:
    headers = {"location": f"{call.request.base_url}{ROOT}/{kind}/{record['id']}"} if kind else {}
    return json_response(bare(record), 201, headers)


def known(body: Any, names: set[str]) -> Record:
    if not isinstance(body, dict):
        raise invalid([("body", "It should be an object", "datatype_mismatch")])
    if faults := [unexpected(name) for name in body if name not in names]:
        raise invalid(faults)
    return body


def number(body: Record, name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid([(name, "It should be a Positive Integer", "datatype_mismatch" if name in body else "missing_field")])
    return value


def numbers(body: Record, name: str) -> list[int]:
    values = body.get(name)
    if not isinstance(values, list) or not values or not all(isinstance(one, int) and not isinstance(one, bool) for one in values):
        raise invalid([(name, "It should be an Array of Positive Integers", "datatype_mismatch" if name in body else "missing_field")])
    return values

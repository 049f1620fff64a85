"""Freshdesk's refusals, query parameters and pages: bare arrays with a Link header. Which rows a page holds belongs to `api`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.freshdesk.records import stamp
from sandbox.protocol import Record, Request, Response, json_response

MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE = 100, 30
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")

Fault = tuple[str, str, str]  # field, message, code


class Refused(Exception):
    """The request ends with this answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"refused with {response.status}")
        self.response = response


def invalid(faults: Iterable[Fault], status: int = 400, holder: int | None = None) -> Refused:
    """`holder`: the contact that already has the value of the first field."""
    errors: list[Record] = [{"field": field, "message": message, "code": code} for field, message, code in faults]
    if holder is not None:
        errors[0]["additional_info"] = {"user_id": holder}
    return Refused(json_response({"description": "Validation failed", "errors": errors}, status))


def denied(code: str, message: str, status: int = 403) -> Refused:
    return Refused(json_response({"code": code, "message": message}, status))


def unknown_id() -> Refused:
    return Refused(Response(404, b"", {"content-type": "application/json; charset=utf-8"}))


def wrong_verb(method: str, allowed: Sequence[str]) -> Refused:
    names = ", ".join(allowed)
    message = f"{method} method is not allowed. It should be one of these method(s): {names}"
    return Refused(json_response({"message": message}, 405, {"allow": names}))


def unexpected(name: str) -> Fault:
    return name, "Unexpected/invalid field in request", "invalid_field"


def one_of(name: str, values: Iterable[Any]) -> Fault:
    return name, f"It should be one of these values: '{','.join(map(str, values))}'", "invalid_value"


def mistyped(name: str, wanted: str) -> Fault:
    return name, f"Value set is not of the expected type. It should be a/an {wanted}", "datatype_mismatch"


def only(request: Request, names: Iterable[str]) -> None:
    """Refuse query parameters that the endpoint does not know."""
    known = set(names)
    if faults := [unexpected(name) for name in dict.fromkeys(name for name, _ in request.query) if name not in known]:
        raise invalid(faults)


def positive(request: Request, name: str, default: int, most: int | None = None) -> int:
    text = request.param(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and int(text) > 0) or (most is not None and int(text) > most):
        bound = f" less than or equal to {most}" if most is not None else ""
        raise invalid([(name, f"It should be a Positive Integer{bound}", "invalid_value")])
    return int(text)


def moment(text: str) -> str | None:
    """A time as clients may write it, in the form of the records; None where it is none. Without a zone it is UTC."""
    if _DAY.fullmatch(text):
        text += "T00:00:00Z"
    if not _TIME.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return stamp(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))


def day(text: Any) -> str | None:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def moment_param(request: Request, *names: str) -> str | None:
    for name in names:
        text = request.param(name)
        if text is None:
            continue
        at = moment(text)
        if at is None:
            raise invalid([(name, "It should be in the 'combined date and time ISO8601' format", "invalid_value")])
        return at
    return None


def page(request: Request, rows: Sequence[Record], show: Callable[[Record], Record]) -> Response:
    """One page as a bare array. The Link header is there only while another page is."""
    size = positive(request, "per_page", DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    number = positive(request, "page", 1)
    start = (number - 1) * size
    headers = {}
    if start + size < len(rows):
        pairs = [(name, value) for name, value in request.query if name != "page"] + [("page", str(number + 1))]
        headers["link"] = f'<{request.base_url}{request.path}?{urlencode(pairs, quote_via=quote)}>; rel="next"'
    return json_response([show(row) for row in rows[start : start + size]], headers=headers)

"""The vendor's own words: error bodies by family of paths, and the code that tells resource and class. No state here."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.protocol import Response, json_response

# classes of an error code's last two digits
PERMISSION, AUTHENTICATION, INVALID, UNKNOWN_FIELD, MISSING, QUERY, QUERY_FORMAT = 10, 11, 20, 21, 22, 23, 27
RULE, NOT_FOUND, METHOD, LOCKED, INTERNAL, TEMPORARY, LIMIT, MALFORMED = 30, 40, 45, 50, 60, 61, 70, 90
GENERAL = 500000


@dataclass
class Refusal(Exception):
    """A request that the vendor refuses. Which body it gets depends on the family of its path (`refused`)."""

    kind: int
    message: str
    resource: int = GENERAL
    status: int = 0  # 0: what the family answers for it
    headers: dict[str, str] | None = None

    @property
    def code(self) -> int:
        return self.resource * 100 + self.kind


class CrudRefusal(Exception):
    """A request to CRUD or actions that is refused as a whole."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(message)


class QueryFault(Exception):
    """A ZOQL query that cannot be run."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


def process_id() -> str:
    return uuid.uuid4().hex[:16].upper()


def success(content: dict[str, Any] | None = None, *, status: int = 200, is_write: bool = True) -> Response:
    return json_response({**(content or {}), "success": True}, status, is_write=is_write)


def failure(kind: int, message: str, resource: int = GENERAL, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Business failures of the REST family come with status 200: only `success` tells."""
    return json_response({
        "success": False, "processId": process_id(), "requestId": str(uuid.uuid4()),
        "reasons": [{"code": resource * 100 + kind, "message": message}],
    }, status, headers)


def query_failure(refusal: Refusal, status: int) -> Response:
    """Object query and Data Query: the code is text there."""
    return json_response({"reasons": [{"code": str(refusal.code), "message": refusal.message}], "requestId": str(uuid.uuid4())}, status,
                         refusal.headers)


_QUERY_STATUS = {PERMISSION: 403, NOT_FOUND: 404, METHOD: 405, INTERNAL: 400}


def refused(refusal: Refusal, family: str) -> Response:
    if family == "query":
        return query_failure(refusal, refusal.status or _QUERY_STATUS.get(refusal.kind, 400))
    return failure(refusal.kind, refusal.message, refusal.resource, status=refusal.status or 200, headers=refusal.headers)


def unauthorised(family: str) -> Response:
    headers = {"WWW-Authenticate": "Basic realm=Zuora API, ZSession realm=Zuora API, Bearer realm=Zuora API"}
    if family == "rest":
        return json_response({
            "success": False, "processId": "0" * 16,
            "reasons": [{"code": 90000011, "message": "this resource is protected, please sign in first"}]}, 401, headers)
    return json_response({"message": "Authentication error"}, 401, headers)


def crud_failure(code: str, message: str, status: int = 400) -> Response:
    return json_response({"Success": False, "Errors": [{"Code": code, "Message": message}]}, status)

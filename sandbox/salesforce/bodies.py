"""What a request to the Salesforce stand-in must be before anybody looks at what it asks: its method and a JSON body.

Does not belong here: routes, and rules about what a body says.
"""

from __future__ import annotations

from typing import Any

from sandbox.protocol import Request
from sandbox.salesforce.org import ApiError


def allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed. Allowed are {','.join(methods)}")


def json_object(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("application/json"):
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {kind or '(none)'} is not supported; send application/json")
    try:
        body = request.json()
    except ValueError as problem:
        raise ApiError(400, "JSON_PARSER_ERROR", f"the body is not JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise ApiError(400, "JSON_PARSER_ERROR", "the body must be an object")
    return body

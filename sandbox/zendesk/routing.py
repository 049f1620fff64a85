"""What a route of the Zendesk stand-in is: its pattern, the call that it matched, and the answer where nothing is there.

What a route does belongs to the module of its noun.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.protocol import Request, Response, json_response
from sandbox.zendesk.pages import Refused


@dataclass(frozen=True)
class Call:
    """A routed request: what its path named, its body, and the keys that writes dropped."""

    request: Request
    path: str
    body: Any
    dropped: list[str]
    id: str = ""
    kind: str = ""
    key: str = ""

    @property
    def base(self) -> str:
        return self.request.base_url


Handler = Callable[[Call], Response]
Route = tuple[str, str, Handler]  # method, pattern of the path behind /api/v2, handler


def not_found() -> Response:
    return json_response({"error": "RecordNotFound", "description": "Not found"}, 404)


def whole_id(text: str, kind: str) -> str:
    """An id from a path. Raises Refused where it is none."""
    if not text.isascii() or not text.isdecimal():
        message = f"You passed an invalid value for the id attribute. Invalid parameter: id must be an integer from api/v2/{kind}/show"
        raise Refused(json_response({"error": {"title": "Invalid attribute", "message": message}}, 400))
    return str(int(text))


def sent_object(call: Call, key: str) -> dict[str, Any]:
    """The object of the body. Raises Refused where there is none."""
    found = call.body.get(key)
    if not isinstance(found, dict):
        raise Refused(json_response({"error": {"title": "Invalid attribute", "message": f"Parameter {key} is required"}}, 400))
    return found

"""Fusion's refusals: the exception that ends a request and the answer it becomes. No decision to refuse is taken here."""

from __future__ import annotations

from sandbox.protocol import Request, Response, json_response

ERROR_TYPE = "application/vnd.oracle.adf.error+json"
_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    409: "Conflict", 412: "Precondition Failed", 415: "Unsupported Media Type", 429: "Too Many Requests", 500: "Internal Server Error",
    503: "Service Unavailable",
}


class Refusal(Exception):
    """A request that Fusion turns down. `path` names the attribute that was wrong."""

    def __init__(self, status: int, detail: str, code: str = "", path: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.code, self.path, self.headers = status, detail, code, path, headers or {}


def invalid(attribute: str, code: str = "JBO-27023") -> Refusal:
    return Refusal(400, f"The value of the attribute {attribute} isn't valid.", code, f"/{attribute}")


def error_response(request: Request, refusal: Refusal) -> Response:
    """Structured only for callers that accept the error media type; everybody else gets one line of text."""
    if ERROR_TYPE in request.headers.get("accept", ""):
        detail = {"detail": refusal.detail, "o:errorCode": refusal.code or f"ORA-{refusal.status}"}
        if refusal.path:
            detail["o:errorPath"] = refusal.path
        content = {"title": _TITLES[refusal.status], "status": str(refusal.status), "o:errorDetails": [detail]}
        return json_response(content, refusal.status, refusal.headers, is_write=False, content_type=ERROR_TYPE)
    text = f"{refusal.code}: {refusal.detail}" if refusal.code else refusal.detail
    return Response(refusal.status, text.encode(), {"content-type": "text/plain; charset=utf-8", **refusal.headers}, False)

"""NetSuite's refusals: the exception that ends a request and the error body it becomes. No decision to refuse is taken here."""

from __future__ import annotations

from sandbox.protocol import Response, json_response

_TITLES = {
    400: ("Bad Request", "10.4.1"), 401: ("Unauthorized", "10.4.2"), 403: ("Forbidden", "10.4.4"), 404: ("Not Found", "10.4.5"),
    405: ("Method Not Allowed", "10.4.6"), 406: ("Not Acceptable", "10.4.7"), 409: ("Conflict", "10.4.10"),
    415: ("Unsupported Media Type", "10.4.16"), 500: ("Internal Server Error", "10.5.1"), 503: ("Service Unavailable", "10.5.4"),
}


class Refusal(Exception):
    """A request that NetSuite turns down. `pointer` names what was wrong: (errorPath|errorQueryParam|errorUrl|errorHeader, text)."""

    def __init__(
        self, status: int, code: str, detail: str, pointer: tuple[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.pointer, self.headers = status, code, detail, pointer, headers or {}


def error_response(refusal: Refusal) -> Response:
    if refusal.status == 429:
        kind, title = "https://www.rfc-editor.org/rfc/rfc6585.html#section-4", "Too Many Requests"
    else:
        title, section = _TITLES[refusal.status]
        kind = f"https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec{section}"
    detail = {"detail": refusal.detail}
    if refusal.pointer is not None:
        detail[f"o:{refusal.pointer[0]}"] = refusal.pointer[1]
    detail["o:errorCode"] = refusal.code
    content = {"type": kind, "title": title, "status": refusal.status, "o:errorDetails": [detail]}
    return json_response(
        content, refusal.status, refusal.headers, is_write=False, content_type="application/vnd.oracle.resource+json; type=error"
    )

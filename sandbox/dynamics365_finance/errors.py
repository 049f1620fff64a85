"""How the environment says no: the OData error body and the few exception types that clients tell apart. No decisions here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.protocol import Response, json_response

WRITE_EXCEPTION = "Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException"
ODATA_EXCEPTION = "Microsoft.OData.ODataException"
VERSION = {"odata-version": "4.0"}


@dataclass
class Refusal(Exception):
    """`inner`: the text of the inner error, `type`: its exception type; both empty where the body has none."""

    status: int
    message: str
    inner: str = ""
    type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def response_of(refusal: Refusal) -> Response:
    error: dict[str, object] = {"code": "", "message": refusal.message}
    if refusal.inner:
        error["innererror"] = {"message": refusal.inner, "type": refusal.type, "stacktrace": "   at Microsoft.Dynamics.Platform"}
    return json_response(
        {"error": error}, refusal.status, {**VERSION, **refusal.headers}, content_type="application/json; odata.metadata=minimal")


def bad_query(detail: str) -> Refusal:
    return Refusal(400, f"The query specified in the URI is not valid. {detail}", detail, ODATA_EXCEPTION)


def not_found(uri: str) -> Refusal:
    return Refusal(404, f"No HTTP resource was found that matches the request URI '{uri}'.")


def write_failed(table: str, detail: str) -> Refusal:
    """What business rules say: a server error by its status, a refusal for good by its type."""
    return Refusal(
        500, "An error has occurred.", f"Write failed for table row of type '{table}'. Infolog: {detail}", WRITE_EXCEPTION)

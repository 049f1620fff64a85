"""A refusal as SAP's gateway words it: its error body with code, text and the inner error."""

from __future__ import annotations

import secrets
from datetime import datetime
from xml.sax.saxutils import escape

from sandbox.protocol import Response, json_response

NOT_FOUND = "/IWBEP/CM_MGW_RT/020"
BAD_REQUEST = "/IWBEP/CM_MGW_RT/021"
PRECONDITION = "/IWBEP/CM_MGW_RT/027"
NOT_SUPPORTED = "/IWBEP/CM_MGW_RT/053"


class Refusal(Exception):
    """`target`: the property that it is about."""

    def __init__(self, status: int, code: str, message: str, target: str = "") -> None:
        self.status, self.code, self.message, self.target = status, code, message, target
        super().__init__(message)


class Bare(Exception):
    """An answer that does not come from the gateway's OData layer: the dispatcher's or the session handling's."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__(str(response.status))


def error_response(
    refusal: Refusal, now: datetime, *, service: str = "", version: str = "0001", component: str = "", as_json: bool = True,
) -> Response:
    detail = {"code": refusal.code, "message": refusal.message, "propertyref": refusal.target, "severity": "error", "target": ""}
    if not as_json:
        text = (
            '<?xml version="1.0" encoding="utf-8"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
            f'<code>{escape(refusal.code)}</code><message xml:lang="en">{escape(refusal.message)}</message></error>'
        )
        return Response(refusal.status, text.encode(), {"content-type": "application/xml;charset=utf-8", "dataserviceversion": "1.0"})
    body = {"error": {
        "code": refusal.code, "message": {"lang": "en", "value": refusal.message},
        "innererror": {
            "application": {
                "component_id": component, "service_namespace": "/SAP/", "service_id": service, "service_version": version},
            "transactionid": secrets.token_hex(16).upper(), "timestamp": now.strftime("%Y%m%d%H%M%S.%f0"),
            "Error_Resolution": {
                "SAP_Transaction": "Run transaction /IWFND/ERROR_LOG on the gateway hub and search for the time stamp above",
                "SAP_Note": "See SAP Note 1797736 for error analysis"},
            "errordetails": [detail],
        },
    }}
    return json_response(body, refusal.status, {"dataserviceversion": "1.0"}, content_type="application/json;charset=utf-8")

"""A multipart form as Freshdesk reads it: text fields become the values that a JSON body would hold, files become attachments.

What a write may hold is checked by `writes`; which routes take a form is said by `api`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from email import policy
from email.parser import BytesParser
from typing import Any

from sandbox.freshdesk import fields
from sandbox.protocol import Record, Request

_NAME = re.compile(r"(?P<name>\w+)(?:\[(?P<key>\w*)\])?")
_WHOLE = frozenset({
    "status", "priority", "source", "requester_id", "responder_id", "group_id", "product_id", "company_id", "email_config_id",
    "internal_agent_id", "internal_group_id", "user_id"})
_YES_NO = frozenset({"private", "incoming"})


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "multipart/form-data"


def form(request: Request) -> tuple[Record, list[Record]] | None:
    """The fields of the form, and its files; None when it cannot be read."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + request.body)
    if not message.is_multipart():
        return None
    body: Record = {}
    files: list[Record] = []
    for part in message.iter_parts():
        named = _NAME.fullmatch(str(part.get_param("name", "", header="content-disposition")))
        if named is None:
            return None
        content = part.get_payload(decode=True) or b""
        content = content if isinstance(content, bytes) else b""
        if part.get_filename() is not None:
            files.append({"name": part.get_filename(), "content_type": part.get_content_type(), "size": len(content), "_content": b64encode(content).decode()})
            continue
        name, key, text = named["name"], named["key"], content.decode("utf-8", "replace")
        if key is None:
            body[name] = _typed(name, text)
        elif key == "":
            body.setdefault(name, []).append(text)
        else:
            body.setdefault(name, {})[key] = _custom(key, text)
    return body, files


def _typed(name: str, text: str) -> Any:
    if name in _WHOLE and text.isdecimal():
        return int(text)
    if name in _YES_NO and text in ("true", "false"):
        return text == "true"
    return text


def _custom(key: str, text: str) -> Any:
    known = fields.TICKET_CUSTOM.get(key)
    match known.kind if known else "":
        case "custom_number" if text.lstrip("-").isdecimal():
            return int(text)
        case "custom_decimal" if re.fullmatch(r"-?\d+(\.\d+)?", text):
            return float(text)
        case "custom_checkbox" if text in ("true", "false"):
            return text == "true"
    return text

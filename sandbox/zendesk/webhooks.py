"""Deliveries of Zendesk webhooks: the event body and the signed headers. Who sends them, and when, is not decided here."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from base64 import b64encode
from datetime import datetime
from typing import Any

from sandbox.protocol import Record
from sandbox.zendesk.records import stamp


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """base64 of HMAC-SHA256 over the timestamp's text and the raw body."""
    return b64encode(hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).digest()).decode()


def signed_headers(secret: str, body: bytes, at: datetime, *, webhook_id: str, invocation_id: str, account_id: int) -> dict[str, str]:
    timestamp = stamp(at)
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Zendesk Webhook",
        "x-zendesk-account-id": str(account_id),
        "x-zendesk-webhook-id": webhook_id,
        "x-zendesk-webhook-invocation-id": invocation_id,
        "x-zendesk-webhook-signature-timestamp": timestamp,
        "x-zendesk-webhook-signature": signature(secret, timestamp, body),
    }


def ticket_event(kind: str, ticket: Record, change: Record, at: datetime, *, account_id: int, actor_id: int, number: int) -> Record:
    """An event body about a shown ticket: ids are texts and words upper case here. `kind` is e.g. ticket.status_changed."""

    def text(name: str) -> str | None:
        return None if ticket.get(name) is None else str(ticket[name])

    def word(name: str) -> str | None:
        return None if ticket.get(name) is None else str(ticket[name]).upper()

    detail: dict[str, Any] = {
        **{name: text(name) for name in ("id", "requester_id", "submitter_id", "assignee_id", "organization_id", "group_id", "brand_id")},
        **{name: word(name) for name in ("status", "priority", "type")},
        **{name: ticket.get(name) for name in ("subject", "description", "external_id", "is_public", "tags", "created_at", "updated_at")},
        "form_id": text("ticket_form_id"),
        "custom_status": text("custom_status_id"),
        "via": {"channel": "web_service"},
        "actor_id": str(actor_id),
    }
    sequence = {"sequence": {"id": f"01K{number:023d}", "position": number}}
    return {
        "type": f"zen:event-type:{kind}",
        "account_id": account_id,
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}:{ticket['id']}:{number}")),
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{ticket['id']}",
        "detail": detail,
        "event": {**change, "meta": sequence},
    }

"""Callouts: notification definitions, what they send when a record turns, and how a delivery behaves towards its receiver.

A callout holds what its template says, mostly ids. Nothing is signed: the receiver asks for Basic credentials by a challenge. The
order of callouts is not promised, and a repeat has a new request id and the same notification id.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.protocol import Record
from sandbox.zuora.answers import INVALID, MISSING, NOT_FOUND, Refusal
from sandbox.zuora.ids import native_id
from sandbox.zuora.objects import BY_ZOQL, pascal
from sandbox.zuora.tenant import Tenant

_FIELD = re.compile(r"<(\w+)\.(\w+)>")
_ATTEMPTS = 4
_FIELDS = frozenset({"name", "description", "eventTypeName", "eventTypeNamespace", "callout", "calloutActive", "filterRule", "filterRuleParams", "active",
                     "emailActive", "emailTemplateId", "communicationProfileId", "associatedAccount"})

Send = Callable[[str, str, Mapping[str, str], bytes], int]  # method, address, headers, body -> status


@dataclass
class Callout:
    """One notification on its way. `attempts`: the status of each exchange, the challenge's too."""

    id: str
    definition: Record
    body: bytes
    attempts: list[int] = field(default_factory=list)


class Callouts:
    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.waiting: list[Callout] = []
        self.history: list[Callout] = []

    # ---------------------------------------------------------------- definitions

    def define(self, body: Any) -> Record:
        if not isinstance(body, dict):
            raise Refusal(90, "The body must be a JSON object.")
        for name in body:
            if name not in _FIELDS:
                raise Refusal(21, f"Unknown field: '{name}'.")
        for name in ("name", "eventTypeName"):
            if not body.get(name):
                raise Refusal(MISSING, f"'{name}' is required.")
        callout = body.get("callout") or {}
        if body.get("calloutActive") and not str(callout.get("calloutBaseurl", "")).startswith("https://"):
            raise Refusal(INVALID, "'calloutBaseurl' must begin with https.")
        if callout.get("httpMethod", "POST") not in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            raise Refusal(INVALID, "'httpMethod' value should be one of: GET, POST, PUT, PATCH, DELETE")
        id = str(uuid.UUID(native_id("other", f"definition:{self.tenant.store.next_number('definition')}")))
        record = {"id": id, "active": True, **body, "callout": {"calloutRetry": True, "httpMethod": "POST", **callout}}
        self.tenant.store.put("_definitions", id, record)
        return record

    def definitions(self) -> list[Record]:
        return list(self.tenant.store.collection("_definitions").values())

    def definition(self, id: str) -> Record:
        found = self.tenant.store.get("_definitions", id)
        if found is None:
            raise Refusal(NOT_FOUND, f"Cannot find a notification definition by id: '{id}'.", status=404)
        return found

    # ---------------------------------------------------------------- events

    def note(self, kind: str, before: Record | None, after: Record | None) -> None:
        """A record was written: every definition of the event that this is gets its callout."""
        event = _event(kind, before, after)
        if event is None or after is None:
            return
        for definition in self.tenant.store.collection("_definitions").values():
            if definition["eventTypeName"] == event and definition.get("calloutActive") and definition.get("active", True):
                params = definition["callout"].get("calloutParams") or {}
                body = orjson.dumps({name: self._merged(text, kind, after) for name, text in params.items()})
                self.waiting.append(Callout(uuid.uuid4().hex, definition, body))

    def _merged(self, text: str, kind: str, record: Record) -> str:
        def value(match: re.Match[str]) -> str:
            named = BY_ZOQL.get(match[1])
            if named is None:
                return ""
            source = record if named.path == kind else self.tenant.get(named.path, record.get(f"{match[1][:1].lower()}{match[1][1:]}Id")) or {}
            found = next((held for name, held in source.items() if pascal(name) == match[2] or name == match[2]), "")
            return str(found)

        return _FIELD.sub(value, str(text))

    # ---------------------------------------------------------------- deliveries

    def deliver(self, send: Send, *, twice: bool = False, reverse: bool = False) -> int:
        """Send what waits; how many arrived. `twice` repeats each, `reverse` sends the newest first: receivers must bear both."""
        waiting, self.waiting = self.waiting, []
        arrived = 0
        for callout in reversed(waiting) if reverse else waiting:
            for _ in range(2 if twice else 1):
                arrived += self._deliver(callout, send)
            self.history.append(callout)
        return arrived

    def resend(self, ids: list[str]) -> int:
        found = [callout for callout in self.history if callout.id in ids]
        self.waiting += found
        return len(found)

    def _deliver(self, callout: Callout, send: Send) -> bool:
        definition = callout.definition["callout"]
        auth = definition.get("calloutAuth") or {}
        basic = base64.b64encode(f"{auth.get('username', '')}:{auth.get('password', '')}".encode()).decode()
        for _ in range(_ATTEMPTS if definition.get("calloutRetry", True) else 1):
            headers = {"Content-Type": "application/json", "Zuora-Request-Id": uuid.uuid4().hex, "Zuora-Notification-Id": callout.id,
                       "X-Amzn-Trace-Id": f"Root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]}"}
            if definition.get("requiredAuth") and auth.get("preemptive"):
                headers["Authorization"] = f"Basic {basic}"
            status = send(definition["httpMethod"], definition["calloutBaseurl"], headers, callout.body)
            callout.attempts.append(status)
            if status == 401 and definition.get("requiredAuth") and not auth.get("preemptive"):
                status = send(definition["httpMethod"], definition["calloutBaseurl"], {**headers, "Authorization": f"Basic {basic}"}, callout.body)
                callout.attempts.append(status)
            if 200 <= status < 300:
                return True
        return False

    def listed(self) -> list[Record]:
        return [{"notification": callout.definition["name"], "eventCategory": callout.definition["eventTypeName"], "eventContext": callout.id,
                 "requestMethod": callout.definition["callout"]["httpMethod"], "requestUrl": callout.definition["callout"]["calloutBaseurl"],
                 "requestBody": callout.body.decode(), "responseCode": callout.attempts[-1] if callout.attempts else 0,
                 "attemptedNum": len(callout.attempts)} for callout in reversed(self.history)]


def _event(kind: str, before: Record | None, after: Record | None) -> str | None:
    if after is None:
        return None
    status, earlier = after.get("status"), (before or {}).get("status")
    if kind == "invoices" and status == "Posted" != earlier:
        return "InvoicePosted"
    if kind == "payments" and status == "Processed" != earlier:
        return "PaymentProcessed"
    if kind == "credit-memos" and status == "Posted" != earlier:
        return "CreditMemoPosted"
    if kind == "subscriptions" and before is None:
        return "SubscriptionCreated"
    return None

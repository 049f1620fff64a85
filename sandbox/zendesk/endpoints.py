"""Zendesk's webhooks as the account keeps them: made, listed, changed, deleted, their secrets, and what was sent to them.

Errors here have the form of Zendesk's newer endpoints. Bodies and signatures of deliveries belong to `webhooks`.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from urllib.parse import urlsplit

from sandbox.protocol import Clock, Record, Response, Store, json_response
from sandbox.zendesk.objects import fault
from sandbox.zendesk.pages import list_page
from sandbox.zendesk.records import stamp
from sandbox.zendesk.routing import Call, Route

COLLECTION = "webhooks"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_FORMATS = ("json", "xml", "form_encoded")
_STATUSES = ("active", "inactive")
_CHANGEABLE = ("name", "description", "endpoint", "http_method", "request_format", "status", "subscriptions", "authentication", "custom_headers")
_REQUIRED = ("name", "endpoint", "http_method", "request_format", "status")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _ulid(milliseconds: int, seed: str) -> str:
    """A text id whose first ten places are a moment, so that ids sort by it."""
    number = milliseconds << 80 | int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=10).digest())
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in reversed(range(26)))


def _refused(detail: str, field: str) -> Exception:
    return fault("BadRequest", "Invalid parameter", f"{field}: {detail}", 400)


class Endpoints:
    def __init__(self, store: Store, clock: Clock, actor_id: int, first_secret: str) -> None:
        self.store, self.clock, self.actor_id, self.first_secret = store, clock, actor_id, first_secret

    def routes(self) -> list[Route]:
        one = r"/webhooks/(?P<id>[^/]+)"
        return [
            ("GET", "/webhooks", self._list),
            ("POST", "/webhooks", self._create),
            ("GET", one, self._show),
            ("PUT", one, self._update),
            ("PATCH", one, self._update),
            ("DELETE", one, self._delete),
            ("GET", f"{one}/signing_secret", self._secret),
            ("POST", f"{one}/signing_secret", self._new_secret),
            ("GET", f"{one}/invocations", self._invocations),
        ]

    def _list(self, call: Call) -> Response:
        request = call.request
        if request.param("page") or request.param("per_page"):
            raise fault("InvalidPaginationParameter", "Invalid parameter", "Webhooks are paged by cursor only: send page[size]", 400)
        rows = sorted(self.store.collection(COLLECTION).copy().values(), key=lambda row: str(row["id"]))
        status, part = request.param("filter[status]"), request.param("filter[name_contains]")
        if status is not None:
            rows = [row for row in rows if row["status"] == status]
        if part is not None:
            rows = [row for row in rows if part.lower() in row["name"].lower()]
        if not any(name.startswith("page[") for name, _ in request.query):
            request = type(request)(**{**vars(request), "query": (*request.query, ("page[size]", "25"))})
        return json_response(list_page(request, call.path, COLLECTION, rows, show, len(rows)))

    def _found(self, call: Call) -> Record:
        record = self.store.get(COLLECTION, call.id)
        if record is None:
            raise fault("WebhookNotFound", "Webhook not found", f"There is no webhook with the id {call.id}", 404)
        return record

    def _show(self, call: Call) -> Response:
        return json_response({"webhook": show(self._found(call))})

    def _create(self, call: Call) -> Response:
        sent = _sent(call)
        for name in _REQUIRED:
            if not sent.get(name):
                raise _refused("is required", name)
        _check(sent)
        number, now = self.store.next_number("zendesk_webhook"), self.clock.now()
        by = str(self.actor_id)
        record: Record = {
            "id": _ulid(int(now.timestamp() * 1000), f"webhook:{number}"), "description": "", "subscriptions": [],
            **{name: sent[name] for name in _CHANGEABLE if name in sent}, "created_at": stamp(now), "created_by": by, "updated_at": stamp(now),
            "updated_by": by, "_secret": self.first_secret if number == 1 else secrets.token_urlsafe(32),
        }
        self.store.put(COLLECTION, record["id"], record)
        return json_response({"webhook": show(record)}, 201)

    def _update(self, call: Call) -> Response:
        """PUT replaces what may be changed, PATCH what it names."""
        kept, sent = self._found(call), _sent(call)
        if call.request.method == "PUT":
            for name in _REQUIRED:
                if not sent.get(name):
                    raise _refused("is required", name)
            kept = {name: value for name, value in kept.items() if name not in _CHANGEABLE} | {"description": "", "subscriptions": []}
        _check(sent)
        changed = {name: sent[name] for name in _CHANGEABLE if name in sent}
        self.store.put(COLLECTION, call.id, {**kept, **changed, "updated_at": stamp(self.clock.now()), "updated_by": str(self.actor_id)})
        return Response(204, b"", {})

    def _delete(self, call: Call) -> Response:
        self._found(call)
        self.store.delete(COLLECTION, call.id)
        return Response(204, b"", {})

    def _secret(self, call: Call) -> Response:
        return json_response({"signing_secret": {"algorithm": "SHA256", "secret": self._found(call)["_secret"]}})

    def _new_secret(self, call: Call) -> Response:
        kept, secret = self._found(call), secrets.token_urlsafe(32)
        self.store.put(COLLECTION, call.id, {**kept, "_secret": secret})
        return json_response({"signing_secret": {"algorithm": "SHA256", "secret": secret}}, 201)

    def _invocations(self, call: Call) -> Response:
        """Nothing is sent from here, so nothing was attempted."""
        self._found(call)
        return json_response({"invocations": [], "meta": {"has_more": False, "after_cursor": None, "before_cursor": None},
                              "links": {"prev": None, "next": None}})


def show(record: Record) -> Record:
    """As it is answered: credentials never leave again."""
    shown = {name: value for name, value in record.items() if name[0] != "_"}
    if isinstance(shown.get("authentication"), dict):
        shown["authentication"] = {name: value for name, value in shown["authentication"].items() if name != "data"}
    return shown


def _sent(call: Call) -> dict[str, Any]:
    sent = call.body.get("webhook")
    if not isinstance(sent, dict):
        raise _refused("is required", "webhook")
    unknown = sorted(sent.keys() - {*_CHANGEABLE, "signing_secret", "external_source"})
    if unknown:
        raise _refused("is no attribute of a webhook", unknown[0])
    return sent


def _check(sent: dict[str, Any]) -> None:
    for name, words in (("http_method", _METHODS), ("request_format", _FORMATS), ("status", _STATUSES)):
        if name in sent and sent[name] not in words:
            raise _refused(f"must be one of {', '.join(words)}", name)
    if "endpoint" in sent:
        parts = urlsplit(str(sent["endpoint"]))
        if parts.scheme not in ("https", "http") or not parts.netloc:
            raise _refused("must be a URL", "endpoint")
    told = sent.get("subscriptions", [])
    if not isinstance(told, list) or not all(isinstance(word, str) and (word == "conditional_ticket_events" or word.startswith("zen:event-type:"))
                                             for word in told):
        raise _refused("must be conditional_ticket_events or event types", "subscriptions")
    if "conditional_ticket_events" in told and len(told) > 1:
        raise _refused("conditional_ticket_events stands alone", "subscriptions")

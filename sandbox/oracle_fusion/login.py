"""Who calls: Fusion users over Basic, and bearer tokens that the identity domain gives to its registered client. No routes here."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from datetime import datetime, timedelta
from hmac import compare_digest

from sandbox.oracle_fusion.errors import Refusal
from sandbox.protocol import Clock, Request, Response, json_response

TOKEN_PATH = "/oauth2/v1/token"
_SCOPE = "urn:opc:resource:consumer::all"


class Logins:
    def __init__(self, clock: Clock, *, username: str, password: str, client_id: str, client_secret: str, token_life: timedelta) -> None:
        self._clock, self._life = clock, token_life
        self._user = f"{username}:{password}".encode()
        self._client = f"{client_id}:{client_secret}".encode()
        self._lock = threading.Lock()
        self._tokens: dict[str, datetime] = {}

    def check(self, request: Request) -> None:
        """Raises the refusal of a missing, wrong or expired credential."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic" and _matches(value, self._user):
            return
        if scheme.lower() == "bearer":
            with self._lock:
                ends = self._tokens.get(value.strip())
            if ends is not None and ends > self._clock.now():
                return
        challenge = 'Bearer error="invalid_token"' if scheme.lower() == "bearer" else 'Basic realm="Fusion Applications"'
        raise Refusal(401, "Unauthorized", "FND-401", headers={"www-authenticate": challenge})

    def token(self, request: Request) -> Response:
        """The identity domain's token endpoint: a confidential client, its own credentials in a Basic header."""
        if request.method != "POST":
            return _denied(405, "invalid_request", "Only POST is supported.")
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            return _denied(400, "invalid_request", "The content type must be application/x-www-form-urlencoded.")
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not _matches(value, self._client):
            return _denied(401, "invalid_client", "Client authentication failed.")
        form = dict(request.form())
        if form.get("grant_type") != "client_credentials":
            return _denied(400, "unsupported_grant_type", "The grant type is not allowed for this client.")
        scope = form.get("scope", "")
        if scope != _SCOPE and not scope.endswith(_SCOPE):
            return _denied(400, "invalid_scope", "The scope is missing or not granted to this client.")
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = self._clock.now() + self._life
        return json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": int(self._life.total_seconds())},
            headers={"cache-control": "no-store"}, is_write=False)

    def expire(self) -> None:
        with self._lock:
            self._tokens.clear()


def _matches(value: str, expected: bytes) -> bool:
    try:
        return compare_digest(base64.b64decode(value.strip(), validate=True), expected)
    except (binascii.Error, ValueError):
        return False


def _denied(status: int, error: str, words: str) -> Response:
    return json_response({"error": error, "error_description": words}, status, is_write=False)

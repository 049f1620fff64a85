"""Who calls: Zendesk's API tokens, OAuth tokens with their rotation, and the request quotas of an account.

Tokens live in memory and are worthless after a restart, as expired ones are. Routes and records belong to `zendesk`.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from sandbox.protocol import Clock, Request, Response, json_response

_BEARER_FAULT = "The access token provided is expired, revoked, malformed or invalid for other reasons."
_SCOPES = (
    {"read", "write"}
    | {f"{name}:{right}" for name in ("tickets", "users", "organizations", "webhooks") for right in ("read", "write")}
    | {"auditlogs:read", "impersonate"}
)
ACCESS_SECONDS = (300, 172_800)
REFRESH_SECONDS = (604_800, 7_776_000)
_REFRESH_DEFAULT = 2_592_000


@dataclass(frozen=True)
class Grant:
    """What a caller may do; None as `scopes` is everything (an API token)."""

    scopes: frozenset[str] | None

    def allows(self, resource: str, right: str) -> bool:
        return self.scopes is None or right in self.scopes or f"{resource}:{right}" in self.scopes


@dataclass(frozen=True)
class _Token:
    scope: str
    expires_at: datetime
    pair: str = ""  # the other token of a pair


def basic_refusal() -> Response:
    return json_response({"error": "Couldn't authenticate you"}, 401, {"www-authenticate": 'Basic realm="Web Password"'})


def bearer_refusal() -> Response:
    challenge = f'Bearer realm="Zendesk::OAuth Bearer Token Authentication", error="invalid_token", error_description="{_BEARER_FAULT}"'
    return json_response({"error": "invalid_token", "error_description": _BEARER_FAULT}, 401, {"www-authenticate": challenge})


class Logins:
    def __init__(
        self, clock: Clock, *, email: str, token: str, client_id: str, client_secret: str, authorization_code: str, access_seconds: int
    ) -> None:
        self._clock = clock
        self._basic = f"{email}/token:{token}".encode()
        self._client = (client_id, client_secret)
        self._codes = {authorization_code} if authorization_code else set()
        self._default_seconds = access_seconds
        self._lock = threading.Lock()
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}

    def identify(self, request: Request) -> Grant | Response | None:
        """The caller's rights, the refusal of a wrong credential, or None where none was sent."""
        header = request.headers.get("authorization")
        if header is None:
            return None
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "basic":
            try:
                sent = base64.b64decode(value.strip(), validate=True)
            except (binascii.Error, ValueError):
                return basic_refusal()
            return Grant(None) if compare_digest(sent, self._basic) else basic_refusal()
        if scheme.lower() == "bearer":
            with self._lock:
                held = self._access.get(value.strip())
            if held is None or held.expires_at <= self._clock.now():
                return bearer_refusal()
            return Grant(frozenset(held.scope.split()))
        return basic_refusal()

    def expire(self) -> None:
        with self._lock:
            self._access.clear()

    def token(self, request: Request) -> Response:
        """`POST /oauth/tokens`: the three grants; a refresh makes both old tokens worthless at once."""
        try:
            sent: Any = dict(request.form()) if "x-www-form-urlencoded" in request.headers.get("content-type", "") else request.json()
        except ValueError:
            sent = None
        if not isinstance(sent, dict):
            return _oauth_fault("invalid_request", "The request body could not be read.")
        if not self._knows_client(sent):
            return _oauth_fault("invalid_client", "Client authentication failed due to unknown client, or wrong client secret.", 401)
        scope = str(sent.get("scope") or "read write")
        if not set(scope.split()) <= _SCOPES:
            return _oauth_fault("invalid_scope", "The requested scope is invalid, unknown, or malformed.")
        lifetime = _seconds(sent.get("expires_in"), self._default_seconds, ACCESS_SECONDS)
        refresh_lifetime = _seconds(sent.get("refresh_token_expires_in"), _REFRESH_DEFAULT, REFRESH_SECONDS)
        if lifetime is None or refresh_lifetime is None:
            name, (low, high) = ("expires_in", ACCESS_SECONDS) if lifetime is None else ("refresh_token_expires_in", REFRESH_SECONDS)
            return _oauth_fault("invalid_request", f"{name} must lie between {low} and {high}.")
        grant = sent.get("grant_type")
        now = self._clock.now()
        with self._lock:
            if grant == "client_credentials":
                return json_response(self._issue(scope, lifetime, None, now), is_write=False)
            if grant == "authorization_code":
                code = str(sent.get("code") or "")
                if code not in self._codes:
                    return _oauth_fault("invalid_grant", "The authorization code is invalid, expired or was used before.")
                self._codes.discard(code)
                return json_response(self._issue(scope, lifetime, refresh_lifetime, now), is_write=False)
            if grant == "refresh_token":
                held = self._refresh.pop(str(sent.get("refresh_token") or ""), None)
                if held is None or held.expires_at <= now:
                    return _oauth_fault("invalid_grant", "The refresh token is invalid, expired or was used before.")
                self._access.pop(held.pair, None)
                return json_response(self._issue(str(sent.get("scope") or held.scope), lifetime, refresh_lifetime, now), is_write=False)
        return _oauth_fault("unsupported_grant_type", "The grant type is not supported.")

    def _knows_client(self, sent: Mapping[str, Any]) -> bool:
        id, secret = str(sent.get("client_id") or ""), str(sent.get("client_secret") or "")
        return compare_digest(id.encode(), self._client[0].encode()) & compare_digest(secret.encode(), self._client[1].encode())

    def _issue(self, scope: str, seconds: int, refresh_seconds: int | None, now: datetime) -> dict[str, Any]:
        access = secrets.token_hex(32)
        self._access = {name: held for name, held in self._access.items() if held.expires_at > now}
        self._access[access] = _Token(scope, now + timedelta(seconds=seconds))
        answer: dict[str, Any] = {"access_token": access, "token_type": "bearer", "scope": scope, "expires_in": seconds}
        if refresh_seconds is not None:
            refresh = secrets.token_hex(32)
            self._refresh[refresh] = _Token(scope, now + timedelta(seconds=refresh_seconds), access)
            answer |= {"refresh_token": refresh, "refresh_token_expires_in": refresh_seconds}
        return answer


def _seconds(sent: Any, default: int, bounds: tuple[int, int]) -> int | None:
    if sent is None or sent == "":
        return default
    if isinstance(sent, bool) or not str(sent).isdecimal() or not bounds[0] <= int(sent) <= bounds[1]:
        return None
    return int(sent)


def _oauth_fault(error: str, description: str, status: int = 400) -> Response:
    return json_response({"error": error, "error_description": description}, status, is_write=False)


@dataclass(frozen=True)
class Spent:
    limit: int
    remaining: int  # below zero: refused
    reset: int


class Quotas:
    """Requests counted in windows of the account's clock; a window begins with its first request."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def spend(self, name: str, limit: int, seconds: int = 60) -> Spent:
        now = self._now()
        with self._lock:
            begun, used = self._windows.get(name, (now, 0))
            if now - begun >= seconds:
                begun, used = now, 0
            if used < limit:
                used += 1
                left = limit - used
            else:
                left = -1
            if len(self._windows) > 50_000:  # one window a ticket and more: forget those that are over
                self._windows = {key: window for key, window in self._windows.items() if now - window[0] < 600}
            self._windows[name] = (begun, used)
        return Spent(limit, left, max(1, int(begun + seconds - now + 0.999)))

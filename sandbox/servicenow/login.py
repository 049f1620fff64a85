"""Who is calling: Basic credentials, OAuth tokens of `oauth_token.do`, and the hourly count of requests. Roles' rights belong to `api`."""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from sandbox.protocol import Clock, Request, Response, json_response
from sandbox.servicenow.ids import native_id

REFRESH_SECONDS = 8_640_000


def failure(message: str, detail: str | None, status: int, headers: dict[str, str] | None = None) -> Response:
    """An error in the form that all the instance's APIs share."""
    return json_response({"error": {"message": message, "detail": detail}, "status": "failure"}, status, headers)


def not_authenticated() -> Response:
    return failure(
        "User Not Authenticated", "Required to provide Auth information", 401, {"www-authenticate": 'BASIC realm="Service-now"'})


@dataclass(frozen=True)
class _Token:
    value: str
    ends_at: datetime


class Logins:
    def __init__(
        self, clock: Clock, *, username: str, password: str, client_id: str, client_secret: str, access_seconds: int,
    ) -> None:
        self._clock = clock
        self._username, self._password = username, password
        self._client = (client_id, client_secret)
        self._seconds = access_seconds
        self._lock = threading.Lock()
        self._access: _Token | None = None
        self._refresh: _Token | None = None

    def is_known(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                sent = base64.b64decode(value.strip(), validate=True)
            except (binascii.Error, ValueError):
                return False
            return compare_digest(sent, f"{self._username}:{self._password}".encode())
        if scheme.lower() == "bearer":
            with self._lock:
                held = self._access
            return held is not None and held.ends_at > self._clock.now() and compare_digest(value.strip().encode(), held.value.encode())
        return False

    def expire(self) -> None:
        with self._lock:
            self._access = None

    def token(self, request: Request) -> Response:
        """`POST /oauth_token.do`: form bodies only. Within its life the same token is given again, with the time that is left."""
        if "x-www-form-urlencoded" not in request.headers.get("content-type", ""):
            return _refused("unspecified_error", "The request could not be read: the body must be form-urlencoded.")
        sent = dict(request.form())
        if not self._knows_client(sent.get("client_id", ""), sent.get("client_secret", "")):
            return _refused("invalid_client", "access_denied")
        grant = sent.get("grant_type", "")
        now = self._clock.now()
        with self._lock:
            if grant == "password":
                if not self._knows_user(sent.get("username", ""), sent.get("password", "")):
                    return _refused("server_error", "access_denied")
                if self._refresh is None or self._refresh.ends_at <= now:
                    self._refresh = _Token(secrets.token_urlsafe(64), now + timedelta(seconds=REFRESH_SECONDS))
                return self._answer(now, self._refresh.value)
            if grant == "client_credentials":
                return self._answer(now, None)
            if grant == "refresh_token":
                held = self._refresh
                if held is None or held.ends_at <= now or not compare_digest(sent.get("refresh_token", "").encode(), held.value.encode()):
                    return _refused("server_error", "access_denied")
                return self._answer(now, held.value)
        return _refused("unsupported_grant_type", "The grant type is not supported.")

    def _knows_client(self, id: str, secret: str) -> bool:
        return compare_digest(id.encode(), self._client[0].encode()) & compare_digest(secret.encode(), self._client[1].encode())

    def _knows_user(self, name: str, password: str) -> bool:
        return compare_digest(name.encode(), self._username.encode()) & compare_digest(password.encode(), self._password.encode())

    def _answer(self, now: datetime, refresh: str | None) -> Response:
        if self._access is None or self._access.ends_at <= now:
            self._access = _Token(secrets.token_urlsafe(64), now + timedelta(seconds=self._seconds))
        left = max(0, int((self._access.ends_at - now).total_seconds() - 0.001))
        answer = {"access_token": self._access.value, "scope": "useraccount", "token_type": "Bearer", "expires_in": left}
        if refresh is not None:
            answer["refresh_token"] = refresh
        return json_response(answer, is_write=False)


def _refused(error: str, description: str) -> Response:
    return json_response({"error_description": description, "error": error}, 401, is_write=False)


class HourlyLimit:
    """Requests of one rule, counted by the clock hour. `limit` None: there is no rule, and no header tells of one."""

    def __init__(self, clock: Clock, limit: int | None) -> None:
        self._clock = clock
        self.limit = limit
        self._lock = threading.Lock()
        self._hour = 0
        self._count = 0

    def spend(self) -> bool:
        """Whether the request is still within the rule."""
        if self.limit is None:
            return True
        hour = int(self._clock.now().timestamp()) // 3600
        with self._lock:
            if hour != self._hour:
                self._hour, self._count = hour, 0
            self._count += 1
            return self._count <= self.limit

    def headers(self, limit: int | None = None) -> dict[str, str]:
        shown = self.limit if limit is None else limit
        if shown is None:
            return {}
        reset = (int(self._clock.now().timestamp()) // 3600 + 1) * 3600
        return {"X-RateLimit-Limit": str(shown), "X-RateLimit-Reset": str(reset), "X-RateLimit-Rule": native_id("rate_rule", 1)}

    def refusal(self, retry_after: int | None = None) -> Response:
        limit = self.limit or 100
        now = int(self._clock.now().timestamp())
        wait = 3600 - now % 3600 if retry_after is None else retry_after
        return failure(
            "Rate limit exceeded", f"Rate limit of {limit} requests per hour for Table API exceeded", 429,
            {**self.headers(limit), "Retry-After": str(wait)})

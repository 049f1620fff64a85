"""Who may call: Basic and OAuth credentials, sessions with their CSRF tokens. Nothing about OData here."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie

from sandbox.protocol import Clock, Request, Response, json_response
from sandbox.sap_s4hana.errors import Bare

TOKEN_PATH = "/sap/bc/sec/oauth2/token"
_GRANTS = frozenset({"client_credentials", "urn:ietf:params:oauth:grant-type:saml2-bearer"})
_SESSION_IDLE = timedelta(minutes=30)
_COOKIE = "SAP_SESSIONID_S4H_100"


@dataclass(frozen=True)
class Credentials:
    username: str
    password: str
    client_id: str
    client_secret: str
    token_seconds: int


@dataclass
class _Session:
    token: str
    used_at: datetime


class Sessions:
    """Tokens and sessions handed out so far. Used under the tenant's lock."""

    def __init__(self, clock: Clock, credentials: Credentials) -> None:
        self._clock, self._credentials = clock, credentials
        self._tokens: dict[str, datetime] = {}
        self._sessions: dict[str, _Session] = {}

    def expire(self) -> None:
        self._tokens.clear()
        self._sessions.clear()

    def issue(self, request: Request) -> Response:
        """The token endpoint: the client shows itself with Basic."""
        given = self._credentials
        if request.method != "POST":
            raise Bare(Response(405, b"", {"allow": "POST"}, is_write=False))
        if _basic(request) != (given.client_id, given.client_secret):
            return json_response(
                {"error": "invalid_client", "error_description": "Client authentication failed"}, 401,
                {"www-authenticate": 'Basic realm="OAuth 2.0 Token Endpoint"'}, is_write=False)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            return _oauth_error("invalid_request", "The content type must be application/x-www-form-urlencoded")
        form = dict(request.form())
        grant = form.get("grant_type", "")
        if grant not in _GRANTS:
            return _oauth_error("unsupported_grant_type", f"Grant type '{grant}' is not supported")
        if grant.endswith("saml2-bearer") and not form.get("assertion"):
            return _oauth_error("invalid_grant", "The SAML 2.0 assertion is missing")
        token = secrets.token_urlsafe(32)
        self._tokens[token] = self._clock.now() + timedelta(seconds=given.token_seconds)
        return json_response(
            {"access_token": token, "token_type": "Bearer", "expires_in": str(given.token_seconds), "scope": form.get("scope", "")},
            headers={"cache-control": "no-store"}, is_write=False)

    def admit(self, request: Request) -> None:
        """Raises Bare with the dispatcher's own 401, which is no OData answer."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._tokens.get(token.strip(), self._clock.now()) > self._clock.now():
            return
        if _basic(request) == (self._credentials.username, self._credentials.password):
            return
        page = b"<html><head><title>Logon Error Message</title></head><body><h1>401 Unauthorized</h1><p>Logon failed</p></body></html>"
        raise Bare(Response(401, page, {
            "content-type": "text/html; charset=utf-8", "www-authenticate": 'Basic realm="SAP NetWeaver Application Server [S4H/100]"'},
            is_write=False))

    def fetch(self, request: Request) -> dict[str, str]:
        """The headers that answer `x-csrf-token: Fetch`: the token of the caller's session, a new one if it has none."""
        id, session = self._session(request)
        if session is None:
            id, session = secrets.token_hex(16), _Session(secrets.token_urlsafe(18), self._clock.now())
            self._sessions[id] = session
        return {"x-csrf-token": session.token, "set-cookie": f"{_COOKIE}={id}; path=/; HttpOnly"}

    def check(self, request: Request) -> None:
        """A modifying call must bring the token of its own session."""
        _, session = self._session(request)
        if session is None or request.headers.get("x-csrf-token") != session.token:
            raise Bare(Response(
                403, b"CSRF token validation failed", {"content-type": "text/plain;charset=utf-8", "x-csrf-token": "Required"}, is_write=False))

    def _session(self, request: Request) -> tuple[str, _Session | None]:
        try:
            cookie = SimpleCookie(request.headers.get("cookie", "")).get(_COOKIE)
        except CookieError:
            return "", None
        id = cookie.value if cookie else ""
        session = self._sessions.get(id)
        if session is None or self._clock.now() - session.used_at > _SESSION_IDLE:
            self._sessions.pop(id, None)
            return id, None
        session.used_at = self._clock.now()
        return id, session


def _oauth_error(code: str, text: str) -> Response:
    return json_response({"error": code, "error_description": text}, 400, is_write=False)


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password

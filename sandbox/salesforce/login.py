"""Logging in to the Salesforce stand-in: tokens and their life, who one is, introspection and revocation.

Belongs here: /services/oauth2 and the check of a request's token. Does not belong here: the data API, what the user may see.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import jwt

from sandbox.protocol import Request, Response, json_response
from sandbox.salesforce.org import INTEGRATION_USER, ApiError, Org

JSON = "application/json;charset=UTF-8"
_ASSERTION_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_SECONDS = 180
_LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")
_UNCACHED = {"cache-control": "no-cache, no-store"}


class Logins:
    """The tokens of one org."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self._tokens: dict[str, datetime] = {}  # access token -> last use

    def expire(self) -> None:
        self._tokens.clear()

    def handle(self, request: Request, parts: Sequence[str]) -> Response:
        if parts == ["userinfo"]:
            self.authenticate(request)
            return json_response({**self.identity(request), "sub": self.identity_url(request)})
        if request.method != "POST":
            raise ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed. Allowed are POST")
        form = dict(request.form()) if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded") else {}
        if parts == ["token"]:
            return self._token(request, form)
        if parts == ["revoke"]:
            token = form.get("token", "")
            if self._tokens.pop(token, None) is None:
                return _oauth_error("unsupported_token_type", "this token is not known")
            return Response(200, is_write=False)
        if parts == ["introspect"]:
            refusal = self._check_client(request, form)
            return refusal or self._introspect(form.get("token", ""))
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")

    def _check_client(self, request: Request, form: dict[str, str]) -> Response | None:
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        kind, _, encoded = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return _oauth_error("invalid_client", "invalid client credentials")
        if client != self.org.settings.client_id:
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), self.org.settings.client_secret.encode()):
            return _oauth_error("invalid_client", "invalid client credentials")
        return None

    def _token(self, request: Request, form: dict[str, str]) -> Response:
        grant = form.get("grant_type")
        if grant == _ASSERTION_GRANT:
            refusal = self._check_assertion(request, form.get("assertion", ""))
        elif grant == "client_credentials":
            refusal = self._check_client(request, form)
        elif grant == "refresh_token":
            refusal = self._check_client(request, form) or _oauth_error("invalid_grant", "expired access/refresh token")
        else:  # user name and password among them: new orgs let nobody in this way
            refusal = _oauth_error("unsupported_grant_type", "grant type not supported")
        if refusal is not None:
            return refusal
        now = self.org.clock.now()
        token = f"{self.org.organization_id[:15]}!{secrets.token_urlsafe(48)}"
        self._tokens[token] = now
        if grant == _ASSERTION_GRANT:
            answer = {"access_token": token, "scope": "api", "instance_url": request.base_url, "id": self.identity_url(request), "token_type": "Bearer"}
            return json_response(answer, headers=_UNCACHED, is_write=False, content_type=JSON)
        issued = str(int(now.timestamp() * 1000))
        identity = self.identity_url(request)
        signature = hmac.new(self.org.settings.client_secret.encode(), (identity + issued).encode(), hashlib.sha256).digest()
        answer = {
            "access_token": token,
            "signature": base64.b64encode(signature).decode(),
            "scope": "api",
            "instance_url": request.base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            "api_instance_url": request.base_url,
        }
        return json_response(answer, headers=_UNCACHED, is_write=False, content_type=JSON)

    def _check_assertion(self, request: Request, assertion: str) -> Response | None:
        """A statement signed with the key whose certificate the connected app has; it may be valid for three minutes at most."""
        settings = self.org.settings
        if not settings.public_key:
            return _oauth_error("invalid_grant", "user hasn't approved this consumer")
        try:
            claims = jwt.decode(
                assertion, settings.public_key, algorithms=["RS256"], audience=[*_LOGIN_HOSTS, request.base_url],
                options={"require": ["exp", "iss", "sub", "aud"], "verify_exp": False},
            )
        except jwt.InvalidAudienceError:
            return _oauth_error("invalid_grant", "audience is invalid")
        except jwt.InvalidTokenError:
            return _oauth_error("invalid_grant", "invalid assertion")
        now = self.org.clock.now().timestamp()
        if not isinstance(claims["exp"], int) or not now < claims["exp"] <= now + _ASSERTION_SECONDS:
            return _oauth_error("invalid_grant", "expired authorization code")
        if claims["iss"] != settings.client_id:
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if claims["sub"] != settings.username:
            return _oauth_error("invalid_grant", "user hasn't approved this consumer")
        return None

    def _introspect(self, token: str) -> Response:
        used = self._live_token(token)
        if used is None:
            return json_response({"active": False}, is_write=False)
        return json_response(
            {
                "active": True,
                "scope": "api",
                "client_id": self.org.settings.client_id,
                "username": self.org.settings.username,
                "sub": f"uid:{INTEGRATION_USER}",
                "token_type": "access_token",
                "iat": int(used.timestamp()),
                "nbf": int(used.timestamp()),
                "exp": int((used + self.org.settings.session_timeout).timestamp()),
            },
            is_write=False,
        )

    def identity_url(self, request: Request) -> str:
        return f"{request.base_url}/id/{self.org.organization_id}/{INTEGRATION_USER}"

    def identity(self, request: Request) -> dict[str, Any]:
        user = self.org.store.get("User", INTEGRATION_USER) or {}
        return {
            "id": self.identity_url(request),
            "user_id": INTEGRATION_USER,
            "organization_id": self.org.organization_id,
            "preferred_username": user.get("Username", self.org.settings.username),
            "username": user.get("Username", self.org.settings.username),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "active": True,
            "user_type": "STANDARD",
        }

    def _live_token(self, token: str) -> datetime | None:
        used = self._tokens.get(token)
        if used is None:
            return None
        if self.org.clock.now() - used > self.org.settings.session_timeout:
            self._tokens.pop(token, None)
            return None
        return used

    def authenticate(self, request: Request) -> None:
        header = request.headers.get("authorization", "")
        kind, _, token = header.partition(" ")
        if header and kind.lower() not in ("bearer", "oauth"):
            raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        if self._live_token(token) is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self._tokens[token] = self.org.clock.now()


def _oauth_error(code: str, description: str) -> Response:
    return json_response({"error": code, "error_description": description}, 400, is_write=False, content_type=JSON)

"""Who may call: the tenant's token endpoint in both its versions, and the bearer tokens that it hands out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import jwt

from sandbox.dynamics365_finance.errors import Refusal
from sandbox.protocol import Clock, Request, Response, json_response

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Application:
    """The registered application. `is_mapped`: whether the environment lists it with a user of its own."""

    tenant: str
    client_id: str
    client_secret: str
    environment: str  # its address
    is_mapped: bool


class Doorkeeper:
    """Hands out access tokens and checks every request's."""

    def __init__(self, clock: Clock, application: Application, token_life: timedelta) -> None:
        self._clock, self._application, self._life = clock, application, token_life
        self._secret = secrets.token_bytes(32)

    def expire_tokens(self) -> None:
        self._secret = secrets.token_bytes(32)

    def is_token_path(self, path: str) -> bool:
        return path.endswith(("/oauth2/v2.0/token", "/oauth2/token"))

    def issue(self, request: Request) -> Response:
        own = self._application
        if request.method != "POST":
            return self._no(405, "invalid_request", 900561, "The endpoint only accepts POST requests.")
        tenant = request.path.strip("/").split("/")[0]
        if tenant.lower() != own.tenant.lower():
            return self._no(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if not request.headers.get("content-type", "").startswith(_FORM):
            return self._no(400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'.")
        form = dict(request.form())
        for name in ("grant_type", "client_id"):
            if not form.get(name):
                return self._no(400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")
        if form["grant_type"] != "client_credentials":
            return self._no(400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{form['grant_type']}'.")
        if form["client_id"].lower() != own.client_id.lower():
            return self._no(400, "unauthorized_client", 700016, f"Application with identifier '{form['client_id']}' was not found.")
        if not form.get("client_secret"):
            return self._no(401, "invalid_client", 7000216, "'client_assertion' or 'client_secret' is required.")
        if not secrets.compare_digest(form["client_secret"].encode(), own.client_secret.encode()):
            return self._no(401, "invalid_client", 7000215, "Invalid client secret provided.")
        is_v2 = request.path.endswith("/v2.0/token")
        asked = form.get("scope" if is_v2 else "resource", "")
        if not asked:
            return self._no(400, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'.")
        if is_v2 and not asked.endswith("/.default"):
            return self._no(400, "invalid_scope", 70011, f"The provided value for the input parameter 'scope' is not valid: {asked}.")
        audience = asked.removesuffix("/.default") if is_v2 else asked
        if audience.rstrip("/") not in (own.environment, request.base_url) or (not is_v2 and audience.endswith("/")):
            return self._no(400, "invalid_resource", 500011, f"The resource principal named {audience} was not found in the tenant.")
        return self._token(audience)

    def _token(self, audience: str) -> Response:
        own, now = self._application, int(self._clock.now().timestamp())
        life = int(self._life.total_seconds()) - 1
        claims = {
            "aud": audience, "iss": f"https://sts.windows.net/{own.tenant}/", "iat": now, "nbf": now, "exp": now + life, "appid": own.client_id,
            "tid": own.tenant, "uti": secrets.token_hex(8), "ver": "1.0",
        }
        return json_response({
            "token_type": "Bearer", "expires_in": life, "ext_expires_in": life,
            "access_token": jwt.encode(claims, self._secret, algorithm="HS256"),
        }, headers={"cache-control": "no-store"}, is_write=False)

    def admit(self, request: Request) -> None:
        """Raise the 401 unless the request carries a living token of a mapped application."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise self._refusal("")
        try:
            claims = jwt.decode(
                token.strip(), self._secret, algorithms=["HS256"], options={"verify_exp": False, "verify_aud": False, "verify_nbf": False,
                                                                            "verify_iat": False, "require": ["exp"]})
        except jwt.PyJWTError as problem:
            raise self._refusal("invalid_token") from problem
        if claims["exp"] <= self._clock.now().timestamp():
            raise self._refusal("invalid_token")
        if not self._application.is_mapped:
            raise self._refusal("")

    def _refusal(self, error: str) -> Refusal:
        challenge = f'Bearer authorization_uri="https://login.microsoftonline.com/{self._application.tenant}"'
        return Refusal(401, "Unauthorized", headers={"www-authenticate": challenge + (f', error="{error}"' if error else "")})

    def _no(self, status: int, error: str, code: int, text: str) -> Response:
        """The login host's own error body, which is not OData's."""
        trace = str(uuid4())
        stamp = self._clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
        return json_response({
            "error": error, "error_description": f"AADSTS{code}: {text} Trace ID: {trace} Timestamp: {stamp}", "error_codes": [code],
            "timestamp": stamp, "trace_id": trace, "correlation_id": str(uuid4()),
        }, status, is_write=False)

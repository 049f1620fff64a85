"""Who may call the NetSuite sandbox: the OAuth 2.0 token endpoint with its signed assertion, and OAuth 1.0a signed requests.

Only authentication belongs here; what a caller may do with records is decided by the record service.
"""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from oauthlib.oauth1.rfc5849 import signature

from sandbox.netsuite.errors import Refusal
from sandbox.protocol import Clock, Request, Response, json_response

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = {
    "PS256": rsa.RSAPublicKey, "PS384": rsa.RSAPublicKey, "PS512": rsa.RSAPublicKey,
    "ES256": ec.EllipticCurvePublicKey, "ES384": ec.EllipticCurvePublicKey, "ES512": ec.EllipticCurvePublicKey,
}
_SCOPES = frozenset({"rest_webservices", "restlets", "suite_analytics"})
_ASSERTION_LIFE = timedelta(minutes=60)
_LEEWAY = timedelta(seconds=60)
_OAUTH1_PARAMETER = re.compile(r'\s*([a-z_]+)\s*=\s*"([^"]*)"\s*(?:,|$)')


@dataclass(frozen=True)
class Credentials:
    """What the account has registered. `public_key`: PEM of a public key or of an X.509 certificate, "" for none."""

    account: str = "1234567_SB1"
    client_id: str = "concord-netsuite"
    certificate_id: str = "concord-key-1"
    public_key: str = ""
    consumer_key: str = "netsuite-consumer-key"
    consumer_secret: str = "netsuite-consumer-secret"
    token_id: str = "netsuite-token-id"
    token_secret: str = "netsuite-token-secret"


class Doorkeeper:
    """Hands out access tokens and checks every request's credentials."""

    def __init__(self, clock: Clock, credentials: Credentials, token_life: timedelta, skew: timedelta) -> None:
        self._clock, self._credentials, self._token_life, self._skew = clock, credentials, token_life, skew
        self._secret = secrets.token_bytes(32)  # tokens of an earlier process are worth nothing, as after a revocation
        self._nonces: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()
        self._key = _public_key(credentials.public_key) if credentials.public_key else None

    def expire_tokens(self) -> None:
        self._secret = secrets.token_bytes(32)

    def issue(self, request: Request) -> Response:
        """The token endpoint. Its refusals are OAuth 2.0 error bodies, not those of the record service."""
        if request.method != "POST":
            raise Refusal(405, "INVALID_METHOD", f"Method {request.method} is not allowed for this resource.")
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return _oauth_error(400, "invalid_request", "The body must be form encoded.")
        form = dict(request.form())
        if form.get("grant_type") != "client_credentials":
            known = "grant_type" in form
            return _oauth_error(400, "unsupported_grant_type" if known else "invalid_request", "grant_type")
        if form.get("client_assertion_type") != _ASSERTION_TYPE or not form.get("client_assertion"):
            return _oauth_error(400, "invalid_request", "client_assertion and its type are required.")
        try:
            scopes = self._assertion_scopes(form["client_assertion"], request.base_url + TOKEN_PATH)
        except _BadAssertion as problem:
            return _oauth_error(problem.status, problem.error, str(problem))
        now = self._clock.now()
        claims = {
            "iss": f"https://system.netsuite.com/{self._credentials.account}", "sub": self._credentials.client_id,
            "scope": sorted(scopes), "iat": int(now.timestamp()), "exp": int((now + self._token_life).timestamp()),
            "jti": secrets.token_hex(8),
        }
        token = jwt.encode(claims, self._secret, algorithm="HS256")
        content = {"access_token": token, "expires_in": str(int(self._token_life.total_seconds())), "token_type": "bearer"}
        return json_response(content, is_write=False, headers={"cache-control": "no-store"})

    def admit(self, request: Request) -> None:
        """Raise the vendor's 401 unless the request carries a living token or a true signature."""
        header = request.headers.get("authorization", "")
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer" and value:
            self._admit_bearer(value.strip())
        elif scheme.lower() == "oauth" and value:
            self._admit_signed(request, value)
        else:
            raise self._login_refusal("Bearer", "invalid_request")

    def _admit_bearer(self, token: str) -> None:
        try:
            claims = jwt.decode(
                token, self._secret, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False, "require": ["exp"]}
            )
        except jwt.PyJWTError as problem:
            raise self._login_refusal("Bearer", "invalid_token") from problem
        if claims["exp"] <= self._clock.now().timestamp() or "rest_webservices" not in claims["scope"]:
            raise self._login_refusal("Bearer", "invalid_token")

    def _admit_signed(self, request: Request, header: str) -> None:
        given = self._credentials
        fields = _oauth1_fields(header)
        if fields is None or fields.get("realm") != given.account:
            raise self._login_refusal("OAuth", "signature_invalid")
        if fields.get("oauth_signature_method") != "HMAC-SHA256" or fields.get("oauth_version", "1.0") != "1.0":
            raise self._login_refusal("OAuth", "signature_method_rejected")
        if fields.get("oauth_consumer_key") != given.consumer_key or fields.get("oauth_token") != given.token_id:
            raise self._login_refusal("OAuth", "token_rejected")
        nonce, stamp = fields.get("oauth_nonce", ""), fields.get("oauth_timestamp", "")
        if not nonce or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
            raise self._login_refusal("OAuth", "parameter_absent")
        if not any(abs(now.timestamp() - int(stamp)) <= self._skew.total_seconds() for now in self._present()):
            raise self._login_refusal("OAuth", "timestamp_refused")
        signed = [(name, value) for name, value in fields.items() if name not in ("realm", "oauth_signature")]
        # the path came in decoded; encode it as clients put it on the wire
        uri = request.base_url + quote(request.path, safe="/!$&'()*+,:;=@~")
        base = signature.signature_base_string(
            request.method.upper(), signature.base_string_uri(uri),
            signature.normalize_parameters([*request.query, *signed]),
        )
        expected = signature.sign_hmac_sha256_with_client(base, _Secrets(given.consumer_secret, given.token_secret))
        if not secrets.compare_digest(expected.encode(), fields.get("oauth_signature", "").encode()):
            raise self._login_refusal("OAuth", "signature_invalid")
        with self._lock:
            now = self._clock.now()
            for used in [key for key, until in self._nonces.items() if until < now]:
                del self._nonces[used]
            if (stamp, nonce) in self._nonces:
                raise self._login_refusal("OAuth", "nonce_used")
            self._nonces[stamp, nonce] = now + 2 * self._skew

    def _assertion_scopes(self, assertion: str, token_url: str) -> set[str]:
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.PyJWTError as problem:
            raise _BadAssertion(400, "invalid_request", "The client assertion is not a JWT.") from problem
        kind = _ALGORITHMS.get(header.get("alg", ""))
        if kind is None or header.get("typ", "JWT") != "JWT":
            raise _BadAssertion(400, "invalid_request", "The client assertion must be a JWT signed with PS256 or ES256.")
        if header.get("kid") != self._credentials.certificate_id or self._key is None or not isinstance(self._key, kind):
            raise _BadAssertion(401, "invalid_client", "No valid certificate matches kid.")
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion, self._key, algorithms=[header["alg"]], audience=token_url, issuer=self._credentials.client_id,
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["iss", "aud", "iat", "exp"]},
            )
            issued, expires = float(claims["iat"]), float(claims["exp"])
        except (jwt.InvalidSignatureError, jwt.InvalidIssuerError) as problem:
            raise _BadAssertion(401, "invalid_client", "The client assertion does not match a registered integration.") from problem
        except (jwt.PyJWTError, TypeError, ValueError) as problem:
            raise _BadAssertion(400, "invalid_request", f"The client assertion is not valid: {problem}") from problem
        if not 0 < expires - issued <= _ASSERTION_LIFE.total_seconds():
            raise _BadAssertion(400, "invalid_request", "exp must lie within 60 minutes of iat.")
        leeway = _LEEWAY.total_seconds()
        if not any(issued - leeway <= now.timestamp() < expires for now in self._present()):
            raise _BadAssertion(400, "invalid_request", "The client assertion has expired or is not yet valid.")
        scope = claims.get("scope", [])
        words = {word.strip() for word in (scope.split(",") if isinstance(scope, str) else scope)} - {""}
        if not words or not words <= _SCOPES:
            raise _BadAssertion(400, "invalid_scope", "scope")
        return words

    def _present(self) -> tuple[datetime, datetime]:
        """A client stamps by its own clock; the sandbox's may have been advanced by days. Either counts as now."""
        now = self._clock.now()
        return now, now - self._clock.offset

    def _login_refusal(self, scheme: str, error: str) -> Refusal:
        realm = self._credentials.account
        challenge = f'{scheme} realm="{realm}", error="{error}", error_description="Invalid login attempt."'
        return Refusal(
            401, "INVALID_LOGIN", "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI.",
            headers={"www-authenticate": challenge},
        )


@dataclass(frozen=True)
class _Secrets:
    """What oauthlib's signing function reads from a client."""

    client_secret: str
    resource_owner_secret: str


class _BadAssertion(Exception):
    def __init__(self, status: int, error: str, text: str) -> None:
        super().__init__(text)
        self.status, self.error = status, error


def _public_key(pem: str) -> Any:
    if "BEGIN CERTIFICATE" in pem:
        return x509.load_pem_x509_certificate(pem.encode()).public_key()
    return load_pem_public_key(pem.encode())


def _oauth1_fields(header: str) -> dict[str, str] | None:
    """The header's parameters, percent-decoded; None where it is malformed or repeats a name."""
    fields: dict[str, str] = {}
    position = 0
    while position < len(header):
        match = _OAUTH1_PARAMETER.match(header, position)
        if match is None or match[1] in fields:
            return None
        fields[match[1]] = unquote(match[2])
        position = match.end()
    return fields


def _oauth_error(status: int, error: str, text: str) -> Response:
    return json_response({"error": error, "error_description": text}, status, is_write=False, headers={"cache-control": "no-store"})

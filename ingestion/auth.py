"""Logging in to a vendor: every method that a system file can name, as a `requests` auth object. No retries here (client.py)."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests.auth import AuthBase, HTTPBasicAuth
from requests_oauthlib import OAuth1

from concord.connections import Connection, SandboxAccount, secret
from concord.errors import ConcordError, UsageError
from ingestion.spec import AuthMethod, System

_MARGIN = 60  # a token is renewed this many seconds before it ends
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True)
class Token:
    value: str
    ends: float  # monotonic seconds; infinity where the vendor does not say
    instance_url: str = ""


class TokenAuth(AuthBase):
    """A bearer token fetched on first use, shared by threads, renewed before it ends or when the vendor refuses it."""

    def __init__(self, fetch: Callable[[], Token]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._token: Token | None = None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token().value}"
        return request

    def token(self) -> Token:
        with self._lock:
            if self._token is None or time.monotonic() > self._token.ends:
                self._token = self._fetch()
            return self._token

    def renew(self, refused: str) -> None:
        """Fetch a new token unless another thread already did since `refused` (the header of the refused request) was sent."""
        with self._lock:
            if self._token is not None and f"Bearer {self._token.value}" == refused:
                self._token = None


class BearerKey(AuthBase):
    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def method_of(connection: Connection, system: System) -> str:
    """The login method of a connection: the one that it names, else the first that its system file knows."""
    method = connection.auth or next(iter(system.auth))
    if method not in system.auth:
        raise UsageError(
            f"{system.system} has no login method {method!r}.", where="connections.yml", field=f"connections.{connection.name}.auth",
            mend=f"Known: {', '.join(system.auth)}.",
        )
    return method


def open_auth(
    connection: Connection, system: System, account: SandboxAccount | None, base_url: str, session: requests.Session, timeout: float,
) -> AuthBase:
    """The auth object of a connection. Reads the secrets, calls nobody yet."""
    method = method_of(connection, system)
    way = system.auth[method]  # type: ignore[index]
    value = {name: secret(connection, name, account) for name in way.secrets}
    if method == "bearer":
        return BearerKey(value["api_key"])
    if method == "token":
        return HTTPBasicAuth(f"{value['email']}/token", value["api_token"])
    if method == "basic":
        user, *rest = (value[name] for name in way.secrets)
        return HTTPBasicAuth(user.encode(), (rest[0] if rest else way.password).encode())
    if method == "oauth1":
        return OAuth1(
            value["consumer_key"], value["consumer_secret"], value["token_id"], value["token_secret"],
            signature_method="HMAC-SHA256", realm=connection.settings.get("account", "").upper().replace("-", "_"),
        )
    # what stands for the company's own names with the sandbox comes with its account
    settings = {**system.settings, **connection.settings, **(account.secrets if connection.sandbox and account else {})}
    url = _token_url(connection, way, base_url, settings)
    payload: Callable[[], dict[str, Any]]
    if method == "oauth2_jwt":
        def payload() -> dict[str, Any]:
            return {"data": {
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": _assertion(connection, value, url, way.scope),
            }}
    elif method == "client_credentials":
        def payload() -> dict[str, Any]:
            asked = {"scope": fill(way.scope, settings, connection)} if way.scope else {}
            if way.client_in == "header":
                pair = HTTPBasicAuth(value["client_id"].encode(), value["client_secret"].encode())
                return {"data": {"grant_type": "client_credentials", **asked}, "auth": pair}
            return {"data": {
                "grant_type": "client_credentials", "client_id": value["client_id"], "client_secret": value["client_secret"], **asked}}
    else:
        def payload() -> dict[str, Any]:
            return {"json": {
                "grant_type": "client_credentials", "client_id": value["client_id"], "client_secret": value["client_secret"],
                "scope": way.scope, "expires_in": 3600,
            }}
    return TokenAuth(lambda: _fetch(connection, session, url, payload(), timeout))


def _token_url(connection: Connection, way: AuthMethod, base_url: str, settings: Mapping[str, str]) -> str:
    """Where tokens are had: under the vendor's own address, or on a login host of its own, which the sandbox plays as well."""
    path = fill(way.token_path, settings, connection)
    if "://" in path:
        if not connection.sandbox:
            return path
        path = urlsplit(path).path
    return urljoin(base_url + "/", path.lstrip("/"))


def fill(text: str, settings: Mapping[str, str], connection: Connection) -> str:
    """`{name}` from the settings. Raises UsageError naming the one that is missing."""
    try:
        return text.format_map(dict(settings))
    except KeyError as error:
        name = error.args[0]
        raise UsageError(
            "is missing.", where="connections.yml", field=f"connections.{connection.name}.settings.{name}", mend="Add it.") from None


def _assertion(connection: Connection, value: dict[str, str], url: str, scope: str) -> str:
    """A signed statement of who we are; the algorithm follows from the key."""
    try:
        key = load_pem_private_key(value["private_key"].encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConcordError(
            f"is no private key in PEM form ({type(error).__name__}).", where=connection.name, field="private_key",
            mend="Give the text of the PEM file that belongs to the uploaded certificate.",
        ) from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        algorithm = _CURVES[key.curve.name]
    elif isinstance(key, rsa.RSAPrivateKey):
        algorithm = "PS256"
    else:
        raise ConcordError(
            "is of a kind that NetSuite does not take.", where=connection.name, field="private_key", mend="Use an EC or RSA key.")
    now = int(time.time())
    claims = {"iss": value["client_id"], "scope": scope.split(), "aud": url, "iat": now, "exp": now + 3000, "jti": uuid.uuid4().hex}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": value["certificate_id"], "typ": "JWT"})


def _fetch(connection: Connection, session: requests.Session, url: str, payload: dict[str, Any], timeout: float) -> Token:
    response = session.post(url, timeout=timeout, headers={"Accept": "application/json"}, **{"auth": _nobody, **payload})
    if response.status_code == 429 or response.status_code >= 500:
        response.raise_for_status()  # transient: the client retries
    if response.status_code not in (200, 201):
        raise wrong_secret(connection, _reason(response))
    answer = response.json()
    lifetime = float(answer["expires_in"]) - _MARGIN if answer.get("expires_in") else float("inf")
    return Token(answer["access_token"], time.monotonic() + lifetime, (answer.get("instance_url") or "").rstrip("/"))


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding credentials of its own (.netrc)."""
    return request


def _reason(response: requests.Response) -> str:
    """The vendor's error word; never its whole answer, which may repeat what we sent."""
    try:
        content = response.json()
    except ValueError:
        content = None
    word = content.get("error") if isinstance(content, dict) else None
    return f"{response.status_code} {word}" if isinstance(word, str) else str(response.status_code)


def wrong_secret(connection: Connection, reason: str) -> ConcordError:
    names = ", ".join(connection.secrets.values())
    mend = f"Check {names}." if names else "Check the connection's secrets."
    if connection.sandbox:
        mend = "Start the sandbox again with `concord sandbox serve`: its credentials have changed."
    return ConcordError(f"the vendor refuses the login ({reason}): wrong or revoked secret.", where=connection.name, mend=mend)

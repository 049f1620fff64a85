"""HTTP to one connection: paced, authenticated, retried for reads and sent once for writes. No vendor's paging here (readers/).

The difference between reads and writes is the point: a read may be repeated, so trouble is waited out; a write is put on the
wire once, and the caller is told exactly what is known about it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import stamina
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.exceptions import SSLError as TlsError

from concord.connections import Connection, SandboxAccount
from concord.errors import ConcordError, UsageError
from ingestion.auth import TokenAuth, fill, open_auth, wrong_secret
from ingestion.spec import System, load_system, with_settings

_READ_ATTEMPTS = 6
_RENEWALS = 2  # of a login for one request: a new token, too, may be withdrawn before the request is repeated


class Unreachable(ConcordError):
    """Nothing was sent: no connection came about."""


class RateLimited(ConcordError):
    """The vendor takes no more for now. `not_before`: when it may again, by our clock."""

    def __init__(self, connection: str, not_before: datetime, why: str = "") -> None:
        self.not_before = not_before
        super().__init__(
            f"the vendor's limit is reached{f' ({why})' if why else ''}.", where=connection,
            mend=f"Run again after {not_before:%Y-%m-%d %H:%M:%S} UTC.",
        )


class Unavailable(ConcordError):
    """The vendor answered with a server error: `status`."""

    def __init__(self, connection: str, status: int) -> None:
        self.status = status
        super().__init__(f"the vendor answered {status}.", where=connection, mend="Try again later.")


class Uncertain(ConcordError):
    """Sent, but no answer came: whether the vendor did it must be read before anything is sent again."""

    def __init__(self, connection: str, why: str) -> None:
        super().__init__(f"the request was sent and no answer came ({why}).", where=connection, mend="Read the record before trying again.")


class Refused(ConcordError):
    """The vendor understood and said no. `body`: its parsed answer (text where it is not JSON); it may hold personal data."""

    def __init__(self, connection: str, status: int, body: Any, code: str, message: str, request: str = "") -> None:
        self.status, self.body, self.code, self.message = status, body, code, message
        super().__init__(f"the vendor refused {request or 'the request'}: {status} {code}".rstrip() + ".", where=connection)


class NotPermitted(ConcordError):
    """The vendor does not let us read one kind of record; the others it does."""


class _Transient(Exception):
    """A read that may be tried again."""


@dataclass
class Usage:
    """What a client has spent. Changed under the client's lock."""

    requests: int = 0
    waits: int = 0
    wait_seconds: float = 0.0


@dataclass(frozen=True)
class Answer:
    """A parsed answer to a read. `at`: the vendor's time when it was given."""

    content: Any
    headers: Mapping[str, str]
    at: datetime


class Client:
    """One connection's HTTP; may be used by several threads at once. Build it with `open_client`."""

    def __init__(
        self, connection: Connection, system: System, base_url: str, account: SandboxAccount | None,
        on_wait: Callable[[float, str], None] | None, timeout: tuple[float, float],
    ) -> None:
        self.connection, self.system, self.usage = connection, system, Usage()
        self.settings = {**system.settings, **connection.settings}
        self._base_url, self._on_wait, self._timeout = base_url, on_wait, timeout
        self._slots = threading.BoundedSemaphore(system.limits.concurrency)
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._clock: tuple[datetime, float] | None = None
        self._asking = threading.Lock()
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=system.limits.concurrency + 2, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._session.headers.update({"User-Agent": "concord", **{key: self._filled(text) for key, text in system.headers.items()}})
        self._auth = open_auth(connection, system, account, base_url, self._session, timeout[1])

    # what callers use

    def request(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None, data: Any = None,
        headers: Mapping[str, str] | None = None, write: bool = False,
    ) -> requests.Response:
        """Send one request.

        `path`: `/...` from the connection's address, an absolute link on its own host, or relative to the API's root.
        A read is repeated on 429 (waiting as told, which spends no attempt), 5xx and broken connections. A write goes out once:
        RateLimited, Unavailable, Uncertain and Refused say what became of it, Unreachable that nothing was sent.
        """
        call = _Call(method, path, params, json, data, dict(headers or {}))
        return self._write(call) if write else self._read(call, parse=False)[0]

    def read(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None, data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A read whose answer is JSON; a body that was cut short counts as a broken connection and is read again."""
        response, content = self._read(_Call(method, path, params, json, data, dict(headers or {})), parse=True)
        return Answer(content, response.headers, self._date(response))

    def download(self, url: str, hosts: tuple[str, ...] = ()) -> bytes:
        """A file that the vendor put elsewhere. The link carries its own permission: our login never goes along.

        Only from the connection's own host or, by https, from one whose name ends like one of `hosts`.
        """
        host = urlsplit(url)
        if host[:2] != urlsplit(self._base_url)[:2] and not (host.scheme == "https" and (host.hostname or "").endswith(hosts)):
            raise ConcordError(
                f"a file lies on an unknown host ({host.netloc}) and is not fetched.", where=self.connection.name, mend="Check the connection's base_url.")
        why = ""
        for attempt in range(4):
            with self._lock:
                self.usage.requests += 1
            try:
                with requests.Session() as bare:
                    bare.trust_env = False
                    response = bare.get(url, timeout=self._timeout, allow_redirects=False)
                if response.status_code == 200:
                    return response.content
                why = f"status {response.status_code}"
                if response.status_code < 500 and response.status_code != 429:
                    break
            except requests.RequestException as error:
                why = type(error).__name__
            time.sleep(0.2 * 2**attempt)
        raise ConcordError(f"the vendor's file could not be fetched ({why}).", where=self.connection.name, mend="Run it again later.")

    def server_time(self) -> datetime:
        """The vendor's clock, from its last answer and the time since. Asks who we are if nothing was asked before."""
        with self._asking:  # threads that begin together ask once, not each
            if self._clock is None:
                with contextlib.suppress(Refused):  # any answer tells the time, a no as well
                    self.request("GET", self.system.whoami)
        if self._clock is None:
            return datetime.now(UTC)
        at, then = self._clock
        return at + timedelta(seconds=time.monotonic() - then)

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # reads and writes

    def _read(self, call: _Call, parse: bool) -> tuple[requests.Response, Any]:
        try:
            for attempt in stamina.retry_context(
                on=_Transient, attempts=_READ_ATTEMPTS, timeout=None, wait_initial=0.1, wait_max=8.0, wait_jitter=0.5,
            ):
                with attempt:
                    return self._read_once(call, parse)
        except _Transient as error:
            cause = error.__cause__
            if isinstance(cause, ConcordError):
                raise cause from None
            raise ConcordError(
                f"no whole answer in {_READ_ATTEMPTS} attempts ({error}).", where=self.connection.name, mend="Try again later.") from None
        raise AssertionError("unreachable")

    def _read_once(self, call: _Call, parse: bool) -> tuple[requests.Response, Any]:
        renewals = 0
        while True:
            self._pace()
            try:
                response = self._send(call)
            except Unreachable as error:
                raise _Transient("unreachable") from error
            except requests.RequestException as error:
                raise _Transient(type(error).__name__) from None
            status = response.status_code
            if (wait := self._limited(response)) is not None:
                self._wait(wait)
            elif status == 401 and renewals < _RENEWALS and self._renew(response):
                renewals += 1
            elif status == 401:
                raise wrong_secret(self.connection, "401")
            elif status >= 500 or status == 420:
                raise _Transient(f"status {status}") from Unavailable(self.connection.name, status)
            elif status >= 400:
                raise self._refused(response)
            elif not parse:
                return response, None
            else:
                try:
                    return response, orjson.loads(response.content)
                except orjson.JSONDecodeError:
                    raise _Transient("an answer that is not JSON") from None

    def _write(self, call: _Call) -> requests.Response:
        renewals = 0
        while True:
            try:
                response = self._send(call)
            except Unreachable:
                raise
            except requests.RequestException as error:
                raise Uncertain(self.connection.name, type(error).__name__) from None
            status = response.status_code
            if (wait := self._limited(response)) is not None:
                raise RateLimited(self.connection.name, datetime.now(UTC) + timedelta(seconds=wait))
            if status == 401 and renewals < _RENEWALS and self._renew(response):
                renewals += 1  # a refused login did nothing, so the same request may go out once more
                continue
            if status == 401:
                raise wrong_secret(self.connection, "401")
            if status >= 500 and not any(word.encode() in response.content for word in self.system.refusals):
                raise Unavailable(self.connection.name, status)
            if status >= 300:
                raise self._refused(response)
            return response

    def _send(self, call: _Call) -> requests.Response:
        """One exchange. Unreachable if nothing was sent; other RequestExceptions if an answer did not come whole."""
        with self._slots:
            with self._lock:
                self.usage.requests += 1
            try:
                if isinstance(self._auth, TokenAuth):  # logging in is its own exchange: its failures never mean "sent"
                    self._auth.token()
            except requests.HTTPError as error:
                status = error.response.status_code if error.response is not None else 503
                raise self._unreachable(f"the login answered {status}") from None
            except requests.RequestException as error:
                raise self._unreachable(_cause(error)) from None
            url = self._url(call.path)
            headers, data = call.headers, call.data
            if call.json is not None:
                headers, data = {"Content-Type": "application/json", **headers}, orjson.dumps(call.json)
            try:
                response = self._session.request(
                    call.method, url, params=call.params, data=data, headers=headers, auth=self._auth, timeout=self._timeout,
                    allow_redirects=False,
                )
            except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError) as error:
                raise self._unreachable(_cause(error)) from None
            except requests.exceptions.ConnectionError as error:
                if _never_connected(error):
                    raise self._unreachable(_cause(error)) from None
                raise
            except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema):
                raise UsageError(
                    f"{url!r} is no address.", where="connections.yml", field=f"connections.{self.connection.name}.base_url",
                    mend="Write it as https://host.",
                ) from None
            self._date(response)
            return response

    def _renew(self, response: requests.Response) -> bool:
        if isinstance(self._auth, TokenAuth):
            self._auth.renew(str(response.request.headers.get("Authorization", "")))
            return True
        return False

    # addresses

    def _url(self, path: str) -> str:
        base = self._base_url
        if isinstance(self._auth, TokenAuth) and self._auth.token().instance_url:
            base = self._auth.token().instance_url
        if "://" in path:
            if urlsplit(path)[:2] not in (urlsplit(base)[:2], urlsplit(self._base_url)[:2]):
                raise ConcordError(
                    f"a link leads to another host ({urlsplit(path).netloc}) and is not followed.", where=self.connection.name,
                    mend="Check the connection's base_url.",
                )
            return path
        return base + (path if path.startswith("/") else self._filled(self.system.root) + path)

    def _filled(self, text: str) -> str:
        return fill(text, self.settings, self.connection)

    def _unreachable(self, why: str) -> Unreachable:
        mend = "Start the sandbox with `concord sandbox serve`." if self.connection.sandbox else "Check the address and the network."
        return Unreachable(f"{self._base_url} cannot be reached ({why}).", where=self.connection.name, mend=mend)

    # limits and clock

    def _limited(self, response: requests.Response) -> float | None:
        """Seconds to wait if this answer is the vendor's limit, else None; notes what its headers say of the quota left."""
        status = response.status_code
        if status == 403 and b"REQUEST_LIMIT_EXCEEDED" in response.content[:2000]:
            return 24 * 3600.0  # Salesforce counts over a day and names no time
        if status == 429 or (status == 503 and "Retry-After" in response.headers):
            return _retry_after(response)
        remaining = response.headers.get("ratelimit-remaining") or response.headers.get("X-Rate-Limit-Remaining")
        reset = response.headers.get("ratelimit-reset")
        if remaining is not None and reset is not None and remaining.strip() == "0" and reset.strip().isdigit():
            self._hold_back(float(reset))
        return None

    def _wait(self, seconds: float) -> None:
        if seconds > self.system.limits.longest_wait.total_seconds():
            raise RateLimited(self.connection.name, datetime.now(UTC) + timedelta(seconds=seconds))
        self._hold_back(seconds)
        time.sleep(seconds)

    def _hold_back(self, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            # threads held back together wait once; a new deadline holds everybody back
            added = now + seconds - max(self._not_before, now)
            self._not_before = max(self._not_before, now + seconds)
            told = added > seconds / 2
            self.usage.waits += told
            self.usage.wait_seconds += max(0.0, added)
        if told and self._on_wait:
            self._on_wait(seconds, "rate limit")

    def _pace(self) -> None:
        """Hold back while the vendor's limit lasts; a quota that its headers called spent was noted without a wait."""
        while (wait := self._not_before - time.monotonic()) > 0:
            if wait > self.system.limits.longest_wait.total_seconds():
                raise RateLimited(self.connection.name, datetime.now(UTC) + timedelta(seconds=wait))
            time.sleep(wait)

    def _date(self, response: requests.Response) -> datetime:
        text = response.headers.get("Date")
        if text is None:
            return datetime.now(UTC)
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return datetime.now(UTC)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        self._clock = (at, time.monotonic())
        return at

    def _refused(self, response: requests.Response) -> Refused:
        try:
            body: Any = response.json()
        except ValueError:
            body = response.text
        code, message = error_words(body)
        asked = f"{response.request.method} {urlsplit(str(response.request.url)).path}"
        return Refused(self.connection.name, response.status_code, body, code, message, asked)


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, Any] | None
    json: Any
    data: Any
    headers: dict[str, str]


def open_client(
    connection: Connection, account: SandboxAccount | None = None, *, on_wait: Callable[[float, str], None] | None = None,
    timeout: tuple[float, float] = (10.0, 60.0),
) -> Client:
    """A client for one connection. `on_wait(seconds, why)` is called before each wait that a vendor's limit imposes.

    Calls nobody yet. Raises UsageError or ConcordError where a secret or setting is missing.
    """
    system = with_settings(load_system(connection.system), connection.settings)
    return Client(connection, system, base_url_of(connection, system, account), account, on_wait, timeout)


def base_url_of(connection: Connection, system: System, account: SandboxAccount | None) -> str:
    if connection.sandbox:
        if account is None:
            raise ConcordError("is a sandbox connection and no sandbox runs.", where=connection.name, mend="Start it with `concord sandbox serve`.")
        return account.base_url.rstrip("/")
    settings = {**system.settings, **connection.settings}
    settings.setdefault("account_host", settings.get("account", "").lower().replace("_", "-"))
    return (connection.base_url or fill(system.base_url, settings, connection)).rstrip("/")


def error_words(body: Any) -> tuple[str, str]:
    """The error code and text of a vendor's answer, in any of the forms the vendors use; empty where there is none."""
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return str(body[0].get("errorCode", "")), str(body[0].get("message", ""))
    if not isinstance(body, dict):
        return "", str(body)[:200]
    if code := body.get("api_error_code"):  # Chargebee
        return str(code), str(body.get("message", ""))
    if details := body.get("o:errorDetails"):
        return str(details[0].get("o:errorCode", "")), str(details[0].get("detail", ""))
    error = body.get("error")
    if isinstance(error, dict) and isinstance(inner := error.get("innererror"), dict):  # OData: what went wrong is in there
        return str(error.get("code") or str(inner.get("type", "")).rpartition(".")[2]), str(inner.get("message") or error.get("message", ""))
    if isinstance(error, dict):
        return str(error.get("code") or error.get("type") or error.get("title") or ""), str(error.get("message", ""))
    if isinstance(error, str):
        return error, str(body.get("description") or body.get("error_description") or "")
    if (errors := body.get("errors")) and isinstance(errors, list) and isinstance(errors[0], dict):
        return str(errors[0].get("code", "")), str(errors[0].get("title") or errors[0].get("detail") or "")
    return "", ""


def _retry_after(response: requests.Response) -> float:
    """Seconds named by the answer: Retry-After as number or date, else the reset header, else a careful default."""
    text = (response.headers.get("Retry-After") or response.headers.get("ratelimit-reset") or "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(response.headers["Date"]) if "Date" in response.headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        # vendors that only count what runs at once (NetSuite, Stripe) name no time: a moment is enough
        return 1.0


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return isinstance(cause, NewConnectionError | ConnectTimeoutError | TlsError)


def _cause(error: BaseException) -> str:
    cause: Any = error.args[0] if error.args else error
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    text = str(cause)
    for sign, words in (("refused", "connection refused"), ("resolve", "unknown host"), ("timed out", "timed out"), ("SSL", "TLS failed")):
        if sign in text:
            return words
    return type(cause).__name__

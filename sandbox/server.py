"""The HTTP front of the sandbox: ports, control endpoints, transport faults, and the life of a sandbox under a home folder.

What a vendor answers belongs to the vendor's module; what the company is like belongs to `sandbox.world`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import uvicorn
from pydantic import ValidationError

from sandbox.accounts import settings as credentials
from sandbox.accounts import tls_files
from sandbox.faults import TransportFault, TransportFaults
from sandbox.journal import Journal
from sandbox.protocol import Clock, Request, Response, SandboxError, Store, Vendor
from sandbox.world.advance import advance_world
from sandbox.world.build import World, build_world
from sandbox.world.landscape import DEFAULT, ROLE_OF, Account, accounts_of
from sandbox.world.plant import FaultPlan, default_plan, load_plan

DEFAULT_PORT = 8750  # the accounts' own ports follow it in their order, then Salesforce's TLS port
_TLS = ("salesforce", "salesforce_service")
HOST = "127.0.0.1"
_EVOLVE_AFTER = timedelta(days=1)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass
class Sandbox:
    """One running sandbox: its vendors, its world and where it listens."""

    home: Path
    world: World
    clock: Clock
    vendors: dict[str, Vendor]
    journal_file: Journal
    faults: TransportFaults
    description: dict[str, Any]
    ports: dict[str, int] = field(default_factory=dict)
    _evolving: threading.Lock = field(default_factory=threading.Lock)

    @property
    def main_url(self) -> str:
        return f"http://{HOST}:{self.ports['main']}"

    def url(self, vendor: str) -> str:
        """The vendor under its path on the main port."""
        return f"{self.main_url}/{self._known(vendor)}"

    def root_url(self, vendor: str) -> str:
        """The vendor at the root of its own port."""
        return f"http://{HOST}:{self.ports[self._known(vendor)]}"

    @property
    def tls_account(self) -> str:
        """The first account of a vendor whose official client speaks nothing but https; "" where none is served."""
        return next((name for name in self.vendors if self.world.views[name].system in _TLS), "")

    @property
    def tls_url(self) -> str:
        """Salesforce over TLS; the certificate is home/sandbox/tls/cert.pem."""
        return f"https://localhost:{self.ports['tls']}"

    def journal(self, vendor: str | None = None, since: int = 0) -> list[dict[str, Any]]:
        return self.journal_file.entries(vendor, since)

    def truth(self) -> list[dict[str, Any]]:
        return [fault.as_json() for fault in self.world.truth]

    def fault(self, vendor: str, kind: str, path: str = "", **settings: Any) -> int:
        """Arm a transport fault; see `sandbox.faults.TransportFault` for the settings."""
        try:
            fault = TransportFault.model_validate({"vendor": self._known(vendor), "kind": kind, "path": path, **settings})
        except ValidationError as error:
            raise SandboxError(_explain(error, "fault")) from error
        return self.faults.add(fault)

    def advance(self, days: int = 0, seconds: float = 0) -> datetime:
        """Move the clock. The company lives on by each whole day; seconds only let time pass."""
        if days < 0 or seconds < 0:
            raise SandboxError("the clock only moves forward: give days or seconds of zero or more")
        with self._evolving:
            for _ in range(days):
                self.clock.advance(timedelta(days=1))
                self._evolve(self.clock.now().replace(microsecond=0))
            if seconds:
                self.clock.advance(timedelta(seconds=seconds))
            self._save()
        return self.clock.now()

    def _evolve(self, as_of: datetime) -> None:
        views = advance_world(self.world, as_of)
        self.description["steps"].append(as_of.isoformat())
        # noted before it is applied: a kill in between loses a day's events rather than telling them twice
        self._save()
        for name, view in views.items():
            vendor = self.vendors.get(name)
            if vendor is not None:
                with vendor.store.lock:
                    vendor.apply(view)
                    vendor.store.take_effects()

    def _save(self) -> None:
        self.description["offset_seconds"] = self.clock.offset.total_seconds()
        _write_json(self.home / "sandbox" / "world.json", self.description)

    def _known(self, vendor: str) -> str:
        if vendor not in self.vendors:
            raise SandboxError(f"no vendor {vendor!r} in this sandbox; it has {', '.join(self.vendors)}")
        return vendor


def open_sandbox(
    home: Path,
    *,
    seed: int = 7,
    scale: float = 1.0,
    faults: FaultPlan | None = None,
    data: Path | None = None,
    anchor: datetime | None = None,
    accounts: Sequence[Account] = DEFAULT,
    vendors: Sequence[str] | None = None,
    reset: bool = False,
    vendor_settings: dict[str, dict[str, Any]] | None = None,
) -> Sandbox:
    """Build the world (the same as last time under this home, what was written since included) and load the vendors.

    `accounts`: the systems of the company; a home keeps the ones that its world was made with, and any of them may be asked for later.
    `vendors`: serve only these accounts. A system named here that is no account takes its role's place in the company.

    Raises SandboxError when the home holds another world and `reset` is not set.
    """
    folder = home / "sandbox"
    plan = faults or default_plan(scale)
    accounts = _with(accounts, vendors or ())
    wanted = {
        "seed": seed,
        "scale": scale,
        "data": str(data.resolve()) if data else None,
        "faults": plan.model_dump(mode="json", exclude_none=True),
    }
    if reset:
        for path in [folder / "world.json", folder / "journal.jsonl", *folder.glob("store_*.jsonl")]:
            path.unlink(missing_ok=True)
    described = folder / "world.json"
    if described.exists():
        description = _read_json(described)
        kept = {account["name"]: Account(**account) for account in description["accounts"]}
        changed = [name for name in wanted if description.get(name) != wanted[name]]
        changed += [f"account {account.name}" for account in accounts if kept.get(account.name) != account]
        accounts = tuple(kept.values())
        if anchor is not None and description["anchor"] != anchor.isoformat():
            changed.append("anchor")
        if changed:
            raise SandboxError(
                f"{described} holds another world (differs in {', '.join(changed)}; it has seed {description['seed']}, "
                f"scale {description['scale']}, data {description['data'] or 'generated'}); ask for the same, or reset the sandbox"
            )
    else:
        start = (anchor or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
        offset = start - datetime.now(UTC) if anchor is not None else timedelta()
        description = {**wanted, "accounts": [vars(account) for account in accounts], "anchor": start.isoformat(), "offset_seconds": offset.total_seconds(), "steps": []}
    clock = Clock(timedelta(seconds=description["offset_seconds"]))
    world = build_world(seed, scale, plan, data, datetime.fromisoformat(description["anchor"]), accounts)
    folder.mkdir(parents=True, exist_ok=True)
    loaded: dict[str, Vendor] = {}
    for account in accounts:
        name = account.name
        if vendors is not None and name not in vendors:
            continue
        create = importlib.import_module(f"sandbox.{account.system}").create
        settings = {**credentials(account.system, home), **(vendor_settings or {}).get(name, {})}
        store = Store(folder / f"store_{name}.jsonl")
        vendor: Vendor = create(store, clock, **_accepted(create, settings))
        vendor.load(world.views[name])
        store.take_effects()
        store.open_log()
        loaded[name] = vendor
    for step in description["steps"]:  # the vendors have these days in their logs already; the world has to catch up
        advance_world(world, datetime.fromisoformat(step))
    sandbox = Sandbox(home, world, clock, loaded, Journal(folder / "journal.jsonl"), TransportFaults(), description)
    sandbox._save()
    if clock.now() - world.as_of >= _EVOLVE_AFTER:  # it was off for a while; the company was not
        with sandbox._evolving:
            sandbox._evolve(clock.now().replace(microsecond=0))
    return sandbox


def _with(accounts: Sequence[Account], names: Sequence[str]) -> tuple[Account, ...]:
    """The accounts, with systems that are named and not among them in place of those of their role."""
    known = {account.name for account in accounts}
    unknown = sorted(set(names) - known - ROLE_OF.keys())
    if unknown:
        raise SandboxError(f"no account or system is called {', '.join(unknown)}; systems are {', '.join(sorted(ROLE_OF))}")
    added = accounts_of(name for name in names if name not in known)
    roles = {account.role for account in added}
    return (*(account for account in accounts if account.role not in roles or account.name in names), *added)


def _accepted(create: Callable[..., Vendor], settings: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(create).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return settings
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in settings.items() if name in names}


class _Front:
    """The ASGI application in front of all vendors; which one is meant follows from the port or the first path segment."""

    def __init__(self, sandbox: Sandbox, pool: ThreadPoolExecutor) -> None:
        self.sandbox = sandbox
        self.pool = pool
        self.by_port = {port: name for name, port in sandbox.ports.items() if name in sandbox.vendors}
        if "tls" in sandbox.ports:
            self.by_port[sandbox.ports["tls"]] = sandbox.tls_account
        self.in_flight = dict.fromkeys(sandbox.vendors, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _read_body(receive)
        if body is None:  # the client went away in the middle of its request
            return
        path: str = scope["path"]
        vendor = self.by_port.get(scope["server"][1])
        prefix = ""
        if vendor is None:
            first, _, rest = path.removeprefix("/").partition("/")
            if first in self.sandbox.vendors:
                vendor, prefix, path = first, f"/{first}", f"/{rest}"
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host") or f"{scope['server'][0]}:{scope['server'][1]}"
        request = Request(
            method=scope["method"].upper(),
            path=path or "/",
            base_url=f"{scope['scheme']}://{host}{prefix}",
            query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
            headers=headers,
            body=body,
        )
        if vendor is None:
            response = await asyncio.get_running_loop().run_in_executor(self.pool, self._control, request)
            await self._answer(send, request, response)
        else:
            await self._serve(vendor, request, send)

    async def _serve(self, name: str, request: Request, send: Send) -> None:
        sandbox = self.sandbox
        vendor = sandbox.vendors[name]
        fault = sandbox.faults.take(name, request.method, request.path)
        kind = fault.kind if fault else None
        self.in_flight[name] += 1
        try:
            request = Request(**{**vars(request), "in_flight": self.in_flight[name]})
            if fault is not None and kind == "delay":
                await asyncio.sleep(fault.seconds)
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self.pool, self._ask, name, vendor, request, kind)
        finally:
            self.in_flight[name] -= 1
        if response is None or kind == "cut_after":
            _transport(send).abort()
            return
        await self._answer(send, request, response, truncated=kind == "truncated")

    def _ask(self, name: str, vendor: Vendor, request: Request, kind: str | None) -> Response | None:
        """Let the vendor answer under its store's lock, so that each change in the journal belongs to one request."""
        with vendor.store.lock:
            if kind == "cut_before":
                response = None
            elif kind == "429":
                response = vendor.rate_limited(request)
            elif kind == "500":
                response = vendor.unavailable(request)
            else:
                if kind == "expired_token":
                    vendor.expire_tokens()
                response = vendor.handle(request)
                if kind == "500_after":
                    failed = vendor.unavailable(request)
                    response = Response(failed.status, failed.body, failed.headers, response.is_write)
            effects = vendor.store.take_effects()
            writes = request.method not in ("GET", "HEAD", "OPTIONS") and (response is None or response.is_write)
            if writes or effects:
                self.sandbox.journal_file.record(name, self.sandbox.clock.now(), request, response, effects, kind)
        return response

    async def _answer(self, send: Send, request: Request, response: Response, *, truncated: bool = False) -> None:
        headers = {name.lower(): value for name, value in response.headers.items()}
        headers["date"] = format_datetime(self.sandbox.clock.now().astimezone(UTC), usegmt=True)
        bodiless = response.status == 204 or response.status == 304
        if not bodiless:
            headers["content-length"] = str(len(response.body))
        body = b"" if bodiless or request.method == "HEAD" else response.body
        pairs = [(name.encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": pairs})
        if truncated:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            _transport(send).close()  # flushes the half, then ends the connection
        else:
            await send({"type": "http.response.body", "body": body})

    def _control(self, request: Request) -> Response:
        try:
            return self._control_answer(request)
        except ValidationError as error:
            return _json({"error": _explain(error, "fault")}, 400)
        except (SandboxError, ValueError) as error:
            return _json({"error": str(error)}, 400)

    def _control_answer(self, request: Request) -> Response:
        sandbox = self.sandbox
        match request.method, request.path:
            case "GET", "/":
                return _json(addresses(sandbox))
            case "GET", "/_sandbox/health":
                return _json({"status": "ok", "now": sandbox.clock.now().isoformat(), **addresses(sandbox)})
            case "GET", "/_sandbox/journal":
                return _json(sandbox.journal(request.param("vendor"), int(request.param("since") or 0)))
            case "GET", "/_sandbox/truth":
                return _json(sandbox.truth())
            case "GET", "/_sandbox/faults":
                return _json(sandbox.faults.listed())
            case "DELETE", "/_sandbox/faults":
                sandbox.faults.clear()
                return _json([])
            case "POST", "/_sandbox/faults":
                wanted = request.json()
                if not isinstance(wanted, dict) or not {"vendor", "kind"} <= wanted.keys():
                    raise SandboxError("a fault is an object with at least vendor and kind")
                return _json({"id": sandbox.fault(**wanted)}, 201)
            case "POST", "/_sandbox/clock":
                step = request.json()
                if not isinstance(step, dict) or not step or not step.keys() <= {"days", "seconds"}:
                    raise SandboxError('say how far: {"days": n} or {"seconds": n}')
                if not all(isinstance(value, int | float) for value in step.values()) or int(step.get("days", 0)) != step.get("days", 0):
                    raise SandboxError("days is a whole number, seconds a number")
                now = sandbox.advance(int(step.get("days", 0)), float(step.get("seconds", 0)))
                return _json({"now": now.isoformat()})
        known = ", ".join(f"/{name}" for name in sandbox.vendors)
        return _json({"error": f"nothing at {request.method} {request.path}; vendors are at {known}, control at /_sandbox"}, 404)


def addresses(sandbox: Sandbox) -> dict[str, Any]:
    """Who and where the sandbox is, as in address.json."""
    urls = {
        name: {"system": sandbox.world.views[name].system, "url": sandbox.url(name), "root_url": sandbox.root_url(name)} for name in sandbox.vendors}
    return {
        "pid": os.getpid(),
        "url": sandbox.main_url,
        "vendors": urls,
        "tls_url": sandbox.tls_url if "tls" in sandbox.ports else None,
        **{name: sandbox.description[name] for name in ("seed", "scale", "data", "anchor")},
    }


def _json(content: Any, status: int = 200) -> Response:
    return Response(status, orjson.dumps(content, default=str), {"content-type": "application/json"})


def _explain(error: ValidationError, what: str) -> str:
    problems = (f"{'.'.join(str(part) for part in item['loc']) or what}: {item['msg']}" for item in error.errors())
    return f"{what} not understood: {'; '.join(problems)}"


async def _read_body(receive: Receive) -> bytes | None:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _transport(send: Send) -> asyncio.Transport:
    """The connection under this request: ASGI has no word for breaking it, so we ask uvicorn's request cycle."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    return transport


class _Listeners:
    """The sockets and the thread in which uvicorn serves them."""

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self._sandbox = sandbox
        tls = sandbox.tls_account
        names = ["main", *sandbox.vendors, "tls"]
        self._sockets: dict[str, socket.socket] = {}
        try:
            for offset, name in enumerate(names):
                if name != "tls" or tls:
                    self._sockets[name] = _listen(port + offset if port else 0)
        except SandboxError:
            self._close_sockets()
            raise
        sandbox.ports = {name: opened.getsockname()[1] for name, opened in self._sockets.items()}
        self._servers: list[uvicorn.Server] = []
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not (self._servers and all(server.started for server in self._servers)):
            if self._failure is not None or not self._thread.is_alive():
                raise SandboxError(f"the sandbox did not start: {self._failure}")
            if time.monotonic() > deadline:
                raise SandboxError("the sandbox did not start within 20 s")
            time.sleep(0.01)

    def stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join(timeout=10)
        self._close_sockets()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            raise

    async def _serve(self) -> None:
        with ThreadPoolExecutor(max_workers=16, thread_name_prefix="sandbox-vendor") as pool:
            front = _Front(self._sandbox, pool)
            shared: dict[str, Any] = {
                "log_level": "warning",
                "access_log": False,
                "lifespan": "off",
                "date_header": False,
                "server_header": False,
                "timeout_graceful_shutdown": 2,
                "timeout_keep_alive": 60,
            }
            plain = [opened for name, opened in self._sockets.items() if name != "tls"]
            work = [(uvicorn.Server(uvicorn.Config(front, **shared)), plain)]
            if "tls" in self._sockets:
                certificate, key = tls_files(self._sandbox.home)
                config = uvicorn.Config(front, ssl_certfile=str(certificate), ssl_keyfile=str(key), **shared)
                work.append((uvicorn.Server(config), [self._sockets["tls"]]))
            self._servers = [server for server, _ in work]
            await asyncio.gather(*(server.serve(sockets=sockets) for server, sockets in work))

    def _close_sockets(self) -> None:
        for opened in self._sockets.values():
            opened.close()


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets that name their protocol; without it each answer waits for an ACK
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((HOST, port))
        opened.listen(256)
    except OSError as error:
        opened.close()
        raise SandboxError(f"port {port} is taken ({error.strerror}); stop what uses it or give another port") from error
    return opened


@contextlib.contextmanager
def running(
    home: Path,
    *,
    seed: int = 7,
    scale: float = 1.0,
    faults: FaultPlan | None = None,
    data: Path | None = None,
    anchor: datetime | None = None,
    accounts: Sequence[Account] = DEFAULT,
    vendors: Sequence[str] | None = None,
    port: int = 0,
    reset: bool = False,
    vendor_settings: dict[str, dict[str, Any]] | None = None,
) -> Iterator[Sandbox]:
    """A sandbox in this process for as long as the block runs; port 0 takes free ones."""
    sandbox = open_sandbox(
        home,
        seed=seed,
        scale=scale,
        faults=faults,
        data=data,
        anchor=anchor,
        accounts=accounts,
        vendors=vendors,
        reset=reset,
        vendor_settings=vendor_settings,
    )
    listeners = _Listeners(sandbox, port)
    try:
        listeners.start()
        yield sandbox
    finally:
        listeners.stop()
        sandbox.journal_file.close()


def serve(
    home: Path,
    *,
    seed: int = 7,
    scale: float = 1.0,
    faults: FaultPlan | None = None,
    data: Path | None = None,
    anchor: datetime | None = None,
    accounts: Sequence[Account] = DEFAULT,
    port: int = DEFAULT_PORT,
    reset: bool = False,
    on_ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; where it listens is in home/sandbox/address.json meanwhile."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    address = home / "sandbox" / "address.json"
    with running(home, seed=seed, scale=scale, faults=faults, data=data, anchor=anchor, accounts=accounts, port=port, reset=reset) as sandbox:
        _write_json(address, addresses(sandbox))
        try:
            if on_ready is not None:
                on_ready(sandbox)
            while not ended.wait(0.5):  # a wait without end would not let the signal handler run on every platform
                continue
        finally:
            address.unlink(missing_ok=True)


def start_background(
    home: Path,
    *,
    seed: int = 7,
    scale: float = 1.0,
    faults: Path | None = None,
    data: Path | None = None,
    anchor: datetime | None = None,
    accounts: Sequence[Account] = DEFAULT,
    port: int = DEFAULT_PORT,
    reset: bool = False,
    timeout: float = 90.0,
) -> dict[str, Any]:
    """Start the sandbox as a process of its own, unless it runs already, and wait until it answers; return its address.

    Raises SandboxError with the end of its log when it does not come up, and when the one that runs is another world.
    """
    existing = background_address(home)
    if existing is not None and not reset:
        wanted = {"seed": seed, "scale": scale, "data": str(data.resolve()) if data else None}
        changed = [f"{name} {existing[name]}" for name, value in wanted.items() if existing[name] != value]
        served = _read_json(home / "sandbox" / "world.json")
        if faults is not None and served["faults"] != load_plan(faults).model_dump(mode="json", exclude_none=True):
            changed.append("another fault plan")
        kept = [Account(**account) for account in served["accounts"]]
        changed += [f"no account {account.name} ({account.system} {account.region})".replace(" )", ")") for account in accounts if account not in kept]
        if changed:
            raise SandboxError(f"the sandbox at {existing['url']} serves another world ({', '.join(changed)}); stop or reset it first")
        return existing
    if existing is not None:
        stop_background(home)
    command = [sys.executable, "-m", "sandbox", "--home", str(home), "--port", str(port), "--seed", str(seed), "--scale", str(scale)]
    command += ["--faults", str(faults)] if faults else []
    command += ["--data", str(data)] if data else []
    command += ["--anchor", anchor.isoformat()] if anchor else []
    command += ["--reset"] if reset else []
    command += [f"--account={account.name}={account.system}:{account.region}" for account in accounts]
    log = home / "logs" / "sandbox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    root = str(Path(__file__).resolve().parent.parent)  # so that it is found even where the project is not installed
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        address = background_address(home)
        if address is not None and address["pid"] == process.pid:
            return address
        if process.poll() is not None:
            tail = log.read_text(errors="replace").strip().splitlines()[-5:]
            raise SandboxError("the sandbox did not start: " + (" / ".join(tail) or f"it ended with code {process.returncode}"))
        time.sleep(0.1)
    process.terminate()
    raise SandboxError(f"the sandbox did not answer within {timeout:.0f} s; its log is {log}")


def background_address(home: Path) -> dict[str, Any] | None:
    """The address of the sandbox that serves this home, if one does."""
    path = home / "sandbox" / "address.json"
    try:
        address = _read_json(path)
        with urllib.request.urlopen(f"{address['url']}/_sandbox/health", timeout=5) as answer:
            health = json.load(answer)
    except (FileNotFoundError, urllib.error.URLError, TimeoutError, ConnectionError, ValueError):
        return None  # the file of a sandbox that was killed outlives it
    return address if health.get("pid") == address["pid"] else None


def stop_background(home: Path, timeout: float = 15.0) -> bool:
    """End the sandbox that serves this home; False when none does."""
    address = background_address(home)
    if address is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(address["pid"], signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if background_address(home) is None and not (home / "sandbox" / "address.json").exists():
            return True
        time.sleep(0.05)
    raise SandboxError(f"the sandbox (process {address['pid']}) did not end within {timeout:.0f} s")


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n")
    part.replace(path)


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content

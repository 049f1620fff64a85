"""What a new connection has to be told, asked of a person or taken from options. Writing it down is `connections_file`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from concord.connections import known_systems
from concord.connections_file import placeholders
from concord.errors import UsageError

Ask = Callable[..., Any]  # typer.prompt: (question, default=...) -> text


@dataclass(frozen=True)
class Given:
    """What the command line says already; None or nothing: to be asked."""

    system: str | None = None
    name: str | None = None
    role: str | None = None
    sandbox: bool | None = None
    region: str | None = None
    entities: list[str] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    auth: str | None = None


def questions(given: Given, ask: Ask | None) -> tuple[str, dict[str, Any]]:
    """Name and entry of the connection. `ask` None: nobody is there to be asked, defaults are taken.

    Raises UsageError naming the option for anything needed that has no default.
    """
    system = _choice(given.system, "Which system", "SYSTEM", known_systems(), ask)
    name = given.name or _text("What shall the connection be called", "--name", ask, default=system)
    if system == "file_drop":
        role = _choice(given.role, "Which role do its records play", "--role", ["erp", "crm", "billing", "support"], ask)
        settings = {key: given.settings.get(key) or _text(question, f"--setting {key}=", ask, default=default) for key, question, default in (
            ("folder", "Which folder (or bucket) do the files lie in", None), ("drop", "Which form reads them (a name in drops/)", name))}
        return name, {"system": system, "role": role, **_place(given, ask), "settings": settings}

    from ingestion.spec import load_system

    spec = load_system(system)
    role = _choice(given.role, "Which role does it play", "--role", list(spec.roles), ask)
    sandbox = given.sandbox
    if sandbox is None:
        sandbox = _choice(None, "The sandbox or the real account", "--sandbox or --real", ["sandbox", "real"], ask, default="real") == "sandbox"
    wanted = [key for key in placeholders(spec.base_url, spec.root, *(f"{way.token_path} {way.scope}" for way in spec.auth.values())) if key != "account_host"]
    if "account_host" in placeholders(spec.base_url):
        wanted.insert(0, "account")
    settings = dict(given.settings)
    for key in [*wanted, *(key for key in spec.settings if key not in wanted)]:
        default = spec.settings.get(key)
        if key in settings or (sandbox and default is None):
            continue  # the sandbox has an address of its own
        if default is None or ask is not None:
            settings[key] = _text(f"{system}: {key.replace('_', ' ')}", f"--setting {key}=", ask, default=default)
    entry: dict[str, Any] = {"system": system, "role": role, "sandbox": sandbox, **_place(given, ask), "settings": settings}
    if sandbox:
        return name, entry
    auth = _choice(given.auth, "How do we log in", "--auth", list(spec.auth), ask, default=next(iter(spec.auth)))
    if auth != next(iter(spec.auth)):
        entry["auth"] = auth
    entry["secrets"] = {
        key: given.secrets.get(key) or _text(
            f"Environment variable that holds {key.replace('_', ' ')}", f"--secret {key}=", ask, default=f"{name}_{key}".upper())
        for key in spec.auth[auth].secrets}  # type: ignore[index]
    return name, entry


def _place(given: Given, ask: Ask | None) -> dict[str, Any]:
    region = given.region if given.region is not None else (_text("Which region does it serve (amer, emea, apac; empty: all)", "--region", ask, default=""))
    entities = given.entities
    if entities is None:
        told = _text("Which legal entities, separated by commas (empty: all)", "--entity", ask, default="")
        entities = [part.strip() for part in told.split(",") if part.strip()]
    return {"region": region, "legal_entities": entities}


def _choice(given: str | None, question: str, option: str, known: list[str], ask: Ask | None, default: str | None = None) -> str:
    if given is None and len(known) == 1:
        return known[0]
    value = given or _text(f"{question} ({', '.join(known)})", option, ask, default=default)
    if value not in known:
        raise UsageError(f"{value!r} is none of {', '.join(known)}.", where=option, mend="Choose one of them.")
    return value


def _text(question: str, option: str, ask: Ask | None, default: str | None = None) -> str:
    if ask is not None:
        return str(ask(question, default=default)).strip()
    if default is None:
        raise UsageError("is needed.", where=option, mend="Give it, or run the command on a terminal to be asked.")
    return default

"""connections.yml: which systems are connected, in which role, where, and by which secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from concord.errors import ConcordError, UsageError

Role = Literal["erp", "crm", "billing", "support"]
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Connection(BaseModel):
    """One connected account of a vendor. `secrets` maps a credential's name to the environment variable that holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    system: str
    role: Role
    sandbox: bool = False
    region: str = ""
    legal_entities: tuple[str, ...] = ()
    base_url: str = ""
    auth: str = ""  # the system file's auth method; its first where empty
    settings: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    freshness: timedelta = timedelta(hours=72)
    push: bool = False  # real accounts plan but do not apply until this is set; the sandbox always applies
    schedule: str = "0 * * * *"

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name) or "__" in name:
            raise ValueError("a connection is named with lower-case letters, digits and single underscores")
        return name

    @field_validator("freshness", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        if isinstance(value, str) and (match := re.fullmatch(r"(\d{1,6})\s*([mhd])", value)):
            return timedelta(**{_UNITS[match[2]]: int(match[1])})
        if isinstance(value, timedelta):
            return value
        raise ValueError("write a number and m, h or d, for example 72h")

    _file: str = PrivateAttr("connections.yml")  # where it was read from, for messages

    @property
    def file(self) -> str:
        return self._file

    @property
    def applies(self) -> bool:
        return self.sandbox or self.push


@dataclass(frozen=True)
class SandboxAccount:
    """Where the sandbox serves a system and what it accepts there."""

    base_url: str
    secrets: Mapping[str, str]


class _Loader(yaml.SafeLoader):
    """YAML itself takes the last of two equal keys; here the first would be disconnected without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands there twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_connections(path: Path) -> dict[str, Connection]:
    """Parse the file. Raises UsageError naming file, key and mend for anything that does not fit."""
    from ingestion.spec import load_system

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise UsageError("there is no such file.", where=str(path), mend="Copy connections.yml from the project.") from None
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror}).", where=str(path), mend="Give the user that runs Concord the right to read it.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"is not UTF-8 text (byte {error.start}).", where=path.name, mend="Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        raise UsageError(f"is not valid YAML ({error}).", where=path.name, mend="Mend the line that it names.") from None
    if not isinstance(content, dict) or set(content) != {"connections"} or not isinstance(content["connections"], dict):
        raise UsageError("must hold one key, `connections`, with one entry a connection.", where=path.name)
    known = known_systems()
    connections = {}
    for name, entry in content["connections"].items():
        try:
            connection = Connection(name=name, **(entry or {}))
            connection._file = path.name
        except (ValidationError, TypeError) as error:
            raise UsageError(*_explain(error), where=path.name, field=f"connections.{name}") from None
        if connection.system not in known:
            raise UsageError(
                f"no system is called {connection.system!r}.", where=path.name, field=f"connections.{name}.system",
                mend=f"Known systems: {', '.join(known)}.",
            )
        if connection.system != "file_drop" and connection.role not in (roles := load_system(connection.system).roles):
            raise UsageError(
                f"{connection.system} does not play {connection.role!r}.", where=path.name, field=f"connections.{name}.role",
                mend=f"Write {' or '.join(roles)}.",
            )
        connections[name] = _beside(connection, path.parent) if connection.system == "file_drop" else connection
    if not connections:
        raise UsageError("connects nothing.", where=path.name, field="connections", mend="Add a connection.")
    return connections


def known_systems() -> list[str]:
    """What can be connected: the systems with a file of their own, and file drops."""
    return sorted([*(file.stem for file in (Path(__file__).parent.parent / "ingestion" / "systems").glob("*.yml")), "file_drop"])


def _beside(connection: Connection, folder: Path) -> Connection:
    """A file drop names its files and its form relative to connections.yml: `drop` is a name in `drops/` or a path to a YAML file."""
    settings = dict(connection.settings)
    drop = settings.get("drop") or connection.name
    settings["drop"] = str(folder / Path(drop if drop.endswith((".yml", ".yaml")) else f"drops/{drop}.yml").expanduser())
    if settings.get("folder") and "://" not in settings["folder"]:
        settings["folder"] = str(folder / Path(settings["folder"]).expanduser())
    return connection.model_copy(update={"settings": settings, "base_url": connection.base_url or settings.get("folder", "")})


def _explain(error: ValidationError | TypeError) -> tuple[str]:
    if isinstance(error, TypeError):
        return (f"must be a mapping of settings ({error}).",)
    parts = []
    for problem in error.errors():
        place = ".".join(str(step) for step in problem["loc"])
        if problem["type"] == "extra_forbidden":
            fields = ", ".join(name for name in Connection.model_fields if name != "name")
            parts.append(f"unknown key `{place}` (known: {fields}).")
        else:
            parts.append(f"`{place}`: {problem['msg']}.")
    return (" ".join(parts),)


def secret(connection: Connection, name: str, account: SandboxAccount | None = None, environment: Mapping[str, str] = os.environ) -> str:
    """The value of a credential. Raises ConcordError naming the variable that is missing; never logs the value."""
    if connection.sandbox:
        if account is None or name not in account.secrets:
            raise ConcordError(
                f"the sandbox offers no credential {name!r}.", where=connection.name, mend="Start it with `concord sandbox serve`.")
        return account.secrets[name]
    variable = connection.secrets.get(name)
    if variable is None:
        raise UsageError(
            "is missing.", where=connection.file, field=f"connections.{connection.name}.secrets.{name}",
            mend="Name the environment variable that holds it.",
        )
    value = environment.get(variable)
    if not value:
        raise ConcordError(
            f"the environment variable {variable} is not set.", where=connection.file,
            field=f"connections.{connection.name}.secrets.{name}", mend=f"Set {variable} (see .env.example).",
        )
    return value

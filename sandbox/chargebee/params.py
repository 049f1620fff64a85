"""Chargebee's request parameters: bracket decoding, the types of each operation's parameters, and the refusals that they cause.

What does not belong here: what an operation then does with its parameters, and the filters of lists (filters).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_LEGACY = {"duplicate_entry": "param_not_unique", "resource_not_found": "site_resource_not_found"}
_BRACKET = re.compile(r"\[([^\[\]]*)\]")


class ChargebeeError(Exception):
    """A refusal, with everything that the error body and status need. `is_validation`: it came before execution began."""

    def __init__(
        self, status: int, code: str, message: str, *, param: str | None = None, type: str = "invalid_request", cause: str | None = None,
        headers: Mapping[str, str] | None = None, is_validation: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param, self.type, self.cause = status, code, message, param, type, cause
        self.headers = dict(headers or {})
        self.is_validation = is_validation

    def body(self) -> dict[str, Any]:
        """The present form, and the old one beside it, as every answer carries both."""
        body: dict[str, Any] = {"message": self.message, "type": self.type, "api_error_code": self.code}
        if self.param is not None:
            body["param"] = self.param
        if self.cause is not None:
            body["error_cause_id"] = self.cause
        body |= {"error_code": _LEGACY.get(self.code, self.code), "error_msg": self.message}
        if self.param is not None:
            body["error_param"] = self.param
        return {**body, "http_status_code": self.status}


def wrong(param: str, message: str) -> ChargebeeError:
    return ChargebeeError(400, "param_wrong_value", f"{param} : {message}", param=param, is_validation=True)


def missing(noun: str, id: object) -> ChargebeeError:
    return ChargebeeError(404, "resource_not_found", f"{id} not found", param=f"{noun}_id")


def wrong_state(message: str) -> ChargebeeError:
    return ChargebeeError(409, "invalid_state_for_request", message)


def duplicate(id: str) -> ChargebeeError:
    return ChargebeeError(400, "duplicate_entry", f"The value {id} is already present.", param="id")


def payment_failed(message: str, code: str = "payment_processing_failed") -> ChargebeeError:
    return ChargebeeError(400, code, message, type="payment", cause="gateway.general.decline")


# ------------------------------------------------------------------ the types of parameters


@dataclass(frozen=True)
class Text:
    most: int = 1000


@dataclass(frozen=True)
class Whole:
    least: int | None = None


@dataclass(frozen=True)
class Flag:
    pass


@dataclass(frozen=True)
class Stamp:
    """Unix seconds."""


@dataclass(frozen=True)
class Json:
    """One JSON text."""


@dataclass(frozen=True)
class Choice:
    words: tuple[str, ...]


@dataclass(frozen=True)
class Texts:
    """A list of scalars: `name[0]=x`."""


@dataclass(frozen=True)
class Shape:
    """A nested object: `name[field]=x`."""

    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """Parallel columns with the index last: `name[field][0]=x`. Names with a trailing * are required in each row."""

    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Untouched:
    """Known to the API, without effect here."""


S, N, B, T, J, ANY = Text(), Whole(), Flag(), Stamp(), Json(), Untouched()
ID = Text(50)
Schema = Mapping[str, Any]


def choice(words: str) -> Choice:
    return Choice(tuple(words.split()))


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Bracketed names to nested maps."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, _ = name.partition("[")
        steps = [head]
        if bracket:
            rest = name[len(head):]
            parts = _BRACKET.findall(rest)
            if not head or "".join(f"[{part}]" for part in parts) != rest:
                raise wrong(name, "the parameter's name is malformed")
            steps += parts
        node = tree
        for step in steps[:-1]:
            child = node.setdefault(step, {})
            if not isinstance(child, dict):
                raise wrong(name, "is given as a value and as an object")
            node = child
        node[steps[-1]] = value
    return tree


def typed(tree: Mapping[str, Any], schema: Schema, prefix: str = "") -> dict[str, Any]:
    """The parameters with their types; an empty text becomes None, which clears. Custom fields (cf_...) are texts at the top level.

    Raises ChargebeeError for the unknown, the missing and the malformed.
    """
    kinds = {name.rstrip("*"): kind for name, kind in schema.items()}
    result: dict[str, Any] = {}
    for name, value in tree.items():
        full = f"{prefix}[{name}]" if prefix else name
        if name in kinds:
            if not isinstance(kinds[name], Untouched):
                result[name] = _value(value, kinds[name], full)
        elif not prefix and name.startswith("cf_") and "cf_" in kinds:
            result[name] = _value(value, S, full)
        else:
            raise wrong(full, "is not a parameter of this operation")
    for name in schema:
        if name.endswith("*") and result.get(name[:-1]) in (None, "", []):
            full = f"{prefix}[{name[:-1]}]" if prefix else name[:-1]
            raise wrong(full, "cannot be blank")
    return result


def _value(value: Any, kind: Any, name: str) -> Any:
    match kind:
        case Shape():
            if not isinstance(value, dict):
                raise wrong(name, "should be an object")
            return typed(value, kind.fields, name)
        case Rows():
            return _rows(value, kind, name)
        case Texts():
            if not isinstance(value, dict) or not all(key.isdigit() for key in value):
                raise wrong(name, "should be an array")
            return [str(value[key]) for key in sorted(value, key=int)]
    if isinstance(value, dict):
        raise wrong(name, "should be a single value")
    if value == "":
        return None
    match kind:
        case Text():
            if len(value) > kind.most:
                raise wrong(name, f"cannot exceed {kind.most} characters")
            return value
        case Whole() | Stamp():
            if not re.fullmatch(r"-?\d{1,18}", value):
                raise wrong(name, "should be a valid integer" if isinstance(kind, Whole) else "should be a timestamp in seconds")
            number = int(value)
            if isinstance(kind, Stamp) and number < 0 or isinstance(kind, Whole) and kind.least is not None and number < kind.least:
                raise wrong(name, f"must be greater than or equal to {kind.least or 0}" if isinstance(kind, Whole) else "must be positive")
            return number
        case Flag():
            if value.lower() not in ("true", "false"):
                raise wrong(name, "should be either true or false")
            return value.lower() == "true"
        case Choice():
            if value not in kind.words:
                raise wrong(name, f"invalid value '{value}', allowed values are {', '.join(kind.words)}")
            return value
        case Json():
            try:
                return orjson.loads(value)
            except orjson.JSONDecodeError:
                raise wrong(name, "should be a valid JSON text") from None
    raise TypeError(f"no such parameter type: {kind!r}")


def _rows(value: Any, kind: Rows, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, dict):
        raise wrong(name, "should be an array of objects")
    rows: dict[int, dict[str, str]] = {}
    for field, column in value.items():
        if not isinstance(column, dict) or not all(key.isdigit() for key in column):
            raise wrong(f"{name}[{field}]", "should be indexed: name[field][0]")
        for index, cell in column.items():
            rows.setdefault(int(index), {})[field] = cell
    return [typed(rows[index], kind.fields, name) for index in sorted(rows)]

"""Stripe's request parameters: bracket decoding, the types of each operation's parameters, and the refusals that they cause.

What does not belong here: what an operation then does with its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

DOC_ROOT = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """A refusal, with everything that the error body and status need. `is_validation`: it came before execution began."""

    def __init__(
        self, message: str, *, status: int = 400, type: str = "invalid_request_error", code: str | None = None, param: str | None = None,
        is_validation: bool = False, headers: Mapping[str, str] | None = None, **fields: Any,
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.type, self.code, self.param = message, status, type, code, param
        self.is_validation = is_validation
        self.headers = dict(headers or {})
        self.fields = fields

    def body(self, request_id: str, mode: str) -> dict[str, Any]:
        error: dict[str, Any] = {"type": self.type, "message": self.message, **self.fields}
        if self.code:
            error |= {"code": self.code, "doc_url": DOC_ROOT + self.code.replace("_", "-")}
        if self.param is not None:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/{mode}logs/{request_id}"
        return {"error": error}


def missing(noun: str, id: object, param: str = "id", status: int = 404) -> StripeError:
    """An id that names nothing: 404 in the path, 400 as a parameter."""
    return StripeError(f"No such {noun}: '{id}'", status=status, code="resource_missing", param=param)


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    return StripeError(message, code=code, param=param, is_validation=True)


# ------------------------------------------------------------------ the types of parameters


@dataclass(frozen=True)
class Text:
    limit: int = 5000
    can_clear: bool = False  # an empty string unsets the value


@dataclass(frozen=True)
class Whole:
    least: int | None = None
    most: int | None = None
    can_clear: bool = False


@dataclass(frozen=True)
class Flag:
    pass


@dataclass(frozen=True)
class DecimalText:
    pass


@dataclass(frozen=True)
class Range:
    """A unix time, or a map of gt, gte, lt, lte."""


@dataclass(frozen=True)
class Metadata:
    pass


@dataclass(frozen=True)
class Choice:
    words: tuple[str, ...]


@dataclass(frozen=True)
class ListOf:
    of: Any
    most: int | None = None


@dataclass(frozen=True)
class Shape:
    """A nested map; names with a trailing * are required."""

    fields: Mapping[str, Any]
    can_clear: bool = False


@dataclass(frozen=True)
class Either:
    """A map or a plain value."""

    shape: Shape
    plain: Any


S, N, B = Text(), Whole(), Flag()
CLEARABLE = Text(can_clear=True)
EXPAND = {"expand": ListOf(S)}
PAGE: dict[str, Any] = {"limit": Whole(1, 100), "starting_after": S, "ending_before": S, **EXPAND}
ADDRESS = Shape({name: CLEARABLE for name in ("city", "country", "line1", "line2", "postal_code", "state")}, can_clear=True)

_KEY = re.compile(r"\[([^\[\]]*)\]")


def decode(pairs: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Bracketed names to nested maps; `a[]` counts up, so that a list is a map with whole-number keys until its type is known."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        head, bracket, _ = name.partition("[")
        steps = [head]
        if bracket:
            rest = name[len(head):]
            parts = _KEY.findall(rest)
            if "".join(f"[{part}]" for part in parts) != rest:
                raise invalid(f"Invalid parameter name: {name}", name, "parameter_unknown")
            steps += parts
        node = tree
        for step, following in zip(steps, steps[1:], strict=False):
            key = _slot(node, step, following)
            child = node.setdefault(key, {})
            if not isinstance(child, dict):
                raise invalid("Invalid object", head)
            node = child
        last = str(len(node)) if steps[-1] == "" and len(steps) > 1 else steps[-1]
        node[last] = value
    return tree


def _slot(node: dict[str, Any], step: str, following: str) -> str:
    """Where an element of an unnumbered list of maps goes: a repeated field opens the next element."""
    if step != "":
        return step
    last = len(node) - 1
    if last >= 0 and isinstance(node[str(last)], dict) and following not in node[str(last)]:
        return str(last)
    return str(last + 1)


def typed(tree: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The parameters with their types. Raises StripeError for the unknown, the missing and the malformed."""
    names = {name.rstrip("*"): (kind, name.endswith("*")) for name, kind in schema.items()}
    unknown = [name for name in tree if name not in names]
    if unknown:
        shown = [f"{prefix}[{name}]" if prefix else name for name in unknown]
        word = "parameter" if len(shown) == 1 else "parameters"
        raise invalid(f"Received unknown {word}: {', '.join(shown)}", shown[0], "parameter_unknown")
    result: dict[str, Any] = {}
    for name, (kind, is_required) in names.items():
        full = f"{prefix}[{name}]" if prefix else name
        if name in tree:
            result[name] = _value(tree[name], kind, full)
        elif is_required:
            raise invalid(f"Missing required param: {full}.", full, "parameter_missing")
    return result


def _value(value: Any, kind: Any, name: str) -> Any:
    match kind:
        case ListOf():
            return _list(value, kind, name)
        case Shape():
            if value == "" and kind.can_clear:
                return None
            if not isinstance(value, dict):
                raise invalid("Invalid object", name)
            return typed(value, kind.fields, name)
        case Either():
            return _value(value, kind.shape if isinstance(value, dict) else kind.plain, name)
        case Metadata():
            return _metadata(value, name)
        case Range():
            if isinstance(value, dict):
                return typed(value, {"gt": N, "gte": N, "lt": N, "lte": N}, name)
            return _whole(value, N, name)
    if isinstance(value, dict):
        raise invalid(f"Invalid {'integer' if isinstance(kind, Whole) else 'string'}: {value}", name)
    if value == "" and not getattr(kind, "can_clear", False):
        raise invalid(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however '{name}' "
            f"cannot be unset. You should remove '{name}' from your request or supply a non-empty value.", name, "parameter_invalid_empty")
    match kind:
        case Text():
            if len(value) > kind.limit:
                raise invalid(f"Invalid string: must be at most {kind.limit} characters", name, "parameter_invalid_string_blank")
            return value or None
        case Whole():
            return None if value == "" else _whole(value, kind, name)
        case Flag():
            if value not in ("true", "false"):
                raise invalid(f"Invalid boolean: {value}", name, "parameter_invalid_boolean")
            return value == "true"
        case DecimalText():
            try:
                number = Decimal(value)
            except InvalidOperation:
                raise invalid(f"Invalid decimal: {value}", name, "parameter_invalid_decimal") from None
            if not number.is_finite() or -int(number.as_tuple().exponent) > 12:
                raise invalid(f"Invalid decimal: {value}; at most 12 decimal places are kept", name, "parameter_invalid_decimal")
            return number
        case Choice():
            if value not in kind.words:
                raise invalid(f"Invalid {name}: must be one of {', '.join(kind.words[:-1])}, or {kind.words[-1]}"
                              if len(kind.words) > 1 else f"Invalid {name}: must be {kind.words[0]}", name)
            return value
    raise TypeError(f"no such parameter type: {kind!r}")


def _whole(value: Any, kind: Whole, name: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
        raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    number = int(value)
    if kind.least is not None and number < kind.least:
        raise invalid(f"This value must be greater than or equal to {kind.least} (it currently is '{number}').", name,
                      "parameter_invalid_integer")
    if kind.most is not None and number > kind.most:
        raise invalid(f"This value must be less than or equal to {kind.most} (it currently is '{number}').", name,
                      "parameter_invalid_integer")
    return number


def _list(value: Any, kind: ListOf, name: str) -> list[Any]:
    if not isinstance(value, dict) or not all(key.isdigit() for key in value):
        raise invalid("Invalid array", name)
    if kind.most is not None and len(value) > kind.most:
        raise invalid(f"Array {name} exceeded maximum {kind.most} allowed elements.", name)
    return [_value(item, kind.of, f"{name}[{key}]") for key, item in sorted(value.items(), key=lambda pair: int(pair[0]))]


def _metadata(value: Any, name: str) -> dict[str, str]:
    """Keys to set, or to remove where the value is empty. An empty string for the whole clears all: {"": ""} tells so."""
    if value == "":
        return {"": ""}
    if not isinstance(value, dict):
        raise invalid("Invalid object", name)
    for key, text in value.items():
        if not isinstance(text, str):
            raise invalid("Metadata values must be strings.", f"{name}[{key}]")
        if not key or len(key) > 40:
            raise invalid(f"Metadata keys can have up to 40 characters, but you passed in a key that is {len(key)} characters.",
                          f"{name}[{key}]")
        if len(text) > 500:
            raise invalid(f"Metadata values can have up to 500 characters, but you passed in a value that is {len(text)} characters.",
                          f"{name}[{key}]")
    return dict(value)


def merged_metadata(old: Mapping[str, str], change: Mapping[str, str]) -> dict[str, str]:
    if "" in change:
        return {}
    result = {key: text for key, text in {**old, **change}.items() if text != ""}
    if len(result) > 50:
        raise invalid("You can specify at most 50 metadata keys.", "metadata")
    return result

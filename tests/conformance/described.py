"""The vendors' own descriptions, where they lie beside the project, and answers held against them: samples, JSON Schema.

What one vendor's description needs beyond that (EDMX, metadata files) is in its own test module.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from concord.settings import PROJECT

SPECS = PROJECT.parent / "shared" / "specs"


def only_with(vendor: str) -> pytest.MarkDecorator:
    """A module's mark: its tests are run only where the vendor's description is."""
    return pytest.mark.skipif(not (SPECS / vendor).is_dir(), reason=f"{vendor}'s own description is not here")


def sample(vendor: str, *path: str) -> Any:
    return json.loads(SPECS.joinpath(vendor, *path).read_text())


def described(vendor: str, *path: str) -> dict[str, Any]:
    """An OpenAPI document as JSON Schema understands it."""
    file = SPECS.joinpath(vendor, *path)
    content = json.loads(file.read_text()) if file.suffix == ".json" else yaml.load(file.read_text(), _Loader)
    return _plain(content)


class _Loader(yaml.CSafeLoader):
    """YAML whose `=` is a text, as OpenAPI texts use it, and no value of its own kind."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def _plain(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(each) for key, each in node.items()}
    if plain.get("nullable") is True and ("type" in plain or "$ref" in plain or "anyOf" in plain or "allOf" in plain or "oneOf" in plain):
        return {"anyOf": [{key: each for key, each in plain.items() if key != "nullable"}, {"type": "null"}]}
    return plain


def validator(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Draft202012Validator:
    """Holds an answer against a schema of the document; `#/...` in both lead into the document."""
    registry: Registry[Any] = Registry().with_resource("urn:described", DRAFT202012.create_resource(dict(document)))
    return Draft202012Validator(_absolute(schema), registry=registry)


def _absolute(node: Any) -> Any:
    if isinstance(node, list):
        return [_absolute(each) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: f"urn:described{each}" if key == "$ref" and isinstance(each, str) and each.startswith("#") else _absolute(each)
        for key, each in node.items()}


def violations(holding: Draft202012Validator, answers: Iterable[Any]) -> list[str]:
    """Each kind of violation once, with one example."""
    found: dict[str, str] = {}
    for answer in answers:
        for error in holding.iter_errors(answer):
            place = ".".join("[]" if isinstance(step, int) else str(step) for step in error.absolute_path)
            rule = "/".join(str(step) for step in list(error.absolute_schema_path)[-3:])
            found.setdefault(f"{place}: {rule}", error.message[:300])
    return [f"{where}: {message}" for where, message in sorted(found.items())]


def undeclared(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, path: str = "", known: Container[str] = ()) -> Iterator[str]:
    """Members of an answer that its schema does not name; custom fields (`cf_`, `__c`) are each company's own."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list) and "items" in schema:
        for each in value:
            yield from undeclared(document, schema["items"], each, f"{path}[]", known)
    elif isinstance(value, dict) and "properties" in schema:
        for name, inner in value.items():
            if name in schema["properties"]:
                yield from undeclared(document, schema["properties"][name], inner, f"{path}.{name}", known)
            elif name not in known and not name.startswith("cf_") and not name.endswith("__c"):
                yield f"{path}.{name}"


def kind(value: Any) -> str:
    """The JSON type."""
    if value is None:
        return "null"
    for known, name in ((bool, "boolean"), (int | float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, known):
            return name
    return "object"


def lacking(expected: Any, answers: Iterable[Any], without: Iterable[str] = ()) -> list[str]:
    """Fields of a sample that none of the answers has, or has in another JSON type only; null fits every type.

    `without`: paths that are left out, `*` for the key of a map of free names.
    """
    return sorted(set(_lacking(expected, list(answers), "", frozenset(without))))


def _lacking(expected: Any, answers: list[Any], path: str, without: frozenset[str]) -> Iterator[str]:
    if path in without:
        return
    kinds = {kind(answer) for answer in answers}
    if kind(expected) != "null" and not kinds & {kind(expected), "null"}:
        yield f"{path}: {kind(expected)} in the sample, {', '.join(sorted(kinds)) or 'nothing'} here"
        return
    if isinstance(expected, dict):
        there = [answer for answer in answers if isinstance(answer, dict)]
        for name, value in expected.items():
            inner = f"{path}.{name}".lstrip(".")
            having = [answer[name] for answer in there if name in answer]
            if inner in without or not there:
                continue
            if not having:
                yield f"{inner}: not here"
            else:
                yield from _lacking(value, having, inner, without)
    elif isinstance(expected, list):
        items = [each for answer in answers if isinstance(answer, list) for each in answer]
        for value in expected:
            if items:
                yield from _lacking(value, items, f"{path}[]", without)

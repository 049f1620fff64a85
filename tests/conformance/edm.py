"""Entity data models (EDMX of OData v2, CSDL of v4): what an entity set declares, and answers held against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


@dataclass(frozen=True)
class EntityType:
    key: tuple[str, ...]
    properties: Mapping[str, tuple[str, bool]]  # name -> type, nullable
    navigations: frozenset[str]


def _named(node: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (each for each in node.iter() if each.tag.rpartition("}")[2] == tag)


def entity_sets(file: Path | bytes) -> dict[str, EntityType]:
    root = ElementTree.fromstring(file if isinstance(file, bytes) else file.read_bytes())
    types = {}
    for entity in _named(root, "EntityType"):
        types[entity.get("Name", "")] = EntityType(
            tuple(each.get("Name", "") for each in _named(entity, "PropertyRef")),
            {each.get("Name", ""): (each.get("Type", ""), each.get("Nullable", "true") != "false") for each in _named(entity, "Property")},
            frozenset(each.get("Name", "") for each in _named(entity, "NavigationProperty")))
    return {each.get("Name", ""): types[each.get("EntityType", "").rpartition(".")[2]] for each in _named(root, "EntitySet")}


def enums(file: Path | bytes) -> dict[str, frozenset[str]]:
    root = ElementTree.fromstring(file if isinstance(file, bytes) else file.read_bytes())
    return {each.get("Name", ""): frozenset(member.get("Name", "") for member in _named(each, "Member")) for each in _named(root, "EnumType")}


FORMS_V2 = {
    "Edm.String": re.compile(r"(?s).*"), "Edm.Decimal": re.compile(r"-?\d+(\.\d+)?"), "Edm.DateTime": re.compile(r"/Date\(-?\d+\)/"),
    "Edm.DateTimeOffset": re.compile(r"/Date\(-?\d+\+0000\)/"), "Edm.Time": re.compile(r"PT\d+H\d+M\d+S"),
    "Edm.Guid": re.compile(r"[0-9a-f-]{36}"), "Edm.Int64": re.compile(r"-?\d+"), "Edm.Double": re.compile(r"-?\d.*"), "Edm.Binary": re.compile(r".*"),
}
FORMS_V4: dict[str, re.Pattern[str] | type | tuple[type, ...]] = {
    "Edm.String": re.compile(r"(?s).*"), "Edm.Decimal": (int, float), "Edm.Double": (int, float), "Edm.Int64": int, "Edm.Int32": int,
    "Edm.Int16": int, "Edm.Boolean": bool, "Edm.Guid": re.compile(r"[0-9a-fA-F-]{36}"), "Edm.Date": re.compile(r"\d{4}-\d\d-\d\d"),
    "Edm.DateTimeOffset": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "Edm.Binary": re.compile(r".*"),
}


def differences_v2(declared: EntityType, row: Mapping[str, Any]) -> Iterator[str]:
    """Of a row in JSON of OData v2 against its entity type."""
    for name, value in row.items():
        if name == "__metadata" or name in declared.navigations:
            continue
        if name not in declared.properties:
            if not name.startswith("YY1_"):  # the company's own
                yield f"{name}: not declared"
            continue
        kind, nullable = declared.properties[name]
        if value is None:
            if not nullable:
                yield f"{name}: null"
        elif kind == "Edm.Boolean":
            if not isinstance(value, bool):
                yield f"{name}: {value!r} for {kind}"
        elif kind in ("Edm.Int16", "Edm.Int32", "Edm.Byte"):
            if not isinstance(value, int) or isinstance(value, bool):
                yield f"{name}: {value!r} for {kind}"
        elif not isinstance(value, str) or not FORMS_V2[kind].fullmatch(value):
            yield f"{name}: {value!r} for {kind}"
    for name in declared.properties:
        if name not in row:
            yield f"{name}: absent"


def differences_v4(declared: EntityType, members: Mapping[str, frozenset[str]], row: Mapping[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if "@odata" in name or name in declared.navigations:
            continue
        if name not in declared.properties:
            yield f"{name}: not declared"
            continue
        kind, nullable = declared.properties[name]
        form = FORMS_V4.get(kind)
        if value is None:
            if not nullable:
                yield f"{name}: null"
        elif form is None:
            known = members.get(kind.rpartition(".")[2])
            if known is not None and value not in known:
                yield f"{name}: {value!r} is no {kind}"
        elif isinstance(form, re.Pattern):
            if not isinstance(value, str) or not form.fullmatch(value):
                yield f"{name}: {value!r} for {kind}"
        elif not isinstance(value, form) or (form is not bool and isinstance(value, bool)):
            yield f"{name}: {value!r} for {kind}"
    for name in declared.properties:
        if name not in row:
            yield f"{name}: absent"

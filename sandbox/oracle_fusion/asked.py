"""What a GET asks for: its parameters and headers, checked and parsed. No records here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.oracle_fusion.catalogue import Resource
from sandbox.oracle_fusion.errors import Refusal
from sandbox.oracle_fusion.lists import Order
from sandbox.protocol import Request

_OF_ITEM = frozenset({"expand", "fields", "onlyData", "dependency", "links"})
_OF_LIST = _OF_ITEM | {"limit", "offset", "totalResults", "q", "orderBy", "finder"}
_FINDER_PART = re.compile(r",(?=\s*[A-Za-z_]\w*\s*=)")


@dataclass(frozen=True)
class Shape:
    """Which attributes and children of a row are shown. `fields` None: all attributes."""

    fields: frozenset[str] | None = None
    children: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class Finder:
    name: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Asked:
    version: int
    shape: Shape
    only_data: bool = False
    rels: frozenset[str] | None = None
    limit: int = 25
    offset: int = 0
    with_total: bool = False
    q: str = ""
    order: Order = ()
    finder: Finder | None = None


def framework_version(request: Request) -> int:
    text = request.headers.get("rest-framework-version", "1").strip()
    if text not in {str(number) for number in range(1, 10)}:
        raise Refusal(400, f"The REST-Framework-Version {text} is not supported.", "JBO-29115")
    return int(text)


def asked(request: Request, resource: Resource, version: int, *, is_list: bool, max_page: int) -> Asked:
    """Raises Refusal for a parameter that Fusion does not know and for a value that it cannot take."""
    for name, _ in request.query:
        if name not in (_OF_LIST if is_list else _OF_ITEM):
            raise Refusal(400, f"URL request parameter {name} cannot be used in this context.", "JBO-29114")
    fields, expand = request.param("fields"), request.param("expand")
    if fields is not None and expand is not None:
        raise Refusal(400, "URL request parameters fields and expand cannot be used together.", "JBO-29114")
    shape = _shape_of_fields(fields, resource) if fields is not None else _shape_of_expand(expand or "", resource)
    links = request.param("links")
    common = {
        "version": version, "shape": shape, "only_data": _flag(request, "onlyData"),
        "rels": frozenset(part.strip() for part in links.split(",")) if links else None,
    }
    if not is_list:
        return Asked(**common)  # type: ignore[arg-type]
    return Asked(
        **common,  # type: ignore[arg-type]
        limit=min(_number(request, "limit", 25, 1), max_page), offset=_number(request, "offset", 0, 0),
        with_total=_flag(request, "totalResults"), q=request.param("q") or "", order=_order(request.param("orderBy"), resource),
        finder=_finder(request.param("finder"), resource))


def _flag(request: Request, name: str) -> bool:
    value = (request.param(name) or "false").lower()
    if value not in ("true", "false"):
        raise Refusal(400, f"URL request parameter {name} with value {value} is not valid.", "JBO-29114")
    return value == "true"


def _number(request: Request, name: str, default: int, least: int) -> int:
    text = request.param(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise Refusal(400, f"URL request parameter {name} with value {text[:40]} is not valid.", "JBO-29114")
    return int(text)


def _order(text: str | None, resource: Resource) -> Order:
    found = []
    for part in filter(None, (text or "").split(",")):
        name, _, way = part.strip().partition(":")
        if name not in resource.attributes or way.lower() not in ("", "asc", "desc"):
            raise Refusal(400, f"URL request parameter orderBy with value {text} is not valid.", "JBO-29114")
        found.append((name, way.lower() == "desc"))
    return tuple(found)


def _finder(text: str | None, resource: Resource) -> Finder | None:
    if text is None:
        return None
    name, _, rest = text.partition(";")
    variables = resource.finders.get(name.strip())
    if variables is None:
        raise Refusal(400, f"The finder {name[:60]} is not defined on {resource.name}.", "JBO-29114")
    values = {}
    for part in filter(None, _FINDER_PART.split(rest)):
        variable, sign, value = part.partition("=")
        variable, value = variable.strip(), value.strip()
        if not sign or variable not in variables:
            raise Refusal(400, f"The finder {name} has no variable {variable[:60]}.", "JBO-29114")
        if len(value) >= 2 and value[0] in "'\"" and value[-1] == value[0]:
            value = value[1:-1]
        values[variable] = value
    return Finder(name.strip(), values)


def _shape_of_expand(text: str, resource: Resource) -> Shape:
    if text.strip() == "all":
        return Shape(None, {name: Shape() for name in resource.children})
    return Shape(None, _expanded([part.strip().split(".") for part in text.split(",") if part.strip()], resource, text))


def _expanded(paths: list[list[str]], resource: Resource, text: str) -> dict[str, Shape]:
    found: dict[str, Shape] = {}
    for name in dict.fromkeys(path[0] for path in paths):
        child = resource.children.get(name)
        if child is None:
            raise Refusal(400, f"URL request parameter expand with value {text[:120]} is not valid.", "JBO-29114")
        found[name] = Shape(None, _expanded([path[1:] for path in paths if path[0] == name and len(path) > 1], child, text))
    return found


def _shape_of_fields(text: str, resource: Resource) -> Shape:
    """`A,B;child:C,D;child.grandchild:E`."""
    own: set[str] = set()
    nested: dict[str, list[str]] = {}
    for part in filter(None, text.split(";")):
        head, sign, rest = part.partition(":")
        if not sign:
            own |= {name.strip() for name in head.split(",") if name.strip()}
            continue
        child, _, deeper = head.strip().partition(".")
        nested.setdefault(child, []).append(f"{deeper}:{rest}" if deeper else rest)
    unknown = [name for name in own if name not in resource.attributes] + [name for name in nested if name not in resource.children]
    if unknown:
        raise Refusal(400, f"{unknown[0]} is not an attribute of {resource.name}.", "JBO-25058", f"/{unknown[0]}")
    return Shape(frozenset(own), {name: _shape_of_fields(";".join(inner), resource.children[name]) for name, inner in nested.items()})

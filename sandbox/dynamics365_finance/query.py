"""Reading entity sets: companies, `$filter`, `$orderby`, `$select`, `$expand`, paging and counting, and addressing one row by its key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.dynamics365_finance.catalogue import NAMESPACE, SETS, EntitySet
from sandbox.dynamics365_finance.errors import VERSION, Refusal, bad_query, not_found
from sandbox.dynamics365_finance.filter import compile_filter, stored
from sandbox.dynamics365_finance.records import key_part
from sandbox.dynamics365_finance.tables import Tables
from sandbox.protocol import Record, Request, Response, json_response

MINIMAL = "application/json; odata.metadata=minimal; odata.streaming=true"
_OPTIONS = frozenset({"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$skiptoken", "$count", "$format"})
_KEY = re.compile(r"\s*(?:(\w+)\s*=\s*)?(?:'((?:[^']|'')*)'|([^',\s]+))\s*(?:,|$)")
_EXPAND = re.compile(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*(?:,|$)")
Shape = Callable[[Record], Record]


@dataclass(frozen=True)
class Pages:
    default_company: str
    largest: int


class Reader:
    def __init__(self, tables: Tables, pages: Pages) -> None:
        self._tables, self._pages = tables, pages

    def collection(self, request: Request, entity: EntitySet) -> Response:
        options = _options(request)
        wanted = self._chosen(request, entity, options)
        total = len(wanted)
        wanted = [record for record in wanted if not record["_"]["hidden"]]
        if "$orderby" in options:
            wanted = _ordered(wanted, options["$orderby"], entity)
        skip = _whole(options, "$skip") or _token(options)
        top = _whole(options, "$top") if "$top" in options else None
        size = min(_preferred(request) or self._pages.largest, self._pages.largest)
        page = wanted[skip:skip + (size if top is None else min(top, size))]
        shape = self._shape(entity, options)
        content: dict[str, Any] = {"@odata.context": f"{request.base_url}/data/$metadata#{entity.name}{_context(options)}"}
        if _flag(options, "$count"):
            content["@odata.count"] = total
        content["value"] = [shape(record) for record in page]
        left = len(wanted) - skip - len(page)
        if page and left > 0 and (top is None or len(page) < top <= self._pages.largest):
            content["@odata.nextLink"] = _next_link(request, skip + len(page), None if top is None else top - len(page))
        return json_response(content, headers=VERSION, is_write=False, content_type=MINIMAL)

    def count(self, request: Request, entity: EntitySet) -> Response:
        options = _options(request)
        if set(options) - {"$filter"}:
            raise bad_query(f"The query option '{sorted(set(options) - {'$filter'})[0]}' is not allowed with $count.")
        number = len(self._chosen(request, entity, options))
        return Response(200, str(number).encode(), {"content-type": "text/plain", **VERSION}, is_write=False)

    def one(self, request: Request, entity: EntitySet, key: str) -> Response:
        options = _options(request)
        if set(options) - {"$select", "$expand", "$format"}:
            raise bad_query(f"The query option '{sorted(set(options) - {'$select', '$expand', '$format'})[0]}' cannot be applied to one entity.")
        record = self.addressed(request, entity, key)[1]
        row = self._shape(entity, options)(record)
        context = {"@odata.context": f"{request.base_url}/data/$metadata#{entity.name}{_context(options)}/$entity"}
        return json_response({**context, **row}, headers={**VERSION, "etag": row["@odata.etag"]}, is_write=False, content_type=MINIMAL)

    def addressed(self, request: Request, entity: EntitySet, key: str) -> tuple[str, Record]:
        """The stored id and record that a key names, seen from the caller's company."""
        values = key_values(entity, key)
        if entity.is_primary:
            found = self._tables.find(entity.collection, "|".join(key_part(values[name]) for name in entity.key))
        else:
            getters = {name: stored(entity.properties[name]) for name in entity.key}
            direct = all(entity.properties[name].source == name for name in entity.key)
            if direct and entity.key == SETS[entity.collection].key:
                found = self._tables.find(entity.collection, "|".join(key_part(values[name]) for name in entity.key))
            else:
                found = next(((_id(entity, record), record) for record in self._tables.rows(entity.collection) if all(
                    key_part(get(record)).casefold() == key_part(values[name]).casefold() for name, get in getters.items())), None)
        if found is None or not self._is_ours(request, entity, found[1]):
            raise not_found(f"{request.base_url}{request.path}")
        return found

    def _is_ours(self, request: Request, entity: EntitySet, record: Record) -> bool:
        return not entity.by_company or crosses(request) or record["dataAreaId"] == self._pages.default_company

    def _chosen(self, request: Request, entity: EntitySet, options: Mapping[str, str]) -> list[Record]:
        rows = self._tables.rows(entity.collection)
        if entity.by_company and not crosses(request):
            own = self._pages.default_company
            rows = [record for record in rows if record["dataAreaId"] == own]
        if "$filter" in options:
            test = compile_filter(options["$filter"], entity)
            rows = [record for record in rows if test(record)]
        return rows

    # shapes

    def _shape(self, entity: EntitySet, options: Mapping[str, str]) -> Shape:
        plain = shape_of(entity, options.get("$select", ""))
        expanded = [self._expansion(entity, *one) for one in _expansions(options.get("$expand", ""))]
        if not expanded:
            return plain

        def shape(record: Record) -> Record:
            row = plain(record)
            for name, inner in expanded:
                row[name] = inner(record)
            return row
        return shape

    def _expansion(self, entity: EntitySet, name: str, inner: str) -> tuple[str, Callable[[Record], Any]]:
        navigation = entity.navigations.get(name)
        if navigation is None:
            raise bad_query(f"Could not find a property named '{name}' on type '{NAMESPACE}.{entity.entity}'.")
        target = SETS[navigation.target]
        select = ""
        for option in filter(None, inner.split(";")):
            word, _, value = option.strip().partition("=")
            if word != "$select":
                raise bad_query(f"The query option '{word}' is not supported inside $expand.")
            select = value
        shape = shape_of(target, select)
        names = tuple(navigation.match)
        own = tuple(navigation.match.values())

        def members(record: Record) -> Any:
            found = [shape(other) for other in self._tables.related(target.collection, names, tuple(record.get(name) for name in own))
                     if not other["_"]["hidden"]]
            return found if navigation.is_many else (found[0] if found else None)
        return name, members


def shape_of(entity: EntitySet, select: str) -> Shape:
    """Stored record -> row. A primary set's row is its record; `$select` keeps the ETag all the same."""
    names = [name.strip() for name in select.split(",") if name.strip()]
    if (not names or "*" in names) and entity.is_primary:
        beside = [(name, stored(prop)) for name, prop in entity.properties.items() if prop.source != name]
        bare: Record = {"@odata.etag": "", **{name: prop.nothing for name, prop in entity.properties.items() if prop.is_bare}}

        def whole(record: Record) -> Record:
            row = {**bare, **record}
            del row["_"]
            for name, get in beside:
                row[name] = get(record)
            return row
        return whole
    for name in names:
        if name not in entity.properties and name != "*" and name not in entity.navigations:
            raise bad_query(f"Could not find a property named '{name}' on type '{NAMESPACE}.{entity.entity}'.")
    shown = [name for name in entity.properties if not names or "*" in names or name in names]
    getters = [(name, stored(entity.properties[name])) for name in shown]
    return lambda record: {"@odata.etag": record["@odata.etag"], **{name: get(record) for name, get in getters}}


def key_values(entity: EntitySet, text: str) -> dict[str, Any]:
    """The values of a key predicate; every field of the key must be named, unless there is only one."""
    found: dict[str, Any] = {}
    position = 0
    while position < len(text):
        match = _KEY.match(text, position)
        if match is None:
            raise bad_query(f"The key in '{entity.name}({text})' is not well formed.")
        name = match[1] or (entity.key[0] if len(entity.key) == 1 else "")
        prop = entity.properties.get(name)
        if name not in entity.key or prop is None or name in found:
            raise bad_query(f"The key in '{entity.name}({text})' does not fit: its fields are {', '.join(entity.key)}.")
        if (prop.kind == "s") != (match[2] is not None):
            raise bad_query(f"The value of '{name}' in the key is not of type {prop.edm}.")
        found[name] = match[2].replace("''", "'") if match[2] is not None else _unquoted(prop.kind, match[3])
        position = match.end()
    if set(found) != set(entity.key):
        raise bad_query(f"The number of keys specified in the URI does not match number of key properties for the resource '{NAMESPACE}."
                        f"{entity.entity}'.")
    return found


def _unquoted(kind: str, text: str) -> Any:
    if kind == "dto":
        return text
    try:
        return int(text) if kind in ("i32", "i64") else float(text)
    except ValueError as problem:
        raise bad_query(f"'{text}' is no key value.") from problem


def _id(entity: EntitySet, record: Record) -> str:
    return "|".join(key_part(record.get(name)) for name in SETS[entity.collection].key)


def crosses(request: Request) -> bool:
    text = next((value for name, value in request.query if name.casefold() == "cross-company"), "false")
    if text.casefold() not in ("true", "false"):
        raise bad_query("The value of cross-company must be true or false.")
    return text.casefold() == "true"


def _options(request: Request) -> dict[str, str]:
    """The system query options; unknown ones are refused, custom ones are nobody's business."""
    found: dict[str, str] = {}
    for name, value in request.query:
        if not name.startswith("$"):
            continue
        if name not in _OPTIONS:
            raise bad_query(f"The query parameter '{name}' is not supported.")
        if name in found:
            raise bad_query(f"Query option '{name}' was specified more than once, but it must be specified at most once.")
        found[name] = value
    if found.get("$format", "json") not in ("json", "application/json", "application/json;odata.metadata=minimal"):
        raise Refusal(406, "The format is not supported.")
    return found


def _whole(options: Mapping[str, str], name: str) -> int:
    text = options.get(name, "0")
    if not text.isascii() or not text.isdigit():
        raise bad_query(f"Invalid value '{text}' for {name} query option found. The {name} query option requires a non-negative integer value.")
    return int(text)


def _token(options: Mapping[str, str]) -> int:
    return _whole(options, "$skiptoken") if "$skiptoken" in options else 0


def _flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "false")
    if text not in ("true", "false"):
        raise bad_query(f"Invalid value '{text}' for {name} query option found. Valid values are 'true' and 'false'.")
    return text == "true"


def _preferred(request: Request) -> int:
    match = re.search(r"(?:odata\.)?maxpagesize\s*=\s*(\d+)", request.headers.get("prefer", ""))
    return int(match[1]) if match else 0


def _ordered(rows: list[Record], text: str, entity: EntitySet) -> list[Record]:
    for part in reversed(text.split(",")):
        words = part.split()
        if not words or len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise bad_query(f"Syntax error in $orderby '{text}'.")
        prop = entity.properties.get(words[0])
        if prop is None:
            raise bad_query(f"Could not find a property named '{words[0]}' on type '{NAMESPACE}.{entity.entity}'.")
        get = stored(prop)
        is_text = prop.kind == "s" or prop.is_enum

        def value(record: Record, get: Callable[[Record], Any] = get, is_text: bool = is_text) -> Any:
            found = get(record)
            return (found is not None, str(found or "").casefold() if is_text else found or 0) if not isinstance(found, str) or is_text else (
                True, found)
        rows = sorted(rows, key=value, reverse=words[-1] == "desc")
    return rows


def _expansions(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while position < len(text):
        match = _EXPAND.match(text, position)
        if match is None:
            raise bad_query(f"Syntax error in $expand '{text}': only the first level can be expanded.")
        found.append((match[1], match[2] or ""))
        position = match.end()
    return found


def _context(options: Mapping[str, str]) -> str:
    select = options.get("$select", "").replace(" ", "")
    return f"({select})" if select and select != "*" else ""


def _next_link(request: Request, skip: int, top: int | None) -> str:
    query = [(name, value) for name, value in request.query if name not in ("$skip", "$skiptoken", "$top")]
    query += [("$skip", str(skip))] + ([("$top", str(top))] if top is not None else [])
    return f"{request.base_url}{quote(request.path)}?{urlencode(query, safe='$', quote_via=quote)}"

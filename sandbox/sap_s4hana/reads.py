"""Answers to GET: collections with their options and pages, single records, navigations, counts; as JSON or Atom.

Which records there are belongs to `tenant`, the filter language to `query`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

from sandbox.protocol import Record, Request, Response, json_response
from sandbox.sap_s4hana.catalogue import SETS, EntitySet, Navigation, Service
from sandbox.sap_s4hana.errors import BAD_REQUEST, NOT_FOUND, Refusal
from sandbox.sap_s4hana.query import Node, Property, parse_filter, parse_order, predicate, property_of, sort_value
from sandbox.sap_s4hana.tenant import Tenant
from sandbox.sap_s4hana.wire import Unfit, etag, key_uri, literal, milliseconds, split_top, stored_key

_OPTIONS = frozenset({
    "$filter", "$select", "$orderby", "$expand", "$top", "$skip", "$inlinecount", "$skiptoken", "$format", "$search", "$apply", "$deltatoken"})
_REFUSED = frozenset({"$search", "$apply", "$deltatoken"})
JSON_TYPE = "application/json;charset=utf-8"


@dataclass(frozen=True)
class Shape:
    """What of a record is shown: None for everything, and what is expanded with its own shape."""

    select: frozenset[str] | None = None
    expand: dict[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    node: Node | None
    filter_text: str
    order: list[tuple[Property, bool]]
    top: int | None
    skip: int
    token: int
    counts: bool
    shape: Shape


def wants_json(request: Request) -> bool:
    """JSON if it is asked for; Atom otherwise, as the gateway does."""
    shown = request.param("$format")
    if shown is not None:
        if shown not in ("json", "xml", "atom"):
            raise Refusal(400, BAD_REQUEST, f"Format '{shown}' is not supported")
        return shown == "json"
    return any(part.partition(";")[0].strip().lower() in ("application/json", "text/json") for part in request.headers.get("accept", "").split(","))


def check_options(request: Request, allowed: frozenset[str] = _OPTIONS) -> None:
    seen: set[str] = set()
    for name, _ in request.query:
        if not name.startswith("$"):
            continue
        if name not in allowed or name in _REFUSED:
            raise Refusal(400, BAD_REQUEST, f"System query option '{name}' is not supported")
        if name in seen:
            raise Refusal(400, BAD_REQUEST, f"System query option '{name}' is given twice")
        seen.add(name)


def parse_options(request: Request, entity: EntitySet) -> Options:
    check_options(request)
    text = request.param("$filter") or ""
    order = request.param("$orderby")
    counting = request.param("$inlinecount", "none")
    if counting not in ("allpages", "none"):
        raise Refusal(400, BAD_REQUEST, f"Invalid value '{counting}' for $inlinecount")
    return Options(
        parse_filter(entity, text) if text.strip() else None, text, parse_order(entity, order) if order else [],
        _whole(request, "$top"), _whole(request, "$skip") or 0, _whole(request, "$skiptoken") or 0, counting == "allpages",
        parse_shape(entity, request.param("$select"), request.param("$expand")),
    )


def _whole(request: Request, name: str) -> int | None:
    text = request.param(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, BAD_REQUEST, f"Invalid value '{text}' for {name}")
    return int(text)


def parse_shape(entity: EntitySet, select: str | None, expand: str | None) -> Shape:
    chosen = [part.strip() for part in select.split(",") if part.strip()] if select else []
    opened = [part.strip() for part in expand.split(",") if part.strip()] if expand else []
    return _shape(entity, [path.split("/") for path in chosen], [path.split("/") for path in opened], select is not None)


def _shape(entity: EntitySet, chosen: list[list[str]], opened: list[list[str]], selects: bool) -> Shape:
    names: set[str] = set()
    everything = not selects
    for path in chosen:
        if path == ["*"]:
            everything = True
        elif path[0] in entity.navigations:
            names.add(path[0])
        elif len(path) > 1:
            raise Refusal(400, BAD_REQUEST, f"Navigation {path[0]} not found in type {entity.type_name}", path[0])
        else:
            names.add(property_of(entity, path[0]).name)
    expand: dict[str, Shape] = {}
    for name in dict.fromkeys(path[0] for path in opened):
        if name not in entity.navigations:
            raise Refusal(400, BAD_REQUEST, f"Navigation {name} not found in type {entity.type_name}", name)
        if not everything and name not in names:
            continue
        target = SETS[entity.navigations[name].target]
        inner = [path[1:] for path in chosen if path[0] == name and len(path) > 1]
        expand[name] = _shape(target, inner, [path[1:] for path in opened if path[0] == name and len(path) > 1], bool(inner))
    return Shape(None if everything else frozenset(names), expand)


class Reads:
    def __init__(self, tenant: Tenant, page_size: int) -> None:
        self._tenant, self._page_size = tenant, page_size

    # addresses: `A_SalesOrder('1')/to_Item`

    def find(self, entity: EntitySet, key: str) -> Record:
        record = self._tenant.get(entity, parse_key(entity, key))
        if record is None:
            raise Refusal(404, NOT_FOUND, f"Resource not found for segment '{entity.type_name}'")
        return record

    def related(self, entity: EntitySet, record: Record, link: Navigation, service: Service) -> list[Record]:
        target = self.entity(link.target, service)
        shared = link.shared(record)
        return self._tenant.related(target, tuple(shared), tuple(shared.values()))

    def entity(self, name: str, service: Service) -> EntitySet:
        return service.sets.get(name) or SETS[name]

    # answers

    def collection(self, request: Request, service: Service, entity: EntitySet, root: str, within: list[Record] | None = None) -> Response:
        """A set, or the records that a navigation leads to (`within`)."""
        options = parse_options(request, entity)
        start = options.token or options.skip
        left = None if options.top is None else max(options.top - (start - options.skip), 0)
        limit = self._page_size if left is None else min(left, self._page_size)
        if within is None:
            rows = self._tenant.select(entity, options.node, options.filter_text, options.order, start, limit) if limit else []
        else:
            rows = _within(within, options)[start : start + limit + 1]
        more = len(rows) > limit and (left is None or left > limit)
        shown = rows[:limit]
        count = None
        if options.counts:
            count = len(_within(within, options)) if within is not None else self._tenant.count(entity, options.node)
        if not wants_json(request):
            return self._atom(service, entity, root, [self.shown(service, entity, root, row, options.shape) for row in shown], feed=entity.name)
        body: Record = {}
        if count is not None:
            body["__count"] = str(count)
        body["results"] = [self.shown(service, entity, root, row, options.shape) for row in shown]
        if more:
            body["__next"] = _next_link(request, start + limit)
        return json_response({"d": body}, headers={"dataserviceversion": "2.0"}, content_type=JSON_TYPE)

    def single(self, request: Request, service: Service, entity: EntitySet, root: str, record: Record, status: int = 200) -> Response:
        check_options(request, frozenset({"$select", "$expand", "$format"}))
        shape = parse_shape(entity, request.param("$select"), request.param("$expand"))
        version = etag(entity, record)
        shown = self.shown(service, entity, root, record, shape)
        headers = {"dataserviceversion": "2.0", **({"etag": version} if version else {})}
        if not wants_json(request):
            response = self._atom(service, entity, root, [shown], feed="")
            return Response(status, response.body, {**response.headers, **headers})
        return json_response({"d": shown}, status, headers, content_type=JSON_TYPE)

    def property(self, request: Request, entity: EntitySet, record: Record, name: str, raw: bool) -> Response:
        one = property_of(entity, name)
        value = record.get(name, one.unset)
        if raw:
            return Response(200, str("" if value is None else value).encode(), {"content-type": "text/plain;charset=utf-8"})
        return json_response({"d": {one.name: value}}, headers={"dataserviceversion": "2.0"}, content_type=JSON_TYPE)

    def number(self, request: Request, entity: EntitySet, within: list[Record] | None = None) -> Response:
        check_options(request, frozenset({"$filter"}))
        text = request.param("$filter") or ""
        node = parse_filter(entity, text) if text.strip() else None
        count = len(within) if within is not None else self._tenant.count(entity, node)
        return Response(200, str(count).encode(), {"content-type": "text/plain;charset=utf-8"})

    def shown(self, service: Service, entity: EntitySet, root: str, record: Record, shape: Shape) -> Record:
        uri = f"{root}/{key_uri(entity, record)}"
        about: Record = {"id": uri, "uri": uri, "type": f"{service.name}.{entity.type_name}"}
        version = etag(entity, record)
        if version:
            about["etag"] = version
        if shape.select is None:
            found: Record = {"__metadata": about, **entity.further, **record}
            found.pop("_hidden", None)
            if len(entity.properties) < len(SETS[entity.name].properties):  # an older version of the service
                for name in SETS[entity.name].properties.keys() - entity.properties.keys():
                    found.pop(name, None)
            links: Sequence[str] = list(entity.navigations)
        else:
            found = {"__metadata": about, **{
                name: record.get(name, one.unset) for name, one in entity.properties.items() if name in shape.select}}
            links = [name for name in entity.navigations if name in shape.select]
        for name in links:
            if name not in shape.expand:
                found[name] = {"__deferred": {"uri": f"{uri}/{name}"}}
                continue
            link = entity.navigations[name]
            target = self.entity(link.target, service)
            rows = [self.shown(service, target, root, row, shape.expand[name]) for row in self.related(entity, record, link, service)]
            found[name] = {"results": rows} if link.many else (rows[0] if rows else None)
        return found

    # Atom

    def _atom(self, service: Service, entity: EntitySet, root: str, shown: list[Record], feed: str) -> Response:
        spaces = (
            'xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" '
            'xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"')
        entries = [_atom_entry(service, entity, row, "" if feed else f" {spaces}") for row in shown]
        head = '<?xml version="1.0" encoding="utf-8"?>'
        if feed:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            text = (
                f'{head}<feed {spaces} xml:base={quoteattr(root + "/")}><id>{escape(root)}/{feed}</id><title type="text">{feed}</title>'
                f'<updated>{now}</updated><author><name/></author><link href="{feed}" rel="self" title="{feed}"/>{"".join(entries)}</feed>')
            return Response(200, text.encode(), {"content-type": "application/atom+xml;type=feed;charset=utf-8", "dataserviceversion": "2.0"})
        return Response(200, (head + "".join(entries)).encode(), {"content-type": "application/atom+xml;type=entry;charset=utf-8"})


def _atom_entry(service: Service, entity: EntitySet, row: Record, spaces: str) -> str:
    about = row["__metadata"]
    uri = str(about["uri"])
    version = f" m:etag={quoteattr(about['etag'])}" if "etag" in about else ""
    values = []
    links = []
    for name, value in row.items():
        if name in entity.navigations:
            kind = "feed" if entity.navigations[name].many else "entry"
            related = f"http://schemas.microsoft.com/ado/2007/08/dataservices/related/{name}"
            links.append(f'<link href="{escape(uri)}/{name}" rel="{related}" type="application/atom+xml;type={kind}" title="{name}"/>')
        elif name != "__metadata":
            values.append(_atom_value(name, entity.properties.get(name), value))
    return (
        f'<entry{spaces}{version}><id>{escape(uri)}</id><title type="text">{entity.name}</title>'
        f'<category term="{service.name}.{entity.type_name}" scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme"/>'
        f'{"".join(links)}<content type="application/xml"><m:properties>{"".join(values)}</m:properties></content></entry>')


def _atom_value(name: str, one: Property | None, value: Any) -> str:
    if value is None:
        return f'<d:{name} m:null="true"/>'
    if one is not None and one.kind in ("date", "dto") and isinstance(value, str):
        at = datetime.fromtimestamp(milliseconds(value) / 1000, UTC)
        value = at.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if one.kind == "dto" else "")
    if isinstance(value, bool):
        value = "true" if value else "false"
    return f"<d:{name}>{escape(str(value))}</d:{name}>"


def _within(rows: list[Record] | None, options: Options) -> list[Record]:
    found = list(rows or ())
    if options.node is not None:
        test = predicate(options.node)
        found = [row for row in found if test(row)]
    for one, down in reversed(options.order):
        found.sort(key=lambda row, one=one: sort_value(one, row), reverse=down)  # type: ignore[misc]
    return found


def _next_link(request: Request, token: int) -> str:
    query = [(name, value) for name, value in request.query if name != "$skiptoken"] + [("$skiptoken", str(token))]
    return f"{request.base_url}{quote(request.path, safe='/;=(),$~')}?{urlencode(query, quote_via=quote, safe='$')}".replace("%27", "'")


def parse_key(entity: EntitySet, text: str) -> Record:
    """`'1'` or `SalesOrder='1',SalesOrderItem='10'` -> the key's properties in the form that they are kept in."""
    parts = split_top(text)
    named: dict[str, str] = {}
    for part in parts:
        name, sign, value = part.partition("=")
        if part.strip().startswith("'") or not sign:
            name, value = "", part
        named[name.strip()] = value.strip()
    if list(named) == [""] and len(entity.key) == 1:
        named = {entity.key[0]: named[""]}
    if set(named) != set(entity.key):
        raise Refusal(400, BAD_REQUEST, f"Invalid key predicate type for segment '{entity.name}'; its key is {', '.join(entity.key)}")
    found: Record = {}
    for name, value in named.items():
        one = entity.properties[name]
        try:
            parsed = literal(one, value)
        except Unfit:
            raise Refusal(400, BAD_REQUEST, f"Invalid key value {value} for property {name}", name) from None
        if one.kind == "date":
            parsed = f"/Date({parsed})/"
        elif one.kind == "dto":
            parsed = f"/Date({parsed}+0000)/"
        found[name] = stored_key(one, parsed) if one.kind == "s" else parsed
    return found

"""Rows as Fusion answers them: nulls filled in, links, nested children, envelopes, change indicators, hash keys. No routing here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from sandbox.oracle_fusion.asked import Asked, Shape
from sandbox.oracle_fusion.catalogue import Resource

Record = dict[str, Any]
Members = Callable[[Resource, Record, str], Sequence[Record]]  # a record's rows of a child
_PRIVATE = ("_hidden", "_account")


def change_indicator(record: Mapping[str, Any]) -> str:
    return "ACED0005" + hashlib.sha1(orjson.dumps(record, default=str), usedforsecurity=False).hexdigest().upper()


def address_key(resource: Resource, record: Mapping[str, Any]) -> str:
    """What stands in a row's address: its key attribute, or a hash of what tells it apart."""
    if resource.key:
        return str(record.get(resource.key))
    told = "|".join(str(record.get(name)) for name in resource.id)
    return "00020000000EACED" + hashlib.sha256(f"{resource.name}|{told}".encode()).hexdigest().upper()[:48]


class Answers:
    """`expanded_limit`: rows of a child that are nested at most. `unseen`: "resource.Attribute" that the caller's role does not see."""

    def __init__(self, members: Members, expanded_limit: int, unseen: frozenset[str]) -> None:
        self._members, self._expanded_limit, self._unseen = members, expanded_limit, unseen
        self._templates: dict[int, tuple[Record, tuple[str, ...]]] = {}

    def unseen(self, resource: Resource, attribute: str) -> bool:
        return f"{resource.name}.{attribute}" in self._unseen

    def item(self, resource: Resource, record: Record, href: str, asked: Asked, shape: Shape, parent: str = "") -> Record:
        """`href`: the address of the collection that holds the row; `parent`: of the row that holds that collection."""
        template, drop = self._template(resource)
        if shape.fields is None:
            body = {**template, **record}
            for name in drop:
                body.pop(name, None)
        else:
            body = {name: record.get(name) for name in resource.attributes if name in shape.fields and name in template}
        own = f"{href}/{quote(address_key(resource, record), safe=':')}"
        for name, inner in shape.children.items():
            body[name] = self._nested(resource, record, resource.children[name], f"{own}/child/{name}", asked, inner, own)
        if not asked.only_data:
            links: list[Record] = [
                {"rel": "self", "href": own, "name": resource.name, "kind": "item", "properties": {"changeIndicator": change_indicator(record)}},
                {"rel": "canonical", "href": own, "name": resource.name, "kind": "item"},
            ]
            if parent:
                links.append({"rel": "parent", "href": parent, "name": parent.rsplit("/", 2)[-2], "kind": "item"})
            links += [{"rel": "child", "href": f"{own}/child/{name}", "name": name, "kind": "collection"} for name in resource.children]
            links += [{"rel": "action", "href": f"{own}/action/{name}", "name": name, "kind": "other"} for name in sorted(resource.actions)]
            body["links"] = [link for link in links if asked.rels is None or link["rel"] in asked.rels]
        return body

    def _nested(
        self, resource: Resource, record: Record, child: Resource, href: str, asked: Asked, shape: Shape, own: str,
    ) -> Any:
        members = self._members(resource, record, child.name)
        shown = [self.item(child, member, href, asked, shape, own) for member in members[: self._expanded_limit]]
        if asked.version < 3:
            return shown
        return self.envelope(child, shown, href, asked, len(members) > len(shown), self._expanded_limit, 0, None)

    def envelope(
        self, resource: Resource, items: list[Record], href: str, asked: Asked, has_more: bool, limit: int, offset: int, total: int | None,
    ) -> Record:
        content: Record = {"items": items}
        if total is not None:
            content["totalResults"] = total
        content |= {"count": len(items), "hasMore": has_more, "limit": limit, "offset": offset}
        content["links"] = [{"rel": "self", "href": href, "name": resource.name, "kind": "collection"}]
        return content

    def _template(self, resource: Resource) -> tuple[Record, tuple[str, ...]]:
        held = self._templates.get(id(resource))
        if held is None:
            hidden = [name for name in resource.attributes if self.unseen(resource, name)]
            held = dict.fromkeys(name for name in resource.attributes if name not in hidden), (*_PRIVATE, *resource.children, *hidden)
            self._templates[id(resource)] = held
        return held


def description(resource: Resource, href: str, unseen: Callable[[Resource, str], bool]) -> Record:
    """What `describe` says of a resource."""
    types = {"s": "string", "i": "integer", "n": "number", "b": "boolean", "d": "date", "dt": "datetime"}
    attributes = [{
        "name": name, "type": types[attribute.kind], "updatable": attribute.writable, "mandatory": name in resource.required or name in resource.id,
        "queryable": attribute.queryable, "allowChanges": "always" if attribute.writable else "never",
    } for name, attribute in resource.attributes.items() if not unseen(resource, name)]
    finders = [{
        "name": name, "title": name, "attributes": [{"name": variable, "type": "string", "required": "false"} for variable in variables],
    } for name, variables in resource.finders.items()]
    verbs = [("create", "POST"), ("update", "PATCH"), ("delete", "DELETE")]
    return {
        "discrColumnType": False, "title": resource.name, "titlePlural": resource.name, "attributes": attributes,
        "collection": {
            "rangeSize": 25, "finders": finders, "links": [{"rel": "self", "href": href, "name": "self", "kind": "collection"}],
            "actions": [{"name": "get", "method": "GET"}, *({"name": name, "method": verb} for name, verb in verbs[:1] if verb in resource.methods)],
        },
        "item": {
            "links": [{"rel": "child", "href": f"{href}/{{id}}/child/{name}", "name": name, "kind": "collection"} for name in resource.children],
            "actions": [
                {"name": "get", "method": "GET"}, *({"name": name, "method": verb} for name, verb in verbs[1:] if verb in resource.methods),
                *({"name": name, "method": "POST", "kind": "other"} for name in sorted(resource.actions))],
        },
        "children": {name: description(child, f"{href}/{{id}}/child/{name}", unseen) for name, child in resource.children.items()},
        "links": [{"rel": "self", "href": f"{href}/describe", "name": "self", "kind": "describe"},
                  {"rel": "canonical", "href": f"{href}/describe", "name": "canonical", "kind": "describe"}],
    }

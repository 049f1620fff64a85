"""What an object and a field of the Salesforce stand-in are: their properties and the words to declare them.

Does not belong here: which objects there are (party_objects, sales_objects, service_objects), how they are described to clients
(describe), rows, queries and HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Field:
    name: str
    type: str  # id, string, textarea, reference, picklist, boolean, currency, double, percent, int, date, datetime, address, ...
    length: int = 0
    required: bool = False
    writable: bool = True
    create_only: bool = False
    external_id: bool = False
    target: str = ""  # object that a reference points to
    also: tuple[str, ...] = ()  # further objects that it may point to (an owner is a user or a queue)
    relationship: str = ""
    values: tuple[str, ...] = ()
    restricted: bool = False
    scale: int = 0
    default: Any = None
    calculated: bool = False

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def text(self) -> bool:
        return self.type in ("string", "textarea", "picklist", "multipicklist", "email", "phone", "url")

    @property
    def filterable(self) -> bool:
        return self.type not in ("address", "anyType") and not (self.type == "textarea" and self.length > 255)

    @property
    def number(self) -> bool:
        return self.type in ("currency", "double", "percent", "int")


@dataclass(frozen=True)
class Child:
    relationship: str
    object: str
    field: str
    cascade: bool = False


@dataclass(frozen=True)
class SObject:
    name: str
    prefix: str
    fields: dict[str, Field]  # by lower-case name, in the order of describe
    children: tuple[Child, ...] = ()
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    has_trash: bool = True
    plural: str = ""

    def field(self, name: str) -> Field | None:
        return self.fields.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        wanted = name.lower()
        return next((item for item in self.fields.values() if item.relationship and item.relationship.lower() == wanted), None)


def text(name: str, length: int = 255, **more: Any) -> Field:
    return Field(name, more.pop("type", "string"), length=length, **more)


def reference(name: str, target: str, **more: Any) -> Field:
    stem = name.removesuffix("Id")
    return Field(name, "reference", length=18, target=target, relationship=more.pop("relationship", stem), **more)


def money(name: str, **more: Any) -> Field:
    return Field(name, "currency", scale=more.pop("scale", 2), **more)


def flag(name: str, **more: Any) -> Field:
    return Field(name, "boolean", default=more.pop("default", False), **more)


def pick(name: str, values: Iterable[str], **more: Any) -> Field:
    return Field(name, "picklist", length=255, values=tuple(values), **more)


def address(prefix: str) -> list[Field]:
    parts = [
        text(f"{prefix}Street", type="textarea"),
        text(f"{prefix}City", 40),
        text(f"{prefix}State", 80),
        text(f"{prefix}PostalCode", 20),
        text(f"{prefix}Country", 80),
        Field(f"{prefix}Latitude", "double", scale=15),
        Field(f"{prefix}Longitude", "double", scale=15),
        pick(f"{prefix}GeocodeAccuracy", ("Address", "NearAddress", "Block", "Street", "Zip", "City", "State", "Unknown")),
        Field(f"{prefix}Address", "address", writable=False),
    ]
    return parts


def _system(has_trash: bool) -> list[Field]:
    fields = [Field("Id", "id", length=18, writable=False)]
    if has_trash:
        fields.append(flag("IsDeleted", writable=False))
    return fields


_TRAIL = {
    "CreatedDate": Field("CreatedDate", "datetime", writable=False),
    "CreatedById": reference("CreatedById", "User", writable=False, relationship="CreatedBy"),
    "LastModifiedDate": Field("LastModifiedDate", "datetime", writable=False),
    "LastModifiedById": reference("LastModifiedById", "User", writable=False, relationship="LastModifiedBy"),
    "SystemModstamp": Field("SystemModstamp", "datetime", writable=False),
}


def sobject(name: str, prefix: str, fields: list[Field], *, trail: Iterable[str] = tuple(_TRAIL), **more: Any) -> SObject:
    """`trail`: the stamps that the object has; histories know only when and by whom they were made."""
    has_trash = more.get("has_trash", True)
    every = [*_system(has_trash), *fields, *(_TRAIL[stamp] for stamp in trail)]
    return SObject(name, prefix, {item.name.lower(): item for item in every}, **more)


def read_only(name: str, prefix: str, fields: list[Field], **more: Any) -> SObject:
    """An object of the org's set-up: clients read it and leave it alone."""
    return sobject(name, prefix, fields, createable=False, updateable=False, deletable=False, **{"has_trash": False, **more})


@dataclass
class Catalogue:
    """The objects of one org. `restrict` names fields that the integration user may not see ("Account.Tax_Id__c")."""

    objects: dict[str, SObject] = field(default_factory=dict)
    restrict: frozenset[str] = frozenset()
    extensions: Callable[[str], dict[str, str]] = lambda name: {}  # object name -> field name -> type, fields found in the data
    _merged: dict[str, tuple[int, SObject]] = field(default_factory=dict)

    def get(self, name: str) -> SObject | None:
        base = self.objects.get(name.lower())
        if base is None:
            return None
        found = self.extensions(base.name)
        if not found:
            return base
        cached = self._merged.get(base.name)
        if cached is not None and cached[0] == len(found):
            return cached[1]
        fields = dict(base.fields)
        for column, kind in found.items():
            known = fields.get(column.lower())
            length = 255 if kind == "string" else 0
            fields[column.lower()] = (
                Field(column, kind, length=length) if known is None else replace(known, type=kind, length=length, values=(), target="")
            )
        merged = replace(base, fields=fields)
        self._merged[base.name] = (len(found), merged)
        return merged

    def names(self) -> list[str]:
        return sorted(item.name for item in self.objects.values())

    def by_prefix(self, prefix: str) -> SObject | None:
        return next((item for item in self.objects.values() if item.prefix == prefix), None)

"""How the environment describes itself: the service document, the CSDL and the JSON metadata of the public entities."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any
from xml.sax.saxutils import quoteattr

from sandbox.dynamics365_finance.catalogue import NAMESPACE, SETS, EntitySet
from sandbox.dynamics365_finance.enumerations import ENUMS


def service_document(base_url: str, names: Collection[str]) -> dict[str, Any]:
    return {
        "@odata.context": f"{base_url}/data/$metadata",
        "value": [{"name": name, "kind": "EntitySet", "url": name} for name in sorted(names)],
    }


@cache
def csdl(names: frozenset[str]) -> bytes:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">',
             "<edmx:DataServices>", f'<Schema Namespace="{NAMESPACE}" xmlns="http://docs.oasis-open.org/odata/ns/edm">']
    for name, members in ENUMS.items():
        lines.append(f"<EnumType Name={quoteattr(name)}>")
        lines += [f'<Member Name={quoteattr(member)} Value="{number}"/>' for member, number in members.items()]
        lines.append("</EnumType>")
    chosen = [SETS[name] for name in sorted(names)]
    for entity in chosen:
        lines.append(f"<EntityType Name={quoteattr(entity.entity)}><Key>")
        lines += [f"<PropertyRef Name={quoteattr(name)}/>" for name in entity.key]
        lines.append("</Key>")
        for prop in entity.properties.values():
            required = "" if prop.name not in entity.key and (prop.kind == "s" or prop.is_enum) else ' Nullable="false"'
            lines.append(f"<Property Name={quoteattr(prop.name)} Type={quoteattr(prop.edm)}{required}/>")
        for name, navigation in entity.navigations.items():
            type_ = f"{NAMESPACE}.{SETS[navigation.target].entity}"
            shown = f"Collection({type_})" if navigation.is_many else type_
            lines.append(f"<NavigationProperty Name={quoteattr(name)} Type={quoteattr(shown)}/>")
        lines.append("</EntityType>")
    lines.append('<EntityContainer Name="Resources">')
    for entity in chosen:
        bindings = "".join(
            f"<NavigationPropertyBinding Path={quoteattr(name)} Target={quoteattr(navigation.target)}/>"
            for name, navigation in entity.navigations.items())
        lines.append(f"<EntitySet Name={quoteattr(entity.name)} EntityType={quoteattr(f'{NAMESPACE}.{entity.entity}')}>{bindings}</EntitySet>")
    lines += ["</EntityContainer>", "</Schema>", "</edmx:DataServices>", "</edmx:Edmx>"]
    return "\n".join(lines).encode()


def public_entity(entity: EntitySet) -> dict[str, Any]:
    return {
        "Name": entity.entity, "EntitySetName": entity.name, "LabelId": "", "IsReadOnly": not entity.is_writable,
        "Properties": [
            {
                "Name": prop.name, "TypeName": prop.edm, "DataType": "Enum" if prop.is_enum else prop.edm.removeprefix("Edm."),
                "IsKey": prop.name in entity.key, "IsMandatory": prop.name in entity.required,
                "AllowEdit": entity.is_writable and prop.name not in entity.key and not prop.source.startswith("_"),
            } for prop in entity.properties.values()
        ],
        "NavigationProperties": [
            {"Name": name, "RelatedEntity": SETS[navigation.target].entity, "Cardinality": "Multiple" if navigation.is_many else "Single"}
            for name, navigation in entity.navigations.items()
        ],
        "Actions": [],
    }


def data_entity(entity: EntitySet) -> dict[str, Any]:
    return {
        "Name": entity.table, "PublicEntityName": entity.entity, "PublicCollectionName": entity.name, "LabelId": "",
        "DataServiceEnabled": True, "DataManagementEnabled": True, "EntityCategory": "Master", "IsReadOnly": not entity.is_writable,
    }


def public_enumeration(name: str) -> dict[str, Any]:
    return {"Name": name, "LabelId": "", "Members": [
        {"Name": member, "Value": number, "LabelId": "", "ConfigurationEnabled": True} for member, number in ENUMS[name].items()]}

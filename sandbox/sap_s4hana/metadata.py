"""What a service says of itself: the service document and $metadata."""

from __future__ import annotations

from xml.sax.saxutils import escape

from sandbox.protocol import Response, json_response
from sandbox.sap_s4hana.catalogue import EntitySet, Property, Service
from sandbox.sap_s4hana.reads import JSON_TYPE

_XML = '<?xml version="1.0" encoding="utf-8"?>'


def service_document(service: Service, root: str, as_json: bool) -> Response:
    names = [entity.name for entity in service.sets.values() if entity.addressable]
    if as_json:
        return json_response({"d": {"EntitySets": names}}, headers={"dataserviceversion": "1.0"}, content_type=JSON_TYPE)
    inner = "".join(f'<app:collection href="{name}"><atom:title type="text">{name}</atom:title></app:collection>' for name in names)
    text = (
        f'{_XML}<app:service xml:lang="en" xml:base="{escape(root)}/" xmlns:app="http://www.w3.org/2007/app" '
        'xmlns:atom="http://www.w3.org/2005/Atom"><app:workspace><atom:title type="text">Data</atom:title>'
        f'{inner}</app:workspace></app:service>')
    return Response(200, text.encode(), {"content-type": "application/atomsvc+xml;charset=utf-8", "dataserviceversion": "1.0"})


def metadata(service: Service) -> Response:
    return Response(200, _schema(service).encode(), {"content-type": "application/xml;charset=utf-8", "dataserviceversion": "2.0"})


def _schema(service: Service) -> str:
    types = "".join(_type(service, entity) for entity in service.sets.values())
    associations, links = [], []
    for entity in service.sets.values():
        for link in entity.navigations.values():
            if link.target not in service.sets:
                continue
            name = f"{entity.name}_{link.name}"
            ours, theirs = f"From_{name}", f"To_{name}"
            many = "*" if link.many else "0..1"
            associations.append(
                f'<Association Name="{name}"><End Type="{service.name}.{entity.type_name}" Multiplicity="1" Role="{ours}"/>'
                f'<End Type="{service.name}.{service.sets[link.target].type_name}" Multiplicity="{many}" Role="{theirs}"/></Association>')
            links.append(
                f'<AssociationSet Name="{name}_Set" Association="{service.name}.{name}"><End EntitySet="{entity.name}" Role="{ours}"/>'
                f'<End EntitySet="{link.target}" Role="{theirs}"/></AssociationSet>')
    sets = "".join(_entity_set(service, entity) for entity in service.sets.values())
    functions = "".join(
        f'<FunctionImport Name="{one.name}" m:HttpMethod="{one.verb}"'
        + (f' ReturnType="{service.name}.{service.sets[one.returns].type_name}" EntitySet="{one.returns}"' if one.returns in service.sets else "")
        + ">" + "".join(f'<Parameter Name="{name}" Type="Edm.{"DateTime" if name.endswith("Date") else "String"}" Mode="In"/>' for name in one.parameters)
        + "</FunctionImport>" for one in service.functions.values())
    return (
        f'{_XML}<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" '
        'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" xmlns:sap="http://www.sap.com/Protocols/SAPData">'
        f'<edmx:DataServices m:DataServiceVersion="2.0"><Schema Namespace="{service.name}" xml:lang="en" sap:schema-version="1" '
        f'xmlns="http://schemas.microsoft.com/ado/2008/09/edm">{types}{"".join(associations)}'
        f'<EntityContainer Name="{service.name}_Entities" m:IsDefaultEntityContainer="true">{sets}{"".join(links)}{functions}'
        '</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>')


def _type(service: Service, entity: EntitySet) -> str:
    keys = "".join(f'<PropertyRef Name="{name}"/>' for name in entity.key)
    properties = "".join(_property(entity, one) for one in entity.properties.values())
    links = "".join(
        f'<NavigationProperty Name="{link.name}" Relationship="{service.name}.{entity.name}_{link.name}" '
        f'FromRole="From_{entity.name}_{link.name}" ToRole="To_{entity.name}_{link.name}"/>'
        for link in entity.navigations.values() if link.target in service.sets)
    return f'<EntityType Name="{entity.type_name}" sap:content-version="1"><Key>{keys}</Key>{properties}{links}</EntityType>'


def _property(entity: EntitySet, one: Property) -> str:
    marks = ' Nullable="false"' if one.name in entity.key or one.required else ""
    if one.kind == "s":
        marks += f' MaxLength="{one.length}"'
    elif one.kind == "d":
        marks += f' Precision="{one.length}" Scale="{one.scale}"'
    elif one.kind in ("date", "time"):
        marks += ' Precision="0"' + (' sap:display-format="Date"' if one.kind == "date" else "")
    elif one.kind == "dto":
        marks += ' Precision="7"'
    if one.name == entity.etag:
        marks += ' ConcurrencyMode="Fixed"'
    if not one.writable:
        marks += ' sap:creatable="false" sap:updatable="false"'
    if not one.filterable:
        marks += ' sap:filterable="false"'
    return f'<Property Name="{one.name}" Type="{one.edm}"{marks}/>'


def _entity_set(service: Service, entity: EntitySet) -> str:
    marks = "".join(f' sap:{word}="false"' for verb, word in (("POST", "creatable"), ("PATCH", "updatable"), ("DELETE", "deletable"))
                    if verb not in entity.verbs)
    if not entity.addressable:
        marks += ' sap:addressable="false"'
    return f'<EntitySet Name="{entity.name}" EntityType="{service.name}.{entity.type_name}"{marks} sap:content-version="1"/>'

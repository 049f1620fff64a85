"""How the Salesforce stand-in describes its objects and fields to clients.

Does not belong here: what an object or field is (catalogue).
"""

from __future__ import annotations

from typing import Any

from sandbox.salesforce.catalogue import Field, SObject

_AUTO_NUMBERS = frozenset({"CaseNumber", "ContractNumber", "LineItemNumber", "OrderItemNumber", "OrderNumber"})
_NAME_FIELDS = frozenset({"Name", "CaseNumber", "MasterLabel", "OrderItemNumber", "LineItemNumber"})
_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "anyType": "xsd:anyType",
}


def _label(name: str) -> str:
    return name.removesuffix("__c").replace("_", " ")


def describe_field(item: Field, names: frozenset[str]) -> dict[str, Any]:
    """`names`: all fields of the object."""
    decimal = item.type in ("currency", "double", "percent")
    return {
        "name": item.name,
        "label": _label(item.name),
        "type": item.type,
        "length": item.length,
        "byteLength": item.length * 3,
        "precision": 18 if decimal else 0,
        "scale": item.scale if decimal else 0,
        "digits": 9 if item.type == "int" else 0,
        "nillable": not item.required and item.type not in ("id", "boolean"),
        "createable": item.writable,
        "updateable": item.writable and not item.create_only,
        "calculated": item.calculated,
        "custom": item.custom,
        "externalId": item.external_id,
        "idLookup": item.external_id or item.type == "id",
        "unique": False,
        "filterable": item.filterable,
        "sortable": item.filterable,
        "groupable": item.type not in ("address", "anyType", "currency", "double", "percent", "datetime"),
        "defaultedOnCreate": item.default is not None,
        "defaultValue": item.default,
        "restrictedPicklist": item.restricted,
        "picklistValues": [
            {"active": True, "defaultValue": value == item.default, "label": value, "validFor": None, "value": value} for value in item.values
        ],
        "referenceTo": [item.target, *item.also] if item.target else [],
        "polymorphicForeignKey": bool(item.also),
        "relationshipName": item.relationship or None,
        "soapType": _SOAP_TYPES.get(item.type, "xsd:string"),
        "aggregatable": item.type not in ("address", "anyType", "boolean"),
        "aiPredictionField": False,
        "autoNumber": item.name in _AUTO_NUMBERS,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": _compound(item.name, names),
        "controllerName": None,
        "defaultValueFormula": None,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "extraTypeInfo": None,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "inlineHelpText": None,
        "mask": None,
        "maskType": None,
        "nameField": item.name in _NAME_FIELDS,
        "namePointing": bool(item.also),
        "permissionable": item.writable and not item.required,
        "queryByDistance": False,
        "referenceTargetField": None,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "searchPrefilterable": item.type == "reference",
        "writeRequiresMasterRead": False,
    }


def _compound(name: str, names: frozenset[str]) -> str | None:
    """The compound field that a field is a part of."""
    for part in ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy"):
        if name.endswith(part) and f"{name.removesuffix(part)}Address" in names:
            return f"{name.removesuffix(part)}Address"
    return "Name" if name in ("FirstName", "LastName", "Salutation") and "Name" in names else None


def describe_summary(item: SObject, root: str) -> dict[str, Any]:
    path = f"{root}/sobjects/{item.name}"
    return {
        "name": item.name,
        "label": _label(item.name),
        "labelPlural": item.plural or f"{_label(item.name)}s",
        "keyPrefix": item.prefix,
        "custom": False,
        "createable": item.createable,
        "updateable": item.updateable,
        "deletable": item.deletable,
        "undeletable": item.has_trash,
        "queryable": True,
        "retrieveable": True,
        "replicateable": item.name != "Organization",
        "searchable": item.createable,
        "mergeable": item.name in ("Account", "Contact"),
        "layoutable": item.createable,
        "activateable": False,
        "associateEntityType": "History" if item.name.endswith("History") else None,
        "associateParentEntity": item.name.removesuffix("History") if item.name.endswith("History") else None,
        "customSetting": False,
        "deepCloneable": False,
        "deprecatedAndHidden": False,
        "feedEnabled": item.name in ("Account", "Case", "Contact", "Contract", "Opportunity", "Product2"),
        "hasSubtypes": item.name in ("Account", "Contact"),
        "isInterface": False,
        "isSubtype": False,
        "mruEnabled": item.createable,
        "triggerable": item.createable,
        "urls": {
            "sobject": path,
            "describe": f"{path}/describe",
            "rowTemplate": f"{path}/{{ID}}",
            "layouts": f"{path}/describe/layouts",
            "compactLayouts": f"{path}/describe/compactLayouts",
            "approvalLayouts": f"{path}/describe/approvalLayouts",
            "listviews": f"{path}/listviews",
            "quickActions": f"{path}/quickActions",
        },
    }


def describe(item: SObject, root: str) -> dict[str, Any]:
    children = [
        {
            "relationshipName": child.relationship,
            "childSObject": child.object,
            "field": child.field,
            "cascadeDelete": child.cascade,
            "restrictedDelete": False,
            "deprecatedAndHidden": False,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
        }
        for child in item.children
    ]
    names = frozenset(field.name for field in item.fields.values())
    return {
        **describe_summary(item, root),
        "actionOverrides": [],
        "compactLayoutable": item.createable,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": item.createable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {_label(item.name).lower()}s", "name": "everything"}],
        "childRelationships": children,
        "fields": [describe_field(one, names) for one in item.fields.values()],
    }

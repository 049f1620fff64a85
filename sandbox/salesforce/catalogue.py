"""The object catalogue of the Salesforce stand-in: objects, fields, picklists, and their describe answers.

Belongs here: what exists in the org and which rules a field has. Does not belong here: rows, queries and HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

STAGES: tuple[tuple[str, int, bool, bool, str], ...] = (  # label, probability, closed, won, forecast category
    ("Prospecting", 10, False, False, "Pipeline"),
    ("Qualification", 10, False, False, "Pipeline"),
    ("Needs Analysis", 20, False, False, "Pipeline"),
    ("Value Proposition", 50, False, False, "Pipeline"),
    ("Id. Decision Makers", 60, False, False, "Pipeline"),
    ("Perception Analysis", 70, False, False, "Pipeline"),
    ("Proposal/Price Quote", 75, False, False, "Pipeline"),
    ("Negotiation/Review", 90, False, False, "Pipeline"),
    ("Closed Won", 100, True, True, "Closed"),
    ("Closed Lost", 0, True, False, "Omitted"),
)
CONTRACT_STATUS_CODES = {
    "Draft": "Draft",
    "In Approval Process": "InApproval",
    "Activated": "Activated",
    "Terminated": "Terminated",
    "Expired": "Expired",
}
TIERS = ("Basic", "Standard", "Premium")
_ACCOUNT_TYPES = (
    "Prospect",
    "Customer - Direct",
    "Customer - Channel",
    "Channel Partner / Reseller",
    "Installation Partner",
    "Technology Partner",
    "Other",
)


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
    relationship: str = ""
    values: tuple[str, ...] = ()
    restricted: bool = False
    scale: int = 0
    default: Any = None

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def text(self) -> bool:
        return self.type in ("string", "textarea", "picklist", "email", "phone", "url")

    @property
    def filterable(self) -> bool:
        return self.type != "address" and not (self.type == "textarea" and self.length > 255)

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


def _text(name: str, length: int = 255, **more: Any) -> Field:
    return Field(name, more.pop("type", "string"), length=length, **more)


def _reference(name: str, target: str, **more: Any) -> Field:
    stem = name.removesuffix("Id")
    return Field(name, "reference", length=18, target=target, relationship=more.pop("relationship", stem), **more)


def _money(name: str, **more: Any) -> Field:
    return Field(name, "currency", scale=more.pop("scale", 2), **more)


def _flag(name: str, **more: Any) -> Field:
    return Field(name, "boolean", default=more.pop("default", False), **more)


def _pick(name: str, values: Iterable[str], **more: Any) -> Field:
    return Field(name, "picklist", length=255, values=tuple(values), **more)


def _address(prefix: str) -> list[Field]:
    parts = [
        _text(f"{prefix}Street", type="textarea"),
        _text(f"{prefix}City", 40),
        _text(f"{prefix}State", 80),
        _text(f"{prefix}PostalCode", 20),
        _text(f"{prefix}Country", 80),
        Field(f"{prefix}Latitude", "double", scale=15),
        Field(f"{prefix}Longitude", "double", scale=15),
        Field(f"{prefix}Address", "address", writable=False),
    ]
    return parts


def _system(has_trash: bool) -> list[Field]:
    fields = [Field("Id", "id", length=18, writable=False)]
    if has_trash:
        fields.append(_flag("IsDeleted", writable=False))
    return fields


def _audit() -> list[Field]:
    return [
        Field("CreatedDate", "datetime", writable=False),
        _reference("CreatedById", "User", writable=False),
        Field("LastModifiedDate", "datetime", writable=False),
        _reference("LastModifiedById", "User", writable=False),
        Field("SystemModstamp", "datetime", writable=False),
    ]


def _sobject(name: str, prefix: str, fields: list[Field], **more: Any) -> SObject:
    has_trash = more.get("has_trash", True)
    every = [*_system(has_trash), *fields, *_audit()]
    return SObject(name, prefix, {item.name.lower(): item for item in every}, **more)


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


def catalogue(restrict: frozenset[str], currencies: tuple[str, ...], extensions: Callable[[str], dict[str, str]]) -> Catalogue:
    """The org's objects: the sales objects that Concord reads and the custom fields that its set-up asks for."""
    currency = _pick("CurrencyIsoCode", currencies, restricted=True)
    owner = _reference("OwnerId", "User")
    objects = [
        _sobject(
            "Account",
            "001",
            [
                _reference("MasterRecordId", "Account", writable=False),
                _text("Name", required=True),
                _pick("Type", _ACCOUNT_TYPES),
                _reference("ParentId", "Account"),
                *_address("Billing"),
                *_address("Shipping"),
                _text("Phone", 40, type="phone"),
                _text("Fax", 40, type="phone"),
                _text("AccountNumber", 40),
                _text("Website", type="url"),
                _text("Site", 80),
                _pick("Industry", ()),
                _money("AnnualRevenue"),
                Field("NumberOfEmployees", "int"),
                _pick("Rating", ("Hot", "Warm", "Cold")),
                _text("Description", 32000, type="textarea"),
                _pick("AccountSource", ()),
                _text("DunsNumber", 9),
                owner,
                currency,
                Field("LastActivityDate", "date", writable=False),
                _text("Tax_Id__c", 40),
                _text("ERP_Customer_Id__c", 40, external_id=True),
                _pick("Credit_Status__c", ("OK", "Hold"), restricted=True),
                _money("Credit_Limit__c", scale=3),
                _money("ERP_Balance__c", scale=3),
                _money("Overdue_Amount__c", scale=3),
                Field("Overdue_Days__c", "double"),
                _pick("Entitlement_Tier__c", TIERS, restricted=True),
                Field("Entitlement_Start__c", "date"),
                Field("Entitlement_End__c", "date"),
            ],
            children=(
                Child("ChildAccounts", "Account", "ParentId"),
                Child("Contacts", "Contact", "AccountId", True),
                Child("Opportunities", "Opportunity", "AccountId", True),
                Child("Contracts", "Contract", "AccountId", True),
            ),
        ),
        _sobject(
            "Contact",
            "003",
            [
                _reference("MasterRecordId", "Contact", writable=False),
                _reference("AccountId", "Account"),
                _text("LastName", 80, required=True),
                _text("FirstName", 40),
                _text("Salutation", 40),
                _text("Name", 121, writable=False),
                _text("Title", 128),
                _text("Department", 80),
                _text("Email", 80, type="email"),
                _text("Phone", 40, type="phone"),
                _text("MobilePhone", 40, type="phone"),
                _reference("ReportsToId", "Contact"),
                _pick("LeadSource", ()),
                Field("Birthdate", "date"),
                *_address("Mailing"),
                owner,
                _flag("HasOptedOutOfEmail"),
                _flag("DoNotCall"),
                _text("Description", 32000, type="textarea"),
                currency,
            ],
        ),
        _sobject(
            "User",
            "005",
            [
                _text("Username", 80, required=True),
                _text("LastName", 80),
                _text("FirstName", 40),
                _text("Name", 121, writable=False),
                _text("Email", 128, type="email"),
                _text("Alias", 8),
                _flag("IsActive", default=True),
                _pick("UserType", ("Standard", "AutomatedProcess")),
                _text("TimeZoneSidKey", 40),
                _text("FederationIdentifier", 512),
                _reference("ManagerId", "User"),
            ],
            createable=False,
            updateable=False,
            deletable=False,
            has_trash=False,  # users are switched off, never deleted
        ),
        _sobject(
            "Product2",
            "01t",
            [
                _text("Name", required=True),
                _text("ProductCode"),
                _text("Description", 4000, type="textarea"),
                _flag("IsActive"),
                _pick("Family", ()),
                _text("QuantityUnitOfMeasure", 40),
                _text("StockKeepingUnit", 180),
                _text("ExternalId", 255),
                _text("DisplayUrl", 1000, type="url"),
                _flag("IsArchived", writable=False),
                currency,
            ],
            children=(Child("PricebookEntries", "PricebookEntry", "Product2Id", True),),
        ),
        _sobject(
            "Pricebook2",
            "01s",
            [_text("Name", required=True), _flag("IsActive"), _flag("IsStandard", writable=False), _text("Description", type="textarea")],
            children=(Child("PricebookEntries", "PricebookEntry", "Pricebook2Id", True),),
        ),
        _sobject(
            "PricebookEntry",
            "01u",
            [
                _text("Name", writable=False),
                _reference("Pricebook2Id", "Pricebook2", required=True, create_only=True),
                _reference("Product2Id", "Product2", required=True, create_only=True),
                _money("UnitPrice", required=True),
                _flag("IsActive"),
                _flag("UseStandardPrice"),
                _text("ProductCode", writable=False),
                replace(currency, create_only=True),
            ],
            plural="Price Book Entries",
        ),
        _sobject(
            "Opportunity",
            "006",
            [
                _reference("AccountId", "Account"),
                _text("Name", 120, required=True),
                _text("Description", 32000, type="textarea"),
                _pick("StageName", (stage[0] for stage in STAGES), required=True),
                _money("Amount"),
                Field("Probability", "percent"),
                _money("ExpectedRevenue", writable=False),
                Field("TotalOpportunityQuantity", "double", scale=2),
                Field("CloseDate", "date", required=True),
                _pick("Type", ()),
                _text("NextStep"),
                _pick("LeadSource", ()),
                _flag("IsClosed", writable=False),
                _flag("IsWon", writable=False),
                _pick("ForecastCategory", (), writable=False),
                _pick("ForecastCategoryName", ()),
                _flag("HasOpportunityLineItem", writable=False),
                _reference("Pricebook2Id", "Pricebook2"),
                owner,
                _reference("ContractId", "Contract"),
                currency,
                _text("ERP_Sales_Order_Id__c", 40, external_id=True),
            ],
            children=(Child("OpportunityLineItems", "OpportunityLineItem", "OpportunityId", True),),
            plural="Opportunities",
        ),
        _sobject(
            "OpportunityLineItem",
            "00k",
            [
                _reference("OpportunityId", "Opportunity", required=True, create_only=True),
                Field("SortOrder", "int"),
                _reference("PricebookEntryId", "PricebookEntry", create_only=True),
                _reference("Product2Id", "Product2", create_only=True),
                _text("ProductCode", writable=False),
                _text("Name", 376, writable=False),
                Field("Quantity", "double", scale=2, required=True),
                _money("UnitPrice"),
                _money("ListPrice", writable=False),
                _money("TotalPrice"),
                _money("Subtotal", writable=False),
                Field("Discount", "percent", scale=2),
                Field("ServiceDate", "date"),
                _text("Description"),
                replace(currency, writable=False),
            ],
        ),
        _sobject(
            "OpportunityStage",
            "01J",
            [
                _text("ApiName"),
                _text("MasterLabel"),
                _flag("IsActive"),
                _flag("IsClosed"),
                _flag("IsWon"),
                _pick("ForecastCategory", ()),
                Field("DefaultProbability", "percent"),
                Field("SortOrder", "int"),
            ],
            createable=False,
            updateable=False,
            deletable=False,
            has_trash=False,
        ),
        _sobject(
            "Contract",
            "800",
            [
                _reference("AccountId", "Account", required=True),
                _text("ContractNumber", 30, writable=False),
                _text("Name", 80),
                _pick("Status", CONTRACT_STATUS_CODES, required=True, restricted=True, default="Draft"),
                _pick("StatusCode", CONTRACT_STATUS_CODES.values(), writable=False),
                Field("StartDate", "date"),
                Field("EndDate", "date", writable=False),
                Field("ContractTerm", "int"),
                owner,
                _reference("Pricebook2Id", "Pricebook2"),
                *_address("Billing"),
                _reference("ActivatedById", "User", writable=False),
                Field("ActivatedDate", "datetime", writable=False),
                _text("SpecialTerms", 4000, type="textarea"),
                _text("Description", 32000, type="textarea"),
                currency,
                _pick("Tier__c", TIERS),
                _text("Billing_Subscription_Id__c", 40, external_id=True),
            ],
        ),
        _sobject(
            "Organization",
            "00D",
            [
                _text("Name", 80, writable=False),
                _flag("IsSandbox", writable=False),
                _text("InstanceName", 5, writable=False),
                _text("DefaultCurrencyIsoCode", 3, writable=False),
                _text("TimeZoneSidKey", 40, writable=False),
            ],
            createable=False,
            updateable=False,
            deletable=False,
            has_trash=False,
        ),
    ]
    hidden = {name.lower() for name in restrict}
    kept = {}
    for item in objects:
        fields = {key: value for key, value in item.fields.items() if f"{item.name.lower()}.{key}" not in hidden}
        kept[item.name.lower()] = replace(item, fields=fields)
    return Catalogue(kept, restrict, extensions)


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
}


def _label(name: str) -> str:
    return name.removesuffix("__c").replace("_", " ")


def describe_field(item: Field) -> dict[str, Any]:
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
        "calculated": False,
        "custom": item.custom,
        "externalId": item.external_id,
        "idLookup": item.external_id or item.type == "id",
        "unique": False,
        "filterable": item.filterable,
        "sortable": item.filterable,
        "groupable": item.type not in ("address", "currency", "double", "percent", "datetime"),
        "defaultedOnCreate": item.default is not None,
        "defaultValue": item.default,
        "restrictedPicklist": item.restricted,
        "picklistValues": [
            {"active": True, "defaultValue": value == item.default, "label": value, "value": value} for value in item.values
        ],
        "referenceTo": [item.target] if item.target else [],
        "relationshipName": item.relationship or None,
        "soapType": _SOAP_TYPES.get(item.type, "xsd:string"),
    }


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
        "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": f"{path}/{{ID}}"},
    }


def describe(item: SObject, root: str) -> dict[str, Any]:
    children = [
        {"relationshipName": child.relationship, "childSObject": child.object, "field": child.field, "cascadeDelete": child.cascade}
        for child in item.children
    ]
    return {**describe_summary(item, root), "childRelationships": children, "fields": [describe_field(one) for one in item.fields.values()]}

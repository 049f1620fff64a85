"""The record types of the record service: their fields with types, what must be given, what may be written, and their sublists.

A field's column is where the stored record keeps it. No values, no rendering of world rows and no HTTP here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.netsuite.tables import TABLES


@dataclass(frozen=True)
class Field:
    """One field of a record as the record service shows it. `kind`: s, n, i, b, d, dt, enum, or ref:<record type>."""

    column: str
    kind: str
    writable: bool = True


@dataclass(frozen=True)
class RecordType:
    collection: str
    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    type: str = ""  # a transaction's code, an item's type
    writable: bool = True
    sublists: tuple[str, ...] = ()
    subrecords: tuple[str, ...] = ()
    by_transform: bool = False  # it can only be made out of another record

    def is_filterable(self, field: Field) -> bool:
        return field.column in TABLES[self.collection] and field.column not in _DERIVED


_DERIVED = ("subsidiary", "createdfrom", "subtotal")  # shown in a document, not columns of the header's own table


def _fields(text: str) -> dict[str, Field]:
    """`name:kind[=column][!]` words; the column is the lower-case name unless given, "!" marks a read-only field."""
    fields = {}
    for word in text.split():
        name, _, rest = word.partition(":")
        kind, _, column = rest.rstrip("!").partition("=")
        fields[name] = Field(column or name.lower(), kind, not rest.endswith("!"))
    return fields


_STAMPS = "createdDate:dt! lastModifiedDate:dt! "
_SEGMENTS = "department:ref:department class:ref:classification location:ref:location "
_HEAD = (
    "id:s! tranId:s tranDate:d entity:ref:customer subsidiary:ref:subsidiary currency:ref:currency exchangeRate:n memo:s externalId:s "
    + _SEGMENTS + _STAMPS
)
_MONEY_HEAD = (
    _HEAD + "otherRefNum:s subtotal:n! discountTotal:n! taxTotal:n! total:n=foreigntotal! status:enum! createdFrom:ref:transaction! "
)
_SALE = (
    "terms:ref:term salesRep:ref:employee shipDate:d shipMethod:ref:shipItem=_shipmethod shippingCost:n=_shippingcost "
    "startDate:d=_startdate endDate:d=_enddate billAddress:s=_billaddress! "
)
_BOOKED = "account:ref:account=_account postingPeriod:ref:accountingPeriod=postingperiod! "
_APPLIED = "applied:n=foreignamountpaid! amountPaid:n=foreignamountpaid! amountRemaining:n=foreignamountunpaid! "
_CASH_HEAD = (
    "id:s! tranId:s tranDate:d customer:ref:customer=entity subsidiary:ref:subsidiary currency:ref:currency exchangeRate:n memo:s externalId:s "
    "account:ref:account=_account arAcct:ref:account=_aracct postingPeriod:ref:accountingPeriod=postingperiod! status:enum! "
    "paymentOption:ref:paymentMethod=_paymentoption checkNum:s=_checknum undepFunds:b=_undepfunds "
    + _SEGMENTS + _STAMPS
)
_ITEM = (
    "id:s! itemId:s externalId:s displayName:s description:s=description! salesDescription:s=description basePrice:n itemType:enum=itemtype! "
    "baseUnit:s=_baseunit saleUnit:s=_saleunit costingMethod:enum=_costingmethod averageCost:n=_averagecost! cost:n=_cost "
    "costEstimate:n=_costestimate currency:ref:currency=_currency incomeAccount:ref:account=incomeaccount cogsAccount:ref:account=_cogsaccount "
    "assetAccount:ref:account=assetaccount includeChildren:b=_includechildren isInactive:b isTaxable:b=_istaxable isSerialItem:b=_isserialitem "
    "isLotItem:b=_islotitem " + _SEGMENTS + _STAMPS
)
_CUSTOMER = (
    "id:s! entityId:s externalId:s companyName:s isPerson:b firstName:s lastName:s altName:s! email:s phone:s url:s "
    "parent:ref:customer subsidiary:ref:subsidiary currency:ref:currency terms:ref:term entityStatus:ref:customerStatus=entitystatus "
    "category:ref:customerCategory salesRep:ref:employee creditLimit:n creditHoldOverride:enum accountNumber:s "
    "balance:n=balancesearch! overdueBalance:n=overduebalancesearch! consolBalance:n=consolbalancesearch! "
    "consolOverdueBalance:n=consoloverduebalancesearch! unbilledOrders:n=_unbilledorders! depositBalance:n=_depositbalance! "
    "aging:n=_aging! aging1:n=_aging1! aging2:n=_aging2! aging3:n=_aging3! aging4:n=_aging4! daysOverdue:i! isInactive:b "
    "vatRegNumber:s=vatregnumber representingSubsidiary:ref:subsidiary=_representingsubsidiary dateCreated:dt! lastModifiedDate:dt!"
)
_CONTACT = (
    "id:s! entityId:s externalId:s firstName:s lastName:s title:s email:s altEmail:s phone:s officePhone:s mobilePhone:s company:ref:customer "
    "subsidiary:ref:subsidiary supervisor:ref:contact isInactive:b isPrivate:b comments:s dateCreated:dt! lastModifiedDate:dt!"
)
_EMPLOYEE = (
    "id:s! entityId:s firstName:s lastName:s title:s email:s phone:s department:ref:department subsidiary:ref:subsidiary "
    "supervisor:ref:employee isSalesRep:b isInactive:b dateCreated:dt=_datecreated! lastModifiedDate:dt=_lastmodifieddate!"
)
_ADDRESSES = ("billingAddress", "shippingAddress")


def _items(*types: tuple[str, str]) -> dict[str, RecordType]:
    return {name: RecordType("item", _fields(_ITEM), ("itemId",), code, sublists=("price", "subsidiary", "locations")) for name, code in types}


RECORD_TYPES: dict[str, RecordType] = {
    "customer": RecordType(
        "customer", _fields(_CUSTOMER), ("subsidiary",), sublists=("addressBook", "currencyList", "contactList", "contactRoles", "taxRegistration")
    ),
    "contact": RecordType("contact", _fields(_CONTACT), ("lastName",), sublists=("addressBook",)),
    "employee": RecordType("employee", _fields(_EMPLOYEE), writable=False),
    **_items(
        ("inventoryItem", "InvtPart"), ("nonInventorySaleItem", "NonInvtPart"), ("serviceSaleItem", "Service"), ("kitItem", "Kit"),
        ("assemblyItem", "Assembly"), ("discountItem", "Discount"),
    ),
    "subsidiary": RecordType(
        "subsidiary",
        _fields(
            "id:s! name:s fullName:s! legalName:s parent:ref:subsidiary country:enum currency:ref:currency isElimination:b isInactive:b "
            "federalIdNumber:s fiscalCalendar:ref:fiscalCalendar lastModifiedDate:dt!"
        ),
        writable=False, subrecords=("mainAddress",),
    ),
    "currency": RecordType(
        "currency", _fields("id:s! name:s symbol:s exchangeRate:n isBaseCurrency:b! currencyPrecision:i isInactive:b lastModifiedDate:dt!"),
        writable=False,
    ),
    "term": RecordType("term", _fields("id:s! name:s daysUntilNetDue:i isInactive:b"), writable=False),
    "accountingPeriod": RecordType(
        "accountingperiod", _fields("id:s! periodName:s startDate:d endDate:d closed:b isYear:b isQuarter:b lastModifiedDate:dt!"), writable=False
    ),
    "salesOrder": RecordType(
        "transaction", _fields(_MONEY_HEAD + _SALE + "orderStatus:enum=status actualShipDate:d! source:enum!"), ("entity", "item"), "SalesOrd",
        sublists=("item",), subrecords=_ADDRESSES,
    ),
    "invoice": RecordType(
        "transaction", _fields(_MONEY_HEAD + _SALE + _BOOKED + _APPLIED + "dueDate:d approvalStatus:enum=_approvalstatus"), ("entity", "item"),
        "CustInvc", sublists=("item", "installment"), subrecords=_ADDRESSES,
    ),
    "cashSale": RecordType(
        "transaction", _fields(_MONEY_HEAD + _SALE + _BOOKED), ("entity", "item"), "CashSale", sublists=("item",), subrecords=_ADDRESSES
    ),
    "creditMemo": RecordType(
        "transaction",
        _fields(
            _MONEY_HEAD + _BOOKED + _APPLIED + "dueDate:d salesEffectiveDate:d=_saleseffectivedate autoApply:b=_autoapply "
            "deletionReason:ref:deletionReason=_deletionreason"
        ),
        ("entity", "item"), "CustCred", sublists=("item", "apply"), subrecords=("billingAddress",),
    ),
    "customerPayment": RecordType(
        "transaction",
        _fields(_CASH_HEAD + "payment:n=foreigntotal total:n=foreigntotal! applied:n=foreignamountpaid! unapplied:n=foreignamountunpaid!"),
        ("customer", "payment"), "CustPymt", sublists=("apply",),
    ),
    "customerDeposit": RecordType(
        "transaction", _fields(_CASH_HEAD + "payment:n=foreigntotal total:n=foreigntotal! salesOrder:ref:transaction=_createdfrom"),
        ("customer", "payment"), "CustDep",
    ),
    "customerRefund": RecordType(
        "transaction", _fields(_CASH_HEAD + "total:n=foreigntotal!"), ("customer", "apply"), "CustRfnd", sublists=("apply",)
    ),
    "returnAuthorization": RecordType(
        "transaction",
        _fields(
            _MONEY_HEAD + "orderStatus:enum=status isCrossSubTransaction:b=_iscrosssubtransaction! "
            "transactionToRefund:ref:transaction=_transactiontorefund!"
        ),
        ("entity", "item"), "RtnAuth", sublists=("item",),
    ),
    "itemReceipt": RecordType(
        "transaction", _fields(_HEAD + "createdFrom:ref:transaction! postingPeriod:ref:accountingPeriod=postingperiod!"), (), "ItemRcpt",
        sublists=("item",), by_transform=True,
    ),
    "itemFulfillment": RecordType(
        "transaction",
        _fields(
            _HEAD + "createdFrom:ref:transaction! shipStatus:enum=status pickedDate:d=_pickeddate packedDate:d=_packeddate "
            "shippedDate:d=_shippeddate shipCarrier:enum=shipcarrier shipMethod:ref:shipItem=_shipmethod shippingCost:n=_shippingcost "
            "postingPeriod:ref:accountingPeriod=postingperiod!"
        ),
        (), "ItemShip", sublists=("item", "package", "packageFedEx", "packageUps", "packageUsps"), subrecords=("shippingAddress",),
        by_transform=True,
    ),
}
RECORD_OF_TYPE = {kind.type: name for name, kind in RECORD_TYPES.items() if kind.type}

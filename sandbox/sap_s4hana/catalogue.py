"""The services that the tenant offers: entity sets, their properties, keys, navigations and what may be done with them.

No records here (`records`), and no reading of requests (`query`, `writes`).

A property is `Name:type` with marks: `s10` text of at most 10, `d16.3` decimal, `date` day, `dto` moment, `time`, `bool`, `guid`;
`double`, `int16`, `int32`, `byte`; `!` not accepted in a write, `*` the version that ETags are made of, `~` not filterable, `#` all-digit
key compared as a number, `+` never null. What a service declares and the stand-in never fills is listed in `declared`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.sap_s4hana.declared import FURTHER

_EDM = {"s": "Edm.String", "d": "Edm.Decimal", "date": "Edm.DateTime", "dto": "Edm.DateTimeOffset", "time": "Edm.Time",
        "bool": "Edm.Boolean", "guid": "Edm.Guid", "double": "Edm.Double", "int16": "Edm.Int16", "int32": "Edm.Int32", "byte": "Edm.Byte"}
WHOLE = {"byte": (0, 2**8 - 1), "int16": (-(2**15), 2**15 - 1), "int32": (-(2**31), 2**31 - 1)}
_WRITTEN = re.compile(r"(\w+):(date|dto|time|bool|guid|double|int16|int32|byte|s(\d+)|d(\d+)\.(\d+))([!*~#+]*)")
_INITIAL: dict[str, Any] = {
    "s": "", "d": "0", "date": None, "dto": None, "time": "PT00H00M00S", "bool": False, "guid": None, "double": "0", **dict.fromkeys(WHOLE, 0)}
_NO_GUID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class Property:
    name: str
    kind: str  # s, d, date, dto, time, bool, guid, double, int16, int32, byte
    length: int = 0
    scale: int = 0
    writable: bool = True
    filterable: bool = True
    numeric: bool = False
    required: bool = False
    unset: Any = None  # what a record shows that does not keep the property

    @property
    def edm(self) -> str:
        return _EDM[self.kind]

    @property
    def initial(self) -> Any:
        return _NO_GUID if self.required and self.kind == "guid" else _INITIAL[self.kind]


@dataclass(frozen=True)
class Navigation:
    """`on`: pairs of our property and the target's that must be equal; a quoted text stands for itself."""

    name: str
    target: str
    many: bool
    on: tuple[tuple[str, str], ...]

    def shared(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What the records that the navigation leads to have in common with this one."""
        return {theirs: ours[1:-1] if ours.startswith("'") else record.get(ours) for ours, theirs in self.on}


@dataclass(frozen=True)
class EntitySet:
    name: str
    service: str
    key: tuple[str, ...]
    properties: Mapping[str, Property]
    navigations: Mapping[str, Navigation]
    verbs: frozenset[str]  # of POST, PATCH, DELETE
    etag: str = ""
    addressable: bool = True  # reachable only through a navigation otherwise
    further: Mapping[str, Any] = field(default_factory=dict)  # declared and not kept, with the value that is shown for it

    @property
    def type_name(self) -> str:
        return f"{self.name}Type"


@dataclass(frozen=True)
class Function:
    """A function import: its verb and the parameters that it needs."""

    name: str
    verb: str
    parameters: tuple[str, ...]
    returns: str  # the entity set whose entity it answers with; "" for its own small structure


@dataclass(frozen=True)
class Service:
    name: str
    version: str
    sets: Mapping[str, EntitySet]
    functions: Mapping[str, Function] = field(default_factory=dict)
    component: str = ""


def _properties(written: str) -> dict[str, Property]:
    found: dict[str, Property] = {}
    for word in written.split():
        match = _WRITTEN.fullmatch(word)
        if match is None:
            raise ValueError(f"{word!r} is no property")
        name, kind, length, precision, scale, marks = match.groups()
        found[name] = Property(
            name, kind if length is None and precision is None else kind[0], int(length or precision or 0), int(scale or 0),
            writable=not set(marks) & {"!", "*"}, filterable="~" not in marks, numeric="#" in marks, required="+" in marks,
        )
    return found


def _set(service: str, name: str, key: str, properties: str, navigations: str = "", verbs: str = "POST PATCH DELETE",
         *, addressable: bool = True) -> EntitySet:
    """`navigations`: `to_X=Target[](Ours=Theirs,Same)`, `[]` for many."""
    links = {}
    for word in navigations.split():
        match = re.fullmatch(r"(\w+)=(\w+)(\[\])?\(([^)]*)\)", word)
        if match is None:
            raise ValueError(f"{word!r} is no navigation")
        pairs = tuple((ours, theirs or ours) for ours, _, theirs in (pair.partition("=") for pair in match[4].split(",")))
        links[match[1]] = Navigation(match[1], match[2], match[3] is not None, pairs)
    etag = next((word.split(":")[0] for word in properties.split() if "*" in word), "")
    further = {one.name: replace(one, unset=one.initial) for one in _properties(FURTHER.get(name, "")).values()}
    return EntitySet(
        name, service, tuple(key.split()), {**_properties(properties), **further}, links, frozenset(verbs.split()), etag, addressable,
        {one.name: one.unset for one in further.values()})


_BP = "API_BUSINESS_PARTNER"
_SO = "API_SALES_ORDER_SRV"
_BD = "API_BILLING_DOCUMENT_SRV"
_CM = "API_CREDIT_MEMO_REQUEST_SRV"
_CR = "API_CUSTOMER_RETURN_SRV"
_OD = "API_OUTBOUND_DELIVERY_SRV"
_RD = "API_CUSTOMER_RETURNS_DELIVERY_SRV"
_AREA = "Customer,SalesOrganization,DistributionChannel,Division"
_FLOW = (
    "SubsequentDocument:s10~ SubsequentDocumentCategory:s4~ ProcessFlowLevel:s2~ OverallSDProcessStatus:s1~ CreationDate:date~ "
    "CreationTime:time~ LastChangeDate:date~"
)

_SETS = [
    _set(_BP, "A_BusinessPartner", "BusinessPartner", (
        "BusinessPartner:s10# Customer:s10!# Supplier:s10!# BusinessPartnerCategory:s1 BusinessPartnerGrouping:s4 BusinessPartnerFullName:s81! "
        "BusinessPartnerName:s81! OrganizationBPName1:s40 OrganizationBPName2:s40 OrganizationBPName3:s40 OrganizationBPName4:s40 "
        "FirstName:s40 LastName:s40 BusinessPartnerUUID:guid! SearchTerm1:s20 SearchTerm2:s20 CorrespondenceLanguage:s2 Language:s2 "
        "Industry:s10 LegalForm:s2 TradingPartner:s6 BusinessPartnerIDByExtSystem:s20 BusinessPartnerIsBlocked:bool "
        "IsMarkedForArchiving:bool CreatedByUser:s12! CreationDate:date! CreationTime:time! LastChangeDate:date! LastChangeTime:time! "
        "LastChangedByUser:s12! ETag:s26!"), (
        "to_BusinessPartnerAddress=A_BusinessPartnerAddress[](BusinessPartner) to_BusinessPartnerRole=A_BusinessPartnerRole[](BusinessPartner) "
        "to_Customer=A_Customer(Customer) to_BusinessPartnerContact=A_BusinessPartnerContact[](BusinessPartner=BusinessPartnerCompany) "
        "to_BPRelationship=A_BPRelationship[](BusinessPartner=BusinessPartner1) to_BusinessPartnerTax=A_BusinessPartnerTaxNumber[](BusinessPartner) "
        "to_BusinessPartnerBank=A_BusinessPartnerBank[](BusinessPartner) to_BuPaIdentification=A_BuPaIdentification[](BusinessPartner)"), "POST PATCH"),
    _set(_BP, "A_BusinessPartnerRole", "BusinessPartner BusinessPartnerRole",
         "BusinessPartner:s10# BusinessPartnerRole:s6 ValidFrom:dto ValidTo:dto AuthorizationGroup:s4", "", "POST PATCH"),
    _set(_BP, "A_BusinessPartnerTaxNumber", "BusinessPartner BPTaxType", "BusinessPartner:s10# BPTaxType:s4 BPTaxNumber:s20 BPTaxLongNumber:s60"),
    _set(_BP, "A_BusinessPartnerBank", "BusinessPartner BankIdentification",
         "BusinessPartner:s10# BankIdentification:s4 BankCountryKey:s3 BankName:s60 BankNumber:s15 SWIFTCode:s11 BankAccount:s18 IBAN:s34"),
    _set(_BP, "A_BuPaIdentification", "BusinessPartner BPIdentificationType BPIdentificationNumber",
         "BusinessPartner:s10# BPIdentificationType:s6 BPIdentificationNumber:s60 BPIdnNmbrIssuingInstitute:s40 ValidityStartDate:date ValidityEndDate:date"),
    _set(_BP, "A_BusinessPartnerAddress", "BusinessPartner AddressID", (
        "BusinessPartner:s10# AddressID:s10# ValidityStartDate:dto ValidityEndDate:dto AddressUUID:guid! AddressTimeZone:s6 CareOfName:s40 "
        "CityName:s40 Country:s3 County:s40 District:s40 FullName:s80 HouseNumber:s10 Language:s2 POBox:s10 POBoxPostalCode:s10 "
        "PostalCode:s10 Region:s3 StreetName:s60 TaxJurisdiction:s15 TransportZone:s10 AddressIDByExternalSystem:s20"), (
        "to_EmailAddress=A_AddressEmailAddress[](AddressID) to_PhoneNumber=A_AddressPhoneNumber[](AddressID,'1'=PhoneNumberType) "
        "to_MobilePhoneNumber=A_AddressPhoneNumber[](AddressID,'3'=PhoneNumberType) to_URLAddress=A_AddressHomePageURL[](AddressID) "
        "to_AddressUsage=A_BuPaAddressUsage[](BusinessPartner,AddressID)")),
    _set(_BP, "A_AddressEmailAddress", "AddressID Person OrdinalNumber", (
        "AddressID:s10# Person:s10# OrdinalNumber:s3# IsDefaultEmailAddress:bool EmailAddress:s241 SearchEmailAddress:s20! "
        "AddressCommunicationRemarkText:s50")),
    _set(_BP, "A_AddressPhoneNumber", "AddressID Person OrdinalNumber", (
        "AddressID:s10# Person:s10# OrdinalNumber:s3# DestinationLocationCountry:s3 IsDefaultPhoneNumber:bool PhoneNumber:s30 "
        "PhoneNumberExtension:s10 InternationalPhoneNumber:s30! PhoneNumberType:s1 AddressCommunicationRemarkText:s50")),
    _set(_BP, "A_AddressHomePageURL", "AddressID Person OrdinalNumber ValidityStartDate IsDefaultURLAddress", (
        "AddressID:s10# Person:s10# OrdinalNumber:s3# ValidityStartDate:date IsDefaultURLAddress:bool SearchURLAddress:s50! "
        "AddressCommunicationRemarkText:s50 URLFieldLength:int16! WebsiteURL:s2048")),
    _set(_BP, "A_BuPaAddressUsage", "BusinessPartner ValidityEndDate AddressUsage AddressID", (
        "BusinessPartner:s10# ValidityEndDate:dto AddressUsage:s10 AddressID:s10# ValidityStartDate:dto StandardUsage:bool "
        "AuthorizationGroup:s4")),
    _set(_BP, "A_Customer", "Customer", (
        "Customer:s10# CustomerAccountGroup:s4! CustomerName:s80! CustomerFullName:s220! CustomerClassification:s2 CustomerCorporateGroup:s10 "
        "OrderIsBlockedForCustomer:s2 DeliveryIsBlocked:s2 BillingIsBlockedForCustomer:s2 PostingIsBlocked:bool DeletionIndicator:bool "
        "Supplier:s10! IndustryCode1:s10 IndustryCode2:s10 IndustryCode3:s10 IndustryCode4:s10 IndustryCode5:s10 TaxNumber1:s16 "
        "TaxNumber2:s11 TaxNumber3:s18 TaxNumber4:s18 TaxNumber5:s60 VATRegistration:s20 CreationDate:date! CreatedByUser:s12!"), (
        "to_CustomerCompany=A_CustomerCompany[](Customer) to_CustomerSalesArea=A_CustomerSalesArea[](Customer)"), "PATCH"),
    _set(_BP, "A_CustomerCompany", "Customer CompanyCode", (
        "Customer:s10# CompanyCode:s4 ReconciliationAccount:s10 PaymentTerms:s4 PaymentMethodsList:s10 PaymentBlockingReason:s1 "
        "CustomerHeadOffice:s10 AlternativePayerAccount:s10 AccountByCustomer:s12 DeletionIndicator:bool PhysicalInventoryBlockInd:bool "
        "CustomerAccountGroup:s4!"), "to_CustomerDunning=A_CustomerDunning[](Customer,CompanyCode)", "POST PATCH"),
    _set(_BP, "A_CustomerDunning", "Customer CompanyCode DunningArea", (
        "Customer:s10# CompanyCode:s4 DunningArea:s2 DunningBlock:s1 DunningLevel:s1 DunningProcedure:s4 DunningRecipient:s10 "
        "LastDunnedOn:date DunningClerk:s2 CustomerAccountGroup:s4!"), "", "POST PATCH"),
    _set(_BP, "A_CustomerSalesArea", "Customer SalesOrganization DistributionChannel Division", (
        "Customer:s10# SalesOrganization:s4 DistributionChannel:s2 Division:s2 OrderIsBlockedForCustomer:s2 DeliveryIsBlockedForCustomer:s2 "
        "BillingIsBlockedForCustomer:s2 Currency:s5 CustomerPaymentTerms:s4 CustomerGroup:s2 CreditControlArea:s4 CustomerPriceGroup:s2 "
        "SalesOffice:s4 SalesGroup:s3 SalesDistrict:s6 ShippingCondition:s2 IncotermsClassification:s3 DeletionIndicator:bool"),
        f"to_PartnerFunction=A_CustSalesPartnerFunc[]({_AREA})", "POST PATCH"),
    _set(_BP, "A_CustSalesPartnerFunc", "Customer SalesOrganization DistributionChannel Division PartnerCounter PartnerFunction", (
        "Customer:s10# SalesOrganization:s4 DistributionChannel:s2 Division:s2 PartnerCounter:s3# PartnerFunction:s2 "
        "BPCustomerNumber:s10 CustomerPartnerDescription:s30 DefaultPartner:bool Supplier:s10 PersonnelNumber:s8 ContactPerson:s10 "
        "AddressID:s10 AuthorizationGroup:s4")),
    _set(_BP, "A_BusinessPartnerContact", "RelationshipNumber BusinessPartnerCompany BusinessPartnerPerson ValidityEndDate", (
        "RelationshipNumber:s12# BusinessPartnerCompany:s10# BusinessPartnerPerson:s10# ValidityEndDate:date ValidityStartDate:date "
        "IsStandardRelationship:bool RelationshipCategory:s6"), (
        "to_ContactAddress=A_BPContactToAddress[](RelationshipNumber,BusinessPartnerCompany,BusinessPartnerPerson,ValidityEndDate) "
        "to_ContactRelationship=A_BPContactToFuncAndDept(RelationshipNumber,BusinessPartnerCompany,BusinessPartnerPerson,ValidityEndDate)")),
    _set(_BP, "A_BPContactToAddress", "RelationshipNumber BusinessPartnerCompany BusinessPartnerPerson ValidityEndDate AddressID", (
        "RelationshipNumber:s12# BusinessPartnerCompany:s10# BusinessPartnerPerson:s10# ValidityEndDate:date AddressID:s10# "
        "CityName:s40 Country:s3 FullName:s80 PostalCode:s10 Region:s3 StreetName:s60 Person:s10 IsDefaultAddress:bool"), (
        "to_EmailAddress=A_AddressEmailAddress[](AddressID,Person) to_PhoneNumber=A_AddressPhoneNumber[](AddressID,Person,'1'=PhoneNumberType) "
        "to_MobilePhoneNumber=A_AddressPhoneNumber[](AddressID,Person,'3'=PhoneNumberType)")),
    _set(_BP, "A_BPContactToFuncAndDept", "RelationshipNumber BusinessPartnerCompany BusinessPartnerPerson ValidityEndDate", (
        "RelationshipNumber:s12# BusinessPartnerCompany:s10# BusinessPartnerPerson:s10# ValidityEndDate:date ContactPersonFunction:s4 "
        "ContactPersonFunctionName:s40 ContactPersonDepartment:s4 ContactPersonDepartmentName:s40 ContactPersonRemarkText:s40 "
        "ContactPersonVIPType:s1 EmailAddress:s241 PhoneNumber:s30 PhoneNumberExtension:s10 RelationshipCategory:s6"), "", "POST PATCH"),
    _set(_BP, "A_BPRelationship", "RelationshipNumber BusinessPartner1 BusinessPartner2 ValidityEndDate", (
        "RelationshipNumber:s12# BusinessPartner1:s10# BusinessPartner2:s10# ValidityEndDate:date ValidityStartDate:date "
        "IsStandardRelationship:bool RelationshipCategory:s6 CreatedByUser:s12! CreationDate:date! CreationTime:time! "
        "LastChangedByUser:s12! LastChangeDate:date! LastChangeTime:time!")),
    # the names of this service are not on the fact sheet's confirmed list; nothing else depends on it
    _set("API_CRDTMBUSINESSPARTNER", "CreditManagementAccount", "BusinessPartner CreditSegment", (
        "BusinessPartner:s10# CreditSegment:s10 BusinessPartnerIsCritical:bool CreditAccountIsBlocked:bool CreditAccountBlockReason:s2 "
        "CreditLimitAmount:d16.3 CreditLimitIsZero:bool CreditLimitValidityEndDate:date CreditLimitLastChangeDate:date! "
        "CreditSegmentCurrency:s5!"), "", "PATCH"),
    _set("API_PRODUCT_SRV", "A_Product", "Product", (
        "Product:s40 ProductType:s4 CrossPlantStatus:s2 IsMarkedForDeletion:bool ProductOldID:s40 GrossWeight:d13.3 WeightUnit:s3 "
        "NetWeight:d13.3 BaseUnit:s3 ProductGroup:s9 ProductHierarchy:s18 ItemCategoryGroup:s4 Division:s2 Brand:s4 ProductStandardID:s18 "
        "CreationDate:date! CreatedByUser:s12! LastChangeDate:date! LastChangedByUser:s12! LastChangeDateTime:dto!"), (
        "to_Description=A_ProductDescription[](Product) to_SalesDelivery=A_ProductSalesDelivery[](Product) "
        "to_Valuation=A_ProductValuation[](Product) to_Plant=A_ProductPlant[](Product) "
        "to_ProductUnitsOfMeasure=A_ProductUnitsOfMeasure[](Product)"), "POST PATCH"),
    _set("API_PRODUCT_SRV", "A_ProductDescription", "Product Language", "Product:s40 Language:s2 ProductDescription:s40"),
    _set("API_PRODUCT_SRV", "A_ProductSalesDelivery", "Product ProductSalesOrg ProductDistributionChnl", (
        "Product:s40 ProductSalesOrg:s4 ProductDistributionChnl:s2 ProductSalesStatus:s2 SalesMeasureUnit:s3 IsMarkedForDeletion:bool "
        "ItemCategoryGroup:s4 ProductHierarchy:s18 BaseUnit:s3"), "", "POST PATCH"),
    _set("API_PRODUCT_SRV", "A_ProductValuation", "Product ValuationArea ValuationType", (
        "Product:s40 ValuationArea:s4 ValuationType:s10 ValuationClass:s4 PriceDeterminationControl:s1 StandardPrice:d12.3 "
        "PriceUnitQty:d5.0 MovingAveragePrice:d12.3 IsMarkedForDeletion:bool Currency:s5 BaseUnit:s3"), "", "POST PATCH"),
    _set("API_PRODUCT_SRV", "A_ProductPlant", "Product Plant", "Product:s40 Plant:s4 ProfileCode:s2 ProfitCenter:s10 IsMarkedForDeletion:bool", "", "POST PATCH"),
    _set("API_PRODUCT_SRV", "A_ProductUnitsOfMeasure", "Product AlternativeUnit",
         "Product:s40 AlternativeUnit:s3 QuantityNumerator:d5.0 QuantityDenominator:d5.0 BaseUnit:s3"),
    _set(_SO, "A_SalesOrder", "SalesOrder", (
        "SalesOrder:s10# SalesOrderType:s4 SalesOrganization:s4 DistributionChannel:s2 OrganizationDivision:s2 SalesOffice:s4 SalesGroup:s3 "
        "SoldToParty:s10# CreationDate:date! CreatedByUser:s12! LastChangeDate:date! LastChangeDateTime:dto* ExternalDocumentID:s40! "
        "ExternalDocLastChangeDateTime:dto! PurchaseOrderByCustomer:s35 PurchaseOrderByShipToParty:s35 CustomerPurchaseOrderDate:date "
        "SalesOrderDate:date RequestedDeliveryDate:date PricingDate:date TotalNetAmount:d16.3! TransactionCurrency:s5 "
        "CustomerPaymentTerms:s4 ShippingCondition:s2 SDDocumentReason:s3 HeaderBillingBlockReason:s2 DeliveryBlockReason:s2 "
        "ReferenceSDDocument:s10# ReferenceSDDocumentCategory:s4! OverallSDProcessStatus:s1! OverallDeliveryStatus:s1! "
        "OverallTotalDeliveryStatus:s1! OverallOrdReltdBillgStatus:s1! OverallSDDocReferenceStatus:s1! TotalCreditCheckStatus:s1! "
        "TotalBlockStatus:s1! OverallSDDocumentRejectionSts:s1! SalesDocApprovalStatus:s1!"), (
        "to_Item=A_SalesOrderItem[](SalesOrder) to_Partner=A_SalesOrderHeaderPartner[](SalesOrder) "
        "to_PricingElement=A_SalesOrderHeaderPrElement[](SalesOrder) to_Text=A_SalesOrderText[](SalesOrder) "
        "to_BillingPlan=A_SalesOrderBillingPlan(SalesOrder) to_SubsequentProcFlowDoc=A_SalesOrderSubsqntProcFlow[](SalesOrder) "
        "to_PrecedingProcFlowDoc=A_SalesOrderPrecdgProcFlow[](SalesOrder) to_RelatedObject=A_SalesOrderRelatedObject[](SalesOrder)")),
    _set(_SO, "A_SalesOrderItem", "SalesOrder SalesOrderItem", (
        "SalesOrder:s10# SalesOrderItem:s6# HigherLevelItem:s6# SalesOrderItemCategory:s4 SalesOrderItemText:s40 Material:s40 "
        "MaterialByCustomer:s35 RequestedQuantity:d15.3 RequestedQuantityUnit:s3 ConfdDelivQtyInOrderQtyUnit:d15.3! TransactionCurrency:s5! "
        "NetAmount:d16.3! TaxAmount:d14.3! CostAmount:d14.3! Subtotal1Amount:d14.3! Subtotal2Amount:d14.3! Subtotal3Amount:d14.3! "
        "Subtotal4Amount:d14.3! Subtotal5Amount:d14.3! Subtotal6Amount:d14.3! ProductionPlant:s4 StorageLocation:s4 ShippingPoint:s4 "
        "DeliveryPriority:s2 SalesDocumentRjcnReason:s2 ItemBillingBlockReason:s2 WBSElement:s24 ProfitCenter:s10 "
        "ReferenceSDDocument:s10# ReferenceSDDocumentItem:s6# SDProcessStatus:s1! DeliveryStatus:s1! OrderRelatedBillingStatus:s1!"), (
        "to_SalesOrder=A_SalesOrder(SalesOrder) to_ScheduleLine=A_SalesOrderScheduleLine[](SalesOrder,SalesOrderItem)")),
    _set(_SO, "A_SalesOrderScheduleLine", "SalesOrder SalesOrderItem ScheduleLine", (
        "SalesOrder:s10# SalesOrderItem:s6# ScheduleLine:s4# RequestedDeliveryDate:date ConfirmedDeliveryDate:date! OrderQuantityUnit:s3! "
        "ScheduleLineOrderQuantity:d13.3 ConfdOrderQtyByMatlAvailCheck:d13.3! DeliveredQtyInOrderQtyUnit:d13.3! "
        "OpenConfdDelivQtyInOrdQtyUnit:d13.3! DelivBlockReasonForSchedLine:s2")),
    _set(_SO, "A_SalesOrderHeaderPartner", "SalesOrder PartnerFunction", (
        "SalesOrder:s10# PartnerFunction:s2 Customer:s10# Supplier:s10# Personnel:s8 AddressID:s10 ContactPerson:s10 "
        "ReferenceBusinessPartner:s10")),
    _set(_SO, "A_SalesOrderHeaderPrElement", "SalesOrder PricingProcedureStep PricingProcedureCounter", (
        "SalesOrder:s10# PricingProcedureStep:s3# PricingProcedureCounter:s3# ConditionType:s4 ConditionRateValue:d24.9 "
        "ConditionCurrency:s5 ConditionAmount:d16.3! TransactionCurrency:s5!")),
    _set(_SO, "A_SalesOrderText", "SalesOrder Language LongTextID", "SalesOrder:s10# Language:s2 LongTextID:s4 LongText:s4000~"),
    _set(_SO, "A_SalesOrderBillingPlan", "SalesOrder BillingPlan", "SalesOrder:s10# BillingPlan:s10 BillingPlanCategory:s1 BillingPlanType:s2", "", "PATCH"),
    _set(_SO, "A_SalesOrderRelatedObject", "SalesOrder SDDocRelatedObjectSequenceNmbr", (
        "SalesOrder:s10# SDDocRelatedObjectSequenceNmbr:s3# SDDocumentRelatedObjectType:s4 SDDocRelatedObjectSystem:s60 "
        "SDDocRelatedObjectReference1:s40")),
    _set(_SO, "A_SalesOrderSubsqntProcFlow", "SalesOrder DocRelationshipUUID", f"SalesOrder:s10# DocRelationshipUUID:guid~ {_FLOW}", "", ""),
    _set(_SO, "A_SalesOrderPrecdgProcFlow", "SalesOrder DocRelationshipUUID", (
        "SalesOrder:s10# DocRelationshipUUID:guid~ PrecedingDocument:s10~ PrecedingDocumentCategory:s4~ ProcessFlowLevel:s2~ "
        "CreationDate:date~ CreationTime:time~ LastChangeDate:date~"), "", ""),
    _set(_BD, "A_BillingDocument", "BillingDocument", (
        "BillingDocument:s10# SDDocumentCategory:s4! BillingDocumentCategory:s1! BillingDocumentType:s4! CreationDate:date! CreationTime:time! "
        "LastChangeDate:date! LastChangeDateTime:dto* SalesOrganization:s4! DistributionChannel:s2! Division:s2! CompanyCode:s4! "
        "FiscalYear:s4! AccountingDocument:s10! BillingDocumentDate:date! BillingDocumentIsCancelled:bool! CancelledBillingDocument:s10! "
        "TotalNetAmount:d16.3! TransactionCurrency:s5! TaxAmount:d14.3! TotalGrossAmount:d17.3! SoldToParty:s10!# PayerParty:s10!# "
        "CustomerPaymentTerms:s4! PaymentReference:s30! DocumentReferenceID:s16! AssignmentReference:s18! PurchaseOrderByCustomer:s35! "
        "AbsltAccountingExchangeRate:d9.5! OverallSDProcessStatus:s1! OverallBillingStatus:s1! AccountingPostingStatus:s1! "
        "AccountingTransferStatus:s1! InvoiceClearingStatus:s1! InvoiceListStatus:s1!"), (
        "to_Item=A_BillingDocumentItem[](BillingDocument) to_Partner=A_BillingDocumentPartner[](BillingDocument) "
        "to_PricingElement=A_BillingDocumentPrcgElmnt[](BillingDocument) to_Text=A_BillingDocumentText[](BillingDocument)"), ""),
    _set(_BD, "A_BillingDocumentItem", "BillingDocument BillingDocumentItem", (
        "BillingDocument:s10# BillingDocumentItem:s6# ReturnItemProcessingType:s1! Material:s40! Plant:s4! BillingDocumentItemText:s40! "
        "ServicesRenderedDate:date! BillingQuantity:d13.3! BillingQuantityUnit:s3! NetAmount:d16.3! TransactionCurrency:s5! "
        "GrossAmount:d16.3! TaxAmount:d14.3! CostAmount:d14.3! ProfitCenter:s10! ReferenceSDDocument:s10!# ReferenceSDDocumentItem:s6!# "
        "ReferenceSDDocumentCategory:s4! SalesDocument:s10!# SalesDocumentItem:s6!# SalesSDDocumentCategory:s4! SDDocumentReason:s3!"),
        "to_BillingDocument=A_BillingDocument(BillingDocument)", ""),
    _set(_BD, "A_BillingDocumentPartner", "BillingDocument PartnerFunction",
         "BillingDocument:s10# PartnerFunction:s2! Customer:s10!# Supplier:s10!# Personnel:s8! ContactPerson:s10!", "", ""),
    _set(_BD, "A_BillingDocumentPrcgElmnt", "BillingDocument PricingProcedureStep PricingProcedureCounter", (
        "BillingDocument:s10# PricingProcedureStep:s3!# PricingProcedureCounter:s3!# ConditionType:s4! ConditionAmount:d16.3! "
        "TransactionCurrency:s5!"), "", ""),
    _set(_BD, "A_BillingDocumentText", "BillingDocument Language LongTextID", "BillingDocument:s10# Language:s2! LongTextID:s4! LongText:s4000!~", "", ""),
    _set(_CM, "A_CreditMemoRequest", "CreditMemoRequest", (
        "CreditMemoRequest:s10# CreditMemoRequestType:s4 SalesOrganization:s4 DistributionChannel:s2 OrganizationDivision:s2 SoldToParty:s10# "
        "CreationDate:date! CreatedByUser:s12! LastChangeDate:date! LastChangeDateTime:dto* PurchaseOrderByCustomer:s35 "
        "CreditMemoRequestDate:date TotalNetAmount:d16.3! TransactionCurrency:s5 SDDocumentReason:s3 HeaderBillingBlockReason:s2 "
        "BillingDocumentDate:date ReferenceSDDocument:s10# ReferenceSDDocumentCategory:s4 CreditMemoReqApprovalReason:s4! "
        "SalesDocApprovalStatus:s1! OverallSDProcessStatus:s1! OverallOrdReltdBillgStatus:s1! OverallSDDocumentRejectionSts:s1! "
        "AssignmentReference:s18 AccountingDocExternalReference:s16"), (
        "to_Item=A_CreditMemoRequestItem[](CreditMemoRequest) to_Partner=A_CreditMemoReqPartner[](CreditMemoRequest) "
        "to_SubsequentProcFlowDoc=A_CreditMemoReqSubsqntProcFlow[](CreditMemoRequest)")),
    _set(_CM, "A_CreditMemoRequestItem", "CreditMemoRequest CreditMemoRequestItem", (
        "CreditMemoRequest:s10# CreditMemoRequestItem:s6# CreditMemoRequestItemText:s40 Material:s40 RequestedQuantity:d15.3 "
        "RequestedQuantityUnit:s3 TransactionCurrency:s5! NetAmount:d16.3! Plant:s4 SalesDocumentRjcnReason:s2 ItemBillingBlockReason:s2 "
        "ServicesRenderedDate:date ReferenceSDDocument:s10# ReferenceSDDocumentItem:s6# SDProcessStatus:s1! OrderRelatedBillingStatus:s1!"),
        "to_CreditMemoRequest=A_CreditMemoRequest(CreditMemoRequest)"),
    _set(_CM, "A_CreditMemoReqPartner", "CreditMemoRequest PartnerFunction",
         "CreditMemoRequest:s10# PartnerFunction:s2 Customer:s10# Supplier:s10# Personnel:s8 ContactPerson:s10"),
    _set(_CM, "A_CreditMemoReqSubsqntProcFlow", "CreditMemoRequest SubsequentDocument",
         f"CreditMemoRequest:s10# OverallBillingStatus:s1~ RelatedProcFlowDocStsFieldName:s30~ {_FLOW}", "", ""),
    _set(_CR, "A_CustomerReturn", "CustomerReturn", (
        "CustomerReturn:s10# CustomerReturnType:s4 SalesOrganization:s4 DistributionChannel:s2 OrganizationDivision:s2 SoldToParty:s10# "
        "CreationDate:date! CreatedByUser:s12! LastChangeDate:date! LastChangeDateTime:dto* PurchaseOrderByCustomer:s35 "
        "CustomerReturnDate:date SDDocumentReason:s3 TotalNetAmount:d16.3! TransactionCurrency:s5 HeaderBillingBlockReason:s2 "
        "DeliveryBlockReason:s2 ReferenceSDDocument:s10# ReferenceSDDocumentCategory:s4 RetsMgmtProcess:s10! RetsMgmtProcessingStatus:s1! "
        "RetsMgmtLogProcgStatus:s1! RetsMgmtCompnProcgStatus:s1! SalesDocApprovalStatus:s1! OverallSDProcessStatus:s1! "
        "OverallSDDocumentRejectionSts:s1!"), (
        "to_Item=A_CustomerReturnItem[](CustomerReturn) to_Partner=A_CustomerReturnPartner[](CustomerReturn) "
        "to_CustomerReturnOverviewStatus=A_CustomerReturnOverviewStatus(RetsMgmtProcess)")),
    _set(_CR, "A_CustomerReturnItem", "CustomerReturn CustomerReturnItem", (
        "CustomerReturn:s10# CustomerReturnItem:s6# CustomerReturnItemCategory:s4 CustomerReturnItemText:s40 Material:s40 "
        "RequestedQuantity:d15.3 RequestedQuantityUnit:s3 TransactionCurrency:s5! NetAmount:d16.3! ProductionPlant:s4 "
        "SalesDocumentRjcnReason:s2 ItemBillingBlockReason:s2 RetsMgmtProcess:s10! RetsMgmtProcessItem:s6! ReturnReason:s3 "
        "CustRetItmFollowUpActivity:s4 ReturnsMaterialHasBeenReceived:s1 ReturnsRefundType:s1 ReturnsRefundProcgMode:s1 "
        "ReturnsRefundExtent:s3 ReturnsRefundRjcnReason:s2 ReplacementMaterial:s40 ReplacementMaterialQuantity:d13.3 "
        "ProductIsInspectedAtCustSite:s1 CustRetMatlAuthzn:s20 RetsMgmtItmProcgStatus:s1! ReturnsDocumentStatus:s1! SDProcessStatus:s1! "
        "ReferenceSDDocument:s10# ReferenceSDDocumentItem:s6#"), (
        "to_CustomerReturn=A_CustomerReturn(CustomerReturn) "
        "to_ProcessStep=A_CustomerReturnProcessStep[](RetsMgmtProcess,RetsMgmtProcessItem)")),
    _set(_CR, "A_CustomerReturnPartner", "CustomerReturn PartnerFunction",
         "CustomerReturn:s10# PartnerFunction:s2 Customer:s10# Supplier:s10# Personnel:s8 ContactPerson:s10"),
    _set(_CR, "A_CustomerReturnProcessStep", (
        "RetsMgmtProcess RetsMgmtProcessItem RetsMgmtProcItmQtySplit RetsMgmtProcessStep ReturnsDocumentType ReturnsDocument "
        "ReturnsDocumentItem"), (
        "RetsMgmtProcess:s10# RetsMgmtProcessItem:s6# RetsMgmtProcItmQtySplit:s3# RetsMgmtProcessStep:s4 ReturnsDocumentType:s2 "
        "ReturnsDocument:s30 ReturnsDocumentItem:s6# ReturnsDocumentStatus:s1! RetsMgmtProcStepExecStatus:s1!"), "", ""),
    _set(_CR, "A_CustomerReturnOverviewStatus", "RetsMgmtProcess", (
        "RetsMgmtProcess:s10# ReturnsDocument:s30! RetsMgmtLogProcgStatus:s1! RetsMgmtCompnProcgStatus:s1! RetsMgmtProcessingStatus:s1!"), "", ""),
    _set(_OD, "A_OutbDeliveryHeader", "DeliveryDocument", (
        "DeliveryDocument:s10# DeliveryDocumentType:s4 SalesOrganization:s4 ShippingPoint:s4 SoldToParty:s10!# ShipToParty:s10!# DocumentDate:date "
        "DeliveryDate:date PlannedGoodsIssueDate:date ActualGoodsMovementDate:date ActualGoodsMovementTime:time PickingDate:date "
        "LoadingDate:date ProofOfDeliveryDate:date TransportationPlanningDate:date BillOfLading:s35 ActualDeliveryRoute:s6 "
        "MeansOfTransport:s20 ExternalTransportSystem:s5 TotalNumberOfPackage:s5 HeaderGrossWeight:d15.3 HeaderWeightUnit:s3 "
        "OverallSDProcessStatus:s1! OverallPickingStatus:s1! OverallPackingStatus:s1! OverallGoodsMovementStatus:s1! "
        "OverallDelivReltdBillgStatus:s1! OverallProofOfDeliveryStatus:s1! OverallWarehouseActivityStatus:s1! TotalCreditCheckStatus:s1! "
        "TotalBlockStatus:s1! DeliveryBlockReason:s2 HeaderBillingBlockReason:s2 CreatedByUser:s12! CreationDate:date! CreationTime:time! "
        "LastChangedByUser:s12! LastChangeDate:date! DeliveryVersion:s4*"), (
        "to_DeliveryDocumentItem=A_OutbDeliveryItem[](DeliveryDocument) to_DeliveryDocumentPartner=A_OutbDeliveryPartner[](DeliveryDocument=SDDocument)")),
    _set(_OD, "A_OutbDeliveryItem", "DeliveryDocument DeliveryDocumentItem", (
        "DeliveryDocument:s10# DeliveryDocumentItem:s6# Material:s40 DeliveryDocumentItemText:s40 OriginalDeliveryQuantity:d13.3! "
        "ActualDeliveryQuantity:d13.3 DeliveryQuantityUnit:s3 Plant:s4 Batch:s10 PickingStatus:s1! GoodsMovementStatus:s1! "
        "DeliveryRelatedBillingStatus:s1! ReferenceSDDocument:s10# ReferenceSDDocumentItem:s6# LastChangeDate:date! DeliveryVersion:s4*"),
        "to_DocumentFlow=A_OutbDeliveryDocFlow[](DeliveryDocument=PrecedingDocument,DeliveryDocumentItem=PrecedingDocumentItem)", "PATCH DELETE"),
    _set(_OD, "A_OutbDeliveryPartner", "PartnerFunction SDDocument", (
        "PartnerFunction:s2 SDDocument:s10# AddressID:s10 ContactPerson:s10 Customer:s10# Personnel:s8 Supplier:s10#"), "", ""),
    _set(_OD, "A_OutbDeliveryDocFlow", "PrecedingDocument PrecedingDocumentItem SubsequentDocumentCategory", (
        "PrecedingDocument:s10#~ PrecedingDocumentItem:s6#~ SubsequentDocumentCategory:s4~ Deliveryversion:s4~ PrecedingDocumentCategory:s4~ "
        "Subsequentdocument:s10~ SubsequentDocumentItem:s6~"), "", "", addressable=False),
    _set(_RD, "A_ReturnsDeliveryHeader", "DeliveryDocument", (
        "DeliveryDocument:s10# DeliveryDocumentType:s4 SalesOrganization:s4 SoldToParty:s10!# ShipToParty:s10!# DocumentDate:date DeliveryDate:date "
        "ActualGoodsMovementDate:date ActualGoodsMovementTime:time OverallSDProcessStatus:s1! OverallGoodsMovementStatus:s1! "
        "TotalBlockStatus:s1! CreatedByUser:s12! CreationDate:date! CreationTime:time! LastChangeDate:date! DeliveryVersion:s4*"),
        "to_DeliveryDocumentItem=A_ReturnsDeliveryItem[](DeliveryDocument)"),
    _set(_RD, "A_ReturnsDeliveryItem", "DeliveryDocument DeliveryDocumentItem", (
        "DeliveryDocument:s10# DeliveryDocumentItem:s6# Material:s40 DeliveryDocumentItemText:s40 ActualDeliveryQuantity:d13.3 "
        "DeliveryQuantityUnit:s3 GoodsMovementStatus:s1! ReferenceSDDocument:s10# ReferenceSDDocumentItem:s6# LastChangeDate:date! "
        "DeliveryVersion:s4*"), "", "PATCH DELETE"),
    _set("API_OPLACCTGDOCITEMCUBE_SRV", "A_OperationalAcctgDocItemCube", "CompanyCode FiscalYear AccountingDocument AccountingDocumentItem", (
        "CompanyCode:s4 FiscalYear:s4 AccountingDocument:s10# AccountingDocumentItem:s3# FinancialAccountType:s1 Customer:s10# "
        "CustomerName:s80 AccountingDocumentType:s2 PostingDate:date DocumentDate:date NetDueDate:date DueCalculationBaseDate:date "
        "PaymentTerms:s4 IsCleared:bool ClearingDate:date ClearingAccountingDocument:s10 ClearingDocFiscalYear:s4 DebitCreditCode:s1 "
        "PostingKey:s2 SpecialGLCode:s1 AmountInTransactionCurrency:d24.3 TransactionCurrency:s5 AmountInCompanyCodeCurrency:d24.3 "
        "CompanyCodeCurrency:s5 CashDiscountAmount:d24.3 BillingDocument:s10# SalesDocument:s10# InvoiceReference:s10# "
        "InvoiceReferenceFiscalYear:s4 DocumentReferenceID:s16 AssignmentReference:s18 PaymentReference:s30 DocumentItemText:s50 "
        "GLAccount:s10 PaymentBlockingReason:s1 DunningLevel:s1 DunningBlockingReason:s1 LastDunningDate:date IsReversal:bool "
        "IsReversed:bool ReverseDocument:s10 Ledger:s2 AccountingDocumentCreationDate:date CreationTime:time LastChangeDate:date"), "", ""),
    _set("API_COMPANYCODE", "A_CompanyCode", "CompanyCode", (
        "CompanyCode:s4 CompanyCodeName:s25 CityName:s25 Company:s6 Country:s3 Currency:s5 Language:s2 ChartOfAccounts:s4 "
        "CreditControlArea:s4 ControllingArea:s4 FiscalYearVariant:s2 VATRegistration:s20"), "", ""),
    _set("API_SALESORGANIZATION_SRV", "A_SalesOrganization", "SalesOrganization", (
        "SalesOrganization:s4 SalesOrganizationCurrency:s5 CompanyCode:s4 IntercompanyBillingCustomer:s10"),
        "to_Text=A_SalesOrganizationText[](SalesOrganization)", ""),
    _set("API_SALESORGANIZATION_SRV", "A_SalesOrganizationText", "SalesOrganization Language",
         "SalesOrganization:s4 Language:s2 SalesOrganizationName:s20", "", ""),
]
SETS = {entity.name: entity for entity in _SETS}

_APPROVAL = ("releaseApprovalRequest", "rejectApprovalRequest")
_FUNCTIONS: dict[str, list[Function]] = {
    _SO: [Function(name, "POST", ("SalesOrder",), "A_SalesOrder") for name in _APPROVAL],
    _CM: [Function(name, "POST", ("CreditMemoRequest",), "A_CreditMemoRequest") for name in _APPROVAL],
    _CR: [Function(name, "POST", ("CustomerReturn",), "A_CustomerReturn") for name in _APPROVAL],
    _BD: [Function("Cancel", "POST", ("BillingDocument",), "A_BillingDocument"), Function("GetPDF", "GET", ("BillingDocument",), "")],
    _OD: [Function("PostGoodsIssue", "POST", ("DeliveryDocument",), ""),
          Function("ReverseGoodsIssue", "POST", ("DeliveryDocument", "ActualGoodsMovementDate"), ""),
          Function("PickAllItems", "POST", ("DeliveryDocument",), ""), Function("ConfirmPickingAllItems", "POST", ("DeliveryDocument",), "")],
    _RD: [Function("PostGoodsReceipt", "POST", ("DeliveryDocument",), ""), Function("ReverseGoodsReceipt", "POST", ("DeliveryDocument",), ""),
          Function("ConfirmPutawayAllItems", "POST", ("DeliveryDocument",), "")],
    "API_DEL_DOC_WITH_CREDIT_BLOCK": [
        Function(name, "POST", ("DeliveryDocument", "SDDocumentCategory"), "")
        for name in ("ReleaseCreditBlock", "CheckCreditBlock", "RejectCreditBlock")],
}
_COMPONENTS = {_SO: "SD-SLS", _BD: "SD-BIL", _CM: "SD-SLS", _CR: "SD-SLS", _OD: "LE-SHP", _RD: "LE-SHP", _BP: "LO-MD-BP"}


def _first_version(entity: EntitySet) -> EntitySet:
    """Version 1 of the delivery service has no version column, so no ETags."""
    kept = {name: one for name, one in entity.properties.items() if name != "DeliveryVersion"}
    return replace(entity, properties=kept, etag="")


def _services() -> dict[tuple[str, str], Service]:
    found: dict[tuple[str, str], Service] = {}
    for name in dict.fromkeys([entity.service for entity in _SETS] + list(_FUNCTIONS)):
        sets = {entity.name: entity for entity in _SETS if entity.service == name}
        functions = {one.name: one for one in _FUNCTIONS.get(name, [])}
        newest = "0002" if name in (_OD, _RD) else "0001"
        found[name, newest] = Service(name, newest, sets, functions, _COMPONENTS.get(name, ""))
        if newest == "0002":
            old = {entity.name: _first_version(entity) for entity in sets.values()}
            found[name, "0001"] = Service(name, "0001", old, functions, _COMPONENTS.get(name, ""))
    return found


SERVICES = _services()

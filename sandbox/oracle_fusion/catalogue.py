"""Fusion's resources: attributes with their types and what may be asked of them, finders, children, keys. No records, no HTTP.

An attribute is written `Name:kind`, with `*` where `q` takes it and `=` where a client may write it. Kinds: s text, i whole number,
n number, b boolean, d day, dt moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Attribute:
    kind: str
    queryable: bool = False
    writable: bool = False


@dataclass(frozen=True)
class Resource:
    """`key`: the attribute that stands in addresses, "" where that is a hash of the row. `id`: what tells rows apart.

    `finders`: finder -> variable -> attribute that it must equal; "" where the api gives the variable a meaning of its own.
    `unlisted`: the whole collection cannot be read. `upsert`: the attributes by which a POST may find what is there already.
    """

    name: str
    attributes: Mapping[str, Attribute]
    id: tuple[str, ...]
    key: str = ""
    api: str = "fscmRestApi"
    methods: frozenset[str] = frozenset({"GET"})
    finders: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    children: Mapping[str, Resource] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    upsert: tuple[tuple[str, ...], ...] = ()
    actions: frozenset[str] = frozenset()
    unlisted: bool = False
    stamped: bool = True  # rows carry CreatedBy, CreationDate, LastUpdatedBy, LastUpdateDate

    @property
    def kinds(self) -> dict[str, str]:
        return {name: attribute.kind for name, attribute in self.attributes.items()}

    @property
    def queryable(self) -> frozenset[str]:
        return frozenset(name for name, attribute in self.attributes.items() if attribute.queryable)


def _attributes(text: str) -> dict[str, Attribute]:
    found = {}
    for word in text.split():
        name, _, kind = word.partition(":")
        found[name] = Attribute(kind.rstrip("*=") or "s", "*" in kind, "=" in kind)
    return found


def _finders(text: str) -> dict[str, dict[str, str]]:
    """`Name(Variable,Variable=Attribute,Variable=)` words."""
    found = {}
    for word in text.split():
        name, _, inner = word.rstrip(")").partition("(")
        variables = {}
        for variable in filter(None, inner.split(",")):
            left, sign, right = variable.partition("=")
            variables[left] = right if sign else left
        found[name] = variables
    return found


def _methods(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STAMPS = "CreatedBy:s* CreationDate:dt* LastUpdateDate:dt* LastUpdatedBy:s*"
_UNASKED = "CreatedBy:s CreationDate:dt LastUpdateDate:dt LastUpdatedBy:s"
_PLACE = "Address1:s*= Address2:s*= Address3:s*= Address4:s*= City:s*= County:s*= State:s*= Province:s*= PostalCode:s*= Country:s*="
_PARTY_FINDERS = (
    "PrimaryKey(PartyId) PartyIdAltKey(PartyId) PartyNumberAltKey(PartyNumber) PartyNumberRF(PartyNumber) PartyUsageCodeRF(PartyUsageCode) "
    "SourceSystemReferenceAltKey(SourceSystem,SourceSystemReferenceValue) SourceSystemReferenceRF(SourceSystem,SourceSystemReferenceValue)"
)
_PARTY_UPSERT = (("PartyNumber",), ("PartyId",), ("SourceSystem", "SourceSystemReferenceValue"))


def _crm_child(
    name: str, text: str, id: str, key: str, methods: str = "GET POST PATCH DELETE", finders: str = "", number: str = "PartyNumber:s*",
) -> Resource:
    return Resource(
        name, _attributes(f"{text} PartyId:i* {number} {_STAMPS}"), (id,), key, "crmRestApi", _methods(methods),
        _finders(f"PrimaryKey({id}) {finders}"))


_PARTY_CHILDREN = {child.name: child for child in (
    _crm_child(
        "Address", f"AddressId:i* LocationId:i* AddressNumber:s*= {_PLACE} FormattedAddress:s PrimaryFlag:b*= AddressType:s= PartySiteName:s*= "
        "Status:s*= StartDateActive:d*= EndDateActive:d*= SourceSystem:s*= SourceSystemReferenceValue:s*= DoNotMailFlag:b= Comments:s*=",
        "AddressId", "AddressNumber", finders="AddressIdAltKey(AddressId) AddressNumberAltKey(AddressNumber) ForFinancialParties()"),
    _crm_child(
        "ContactPoint", "ContactPointId:i* ContactPointType:s*= EmailAddress:s*= EmailPurpose:s*= FormattedPhoneNumber:s* PhoneCountryCode:s*= "
        "PhoneAreaCode:s*= PhoneNumber:s*= PhoneExtension:s*= PhoneType:s*= RawPhoneNumber:s*= URL:s*= PrimaryFlag:b*= Status:s*=",
        "ContactPointId", "ContactPointId", number="PartyNumber:s"),
    _crm_child(
        "Relationship", "RelationshipRecId:i* RelationshipId:i* RelationshipType:s*= RelationshipCode:s*= SubjectPartyId:i*= "
        "SubjectPartyNumber:s*= SubjectPartyName:s* ObjectPartyId:i*= ObjectPartyNumber:s*= ObjectPartyName:s* StartDate:d*= EndDate:d*= "
        "Status:s*= PercentageOwnership:n*= Comments:s*=", "RelationshipRecId", "RelationshipRecId", number=""),
    _crm_child(
        "UsageAssignment", "PartyUsageAssignmentId:i* PartyUsageCode:s*= StartDate:d*= EndDate:d*= StatusFlag:b* Comments:s*=",
        "PartyUsageAssignmentId", "PartyUsageAssignmentId", number=""),
    _crm_child(
        "SourceSystemReference", "SourceSystemReferenceId:i* SourceSystem:s*= SourceSystemReferenceValue:s*= StartDate:d*= EndDate:d*= Status:s*=",
        "SourceSystemReferenceId", "SourceSystemReferenceId", number="PartyNumber:s"),
    _crm_child("AdditionalName", "NameId:i* Name:s*= NameType:s*= StatusFlag:b*=", "NameId", "NameId"),
    _crm_child(
        "AdditionalIdentifier", "PartyIdentifierId:i* PartyIdentifierType:s*= PartyIdentifierValue:s*= StatusCode:s*=", "PartyIdentifierId",
        "PartyIdentifierId", number="PartyNumber:s"),
    _crm_child(
        "CustomerClassification", "CodeAssignmentId:i* ClassCategory:s*= ClassCode:s*= StartDateActive:s*= EndDateActive:s*= Status:s*=",
        "CodeAssignmentId", "CodeAssignmentId"),
)}
_ORGANIZATIONS = Resource(
    "hubOrganizations", _attributes(
        "PartyId:i* PartyNumber:s*= OrganizationName:s*= PartyUsageCode:s*= Status:s*= DUNSNumber:s*= TaxpayerIdentificationNumber:s*= "
        "PreferredFunctionalCurrency:s*= CurrencyCode:s*= CorpCurrencyCode:s*= CurcyConvRateType:s*= SourceSystem:s*= "
        "SourceSystemReferenceValue:s*= ParentDUNSNumber:s*= GlobalUltimateDUNSNumber:s*= DomesticUltimateDUNSNumber:s*= EmailAddress:s*= "
        f"RawPhoneNumber:s*= URL:s*= AddressNumber:s* AddressType:s*= {_PLACE} FormattedAddress:s Comments:s*= "
        "Description:s*= LegalStatus:s*= LineOfBusiness:s*= OrganizationSize:s*= EmployeesTotal:n*= YearEstablished:i*= UniqueNameAlias:s* "
        f"UniqueNameSuffix:s* PreferredContactMethod:s*= CreatedByModule:s*= ThirdPartyFlag:b* ValidatedFlag:b* {_STAMPS}"),
    ("PartyId",), "PartyNumber", "crmRestApi", _methods("GET POST PATCH DELETE"), _finders(_PARTY_FINDERS),
    {**_PARTY_CHILDREN, "OrganizationInformation": Resource(
        "OrganizationInformation", _attributes("OrganizationProfileId:i* __FLEX_Context:s* __FLEX_Context_DisplayValue:s*"), ("OrganizationProfileId",),
        "OrganizationProfileId", "crmRestApi", stamped=False)},
    ("OrganizationName",), _PARTY_UPSERT, frozenset({"findDuplicates"}))
_PERSONS = Resource(
    "hubPersons", _attributes(
        "PartyId:i* PartyNumber:s*= PersonName:s* FirstName:s*= MiddleName:s*= LastName:s*= Title:s*= Salutation:s*= JobTitle:s*= "
        "Department:s*= PartyUsageCode:s*= Status:s*= EmailAddress:s*= RawWorkPhoneNumber:s*= RawMobilePhoneNumber:s*= RawHomePhoneNumber:s*= "
        "OrganizationPartyId:i*= OrganizationPartyNumber:s*= OrganizationPartyName:s* DoNotEmailFlag:b*= DoNotCallFlag:b*= DoNotContactFlag:b*= "
        "DoNotMailFlag:b*= SalesBuyingRoleCode:s*= SalesAffinityCode:s*= SourceSystem:s*= SourceSystemReferenceValue:s*= CurrencyCode:s*= "
        f"PreferredFunctionalCurrency:s*= TaxpayerIdentificationNumber:s*= {_PLACE} Comments:s*= TimezoneCode:s*= CreatedByModule:s*= "
        f"ThirdPartyFlag:b* ValidatedFlag:b* {_STAMPS}"),
    ("PartyId",), "PartyNumber", "crmRestApi", _methods("GET POST PATCH DELETE"), _finders(_PARTY_FINDERS), _PARTY_CHILDREN, ("LastName",),
    _PARTY_UPSERT, frozenset({"findDuplicates"}))
_DELETED = Resource(
    "deletedRecords", _attributes(
        "DeletedRecordId:i ObjectCode:s* DisplayName:s KeyAttributeNames:s KeyAttributeValues:s PuidAttributeName:s PuidAttributeValue:s "
        "ParentObjectCode:s* ParentObjectPuidAttributeName:s ParentObjectPuidAttributeValue:s ParentObjectReferenceAttributeNames:s "
        f"ParentObjectReferenceAttributeValues:s {_STAMPS}"),
    ("DeletedRecordId",), "DeletedRecordId", "crmRestApi", finders=_finders("PrimaryKey(DeletedRecordId)"))
_ITEMS = Resource(
    "itemsV2", _attributes(
        "ItemId:i* ItemNumber:s*= OrganizationId:i*= OrganizationCode:s*= ItemDescription:s*= LongDescription:s*= FormattedDescription:s* "
        "ItemClass:s*= UserItemTypeValue:s*= ItemStatusValue:s*= LifecyclePhaseValue:s*= ApprovalStatusValue:s* PrimaryUOMValue:s*= ListPrice:n*= "
        "MarketPrice:n*= CustomerOrderFlag:b*= CustomerOrderEnabledFlag:b*= InvoicedFlag:b*= InvoiceEnabledFlag:b*= ShippableFlag:b*= "
        "ReturnableFlag:b*= PurchasableFlag:b*= InventoryItemFlag:b*= StockEnabledFlag:b*= SalesProductTypeValue:s*= ServiceDurationTypeValue:s*= "
        "ServiceBillingEnabledFlag:b*= TaxableFlag:b*= UnitWeightQuantity:n*= WeightUOMValue:s*= CreatedBy:s* CreationDate:d* "
        "CreationDateTime:dt* LastUpdateDate:dt* LastUpdateDateTime:dt* LastUpdatedBy:s*"),
    ("ItemId", "OrganizationId"), "", methods=_methods("GET POST PATCH"),
    finders=_finders("ItemNumberAltKey(ItemNumber) ItemRF(ItemNumber,OrganizationCode) ItemVersionAltKey(InventoryOrganizationId=OrganizationId,VersionId=,AcdType=,ChangeLineId=)"),
    children={"ItemCategory": Resource(
        "ItemCategory", _attributes("ItemCategoryAssignmentId:i* ItemCatalog:s*= CategoryCode:s*= CategoryName:s*="), ("ItemCategoryAssignmentId",),
        "ItemCategoryAssignmentId", stamped=False)},
    required=("ItemNumber", "OrganizationCode", "ItemClass", "ItemDescription"), upsert=(("ItemNumber", "OrganizationCode"),))
_PERSON_PARTS = "ContactId:i= ContactNumber:s= ContactName:s= ContactFirstName:s= ContactLastName:s= PartyContactEmail:s= PartyOrganizationEmail:s= PartyType:s="
_ORDER_PLACE = "Address1:s= Address2:s= Address3:s= Address4:s= City:s= County:s= State:s= Province:s= PostalCode:s= Country:s="
_ORDER_PARTY = {
    "billToCustomer": Resource(
        "billToCustomer", _attributes(f"AccountNumber:s= CustomerAccountId:i*= SiteUseId:i*= AddressUseType:s= PartyName:s= {_ORDER_PLACE} {_PERSON_PARTS}"),
        ("SiteUseId",), "", stamped=False),
    "shipToCustomer": Resource(
        "shipToCustomer", _attributes(f"PartyId:i*= PartyNumber:s= SiteId:i*= AddressUseType:s= PartyName:s= {_ORDER_PLACE} {_PERSON_PARTS}"),
        ("SiteId",), "", stamped=False),
}
_REFERENCE = Resource(
    "originalOrderReference", _attributes(
        "DocumentReferenceType:s*= OriginalSourceOrderSystem:s*= OriginalSourceOrderId:s*= OriginalSourceOrderNumber:s*= OriginalSourceLineId:s*= "
        "OriginalSourceLineNumber:s*= SourceTransactionLineId:s* SourceTransactionScheduleId:s*"),
    ("OriginalSourceOrderId", "OriginalSourceLineId"), "", finders=_finders("findByDocumentReferenceType(DocumentReferenceType)"), stamped=False)
_ORDER_LINES = Resource(
    "lines", _attributes(
        "HeaderId:i* LineId:i* FulfillLineId:i* SourceTransactionLineId:s*= SourceTransactionLineNumber:s*= SourceTransactionScheduleId:s*= "
        "SourceScheduleNumber:s*= LineNumber:s* DisplayLineNumber:s* ProductId:i*= ProductNumber:s*= ProductDescription:s*= ProductType:s* "
        "OrderedQuantity:n*= OrderedUOM:s*= OrderedUOMCode:s*= UnitListPrice:n*= UnitSellingPrice:n*= ExtendedAmount:n* StatusCode:s* Status:s* "
        "OnHoldFlag:b* OpenFlag:b* CanceledFlag:b*= CanceledQuantity:n* ShippedQuantity:n* FulfilledQuantity:n* RMADeliveredQuantity:n* "
        "RequestedShipDate:dt*= RequestedArrivalDate:dt*= ScheduleShipDate:dt*= ScheduleArrivalDate:dt*= PromiseShipDate:dt* ActualShipDate:dt* "
        "ActualCompletionDate:dt* RequestedFulfillmentOrganizationId:i*= RequestedFulfillmentOrganizationCode:s*= TransactionCategoryCode:s*= "
        "TransactionLineTypeCode:s*= TransactionLineType:s* ReturnReasonCode:s*= ReturnReason:s* InvoiceInterfacedFlag:b* CustomerPONumber:s*= "
        "PaymentTermsCode:s*= PaymentTerms:s* TaxClassificationCode:s*= ShippingCarrier:s*= Comments:s*= CancelReasonCode:s*= " + _STAMPS),
    ("FulfillLineId",), "", methods=_methods("GET POST PATCH"), finders=_finders(
        "PrimaryKey(FulfillLineId) findBySourceTransactionLineIdAndScheduleId(SourceTransactionLineId,SourceTransactionScheduleId)"),
    children={"originalOrderReference": _REFERENCE})
_HOLDS = Resource(
    "holds", _attributes(
        "HoldInstanceId:i* HoldCode:s* HoldName:s* HoldComments:s AppliedBy:s* ApplyDate:dt* ApplySystem:s TransactionEntityName:s* "
        "FulfillLineId:i* HoldReleaseReasonCode:s HoldReleaseComments:s ReleasedBy:s ReleaseDate:dt*"),
    ("HoldInstanceId",), "HoldInstanceId", stamped=False)
_ORDERS = Resource(
    "salesOrdersForOrderHub", _attributes(
        "HeaderId:i* OrderNumber:s* OrderKey:s* SourceTransactionNumber:s*= SourceTransactionSystem:s*= SourceTransactionId:s*= "
        "SourceTransactionRevisionNumber:i* BuyingPartyId:i*= BuyingPartyName:s*= BuyingPartyNumber:s*= BuyingPartyContactNumber:s*= "
        "CustomerPONumber:s*= TransactionOn:dt*= TransactionTypeCode:s*= TransactionType:s* TransactionDocumentTypeCode:s* "
        "TransactionalCurrencyCode:s*= TransactionalCurrencyName:s*= RequestingBusinessUnitId:i*= RequestingBusinessUnitName:s*= "
        "RequestingLegalEntityId:i*= RequestingLegalEntity:s*= StatusCode:s* Status:s* OpenFlag:b* OnHoldFlag:b* CanceledFlag:b*= "
        "CancelReasonCode:s*= CancelReason:s* SubmittedFlag:b*= SubmittedBy:s* SubmittedDate:dt* FreezePriceFlag:b*= FreezeShippingChargeFlag:b*= "
        "FreezeTaxFlag:b*= PreCreditCheckedFlag:b*= PricedOn:dt* PaymentTermsCode:s*= PaymentTerms:s* SalesChannelCode:s*= Comments:s*= "
        "RequestedShipDate:dt*= MessageText:s " + _STAMPS),
    ("HeaderId",), "OrderKey", methods=_methods("GET POST PATCH DELETE"),
    finders=_finders(
        "PrimaryKey(HeaderId) findBySourceOrderNumberAndSystem(SourceTransactionNumber,SourceTransactionSystem)"),
    children={
        **_ORDER_PARTY, "lines": _ORDER_LINES, "holds": _HOLDS,
        "totals": Resource("totals", _attributes(
            "OrderTotalId:i* TotalName:s* TotalCode:s* TotalAmount:n* CurrencyCode:s* DisplayName:s PrimaryFlag:b* TotalGroup:s*"),
            ("OrderTotalId",), "OrderTotalId", stamped=False),
        "payments": Resource("payments", _attributes(
            "PaymentTransactionId:i* PaymentMethodCode:s= PaymentMethod:s= PaymentTypeCode:s= AuthorizedAmount:n= PaymentSetId:i"),
            ("PaymentTransactionId",), "", stamped=False),
        "salesCredits": Resource("salesCredits", _attributes(
            "SalesCreditId:i* SalespersonId:i*= Salesperson:s*= Percent:n= SalesCreditTypeCode:s= SourceTransactionSalesCreditId:s="),
            ("SalesCreditId",), "", stamped=False),
        "notes": Resource("notes", _attributes("NoteId:i* NoteTxt:s= NoteTypeCode:s="), ("NoteId",), "NoteId", stamped=False),
        "attachments": Resource("attachments", _attributes("AttachedDocumentId:i* FileName:s= Title:s="), ("AttachedDocumentId",), "", stamped=False),
        "additionalInformation": Resource("additionalInformation", _attributes("Category:s ContextCode:s"), ("Category",), "", stamped=False),
    },
    required=("SourceTransactionNumber", "SourceTransactionSystem", "SourceTransactionId", "TransactionalCurrencyCode", "TransactionOn"),
    upsert=(("SourceTransactionSystem", "SourceTransactionId"),), actions=frozenset({"applyHold", "releaseHold"}))
_TAX_LINE = (
    "PlaceOfSupply:i Tax:s= TaxAmount:n*= TaxInclusiveIndicator:s TaxJurisdictionCode:s TaxLineNumber:i TaxPointBasis:s TaxPointDate:d "
    f"TaxRate:n*= TaxRateCode:s= TaxRegimeCode:s= TaxStatusCode:s= TaxableAmount:n {_UNASKED}"
)
_DISTRIBUTION = (
    "AccountClass:s AccountCombination:s AccountedAmount:n Amount:n Comments:s DetailedTaxLineNumber:i DistributionId:i* Percent:n "
)
_INVOICES = Resource(
    "receivablesInvoices", _attributes(
        "CustomerTransactionId:i* TransactionNumber:s*= TransactionDate:d= AccountingDate:d= DueDate:d BillingDate:d*= BusinessUnit:s= "
        "LegalEntityIdentifier:s= TransactionType:s= TransactionSource:s= DocumentNumber:i BillToCustomerName:s= BillToCustomerNumber:s= "
        "BillToSite:s= BillToPartyId:i* BillToContact:s= ShipToCustomerName:s= ShipToCustomerNumber:s= ShipToSite:s= ShipToContact:s*= "
        "SoldToPartyNumber:s= PayingCustomerName:s= PayingCustomerAccount:s= PayingCustomerSite:s= InvoiceCurrencyCode:s= ConversionRate:n= "
        "ConversionRateType:s= ConversionDate:d= EnteredAmount:n InvoiceBalanceAmount:n* FreightAmount:n= PaymentTerms:s= ReceiptMethod:s*= "
        "PurchaseOrder:s= PurchaseOrderDate:d= ShipDate:d= Carrier:s= ShippingReference:s= InvoiceStatus:s*= AllowCompletion:s* Intercompany:s "
        "CrossReference:s= Comments:s= InternalNotes:s= SpecialInstructions:s= StructuredPaymentReference:s= DeliveryMethod:s*= Email:s*= "
        "InvoicePrinted:s LastPrintDate:dt* OriginalPrintDate:dt* SalesPersonNumber:s*= ControlCompletionReason:s Prepayment:s BankAccountNumber:s CardHolderFirstName:s CardHolderLastName:s "
        "CreditCardAuthorizationRequestIdentifier:s CreditCardErrorCode:s CreditCardErrorText:s CreditCardExpirationDate:d CreditCardIssuerCode:s "
        "CreditCardTokenNumber:s CreditCardVoiceAuthorizationCode:s DefaultTaxationCountry:s= DocumentFiscalClassification:s= "
        "FirstPartyRegistrationNumber:s= InvoicingRule:s= PrintOption:s= PurchaseOrderRevision:s= RemitToAddress:s= "
        f"ThirdPartyRegistrationNumber:s= {_STAMPS}"),
    ("CustomerTransactionId",), "CustomerTransactionId", methods=_methods("GET POST PATCH DELETE"),
    finders=_finders(
        "PrimaryKey(CustomerTransactionId) invoiceSearch(AccountingDate,AllowCompletion,BillToCustomerName,BillToCustomerNumber,BillToSite,"
        "BillingDate,BusinessUnit,CrossReference,DocumentNumber,DueDate,InvoiceCurrencyCode,InvoiceStatus,LegalEntityIdentifier,PaymentTerms,"
        "PurchaseOrder,ShipToCustomerName,ShipToSite,TransactionDate,TransactionNumber,TransactionSource,TransactionType)"),
    children={
        "receivablesInvoiceLines": Resource(
            "receivablesInvoiceLines", _attributes(
                "CustomerTransactionLineId:i* LineNumber:n= ItemNumber:s= MemoLine:s= Description:s= Quantity:n= UnitOfMeasure:s= "
                "UnitSellingPrice:n= LineAmount:n LineAmountIncludesTax:s AllocatedFreightAmount:n SalesOrder:s= SalesOrderDate:d= "
                "TaxClassificationCode:s= TransacationBusinessCategory:s= ProductType:s= ProductCategory:s= Warehouse:s= AccountingRule:s= "
                "AccountingRuleDuration:i= RuleStartDate:d= RuleEndDate:d= AssessableValue:n LineIntendedUse:s= PrepayCustomerTrxId:i* "
                "PrepayTrxNumber:s ProductFiscalClassification:s= RemainingPrepayAmount:n* TaxExemptionCertificateNumber:s= TaxExemptionHandling:s= "
                f"TaxExemptionReason:s= TaxInvoiceDate:d TaxInvoiceNumber:s UserDefinedFiscalClassification:s= {_STAMPS}"),
            ("CustomerTransactionLineId",), "CustomerTransactionLineId", methods=_methods("GET POST PATCH DELETE"),
            finders=_finders("PrimaryKey(CustomerTransactionLineId)"), children={"receivablesInvoiceLineTaxLines": Resource(
                "receivablesInvoiceLineTaxLines", _attributes(f"CustomerTransactionLineId:i* {_TAX_LINE}"), ("CustomerTransactionLineId",),
                "CustomerTransactionLineId", finders=_finders("PrimaryKey(CustomerTransactionLineId)"))}),
        "receivablesInvoiceInstallments": Resource(
            "receivablesInvoiceInstallments", _attributes(
                "InstallmentId:i* InstallmentSequenceNumber:i* InstallmentDueDate:d*= OriginalAmount:n* InstallmentBalanceDue:n "
                "AccountedBalanceDue:n AmountPaid:n InstallmentAmountCredited:n InstallmentAmountAdjusted:n InstallmentLineAmountDue:n "
                "InstallmentLineAmountOriginal:n InstallmentTaxAmountDue:n InstallmentTaxAmountOriginal:n PendingAdjustmentAmount:n "
                "DisputeAmount:n DisputeDate:d InstallmentStatus:s InstallmentClosedDate:d InstallmentGLClosedDate:d PaymentDaysLate:i "
                f"InstallmentFreightAmountDue:n InstallmentFreightAmountOriginal:n ExcludeFromCollections:s= {_UNASKED}"),
            ("InstallmentId",), "InstallmentId", methods=_methods("GET PATCH"), finders=_finders("PrimaryKey(InstallmentId)")),
        "receivablesInvoiceDistributions": Resource(
            "receivablesInvoiceDistributions", _attributes(f"{_DISTRIBUTION} InvoiceLineNumber:i {_UNASKED}"), ("DistributionId",),
            "DistributionId"),
    },
    required=("BusinessUnit", "TransactionSource", "TransactionType", "TransactionDate", "BillToCustomerNumber", "InvoiceCurrencyCode"),
    actions=frozenset({"approve", "rework"}))
_CREDIT_MEMOS = Resource(
    "receivablesCreditMemos", _attributes(
        "CustomerTransactionId:i* TransactionNumber:s*= TransactionDate:d*= AccountingDate:d= BillingDate:d BusinessUnit:s*= "
        "LegalEntityIdentifier:s= TransactionType:s*= TransactionSource:s*= DocumentNumber:i* BillToCustomerName:s= BillToCustomerNumber:s*= "
        "BillToSite:s*= BillToContact:s= ShipToCustomerName:s= ShipToCustomerNumber:s= PayingCustomerAccount:s= CreditMemoCurrency:s*= "
        "ConversionRate:n= ConversionRateDate:d= ConversionRateType:s= EnteredAmount:n TransactionBalanceDue:n CreditMemoStatus:s= CreditReason:s= "
        "CreditMemoComments:s= CustomerReference:s= CustomerReferenceDate:d= CrossReference:s*= PurchaseOrder:s*= PurchaseOrderDate:d*= "
        "FreightCreditAmount:s= AllowCompletion:s* Intercompany:s PrimarySalesperson:s*= InternalNotes:s= SpecialInstructions:s= "
        "StructuredPaymentReference:s PrintStatus:s PrintDate:d GenerateBill:s DeliveryMethod:s= RecipientEmail:s= Carrier:s= "
        "ControlCompletionReason:s DefaultTaxationCountry:s= DocumentFiscalClassifcation:s= FirstPartyRegistrationNumber:s= FreightFOB:s= "
        "FreightShipDate:d= FreightShippingReference:s= PayingCustomerName:s= PayingCustomerSite:s= PurchaseOrderRevision:s= ShipToContact:s= "
        f"ShipToCustomerSite:s= SoldToPartyNumber:s= ThirdPartyRegistrationNumber:s= {_UNASKED}"),
    ("CustomerTransactionId",), "CustomerTransactionId", methods=_methods("GET POST PATCH DELETE"),
    finders=_finders(
        "PrimaryKey(CustomerTransactionId) creditMemosFinder(BindAccountingDate=AccountingDate,BindAllowCompletion=AllowCompletion,"
        "BindBillToCustomer=BillToCustomerName,BindBillToCustomerNumber=BillToCustomerNumber,BindBillToSite=BillToSite,"
        "BindBusinessUnit=BusinessUnit,BindCreditMemoCurrency=CreditMemoCurrency,BindCreditMemoStatus=CreditMemoStatus,"
        "BindCrossReference=CrossReference,BindDocumentNumber=DocumentNumber,BindPurchaseOrder=PurchaseOrder,"
        "BindTransactionDate=TransactionDate,BindTransactionNumber=TransactionNumber,BindTransactionSource=TransactionSource,"
        "BindTransactionType=TransactionType)"),
    children={
        "receivablesCreditMemoLines": Resource(
            "receivablesCreditMemoLines", _attributes(
                "CustomerTransactionLineId:i* LineNumber:n= ItemNumber:s= MemoLine:s= LineDescription:s= LineQuantityCredit:n= UnitOfMeasure:s= "
                "UnitSellingPrice:n= LineAmountCredit:n LineAmountIncludesTax:s LineFreightCreditAmount:n LineCreditReason:s= SalesOrderNumber:s= "
                "SalesOrderLine:s= SalesOrderDate:d SalesOrderRevision:n SalesOrderChannel:s TaxClassificationCode:s= TransactionBusinessCategory:s= "
                "Warehouse:s= LineIntendedUse:s= LineProductCategory:s= LineProductType:s= LineTaxExemptionHandling:s= LineTranslatedDescription:s= "
                "ProductFiscalClassification:s= TaxExemptionCertificateNumber:s= TaxExemptionReason:s= TaxInvoiceDate:d TaxInvoiceNumber:s "
                f"TransactionLineAssessableValue:n UserDefinedFiscalClassification:s= {_UNASKED}"),
            ("CustomerTransactionLineId",), "CustomerTransactionLineId", finders=_finders("PrimaryKey(CustomerTransactionLineId)"),
            children={"receivablesCreditMemoLineTaxLines": Resource(
                "receivablesCreditMemoLineTaxLines", _attributes(f"CustomerTrxLineId:i* {_TAX_LINE}"), ("CustomerTrxLineId",),
                "CustomerTrxLineId")}),
        "receivablesCreditMemoDistributions": Resource(
            "receivablesCreditMemoDistributions", _attributes(f"{_DISTRIBUTION} CreditMemoLineNumber:i {_UNASKED}"), ("DistributionId",),
            "DistributionId"),
    },
    required=("BusinessUnit", "TransactionType", "TransactionSource", "TransactionDate", "BillToCustomerNumber", "CreditMemoCurrency"))
_DISPUTES = Resource(
    "receivablesDisputes", _attributes(
        "RequestNumber:i* CustomerTransactionId:i*= TransactionNumber:s= BillToCustomerNumber:s TransactionDate:d TransactionAmount:n "
        "TransactionCurrencyCode:s DisputeSection:s= DisputeType:s= DisputeReason:s= DisputeAmount:n*= DisputePercentage:s= CustomerComments:s*= "
        f"InternalComments:s*= ReverseApplicationsCreditOpenBalance:s*= LastUpdateLogin:s* {_STAMPS}"),
    ("RequestNumber",), "", methods=_methods("GET POST"), finders=_finders("PrimaryKey(RequestNumber,CustomerTransactionId)"),
    children={"receivablesDisputeLines": Resource(
        "receivablesDisputeLines", _attributes(
            f"CustomerTransactionLineId:i*= LineNumber:s DisputeQuantity:n*= LineDisputeAmount:n*= LastUpdateLogin:s* {_STAMPS}"),
        ("CustomerTransactionLineId",), "CustomerTransactionLineId")},
    required=("DisputeType", "DisputeReason"), unlisted=True)
_RECEIPTS = Resource(
    "standardReceipts", _attributes(
        "StandardReceiptId:i* ReceiptNumber:s*= ReceiptDate:d*= AccountingDate:d= MaturityDate:d Amount:n= Currency:s= AccountedAmount:n "
        "UnappliedAmount:n ConversionRate:n= ConversionRateType:s= ConversionDate:d= BusinessUnit:s*= CustomerName:s*= CustomerAccountNumber:s*= "
        "CustomerSite:s*= CustomerBank:s= CustomerBankBranch:s= CustomerBankAccountNumber:s= RemittanceBankName:s= RemittanceBankAccountNumber:s= "
        "RemittanceBankDepositDate:d ReceiptMethod:s= State:s Status:s ReversalDate:d= ReversalReason:s= ReversalCategory:s= ReversalComments:s= "
        "DocumentNumber:i StructuredPaymentReference:s= Comments:s= TaxpayerIdentificationNumber:s ReceiptBatchName:s ReceiptBatchDate:d "
        "ReceiptAtRisk:s ReceivablesSpecialist:s CardHolderFirstName:s CardHolderLastName:s CreditCardAuthorizationRequestIdentifier:i "
        "CreditCardExpirationDate:d CreditCardIssuerCode:s CreditCardTokenNumber:s= RemittanceBankAllowOverride:s RemittanceBankBranch:s "
        f"VoiceAuthorizationCode:s PostmarkDate:d= {_UNASKED}"),
    ("StandardReceiptId",), "StandardReceiptId", methods=_methods("GET POST PATCH DELETE"),
    finders=_finders(
        "PrimaryKey(StandardReceiptId) StandardReceiptsFinder(BusinessUnit,CustomerAccountNumber,CustomerName,CustomerSite,ReceiptDate,ReceiptNumber)"),
    children={"remittanceReferences": Resource(
        "remittanceReferences", _attributes(
            f"RemittanceReferenceId:i* ReceiptMatchBy:s= ReferenceNumber:s= ReferenceAmount:n= CustomerReason:s*= CustomerReference:s*= {_UNASKED}"),
        ("RemittanceReferenceId",), "RemittanceReferenceId", methods=_methods("GET POST"), finders=_finders("PrimaryKey(RemittanceReferenceId)"))},
    required=("ReceiptNumber", "ReceiptDate", "Amount", "Currency", "BusinessUnit", "ReceiptMethod"),
    upsert=(("StandardReceiptId",), ("ReceiptNumber", "BusinessUnit")))
_APPLICATION = (
    "ApplicationId:i* ActivityName:s* ApplicationAmount:n ApplicationDate:d AccountingDate:d ApplicationStatus:s* EnteredCurrency:s "
    "IsLatestApplication:s* ReferenceInstallmentId:i* ReferenceTransactionId:i* ReferenceTransactionNumber:s* ReferenceTransactionStatus:s* "
)


def _activities(name: str, head: str, id: str) -> Resource:
    """Open items and applications of one account or one site. Every finder reaches 90 days back unless told otherwise."""
    children = {child.name: child for child in (
        Resource(
            "transactionPaymentSchedules", _attributes(
                "InstallmentId:i* InstallmentNumber:i InstallmentStatus:s* TransactionId:i* TransactionNumber:s* TransactionType:s* "
                "TransactionClass:s TransactionSourceName:s TransactionDate:d AccountingDate:d PaymentScheduleDueDate:d TotalOriginalAmount:n "
                "TotalBalanceAmount:n EnteredCurrency:s PaymentDaysLate:i PurchaseOrder:s ReceiptMethod:s StructuredPaymentReference:s "
                f"BillToSiteNumber:s {_UNASKED}"), ("InstallmentId",), "InstallmentId",
            finders=_finders("PrimaryKey(InstallmentId) TransactionPaymentSchedulesFinder(InstallmentStatus,TransactionLimitByDays=)")),
        Resource(
            "standardReceipts", _attributes(
                "StandardReceiptId:i* ReceiptNumber:s* ReceiptDate:d AccountingDate:d Amount:n AvailableAmount:n UnappliedAmount:n Currency:s "
                f"ProcessStatus:s* State:s ReceiptMethod:s* BusinessUnit:s* LegalEntity:s CustomerSite:s DocumentNumber:i {_UNASKED}"),
            ("StandardReceiptId",), "StandardReceiptId", finders=_finders(
                "PrimaryKey(StandardReceiptId) StandardReceiptsFinder(ProcessStatus,ReceiptLimitByDays=)")),
        Resource(
            "standardReceiptApplications", _attributes(
                f"{_APPLICATION} StandardReceiptId:i* ReceiptNumber:s* ReceiptMethod:s* ProcessStatus:s* CustomerSite:s {_UNASKED}"),
            ("ApplicationId",), "ApplicationId", finders=_finders(
                "PrimaryKey(ApplicationId) StandardReceiptApplicationsFinder(ProcessStatus,ReferenceTransactionStatus,ApplicationLimitByDays=)"),
            children={"standardReceiptApplicationDFF": Resource(
                "standardReceiptApplicationDFF", _attributes("ApplicationId:i billingRefundId:s= __FLEX_Context:s"), ("ApplicationId",),
                "ApplicationId", stamped=False)}),
        Resource(
            "creditMemos", _attributes(
                "CreditMemoId:i* CreditMemoNumber:s* CreditMemoDate:d AccountingDate:d CreditMemoStatus:s* CreditMemoCurrency:s InstallmentId:i* "
                "AvailableAmount:n TotalOriginalAmount:n TotalBalanceAmount:n TransactionClass:s TransactionType:s* PurchaseOrder:s "
                f"BillToSiteNumber:s {_UNASKED}"), ("CreditMemoId",), "CreditMemoId",
            finders=_finders("PrimaryKey(CreditMemoId) CreditMemosFinder(CreditMemoStatus,CreditMemoLimitByDays=)")),
        Resource(
            "creditMemoApplications", _attributes(
                f"{_APPLICATION} CreditMemoId:i* CreditMemoNumber:s* CreditMemoStatus:s* TransactionType:s* BillToSiteNumber:s {_UNASKED}"),
            ("ApplicationId",), "ApplicationId", finders=_finders(
                "PrimaryKey(ApplicationId) CreditMemoApplicationsFinder(CreditMemoStatus,ReferenceTransactionStatus,ApplicationLimitByDays=)"),
            children={"creditMemoApplicationDFF": Resource(
                "creditMemoApplicationDFF", _attributes("ApplicationId:i billingRefundId:s= __FLEX_Context:s"), ("ApplicationId",),
                "ApplicationId", stamped=False)}),
        Resource(
            "transactionAdjustments", _attributes(
                "AdjustmentId:i* AdjustmentNumber:s* AdjustmentAmount:n AdjustmentReason:s AdjustmentType:s ApplicationDate:d AccountingDate:d "
                "EnteredCurrency:s ProcessStatus:s* ReferenceInstallmentId:i* ReferenceTransactionId:i* ReferenceTransactionNumber:s* "
                f"ReferenceTransactionStatus:s* BillToSiteNumber:s {_UNASKED}"), ("AdjustmentId",), "AdjustmentId",
            finders=_finders("PrimaryKey(AdjustmentId) TransactionAdjustmentsFinder(ReferenceTransactionStatus,AdjustmentLimitByDays=)")),
        Resource(
            "transactionsPaidByOtherCustomers", _attributes(
                f"{_APPLICATION.replace('ActivityName:s* ', '')} StandardReceiptId:i* ReceiptNumber:s* ReceiptMethod:s* ProcessStatus:s* {_UNASKED}"),
            ("ApplicationId",),
            "ApplicationId", finders=_finders(
                "PrimaryKey(ApplicationId) TransactionsPaidByOtherCustomersFinder(ProcessStatus,ReferenceTransactionStatus,ApplicationLimitByDays=)")),
    )}
    words = {"AccountId": "Account", "BillToSiteUseId": "Site"}[id]
    return Resource(
        name, _attributes(
            f"{head} AccountId:i* AccountNumber:s* CustomerId:i* CustomerName:s* TaxRegistrationNumber:s* TaxpayerIdentificationNumber:s* "
            f"TotalOpenReceivablesFor{words}:n TotalTransactionsDueFor{words}:n {_STAMPS if words == 'Account' else _UNASKED}"),
        (id,), id, finders=_finders(
            f"PrimaryKey({id}) Customer{'Account' if words == 'Account' else 'AccountSite'}ActivitiesFinder(AccountNumber,CustomerName,"
            "TaxRegistrationNumber,TaxpayerIdentificationNumber,TransactionStatus=,TransactionLimitByDays=)"), children=children)


_SHIPMENTS = Resource(
    "shipments", _attributes(
        "Shipment:s* DeliveryId:i* ShipmentDescription:s* ShipmentStatus:s* ShipmentStatusCode:s* OrganizationId:i* OrganizationCode:s* "
        "OrganizationName:s* InitialPickupDate:d* InitialPickupDateTime:dt* UltimateDropoffDate:d* UltimateDropoffDateTime:dt* ActualShipDate:d* "
        "ActualShipDateTime:dt* ActualDeliveryDate:dt* ConfirmedBy:s* ConfirmedDate:d* ConfirmedDateTime:dt* Carrier:s* CarrierId:i* "
        "CarrierNumber:s* Waybill:s* BillOfLading:s* PackingSlipNumber:s* PackingSlipStatus:s* ShippingMethod:s* FreightTerms:s* GrossWeight:n* "
        "NetWeight:n* WeightUOM:s* Volume:n* VolumeUOM:s* ShipToPartyId:i* ShipToPartySiteId:i ShipToCustomer:s* ShipToCustomerNumber:s* "
        "ShipToAddress1:s ShipToAddress2:s ShipToAddress3:s ShipToAddress4:s ShipToCity:s ShipToCounty:s ShipToState:s ShipToRegion:s "
        "ShipToPostalCode:s ShipToCountry:s SoldToPartyId:i* SoldToCustomer:s* SoldToCustomerNumber:s* ShipFromAddress1:s ShipFromCity:s "
        "ShipFromCountry:s ASNStatus:s* ASNStatusCode:s* ASNDateSent:d* ASNDateTimeSent:dt* Source:s* SourceSystem:s* SourceSystemId:i* "
        "NumberOfOuterPackingUnits:n PlannedFlag:b* OrderTypeCode:s* OrderType:s CreatedBy:s CreationDate:dt* LastUpdateDate:dt LastUpdatedBy:s"),
    ("DeliveryId",), "Shipment", finders=_finders(
        "PrimaryKey(DeliveryId) findByShipmentName(Shipment) findByFulfillmentLineId(SourceOrderFulfillmentLineId=,SourceSystemId=) "
        "findByLineAttributes(Item=,LineStatus=,OrderNumber=,SourceOrder=,SourceOrderLine=,ShipToCustomer=,ShipToPartyId=)"),
    children={"unpackedShipmentLines": Resource(
        "unpackedShipmentLines", _attributes("ShipmentLine:i* Item:s* Order:s* OrderLine:s* RequestedQuantity:n* ShippedQuantity:n* LineStatusCode:s*"),
        ("ShipmentLine",), "ShipmentLine", stamped=False)})
_SHIPMENT_LINES = Resource(
    "shipmentLines", _attributes(
        "ShipmentLine:i* Shipment:s* OrderTypeCode:s* OrderType:s* Order:s* OrderLine:s* OrderSchedule:s* SourceOrder:s* SourceOrderLine:s* "
        "SourceOrderFulfillmentLine:s* SourceOrderFulfillmentLineId:i* Source:s* SourceSystemId:i* InventoryItemId:i* Item:s* ItemDescription:s* "
        "RequestedQuantity:n* RequestedQuantityUOM:s* RequestedQuantityUOMCode:s* ShippedQuantity:n* DeliveredQuantity:n BackorderedQuantity:n "
        "CancelledQuantity:n PickedQuantity:n LineStatus:s* LineStatusCode:s* TrackingNumber:s* ActualShipDate:dt* ScheduledShipDate:dt* "
        "RequestedDate:dt* SellingPrice:n* LineSellingPrice:n CurrencyCode:s* LegalEntity:s LegalEntityId:i BusinessUnit:s BusinessUnitId:i "
        "OrganizationId:i* OrganizationCode:s* OrganizationName:s* Carrier:s* ShipToPartyId:i* ShipToCustomer:s* BillToPartyId:i* "
        "BillToCustomer:s* CustomerPONumber:s* CreatedBy:s CreationDate:dt* LastUpdateDate:dt LastUpdatedBy:s"),
    ("ShipmentLine",), "ShipmentLine",
    finders=_finders("PrimaryKey(ShipmentLine) findByShipment(bindShipmentName=Shipment,bindOrganizationId=OrganizationId)"))
_RMAS = Resource(
    "rmasForReceiving", _attributes(
        "ReceiptAdviceHeaderId:i* RMA:s* Customer:s* CustomerId:i* OrganizationId:n* OrganizationCode:s* SourceSystem:s*"),
    ("ReceiptAdviceHeaderId",), "ReceiptAdviceHeaderId", finders=_finders(
        "PrimaryKey(ReceiptAdviceHeaderId) findByOrganization(bindCustomer=Customer,bindOrganizationCode=OrganizationCode,"
        "bindOrganizationId=OrganizationId,bindRMA=RMA,bindSourceSystem=SourceSystem)"), stamped=False)
_RMA_LINES = Resource(
    "rmaLinesForReceiving", _attributes(
        "ReceiptAdviceLineId:i* ReceiptAdviceHeaderId:i* RMA:s* RMALine:s* ItemDescription:s* OrganizationId:i* OrganizationCode:s*"),
    ("ReceiptAdviceLineId",), "ReceiptAdviceLineId", finders=_finders(
        "PrimaryKey(ReceiptAdviceLineId) findByOrganizationAndRMA(bindItemDescription=ItemDescription,bindOrganizationCode=OrganizationCode,"
        "bindOrganizationId=OrganizationId,bindRMA=RMA,bindRMALine=RMALine)"), stamped=False)
_ADVICE_LINES = Resource(
    "receiptAdviceLines", _attributes(
        "ActionCode:s AllowSubstituteReceiptsFlag:b CarrierId:i CarrierName:s Comments:s CountryOfOrigin:s CountryOfOriginCode:s CustomerId:i "
        "CustomerItemNumber:s CustomerName:s DocumentCreationDate:dt DocumentLastUpdateDate:dt DocumentLineCreationDate:dt "
        "DocumentLineLastUpdateDate:dt DocumentLineNumber:s DocumentNumber:s DocumentRevision:s DocumentScheduleNumber:s ExpectedReceiptDate:d "
        "ExternalSystemGroupId:i* FreightTerms:s IntegrationStatusCode:s IntransitShipmentHeaderId:i IntransitShipmentLineId:i ItemCategory:s "
        "ItemCategoryId:i ItemDescription:s ItemId:i ItemNumber:s ItemRevision:s LotsCount:i* NoteToReceiver:s OrganizationCode:s OrganizationId:i "
        "OriginalOrderLineNumber:s OriginalOrderNumber:s OriginalSourceOrderLineNumber:s OriginalSourceOrderNumber:s PrimaryQuantity:n "
        "PrimaryUOMCode:s PrimaryUnitOfMeasure:s PurchaseOrderHeaderId:i PurchaseOrderLineId:i PurchaseOrderScheduleId:i Quantity:n RMAHeaderId:i "
        "RMALineId:i ReceiptAdviceLineStatusCode:s ReceiptRouting:s ReceiptRoutingId:i ReceiptSourceCode:s ReceivingLocation:s "
        "ReceivingLocationId:i SecondaryQuantity:n SecondaryUOMCode:s SecondaryUnitOfMeasure:s SerialsCount:i* ShippingOutermostPackingUnit:s* "
        "ShippingPackingUnit:s* ShippingShipmentLine:i* SoldToLegalEntityName:s SourceDocumentTypeCode:s SourceOrderFulfillmentLineNumber:s "
        "SourceOrderLineNumber:s SourceOrderNumber:s SupplierId:i SupplierItemNumber:s SupplierName:s SupplierNumber:s* TransferOrderHeaderId:i "
        "TransferOrderLineId:i TransferOrderLineNumber:s TransferOrderNumber:s UOMCode:s UnitOfMeasure:s"),
    ("RMALineId",), "", finders=_finders("PrimaryKey(RMALineId,IntransitShipmentLineId,PurchaseOrderScheduleId,TransferOrderLineId)"), stamped=False)
_RECEIVING = Resource(
    "receivingReceiptRequests", _attributes(
        "HeaderInterfaceId:i* ReceiptSourceCode:s*= OrganizationCode:s*= OrganizationId:i*= RMASourceSystemId:i*= RMASourceSystemName:s*= "
        "ReceiptHeaderId:i* ReceiptNumber:s*= CustomerId:i*= CustomerPartyName:s*= CustomerPartyNumber:s*= EmployeeId:i*= EmployeeName:s*= "
        "BusinessUnit:s*= BusinessUnitId:i*= Comments:s*= BillOfLading:s*= PackingSlip:s*= WaybillAirbillNumber:s*= FreightCarrierName:s*= "
        "NumberOfPackingUnits:i*= ShipmentNumber:s*= ShippedDate:dt*= ExpectedReceiptDate:dt*= TransactionDate:d*= GLDate:d*= CurrencyCode:s*= "
        "ExternalSystemTransactionReference:s*= GroupId:i* ProcessingStatusCode:s* ReceivingLocation:s*= ReturnStatus:s ReturnMessage:s "
        f"{_STAMPS}"),
    ("HeaderInterfaceId",), "HeaderInterfaceId", methods=_methods("GET POST"), finders=_finders(
        "PrimaryKey(HeaderInterfaceId) findByHeaderAttributes(CustomerId,CustomerPartyName,ExternalSystemTransactionReference,GroupId,"
        "OrganizationCode,OrganizationId,ProcessingStatusCode,ShipmentNumber)"),
    children={"lines": Resource(
        "lines", _attributes(
            "InterfaceTransactionId:i* HeaderInterfaceId:i* ReceiptSourceCode:s*= SourceDocumentCode:s*= TransactionType:s*= AutoTransactCode:s*= "
            "OrganizationCode:s*= OrganizationId:i*= DocumentNumber:s*= DocumentLineNumber:i*= RMANumber:s*= RMALineNumber:s*= RMAReference:s*= "
            "ReceiptAdviceHeaderId:i*= ReceiptAdviceLineId:i*= ItemId:i*= ItemNumber:s*= ItemDescription:s*= Quantity:n*= UnitOfMeasure:s*= "
            "UOMCode:s*= Subinventory:s*= Locator:s*= ReasonName:s*= Comments:s*= CustomerPartyName:s*= CustomerPartyNumber:s*= "
            f"ExternalSystemTransactionReference:s*= TransactionDate:dt*= ProcessingStatusCode:s* TransactionStatusCode:s* {_STAMPS}"),
        ("InterfaceTransactionId",), "InterfaceTransactionId", finders=_finders("PrimaryKey(InterfaceTransactionId)"))},
    required=("ReceiptSourceCode", "OrganizationCode"))
_ACTION_REQUESTS = Resource(
    "salesOrderActionRequests", _attributes(
        "ActionRequestId:i* ActionRequestTrackingId:i*= ActionCode:s*= Action:s* RequestTypeCode:s*= RequestType:s*= HeaderId:i*= FulfillLineId:i*= "
        "HoldCode:s*= ReleaseReasonCode:s*= CancelReasonCode:s*= Comments:s*= OrderRevisionReasonCode:s*= OrderRevisionComments:s*= "
        "MassActionFlag:b*= FilterCriteria:s*= StatusCode:s* ProcessId:i* ProcessStatus:s* OutcomeCode:s* TotalRecords:i* TotalPassed:i* "
        "TotalFailed:i* CreatedBy:s* CreationDate:dt* LastUpdateDate:dt*"),
    ("ActionRequestId",), "ActionRequestId", methods=_methods("GET POST"),
    finders=_finders("PrimaryKey(ActionRequestId) MassActionsFilter()"),
    children={"requests": Resource(
        "requests", _attributes(
            "ActionRequestId:i* ActionRequestTrackingId:i*= ActionCode:s*= HeaderId:i*= FulfillLineId:i*= MassActionFlag:b*= StatusCode:s* "
            "RequestStatus:s* OutcomeCode:s* SummaryMessageText:s"),
        ("ActionRequestId",), "ActionRequestId", finders=_finders("PrimaryKey(ActionRequestId)"), stamped=False)},
    required=("ActionCode", "ActionRequestTrackingId"))
_STAGED_ORDERS = Resource(
    "salesOrdersForOrderHubRequests", _attributes(
        "OrderKey:s* OrderRequestId:i* SourceTransactionNumber:s*= SourceTransactionSystem:s*= SourceTransactionId:s*= "
        "SourceTransactionRevisionNumber:i*= BatchName:s*= InterfaceStatusCode:s*= OperationMode:s*= BuyingPartyId:i*= BuyingPartyName:s*= "
        "BuyingPartyNumber:s*= BuyingPartyContactNumber:s*= CustomerPONumber:s*= TransactionOn:dt*= TransactionTypeCode:s*= "
        "TransactionDocumentTypeCode:s*= TransactionalCurrencyCode:s*= TransactionalCurrencyName:s*= RequestingBusinessUnitId:i*= "
        "RequestingBusinessUnitName:s*= RequestingLegalUnitId:i*= RequestingLegalUnit:s*= FreezePriceFlag:b*= FreezeShippingChargeFlag:b*= "
        "FreezeTaxFlag:b*= PartialShipAllowedFlag:b*= PreCreditCheckedFlag:b*= PricedOn:dt*= CurrencyConversionType:s*= CurrencyConversionRate:n*= "
        "CurrencyConversionDate:dt*= CancelReasonCode:s*= RequestCancelDate:dt*= SalesChannelCode:s*= SalespersonId:i*= Salesperson:s*= Comments:s*="),
    ("OrderKey",), "OrderKey", methods=_methods("GET POST PATCH DELETE"),
    finders=_finders("PrimaryKey(SourceTransactionId,SourceTransactionSystem) findByOrderKey(OrderKey)"),
    children={**_ORDER_PARTY, "lines": Resource(
        "lines", _attributes(
            "SourceTransactionLineId:s*= SourceTransactionLineNumber:s*= SourceTransactionScheduleId:s*= SourceScheduleNumber:s*= ProductId:i*= "
            "ProductNumber:s*= ProductDescription:s*= OrderedQuantity:n*= OrderedUOM:s*= OrderedUOMCode:s*= UnitListPrice:n*= UnitSellingPrice:n*= "
            "ExtendedAmount:n*= RequestedShipDate:dt*= RequestedArrivalDate:dt*= RequestedFulfillmentOrganizationId:i*= "
            "RequestedFulfillmentOrganizationCode:s*= TransactionCategoryCode:s*= TransactionLineTypeCode:s*= ReturnReasonCode:s*= OperationMode:s*= "
            "CustomerPONumber:s*= PaymentTermsCode:s*= PaymentTerms:s*= TaxClassificationCode:s*= ShippingCarrier:s*= Comments:s*= "
            "CancelReasonCode:s*="),
        ("SourceTransactionLineId", "SourceTransactionScheduleId"), "", finders=_finders(
            "PrimaryKey(SourceTransactionLineId,SourceTransactionScheduleId) "
            "findBySourceTransactionLineIdAndScheduleId(SourceTransactionLineId,SourceTransactionScheduleId)"), stamped=False)},
    required=("SourceTransactionNumber", "SourceTransactionSystem", "SourceTransactionId"), stamped=False)
_LEGAL_ENTITIES = Resource(
    "legalEntitiesLOV", _attributes(
        "LegalEntityId:i* LegalEntityIdentifier:s* Name:s* PartyId:i* EffectiveFrom:d* EffectiveTo:d* LeSystemDateTime:dt"),
    ("LegalEntityId",), "LegalEntityId", finders=_finders("PrimaryKey(LegalEntityId) KeywordFinder(SearchTerm=) LedgerFinder(LedgerId=,SearchTerm=)"),
    stamped=False)
_ORGANIZATIONS_OF_STOCK = Resource(
    "inventoryOrganizations", _attributes(
        "OrganizationId:i* OrganizationCode:s* OrganizationName:s* LegalEntityId:i* LegalEntityName:s* ManagementBusinessUnitId:i* "
        "ManagementBusinessUnitName:s* ProfitCenterBusinessUnitId:i* ProfitCenterBusinessUnitName:s* MasterOrganizationId:i* MasterOrganizationCode:s "
        "ItemDefinitionOrganizationId:i* ItemDefinitionOrganizationCode:s* InventoryFlag:b* ManufacturingPlantFlag:b* LocationId:i* LocationCode:s* "
        "IntegratedSystemType:s* Status:s* ContractManufacturingFlag:b* FixedAssetCorporateBookTypeCode:s* ItemDefinitionOrganizationName:s* "
        "ItemGroupingCode:s* MaintenanceEnabledFlag:b* MaintenanceTechnicianWorkbenchEnabledFlag:b* ManufacturingParametersExistFlag:b* "
        f"MasterOrganizationName:s {_STAMPS}"),
    ("OrganizationId",), "OrganizationId", finders=_finders("PrimaryKey(OrganizationId) OrganizationIdFinder(OrganizationId) inventoryOrgs(Status) activeOrgs()"))
_CURRENCIES = Resource(
    "currenciesLOV", _attributes(
        "CurrencyCode:s Name:s Description:s Symbol:s Precision:i ExtendedPrecision:i EnabledFlag:s CurrencyFlag:s IssuingTerritoryCode:s "
        "StartDateActive:d EndDateActive:d ActiveDate:d CurrencyFormat:s CurrencyFormatWithCode:s CurrencyFormatWithSymbol:s"),
    ("CurrencyCode",), "CurrencyCode", stamped=False)
_RATES = Resource(
    "currencyRates", _attributes("FromCurrency:s ToCurrency:s ConversionDate:d ConversionRate:n ConversionType:s UserConversionType:s"),
    ("FromCurrency", "ToCurrency", "ConversionDate", "UserConversionType"), "", finders=_finders(
        "CurrencyRatesFinder(fromCurrency=FromCurrency,toCurrency=ToCurrency,userConversionType=UserConversionType,"
        "currencyConversionType=ConversionType,startDate=,endDate=,ledgerName=,maxRollDays=) "
        "PrimaryKey(ConversionDate,ConversionType,FromCurrency,UserConversionType)"), stamped=False)
_UNITS = Resource(
    "unitsOfMeasure", _attributes(
        f"UOMId:i* UOMCode:s* UOM:s* UOMClassCode:s* UOMClass:s* UOMClassName:s* Description:s* BaseUnitFlag:b* StandardConversion:n* DisableDate:d* {_STAMPS}"),
    ("UOMId",), "UOMCode", finders=_finders("PrimaryKey(UOMId) UomCodeFinder(UOMCode) UomFinder(UOM,UOMClass,UOMClassCode,UOMCode)"))
_EVENTS = Resource(
    "erpBusinessEvents", _attributes(
        f"ErpBusinessEventId:i* BusinessEventCode:s* BusinessEventIdentifier:s* EnabledFlag:b*= LastUpdateLogin:s* {_STAMPS}"),
    ("ErpBusinessEventId",), "ErpBusinessEventId", methods=_methods("GET PATCH"), finders=_finders("PrimaryKey(ErpBusinessEventId)"))

RESOURCES: dict[str, Resource] = {resource.name: resource for resource in (
    _ORGANIZATIONS, _PERSONS, _DELETED, _ITEMS, _ORDERS, _INVOICES, _CREDIT_MEMOS, _DISPUTES, _RECEIPTS,
    _activities("receivablesCustomerAccountActivities", "", "AccountId"),
    _activities("receivablesCustomerAccountSiteActivities", "BillToSiteUseId:i* BillToSiteNumber:s* BillToSiteAddress:s", "BillToSiteUseId"),
    _SHIPMENTS, _SHIPMENT_LINES, _RMAS, _RMA_LINES, _ADVICE_LINES, _RECEIVING, _ACTION_REQUESTS, _STAGED_ORDERS,
    _LEGAL_ENTITIES, _ORGANIZATIONS_OF_STOCK, _CURRENCIES, _RATES, _UNITS, _EVENTS,
)}

"""The entity sets of the environment: names, keys, properties with their types. Records and requests are not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.dynamics365_finance.enumerations import ENUMS
from sandbox.dynamics365_finance.unfilled import UNFILLED

NAMESPACE = "Microsoft.Dynamics.DataEntities"
_SCALARS = {
    "": "Edm.String", "dec": "Edm.Decimal", "dto": "Edm.DateTimeOffset", "i32": "Edm.Int32", "i64": "Edm.Int64", "guid": "Edm.Guid",
    "bin": "Edm.Binary",
}
NO_DATE = "1900-01-01T12:00:00Z"
_NOTHING: dict[str, Any] = {"s": "", "bin": "", "dto": NO_DATE, "guid": "00000000-0000-0000-0000-000000000000"}


@dataclass(frozen=True)
class Property:
    """`kind`: s, dec, dto, i32, i64, guid, bin or the name of an enumeration. `source`: where the value is in the stored record.

    `is_bare`: a record has it only once somebody wrote it; until then it is answered with what stands for nothing.
    """

    name: str
    kind: str
    source: str
    is_bare: bool = False

    @property
    def is_enum(self) -> bool:
        return self.kind in ENUMS

    @property
    def edm(self) -> str:
        return f"{NAMESPACE}.{self.kind}" if self.is_enum else _SCALARS["" if self.kind == "s" else self.kind]

    @property
    def nothing(self) -> Any:
        """The value that stands for none: there is no null but in writes. Of an enumeration, the member numbered lowest."""
        return next(iter(ENUMS[self.kind])) if self.is_enum else _NOTHING.get(self.kind, 0)


@dataclass(frozen=True)
class Navigation:
    """`match`: the properties of the target set that hold this set's key, target name to own name."""

    target: str
    match: Mapping[str, str]
    is_many: bool = True


@dataclass(frozen=True)
class EntitySet:
    """`table`: the data entity's name in error texts. `collection`: where its records are stored; several sets may share one."""

    name: str
    entity: str
    table: str
    key: tuple[str, ...]
    properties: Mapping[str, Property]
    collection: str
    is_writable: bool = False
    required: tuple[str, ...] = ()
    navigations: Mapping[str, Navigation] = field(default_factory=dict)

    @property
    def is_primary(self) -> bool:
        return self.name == self.collection

    @property
    def by_company(self) -> bool:
        return "dataAreaId" in self.properties


_ADDRESS = (
    "{0}Street {0}StreetNumber {0}City {0}ZipCode {0}State {0}County {0}CountryRegionId {0}CountryRegionISOCode {0}LocationId {0}Description "
    "{0}ValidFrom:dto {0}ValidTo:dto "
)
_INVOICE_ADDRESS = (
    "InvoiceAddressStreet InvoiceAddressStreetNumber InvoiceAddressCity InvoiceAddressZipCode InvoiceAddressState "
    "InvoiceAddressCountryRegionId InvoiceAddressCountryRegionISOCode "
)
_ORDER_ADDRESS = (
    "{0}AddressStreet {0}AddressStreetNumber {0}AddressCity {0}AddressZipCode {0}AddressStateId {0}AddressCountyId "
    "{0}AddressCountryRegionId {0}AddressCountryRegionISOCode "
)
_ORDER_HEADER = (
    "dataAreaId SalesOrderNumber OrderingCustomerAccountNumber InvoiceCustomerAccountNumber SalesOrderName CurrencyCode "
    "SalesOrderStatus:SalesStatus SalesOrderProcessingStatus:SalesOrderProcessingStatus IsSalesProcessingStopped:NoYes "
    "OrderCreationDateTime:dto RequestedShippingDate:dto ConfirmedShippingDate:dto RequestedReceiptDate:dto ConfirmedReceiptDate:dto "
    "OrderTotalAmount:dec OrderTotalTaxAmount:dec OrderTotalChargesAmount:dec OrderTotalDiscountAmount:dec OrderHeaderTaxAmount:dec "
    "AreTotalsCalculated:NoYes CustomersOrderReference CustomerRequisitionNumber SalesOrderOriginCode SalesOrderPoolId PaymentTermsName "
    "DeliveryTermsCode DeliveryModeCode DefaultShippingSiteId DefaultShippingWarehouseId QuotationNumber CreditNoteReasonCode "
    "ContactPersonId Email FixedDueDate:dto FixedExchangeRate:dec LanguageId "
    + _ORDER_ADDRESS.format("Delivery") + _ORDER_ADDRESS.format("Invoice")
)
_ORDER_LINE = (
    "dataAreaId InventoryLotId SalesOrderNumber LineNumber:dec LineCreationSequenceNumber:i32 ItemNumber LineDescription "
    "OrderedSalesQuantity:dec SalesUnitSymbol SalesPrice:dec SalesPriceQuantity:dec LineAmount:dec LineDiscountAmount:dec "
    "LineDiscountPercentage:dec CurrencyCode SalesOrderLineStatus:SalesStatus ShippingSiteId ShippingWarehouseId "
    "RequestedShippingDate:dto ConfirmedShippingDate:dto ProductConfigurationId ProductColorId ProductSizeId ProductStyleId "
    "SalesTaxGroupCode CustomersLineNumber:i32 ExternalItemNumber OrderLineReference IsLineStopped:NoYes CreditNoteReasonCode"
)
_INVOICE_KEY = "dataAreaId InvoiceNumber InvoiceDate:dto LedgerVoucher "
_INVOICE_HEADER = (
    _INVOICE_KEY + "InvoiceCustomerAccountNumber SalesOrderNumber CurrencyCode TotalInvoiceAmount:dec TotalTaxAmount:dec "
    "{0}TotalChargeAmount:dec TotalDiscountCustomerGroupCode:dec PaymentTermsName CustomersOrderReference DeliveryModeCode "
    "DeliveryTermsCode ContactPersonId SalesOrderOriginCode SalesOrderResponsiblePersonnelNumber " + _INVOICE_ADDRESS
)
_INVOICE_LINE = (
    _INVOICE_KEY + "LineCreationSequenceNumber:i32 ProductNumber ProductName ProductDescription InvoicedQuantity:dec SalesUnitSymbol "
    "SalesPrice:dec LineAmount:dec LineTotalTaxAmount:dec LineTotalDiscountAmount:dec LineTotalChargeAmount:dec "
    "ConfirmedShippingDate:dto InventorySiteId InventoryWarehouseId CurrencyCode"
)
_TRANSACTION = (
    "AccountNum OrderAccount Voucher Invoice TransType:LedgerTransType TransDate:dto DocumentDate:dto DueDate:dto Closed:dto "
    "AmountCur:dec AmountMST:dec SettleAmountCur:dec SettleAmountMST:dec CurrencyCode ExchRate:dec LastSettleDate:dto LastSettleVoucher "
    "PaymReference PaymMode PaymId DocumentNum Txt Approved:NoYes Prepayment:NoYes CancelledPayment:NoYes Correct:NoYes PostingProfile"
)
_RETURN_ADDRESS = (
    "ReturnAddressName ReturnAddressStreet ReturnAddressStreetNumber ReturnAddressCity ReturnAddressZipCode ReturnAddressStateId "
    "ReturnAddressCountyId ReturnAddressCountryRegionId ReturnAddressCountryRegionISOCode ReturnAddressLocationId ReturnAddressDescription"
)
_RETURN_HEADER = (
    "dataAreaId ReturnOrderNumber RMANumber CustomerAccountNumber {0}ReturnOrderStatus:SalesStatus CustomerReturnReasonCode "
    "ReturnDeadline:dto DefaultReturnSiteId DefaultReturnWarehouseId CurrencyCode {1}CustomersOrderReference CustomerRequisitionNumber "
    "ReplacementSalesOrderNumber IsReplacementSalesOrderCreated:NoYes IsReturnProcessingStopped:NoYes ContactPersonId Email LanguageId "
    + _RETURN_ADDRESS
)
_RETURN_LINE = (
    "dataAreaId ReturnOrderNumber ReturnInventoryLotId RMANumber {0}LineDescription CustomerAccountNumber InvoiceCustomerAccountNumber "
    "ItemNumber ReturnSalesQuantity:dec ReturnedSalesQuantity:dec SalesUnitSymbol SalesPrice:dec LineAmount:dec {1}ReturnUnitCost:dec "
    "ReturnDispositionCode ReturnStatus:ReturnStatusLine ExpectedReturnArrivalDate:dto ActualReturnArrivalDate:dto ReturnClosedDate:dto "
    "ReturningInventoryLotId ReferenceNumber ReturnSiteId ReturnWarehouseId"
)
_SLIP_PARTY = "{0}Name {0}Street {0}StreetNumber {0}City {0}ZipCode {0}State {0}County {0}CountryRegionId "

SETS: dict[str, EntitySet] = {}


def _add(
    name: str, entity: str, table: str, key: str, fields: str, *, of: str = "", writable: bool = False, required: str = "",
    **navigations: Navigation,
) -> None:
    """`fields`: `name[:kind][=source]` words; the source is the name itself unless given."""
    properties = {}
    for words, is_filled in ((fields, True), (UNFILLED.get(name, ""), False)):
        for word in words.split():
            text, _, source = word.partition("=")
            own, _, kind = text.partition(":")
            properties[own] = Property(own, kind or "s", source or own, not (is_filled or source))
    SETS[name] = EntitySet(
        name, entity, table, tuple(key.split()), properties, of or name, writable, tuple(required.split()), navigations)


def _same(target: str, names: str, *, many: bool = True) -> Navigation:
    return Navigation(target, {name: name for name in names.split()}, many)


_INVOICE_KEYS = "dataAreaId InvoiceNumber InvoiceDate LedgerVoucher"

_add(
    "CustomersV3", "CustomerV3", "CustCustomerV3Entity", "dataAreaId CustomerAccount",
    "dataAreaId CustomerAccount OrganizationName NameAlias PartyNumber PartyType PersonFirstName PersonLastName CustomerGroupId "
    "SalesCurrencyCode OnHoldStatus:CustVendorBlocked CreditLimit:dec CreditLimitIsMandatory:NoYes CreditRating InvoiceAccount CompanyChain "
    "OrganizationNumber TaxExemptNumber IdentificationNumber PaymentTerms PaymentMethod DeliveryTerms DeliveryMode SalesTaxGroup LanguageId "
    "SalesSegmentId LineOfBusinessId SiteId WarehouseId ContactPersonId EmployeeResponsibleNumber PrimaryContactEmail PrimaryContactPhone "
    "PrimaryContactURL DefaultDimensionDisplayValue IsExternallyMaintained:NoYes CredManAccountStatusId CredManStatusReasonId "
    "CredManCreditLimitExpiryDate:dto CredManGroupId "
    + _ADDRESS.format("Address") + _ADDRESS.format("DeliveryAddress") + _ADDRESS.format("InvoiceAddress"),
    writable=True, required="CustomerGroupId SalesCurrencyCode",
)
_add(
    "CustomerGroups", "CustomerGroup", "CustCustomerGroupEntity", "dataAreaId CustomerGroupId",
    "dataAreaId CustomerGroupId Description PaymentTermId ClearingPeriodPaymentTermName TaxGroupId DefaultDimensionDisplayValue "
    "IsSalesTaxIncludedInPrice:NoYes WriteOffReason", writable=True,
)
_add(
    "CustomerPostalAddresses", "CustomerPostalAddress", "CustomerPostalAddressEntity",
    "dataAreaId CustomerAccountNumber CustomerLegalEntityId AddressLocationId Effective",
    "dataAreaId CustomerAccountNumber CustomerLegalEntityId AddressLocationId Effective:dto Expiration:dto AddressStreet "
    "AddressStreetNumber AddressCity AddressZipCode AddressState AddressCountyId AddressCountryRegionId AddressCountryRegionISOCode "
    "AddressDescription FormattedAddress AddressLocationRoles IsPrimary:NoYes IsRoleDelivery:NoYes IsRoleInvoice:NoYes IsRoleBusiness:NoYes",
    writable=True, required="CustomerAccountNumber",
)
_add(
    "ContactPersons", "ContactPerson", "smmContactPersonEntity", "dataAreaId ContactPersonId",
    "dataAreaId ContactPersonId FirstName MiddleName LastName ContactPersonName ContactPersonPartyNumber AssociatedPartyNumber "
    "PrimaryEmailAddress PrimaryPhoneNumber EmploymentJobTitle EmploymentDepartment IsInactive:NoYes IsDefaultContactPerson:NoYes "
    "PrimaryAddressStreet PrimaryAddressStreetNumber PrimaryAddressCity PrimaryAddressZipCode PrimaryAddressStateId PrimaryAddressCountyId "
    "PrimaryAddressCountryRegionId PrimaryAddressCountryRegionISOCode PrimaryAddressLocationId PrimaryAddressDescription "
    "PrimaryAddressValidFrom:dto PrimaryAddressValidTo:dto LastEditDateTime:dto",
    writable=True, required="LastName",
)
_PRODUCT = (
    "dataAreaId ItemNumber ProductNumber SearchName ProductSearchName ProductType:EcoResProductType ProductGroupId ItemModelGroupId "
    "SalesUnitSymbol InventoryUnitSymbol PurchaseUnitSymbol SalesPrice:dec SalesPriceQuantity:dec SalesPriceDate:dto UnitCost:dec "
    "SalesSalesTaxItemGroupCode BarcodeSetupId NetProductWeight:dec GrossProductHeight:dec SellStartDate:dto SellEndDate:dto "
    "IsPOSRegistrationBlocked:NoYes "
)
_add("ReleasedProductsV2", "ReleasedProductV2", "EcoResReleasedProductV2Entity", "dataAreaId ItemNumber",
     _PRODUCT + "ProductSubType:EcoResProductSubtype ProductLifecycleStateId HSNCode", writable=True)
_add("ReleasedDistinctProductsV2", "ReleasedDistinctProductV2", "EcoResReleasedDistinctProductV2Entity", "dataAreaId ItemNumber", _PRODUCT,
     of="ReleasedProductsV2")
_add(
    "SalesOrderHeadersV2", "SalesOrderHeaderV2", "SalesOrderHeaderV2Entity", "dataAreaId SalesOrderNumber", _ORDER_HEADER,
    writable=True, required="OrderingCustomerAccountNumber", SalesOrderLines=_same("SalesOrderLines", "dataAreaId SalesOrderNumber"),
)
_add("SalesOrderHeadersV3", "SalesOrderHeaderV3", "SalesOrderHeaderV3Entity", "dataAreaId SalesOrderNumber", _ORDER_HEADER,
     of="SalesOrderHeadersV2", writable=True, required="OrderingCustomerAccountNumber")
_add("SalesOrderHeadersV4", "SalesOrderHeaderV4", "SalesOrderHeaderV4Entity", "dataAreaId SalesOrderNumber", _ORDER_HEADER,
     of="SalesOrderHeadersV2", writable=True, required="OrderingCustomerAccountNumber")
_add(
    "SalesOrderLines", "SalesOrderLine", "SalesOrderLineEntity", "dataAreaId InventoryLotId", _ORDER_LINE, writable=True,
    required="SalesOrderNumber ItemNumber",
    SalesOrderHeaderV2=_same("SalesOrderHeadersV2", "dataAreaId SalesOrderNumber", many=False),
)
_add("SalesOrderLinesV2", "SalesOrderLineV2", "SalesOrderLineV2Entity", "dataAreaId InventoryLotId", _ORDER_LINE, of="SalesOrderLines",
     writable=True, required="SalesOrderNumber ItemNumber")
_add("SalesOrderLinesV3", "SalesOrderLineV3", "SalesOrderLineV3Entity", "dataAreaId InventoryLotId", _ORDER_LINE, of="SalesOrderLines",
     writable=True, required="SalesOrderNumber ItemNumber")
_add(
    "SalesOrderHoldCodes", "SalesOrderHoldCode", "MCRHoldCodeEntity", "dataAreaId SalesOrderHoldCode",
    "dataAreaId SalesOrderHoldCode Description AssociatedSecurityRoleName IsDefaultSalesOrderHoldCode:NoYes "
    "IsHoldCodeRemovingInventoryReservations:NoYes",
)
_add(
    "SalesInvoiceHeadersV2", "SalesInvoiceHeaderV2", "SalesInvoiceHeaderV2Entity", _INVOICE_KEYS,
    _INVOICE_HEADER.format("InvoiceHeaderTaxAmount:dec TotalDiscountAmount:dec "),
    SalesInvoiceLinesV2=_same("SalesInvoiceV2Lines", _INVOICE_KEYS), SalesInvoiceLinesV3=_same("SalesInvoiceV3Lines", _INVOICE_KEYS),
)
_add(
    "SalesInvoiceHeadersV4", "SalesInvoiceHeaderV4", "SalesInvoiceHeaderV4Entity", _INVOICE_KEYS,
    _INVOICE_HEADER.format("InvoiceHeaderTaxAmount:dec TotalLineDiscount:dec=TotalDiscountAmount EndDiscount:dec=_zero CashDiscount:dec=_zero "),
    of="SalesInvoiceHeadersV2", SalesInvoiceLinesV4=_same("SalesInvoiceV4Lines", _INVOICE_KEYS),
)
_add("SalesInvoiceJournalHeaders", "SalesInvoiceJournalHeader", "SalesInvoiceJournalHeaderEntity", _INVOICE_KEYS,
     _INVOICE_HEADER.format("TotalDiscountAmount:dec "), of="SalesInvoiceHeadersV2")
_add("SalesInvoiceV2Lines", "SalesInvoiceLineV2", "SalesInvoiceLineV2Entity", _INVOICE_KEYS + " LineCreationSequenceNumber", _INVOICE_LINE,
     SalesInvoiceHeaderV2=_same("SalesInvoiceHeadersV2", _INVOICE_KEYS, many=False))
_add("SalesInvoiceV3Lines", "SalesInvoiceLineV3", "SalesInvoiceLineV3Entity", _INVOICE_KEYS + " LineCreationSequenceNumber", _INVOICE_LINE,
     of="SalesInvoiceV2Lines")
_add("SalesInvoiceV4Lines", "SalesInvoiceLineV4", "SalesInvoiceLineV4Entity", _INVOICE_KEYS + " LineCreationSequenceNumber", _INVOICE_LINE,
     of="SalesInvoiceV2Lines")
_add(
    "FreeTextInvoiceHeaders", "FreeTextInvoiceHeader", "CustFreeTextInvoiceHeaderEntity", "dataAreaId InvoiceIdentifier",
    "dataAreaId InvoiceIdentifier:i64 FreeTextNumber InvoiceAccount CustomerAccount InvoiceDate:dto DueDate:dto DocumentDate:dto CurrencyCode "
    "IsPosted:NoYes IsCorrection:NoYes CorrectedInvoiceId CorrectedInvoiceDate:dto ExternalInvoiceId CustomerReference PostingProfile "
    "TermsOfPayment SalesTaxGroupId InvoiceName",
    writable=True, required="InvoiceAccount",
)
_add(
    "FreeTextInvoiceLines", "FreeTextInvoiceLine", "CustFreeTextInvoiceLineEntity", "dataAreaId LineNumber ParentRecId",
    "dataAreaId LineNumber:dec ParentRecId:i64 InvoiceText Description Quantity:dec UnitPrice:dec TransactionCurrencyAmount:dec "
    "CurrencyCode SalesTaxAmount:dec MainAccountDisplayValue SalesTaxGroupId SalesTaxItemGroupId ExternalInvoiceId",
    writable=True, required="ParentRecId",
)
_add(
    "CustTransactions", "CustTransaction", "CustTransEntity", "dataAreaId SysRecId", "dataAreaId SysRecId:i64 " + _TRANSACTION,
    CustTransOpen=Navigation("CustTransOpens", {"dataAreaId": "dataAreaId", "RefRecId": "SysRecId"}),
)
_add(
    "CustTransOpens", "CustTransOpen", "CustTransOpenEntity", "dataAreaId SysRecId",
    "dataAreaId SysRecId:i64 AccountNum RefRecId:i64 AmountCur:dec AmountMST:dec DueDate:dto CashDiscDate:dto PossibleCashDisc:dec TransDate:dto",
    CustTransaction=Navigation("CustTransactions", {"dataAreaId": "dataAreaId", "SysRecId": "RefRecId"}, False),
)
_add(
    "CustAgedBalances", "CustAgedBalance", "CustAgedBalanceEntity", "dataAreaId AgingPeriodDefinition CustAccount Company",
    "dataAreaId AgingPeriodDefinition CustAccount Company CustName AgingDate:dto SumOfAmountDueMst:dec AgingPeriod1:dec AgingPeriod2:dec "
    "AgingPeriod3:dec AgingPeriod4:dec AgingPeriod5:dec AgingPeriod6:dec NumOpenInvoices:i32 LastPaymentDate:dto LastPaymentAmount:dec "
    "MSTCurrency",
)
_add(
    "CustomerPaymentJournalHeaders", "CustomerPaymentJournalHeader", "CustomerPaymentJournalHeaderEntity", "dataAreaId JournalBatchNumber",
    "dataAreaId JournalBatchNumber JournalName Description IsPosted:NoYes OverrideSalesTax:NoYes", writable=True, required="JournalName",
    CustomerPaymentJournalLineHeaderEntity=_same("CustomerPaymentJournalLines", "dataAreaId JournalBatchNumber"),
)
_add(
    "CustomerPaymentJournalLines", "CustomerPaymentJournalLine", "CustomerPaymentJournalLineEntity",
    "dataAreaId JournalBatchNumber LineNumber",
    "dataAreaId JournalBatchNumber LineNumber:dec AccountType:LedgerJournalAcType AccountDisplayValue TransactionDate:dto CreditAmount:dec "
    "DebitAmount:dec CurrencyCode ExchangeRate:dec MarkedInvoice MarkedInvoiceCompany SettleVoucher:SettlementType PaymentReference "
    "PaymentMethodName PaymentId OffsetAccountType:LedgerJournalAcType OffsetAccountDisplayValue Voucher TransactionText Company "
    "CustomerName PostingProfile", writable=True, required="JournalBatchNumber",
)
_add(
    "ReturnOrderHeadersV2", "ReturnOrderHeaderV2", "ReturnOrderHeaderV2Entity", "dataAreaId ReturnOrderNumber",
    _RETURN_HEADER.format(
        "InvoiceCustomerAccountNumber ReturnStatus:ReturnStatusHeader ", "OrderTotalAmount:dec OrderTotalTaxAmount:dec OrderTotalChargesAmount:dec "),
    writable=True, required="CustomerAccountNumber",
    ReturnOrderLines=_same("ReturnOrderLinesV2", "dataAreaId ReturnOrderNumber"),
)
_add(
    "ReturnOrderLinesV2", "ReturnOrderLineV2", "ReturnOrderLineV2Entity", "dataAreaId ReturnOrderNumber ReturnInventoryLotId",
    _RETURN_LINE.format("LineCreationSequenceNumber:i32 ", "TotalTaxAmount:dec "), writable=True, required="ReturnOrderNumber ItemNumber",
    ReturnOrderHeader=_same("ReturnOrderHeadersV2", "dataAreaId ReturnOrderNumber", many=False),
)
_add(
    "ReturnOrderHeaders", "ReturnOrderHeader", "ReturnOrderHeaderEntity", "dataAreaId ReturnOrderNumber", _RETURN_HEADER.format("", ""),
    of="ReturnOrderHeadersV2", writable=True, required="CustomerAccountNumber",
)
_add(
    "ReturnOrderLines", "ReturnOrderLine", "ReturnOrderLineEntity", "dataAreaId ReturnOrderNumber ReturnInventoryLotId",
    _RETURN_LINE.format("", ""), of="ReturnOrderLinesV2", writable=True, required="ReturnOrderNumber ItemNumber",
)
_add("ReturnDispositionCodes", "ReturnDispositionCode", "ReturnDispositionCodeEntity", "dataAreaId DispositionCode",
     "dataAreaId DispositionCode DispositionDescription DispositionAction:DispositionAction")
_add(
    "ShipmentPackingSlipJournalHeaders", "ShipmentPackingSlipJournalHeader", "WHSShipmentPackingSlipJournalHeaderEntity",
    "dataAreaId ShipmentPackingSlipVersionNumber",
    "dataAreaId ShipmentPackingSlipVersionNumber ShipmentPackingSlipNumber ShipmentId LoadId DeliveryDate:dto DocumentDate:dto "
    "ConsigneeAccountNumber ConsigneeReference " + _SLIP_PARTY.format("Consignee") + _SLIP_PARTY.format("Receiver")
    + "ShipFromWarehouseId ShippingCarrierId ShippingCarrierServiceId DeliveryTermsCode IsActive:NoYes",
    ShipmentPackingSlipJournalLines=_same("ShipmentPackingSlipJournalLines", "dataAreaId ShipmentPackingSlipVersionNumber"),
)
_add(
    "ShipmentPackingSlipJournalLines", "ShipmentPackingSlipJournalLine", "WHSShipmentPackingSlipJournalLineEntity",
    "dataAreaId InventoryLotId ShipmentPackingSlipVersionNumber",
    "dataAreaId InventoryLotId ShipmentPackingSlipVersionNumber ConsignerOrderNumber ConsignerLineNumber:i64 ItemNumber OrderedQuantity:dec "
    "ShippedQuantity:dec ShippedHandlingQuantity:dec RemainingQuantity:dec OrderedUnitSymbol",
)
_add("PackingSlipTrackingInformation", "PackingSlipTrackingInformationEntity", "MCRPackingSlipTrackingEntity",
     "dataAreaId SalesOrderNumber PackingSlipNumber DeliveryDate TrackingNumber",
     "dataAreaId SalesOrderNumber PackingSlipNumber DeliveryDate:dto TrackingNumber TrackingURL", writable=True)
_add(
    "CustPackingSlipJourBiEntities", "CustPackingSlipJourBiEntity", "CustPackingSlipJourBiEntity", "dataAreaId SourceDocumentHeader",
    "dataAreaId SourceDocumentHeader:i64 SourceKey:i64=_recid PackingSlipId SalesId DeliveryDate:dto DocumentDate:dto OrderAccount "
    "InvoiceAccount DlvMode Qty:dec LedgerVoucher ShipCarrierId CreatedOn:dto=_created",
)
_add(
    "CustPackingSlipTransBiEntities", "CustPackingSlipTransBiEntity", "CustPackingSlipTransBiEntity", "dataAreaId SourceDocumentLine",
    "dataAreaId SourceDocumentLine:i64 SourceKey:i64=_recid PackingSlipId SalesId InventTransId ItemId Name Ordered:dec Qty:dec Remain:dec "
    "SalesUnit DeliveryDate:dto SalesLineShippingDateConfirmed:dto CreatedOn:dto=_created",
)
_add(
    "CustTableBiEntities", "CustTableBiEntity", "CustTableBiEntity", "dataAreaId AccountNum",
    "dataAreaId AccountNum=CustomerAccount InvoiceAccount CustGroup=CustomerGroupId Currency=SalesCurrencyCode "
    "Blocked:CustVendorBlocked=OnHoldStatus CreditMax:dec=CreditLimit MandatoryCreditLimit:NoYes=CreditLimitIsMandatory "
    "CompanyChainId=CompanyChain PaymTermId=PaymentTerms PaymMode=PaymentMethod VATNum=TaxExemptNumber IdentificationNumber "
    "SourceKey:i64=_recid SysModifiedDateTime:dto=_modified SysModifiedBy=_by CreatedDateTime1:dto=_created", of="CustomersV3",
)
_add(
    "CustInvoiceJourBiEntities", "CustInvoiceJourBiEntity", "CustInvoiceJourBiEntity", "dataAreaId SourceKey",
    "dataAreaId SourceKey:i64=_recid InvoiceId=InvoiceNumber InvoiceDate:dto LedgerVoucher SalesId=SalesOrderNumber "
    "InvoiceAccount=InvoiceCustomerAccountNumber OrderAccount=InvoiceCustomerAccountNumber CurrencyCode InvoiceAmount:dec=TotalInvoiceAmount "
    "InvoiceAmountMST:dec=_amount_mst SumTax:dec=TotalTaxAmount SumTaxMST:dec=_tax_mst DueDate:dto=_due CustomerRef=CustomersOrderReference "
    "Payment=PaymentTermsName DocumentNum=_document IsCorrection:NoYes=_correction SysModifiedDateTime:dto=_modified "
    "CreatedOn:dto=_created SysCreatedBy=_creator", of="SalesInvoiceHeadersV2",
)
_add(
    "CustInvoiceTransBiEntities", "CustInvoiceTransBiEntity", "CustInvoiceTransBiEntity",
    "dataAreaId InvoiceId InvoiceDate LineCreationSequenceNumber",
    "dataAreaId InvoiceId=InvoiceNumber InvoiceDate:dto LineCreationSequenceNumber:i32 SourceKey:i64=_recid ItemId=_item Name=ProductName "
    "Qty:dec=InvoicedQuantity SalesUnit=SalesUnitSymbol SalesPrice:dec LineAmount:dec TaxAmount:dec=LineTotalTaxAmount CurrencyCode "
    "SalesId=_order SysModifiedDateTime:dto=_modified CreatedOn:dto=_created SysCreatedBy=_creator", of="SalesInvoiceV2Lines",
)
_add("CustTransBiEntities", "CustTransBiEntity", "CustTransBiEntity", "dataAreaId SourceKey",
     "dataAreaId SourceKey:i64=SysRecId " + _TRANSACTION + " SysModifiedDateTime:dto=_modified SysModifiedBy=_by CreatedOn:dto=_created "
     "SysCreatedBy=_creator", of="CustTransactions")
_add("LegalEntities", "LegalEntity", "OMLegalEntity", "LegalEntityId",
     "LegalEntityId Name CompanyName NameAlias PartyNumber AddressStreet AddressCity AddressZipCode AddressState AddressCountryRegionId "
     "AddressCountryRegionISOCode VATNum LanguageId TimeZone:Timezone RegistrationNumber PrimaryContactEmail PrimaryContactPhone")
_add("Companies", "Company", "DataAreaEntity", "DataArea", "DataArea Name KnownAs LanguageId PartyNumber")
_add("Ledgers", "Ledger", "LedgerEntity", "LegalEntityId",
     "LegalEntityId Name Description LedgerRecId:i64 AccountingCurrency ReportingCurrency ChartOfAccounts ExchangeRateType FiscalCalendar")
_add("Currencies", "Currency", "CurrencyEntity", "CurrencyCode", "CurrencyCode Name Symbol GeneralRoundingRule:dec", writable=True)
_add("ExchangeRates", "ExchangeRate", "ExchangeRateEntity", "RateTypeName FromCurrency ToCurrency StartDate",
     "RateTypeName RateTypeDescription FromCurrency ToCurrency StartDate:dto EndDate:dto Rate:dec ConversionFactor:ExchangeRateDisplayFactor",
     writable=True)
_add("PaymentTerms", "PaymentTerm", "PaymentTermEntity", "dataAreaId Name",
     "dataAreaId Name Description NumberOfDays:i32 NumberOfMonths:i32 IsDefaultPaymentTerm:NoYes IsCashPayment:NoYes PaymentScheduleName")
_add("SalesOrderOriginCodes", "SalesOrderOriginCode", "SalesOrderOriginEntity", "dataAreaId OriginCode", "dataAreaId OriginCode OriginDescription")
_add("BusinessEventsCatalogs", "BusinessEventsCatalog", "BusinessEventsCatalogEntity", "BusinessEventId", "BusinessEventId Name Description Contract")

BI_SETS = frozenset(name for name in SETS if name.endswith("BiEntities"))

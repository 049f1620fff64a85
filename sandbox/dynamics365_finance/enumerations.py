"""The enumerations of the environment: members with their numbers. Which property has which one is in `catalogue` and `unfilled`."""

from __future__ import annotations


def _members(text: str) -> dict[str, int]:
    """`Name=1` words; without a number the one before counts on."""
    found: dict[str, int] = {}
    number = -1
    for word in text.split():
        name, _, given = word.partition("=")
        number = int(given) if given else number + 1
        found[name] = number
    return found


ENUMS: dict[str, dict[str, int]] = {name: _members(text) for name, text in {
    "Abc": "None A B C",
    "BomWhsReleasePolicy": "AllowPartialReservation RequireFullReservation",
    "BundleLineStatus": "None Backorder Delivered Invoiced Canceled",
    "BundleLineType": "None BundleParent NestedBundleParent BundleComponent",
    "CommissionTypeIt": "Invoice Payment",
    "CompanyTypeMx": "Blank LegalEntity LegalPerson ForeignCompany",
    "CreditCardAddressVerification": "None No Yes",
    "CreditCardAddressVerificationLevel": "Accept AccountHolderName BillingAddress BillingPostalCode",
    "CreditCardCreditCheck": "Normal ByPass",
    "CreditCardCvc": "None No Yes",
    "CreditCardPaymentType": "NA CreditCard",
    "CustAccountStatement": "Always Quarter Biannually Yearly Never",
    "CustCollectionLetterCode": (
        "None CollectionLetter1 CollectionLetter2 CollectionLetter3 CollectionLetter4 Collection All CollectionPerCust"
    ),
    "CustTableChangeProposalWorkflowState": "NotSubmitted Submitted Approved Rejected",
    "CustVendForeignExchIndicatorUs": "None FV VF FF",
    "CustVendForeignExchRefIndicatorUs": "One Two Three",
    "CustVendGatewayOperatorOfacIndicatorUs": "Zero One",
    "CustVendNegInstStatus": "None Drawn Redrawn Protested Honored Remitted Invoiced InvoiceRemitted Endorsed=101 EndorsementSettled",
    "CustVendOriginatingDfiQualifierUs": "One Two Three",
    "CustVendSecondaryOfacIndicatorUs": "Zero One",
    "CustVendorBlocked": "No Invoice All Payment Requisition Never PurchOrder",
    "CustWhtContributionTypeBr": (
        "Other FederalAgencyAutarchyOrFoundation OtherFederalAdministrationEntity PrivateCompany Cooperative MachineOrVehicleManufacturer"
    ),
    "CustomerTypeIn": "None GovtCompanyOrOtherAgencies ECommerceOperator",
    "DateTransactionDuedate": "TransactionDate DueDate DocumentDate",
    "DirPersonMaritalStatus": "None Single Married Divorced Widowhood",
    "DispositionAction": "Credit CreditOnly Scrap ReplaceCredit ReplaceScrap ReturnToCust",
    "DocumentTypeIt": "None PaymentOrder Contract Agreement ManagementSystem OriginalInvoice",
    "EcPsalesOrdersViewType": "WebEntered All",
    "EcoResProductServiceType": "NotSpecified Warranty",
    "EcoResProductSubtype": "Product=1 ProductMaster ProductVariant",
    "EcoResProductType": "Item=1 Service",
    "EfDocPresenceTypeBr": "DoesNotApply InPerson Internet Telesales InPersonOut=5 Others=9",
    "ExchangeRateDisplayFactor": "One=1 Ten Hundred Thousand TenThousand",
    "FactureCorrectionTypeRu": "Unknown Correction Revision",
    "FederalNonFederalIndicatorCode": "None Federal NonFederal NonFederalException",
    "FiTaxationOriginBr": (
        "National DirectImport Import NationalImportContent LegalAdjusts NationalLessThan40ImportContent ImportNoSimilar "
        "ImportAcquiredInRegion NationalGreaterThan70ImportContent"
    ),
    "FreightSlipType": "None UPS",
    "Gender": "Unknown Male Female NonSpecific",
    "GenderMaleFemale": "Male Female",
    "InventBatchMergeDateCalculationMethod": "Manual Earliest Latest",
    "InventProfileTypeRu": "NotSpecified General CommissionAgent=41 CommissionPrincipalAgent=43 Bailee",
    "InventRefType": "None Sales Purch Production ProdLine InventJournal CRMQuotation InventTransfer FixedAsset",
    "InvoiceComplementaryTypeBr": "Blank Price Tax=4",
    "InvoiceOrderAccount": "InvoiceAccount OrderAccount",
    "InvoiceTypeIt": "Invoice CreditNote=3 PrepaymentInvoice",
    "InvoiceTypeMy": "Invoice GST SelfBilled ServiceInvoice",
    "InvoiceTypeW": "TaxInvoice SimplifiedInvoice",
    "ItemNumAlternative": "Never InventWhen0 Always",
    "ItemReservation": "None Automatic Explosion",
    "LedgerJournalAcType": "Ledger Cust Vend Project FixedAssets=5 Bank FixedAssets_RU=12 Employee_RU RDeferrals RCash",
    "LedgerTransType": (
        "None Transfer Sales Purch Invent Production Project Interest Cust ExchAdjustment SummedUp Payroll FixedAssets CollectionLetter "
        "Vend Payment Tax Bank Conversion BillOfExchange PromissoryNote Cost Work Fee Settlement Allocation Elimination CashDiscount "
        "OverUnder PennyDifference CrossCompanySettlement PurchReq InflationAdjustment_MX PurchAdvanceApplication ConversionReporting "
        "WriteOff GeneralJournal ReportingCurrencyAdjustment RevRecSalesOrderRevenueAdjustment AssetLeaseLeaseIR AssetLeaseLeaseInterest "
        "AssetLeaseLeasePayment AssetLeaseLeaseAdjustment AssetLeaseLeaseIRReversal AssetLeaseLeaseInterestReversal "
        "AssetLeaseLeasePaymentReversal AssetLeaseLeaseROUDepreciation AssetLeaseLeaseROUDepreciationReversal "
        "AssetLeaseLeaseAdjustmentIncrease AssetLeaseLeaseAdjustmentDecrease AssetLeaseReversePriorLeaseClassification "
        "AssetLeaseRecordNewLeaseClassification AssetLeaseLeaseAdjustmentReversal AssetLeaseLeaseAdjustmentIncreaseReversal "
        "AssetLeaseLeaseAdjustmentDecreaseReversal AssetLeaseReversePriorLeaseClassificationReversal "
        "AssetLeaseRecordNewLeaseClassificationReversal AssetLeaseLeaseExpense AssetLeaseLeaseExpenseReversal "
        "AssetLeaseLeaseLiabilityShortTermReclass AssetLeaseLeaseLiabilityShortTermReclassReversal AssetLeaseAssetImpairment "
        "AssetLeaseLeaseAssetImpairmentReversal AssetLeaseLeaseTermination AssetLeaseLeaseTerminationReversal LTMInflationAdjustment_AR "
        "LedgerSettlement LedgerSettlementReversal FixedAssets_RU=79 RTax25_BadDebtDebitAmortisation RDeferrals "
        "RTax25_BadDebtCreditAmortisation AdvanceAdjustment_RU VATTaxAgent_RU GainLossCurrencyDeal_RU PdsRebateCreditNote=100 "
        "PdsRebatePassToAP CustVendNetting=188 MCRUnderpayWriteOff=250 SalesPrepayment"
    ),
    "LegalNatureIt": (
        "LN1=1 LN2 LN3 LN4 LN5 LN6 LN7 LN8 LN9 LN10 LN11 LN12 LN13 LN14 LN15 LN16 LN17 LN18 LN19 LN20 LN21 LN22 LN23 LN24 LN25 LN26 LN27 "
        "LN28 LN29 LN30 LN31 LN32 LN33 LN34 LN35 LN36 LN37 LN38 LN39 LN40 LN41 LN42 LN43 LN44 LN50=50 LN51 LN52 LN53 LN54 LN55 LN56 LN57 "
        "LN58 LN59"
    ),
    "Listcode": (
        "IncludeNot EUTrade ProductionOnToll TriangularEUTrade TriangularProductionOnToll PropertyMoving_CZ=50 "
        "TriangularIntermediateRole_HU DEL_EUService PurchasedOnBehalf_LV"
    ),
    "McrGiftCardType": "Email Physical",
    "McrsoAllocPriority": (
        "AllocationPriority10 AllocationPriority9 AllocationPriority8 AllocationPriority7 AllocationPriority6 AllocationPriority5 "
        "AllocationPriority4 AllocationPriority3 AllocationPriority2 AllocationPriority1"
    ),
    "ModuleAxapta": (
        "Ledger Bank SalesOrder Customer PurchaseOrder Vendor Inventory BOM Route WorkCenter Production MasterPlanning HumanResource "
        "Project Location General Costing Expense CRM Activities Contacts BusinessRelations Opportunities Leads Campaigns Basic "
        "TimeAndAttendance Budget FixedAssets RetailTerminal RCash FleetManagement TAM Workflow=35 Batch DIXF Alerts WorkflowType "
        "WorkflowExternalTask WorkflowElement WorkflowElementStarted WorkflowWorkItem CredMan AssetManagement ProcurementAndSourcing=48 "
        "NotApplicable Obsolete SalesAndMarketing SystemAdministration Tax Retail ProductInformationManagement ProductionControl GAB "
        "Currency FinancialDimensions IoTIntelligence EMPAShared AccountingFoundation FinancialReporting FiscalBooksBrazil "
        "AccountsReceivable AccountsPayable APARShared ComplianceAndInternalControls EGAIS EInvoice ElectronicMessages ExportImportIndia "
        "Intrastat Payroll ProjectManagementAndAccounting PublicSector RCashFlowManagement RDeferrals RSalesPurchBooks RAsset RTax25 "
        "ServiceManagement Transportation CostAccountingService EngineeringChangeManagement AssetLease ChannelManagement "
        "BrickAndMortarStore CallCenter OnlineStore Merchandising CommerceCustomers CommerceEmployees InventoryAndAdvancedWarehouse "
        "Payments TransactionsAndOrders WebActivity CommerceMiscellaneous CashManagement TAMRebate SubscriptionBilling=102 "
        "BackgroundOperation Warehouse"
    ),
    "MonthsOfYear": "None January February March April May June July August September October November December",
    "MpsFullRunCtpStatus": "Ready NotReady",
    "NatureOfAssesseeIn": "Company HUF Firm Individual AOP BOI LocalAuthority Others",
    "NetCurrent": "Net CurrentMth CurrentQuart CurrentYear CurrentWeek COD CutOffDate=7",
    "NoYes": "No Yes",
    "PanStatusIn": "NotAvailable Received Applied Invalid",
    "PaymSchedTaxDistribution": "Proportional FirstRate LastRate",
    "PaymentDueDateUpdatePolicy": "NoUpdate Next Previous",
    "PaymentStub": "None FIK BBS ESR_blue_PTT ESR_red_bank FIK762 ESR_orange BelSMS101 BelSMS102 Finnish FIK751 FIK752 QRBill",
    "PdsPotencyAttribRecordingEnum": "PurchProdReceipt Quality",
    "PdsVendorCheckItem": "NoCheck WarningOnly NotAllowed",
    "PlFiscalDocType": "Invoice FiscalDocument",
    "PmfProductType": "None Co_Product By_Product MainItem BOM Formula",
    "ProdFlushingPrincipItem": "Start Manual Finish Picked",
    "PurchMatchingPolicyWithNotSetOption": "NotSet ThreeWayMatch TwoWayMatch NoMatch",
    "RefNum": "SalesOrder Project Cust Interest ComplementaryInvoice=100",
    "ReqPoType": "Purch Production Transfer Kanban",
    "RetailFulfillmentLineStatus": (
        "Unknown Pending Picking PartiallyPicked Picked PartiallyPacked Packed PartiallyInvoiced Invoiced Accepted=10 Rejected"
    ),
    "RetailPriceKeyingRequirement": "NotMandatory NewPrice HigherEqual LowerEqual NoPrice",
    "RetailQtyKeyingRequirement": "NotMandatory KeyIn NotKeyIn",
    "RetailReceiptOptionBase": "RetailEx3 Email Both",
    "ReturnStatusHeader": "None Created Open Closed Canceled",
    "ReturnStatusLine": "None Awaiting Registered Quarantine Received Invoiced Canceled",
    "RevRecRevenueType": "Essential NonEssential PostContractSupport",
    "RoundOffType": "Ordinary RoundDown RoundUp",
    "SalesDeliveryDateControlType": "None SalesLeadTime ATP ATPPlusIssueMargin CTP FullRunCTP",
    "SalesInvoicePostingTypeRu": "Standard GoodsInRoute",
    "SalesOrderProcessingStatus": (
        "Active Confirmed Picked PartiallyDelivered Delivered Invoiced PartiallyInvoiced Canceled DeliveredPartiallyInvoiced"
    ),
    "SalesOriginType": "NotSpecified SalesOrderIntegration WorkOrderIntegration",
    "SalesPriceModel": "None Contributionratio PercentMarkup",
    "SalesPriceModelBasic": "PurchPrice CostPrice",
    "SalesSalesOrderCreationMethod": "SalesOrder RetailStatement",
    "SalesStatus": "None Backorder Delivered Invoiced Canceled",
    "SalesType": "Journal DEL_Quotation Subscription Sales ReturnItem DEL_Blanket ItemReq Prepayment",
    "ScaleIndicatorBr": "Relevant NotRelevant",
    "SettlementType": "None OpenTransact SelectedTransact",
    "SmmSensitivity": "Normal Personal Privat Confidential",
    "SysLocalizationCountryRegionCode": (
        "Default None BE BR CA CZ DE EE ES FR GB HU IE IN IT JP LT LV MX NL NO PL RU SA TH US AU CN DK FI MY SG ZA SE CH IS AT"
    ),
    "TaxExemptNumberSourceType": "None TaxRegistration TaxVATNumTable",
    "Timezone": (
        "GMTPLUS0430KABUL=1 GMTMINUS0900ALASKA GMTPLUS0300KUWAIT_RIYADH GMTPLUS0400ABUDHABI_MUSCAT GMTPLUS0300BAGHDAD "
        "GMTMINUS0400ATLANTICTIME GMTPLUS0930DARWIN GMTPLUS1000CANBERRA_MELBOURNE_SYDNEY GMTPLUS0400BAKU GMTMINUS0100AZORES "
        "GMTMINUS0600SASKATCHEWAN GMTMINUS0100CAPEVERDIS GMTPLUS0400YEREVAN GMTPLUS0930ADELAIDE GMTMINUS0600CENTRALAMERICA "
        "GMTPLUS0600ASTANA_DHAKA GMTMINUS0400MANAUS GMTPLUS0100BELGRADE_BRATISLAVA_BUDAPEST GMTPLUS0100SARAJEVO_SKOPJE_WARSAW_ZAGREB "
        "GMTPLUS1100MAGADAN_SOLOMONIS GMTMINUS0600CENTRALTIME GMTMINUS0600GUADALAJARA_MEXICOCITY GMTPLUS0800BEIJING_CHONGQING_HONGKONG "
        "GMTMINUS1200INTERNATIONALDATELINEWEST GMTPLUS0300NAIROBI GMTPLUS1000BRISBANE GMTPLUS0200MINSK GMTMINUS0300BRASILIA "
        "GMTMINUS0500EASTERNTIME GMTPLUS0200CAIRO GMTPLUS0500EKATERINBURG GMTPLUS1200FIJI_KAMCHATKA_MARSHALLIS "
        "GMTPLUS0200HELSINKI_KYIV_RIGA_VILNIUS GMTPLUS0300TBILISI GMT_DUBLIN_EDINBURGH_LISBON_LONDON GMTMINUS0300GREENLAND "
        "GMT_CASABLANCA_MONTROVIA_REYKJAVIK GMTPLUS0200ATHENS_BUCHAREST_ISTANBUL GMTMINUS1000HAWAII GMTPLUS0530CHENNAI_KOLKATA_MUMBAI "
        "GMTPLUS0330TEHRAN GMTPLUS0200JERUSALEM GMTPLUS0200AMMAN GMTPLUS0900SEOUL GMTMINUS0200MIDATLANTIC GMTPLUS0200BEIRUT "
        "GMTMINUS0700MOUNTAINTIME GMTMINUS0700CHIHUAHUA_LAPAZ_MAZATLAN GMTPLUS0630_YANGON GMTPLUS0600ALMATY_NOVOSIBIRSK "
        "GMTPLUS0200WINDHOEK GMTPLUS0545KATHMANDU GMTPLUS1200AUCKLAND_WELLINGTON GMTMINUS0330NEWFOUNDLAND GMTPLUS0800IRKUTSK_ULAANBATAAR "
        "GMTPLUS0700KRASNOYARSK GMTMINUS0300SANTIAGO GMTMINUS0800PACIFICTIME GMTMINUS0800TIJUANA_BAJACALIFORNIA "
        "GMTPLUS0100BRUSSELS_COPENHAGEN_MADRID GMTPLUS0300MOSCOW_STPETERSBURG_VOLGOGRAD GMTMINUS0300BUENOSAIRES_GEORGETOWN "
        "GMTMINUS0500BOGOTA_LIMA_QUITO_RIOBRANCO GMTMINUS0400LAPAZ GMTMINUS1100MIDWAYISLAND_SAMOA GMTPLUS0700_BANGKOK_HANOI_JAKARTA "
        "GMTPLUS0800KUALALUMPUR_SINGAPORE GMTPLUS0200HARARE_PRETORIA GMTPLUS0530SRIJAYAWARDENEPURA GMTPLUS0800TAIPEI GMTPLUS1000HOBART "
        "GMTPLUS0900OSAKA_SAPPORO_TOKYO GMTPLUS1300NUKU_ALOFA GMTMINUS0500INDIANA GMTMINUS0700ARIZONA GMTPLUS1000VLADIVOSTOK "
        "GMTPLUS0800PERTH GMTPLUS0100WESTCENTRALAFRICA GMTPLUS0100_AMSTERDAM_BERLIN_BERN_ROME GMTPLUS1000GUAM_PORTMORESBY=81 "
        "GMTPLUS0900YAKUTSK GMTMINUS0300MONTEVIDEO GMTPLUS0400CAUCASUSSTANDARDTIME GMTMINUS0430CARACAS GMTMINUS0300BUENOSAIRES "
        "GMTMINUS0300_SALVADOR GMTPLUS0600DHAKA GMT_COORDINATEDUNIVERSALTIME GMT_PLUS0300KALININGRAD_MINSK GMTPLUS0600MAGADAN "
        "GMTPLUS0400PORTLOUIS GMT_CASABLANCA GMTPLUS0500ISLAMABAD_KARACHI GMTMINUS0400ASUNCION GMTPLUS0200_DAMASCUS "
        "GMTPLUS0800_ULAANBAATAR GMTPLUS0300ISTANBUL GMTMINUS1100COORDINATEDUNIVERSALTIME GMTPLUS1200COORDINATEDUNIVERSALTIME "
        "GMTPLUS0100TRIPOLI GMTPLUS1100CHOKURDAKH GMTPLUS1200ANADYR_PETRO_KAMCHATSKY GMTPLUS0400IZHEVSK_SAMARA GMTMINUS0500CHETUMAL=255 "
        "GMTPLUS0500ISLAMABAD_KARACHI_TASHKENT=255"
    ),
    "TradeLineDlvType": "None DropShip",
    "UseCashDisc": "Normal Always Never",
    "VendRequestRoleType": "None Admin Clerk",
    "WarrantablePriceRangeBaseType": "None BasePrice SellingPrice",
    "WarrantyDurationTimeUnit": "Day Week Month Year",
    "WhsAllowMaterialOverPick": "Staging OrderPicking",
    "WhsAllowMaterialOverPickNonLp": "Staging OrderPicking",
    "WhsSalesUnitRestricted": "All SalesUnitRestricted",
    "WmsFreightedBy": "Carrier Shipper Recipient",
}.items()}

"""Properties that the services declare besides those that the stand-in has a use for: they are shown without a value, and can be written.

Nothing but names with their types and marks, in the notation of `catalogue`; a property that gets a value of its own moves there.
"""

from __future__ import annotations

FURTHER = {
    "A_BusinessPartner": (
        "AcademicTitle:s4 AdditionalLastName:s40 AuthorizationGroup:s4 BPDataControllerIsNotRequired:bool BirthDate:date "
        "BusPartMaritalStatus:s1 BusPartNationality:s3 BusinessPartnerBirthDateStatus:s1 BusinessPartnerBirthName:s40 "
        "BusinessPartnerBirthplaceName:s40 BusinessPartnerDeathDate:date BusinessPartnerOccupation:s4 BusinessPartnerPrintFormat:s1 "
        "BusinessPartnerSupplementName:s4 BusinessPartnerType:s4 FormOfAddress:s4 GenderCodeName:s1 GroupBusinessPartnerName1:s40 "
        "GroupBusinessPartnerName2:s40 IndependentAddressID:s10! Initials:s10 InternationalLocationNumber1:s7 "
        "InternationalLocationNumber2:s5 InternationalLocationNumber3:s1 IsFemale:bool IsMale:bool IsNaturalPerson:s1 "
        "IsSexUnknown:bool LastNamePrefix:s4 LastNameSecondPrefix:s4 MiddleName:s40 NameCountry:s3 NameFormat:s2 "
        "NaturalPersonEmployerName:s35 OrganizationFoundationDate:date OrganizationLiquidationDate:date PersonFullName:s80 "
        "PersonNumber:s10!"),
    "A_BusinessPartnerTaxNumber": (
        "AuthorizationGroup:s4"),
    "A_BusinessPartnerBank": (
        "AuthorizationGroup:s4 BankAccountHolderName:s60 BankAccountName:s40 BankAccountReferenceText:s20 BankControlKey:s2 "
        "CityName:s35! CollectionAuthInd:bool IBANValidityStartDate:date ValidityEndDate:dto ValidityStartDate:dto"),
    "A_BuPaIdentification": (
        "AuthorizationGroup:s4 BPIdentificationEntryDate:date Country:s3 Region:s3"),
    "A_BusinessPartnerAddress": (
        "AdditionalStreetPrefixName:s40 AdditionalStreetSuffixName:s40 AuthorizationGroup:s4 CityCode:s12 CompanyPostalCode:s10 "
        "CountyCode:s8 DeliveryServiceNumber:s10 DeliveryServiceTypeCode:s4 FormOfAddress:s4! HomeCityName:s40 "
        "HouseNumberSupplementText:s10 POBoxDeviatingCityName:s40 POBoxDeviatingCountry:s3 POBoxDeviatingRegion:s3 "
        "POBoxIsWithoutNumber:bool POBoxLobbyName:s40 Person:s10! PrfrdCommMediumType:s3 StreetPrefixName:s40 StreetSuffixName:s40 "
        "TownshipCode:s8 TownshipName:s40"),
    "A_Customer": (
        "AuthorizationGroup:s4 BPCustomerFullName:s220! BPCustomerName:s81! CityCode:s4 County:s3 ExpressTrainStationName:s25 "
        "FiscalAddress:s10 FreeDefinedAttribute01:s2 FreeDefinedAttribute02:s2 FreeDefinedAttribute03:s2 FreeDefinedAttribute04:s2 "
        "FreeDefinedAttribute05:s2 FreeDefinedAttribute06:s3 FreeDefinedAttribute07:s3 FreeDefinedAttribute08:s3 "
        "FreeDefinedAttribute09:s3 FreeDefinedAttribute10:s3 Industry:s4! InternationalLocationNumber1:s7! "
        "InternationalLocationNumber2:s5! InternationalLocationNumber3:s1! NFPartnerIsNaturalPerson:s1! NielsenRegion:s2 "
        "PaymentReason:s4 ResponsibleType:s2 TaxNumberType:s2 TrainStationName:s25"),
    "A_CustomerCompany": (
        "APARToleranceGroup:s4 AccountingClerk:s2 AccountingClerkFaxNumber:s31 AccountingClerkInternetAddress:s130 "
        "AccountingClerkPhoneNumber:s30 AuthorizationGroup:s4 CashPlanningGroup:s10 CollectiveInvoiceVariant:s1 "
        "CustomerAccountNote:s30 CustomerSupplierClearingIsUsed:bool HouseBank:s5 InterestCalculationCode:s2 "
        "InterestCalculationDate:date IntrstCalcFrequencyInMonths:s2 IsToBeLocallyProcessed:bool ItemIsToBePaidSeparately:bool "
        "KnownOrNegotiatedLeave:s4 LayoutSortingRule:s3 PaymentReason:s4 PaytAdviceIsSentbyEDI:bool RecordPaymentHistoryIndicator:bool "
        "UserAtCustomer:s15 ValueAdjustmentKey:s2"),
    "A_CustomerDunning": (
        "AuthorizationGroup:s4 LegDunningProcedureOn:date"),
    "A_CustomerSalesArea": (
        "AccountByCustomer:s12 AdditionalCustomerGroup1:s3 AdditionalCustomerGroup2:s3 AdditionalCustomerGroup3:s3 "
        "AdditionalCustomerGroup4:s3 AdditionalCustomerGroup5:s3 AuthorizationGroup:s4 CompleteDeliveryIsDefined:bool "
        "CustIsRlvtForSettlmtMgmt:bool CustProdProposalProcedure:s2 CustomerABCClassification:s2 CustomerAccountAssignmentGroup:s2 "
        "CustomerAccountGroup:s4 CustomerIsRebateRelevant:bool CustomerPricingProcedure:s2 CustomerStatisticsGroup:s1 "
        "DeliveryPriority:s2 ExchangeRateType:s4 IncotermsLocation1:s70 IncotermsLocation2:s70 IncotermsSupChnDvtgLocAddlUUID:guid "
        "IncotermsSupChnLoc1AddlUUID:guid IncotermsSupChnLoc2AddlUUID:guid IncotermsTransferLocation:s28 IncotermsVersion:s4 "
        "InspSbstHasNoTimeOrQuantity:bool InvoiceDate:s2 InvoiceListSchedule:s2 ItemOrderProbabilityInPercent:s3 "
        "ManualInvoiceMaintIsRelevant:bool MaxNmbrOfPartialDelivery:d1.0 OrderCombinationIsAllowed:bool "
        "OverdelivTolrtdLmtRatioInPct:d3.1 PartialDeliveryIsAllowed:s1 PaymentGuaranteeProcedure:s4 PriceListType:s2 "
        "ProductUnitGroup:s4 ProofOfDeliveryTimeValue:d6.2 SalesItemProposal:s10 SlsDocIsRlvtForProofOfDeliv:bool "
        "SlsUnlmtdOvrdelivIsAllwd:bool SupplyingPlant:s4 UnderdelivTolrtdLmtRatioInPct:d3.1"),
    "A_BPContactToAddress": (
        "AdditionalStreetPrefixName:s40! AdditionalStreetSuffixName:s40! AddressNumber:s10! AddressRepresentationCode:s1! "
        "AddressTimeZone:s6! CareOfName:s40! CityCode:s12! CompanyPostalCode:s10! ContactPersonBuilding:s10 "
        "ContactPersonPrfrdCommMedium:s3 ContactRelationshipDepartment:s40 ContactRelationshipFunction:s40 CorrespondenceShortName:s10 "
        "County:s40! DeliveryServiceNumber:s10! DeliveryServiceTypeCode:s4! District:s40! Floor:s10 FormOfAddress:s4! "
        "HomeCityName:s40! HouseNumber:s10! HouseNumberSupplementText:s10! InhouseMail:s10 Language:s2! POBox:s10! "
        "POBoxDeviatingCityName:s40! POBoxDeviatingCountry:s3! POBoxDeviatingRegion:s3! POBoxIsWithoutNumber:bool! POBoxLobbyName:s40! "
        "POBoxPostalCode:s10! PrfrdCommMediumType:s3! RoomNumber:s10 StreetPrefixName:s40! StreetSuffixName:s40! TaxJurisdiction:s15! "
        "TransportZone:s10!"),
    "A_BPContactToFuncAndDept": (
        "ContactPersonAuthorityType:s1 FaxNumber:s30 FaxNumberExtension:s10"),
    "A_BPRelationship": (
        "BPRelationshipType:s4"),
    "A_Product": (
        "ANPCode:s9 AdjustmentProfile:s3 AuthorizationGroup:s4 ChangeNumber:s12 CompetitorID:s10 CountryOfOrigin:s3 "
        "CrossPlantConfigurableProduct:s40 CrossPlantStatusValidityDate:date DocumentIsCreatedByCAD:bool ExternalProductGroup:s18 "
        "HandlingIndicator:s4 HandlingUnitType:s4 HasVariableTareWeight:bool IndustrySector:s1 IndustryStandardName:s18 "
        "InternationalArticleNumberCat:s2 IsBatchManagementRequired:bool IsPilferable:bool IsRelevantForHzdsSubstances:bool "
        "LowLevelCode:s3 ManufacturerNumber:s10 ManufacturerPartProfile:s4 MaterialRevisionLevel:s2 MaterialVolume:d13.3 "
        "MaximumPackagingHeight:d15.3 MaximumPackagingLength:d15.3 MaximumPackagingWidth:d15.3 PreferredUnitOfMeasure:s3 "
        "ProcurementRule:s1 ProdNoInGenProdInPrepackProd:s40 ProductIsConfigurable:bool ProductManufacturerNumber:s40 "
        "PurchaseOrderQuantityUnit:s3 QltyMgmtInProcmtIsActive:bool QualityInspectionGroup:s4 QuarantinePeriod:d3.0 "
        "SerialIdentifierAssgmtProfile:s4 SerialNoExplicitnessLevel:s1 SerialNumberProfile:s4 SizeOrDimensionText:s32 "
        "SourceOfSupply:s1 StandardHandlingUnitType:s4 TimeUnitForQuarantinePeriod:s3 UnitForMaxPackagingDimensions:s3 "
        "ValidityStartDate:date VarblPurOrdUnitIsActive:s1 VolumeUnit:s3 WarehouseProductGroup:s4 WarehouseStorageCondition:s2"),
    "A_ProductSalesDelivery": (
        "AccountDetnProductGroup:s2 CashDiscountIsDeductible:bool DeliveryNoteProcMinDelivQty:d13.3 DeliveryQuantity:d13.3 "
        "DeliveryQuantityUnit:s3 FifthSalesSpecProductGroup:s3 FirstSalesSpecProductGroup:s3 FourthSalesSpecProductGroup:s3 "
        "LogisticsStatisticsGroup:s1 MinimumMakeToOrderOrderQty:d13.3 MinimumOrderQuantity:d13.3 PriceSpecificationProductGroup:s2 "
        "PricingReferenceProduct:s40 ProductCommissionGroup:s2 ProductHasAttributeID01:bool ProductHasAttributeID02:bool "
        "ProductHasAttributeID03:bool ProductHasAttributeID04:bool ProductHasAttributeID05:bool ProductHasAttributeID06:bool "
        "ProductHasAttributeID07:bool ProductHasAttributeID08:bool ProductHasAttributeID09:bool ProductHasAttributeID10:bool "
        "ProductSalesStatusValidityDate:date ProductUnitGroup:s4 RoundingProfile:s4 SecondSalesSpecProductGroup:s3 SupplyingPlant:s4 "
        "ThirdSalesSpecProductGroup:s3 VariableSalesUnitIsNotAllowed:bool VolumeRebateGroup:s2"),
    "A_ProductValuation": (
        "FuturePlndPrice1ValdtyDate:date FuturePlndPrice2ValdtyDate:date FuturePlndPrice3ValdtyDate:date "
        "InventoryValuationProcedure:s1 IsProducedInhouse:bool PlannedPrice1InCoCodeCrcy:d12.3 PlannedPrice2InCoCodeCrcy:d12.3 "
        "PlannedPrice3InCoCodeCrcy:d12.3 PlannedPrice:d12.3 PrevInvtryPriceInCoCodeCrcy:d12.3 PriceLastChangeDate:date "
        "ProdCostEstNumber:s12 ProductOriginType:s1 ProductUsageType:s1 ProjectStockValuationClass:s4 TaxBasedPricesPriceUnitQty:d5.0 "
        "ValuationCategory:s1 ValuationClassSalesOrderStock:s4"),
    "A_ProductPlant": (
        "ABCIndicator:s1 AvailabilityCheckType:s2 BaseUnit:s3 Commodity:s17 ConfigurableProduct:s40 ConsumptionTaxCtrlCode:s16 "
        "CountryOfOrigin:s3 FiscalMonthCurrentPeriod:s2 FiscalYearCurrentPeriod:s4 FiscalYearVariant:s2 FixedLotSizeQuantity:d13.3 "
        "GoodsIssueUnit:s3 GoodsReceiptBlockedStockQty:d13.3 GoodsReceiptDuration:d3.0 HasConsignmentCtrl:s1 "
        "HasPostToInspectionStock:bool IsBatchManagementRequired:bool IsCoProduct:bool IsInternalBatchManaged:bool "
        "IsNegativeStockAllowed:bool MRPResponsible:s3 MRPType:s2 MaintenanceStatusName:s15 MaterialFreightGroup:s8 "
        "MaximumLotSizeQuantity:d13.3 MinimumLotSizeQuantity:d13.3 OriginalBatchReferenceMaterial:s40 "
        "OriglBatchManagementIsRequired:s1 PeriodType:s1 ProcurementType:s1 ProductCFOPCategory:s2 ProductIsConfigurable:s40 "
        "ProductIsCriticalPrt:bool ProductIsExciseTaxRelevant:bool ProductLogisticsHandlingGroup:s4 ProductionInvtryManagedLoc:s4 "
        "ProfileValidityStartDate:date PurchasingGroup:s3 RegionOfOrigin:s3 SerialNumberProfile:s4 StockDeterminationGroup:s4 "
        "StockInTransferQuantity:d13.3 StockInTransitQuantity:d13.3"),
    "A_ProductUnitsOfMeasure": (
        "CapacityUsage:d15.3 GlobalTradeItemNumber:s18 GlobalTradeItemNumberCategory:s2 GrossWeight:d13.3 LowerLevelPackagingUnit:s3 "
        "MaterialVolume:d13.3 MaximumStackingFactor:byte ProductMeasurementUnit:s3 RemainingVolumeAfterNesting:d3.0 "
        "UnitSpecificProductHeight:d13.3 UnitSpecificProductLength:d13.3 UnitSpecificProductWidth:d13.3 VolumeUnit:s3 WeightUnit:s3"),
    "A_SalesOrder": (
        "AccountingDocExternalReference:s16 AccountingExchangeRate:d9.5 AdditionalCustomerGroup1:s3 AdditionalCustomerGroup2:s3 "
        "AdditionalCustomerGroup3:s3 AdditionalCustomerGroup4:s3 AdditionalCustomerGroup5:s3 AdditionalValueDays:s2 "
        "AssignmentReference:s18 BillingDocumentDate:date BillingPlan:s10 CompleteDeliveryIsDefined:bool ContractAccount:s12 "
        "CustomerAccountAssignmentGroup:s2 CustomerGroup:s2 CustomerPriceGroup:s2 CustomerPurchaseOrderSuplmnt:s4 "
        "CustomerPurchaseOrderType:s4 CustomerTaxClassification1:s1 CustomerTaxClassification2:s1 CustomerTaxClassification3:s1 "
        "CustomerTaxClassification4:s1 CustomerTaxClassification5:s1 CustomerTaxClassification6:s1 CustomerTaxClassification7:s1 "
        "CustomerTaxClassification8:s1 CustomerTaxClassification9:s1 DeliveryDateTypeRule:s1 FixedValueDate:date "
        "IncotermsClassification:s3 IncotermsLocation1:s70 IncotermsLocation2:s70 IncotermsTransferLocation:s28 IncotermsVersion:s4 "
        "PaymentMethod:s1 PriceDetnExchangeRate:d9.5 PriceListType:s2 SalesDistrict:s6 SalesOrderApprovalReason:s4! "
        "SalesOrderTypeInternalCode:s4! SenderBusinessSystemName:s60! ServicesRenderedDate:date ShippingType:s2 "
        "SlsDocIsRlvtForProofOfDeliv:bool TaxDepartureCountry:s3 VATRegistrationCountry:s3"),
    "A_SalesOrderItem": (
        "AccountingExchangeRate:d9.5 AdditionalMaterialGroup1:s3 AdditionalMaterialGroup2:s3 AdditionalMaterialGroup3:s3 "
        "AdditionalMaterialGroup4:s3 AdditionalMaterialGroup5:s3 AdditionalValueDays:s2 AltvBsdConfSubstitutionStatus:s1! Batch:s10 "
        "BillingDocumentDate:date BillingPlan:s10 ContractAccount:s12 CustomerGroup:s2 CustomerPaymentTerms:s4 "
        "DeliveryDateQuantityIsFixed:bool DeliveryDateTypeRule:s1 DeliveryGroup:s3 ExternalItemID:s40! FixedValueDate:date "
        "HigherLevelItemUsage:s1! IncotermsClassification:s3 IncotermsLocation1:s70 IncotermsLocation2:s70 "
        "IncotermsTransferLocation:s28 ItemGrossWeight:d15.3! ItemNetWeight:d15.3! ItemVolume:d15.3! ItemVolumeISOUnit:s3 "
        "ItemVolumeSAPUnit:s3 ItemVolumeUnit:s3! ItemWeightISOUnit:s3 ItemWeightSAPUnit:s3 ItemWeightUnit:s3! MaterialGroup:s9 "
        "MaterialPricingGroup:s2 MaterialSubstitutionReason:s4! MatlAccountAssignmentGroup:s2 OrderQuantityISOUnit:s3! "
        "OrderQuantitySAPUnit:s3! OrderQuantityUnit:s3! OriginalPlant:s4! OriginallyRequestedMaterial:s40! PricingDate:date "
        "PricingReferenceMaterial:s40 ProductTaxClassification1:s1 ProductTaxClassification2:s1 ProductTaxClassification3:s1 "
        "ProductTaxClassification4:s1 ProductTaxClassification5:s1 ProductTaxClassification6:s1 ProductTaxClassification7:s1 "
        "ProductTaxClassification8:s1 ProductTaxClassification9:s1 PurchaseOrderByCustomer:s35 PurchaseOrderByShipToParty:s35 "
        "RequestedQuantityISOUnit:s3 RequestedQuantitySAPUnit:s3 SDDocReferenceStatus:s1! ServicesRenderedDate:date ShippingType:s2 "
        "SlsDocIsRlvtForProofOfDeliv:bool TotalSDDocReferenceStatus:s1! UnderlyingPurchaseOrderItem:s6"),
    "A_SalesOrderScheduleLine": (
        "CorrectedQtyInOrderQtyUnit:d13.3 OrderQuantityISOUnit:s3 OrderQuantitySAPUnit:s3"),
    "A_SalesOrderHeaderPartner": (
        "PartnerFunctionInternalCode:s2! VATRegistration:s20 WorkAssignmentExternalID:s100"),
    "A_SalesOrderHeaderPrElement": (
        "CndnIsRelevantForIntcoBilling:bool! CndnRoundingOffDiffAmount:d6.3! ConditionBaseValue:d24.9! ConditionCalculationType:s3! "
        "ConditionCategory:s1! ConditionClass:s1! ConditionControl:s1! ConditionInactiveReason:s1! ConditionIsForConfiguration:bool! "
        "ConditionIsForStatistics:bool! ConditionIsManuallyChanged:bool! ConditionOrigin:s1! ConditionQuantity:d5.0 "
        "ConditionQuantityISOUnit:s3 ConditionQuantitySAPUnit:s3 ConditionQuantityUnit:s3 ConditionRecord:s10! "
        "ConditionScaleBasisCurrency:s5! ConditionScaleBasisUnit:s3! ConditionScaleBasisValue:d24.9! ConditionSequentialNumber:s3! "
        "FactorForConditionBasisValue:double! IsGroupCondition:s1! PeriodFactorForCndnBasisValue:double! "
        "PrcgProcedureCounterForHeader:s3! PriceConditionDeterminationDte:date! PricingDateTime:s14! PricingScaleBasis:s3! "
        "PricingScaleType:s1! StructureCondition:s1! TaxCode:s2! VariantCondition:s26! WithholdingTaxCode:s2!"),
    "A_SalesOrderBillingPlan": (
        "BillingPlanEndDate:date! BillingPlanEndDateRule:s2! BillingPlanSearchTerm:s10! BillingPlanStartDate:date "
        "BillingPlanStartDateRule:s2 ReferenceBillingPlan:s10"),
    "A_SalesOrderRelatedObject": (
        "SDDocRelatedObjectReference2:s60"),
    "A_SalesOrderPrecdgProcFlow": (
        "OverallSDProcessStatus:s1~"),
    "A_BillingDocument": (
        "AccountingExchangeRateIsSet:bool AcctgExchangeRateIsIndrctQtan:bool AdditionalValueDays:s2 BillingDocCombinationCriteria:s40 "
        "BillingDocumentListDate:date BillingDocumentListType:s4 BillingIssueType:s1 CityCode:s4 ContractAccount:s12 Country:s3 "
        "County:s3 CreditControlArea:s4 CustomerAccountAssignmentGroup:s2 CustomerGroup:s2 CustomerPriceGroup:s2 "
        "CustomerRebateAgreement:s10 CustomerTaxClassification1:s1 CustomerTaxClassification2:s1 CustomerTaxClassification3:s1 "
        "CustomerTaxClassification4:s1 CustomerTaxClassification5:s1 CustomerTaxClassification6:s1 CustomerTaxClassification7:s1 "
        "CustomerTaxClassification8:s1 CustomerTaxClassification9:s1 DunningArea:s2 DunningBlockingReason:s1 DunningKey:s1 "
        "ExchangeRateDate:date ExchangeRateType:s4 FixedValueDate:date ForeignTrade:s10 HierarchyTypePricing:s1 "
        "IncotermsClassification:s3 IncotermsLocation1:s70 IncotermsLocation2:s70 IncotermsTransferLocation:s28 IncotermsVersion:s4 "
        "InternalFinancialDocument:s10 IsEUTriangularDeal:bool IsExportDelivery:s1 IsIntrastatReportingExcluded:bool "
        "IsIntrastatReportingRelevant:bool IsRelevantForAccrual:bool LogicalSystem:s10 ManualInvoiceMaintIsRelevant:bool "
        "OverallPricingIncompletionSts:s1 OvrlItmGeneralIncompletionSts:s1 PartnerCompany:s6 PaymentMethod:s1 PriceListType:s2 "
        "Region:s3 SDPricingProcedure:s6 SEPAMandate:s35 SalesDistrict:s6 SalesDocumentCondition:s10 ShippingCondition:s2 "
        "StatisticsCurrency:s5 TaxDepartureCountry:s3 VATRegistration:s20 VATRegistrationCountry:s3 VATRegistrationOrigin:s1"),
    "A_BillingDocumentItem": (
        "AbsltPriceDetnExchangeRate:d9.5 AbsltStatisticsExchangeRate:d9.5 AdditionalCustomerGroup1:s3 AdditionalCustomerGroup2:s3 "
        "AdditionalCustomerGroup3:s3 AdditionalCustomerGroup4:s3 AdditionalCustomerGroup5:s3 AdditionalMaterialGroup1:s3 "
        "AdditionalMaterialGroup2:s3 AdditionalMaterialGroup3:s3 AdditionalMaterialGroup4:s3 AdditionalMaterialGroup5:s3 "
        "BOMExplosion:s8 BaseUnit:s3 Batch:s10 BillToPartyCountry:s3 BillToPartyRegion:s3 BillingDocumentItemInPartSgmt:s6 "
        "BillingPlan:s10 BillingPlanItem:s6 BillingPlanRule:s1 BillingQuantityInBaseUnit:d13.3 BillingToBaseQuantityDnmntr:d5.0 "
        "BillingToBaseQuantityNmrtr:d5.0 BusinessArea:s4 CashDiscountIsDeductible:bool ControllingArea:s4 CostCenter:s10 "
        "CreatedByUser:s12 CreationDate:date CreationTime:time CreditRelatedPrice:d12.3 CustomerConditionGroup1:s2 "
        "CustomerConditionGroup2:s2 CustomerConditionGroup3:s2 CustomerConditionGroup4:s2 CustomerConditionGroup5:s2 "
        "DepartureCountry:s3 Division:s2 EligibleAmountForCashDiscount:d14.3 ExternalReferenceDocument:s10 "
        "ExternalReferenceDocumentItem:s6 HigherLevelItem:s6 HigherLevelItemUsage:s1 InternationalArticleNumber:s18 "
        "ItemGrossWeight:d15.3 ItemIsRelevantForCredit:bool ItemNetWeight:d15.3 ItemVolume:d15.3 ItemVolumeUnit:s3 ItemWeightUnit:s3 "
        "MRPRequiredQuantityInBaseUnit:d13.3 MainItemMaterialPricingGroup:s2 MainItemPricingRefMaterial:s40 ManualPriceChangeType:s1 "
        "MaterialCommissionGroup:s2 MaterialDeterminationType:s1 MaterialGroup:s9 MaterialGroupHierarchy1:s18 "
        "MaterialGroupHierarchy2:s18 MaterialPricingGroup:s2 MatlAccountAssignmentGroup:s2 OrderID:s12 OrganizationDivision:s2 "
        "OriginSDDocument:s10 OriginSDDocumentItem:s6 OriginallyRequestedMaterial:s40 PlantCity:s4 PlantCounty:s3 PlantRegion:s3 "
        "PriceDetnExchRateIsIndrctQtan:bool PriceDetnExchangeRateDate:date PricingDate:date PricingReferenceMaterial:s40 "
        "PricingScaleQuantityInBaseUnit:d13.3 ProductHierarchyNode:s18 ProductTaxClassification1:s1 ProductTaxClassification2:s1 "
        "ProductTaxClassification3:s1 ProductTaxClassification4:s1 ProductTaxClassification5:s1 ProductTaxClassification6:s1 "
        "ProductTaxClassification7:s1 ProductTaxClassification8:s1 ProductTaxClassification9:s1 ProfitabilitySegment:s10 "
        "RebateBasisAmount:d14.3 ReferenceLogicalSystem:s10 ReplacementPartType:s1 RetailPromotion:s10 SalesDeal:s10 "
        "SalesDocIsCreatedFromReference:bool SalesDocumentItemCategory:s4 SalesDocumentItemType:s1 SalesGroup:s3 SalesOffice:s4 "
        "SalesOrderCustomerGroup:s2 SalesOrderCustomerPriceGroup:s2 SalesOrderDistributionChannel:s2 SalesOrderPriceListType:s2 "
        "SalesOrderSalesDistrict:s6 SalesOrderSalesOrganization:s4 SalesPromotion:s10 ShippingPoint:s4 StatisticalValueControl:s1 "
        "StatisticsExchRateIsIndrctQtan:bool StorageLocation:s4 Subtotal1Amount:d14.3 Subtotal2Amount:d14.3 Subtotal3Amount:d14.3 "
        "Subtotal4Amount:d14.3 Subtotal5Amount:d14.3 Subtotal6Amount:d14.3 TaxJurisdiction:s15 VolumeRebateGroup:s2 WBSElement:s24 "
        "ZeroVATRsn:s1"),
    "A_BillingDocumentPrcgElmnt": (
        "CndnIsRelevantForIntcoBilling:bool! CndnRoundingOffDiffAmount:d6.3! ConditionBaseValue:d24.9! ConditionCalculationType:s3! "
        "ConditionCategory:s1! ConditionClass:s1! ConditionControl:s1! ConditionCurrency:s5 ConditionInactiveReason:s1! "
        "ConditionIsForConfiguration:bool! ConditionIsForStatistics:bool! ConditionIsManuallyChanged:bool! ConditionOrigin:s1! "
        "ConditionQuantity:d5.0 ConditionQuantityUnit:s3 ConditionRateValue:d24.9 ConditionRecord:s10! ConditionScaleBasisCurrency:s5! "
        "ConditionScaleBasisUnit:s3! ConditionScaleBasisValue:d24.9! ConditionSequentialNumber:s3! "
        "FactorForConditionBasisValue:double! IsGroupCondition:s1! PeriodFactorForCndnBasisValue:double! "
        "PrcgProcedureCounterForHeader:s3! PricingDateTime:s14! PricingScaleBasis:s3! PricingScaleType:s1! StructureCondition:s1! "
        "TaxCode:s2! VariantCondition:s26! WithholdingTaxCode:s2!"),
    "A_CreditMemoRequest": (
        "CustomerAccountAssignmentGroup:s2 CustomerPaymentTerms:s4 CustomerPurchaseOrderDate:date CustomerPurchaseOrderType:s4 "
        "CustomerTaxClassification1:s1 CustomerTaxClassification2:s1 CustomerTaxClassification3:s1 CustomerTaxClassification4:s1 "
        "CustomerTaxClassification5:s1 CustomerTaxClassification6:s1 CustomerTaxClassification7:s1 CustomerTaxClassification8:s1 "
        "CustomerTaxClassification9:s1 IncotermsClassification:s3 IncotermsLocation1:s70 IncotermsLocation2:s70 "
        "IncotermsTransferLocation:s28 IncotermsVersion:s4 PaymentMethod:s1 PricingDate:date SalesDistrict:s6 SalesGroup:s3 "
        "SalesOffice:s4 ServicesRenderedDate:date TotalCreditCheckStatus:s1!"),
    "A_CreditMemoRequestItem": (
        "Batch:s10! CreditMemoRequestItemCategory:s4 CustomerPaymentTerms:s4 HigherLevelItem:s6 IncotermsClassification:s3 "
        "IncotermsLocation1:s70 IncotermsLocation2:s70 IncotermsTransferLocation:s28 ItemGrossWeight:d15.3! ItemNetWeight:d15.3! "
        "ItemVolume:d15.3! ItemVolumeISOUnit:s3 ItemVolumeSAPUnit:s3 ItemVolumeUnit:s3! ItemWeightISOUnit:s3 ItemWeightSAPUnit:s3 "
        "ItemWeightUnit:s3! MaterialByCustomer:s35 MaterialGroup:s9 MaterialPricingGroup:s2 MatlAccountAssignmentGroup:s2 "
        "PricingDate:date ProductTaxClassification1:s1 ProductTaxClassification2:s1 ProductTaxClassification3:s1 "
        "ProductTaxClassification4:s1 ProductTaxClassification5:s1 ProductTaxClassification6:s1 ProductTaxClassification7:s1 "
        "ProductTaxClassification8:s1 ProductTaxClassification9:s1 ProfitCenter:s10 PurchaseOrderByCustomer:s35 "
        "RequestedQuantityISOUnit:s3 RequestedQuantitySAPUnit:s3 Subtotal1Amount:d14.3! Subtotal2Amount:d14.3! Subtotal3Amount:d14.3! "
        "Subtotal4Amount:d14.3! Subtotal5Amount:d14.3! Subtotal6Amount:d14.3! WBSElement:s24"),
    "A_CreditMemoReqPartner": (
        "PartnerFunctionInternalCode:s2! ReferenceBusinessPartner:s10!"),
    "A_CustomerReturn": (
        "AccountingDocExternalReference:s16 AssignmentReference:s18 CustomerPaymentTerms:s4 CustomerPurchaseOrderDate:date "
        "CustomerPurchaseOrderType:s4 CustomerReturnApprovalReason:s4 CustomerTaxClassification1:s1 CustomerTaxClassification2:s1 "
        "CustomerTaxClassification3:s1 CustomerTaxClassification4:s1 CustomerTaxClassification5:s1 CustomerTaxClassification6:s1 "
        "CustomerTaxClassification7:s1 CustomerTaxClassification8:s1 CustomerTaxClassification9:s1 IncotermsClassification:s3 "
        "IncotermsLocation1:s70 IncotermsLocation2:s70 IncotermsTransferLocation:s28 IncotermsVersion:s4 PaymentMethod:s1 "
        "PricingDate:date RequestedDeliveryDate:date SalesDistrict:s6 SalesGroup:s3 SalesOffice:s4 SenderBusinessSystemName:s60! "
        "ShippingType:s2 TotalCreditCheckStatus:s1!"),
    "A_CustomerReturnItem": (
        "Batch:s10! CRMLogicalSystem:s10! CRMObjectID:s10! CRMObjectType:s10! CRMObjectUUID:s32! CustomerPaymentTerms:s4 "
        "CustomerRetMatlInspResultCode:s4 DeliveryPriority:s2 HigherLevelItem:s6 IncotermsClassification:s3 IncotermsLocation1:s70 "
        "IncotermsLocation2:s70 IncotermsTransferLocation:s28 ItemGrossWeight:d15.3! ItemNetWeight:d15.3! ItemVolume:d15.3! "
        "ItemVolumeUnit:s3! ItemWeightUnit:s3! MaterialByCustomer:s35 MaterialGroup:s9 NextFllwUpActivityForMatlInsp:s4 "
        "NextPlantForFollowUpActivity:s4 PrelimRefundIsDetermined:s1 ProductTaxClassification1:s1 ProductTaxClassification2:s1 "
        "ProductTaxClassification3:s1 ProductTaxClassification4:s1 ProductTaxClassification5:s1 ProductTaxClassification6:s1 "
        "ProductTaxClassification7:s1 ProductTaxClassification8:s1 ProductTaxClassification9:s1 ProfitCenter:s10 "
        "PurchaseOrderByCustomer:s35 ReferenceSDDocumentCategory:s4! ReplacementMaterialIsRequested:s1 ReplacementMaterialQtyUnit:s3 "
        "ReplacementMatlSupplyingPlant:s4 RetMatlInspResultCode:s4 RetsMgmtItmCompnProcgStatus:s1! RetsMgmtItmLogProcgStatus:s1! "
        "RetsMgmtProcessingBlock:s1 RetsProdValnIsSuspended:s1 ReturnsDocumentApprovalStatus:s1! ReturnsTransshipmentPlant:s1 "
        "SDDocumentRejectionStatus:s1! ShippingPoint:s4 ShippingType:s2 StorageLocation:s4 Subtotal1Amount:d14.3! "
        "Subtotal2Amount:d14.3! Subtotal3Amount:d14.3! Subtotal4Amount:d14.3! Subtotal5Amount:d14.3! Subtotal6Amount:d14.3! "
        "SuplrRetMatlAuthznIsRequired:s1! Supplier:s10 SupplierRetMatlAuthzn:s20"),
    "A_CustomerReturnPartner": (
        "PartnerFunctionInternalCode:s2! ReferenceBusinessPartner:s10!"),
    "A_CustomerReturnProcessStep": (
        "ReturnsDocumentApprovalStatus:s1 ReturnsReferenceDocument:s30 ReturnsReferenceDocumentItem:s10 "
        "ReturnsReferenceDocumentType:s2"),
    "A_OutbDeliveryHeader": (
        "BillingDocumentDate:date! CompleteDeliveryIsDefined:bool! ConfirmationTime:time! CustomerGroup:s2! "
        "DeliveryDocumentBySupplier:s35 DeliveryIsInPlant:bool! DeliveryPriority:s2 DeliveryTime:time DepreciationPercentage:d5.2! "
        "DistrStatusByDecentralizedWrhs:s1! ExternalIdentificationType:s1! FactoryCalendarByCustomer:s2! "
        "GoodsIssueOrReceiptSlipNumber:s10! GoodsIssueTime:time HandlingUnitInStock:s1! HdrGeneralIncompletionStatus:s1! "
        "HdrGoodsMvtIncompletionStatus:s1! HeaderBillgIncompletionStatus:s1! HeaderDelivIncompletionStatus:s1! HeaderNetWeight:d15.3 "
        "HeaderPackingIncompletionSts:s1! HeaderPickgIncompletionStatus:s1! HeaderVolume:d15.3 HeaderVolumeUnit:s3 "
        "IncotermsClassification:s3 IncotermsTransferLocation:s28 IntercompanyBillingDate:date! InternalFinancialDocument:s10! "
        "IsDeliveryForSingleWarehouse:s1! IsExportDelivery:s1! LoadingPoint:s2! LoadingTime:time MeansOfTransportRefMaterial:s40! "
        "MeansOfTransportType:s4 OrderCombinationIsAllowed:bool! OrderID:s12! OverallDelivConfStatus:s1! OverallIntcoBillingStatus:s1! "
        "OverallPickingConfStatus:s1! OvrlItmDelivIncompletionSts:s1! OvrlItmGdsMvtIncompletionSts:s1! "
        "OvrlItmGeneralIncompletionSts:s1! OvrlItmPackingIncompletionSts:s1! OvrlItmPickingIncompletionSts:s1! "
        "PaymentGuaranteeProcedure:s6! PickedItemsLocation:s20! PickingTime:time ProposedDeliveryRoute:s6 ReceivingPlant:s4! "
        "Receivinglocationtimezone:s6! RouteSchedule:s10! SDDocumentCategory:s4! SalesDistrict:s6! SalesOffice:s4! "
        "ShipmentBlockReason:s2! ShippingCondition:s2! ShippingType:s2! Shippinglocationtimezone:s6! SpecialProcessingCode:s4! "
        "StatisticsCurrency:s5! Supplier:s10! TransactionCurrency:s5! TransportationGroup:s4! TransportationPlanningStatus:s1! "
        "TransportationPlanningTime:time UnloadingPointName:s25 Warehouse:s3! WarehouseGate:s3! WarehouseStagingArea:s10!"),
    "A_OutbDeliveryItem": (
        "ActualDeliveredQtyInBaseUnit:d13.3 AdditionalCustomerGroup1:s3! AdditionalCustomerGroup2:s3! AdditionalCustomerGroup3:s3! "
        "AdditionalCustomerGroup4:s3! AdditionalCustomerGroup5:s3! AdditionalMaterialGroup1:s3! AdditionalMaterialGroup2:s3! "
        "AdditionalMaterialGroup3:s3! AdditionalMaterialGroup4:s3! AdditionalMaterialGroup5:s3! AlternateProductNumber:s40! "
        "BOMExplosion:s8! BaseUnit:s3! BatchBySupplier:s15! BatchClassification:s18! BusinessArea:s4! ConsumptionPosting:s1! "
        "ControllingArea:s4! CostCenter:s10! CreatedByUser:s12! CreationDate:date! CreationTime:time! CustEngineeringChgStatus:s17! "
        "DeliveryDocumentItemCategory:s4! DeliveryGroup:s3! DeliveryToBaseQuantityDnmntr:d5.0! DeliveryToBaseQuantityNmrtr:d5.0! "
        "DepartmentClassificationByCust:s4! DistributionChannel:s2! Division:s2! EUDeliveryItemARCStatus:s1 "
        "FixedShipgProcgDurationInDays:d5.2! GLAccount:s10! GoodsMovementReasonCode:s4! GoodsMovementType:s3! HigherLevelItem:s6! "
        "HigherLvlItmOfBatSpltItm:s6! InspectionLot:s12! InspectionPartialLot:s6! IntercompanyBillingStatus:s1! "
        "InternationalArticleNumber:s18! InventorySpecialStockType:s1! InventoryValuationType:s10 IsCompletelyDelivered:bool! "
        "IsNotGoodsMovementsRelevant:s1! IsSeparateValuation:bool! IssgOrRcvgBatch:s10! IssgOrRcvgMaterial:s40! "
        "IssgOrRcvgSpclStockInd:s1! IssgOrRcvgStockCategory:s1! IssgOrRcvgValuationType:s10! IssuingOrReceivingPlant:s4! "
        "IssuingOrReceivingStorageLoc:s4! ItemBillingBlockReason:s2! ItemBillingIncompletionStatus:s1! "
        "ItemDeliveryIncompletionStatus:s1! ItemGdsMvtIncompletionSts:s1! ItemGeneralIncompletionStatus:s1! ItemGrossWeight:d15.3 "
        "ItemIsBillingRelevant:s1! ItemNetWeight:d15.3 ItemPackingIncompletionStatus:s1! ItemPickingIncompletionStatus:s1! "
        "ItemVolume:d15.3 ItemVolumeUnit:s3 ItemWeightUnit:s3 LoadingGroup:s4! ManufactureDate:date MaterialByCustomer:s35 "
        "MaterialFreightGroup:s8! MaterialGroup:s9! MaterialIsBatchManaged:bool! MaterialIsIntBatchManaged:bool! "
        "NumberOfSerialNumbers:int32! OrderID:s12! OrderItem:s4! OriginallyRequestedMaterial:s40! OverdelivTolrtdLmtRatioInPct:d3.1! "
        "PackingStatus:s1! PartialDeliveryIsAllowed:s1! PaymentGuaranteeForm:s2! PickingConfirmationStatus:s1! PickingControl:s1! "
        "PrimaryPostingSwitch:s1! ProductAvailabilityDate:date! ProductAvailabilityTime:time! ProductCharacteristic1:s18! "
        "ProductCharacteristic2:s18! ProductCharacteristic3:s18! ProductCollection:s10! ProductConfiguration:s18! "
        "ProductHierarchyNode:s18! ProductSeason:s10! ProductSeasonYear:s4! ProductTheme:s10! ProfitCenter:s10! "
        "ProfitabilitySegment:s10! ProofOfDeliveryRelevanceCode:s1! ProofOfDeliveryStatus:s1! QuantityIsFixed:bool! "
        "ReceivingPoint:s25! ReferenceDocumentLogicalSystem:s10! ReferenceSDDocumentCategory:s4! RequirementSegment:s40! "
        "RetailPromotion:s10! SDDocumentCategory:s4! SDProcessStatus:s1! SalesDocumentItemType:s1! SalesGroup:s3! SalesOffice:s4! "
        "ShelfLifeExpirationDate:date StatisticsDate:date! StockSegment:s40! StockType:s1! StorageBin:s10! StorageLocation:s4 "
        "StorageType:s3! SubsequentMovementType:s3! TransportationGroup:s4! UnderdelivTolrtdLmtRatioInPct:d3.1! "
        "UnlimitedOverdeliveryIsAllowed:bool! VarblShipgProcgDurationInDays:d5.2! Warehouse:s3! WarehouseActivityStatus:s1! "
        "WarehouseStagingArea:s10! WarehouseStockCategory:s1! WarehouseStorageBin:s10!"),
    "A_OutbDeliveryPartner": (
        "BusinessPartnerAddressUUID:guid!~+ RefBusinessPartnerAddressUUID:guid!~+ SDDocumentItem:s6!~"),
    "A_OutbDeliveryDocFlow": (
        "QuantityInBaseUnit:d15.3~ SDFulfillmentCalculationRule:s1!~ TransferOrderInWrhsMgmtIsConfd:bool!~"),
    "A_OperationalAcctgDocItemCube": (
        "AccountAssignmentNumber:s2 AccountingDocCreatedByUser:s12 AccountingDocumentCategory:s1 AccountingDocumentCategoryName:s60 "
        "AccountingDocumentClass:s6 AccountingDocumentHeaderText:s25 AccountingDocumentItemRef:s10 AccountingDocumentItemType:s1 "
        "AccountingDocumentTypeName:s20 AccountsReceivableIsPledged:s2 AdditionalCurrency1:s5 AdditionalCurrency2:s5 "
        "AlternativeGLAccount:s10 AlternativeReferenceDocument:s26 AmountInAdditionalCurrency1:d24.3 AmountInAdditionalCurrency2:d24.3 "
        "AmountInBalanceTransacCrcy:d24.3 AmountInPaymentCurrency:d24.3 AssetContract:s13 AssetTransactionType:s3 AssetValueDate:date "
        "BPBankAccountInternalID:s4 BalanceTransactionCurrency:s5 BaseUnit:s3 BatchInputSession:s12 BillOfExchangeUsage:s1 Branch:s4 "
        "BranchAccount:s10 BranchCode:s5 BudgetPeriod:s10 BusinessArea:s4 BusinessAreaName:s30 BusinessPlace:s4 BusinessProcess:s12 "
        "BusinessTransactionType:s4 CashDiscount1Days:d3.0 CashDiscount1DueDate:date CashDiscount1Percent:d5.3 CashDiscount2Days:d3.0 "
        "CashDiscount2DueDate:date CashDiscount2Percent:d5.3 CashDiscountAmtInCoCodeCrcy:d24.3 CashDiscountBaseAmount:d24.3 "
        "CashFlowType:s4 ChartOfAccounts:s4 ClearingCreationDate:date ClearingIsReversed:bool ClearingItem:d5.0 CommitmentItem:s24 "
        "CompanyCodeCurrencyDetnMethod:s1 CompanyCodeName:s25 ControllingArea:s4 ControllingAreaName:s25 CorporateGroupAccount:s10 "
        "CostCenter:s10 CostCenterName:s20 CostCtrActivityType:s6 CostElement:s10 CostObject:s12 CostOriginGroup:s4 "
        "CreditControlArea:s4 CreditControlAreaCurrency:s5 CustomerIsInExecution:bool DataExchangeInstruction1:s2 "
        "DataExchangeInstruction2:s2 DataExchangeInstruction3:s2 DataExchangeInstruction4:s2 DelivOfGoodsDestCountry:s3 DunningArea:s2 "
        "DunningKey:s1 ExchangeRate:d9.5 ExchangeRateDate:date ExchangeRateType:s4 FinancialManagementArea:s4 "
        "FinancialTransactionType:s3 FiscalPeriod:s3 FixedAsset:s4 FixedCashDiscount:s1 FollowOnDocumentType:s1 FunctionalArea:s16 "
        "FunctionalAreaName:s30 Fund:s10 FundedProgram:s24 FundsCenter:s16 GLAccountLongName:s50 GLAccountName:s30 "
        "GoodsMovementEntryUnit:s3 GrantID:s20 HasPaymentOrder:bool HedgedAmount:d24.3 HouseBank:s5 HouseBankAccount:s5 "
        "IntercompanyTransaction:s16 InventoryValuationType:s10 InvoiceAmountInFrgnCurrency:d24.3 InvoiceAmtInCoCodeCrcy:d24.3 "
        "InvoiceItemReference:s3 InvoiceList:s8 InvoiceReceiptDate:date IsAutomaticallyCreated:bool IsBalanceSheetAccount:bool "
        "IsCompletelyDelivered:bool IsEUTriangularDeal:bool IsNegativePosting:bool IsNotCashDiscountLiable:bool IsOpenItemManaged:s1 "
        "IsSalesRelated:bool IsUsedInPaymentTransaction:bool JointVenture:s6 JointVentureBillingType:s2 "
        "JointVentureCostRecoveryCode:s2 JointVentureEquityGroup:s3 JointVentureEquityType:s3 JointVenturePartner:s10 "
        "JointVentureProductionDate:date LatePaymentReason:s2 LedgerGLLineItem:s6 LedgerGroup:s4 LineItemDisplayIsEnabled:bool "
        "LogicalSystem:s10 MasterFixedAsset:s12 Material:s40 MaterialPriceControl:s1 MaterialPriceUnitQty:d5.0 NetPaymentAmount:d24.3 "
        "NetPaymentDays:d3.0 NumberOfItems:d12.0 OffsettingAccount:s10 OffsettingAccountType:s1 OperationalGLAccount:s10 OrderID:s12 "
        "OrderIntBillOfOperationsItem:s8 OrderInternalBillOfOperations:s10 OriginalReferenceDocument:s20 OriginalTaxBaseAmount:d24.3 "
        "PartnerBudgetPeriod:s10 PartnerBusinessArea:s4 PartnerCompany:s6 PartnerFunctionalArea:s16 PartnerFund:s10 PartnerGrant:s20 "
        "PartnerProfitCenter:s10 PartnerSegment:s10 PaymentCardItem:s3 PaymentCardPaymentSettlement:s10 PaymentCurrency:s5 "
        "PaymentDifferenceReason:s3 PaymentMethod:s1 PaymentMethodSupplement:s2 PersonnelNumber:s8 PlannedAmtInTransactionCrcy:d24.3 "
        "PlannedReversalDate:date PlanningLevel:s2 Plant:s4 Product:s40 ProfitCenter:s10 ProfitCenterName:s20 ProfitLossAccountType:s2 "
        "ProfitabilitySegment:s10 Project:s24 ProjectNetwork:s12 PurchaseOrderQty:d13.3 PurchasingDocument:s10 "
        "PurchasingDocumentItem:s5 PurchasingDocumentPriceUnit:s3 Quantity:d23.3 QuantityInEntryUnit:d13.3 RealEstateObject:s40 "
        "RecurringAccountingDocument:s10 Reference1IDByBusinessPartner:s12 Reference1InDocumentHeader:s20 "
        "Reference2IDByBusinessPartner:s12 Reference2InDocumentHeader:s20 Reference3IDByBusinessPartner:s20 "
        "ReferenceDocumentLogicalSystem:s10 ReferenceDocumentType:s5 Region:s3 ReversalIsPlanned:bool ReversalReason:s2 "
        "ReverseDocumentFiscalYear:s4 SEPAMandate:s35 SalesDocumentCondition:s10 SalesDocumentItem:s6 ScheduleLine:s4 Segment:s10 "
        "SegmentName:s50 SettlementReferenceDate:date SourceCompanyCode:s4 SpecialGLAccountAssignment:s18 SpecialGLTransactionType:s1 "
        "StateCentralBankPaymentReason:s3 Supplier:s10 SupplierName:s80 SupplyingCountry:s3 TaxAmount:d24.3 "
        "TaxAmountInCoCodeCrcy:d24.3 TaxBaseAmountInCoCodeCrcy:d24.3 TaxBaseAmountInTransCrcy:d24.3 TaxBaseAmountIsNetAmount:bool "
        "TaxCode:s2 TaxDeterminationDate:date TaxDistributionCode1:s2 TaxDistributionCode2:s2 TaxDistributionCode3:s2 "
        "TaxExchangeRate:d9.5 TaxIsCalculatedAutomatically:bool TaxJurisdiction:s15 TaxReportingDate:date TaxSection:s4 TaxType:s1 "
        "TransactionCode:s20 TransactionTypeDetermination:s3 TreasuryContractType:s1 VATRegistration:s20 ValuationArea:s4 "
        "ValuationDiffAmtInAddlCrcy1:d24.3 ValuationDiffAmtInAddlCrcy2:d24.3 ValuationDiffAmtInCoCodeCrcy:d24.3 ValueDate:date "
        "WBSElementInternalID:s8 WithholdingTaxAmount:d24.3 WithholdingTaxBaseAmount:d24.3 WithholdingTaxCertificate:s10 "
        "WithholdingTaxCode:s2 WithholdingTaxExemptionAmt:d24.3"),
    "A_CompanyCode": (
        "AddressID:s10 CountryChartOfAccounts:s4 DocDateIsUsedForTaxDetn:bool ExtendedWhldgTaxIsActive:bool FieldStatusVariant:s4 "
        "FinancialManagementArea:s4 NonTaxableTransactionTaxCode:s2 TaxRptgDateIsActive:bool TaxableEntity:s4"),
}

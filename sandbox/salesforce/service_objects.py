"""Objects of a Salesforce org for what is served: assets, service contracts, entitlements, cases and what belongs to a case.

Belongs here: the fields of these objects and their rules. Does not belong here: whom it is served to (party_objects), what was sold
(sales_objects).
"""

from __future__ import annotations

from sandbox.salesforce.catalogue import Child, Field, SObject, address, flag, money, pick, read_only, reference, sobject, text
from sandbox.salesforce.party_objects import TIERS, owner, shown_currency

CASE_STATUSES: tuple[tuple[str, bool], ...] = (  # label, closed
    ("New", False),
    ("Working", False),
    ("Waiting on Customer", False),
    ("On Hold", False),
    ("Escalated", False),
    ("Solved", True),
    ("Closed", True),
)
COVERED = frozenset({"Entitlement", "ServiceContract", "ContractLineItem"})  # their Status follows from their dates and today
_COVER_STATUSES = ("Active", "Expired", "Inactive")
_MINUTES = ("Mins", "Hrs", "Days")


def _cover_status(name: str = "Status") -> Field:
    return pick(name, _COVER_STATUSES, writable=False, calculated=True)


def service_objects(currency: Field) -> list[SObject]:
    return [*_installed(currency), *_cover(currency), *_cases()]


def _installed(currency: Field) -> list[SObject]:
    return [
        sobject(
            "Asset",
            "02i",
            [
                reference("ContactId", "Contact"),
                reference("AccountId", "Account"),
                reference("ParentId", "Asset"),
                reference("RootAssetId", "Asset", writable=False),
                reference("Product2Id", "Product2"),
                text("ProductCode", writable=False),
                flag("IsCompetitorProduct"),
                text("Name", required=True),
                text("SerialNumber", 80),
                Field("InstallDate", "date"),
                Field("PurchaseDate", "date"),
                Field("UsageEndDate", "date"),
                Field("LifecycleStartDate", "datetime", writable=False),
                Field("LifecycleEndDate", "datetime", writable=False),
                pick("Status", ("Shipped", "Installed", "Registered", "Obsolete", "Purchased")),
                money("Price"),
                Field("Quantity", "double", scale=2),
                money("CurrentMrr", writable=False),
                Field("CurrentQuantity", "double", scale=2, writable=False),
                text("Description", 32000, type="textarea"),
                owner(),
                reference("LocationId", "Location"),
                reference("AssetProvidedById", "Account"),
                reference("AssetServicedById", "Account"),
                flag("IsInternal"),
                Field("AssetLevel", "int", writable=False),
                text("StockKeepingUnit", 180, writable=False),
                currency,
            ],
            children=(
                Child("ChildAssets", "Asset", "ParentId"),
                Child("Cases", "Case", "AssetId"),
                Child("Entitlements", "Entitlement", "AssetId"),
            ),
        ),
    ]


def _cover(currency: Field) -> list[SObject]:
    return [
        sobject(
            "ServiceContract",
            "810",
            [
                owner(),
                text("Name", required=True),
                reference("AccountId", "Account"),
                reference("ContactId", "Contact"),
                Field("Term", "int"),
                Field("StartDate", "date"),
                Field("EndDate", "date"),
                Field("ActivationDate", "datetime"),
                pick("ApprovalStatus", ("Draft", "In Approval Process", "Activated"), default="Draft"),
                text("Description", 32000, type="textarea"),
                *address("Billing"),
                *address("Shipping"),
                reference("Pricebook2Id", "Pricebook2"),
                money("ShippingHandling"),
                money("Tax"),
                money("Subtotal", writable=False, calculated=True),
                money("TotalPrice", writable=False, calculated=True),
                Field("LineItemCount", "int", writable=False, calculated=True),
                text("ContractNumber", 30, writable=False),
                text("SpecialTerms", 4000, type="textarea"),
                Field("Discount", "percent", scale=2, writable=False, calculated=True),
                money("GrandTotal", writable=False, calculated=True),
                _cover_status(),
                reference("ParentServiceContractId", "ServiceContract"),
                reference("RootServiceContractId", "ServiceContract", writable=False),
                Field("AdditionalDiscount", "percent", scale=2),
                currency,
            ],
            children=(
                Child("ContractLineItems", "ContractLineItem", "ServiceContractId", True),
                Child("Entitlements", "Entitlement", "ServiceContractId"),
                Child("Cases", "Case", "ServiceContractId"),
            ),
        ),
        sobject(
            "ContractLineItem",
            "811",
            [
                text("LineItemNumber", 30, writable=False),
                reference("ServiceContractId", "ServiceContract", required=True, create_only=True),
                reference("Product2Id", "Product2", writable=False),
                reference("AssetId", "Asset"),
                Field("StartDate", "date"),
                Field("EndDate", "date"),
                text("Description", 32000, type="textarea"),
                reference("PricebookEntryId", "PricebookEntry", required=True, create_only=True),
                Field("Quantity", "double", scale=2, required=True),
                money("UnitPrice", required=True),
                Field("Discount", "percent", scale=2),
                money("ListPrice", writable=False),
                money("Subtotal", writable=False, calculated=True),
                money("TotalPrice", writable=False, calculated=True),
                _cover_status(),
                reference("ParentContractLineItemId", "ContractLineItem", create_only=True),
                reference("RootContractLineItemId", "ContractLineItem", writable=False),
                shown_currency(currency),
            ],
            children=(Child("Entitlements", "Entitlement", "ContractLineItemId"),),
        ),
        sobject(
            "Entitlement",
            "550",
            [
                text("Name", required=True),
                reference("AccountId", "Account", required=True),
                pick("Type", ("Phone Support", "Web Support")),
                reference("ServiceContractId", "ServiceContract"),
                reference("ContractLineItemId", "ContractLineItem"),
                reference("AssetId", "Asset"),
                reference("AssetWarrantyId", "AssetWarranty"),
                Field("StartDate", "date"),
                Field("EndDate", "date"),
                reference("SlaProcessId", "SlaProcess"),
                reference("BusinessHoursId", "BusinessHours"),
                reference("SvcApptBookingWindowsId", "OperatingHours"),
                flag("IsPerIncident"),
                Field("CasesPerEntitlement", "int"),
                Field("RemainingCases", "int"),
                Field("WorkOrdersPerEntitlement", "int"),
                Field("RemainingWorkOrders", "int"),
                _cover_status(),
                pick("Tier__c", TIERS),
                shown_currency(currency),
            ],
            children=(Child("EntitlementContacts", "EntitlementContact", "EntitlementId", True), Child("Cases", "Case", "EntitlementId")),
        ),
        sobject(
            "EntitlementContact",
            "0E9",
            [
                text("Name", 80, writable=False),
                reference("EntitlementId", "Entitlement", required=True, create_only=True),
                reference("ContactId", "Contact", required=True, create_only=True),
            ],
            updateable=False,
        ),
        read_only(
            "SlaProcess",
            "552",
            [
                text("Name", 80),
                flag("IsActive"),
                flag("IsVersionDefault"),
                Field("VersionNumber", "int"),
                pick("SObjectType", ("Case", "WorkOrder")),
                text("StartDateField", 255),
                reference("BusinessHoursId", "BusinessHours"),
            ],
            has_trash=True,
            plural="Entitlement Processes",
        ),
        read_only(
            "MilestoneType", "557", [text("Name", 80), text("Description", 4000, type="textarea"), pick("RecurrenceType", ("none", "recursIndependently", "recursChained"))]
        ),
        read_only("BusinessHours", "01m", [text("Name", 80), flag("IsActive"), flag("IsDefault"), text("TimeZoneSidKey", 40)], plural="Business Hours"),
    ]


def _cases() -> list[SObject]:
    return [
        sobject(
            "Case",
            "500",
            [
                reference("MasterRecordId", "Case", writable=False),
                text("CaseNumber", 30, writable=False),
                reference("ContactId", "Contact"),
                reference("AccountId", "Account"),
                reference("AssetId", "Asset"),
                reference("ProductId", "Product2"),
                reference("EntitlementId", "Entitlement"),
                reference("ServiceContractId", "ServiceContract", writable=False),
                reference("SourceId", "EmailMessage", relationship=""),
                reference("BusinessHoursId", "BusinessHours"),
                reference("ParentId", "Case"),
                text("SuppliedName", 80),
                text("SuppliedEmail", 80, type="email"),
                text("SuppliedPhone", 40),
                text("SuppliedCompany", 80),
                pick("Type", ("Problem", "Incident", "Question", "Task", "Feature Request")),
                reference("RecordTypeId", "RecordType"),
                pick("Status", (label for label, _ in CASE_STATUSES), default="New"),
                pick("Reason", ("Installation", "Equipment Complexity", "Performance", "Breakdown", "Equipment Design", "Feedback", "Other")),
                pick("Origin", ("Phone", "Email", "Web")),
                pick("Language", ("en_US", "de", "fr", "es", "ja")),
                text("Subject", 255),
                pick("Priority", ("Critical", "High", "Medium", "Low"), default="Medium"),
                text("Description", 32000, type="textarea"),
                flag("IsClosed", writable=False),
                Field("ClosedDate", "datetime", writable=False),
                flag("IsClosedOnCreate", writable=False),
                flag("IsEscalated"),
                reference("OwnerId", "User", also=("Group",)),
                Field("SlaStartDate", "datetime", writable=False),
                Field("SlaExitDate", "datetime", writable=False),
                flag("IsStopped"),
                Field("StopStartDate", "datetime", writable=False),
                pick("MilestoneStatus", ("Compliant", "Open Violation", "Closed Violation"), writable=False),
                text("ContactPhone", 40, type="phone", writable=False),
                text("ContactMobile", 40, type="phone", writable=False),
                text("ContactEmail", 80, type="email", writable=False),
                text("ContactFax", 40, type="phone", writable=False),
                text("Comments", 4000, type="textarea"),  # what is written here becomes a comment; read, it is empty
                Field("LastViewedDate", "datetime", writable=False),
                Field("LastReferencedDate", "datetime", writable=False),
                text("ERP_Order_Number__c", 40),
                flag("Credit_Hold__c"),
                flag("Lapsed_Cover__c"),
            ],
            children=(
                Child("CaseComments", "CaseComment", "ParentId", True),
                Child("EmailMessages", "EmailMessage", "ParentId", True),
                Child("Histories", "CaseHistory", "CaseId", True),
                Child("CaseMilestones", "CaseMilestone", "CaseId", True),
                Child("Cases", "Case", "ParentId"),
            ),
        ),
        sobject(
            "CaseComment",
            "00a",
            [
                reference("ParentId", "Case", required=True, create_only=True),
                flag("IsPublished"),
                text("CommentBody", 4000, type="textarea"),
                text("CreatorName", 121, writable=False),
            ],
        ),
        sobject(
            "EmailMessage",
            "02s",
            [
                reference("ParentId", "Case", create_only=True),
                text("TextBody", 32000, type="textarea"),
                text("HtmlBody", 131072, type="textarea"),
                text("Headers", 32000, type="textarea"),
                text("Subject", 3000),
                text("FromName", 1000),
                text("FromAddress", 1000, type="email"),
                text("ToAddress", 4000),
                text("CcAddress", 4000),
                flag("Incoming"),
                pick("Status", ("0", "1", "2", "3", "4", "5"), restricted=True, default="5"),
                Field("MessageDate", "datetime"),
                flag("HasAttachment", writable=False),
            ],
        ),
        read_only(
            "CaseHistory",
            "017",
            [
                reference("CaseId", "Case"),
                pick("Field", ("created", "Status", "Priority", "Type", "Owner", "Subject", "Credit_Hold__c", "Lapsed_Cover__c")),
                text("DataType", 40),
                Field("OldValue", "anyType", length=255),
                Field("NewValue", "anyType", length=255),
            ],
            trail=("CreatedDate", "CreatedById"),
            has_trash=True,
            plural="Case History",
        ),
        sobject(
            "CaseMilestone",
            "555",
            [
                reference("CaseId", "Case", writable=False),
                reference("MilestoneTypeId", "MilestoneType", writable=False),
                reference("BusinessHoursId", "BusinessHours", writable=False),
                Field("StartDate", "datetime"),
                Field("TargetDate", "datetime", writable=False),
                Field("CompletionDate", "datetime"),
                flag("IsCompleted", writable=False),
                flag("IsViolated", writable=False),
                Field("TargetResponseInMins", "int", writable=False),
                *(Field(f"TargetResponseIn{unit}", "double", scale=2, writable=False) for unit in _MINUTES[1:]),
                Field("ElapsedTimeInMins", "int", writable=False),
                *(Field(f"ElapsedTimeIn{unit}", "double", scale=2, writable=False) for unit in _MINUTES[1:]),
                text("TimeRemainingInMins", 10, writable=False),  # minutes:seconds
                *(text(f"TimeRemainingIn{unit}", 10, writable=False) for unit in _MINUTES[1:]),
                *(text(f"TimeSinceTargetIn{unit}", 10, writable=False) for unit in _MINUTES),
            ],
            createable=False,
            deletable=False,
        ),
        read_only(
            "CaseStatus",
            "00X",
            [text("ApiName"), text("MasterLabel"), Field("SortOrder", "int"), flag("IsDefault"), flag("IsClosed")],
        ),
    ]

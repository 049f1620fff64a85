"""Objects of a Salesforce org for whom it deals with and who works in it: accounts, contacts, users, queues, the org's own row.

Belongs here: the fields of these objects and their rules. Does not belong here: what is sold (sales_objects) or served (service_objects).
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.salesforce.catalogue import Child, Field, SObject, address, flag, money, pick, read_only, reference, sobject, text

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
_INDUSTRIES = ("Apparel", "Chemicals", "Electronics", "Energy", "Machinery", "Manufacturing", "Retail", "Technology", "Transportation", "Other")
_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")


def owner() -> Field:
    return reference("OwnerId", "User")


def _viewed() -> list[Field]:
    return [
        Field("LastActivityDate", "date", writable=False),
        Field("LastViewedDate", "datetime", writable=False),
        Field("LastReferencedDate", "datetime", writable=False),
    ]


def _account_custom_fields(cloud: str) -> list[Field]:
    """What Concord's set-up asks an administrator to create; a developer org has some more from its factory."""
    fields = [
        text("Tax_Id__c", 40),
        text("ERP_Customer_Id__c", 40, external_id=True),
        pick("Credit_Status__c", ("OK", "Hold"), restricted=True),
        money("Credit_Limit__c", scale=3),
        money("ERP_Balance__c", scale=3),
        money("Overdue_Amount__c", scale=3),
        Field("Overdue_Days__c", "double"),
        pick("Entitlement_Tier__c", TIERS, restricted=True),
        Field("Entitlement_Start__c", "date"),
        Field("Entitlement_End__c", "date"),
        pick("ERP_Status__c", ("Active", "Blocked", "Inactive")),
        Field("ERP_Synced_At__c", "datetime"),
    ]
    if cloud == "service":
        fields.append(text("CRM_Account_Id__c", 40, external_id=True))
    return [
        *fields,
        pick("SLA__c", ("Gold", "Silver", "Platinum", "Bronze")),
        text("SLASerialNumber__c", 10),
        Field("SLAExpirationDate__c", "date"),
        pick("CustomerPriority__c", ("High", "Low", "Medium")),
        pick("Active__c", ("No", "Yes")),
        pick("UpsellOpportunity__c", ("Maybe", "No", "Yes")),
        Field("NumberofLocations__c", "double"),
    ]


def party_objects(cloud: str, currency: Field) -> list[SObject]:
    """`cloud`: sales or service, whose custom fields differ."""
    return [
        sobject(
            "Account",
            "001",
            [
                reference("MasterRecordId", "Account", writable=False),
                text("Name", required=True),
                pick("Type", _ACCOUNT_TYPES),
                reference("RecordTypeId", "RecordType"),
                reference("ParentId", "Account"),
                *address("Billing"),
                *address("Shipping"),
                text("Phone", 40, type="phone"),
                text("Fax", 40, type="phone"),
                text("AccountNumber", 40),
                text("Website", type="url"),
                text("PhotoUrl", type="url", writable=False),
                text("Sic", 20),
                text("Site", 80),
                pick("Industry", _INDUSTRIES),
                money("AnnualRevenue"),
                Field("NumberOfEmployees", "int"),
                pick("Ownership", ("Public", "Private", "Subsidiary", "Other")),
                text("TickerSymbol", 20),
                pick("Rating", ("Hot", "Warm", "Cold")),
                text("Description", 32000, type="textarea"),
                pick("AccountSource", _SOURCES),
                text("SicDesc", 80),
                text("NaicsCode", 8),
                text("DunsNumber", 9),
                text("Tradestyle", 255),
                text("YearStarted", 4),
                pick("CleanStatus", ("Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending"), restricted=True),
                text("Jigsaw", 20),
                pick("Tier", ("A", "B", "C")),
                reference("OperatingHoursId", "OperatingHours"),
                owner(),
                currency,
                *_viewed(),
                *_account_custom_fields(cloud),
            ],
            children=(
                Child("ChildAccounts", "Account", "ParentId"),
                Child("Contacts", "Contact", "AccountId", True),
                Child("AccountContactRelations", "AccountContactRelation", "AccountId", True),
                Child("AccountTeamMembers", "AccountTeamMember", "AccountId", True),
                Child("Opportunities", "Opportunity", "AccountId", True),
                Child("Contracts", "Contract", "AccountId", True),
                Child("Orders", "Order", "AccountId", True),
                Child("Assets", "Asset", "AccountId", True),
                Child("Entitlements", "Entitlement", "AccountId", True),
                Child("ServiceContracts", "ServiceContract", "AccountId", True),
                Child("Cases", "Case", "AccountId"),
            ),
        ),
        sobject(
            "Contact",
            "003",
            [
                reference("MasterRecordId", "Contact", writable=False),
                reference("AccountId", "Account"),
                text("LastName", 80, required=True),
                text("FirstName", 40),
                text("Salutation", 40),
                text("Name", 121, writable=False),
                *address("Other"),
                *address("Mailing"),
                text("Phone", 40, type="phone"),
                text("Fax", 40, type="phone"),
                text("MobilePhone", 40, type="phone"),
                text("HomePhone", 40, type="phone"),
                text("OtherPhone", 40, type="phone"),
                reference("ReportsToId", "Contact"),
                text("Email", 80, type="email"),
                text("Title", 128),
                text("Department", 80),
                pick("LeadSource", _SOURCES),
                Field("Birthdate", "date"),
                text("Description", 32000, type="textarea"),
                owner(),
                flag("HasOptedOutOfEmail"),
                flag("DoNotCall"),
                text("EmailBouncedReason", 255, writable=False),
                Field("EmailBouncedDate", "datetime", writable=False),
                flag("IsEmailBounced", writable=False),
                currency,
                *_viewed(),
            ],
            children=(
                Child("Cases", "Case", "ContactId"),
                Child("AccountContactRelations", "AccountContactRelation", "ContactId", True),
                Child("Assets", "Asset", "ContactId"),
            ),
        ),
        sobject(
            "AccountContactRelation",
            "07k",
            [
                reference("AccountId", "Account", required=True, create_only=True),
                reference("ContactId", "Contact", required=True, create_only=True),
                text("Roles", 4099, type="multipicklist"),
                flag("IsDirect", writable=False),
                flag("IsActive", default=True),
                Field("StartDate", "date"),
                Field("EndDate", "date"),
            ],
        ),
        sobject(
            "AccountTeamMember",
            "01M",
            [
                reference("AccountId", "Account", required=True, create_only=True),
                reference("UserId", "User", required=True, create_only=True),
                pick("TeamMemberRole", ("Account Manager", "Executive Sponsor", "Sales Rep")),
                pick("AccountAccessLevel", ("Read", "Edit", "All"), default="Read"),
            ],
        ),
        read_only(
            "User",
            "005",  # users are switched off, never deleted
            [
                text("Username", 80, required=True),
                text("LastName", 80),
                text("FirstName", 40),
                text("Name", 121, writable=False),
                text("Email", 128, type="email"),
                text("Alias", 8),
                flag("IsActive", default=True),
                pick("UserType", ("Standard", "PowerCustomerSuccess", "CsnOnly", "AutomatedProcess")),
                reference("ProfileId", "Profile"),
                reference("UserRoleId", "UserRole"),
                text("TimeZoneSidKey", 40),
                text("FederationIdentifier", 512),
                reference("ManagerId", "User"),
                reference("ContactId", "Contact", create_only=True),
                reference("AccountId", "Account", writable=False),
            ],
        ),
        read_only(
            "Group",
            "00G",
            [
                text("Name", 40),
                text("DeveloperName", 80),
                reference("RelatedId", "UserRole", relationship="Related"),
                pick("Type", ("Regular", "Queue", "Role", "Organization")),
                text("Email", 255, type="email"),
                reference("OwnerId", "User"),
            ],
        ),
        read_only("GroupMember", "011", [reference("GroupId", "Group"), reference("UserOrGroupId", "User", also=("Group",))], trail=("SystemModstamp",)),
        read_only(
            "UserRole",
            "00E",
            [text("Name", 80), reference("ParentRoleId", "UserRole", relationship=""), text("RollupDescription", 80), text("DeveloperName", 80)],
            trail=("LastModifiedDate", "LastModifiedById", "SystemModstamp"),
        ),
        read_only("Profile", "00e", [text("Name", 255), pick("UserType", ("Standard",)), text("Description", 255)]),
        read_only(
            "RecordType",
            "012",
            [text("Name", 80), text("DeveloperName", 80), text("SobjectType", 40), flag("IsActive"), text("Description", 255)],
        ),
        read_only(
            "Organization",
            "00D",
            [
                text("Name", 80),
                flag("IsSandbox"),
                text("InstanceName", 5),
                text("DefaultCurrencyIsoCode", 3),
                text("TimeZoneSidKey", 40),
            ],
        ),
    ]


def shown_currency(currency: Field) -> Field:
    """The currency of a row that takes it from its parent."""
    return replace(currency, writable=False)

"""The kinds of object that a tenant keeps: their names in each API, fields with types, what can be filtered and what expanded.

A field is written `name` (text) or `name:t` with t one of n (decimal number), i (whole number), b (boolean), d (date), t (date-time).
Names are those of the object query; ZOQL and exports capitalise the first letter, Data Query writes them in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

_AUDIT = " createdById createdDate:t updatedById updatedDate:t"


@dataclass(frozen=True)
class Kind:
    """`number`: the visible number that stands for the id in paths. `needs_filter`: a list without one is refused.

    `expand`: the dotted names that may be expanded. `settlement` and `orders`: only in tenants with that feature.
    """

    path: str
    table: str
    zoql: str
    spec: str
    filters: str
    number: str = ""
    expand: str = ""
    needs_filter: bool = False
    settlement: bool = False
    orders: bool = False
    in_zoql: bool = True

    @cached_property
    def fields(self) -> dict[str, str]:
        pairs = (entry.partition(":") for entry in (f"id {self.spec}{_AUDIT}").split())
        return {name: kind or "s" for name, _, kind in pairs}

    @cached_property
    def lower(self) -> dict[str, str]:
        return {name.lower(): name for name in self.fields}

    @cached_property
    def filterable(self) -> frozenset[str]:
        return frozenset({"id", "updateddate", *self.filters.split()})

    @cached_property
    def expandable(self) -> frozenset[str]:
        return frozenset(self.expand.split())


@dataclass(frozen=True)
class Relation:
    """How an expansion finds its rows: `here` of the one is `there` of the other. `many`: a list of them."""

    name: str  # as it appears in the answer
    kind: str
    here: str
    there: str = "id"
    many: bool = False


def _many(name: str, kind: str, there: str, here: str = "id") -> Relation:
    return Relation(name, kind, here, there, many=True)


_PLANS = "rateplans rateplans.rateplancharges"
_PEOPLE = "account account.billto account.soldto account.shipto"

KINDS: dict[str, Kind] = {kind.path: kind for kind in (
    Kind(
        "accounts", "account", "Account", """accountNumber additionalEmailAddresses allowInvoiceEdit:b autoPay:b balance:n batch
        bcdSettingOption billCycleDay:i billToId communicationProfileId creditBalance:n crmId currency customerServiceRepName
        defaultPaymentMethodId invoiceDeliveryPrefsEmail:b invoiceDeliveryPrefsPrint:b invoiceTemplateId lastInvoiceDate:d
        lastMetricsUpdate:t mrr:n name notes organizationId parentId partnerAccount:b paymentGateway paymentTerm purchaseOrderNumber
        salesRepName sequenceSetId shipToId soldToId status taxCompanyCode taxExemptStatus totalDebitMemoBalance:n totalInvoiceBalance:n
        unappliedBalance:n unappliedCreditMemoAmount:n vATId""",
        "accountnumber balance batch billcycleday billtoid communicationprofileid crmid currency defaultpaymentmethodid "
        "invoicetemplateid lastinvoicedate name parentid shiptoid soldtoid status",
        number="accountNumber",
        expand="billto soldto shipto defaultpaymentmethod subscriptions subscriptions.rateplans subscriptions.rateplans.rateplancharges "
        "payments refunds creditmemos debitmemos invoices usages paymentmethods"),
    Kind(
        "contacts", "contact", "Contact", """accountId address1 address2 city country county description fax firstName homePhone lastName
        mobilePhone nickName otherPhone otherPhoneType personalEmail postalCode state taxRegion workEmail workPhone asBillTo:b asSoldTo:b
        asShipTo:b""", "accountid"),
    Kind(
        "products", "product", "Product", """allowFeatureChanges:b category description effectiveEndDate:d effectiveStartDate:d name
        productNumber sKU state""", "name sku productnumber", number="productNumber",
        expand="productrateplans productrateplans.productrateplancharges productrateplans.productrateplancharges.productrateplanchargetiers"),
    Kind(
        "product-rate-plans", "productrateplan", "ProductRatePlan", """productId name description effectiveStartDate:d effectiveEndDate:d
        productRatePlanNumber state""", "productid name", number="productRatePlanNumber"),
    Kind(
        "product-rate-plan-charges", "productrateplancharge", "ProductRatePlanCharge", """productRatePlanId accountingCode billCycleType
        billingPeriod billingTiming chargeModel chargeType defaultQuantity:n description endDateCondition name
        productRatePlanChargeNumber taxable:b taxCode taxMode triggerEvent uOM""", "productrateplanid name chargetype chargemodel",
        number="productRatePlanChargeNumber"),
    Kind(
        "product-rate-plan-charge-tiers", "productrateplanchargetier", "ProductRatePlanChargeTier", """productRatePlanChargeId active:b
        currency endingUnit:n includedUnits:n overagePrice:n price:n priceFormat startingUnit:n tier:i""",
        "productrateplanchargeid currency"),
    Kind(
        "subscriptions", "subscription", "Subscription", """accountId autoRenew:b cancelReason cancelledDate:d cMRR:n
        contractAcceptanceDate:d contractEffectiveDate:d creatorAccountId currency currentTerm:i currentTermPeriodType initialTerm:i
        initialTermPeriodType invoiceOwnerId isLatestVersion:b name notes orderId originalCreatedDate:t originalId previousSubscriptionId
        quoteNumber__QT renewalSetting renewalTerm:i renewalTermPeriodType serviceActivationDate:d status subscriptionEndDate:d
        subscriptionStartDate:d termEndDate:d termStartDate:d termType version:i billToContactId soldToContactId""",
        "accountid invoiceownerid name originalid previoussubscriptionid islatestversion status version termtype orderid",
        number="name",
        expand=f"account invoiceowner billtocontact soldtocontact invoiceitems order {_PLANS} "
        "rateplans.rateplancharges.rateplanchargetiers account.billto account.soldto account.shipto account.paymentmethods"),
    Kind(
        "rate-plans", "rateplan", "RatePlan", """subscriptionId productRatePlanId productId name amendmentId amendmentType
        originalRatePlanId subscriptionRatePlanNumber""", "subscriptionid productrateplanid", needs_filter=True,
        expand="subscription productrateplan rateplancharges rateplancharges.rateplanchargetiers"),
    Kind(
        "rate-plan-charges", "rateplancharge", "RatePlanCharge", """ratePlanId productRatePlanChargeId originalId chargeNumber name
        version:i segment:i isLastSegment:b chargeType chargeModel billingPeriod billingTiming quantity:n uOM mRR:n dMRC:n tCV:n dTCV:n
        effectiveStartDate:d effectiveEndDate:d chargedThroughDate:d processedThroughDate:d endDateCondition accountingCode description
        subscriptionId""", "rateplanid subscriptionid productrateplanchargeid chargenumber originalid", needs_filter=True,
        expand="rateplan productrateplancharge rateplanchargetiers"),
    Kind(
        "rate-plan-charge-tiers", "rateplanchargetier", "RatePlanChargeTier", """ratePlanChargeId tier:i currency price:n startingUnit:n
        endingUnit:n discountAmount:n discountPercentage:n includedUnits:n overagePrice:n priceFormat""", "rateplanchargeid currency",
        needs_filter=True),
    Kind(
        "invoices", "invoice", "Invoice", """accountId adjustmentAmount:n amount:n amountWithoutTax:n autoPay:b balance:n billToContactId
        comments creditBalanceAdjustmentAmount:n creditMemoAmount:n currency dueDate:d eInvoiceStatus includesOneTime:b
        includesRecurring:b includesUsage:b invoiceDate:d invoiceNumber isSplit:b paymentAmount:n paymentTerm postedBy postedDate:t
        refundAmount:n reversed:b soldToContactId source sourceId sourceType status targetDate:d taxAmount:n taxExemptAmount:n
        transferredToAccounting""",
        "accountid amount balance duedate invoicedate invoicenumber reversed sourceid sourcetype status einvoicestatus",
        number="invoiceNumber",
        expand=f"{_PEOPLE} billtocontact invoiceitems invoiceitems.subscription invoiceitems.subscription.account paymentapplications "
        "paymentapplications.payment creditmemoapplications creditmemoapplications.creditmemo paymentparts paymentparts.payment "
        "creditmemoparts creditmemoparts.creditmemo"),
    Kind(
        "invoice-items", "invoiceitem", "InvoiceItem", """invoiceId accountId accountingCode appliedToInvoiceItemId balance:n
        bookingReference chargeAmount:n chargeDate:t chargeName chargeNumber description fulfillmentId processingType
        productRatePlanChargeId quantity:n ratePlanChargeId revRecStartDate:d serviceEndDate:d serviceStartDate:d sKU sourceItemType
        subscriptionId subscriptionNumber taxAmount:n taxExemptAmount:n taxMode unitPrice:n uOM""",
        "invoiceid subscriptionid subscriptionnumber rateplanchargeid productrateplanchargeid chargedate chargenumber servicestartdate "
        "serviceenddate accountingcode sourceitemtype fulfillmentid bookingreference", needs_filter=True,
        expand="invoice subscription subscriptionowner taxationitems rateplancharge orderlineitem"),
    Kind(
        "taxation-items", "taxationitem", "TaxationItem", """invoiceItemId name jurisdiction locationCode taxAmount:n taxableAmount:n
        exemptAmount:n taxCode taxDate:d taxMode taxRate:n taxRateDescription taxRateType accountingCode balance:n""", "invoiceitemid",
        needs_filter=True),
    Kind(
        "payments", "payment", "Payment", """accountId accountingCode amount:n appliedAmount:n unappliedAmount:n refundAmount:n
        cancelledOn:t comment currency effectiveDate:d gateway gatewayResponse gatewayResponseCode gatewayState markedForSubmissionOn:t
        paymentMethodId paymentNumber referencedPaymentID referenceId secondPaymentReferenceId settledOn:t source sourceName status
        submittedOn:t transferredToAccounting type""", "accountid paymentnumber status effectivedate amount currency type",
        number="paymentNumber", expand="account paymentmethod paymentapplications"),
    Kind(
        "payment-applications", "paymentapplication", "PaymentApplication", """paymentId invoiceId debitMemoId accountId applyAmount:n
        applicationGroupId effectiveDate:d paymentApplicationStatus""", "accountid applicationgroupid paymentid invoiceid effectivedate",
        settlement=True, in_zoql=False),
    Kind(
        "payment-parts", "paymentpart", "PaymentPart", "paymentId invoiceId debitMemoId accountId amount:n",
        "accountid paymentid invoiceid", settlement=True, in_zoql=False),
    Kind(
        "payment-methods", "paymentmethod", "PaymentMethod", """accountId active:b bankTransferType creditCardExpirationMonth:i
        creditCardExpirationYear:i creditCardMaskNumber creditCardType isSystem:b lastTransactionDateTime:t lastTransactionStatus name
        paymentMethodStatus type""", "accountid type", expand="account"),
    Kind(
        "refunds", "refund", "Refund", """accountId accountingCode amount:n cancelledOn:t comment currency gateway gatewayResponse
        gatewayResponseCode gatewayState markedForSubmissionOn:t methodType paymentMethodId reasonCode referenceID refundDate:d
        refundNumber refundTransactionTime:t secondRefundReferenceId settledOn:t sourceType status submittedOn:t transferredToAccounting
        type""", "accountid refundnumber status refunddate amount currency type", number="refundNumber",
        expand="account paymentmethod refundapplications refundapplications.payment refundapplications.refundapplicationitems"),
    Kind(
        "refund-applications", "refundapplication", "RefundApplication", """refundId paymentId creditMemoId invoiceId accountId
        applyAmount:n applicationGroupId effectiveDate:d""",
        "accountid applicationgroupid creditmemoid effectivedate paymentid refundid", settlement=True, in_zoql=False),
    Kind(
        "credit-memos", "creditmemo", "CreditMemo", """accountId appliedAmount:n autoApplyUponPosting:b balance:n billToContactId
        cancelledById cancelledOn:t comments currency discountAmount:n eInvoiceStatus excludeFromAutoApplyRules:b invoiceId memoDate:d
        memoNumber postedById postedOn:t reasonCode refundAmount:n reversed:b source sourceId sourceType status targetDate:d taxAmount:n
        totalAmount:n totalAmountWithoutTax:n totalTaxExemptAmount:n transferredToAccounting taxAutoCalculation:b""",
        "accountid invoiceid memonumber memodate balance totalamount sourcetype status einvoicestatus", number="memoNumber",
        expand="account creditmemoitems creditmemoitems.subscription creditmemoapplications", settlement=True, in_zoql=False),
    Kind(
        "credit-memo-items", "creditmemoitem", "CreditMemoItem", """creditMemoId invoiceItemId ratePlanChargeId productRatePlanChargeId
        subscriptionId subscriptionNumber chargeName chargeNumber amount:n amountWithoutTax:n appliedToItemId taxAmount:n
        unappliedAmount:n sku quantity:n unitPrice:n unitOfMeasure serviceStartDate:d serviceEndDate:d description processingType
        sourceItemType taxMode""",
        "creditmemoid invoiceitemid chargenumber subscriptionid subscriptionnumber rateplanchargeid sourceitemtype",
        expand="subscription rateplancharge credittaxationitems", settlement=True, in_zoql=False),
    Kind(
        "credit-memo-applications", "creditmemoapplication", "CreditMemoApplication", """creditMemoId invoiceId debitMemoId accountId
        applicationGroupId amount:n effectiveDate:d""", "accountid applicationgroupid creditmemoid invoiceid effectivedate",
        settlement=True, in_zoql=False),
    Kind(
        "credit-memo-parts", "creditmemopart", "CreditMemoPart", "creditMemoId invoiceId debitMemoId accountId amount:n",
        "accountid creditmemoid invoiceid", settlement=True, in_zoql=False),
    Kind(
        "debit-memos", "debitmemo", "DebitMemo", """accountId balance:n comments currency creditMemoId dueDate:d invoiceId memoDate:d
        memoNumber postedById postedOn:t reasonCode source sourceType status targetDate:d taxAmount:n totalAmount:n
        totalAmountWithoutTax:n transferredToAccounting""",
        "accountid invoiceid memonumber memodate balance totalamount sourcetype status einvoicestatus", number="memoNumber",
        settlement=True, in_zoql=False),
    Kind(
        "debit-memo-items", "debitmemoitem", "DebitMemoItem", """debitMemoId invoiceItemId ratePlanChargeId subscriptionId
        subscriptionNumber chargeName chargeNumber amount:n amountWithoutTax:n taxAmount:n balance:n sku quantity:n unitPrice:n
        unitOfMeasure serviceStartDate:d serviceEndDate:d description""",
        "debitmemoid invoiceitemid chargenumber subscriptionid subscriptionnumber rateplanchargeid sourceitemtype", settlement=True,
        in_zoql=False),
    Kind(
        "usages", "usage", "Usage", """accountId accountNumber subscriptionId ratePlanChargeId quantity:n uOM startDateTime:t endDateTime:t
        submissionDateTime:t rbeStatus sourceType uniqueKey description fileName importId""", "accountid subscriptionid rbestatus",
        expand="account"),
    Kind(
        "orders", "orders", "Order", """accountId orderNumber orderDate:d status state category description scheduledDate:d isScheduled:b
        cancelReason""", "accountid orderdate ordernumber status", number="orderNumber",
        expand="account orderlineitems orderactions orderactions.subscription", orders=True, in_zoql=False),
    Kind(
        "order-actions", "orderaction", "OrderAction", """orderId subscriptionId subscriptionNumber type sequence:i
        contractEffectiveDate:d serviceActivationDate:d customerAcceptanceDate:d cancellationPolicy cancellationEffectiveDate:d
        suspendDate:d resumeDate:d renewSetting autoRenew:b termStartDate:d""", "orderid subscriptionid type", orders=True, in_zoql=False,
        expand="subscription order"),
    Kind(
        "amendments", "amendment", "Amendment", """subscriptionId code name type status description contractEffectiveDate:d effectiveDate:d
        customerAcceptanceDate:d serviceActivationDate:d termStartDate:d termType autoRenew:b renewalTerm:i newRatePlanId
        removedRatePlanId""", "subscriptionid type status code"),
    Kind(
        "order-line-items", "orderlineitem", "OrderLineItem", "orderId itemName itemNumber quantity:n amount:n itemState",
        "orderid", orders=True, in_zoql=False),
)}
BY_TABLE = {kind.table: kind for kind in KINDS.values()}
BY_ZOQL = {kind.zoql: kind for kind in KINDS.values()}

RELATIONS: dict[str, dict[str, Relation]] = {
    "accounts": {
        "billto": Relation("billTo", "contacts", "billToId"), "soldto": Relation("soldTo", "contacts", "soldToId"),
        "shipto": Relation("shipTo", "contacts", "shipToId"),
        "defaultpaymentmethod": Relation("defaultPaymentMethod", "payment-methods", "defaultPaymentMethodId"),
        "subscriptions": _many("subscriptions", "subscriptions", "accountId"), "payments": _many("payments", "payments", "accountId"),
        "refunds": _many("refunds", "refunds", "accountId"), "creditmemos": _many("creditMemos", "credit-memos", "accountId"),
        "debitmemos": _many("debitMemos", "debit-memos", "accountId"), "invoices": _many("invoices", "invoices", "accountId"),
        "usages": _many("usages", "usages", "accountId"), "paymentmethods": _many("paymentMethods", "payment-methods", "accountId"),
    },
    "products": {"productrateplans": _many("productRatePlans", "product-rate-plans", "productId")},
    "product-rate-plans": {
        "product": Relation("product", "products", "productId"),
        "productrateplancharges": _many("productRatePlanCharges", "product-rate-plan-charges", "productRatePlanId"),
    },
    "product-rate-plan-charges": {
        "productrateplan": Relation("productRatePlan", "product-rate-plans", "productRatePlanId"),
        "productrateplanchargetiers": _many("productRatePlanChargeTiers", "product-rate-plan-charge-tiers", "productRatePlanChargeId"),
    },
    "subscriptions": {
        "account": Relation("account", "accounts", "accountId"), "invoiceowner": Relation("invoiceOwner", "accounts", "invoiceOwnerId"),
        "billtocontact": Relation("billToContact", "contacts", "billToContactId"),
        "soldtocontact": Relation("soldToContact", "contacts", "soldToContactId"),
        "invoiceitems": _many("invoiceItems", "invoice-items", "subscriptionId"), "order": Relation("order", "orders", "orderId"),
        "rateplans": _many("ratePlans", "rate-plans", "subscriptionId"),
    },
    "rate-plans": {
        "subscription": Relation("subscription", "subscriptions", "subscriptionId"),
        "productrateplan": Relation("productRatePlan", "product-rate-plans", "productRatePlanId"),
        "rateplancharges": _many("ratePlanCharges", "rate-plan-charges", "ratePlanId"),
    },
    "rate-plan-charges": {
        "rateplan": Relation("ratePlan", "rate-plans", "ratePlanId"),
        "productrateplancharge": Relation("productRatePlanCharge", "product-rate-plan-charges", "productRatePlanChargeId"),
        "rateplanchargetiers": _many("ratePlanChargeTiers", "rate-plan-charge-tiers", "ratePlanChargeId"),
    },
    "rate-plan-charge-tiers": {"rateplancharge": Relation("ratePlanCharge", "rate-plan-charges", "ratePlanChargeId")},
    "invoices": {
        "account": Relation("account", "accounts", "accountId"), "billtocontact": Relation("billToContact", "contacts", "billToContactId"),
        "invoiceitems": _many("invoiceItems", "invoice-items", "invoiceId"),
        "paymentapplications": _many("paymentApplications", "payment-applications", "invoiceId"),
        "creditmemoapplications": _many("creditMemoApplications", "credit-memo-applications", "invoiceId"),
        "paymentparts": _many("paymentParts", "payment-parts", "invoiceId"),
        "creditmemoparts": _many("creditMemoParts", "credit-memo-parts", "invoiceId"),
    },
    "invoice-items": {
        "invoice": Relation("invoice", "invoices", "invoiceId"), "subscription": Relation("subscription", "subscriptions", "subscriptionId"),
        "subscriptionowner": Relation("subscriptionOwner", "accounts", "accountId"),
        "taxationitems": _many("taxationItems", "taxation-items", "invoiceItemId"),
        "rateplancharge": Relation("ratePlanCharge", "rate-plan-charges", "ratePlanChargeId"),
        "orderlineitem": Relation("orderLineItem", "order-line-items", "orderLineItemId"),
    },
    "payments": {
        "account": Relation("account", "accounts", "accountId"),
        "paymentmethod": Relation("paymentMethod", "payment-methods", "paymentMethodId"),
        "paymentapplications": _many("paymentApplications", "payment-applications", "paymentId"),
    },
    "payment-applications": {"payment": Relation("payment", "payments", "paymentId")},
    "payment-parts": {"payment": Relation("payment", "payments", "paymentId")},
    "payment-methods": {"account": Relation("account", "accounts", "accountId")},
    "refunds": {
        "account": Relation("account", "accounts", "accountId"),
        "paymentmethod": Relation("paymentMethod", "payment-methods", "paymentMethodId"),
        "refundapplications": _many("refundApplications", "refund-applications", "refundId"),
    },
    "refund-applications": {
        "payment": Relation("payment", "payments", "paymentId"), "refund": Relation("refund", "refunds", "refundId"),
        "refundapplicationitems": _many("refundApplicationItems", "order-line-items", "refundApplicationId"),  # none are kept
    },
    "credit-memos": {
        "account": Relation("account", "accounts", "accountId"),
        "creditmemoitems": _many("creditMemoItems", "credit-memo-items", "creditMemoId"),
        "creditmemoapplications": _many("creditMemoApplications", "credit-memo-applications", "creditMemoId"),
    },
    "credit-memo-items": {
        "subscription": Relation("subscription", "subscriptions", "subscriptionId"),
        "rateplancharge": Relation("ratePlanCharge", "rate-plan-charges", "ratePlanChargeId"),
        "credittaxationitems": _many("creditTaxationItems", "order-line-items", "creditMemoItemId"),  # none are kept
    },
    "credit-memo-applications": {"creditmemo": Relation("creditMemo", "credit-memos", "creditMemoId")},
    "credit-memo-parts": {"creditmemo": Relation("creditMemo", "credit-memos", "creditMemoId")},
    "debit-memos": {"account": Relation("account", "accounts", "accountId")},
    "usages": {"account": Relation("account", "accounts", "accountId")},
    "orders": {
        "account": Relation("account", "accounts", "accountId"), "orderlineitems": _many("orderLineItems", "order-line-items", "orderId"),
        "orderactions": _many("orderActions", "order-actions", "orderId"),
    },
    "order-actions": {
        "subscription": Relation("subscription", "subscriptions", "subscriptionId"), "order": Relation("order", "orders", "orderId"),
    },
}


def pascal(name: str) -> str:
    """The name that ZOQL, exports and CRUD use: `mRR` is MRR, custom fields stay as they are named."""
    return name[:1].upper() + name[1:]


@dataclass(frozen=True)
class Custom:
    """A custom field of a kind, as an administrator has set it up."""

    kind: str
    name: str
    type: str = "s"


# the custom fields that the company's tenant has: links to its other systems, and what Zuora has no field of its own for
CUSTOM: tuple[Custom, ...] = (
    Custom("accounts", "ErpCustomerId__c"), Custom("accounts", "Domain__c"), Custom("products", "SupportTier__c"),
    Custom("subscriptions", "CrmContractId__c"), Custom("invoices", "ErpOrderId__c"), Custom("invoices", "CollectionStatus__c"),
    Custom("credit-memos", "SupportCaseId__c"), Custom("refunds", "SupportCaseId__c"),
)


@dataclass(frozen=True)
class Catalogue:
    """What a tenant with these features offers."""

    custom: dict[str, dict[str, str]] = field(default_factory=dict)

    def fields(self, kind: Kind) -> dict[str, str]:
        return kind.fields | self.custom.get(kind.path, {})


def catalogue() -> Catalogue:
    custom: dict[str, dict[str, str]] = {}
    for one in CUSTOM:
        custom.setdefault(one.kind, {})[one.name] = one.type
    return Catalogue(custom)

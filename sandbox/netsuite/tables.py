"""The tables and columns that SuiteQL shows, and the words behind codes: types, status letters, references to other records."""

from __future__ import annotations

Kind = str  # int, num, text, flag, date, time

TABLES: dict[str, dict[str, Kind]] = {
    "customer": {
        "id": "int", "entityid": "text", "externalid": "text", "altname": "text", "companyname": "text", "isperson": "flag",
        "firstname": "text", "lastname": "text", "parent": "int", "email": "text", "phone": "text", "vatregnumber": "text",
        "url": "text", "currency": "int", "creditlimit": "num", "creditholdoverride": "text", "oncredithold": "flag",
        "balancesearch": "num", "overduebalancesearch": "num", "consolbalancesearch": "num", "consoloverduebalancesearch": "num",
        "daysoverdue": "int", "terms": "int", "searchstage": "text", "entitystatus": "int", "category": "int", "salesrep": "int",
        "isinactive": "flag", "defaultbillingaddress": "int", "defaultshippingaddress": "int", "receivablesaccount": "int",
        "accountnumber": "text", "lastmodifiedby": "text", "datecreated": "time", "lastmodifieddate": "time",
    },
    "entityaddress": {
        "nkey": "int", "recordowner": "int", "addr1": "text", "addr2": "text", "addr3": "text", "addressee": "text",
        "attention": "text", "addrphone": "text", "addrtext": "text", "city": "text", "state": "text", "dropdownstate": "text",
        "zip": "text", "country": "text", "override": "flag", "lastmodifieddate": "time",
    },
    "contact": {
        "id": "int", "entityid": "text", "externalid": "text", "company": "int", "firstname": "text", "lastname": "text",
        "title": "text", "email": "text", "altemail": "text", "phone": "text", "officephone": "text", "mobilephone": "text",
        "subsidiary": "int", "supervisor": "int", "isinactive": "flag", "isprivate": "flag", "comments": "text", "lastmodifiedby": "text", "datecreated": "time", "lastmodifieddate": "time",
    },
    "item": {
        "id": "int", "itemid": "text", "externalid": "text", "fullname": "text", "displayname": "text", "description": "text",
        "itemtype": "text", "subtype": "text", "parent": "int", "subsidiary": "text", "baseprice": "num", "isinactive": "flag",
        "incomeaccount": "int", "expenseaccount": "int", "assetaccount": "int", "deferralaccount": "int", "department": "int", "class": "int",
        "location": "int",
        "lastmodifiedby": "text", "createddate": "time", "lastmodifieddate": "time",
    },
    "subsidiary": {
        "id": "int", "name": "text", "fullname": "text", "legalname": "text", "parent": "int", "country": "text",
        "currency": "int", "iselimination": "flag", "isinactive": "flag", "federalidnumber": "text", "fiscalcalendar": "int",
        "mainaddress": "int", "lastmodifieddate": "time",
    },
    "currency": {
        "id": "int", "name": "text", "symbol": "text", "currencyprecision": "int", "isbasecurrency": "flag",
        "exchangerate": "num", "isinactive": "flag", "lastmodifieddate": "time",
    },
    "currencyrate": {
        "id": "int", "basecurrency": "int", "transactioncurrency": "int", "exchangerate": "num", "effectivedate": "date",
        "lastmodifieddate": "time",
    },
    "term": {"id": "int", "name": "text", "daysuntilnetdue": "int", "isinactive": "flag"},
    "accountingperiod": {
        "id": "int", "periodname": "text", "startdate": "date", "enddate": "date", "closed": "flag", "isyear": "flag",
        "isquarter": "flag", "isinactive": "flag", "lastmodifieddate": "time",
    },
    # an employee's stamps are not open to queries
    "employee": {
        "id": "int", "entityid": "text", "firstname": "text", "lastname": "text", "title": "text", "email": "text", "phone": "text",
        "department": "int", "subsidiary": "int", "supervisor": "int", "issalesrep": "flag", "isinactive": "flag",
    },
    "companycontactrelationship": {"company": "int", "contact": "int", "role": "int"},
    "transaction": {
        "id": "int", "transactionnumber": "text", "tranid": "text", "type": "text", "recordtype": "text", "status": "text",
        "trandate": "date", "duedate": "date", "closedate": "date", "entity": "int", "currency": "int", "exchangerate": "num", "foreigntotal": "num",
        "taxtotal": "num", "foreignamountpaid": "num", "foreignamountunpaid": "num", "posting": "flag", "postingperiod": "int",
        "memo": "text", "otherrefnum": "text", "externalid": "text", "terms": "int", "voided": "flag", "source": "text", "employee": "int",
        "salesrep": "int", "isreversal": "flag", "reversal": "int", "reversaldate": "date", "discounttotal": "num", "shipdate": "date",
        "actualshipdate": "date", "shipcarrier": "text", "billingaddress": "int", "shippingaddress": "int", "lastmodifiedby": "text",
        "createddate": "time", "lastmodifieddate": "time",
    },
    "transactionline": {
        "uniquekey": "int", "id": "int", "transaction": "int", "linesequencenumber": "int", "mainline": "flag", "taxline": "flag",
        "item": "int", "quantity": "num", "rate": "num", "foreignamount": "num", "netamount": "num", "foreignamountpaid": "num",
        "foreignamountunpaid": "num", "subsidiary": "int", "entity": "int", "createdfrom": "int", "isclosed": "flag",
        "memo": "text", "linelastmodifieddate": "time", "itemtype": "text", "quantitybilled": "num", "quantityshiprecv": "num",
        "isfullyshipped": "flag", "iscogs": "flag", "eliminate": "flag", "donotdisplayline": "flag",
        # no line of this account has any of these
        "department": "int", "class": "int", "location": "int", "quantitybackordered": "num", "quantitycommitted": "num",
        "quantitypacked": "num", "quantitypicked": "num", "quantityrejected": "num", "expectedshipdate": "date", "actualshipdate": "date",
        "transactionlinetype": "text",
    },
    "nexttransactionlinelink": {
        "previousdoc": "int", "nextdoc": "int", "linktype": "text", "foreignamount": "num", "lastmodifieddate": "time",
    },
    "trackingnumber": {"id": "int", "trackingnumber": "text"},
    "trackingnumbermap": {"transaction": "int", "trackingnumber": "int"},
    "deletedrecord": {
        "type": "text", "recordid": "int", "name": "text", "deleteddate": "time", "deletedby": "text", "context": "text",
    },
}
# tables that are another shape of the ones above: columns, and their select
VIEWS: dict[str, tuple[dict[str, Kind], str]] = {
    "previoustransactionlinelink": (TABLES["nexttransactionlinelink"], "SELECT * FROM nexttransactionlinelink"),
    "customersubsidiaryrelationship": (
        {"id": "int", "entity": "int", "subsidiary": "int", "isprimarysub": "flag"},
        "SELECT id, id AS entity, 1 AS subsidiary, 'T' AS isprimarysub, _hidden FROM customer",
    ),
    "customeraddressbook": (
        {"entity": "int", "addressbookaddress": "int", "defaultbilling": "flag", "defaultshipping": "flag", "label": "text"},
        "SELECT recordowner AS entity, nkey AS addressbookaddress, 'T' AS defaultbilling, 'T' AS defaultshipping, addr1 AS label, _hidden"
        " FROM entityaddress",
    ),
    "consolidatedexchangerate": (
        {
            "id": "int", "postingperiod": "int", "fromsubsidiary": "int", "tosubsidiary": "int", "fromcurrency": "int", "tocurrency": "int",
            "currentrate": "num", "averagerate": "num", "historicalrate": "num", "accountingbook": "int",
        },
        "SELECT p.id, p.id AS postingperiod, 1 AS fromsubsidiary, 1 AS tosubsidiary, 1 AS fromcurrency, 1 AS tocurrency,"
        " CAST(1 AS DECIMAL(28,8)) AS currentrate, CAST(1 AS DECIMAL(28,8)) AS averagerate, CAST(1 AS DECIMAL(28,8)) AS historicalrate,"
        " 1 AS accountingbook, p._hidden FROM accountingperiod p WHERE p.isyear = 'F' AND p.isquarter = 'F'",
    ),
    "transactionaccountingline": (
        {
            "transaction": "int", "transactionline": "int", "accountingbook": "int", "amount": "num", "debit": "num",
            "credit": "num", "netamount": "num", "amountpaid": "num", "amountunpaid": "num", "account": "int", "exchangerate": "num",
            "posting": "flag",
        },
        "SELECT transaction, id AS transactionline, 1 AS accountingbook, netamount AS amount,"
        " CASE WHEN netamount > 0 THEN netamount END AS debit, CASE WHEN netamount < 0 THEN -netamount END AS credit, netamount,"
        " foreignamountpaid AS amountpaid, foreignamountunpaid AS amountunpaid, CAST(NULL AS BIGINT) AS account,"
        " (SELECT any_value(t.exchangerate) FROM transaction t WHERE t.id = l.transaction) AS exchangerate,"
        " (SELECT any_value(t.posting) FROM transaction t WHERE t.id = l.transaction) AS posting, _hidden FROM transactionline l",
    ),
}
STATUS_NAMES: dict[str, dict[str, str]] = {
    "SalesOrd": {
        "A": "Pending Approval", "B": "Pending Fulfillment", "C": "Cancelled", "D": "Partially Fulfilled",
        "E": "Pending Billing/Partially Fulfilled", "F": "Pending Billing", "G": "Billed", "H": "Closed",
    },
    "CustInvc": {"A": "Open", "B": "Paid In Full", "V": "Voided", "D": "Pending Approval", "E": "Rejected"},
    "CustCred": {"A": "Open", "B": "Fully Applied", "V": "Voided"},
    "CustPymt": {"A": "Unapproved Payment", "B": "Not Deposited", "C": "Deposited", "V": "Voided"},
    "CashSale": {"A": "Unapproved Payment", "B": "Not Deposited", "C": "Deposited", "V": "Voided"},
    "CustDep": {"A": "Not Deposited", "B": "Deposited", "C": "Fully Applied"},
    "CustRfnd": {"A": "Unapproved", "C": "Completed", "V": "Voided"},
    "RtnAuth": {
        "A": "Pending Approval", "B": "Pending Receipt", "C": "Cancelled", "D": "Partially Received",
        "E": "Pending Refund/Partially Received", "F": "Pending Refund", "G": "Refunded", "H": "Closed",
    },
    "ItemShip": {"A": "Picked", "B": "Packed", "C": "Shipped"},
}
TYPE_NAMES = {
    "SalesOrd": "Sales Order", "CustInvc": "Invoice", "CustCred": "Credit Memo", "CustPymt": "Payment", "CustRfnd": "Customer Refund",
    "CashSale": "Cash Sale", "CustDep": "Customer Deposit", "DepAppl": "Deposit Application", "RtnAuth": "Return Authorization",
    "ItemShip": "Item Fulfillment", "ItemRcpt": "Item Receipt", "Journal": "Journal", "VendBill": "Bill", "Opprtnty": "Opportunity",
    "Estimate": "Estimate",
}
# columns whose display text is the name of another record: column -> (table, its name)
REFERENCES = {
    "entity": ("customer", "entityid"), "company": ("customer", "entityid"), "recordowner": ("customer", "entityid"),
    "currency": ("currency", "name"), "subsidiary": ("subsidiary", "name"), "item": ("item", "itemid"), "terms": ("term", "name"),
    "transaction": ("transaction", "tranid"), "createdfrom": ("transaction", "tranid"), "previousdoc": ("transaction", "tranid"),
    "nextdoc": ("transaction", "tranid"), "postingperiod": ("accountingperiod", "periodname"), "salesrep": ("employee", "entityid"),
    "employee": ("employee", "entityid"), "contact": ("contact", "entityid"), "basecurrency": ("currency", "name"),
    "transactioncurrency": ("currency", "name"), "trackingnumber": ("trackingnumber", "trackingnumber"),
}

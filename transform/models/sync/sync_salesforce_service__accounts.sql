{{ account_sync('salesforce_service', 'Account', {
    'erp_customer_id': 'ERP_Customer_Id__c', 'credit_status': 'Credit_Status__c', 'credit_limit': 'Credit_Limit__c', 'erp_balance': 'ERP_Balance__c',
    'overdue_amount': 'Overdue_Amount__c', 'overdue_days': 'Overdue_Days__c', 'tier': 'Entitlement_Tier__c',
    'start_date': 'Entitlement_Start__c', 'end_date': 'Entitlement_End__c',
}) }}

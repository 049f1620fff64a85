{{ account_sync('servicenow', 'customer_account', {
    'erp_customer_id': 'u_erp_customer_id', 'credit_status': 'u_credit_status', 'erp_balance': 'u_erp_balance',
    'overdue_amount': 'u_overdue_amount', 'overdue_days': 'u_overdue_days', 'tier': 'u_entitlement_tier',
    'start_date': 'u_entitlement_start', 'end_date': 'u_entitlement_end',
}) }}

{{ account_sync('freshdesk', 'company', {
    'erp_customer_id': 'erp_customer_id', 'credit_status': 'credit_status', 'erp_balance': 'erp_balance', 'overdue_amount': 'overdue_amount',
    'overdue_days': 'overdue_days', 'tier': 'entitlement_tier', 'start_date': 'entitlement_start', 'end_date': 'entitlement_end',
}) }}

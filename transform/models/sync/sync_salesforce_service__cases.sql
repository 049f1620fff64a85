{{ case_sync('salesforce_service', 'Case') }}

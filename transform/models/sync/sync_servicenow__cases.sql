{{ case_sync('servicenow', 'sn_customerservice_case') }}

{{ conformed_drops('erp_customer') }}

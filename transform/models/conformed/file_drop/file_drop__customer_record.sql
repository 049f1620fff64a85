{{ conformed_drops('customer_record') }}

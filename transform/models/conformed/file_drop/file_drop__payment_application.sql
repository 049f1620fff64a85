{{ conformed_drops('payment_application') }}

{{ conformed_drops('refund') }}

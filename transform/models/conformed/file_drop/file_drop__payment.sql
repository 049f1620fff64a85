{{ conformed_drops('payment') }}

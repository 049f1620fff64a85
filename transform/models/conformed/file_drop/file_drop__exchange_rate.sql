{{ conformed_drops('exchange_rate') }}

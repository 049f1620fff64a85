{{ conformed_drops('subscription') }}

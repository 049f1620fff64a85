{{ conformed_drops('subscription_item') }}

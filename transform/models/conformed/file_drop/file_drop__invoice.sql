{{ conformed_drops('invoice') }}

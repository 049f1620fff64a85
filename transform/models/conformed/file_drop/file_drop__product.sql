{{ conformed_drops('product') }}

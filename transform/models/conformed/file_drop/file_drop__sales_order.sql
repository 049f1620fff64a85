{{ conformed_drops('sales_order') }}

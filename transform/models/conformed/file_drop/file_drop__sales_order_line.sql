{{ conformed_drops('sales_order_line') }}

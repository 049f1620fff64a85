{{ conformed_drops('invoice_line') }}

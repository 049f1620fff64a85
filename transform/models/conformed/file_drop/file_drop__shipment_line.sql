{{ conformed_drops('shipment_line') }}

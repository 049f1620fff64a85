{{ conformed_drops('shipment') }}

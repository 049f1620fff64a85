{{ conformed_drops('return_order') }}

{{ conformed_drops('credit_note') }}

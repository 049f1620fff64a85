{{ conformed_drops('company') }}

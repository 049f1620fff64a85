{{ conformed_drops('contact') }}

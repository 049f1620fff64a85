{{ conformed_drops('support_case') }}

{{ conformed_drops('entitlement_record') }}

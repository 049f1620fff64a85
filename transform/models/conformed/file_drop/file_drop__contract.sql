{{ conformed_drops('contract') }}

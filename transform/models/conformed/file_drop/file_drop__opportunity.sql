{{ conformed_drops('opportunity') }}

{{ conformed_drops('asset') }}

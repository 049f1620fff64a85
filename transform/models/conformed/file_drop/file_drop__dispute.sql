{{ conformed_drops('dispute') }}

{{ conformed_drops('case_event') }}

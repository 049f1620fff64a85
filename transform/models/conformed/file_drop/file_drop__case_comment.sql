{{ conformed_drops('case_comment') }}

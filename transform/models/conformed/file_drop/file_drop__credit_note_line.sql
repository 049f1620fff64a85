{{ conformed_drops('credit_note_line') }}

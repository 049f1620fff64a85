{{ case_sync('freshdesk', 'ticket') }}

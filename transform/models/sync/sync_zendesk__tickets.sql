{{ case_sync('zendesk', 'ticket') }}

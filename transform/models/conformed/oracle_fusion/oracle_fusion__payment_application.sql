select
    connection,
    application_id,
    receipt_id as payment_id,
    cast(null as {{ sql_type('string') }}) as credit_note_id,
    invoice_id,
    currency,
    {{ money('amount') }} as amount,
    cast(application_date as {{ sql_type('timestamp') }}) as applied_at
from {{ ref('stg_oracle_fusion__receipt_applications') }}
where not is_removed and invoice_id is not null and is_latest and coalesce(status_raw, 'Applied') = 'Applied'

union all

select
    connection,
    application_id,
    cast(null as {{ sql_type('string') }}) as payment_id,
    credit_memo_id as credit_note_id,
    invoice_id,
    currency,
    {{ money('amount') }} as amount,
    cast(application_date as {{ sql_type('timestamp') }}) as applied_at
from {{ ref('stg_oracle_fusion__credit_memo_applications') }}
where not is_removed and invoice_id is not null and is_latest and coalesce(status_raw, 'Applied') = 'Applied'

with applications as (
    select
        application.connection,
        application.payment_application_id as application_id,
        application.payment_id,
        cast(null as {{ sql_type('string') }}) as credit_note_id,
        application.invoice_id,
        application.apply_amount as amount,
        application.created_at as applied_at
    from {{ ref('stg_zuora__payment_applications') }} as application
    where not application.is_removed and application.invoice_id is not null

    union all

    select
        application.connection,
        application.credit_memo_application_id as application_id,
        cast(null as {{ sql_type('string') }}) as payment_id,
        application.credit_memo_id as credit_note_id,
        application.invoice_id,
        application.amount,
        application.created_at as applied_at
    from {{ ref('stg_zuora__credit_memo_applications') }} as application
    where not application.is_removed and application.invoice_id is not null
)

select
    application.connection,
    application.application_id,
    application.payment_id,
    application.credit_note_id,
    application.invoice_id,
    document.currency,
    {{ money('application.amount') }} as amount,
    application.applied_at
from applications as application
left join {{ ref('stg_zuora__invoices') }} as document
    on application.connection = document.connection and application.invoice_id = document.invoice_id

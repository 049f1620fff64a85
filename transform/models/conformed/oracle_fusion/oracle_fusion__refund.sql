{#- A refund is an application to a refund activity, of a receipt or of a credit memo. -#}
with accounts as (
    select connection, account_number, min(customer_id) as customer_id
    from {{ ref('stg_oracle_fusion__customer_accounts') }}
    where not is_removed
    group by connection, account_number
),

units as (
    select connection, business_unit, min(legal_entity_id) as legal_entity_id
    from {{ ref('stg_oracle_fusion__inventory_organizations') }}
    where not is_removed
    group by connection, business_unit
)

select
    refund.connection,
    refund.application_id as refund_id,
    nullif(refund.billing_refund_id, '') as billing_refund_id,
    accounts.customer_id as customer_record_id,
    units.legal_entity_id as company_id,
    nullif(source.payment_reference, '') as billing_payment_id,
    cast(null as {{ sql_type('string') }}) as credit_note_id,
    refund.status_raw,
    refund.currency,
    {{ money('abs(refund.amount)') }} as amount,
    cast(refund.application_date as {{ sql_type('timestamp') }}) as refunded_at
from {{ ref('stg_oracle_fusion__receipt_applications') }} as refund
left join {{ ref('stg_oracle_fusion__receipts') }} as source on refund.connection = source.connection and refund.receipt_id = source.receipt_id
left join accounts on source.connection = accounts.connection and source.account_number = accounts.account_number
left join units on source.connection = units.connection and source.business_unit = units.business_unit
where not refund.is_removed and lower(refund.activity) like '%refund%'

union all

select
    refund.connection,
    refund.application_id as refund_id,
    nullif(refund.billing_refund_id, '') as billing_refund_id,
    accounts.customer_id as customer_record_id,
    units.legal_entity_id as company_id,
    cast(null as {{ sql_type('string') }}) as billing_payment_id,
    refund.credit_memo_id as credit_note_id,
    refund.status_raw,
    refund.currency,
    {{ money('abs(refund.amount)') }} as amount,
    cast(refund.application_date as {{ sql_type('timestamp') }}) as refunded_at
from {{ ref('stg_oracle_fusion__credit_memo_applications') }} as refund
left join {{ ref('stg_oracle_fusion__credit_memos') }} as source on refund.connection = source.connection and refund.credit_memo_id = source.credit_memo_id
left join accounts on source.connection = accounts.connection and source.account_number = accounts.account_number
left join units on source.connection = units.connection and source.business_unit = units.business_unit
where not refund.is_removed and lower(refund.activity) like '%refund%'

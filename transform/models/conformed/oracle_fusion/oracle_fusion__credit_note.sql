with accounts as (
    select connection, account_number, min(customer_id) as customer_id
    from {{ ref('stg_oracle_fusion__customer_accounts') }}
    where not is_removed
    group by connection, account_number
),

entities as (
    select connection, code, min(legal_entity_id) as legal_entity_id
    from {{ ref('stg_oracle_fusion__legal_entities') }}
    where not is_removed
    group by connection, code
)

select
    document.connection,
    document.credit_memo_id as credit_note_id,
    nullif(document.cross_reference, '') as billing_credit_note_id,
    document.number,
    accounts.customer_id as customer_record_id,
    entities.legal_entity_id as company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    case
        when document.status_raw not in ('Complete', 'Frozen') then document.status_raw
        when document.open_amount = 0 then 'Applied'
        else 'Open'
    end as status_raw,
    document.reason,
    document.currency,
    {{ money('abs(document.total_amount)') }} as total_amount,
    cast(document.credit_memo_date as {{ sql_type('timestamp') }}) as issued_at
from {{ ref('stg_oracle_fusion__credit_memos') }} as document
left join accounts on document.connection = accounts.connection and document.account_number = accounts.account_number
left join entities on document.connection = entities.connection and document.legal_entity_code = entities.code
where not document.is_removed

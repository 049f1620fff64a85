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
    document.connection,
    document.receipt_id as payment_id,
    nullif(document.payment_reference, '') as billing_payment_id,
    accounts.customer_id as customer_record_id,
    units.legal_entity_id as company_id,
    cast(null as {{ sql_type('string') }}) as billing_invoice_id,
    document.state_raw as status_raw,
    document.currency,
    {{ money('document.amount') }} as amount,
    cast(document.receipt_date as {{ sql_type('timestamp') }}) as paid_at
from {{ ref('stg_oracle_fusion__receipts') }} as document
left join accounts on document.connection = accounts.connection and document.account_number = accounts.account_number
left join units on document.connection = units.connection and document.business_unit = units.business_unit
where not document.is_removed

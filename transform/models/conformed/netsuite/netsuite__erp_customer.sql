with homes as (
    select connection, customer_id, min(subsidiary_id) as subsidiary_id
    from {{ ref('stg_netsuite__customer_subsidiaries') }}
    where not is_removed and is_primary
    group by connection, customer_id
)

select
    record.connection,
    record.customer_id as record_id,
    record.customer_number,
    terms.name as terms,
    not coalesce(record.is_inactive, false) as is_active,
    coalesce(record.is_on_hold, false) as is_on_hold,
    cast(null as {{ sql_type('string') }}) as hold_raw,
    {{ money('record.credit_limit') }} as credit_limit,
    {{ money('record.balance') }} as balance,
    {{ money('record.overdue_amount') }} as overdue_amount,
    money.currency,
    homes.subsidiary_id as company_id,
    record.created_at,
    record.version_at as updated_at
from {{ ref('stg_netsuite__customers') }} as record
left join {{ ref('stg_netsuite__currencies') }} as money
    on record.connection = money.connection and record.currency_id = money.currency_id
left join {{ ref('stg_netsuite__terms') }} as terms on record.connection = terms.connection and record.terms_id = terms.terms_id
left join homes on record.connection = homes.connection and record.customer_id = homes.customer_id
where not record.is_removed

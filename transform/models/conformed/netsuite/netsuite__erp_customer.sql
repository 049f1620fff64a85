select
    record.connection,
    record.customer_id as record_id,
    record.customer_number,
    record.terms_id as terms,
    not coalesce(record.is_inactive, false) as is_active,
    coalesce(record.is_on_hold, false) as is_on_hold,
    {{ money('record.credit_limit') }} as credit_limit,
    {{ money('record.balance') }} as balance,
    {{ money('record.overdue_amount') }} as overdue_amount,
    money.currency,
    cast(null as {{ sql_type('string') }}) as company_id,
    record.created_at,
    record.version_at as updated_at
from {{ ref('stg_netsuite__customers') }} as record
left join {{ ref('stg_netsuite__currencies') }} as money
    on record.connection = money.connection and record.currency_id = money.currency_id
where not record.is_removed

select
    money.connection,
    money.currency,
    money.exchange_rate as rate,
    base.currency as base_currency,
    cast(money.updated_at as date) as valid_from
from {{ ref('stg_netsuite__currencies') }} as money
left join {{ ref('stg_netsuite__currencies') }} as base
    on money.connection = base.connection and base.is_base_currency and not base.is_removed
where not money.is_removed

with accounts as (
    select
        account.connection,
        account.customer_id,
        min(account.account_number) as account_number,
        min(profile.payment_terms) as terms,
        max(case when profile.credit_hold = 'Y' then 1 else 0 end) = 1 as is_on_hold,
        sum(profile.credit_limit) as credit_limit,
        sum(account.open_receivables) as balance,
        min(profile.credit_currency) as currency,
        max(profile.updated_at) as updated_at
    from {{ ref('stg_oracle_fusion__customer_accounts') }} as account
    left join {{ ref('stg_oracle_fusion__customer_profiles') }} as profile
        on account.connection = profile.connection and account.account_id = profile.account_id and not profile.is_removed
    where not account.is_removed
    group by account.connection, account.customer_id
)

select
    record.connection,
    record.customer_id as record_id,
    coalesce(accounts.account_number, record.party_number) as customer_number,
    accounts.terms,
    coalesce(record.status_raw, 'A') = 'A' as is_active,
    coalesce(accounts.is_on_hold, false) as is_on_hold,
    cast(null as {{ sql_type('string') }}) as hold_raw,
    {{ money('accounts.credit_limit') }} as credit_limit,
    {{ money('accounts.balance') }} as balance,
    cast(null as {{ sql_type('money') }}) as overdue_amount,
    coalesce(accounts.currency, record.functional_currency, record.currency) as currency,
    cast(null as {{ sql_type('string') }}) as company_id,
    record.created_at,
    greatest(record.updated_at, coalesce(accounts.updated_at, record.updated_at)) as updated_at
from {{ ref('stg_oracle_fusion__customers') }} as record
left join accounts on record.connection = accounts.connection and record.customer_id = accounts.customer_id
where not record.is_removed

{{ config(unique_key=['connection', 'business_partner_id', 'credit_segment']) }}

with landed as (
    {{ landing('sap_s4hana', 'credit_accounts') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(business_partner, '^0+([0-9]+)$', {{ first_group() }}) as bare_business_partner
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_business_partner as business_partner_id,
        credit_segment,
        is_critical,
        is_blocked,
        block_reason,
        credit_limit,
        is_zero_limit,
        credit_limit_validity_end_date,
        credit_limit_last_change_date,
        currency,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

{{ config(unique_key=['connection', 'promotional_credit_id']) }}

with source as (
    {{ landing('chargebee', 'promotional_credits') }}
),

renamed as (
    select
        _connection as connection,
        id as promotional_credit_id,
        customer_id,
        type as type_raw,
        amount as amount_minor,
        upper(currency_code) as currency,
        description,
        credit_type,
        reference,
        closing_balance as closing_balance_minor,
        done_by,
        created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

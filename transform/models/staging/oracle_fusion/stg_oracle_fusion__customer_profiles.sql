{{ config(unique_key=['connection', 'account_id']) }}

with source as (
    {{ landing('oracle_fusion', 'customer_profiles') }}
),

renamed as (
    select
        _connection as connection,
        cast(account_id as {{ dbt.type_string() }}) as account_id,
        cast(profile_id as {{ dbt.type_string() }}) as profile_id,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        account_number,
        profile_class,
        credit_checking,
        credit_hold,
        credit_limit,
        upper(credit_currency) as credit_currency,
        payment_terms,
        updated_by,
        updated_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

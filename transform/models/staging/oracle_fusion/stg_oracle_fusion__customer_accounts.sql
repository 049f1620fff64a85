{{ config(unique_key=['connection', 'account_id']) }}

with source as (
    {{ landing('oracle_fusion', 'customer_accounts') }}
),

renamed as (
    select
        _connection as connection,
        cast(account_id as {{ dbt.type_string() }}) as account_id,
        account_number,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        name,
        tax_id,
        open_receivables,
        due_on_transactions,
        updated_by,
        created_at,
        updated_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

{{ config(unique_key=['connection', 'dispute_id']) }}

with source as (
    {{ landing('chargebee', 'disputes') }}
),

renamed as (
    select
        _connection as connection,
        id as dispute_id,
        customer_id,
        transaction_id,
        gateway_account_id,
        id_at_gateway,
        upper(currency_code) as currency,
        amount as amount_minor,
        reason,
        status as status_raw,
        type as type_raw,
        is_partial_dispute,
        created_at,
        updated_at,
        resource_version,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

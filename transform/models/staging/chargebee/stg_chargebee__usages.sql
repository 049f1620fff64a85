{{ config(unique_key=['connection', 'usage_id']) }}

with source as (
    {{ landing('chargebee', 'usages') }}
),

renamed as (
    select
        _connection as connection,
        id as usage_id,
        subscription_id,
        item_price_id,
        invoice_id,
        line_item_id,
        quantity,
        source,
        note,
        usage_date as used_at,
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

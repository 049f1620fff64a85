{{ config(unique_key=['connection', 'item_price_id']) }}

with source as (
    {{ landing('chargebee', 'item_prices') }}
),

renamed as (
    select
        _connection as connection,
        id as item_price_id,
        name,
        external_name,
        description,
        item_family_id,
        item_id as product_id,
        item_type as item_type_raw,
        status as status_raw,
        pricing_model,
        price as price_minor,
        price_in_decimal,
        upper(currency_code) as currency,
        period,
        period_unit,
        trial_period,
        trial_period_unit,
        billing_cycles,
        free_quantity,
        is_taxable,
        price_variant_id,
        parent_item_id,
        sku,
        accounting_code,
        archived_at,
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

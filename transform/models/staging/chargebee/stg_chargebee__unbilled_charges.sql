{{ config(unique_key=['connection', 'unbilled_charge_id']) }}

with source as (
    {{ landing('chargebee', 'unbilled_charges') }}
),

renamed as (
    select
        _connection as connection,
        id as unbilled_charge_id,
        customer_id,
        subscription_id,
        entity_type,
        entity_id,
        description,
        pricing_model,
        upper(currency_code) as currency,
        unit_amount as unit_amount_minor,
        quantity,
        amount as amount_minor,
        discount_amount as discount_amount_minor,
        is_voided,
        date_from as starts_at,
        date_to as ends_at,
        voided_at,
        created_at,
        updated_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

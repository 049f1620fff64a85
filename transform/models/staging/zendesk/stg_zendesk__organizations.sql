{{ config(unique_key=['connection', 'organization_id']) }}

with source as (
    {{ landing('zendesk', 'organizations') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as organization_id,
        external_id,
        erp_id as erp_customer_id,
        tax_id,
        name,
        domain_names,
        tags,
        credit_status as credit_status_raw,
        entitlement_tier as entitlement_tier_raw,
        erp_balance,
        overdue_amount,
        overdue_days,
        entitlement_start_date,
        entitlement_end_date,
        created_at,
        updated_at,
        deleted_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns("deleted_at is not null") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

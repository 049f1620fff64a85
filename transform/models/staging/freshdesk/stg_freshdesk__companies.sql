{{ config(unique_key=['connection', 'company_id']) }}

with source as (
    {{ landing('freshdesk', 'companies') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as company_id,
        erp_customer_id,
        crm_account_id,
        parent_company_id,
        tax_id,
        name,
        description,
        note,
        domains,
        industry,
        health_score,
        account_tier,
        renewal_date,
        credit_status as credit_status_raw,
        entitlement_tier as entitlement_tier_raw,
        erp_balance,
        overdue_amount,
        overdue_days,
        entitlement_start_date,
        entitlement_end_date,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

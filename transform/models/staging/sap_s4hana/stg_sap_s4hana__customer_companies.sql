{{ config(unique_key=['connection', 'customer_id', 'company_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'customer_companies') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(head_office, '^0+([0-9]+)$', {{ first_group() }}) as bare_head_office,
        regexp_replace(alternative_payer_account, '^0+([0-9]+)$', {{ first_group() }}) as bare_alternative_payer_account
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_customer as customer_id,
        company_code as company_id,
        reconciliation_account,
        payment_terms,
        payment_methods_list,
        payment_blocking_reason,
        bare_head_office as head_office_id,
        bare_alternative_payer_account as alternative_payer_account,
        account_by_customer,
        is_marked_for_deletion,
        is_inventory_blocked,
        account_group,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

{{ config(unique_key=['connection', 'return_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'customer_returns') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(customer_return, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer_return,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(reference_document, '^0+([0-9]+)$', {{ first_group() }}) as bare_reference_document,
        regexp_replace(returns_process, '^0+([0-9]+)$', {{ first_group() }}) as bare_returns_process
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_customer_return as return_id,
        return_type,
        sales_organization as sales_organization_id,
        distribution_channel,
        division,
        bare_customer as customer_id,
        creation_date as created_date,
        created_by,
        last_change_date as changed_date,
        last_changed_at as updated_at,
        customer_reference,
        return_date,
        document_reason,
        total_net_amount,
        currency,
        billing_block_reason,
        delivery_block_reason,
        bare_reference_document as reference_document_id,
        reference_document_category,
        bare_returns_process as returns_process,
        returns_status,
        logistics_status,
        compensation_status,
        approval_status,
        process_status,
        rejection_status,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

{{ config(unique_key=['connection', 'quote_id']) }}

with source as (
    {{ landing('chargebee', 'quotes') }}
),

renamed as (
    select
        _connection as connection,
        id as quote_id,
        name,
        customer_id,
        subscription_id,
        invoice_id,
        status as status_raw,
        operation_type,
        price_type,
        po_number,
        upper(currency_code) as currency,
        sub_total as subtotal_minor,
        total as total_minor,
        total_payable as total_payable_minor,
        charge_on_acceptance as charge_on_acceptance_minor,
        credits_applied as credits_applied_minor,
        amount_paid as paid_minor,
        amount_due as due_minor,
        total_contract_value as total_contract_value_minor,
        total_discount as total_discount_minor,
        version,
        contract_term_start as contract_term_started_at,
        contract_term_end as contract_term_ends_at,
        date as quoted_at,
        valid_till as valid_until_at,
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

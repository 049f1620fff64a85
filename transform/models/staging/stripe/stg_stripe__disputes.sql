{{ config(unique_key=['connection', 'dispute_id']) }}

with source as (
    {{ landing('stripe', 'disputes') }}
),

renamed as (
    select
        _connection as connection,
        id as dispute_id,
        charge as charge_id,
        payment_intent as payment_intent_id,
        upper(currency) as currency,
        status as status_raw,
        reason,
        amount as amount_minor,
        network_reason_code,
        is_charge_refundable,
        due_by as due_at,
        has_evidence,
        is_past_due,
        submission_count,
        fee as fee_minor,
        net as net_minor,
        created as created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

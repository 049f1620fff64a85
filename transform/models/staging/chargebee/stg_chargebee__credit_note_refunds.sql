{{ config(unique_key=['connection', 'credit_note_id', 'transaction_id']) }}

with source as (
    {{ landing('chargebee', 'credit_note_refunds') }}
),

renamed as (
    select
        _connection as connection,
        credit_note_id,
        transaction_id,
        applied_amount as applied_amount_minor,
        applied_at,
        transaction_status,
        transaction_amount as transaction_amount_minor,
        refund_reason_code,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

{{ config(unique_key=['connection', 'contact_id']) }}

with source as (
    {{ landing('chargebee', 'customer_contacts') }}
),

renamed as (
    select
        _connection as connection,
        id as contact_id,
        customer_id,
        first_name,
        last_name,
        email,
        phone,
        label,
        enabled as is_enabled,
        send_account_email as is_sent_account_mail,
        send_billing_email as is_sent_billing_mail,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

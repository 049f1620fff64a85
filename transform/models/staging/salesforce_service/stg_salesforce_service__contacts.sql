{{ config(unique_key=['connection', 'contact_id']) }}

with source as (
    {{ landing('salesforce_service', 'contacts') }}
),

renamed as (
    select
        _connection as connection,
        id as contact_id,
        created_by_id,
        last_modified_by_id,
        master_record_id,
        account_id,
        reports_to_id,
        owner_id,
        first_name,
        last_name,
        name,
        salutation,
        title,
        department,
        email,
        phone,
        mobile_phone,
        lead_source,
        mailing_street as street,
        mailing_city as city,
        mailing_state as region,
        mailing_postal_code as postcode,
        mailing_country as country,
        has_opted_out_of_email as is_opted_out_of_email,
        do_not_call as is_do_not_call,
        is_email_bounced,
        created_at,
        last_modified_at,
        system_modstamp,
        coalesce(system_modstamp, _extracted_at) as version_at,
        {{ staged_columns("is_deleted") }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

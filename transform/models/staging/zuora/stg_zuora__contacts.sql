{{ config(unique_key=['connection', 'contact_id']) }}

with source as (
    {{ landing('zuora', 'contacts') }}
),

renamed as (
    select
        _connection as connection,
        id as contact_id,
        account_id,
        created_by_id,
        updated_by_id,
        address1,
        address2,
        city,
        country,
        county,
        description,
        fax,
        first_name,
        home_phone,
        last_name,
        mobile_phone,
        nick_name,
        other_phone,
        other_phone_type,
        personal_email,
        postal_code,
        state,
        tax_region,
        work_email,
        work_phone,
        as_bill_to as is_bill_to,
        as_sold_to as is_sold_to,
        as_ship_to as is_ship_to,
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

{{ config(unique_key=['connection', 'business_partner_id']) }}

with landed as (
    {{ landing('sap_s4hana', 'business_partners') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(business_partner, '^0+([0-9]+)$', {{ first_group() }}) as bare_business_partner,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer,
        regexp_replace(supplier, '^0+([0-9]+)$', {{ first_group() }}) as bare_supplier,
        cast(cast(creation_date as {{ dbt.type_string() }}) || ' ' || substr(creation_time, 3, 2) || ':' || substr(creation_time, 6, 2) || ':' || substr(creation_time, 9, 2) as {{ sql_type('timestamp') }}) as creation_date_moment,
        cast(cast(last_change_date as {{ dbt.type_string() }}) || ' ' || substr(last_change_time, 3, 2) || ':' || substr(last_change_time, 6, 2) || ':' || substr(last_change_time, 9, 2) as {{ sql_type('timestamp') }}) as last_change_date_moment
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_business_partner as business_partner_id,
        bare_customer as customer_id,
        bare_supplier as supplier,
        category,
        grouping,
        full_name,
        name,
        organization_name_1,
        organization_name_2,
        first_name,
        last_name,
        uuid,
        search_term1,
        correspondence_language,
        language,
        industry,
        trading_partner,
        external_id,
        is_blocked,
        is_marked_for_archiving,
        created_by,
        creation_date as created_date,
        creation_date_moment as created_at,
        last_change_date as changed_date,
        last_change_date_moment as updated_at,
        last_changed_by,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

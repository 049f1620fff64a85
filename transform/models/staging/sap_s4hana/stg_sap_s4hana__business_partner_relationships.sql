{{ config(unique_key=['connection', 'relationship_number', 'partner_id', 'related_partner_id', 'validity_end']) }}

with landed as (
    {{ landing('sap_s4hana', 'business_partner_relationships') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(relationship_number, '^0+([0-9]+)$', {{ first_group() }}) as bare_relationship_number,
        regexp_replace(business_partner_1, '^0+([0-9]+)$', {{ first_group() }}) as bare_business_partner_1,
        regexp_replace(business_partner_2, '^0+([0-9]+)$', {{ first_group() }}) as bare_business_partner_2,
        cast(cast(creation_date as {{ dbt.type_string() }}) || ' ' || substr(creation_time, 3, 2) || ':' || substr(creation_time, 6, 2) || ':' || substr(creation_time, 9, 2) as {{ sql_type('timestamp') }}) as creation_date_moment,
        cast(cast(last_change_date as {{ dbt.type_string() }}) || ' ' || substr(last_change_time, 3, 2) || ':' || substr(last_change_time, 6, 2) || ':' || substr(last_change_time, 9, 2) as {{ sql_type('timestamp') }}) as last_change_date_moment
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_relationship_number as relationship_number,
        bare_business_partner_1 as partner_id,
        bare_business_partner_2 as related_partner_id,
        validity_end,
        valid_from,
        is_standard_relationship,
        relationship_category,
        created_by,
        creation_date as created_date,
        creation_date_moment as created_at,
        last_changed_by,
        last_change_date as changed_date,
        last_change_date_moment as updated_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

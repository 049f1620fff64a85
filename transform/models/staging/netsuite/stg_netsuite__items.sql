{{ config(unique_key=['connection', 'item_id']) }}

with source as (
    {{ landing('netsuite', 'items') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as item_id,
        itemid as sku,
        displayname as name,
        description,
        itemtype as item_type,
        subtype as item_subtype,
        cast(parent as {{ dbt.type_string() }}) as parent_item_id,
        isinactive as is_inactive,
        baseprice as base_price,
        createddate as created_at,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

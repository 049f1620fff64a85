{{ config(unique_key=['connection', 'item_id', 'organization_id']) }}

with source as (
    {{ landing('oracle_fusion', 'items') }}
),

renamed as (
    select
        _connection as connection,
        cast(item_id as {{ dbt.type_string() }}) as item_id,
        cast(organization_id as {{ dbt.type_string() }}) as organization_id,
        organization_code,
        item_number,
        name,
        description,
        item_class,
        user_item_type,
        status as status_raw,
        lifecycle_phase,
        primary_uom,
        list_price,
        is_orderable,
        is_invoiceable,
        is_shippable,
        is_returnable,
        updated_by,
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

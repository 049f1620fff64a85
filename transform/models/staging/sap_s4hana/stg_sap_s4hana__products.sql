{{ config(unique_key=['connection', 'product_id']) }}

with source as (
    {{ landing('sap_s4hana', 'products') }}
),

renamed as (
    select
        _connection as connection,
        product as product_id,
        product_type,
        cross_plant_status,
        is_marked_for_deletion,
        old_id,
        gross_weight,
        weight_unit,
        net_weight,
        base_unit,
        product_group,
        product_hierarchy,
        item_category_group,
        division,
        brand,
        standard_id,
        creation_date as created_date,
        created_by,
        last_change_date as changed_date,
        last_changed_by,
        last_changed_at as updated_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

{{ config(unique_key=['connection', 'order_line_id']) }}

with source as (
    {{ landing('oracle_fusion', 'order_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(fulfill_line_id as {{ dbt.type_string() }}) as order_line_id,
        cast(header_id as {{ dbt.type_string() }}) as order_id,
        cast(line_id as {{ dbt.type_string() }}) as line_id,
        line_number,
        source_line_id,
        source_line_number,
        source_schedule_id,
        cast(item_id as {{ dbt.type_string() }}) as item_id,
        item_number,
        description,
        quantity,
        uom,
        list_price,
        unit_price,
        amount,
        status_code as status_raw,
        status_name,
        is_open,
        is_on_hold,
        is_cancelled,
        cancelled_quantity,
        shipped_quantity,
        fulfilled_quantity,
        returned_quantity,
        requested_ship_at,
        scheduled_ship_at,
        shipped_at,
        completed_at,
        warehouse,
        category,
        line_type,
        return_reason,
        is_interfaced_to_billing,
        original_system,
        original_source_id,
        original_order_number,
        original_line_id,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

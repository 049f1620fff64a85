{{ config(unique_key=['connection', 'return_lot_id', 'company_id', 'return_order_number']) }}

with source as (
    {{ landing('dynamics365_finance', 'return_lines') }}
),

renamed as (
    select
        _connection as connection,
        return_lot_id,
        data_area_id as company_id,
        return_order_number,
        original_lot_id,
        rma_number,
        description,
        customer_account,
        item_number,
        unit,
        disposition_code,
        status as status_raw,
        reference_number,
        line_sequence,
        quantity,
        returned_quantity,
        unit_price,
        amount,
        tax_amount,
        unit_cost,
        expected_on,
        arrived_on,
        closed_on,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

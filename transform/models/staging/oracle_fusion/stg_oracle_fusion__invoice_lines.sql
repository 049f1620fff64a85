{{ config(unique_key=['connection', 'invoice_line_id']) }}

with source as (
    {{ landing('oracle_fusion', 'invoice_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(line_id as {{ dbt.type_string() }}) as invoice_line_id,
        cast(invoice_id as {{ dbt.type_string() }}) as invoice_id,
        line_number,
        item_number,
        memo_line,
        description,
        quantity,
        uom,
        unit_price,
        amount,
        tax_amount,
        order_number,
        order_date,
        tax_code,
        tax_category,
        warehouse,
        accounting_rule,
        rule_start_date,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

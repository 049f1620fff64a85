{{ config(unique_key=['connection', 'credit_memo_line_id']) }}

with source as (
    {{ landing('oracle_fusion', 'credit_memo_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(line_id as {{ dbt.type_string() }}) as credit_memo_line_id,
        cast(credit_memo_id as {{ dbt.type_string() }}) as credit_memo_id,
        line_number,
        item_number,
        memo_line,
        description,
        quantity,
        uom,
        unit_price,
        amount,
        tax_amount,
        reason,
        order_number,
        order_line,
        tax_code,
        updated_at,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

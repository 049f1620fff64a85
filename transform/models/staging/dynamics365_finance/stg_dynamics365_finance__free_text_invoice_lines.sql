{{ config(unique_key=['connection', 'parent_rec_id', 'company_id', 'line_number']) }}

with source as (
    {{ landing('dynamics365_finance', 'free_text_invoice_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(parent_rec_id as {{ dbt.type_string() }}) as parent_rec_id,
        data_area_id as company_id,
        line_number,
        external_invoice_id,
        text,
        description,
        currency,
        main_account,
        sales_tax_group,
        sales_tax_item_group,
        quantity,
        unit_price,
        amount,
        tax_amount,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

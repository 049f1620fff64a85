{{ config(unique_key=['connection', 'line_id']) }}

with source as (
    {{ landing('netsuite', 'transaction_lines') }}
),

renamed as (
    select
        _connection as connection,
        cast(uniquekey as {{ dbt.type_string() }}) as line_id,
        cast(transaction as {{ dbt.type_string() }}) as transaction_id,
        cast(item as {{ dbt.type_string() }}) as item_id,
        cast(subsidiary as {{ dbt.type_string() }}) as subsidiary_id,
        cast(createdfrom as {{ dbt.type_string() }}) as created_from_id,
        mainline as is_main_line,
        taxline as is_tax_line,
        isclosed as is_closed,
        memo,
        linesequencenumber as line_number,
        itemtype as item_type,
        quantity,
        quantitybilled as quantity_billed,
        quantityshiprecv as quantity_moved,
        rate as unit_price,
        foreignamount as amount,
        linelastmodifieddate as updated_at,
        coalesce(linelastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

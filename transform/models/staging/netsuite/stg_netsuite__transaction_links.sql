{{ config(unique_key=['connection', 'previous_transaction_id', 'next_transaction_id', 'link_type']) }}

with source as (
    {{ landing('netsuite', 'transaction_links') }}
),

renamed as (
    select
        _connection as connection,
        cast(previousdoc as {{ dbt.type_string() }}) as previous_transaction_id,
        cast(nextdoc as {{ dbt.type_string() }}) as next_transaction_id,
        linktype as link_type,
        foreignamount as amount,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

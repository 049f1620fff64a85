{{ config(unique_key=['connection', 'order_id']) }}

with source as (
    {{ landing('oracle_fusion', 'orders') }}
),

renamed as (
    select
        _connection as connection,
        cast(header_id as {{ dbt.type_string() }}) as order_id,
        order_number as number,
        order_key,
        source_number,
        source_system,
        source_id,
        revision,
        cast(party_id as {{ dbt.type_string() }}) as customer_id,
        party_name,
        customer_po,
        ordered_at,
        order_type,
        upper(currency) as currency,
        cast(business_unit_id as {{ dbt.type_string() }}) as business_unit_id,
        business_unit,
        cast(legal_entity_id as {{ dbt.type_string() }}) as legal_entity_id,
        legal_entity,
        status_code as status_raw,
        status_name,
        is_open,
        is_on_hold,
        is_cancelled,
        cancel_reason,
        is_submitted,
        submitted_at,
        payment_terms,
        comments,
        message,
        account_number,
        cast(account_id as {{ dbt.type_string() }}) as account_id,
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

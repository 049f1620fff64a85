{{ config(unique_key=['connection', 'sla_policy_id']) }}

with source as (
    {{ landing('freshdesk', 'sla_policies') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as sla_policy_id,
        name,
        description,
        is_active,
        is_default,
        position as policy_position,
        sla_target,
        company_ids,
        group_ids,
        product_ids,
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

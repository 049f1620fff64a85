{{ config(unique_key=['connection', 'sla_policy_id']) }}

with source as (
    {{ landing('zendesk', 'sla_policies') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as sla_policy_id,
        title,
        description,
        position,
        filter as filter_json,
        policy_metrics as policy_metrics_json,
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

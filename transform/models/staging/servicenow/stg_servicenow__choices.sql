{{ config(unique_key=['connection', 'choice_id']) }}

with source as (
    {{ landing('servicenow', 'choices') }}
),

renamed as (
    select
        _connection as connection,
        id as choice_id,
        nullif(table_name, '') as table_name,
        nullif(element, '') as element,
        nullif(value, '') as value,
        nullif(label, '') as label,
        nullif(language, '') as language,
        is_inactive,
        sequence,
        created_at,
        nullif(created_by, '') as created_by,
        updated_at,
        nullif(updated_by, '') as updated_by,
        mod_count,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

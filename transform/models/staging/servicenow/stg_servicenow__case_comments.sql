{{ config(unique_key=['connection', 'comment_id']) }}

with source as (
    {{ landing('servicenow', 'case_comments') }}
),

renamed as (
    select
        _connection as connection,
        id as comment_id,
        nullif(case_id, '') as case_id,
        nullif(element, '') as element,
        nullif(body, '') as body,
        created_at,
        nullif(created_by, '') as created_by,
        coalesce(created_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

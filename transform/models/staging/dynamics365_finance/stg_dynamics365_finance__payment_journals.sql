{{ config(unique_key=['connection', 'journal_batch_number', 'company_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'payment_journals') }}
),

renamed as (
    select
        _connection as connection,
        journal_batch_number,
        data_area_id as company_id,
        journal_name,
        description,
        is_posted = 'Yes' as is_posted,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

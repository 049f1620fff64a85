{{ config(unique_key=['connection', 'legal_entity_id']) }}

with source as (
    {{ landing('dynamics365_finance', 'ledgers') }}
),

renamed as (
    select
        _connection as connection,
        legal_entity_id,
        cast(ledger_record_id as {{ dbt.type_string() }}) as ledger_record_id,
        name,
        description,
        accounting_currency,
        reporting_currency,
        chart_of_accounts,
        exchange_rate_type,
        fiscal_calendar,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

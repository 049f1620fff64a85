{{ config(unique_key=['connection', 'customer_id', 'company_id', 'dunning_area']) }}

with landed as (
    {{ landing('sap_s4hana', 'customer_dunning') }}
),

-- the same number comes with or without leading zeros, and a day and its time of day apart
source as (
    select
        *,
        regexp_replace(customer, '^0+([0-9]+)$', {{ first_group() }}) as bare_customer
    from landed
),

renamed as (
    select
        _connection as connection,
        bare_customer as customer_id,
        company_code as company_id,
        dunning_area,
        dunning_block,
        dunning_level,
        dunning_procedure,
        dunning_recipient,
        last_dunned_date,
        dunning_clerk,
        account_group,
        _extracted_at as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

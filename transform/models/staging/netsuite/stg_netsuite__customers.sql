{{ config(unique_key=['connection', 'customer_id']) }}

with source as (
    {{ landing('netsuite', 'customers') }}
),

renamed as (
    select
        _connection as connection,
        cast(id as {{ dbt.type_string() }}) as customer_id,
        externalid as external_id,
        cast(parent as {{ dbt.type_string() }}) as parent_customer_id,
        vatregnumber as tax_id,
        cast(currency as {{ dbt.type_string() }}) as currency_id,
        cast(terms as {{ dbt.type_string() }}) as terms_id,
        cast(defaultbillingaddress as {{ dbt.type_string() }}) as billing_address_id,
        lastmodifiedby as last_modified_by_id,
        entityid as customer_number,
        companyname as name,
        email,
        phone,
        url as website,
        creditholdoverride as credit_hold_override,
        oncredithold as is_on_hold,
        searchstage as stage,
        isinactive as is_inactive,
        creditlimit as credit_limit,
        balancesearch as balance,
        overduebalancesearch as overdue_amount,
        daysoverdue as overdue_days,
        cast(salesrep as {{ dbt.type_string() }}) as sales_rep_id,
        datecreated as created_at,
        lastmodifieddate as updated_at,
        coalesce(lastmodifieddate, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

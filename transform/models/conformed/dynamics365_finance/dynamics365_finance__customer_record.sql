-- an account number that two companies use stands alone in the one that had it first and with the company in the others
with shared_accounts as (
    select record.connection, record.customer_account, record.company_id as first_company_id
    from {{ ref('stg_dynamics365_finance__customers') }} as record
    left join {{ ref('stg_dynamics365_finance__customer_stamps') }} as stamp
        on record.connection = stamp.connection and record.company_id = stamp.company_id
            and record.customer_account = stamp.customer_account
    qualify row_number() over (
        partition by record.connection, record.customer_account order by stamp.created_at nulls last, record.company_id
    ) = 1 and count(*) over (partition by record.connection, record.customer_account) > 1
),

-- who pays the invoices, else the chain where it is another customer's account, of the own company if that has it
parents as (
    select
        record.connection,
        record.company_id as child_company_id,
        record.customer_account as child_account,
        parent.company_id,
        parent.customer_account
    from {{ ref('stg_dynamics365_finance__customers') }} as record
    inner join {{ ref('stg_dynamics365_finance__customers') }} as parent
        on record.connection = parent.connection and not parent.is_removed
            and parent.customer_account = coalesce(nullif(record.invoice_account, ''), record.company_chain)
            and parent.customer_account <> record.customer_account
            and (record.company_id = parent.company_id or coalesce(record.invoice_account, '') = '')
    where not record.is_removed
    qualify row_number() over (
        partition by record.connection, record.company_id, record.customer_account
        order by case when record.company_id = parent.company_id then 0 else 1 end, parent.company_id
    ) = 1
)

select
    record.connection,
    case when account.first_company_id <> record.company_id then record.company_id || '|' || record.customer_account else nullif(record.customer_account, '') end as record_id,
    case when account.first_company_id <> record.company_id then record.company_id || '|' || record.customer_account else nullif(record.customer_account, '') end as erp_link,
    nullif(record.identification_number, '') as crm_link,
    case when parent_account.first_company_id <> parent.company_id then parent.company_id || '|' || parent.customer_account else nullif(parent.customer_account, '') end as parent_record_id,
    coalesce(nullif(record.organization_name, ''), nullif(trim(record.person_first_name || ' ' || record.person_last_name), '')) as name,
    coalesce(nullif(record.tax_exempt_number, ''), nullif(record.organization_number, '')) as tax_id,
    nullif(record.website, '') as website,
    nullif(record.email, '') as email,
    nullif(record.phone, '') as phone,
    nullif(trim(record.street || ' ' || coalesce(record.street_number, '')), '') as street,
    nullif(record.city, '') as city,
    nullif(record.postcode, '') as postcode,
    nullif(upper(record.country), '') as country,
    nullif(record.currency, '') as currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    coalesce(record.credit_account_status_id, '') <> 'Inactive' as is_active,
    stamp.created_at,
    -- without the vendor's stamp: when the change was seen
    coalesce(stamp.modified_at, record.version_at) as updated_at
from {{ ref('stg_dynamics365_finance__customers') }} as record
left join {{ ref('stg_dynamics365_finance__customer_stamps') }} as stamp
    on record.connection = stamp.connection and record.company_id = stamp.company_id
        and record.customer_account = stamp.customer_account and not stamp.is_removed
left join shared_accounts as account
    on record.connection = account.connection and record.customer_account = account.customer_account
left join parents as parent
    on record.connection = parent.connection and record.company_id = parent.child_company_id
        and record.customer_account = parent.child_account
left join shared_accounts as parent_account
    on parent.connection = parent_account.connection and parent.customer_account = parent_account.customer_account
where not record.is_removed

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
)

select
    person.connection,
    person.contact_person_id as contact_id,
    case when account.first_company_id <> record.company_id then record.company_id || '|' || record.customer_account else nullif(record.customer_account, '') end as customer_record_id,
    coalesce(nullif(person.name, ''), nullif(trim(coalesce(person.first_name, '') || ' ' || coalesce(person.last_name, '')), '')) as name,
    nullif(person.email, '') as email,
    nullif(person.phone, '') as phone,
    not coalesce(person.is_inactive, false) as is_active,
    cast(null as {{ sql_type('timestamp') }}) as created_at,
    coalesce(person.last_edited_at, person.version_at) as updated_at
from {{ ref('stg_dynamics365_finance__contacts') }} as person
left join {{ ref('stg_dynamics365_finance__customers') }} as record
    on person.connection = record.connection and person.company_id = record.company_id
        and person.associated_party_number = record.party_number and not record.is_removed
left join shared_accounts as account
    on record.connection = account.connection and record.customer_account = account.customer_account
where not person.is_removed
-- a party may be the customer under several accounts: the contact is named once
qualify row_number() over (
    partition by person.connection, person.contact_person_id order by person.company_id, record.customer_account
) = 1

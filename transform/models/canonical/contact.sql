with erp as (
    select
        connection, contact_id, customer_id as record_id, trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) as name, email, phone,
        not coalesce(is_inactive, false) as is_active, created_at, updated_at
    from {{ ref('stg_netsuite__contacts') }}
    where not is_removed
),

crm as (
    select
        connection, contact_id, account_id as record_id, trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) as name, email, phone,
        true as is_active, created_at, last_modified_at as updated_at
    from {{ ref('stg_salesforce__contacts') }}
    where not is_removed
),

support as (
    select
        connection, user_id as contact_id, organization_id as record_id, name, email, phone,
        coalesce(is_active, true) and not coalesce(is_suspended, false) as is_active, created_at, updated_at
    from {{ ref('stg_zendesk__users') }}
    where not is_removed and role = 'end-user'
),

contacts as (
    select * from erp
    union all
    select * from crm
    union all
    select * from support
)

select
    contact.connection || ':' || contact.contact_id as contact_key,
    contact.connection,
    contact.contact_id,
    link.customer_id,
    contact.name,
    lower(contact.email) as email,
    contact.phone,
    contact.is_active,
    contact.created_at,
    contact.updated_at
from contacts as contact
left join {{ ref('crosswalk') }} as link on contact.connection = link.connection and contact.record_id = link.record_id

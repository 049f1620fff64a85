select
    account.connection,
    account.account_id as record_id,
    nullif(account.erp_customer_id, '') as erp_link,
    nullif(account.crm_account_id, '') as crm_link,
    account.parent_account_id as parent_record_id,
    account.name,
    nullif(account.vat_id, '') as tax_id,
    nullif(account.domain, '') as website,
    contact.work_email as email,
    contact.work_phone as phone,
    contact.address1 as street,
    contact.city,
    contact.postal_code as postcode,
    upper(contact.country) as country,
    account.currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    coalesce(account.status_raw, '') <> 'Canceled' as is_active,
    account.created_at,
    account.updated_at
from {{ ref('stg_zuora__accounts') }} as account
left join {{ ref('stg_zuora__contacts') }} as contact
    on account.connection = contact.connection and account.bill_to_contact_id = contact.contact_id and not contact.is_removed
where not account.is_removed

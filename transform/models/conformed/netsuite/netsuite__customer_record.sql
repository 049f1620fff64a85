select
    record.connection,
    record.customer_id as record_id,
    record.customer_id as erp_link,
    nullif(record.external_id, '') as crm_link,
    record.parent_customer_id as parent_record_id,
    record.name,
    record.tax_id,
    record.website,
    record.email,
    record.phone,
    address.street,
    address.city,
    address.postcode,
    upper(address.country) as country,
    money.currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    record.stage as stage_raw,
    not coalesce(record.is_inactive, false) as is_active,
    record.created_at,
    record.updated_at
from {{ ref('stg_netsuite__customers') }} as record
left join {{ ref('stg_netsuite__addresses') }} as address
    on record.connection = address.connection and record.billing_address_id = address.address_id
left join {{ ref('stg_netsuite__currencies') }} as money
    on record.connection = money.connection and record.currency_id = money.currency_id
where not record.is_removed

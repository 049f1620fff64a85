select
    record.record_key,
    record.connection,
    record.record_id,
    record.system,
    record.role,
    record.name,
    record.tax_key,
    record.domain,
    record.erp_link,
    record.crm_link,
    record.is_customer,
    review.record_key is not null as is_in_review,
    record.created_at,
    record.updated_at
from {{ ref('customer_record') }} as record
left join {{ ref('crosswalk') }} as link on record.record_key = link.record_key
left join (select distinct record_key from {{ ref('crosswalk_review') }}) as review on record.record_key = review.record_key
where link.record_key is null

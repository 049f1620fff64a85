with contacts as (
    {{ conformed('contact') }}
)

select
    document.connection || ':' || document.contact_id as contact_key,
    document.connection,
    document.contact_id,
    link.customer_id,
    document.name,
    lower(document.email) as email,
    document.phone,
    document.is_active,
    document.created_at,
    document.updated_at
from contacts as document
left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id

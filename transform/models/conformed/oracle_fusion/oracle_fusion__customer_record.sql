with parents as (
    select connection, subject_id, min(object_id) as parent_id
    from {{ ref('stg_oracle_fusion__customer_relationships') }}
    where not is_removed and relationship_code = 'SUBSIDIARY_OF' and coalesce(status_raw, 'A') = 'A' and subject_id = customer_id
    group by connection, subject_id
)

select
    record.connection,
    record.customer_id as record_id,
    record.customer_id as erp_link,
    nullif(record.source_reference, '') as crm_link,
    parents.parent_id as parent_record_id,
    record.name,
    nullif(record.tax_id, '') as tax_id,
    record.website,
    record.email,
    record.phone,
    record.street,
    record.city,
    record.postal_code as postcode,
    record.country,
    coalesce(record.functional_currency, record.currency) as currency,
    cast(null as {{ sql_type('string') }}) as type_raw,
    cast(null as {{ sql_type('string') }}) as stage_raw,
    coalesce(record.status_raw, 'A') = 'A' as is_active,
    record.created_at,
    record.updated_at
from {{ ref('stg_oracle_fusion__customers') }} as record
left join parents on record.connection = parents.connection and record.customer_id = parents.subject_id
where not record.is_removed

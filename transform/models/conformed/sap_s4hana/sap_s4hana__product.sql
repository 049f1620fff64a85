with described as (
    select connection, product_id, min(description) as description
    from {{ ref('stg_sap_s4hana__product_descriptions') }}
    where not is_removed
    group by connection, product_id
)

select
    record.connection,
    record.product_id,
    coalesce(nullif(record.old_id, ''), record.product_id) as sku,
    described.description as name,
    cast(null as {{ sql_type('string') }}) as tier_raw,
    coalesce(record.cross_plant_status, '') = '' as is_active,
    cast(record.created_date as {{ sql_type('timestamp') }}) as created_at
from {{ ref('stg_sap_s4hana__products') }} as record
left join described on record.connection = described.connection and record.product_id = described.product_id
where not record.is_removed

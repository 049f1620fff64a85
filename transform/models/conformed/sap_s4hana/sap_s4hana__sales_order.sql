with taxes as (
    select connection, order_id, sum(tax_amount) as tax_amount
    from {{ ref('stg_sap_s4hana__sales_order_items') }}
    where not is_removed
    group by connection, order_id
)

select
    document.connection,
    document.order_id,
    coalesce(nullif(document.external_document_id, ''), document.order_id) as number,
    document.customer_id as customer_record_id,
    area.company_id,
    nullif(document.customer_reference, '') as opportunity_id,
    {{ sap_s4hana_order_status('document.') }} as status_raw,
    document.currency,
    {{ money('document.total_net_amount + coalesce(taxes.tax_amount, 0)') }} as total_amount,
    {{ money('coalesce(taxes.tax_amount, 0)') }} as tax_amount,
    document.sales_order_date as order_date,
    cast(document.created_date as {{ sql_type('timestamp') }}) as created_at,
    document.updated_at
from {{ ref('stg_sap_s4hana__sales_orders') }} as document
left join taxes on document.connection = taxes.connection and document.order_id = taxes.order_id
left join {{ ref('stg_sap_s4hana__sales_organizations') }} as area
    on document.connection = area.connection and document.sales_organization_id = area.sales_organization_id
where not document.is_removed

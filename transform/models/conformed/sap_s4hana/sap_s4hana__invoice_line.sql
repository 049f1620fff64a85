select
    line.connection,
    line.billing_document_id || ':' || line.billing_document_item as invoice_line_id,
    line.billing_document_id as invoice_id,
    coalesce(nullif(goods.old_id, ''), line.product_id) as sku,
    line.item_text as description,
    cast(line.quantity as {{ sql_type('decimal') }}) as quantity,
    nullif(line.quantity_unit, '') as unit_raw,
    {{ money('line.net_amount') }} as amount,
    {{ money('line.tax_amount') }} as tax_amount
from {{ ref('stg_sap_s4hana__billing_document_items') }} as line
inner join {{ ref('stg_sap_s4hana__billing_documents') }} as document
    on line.connection = document.connection and line.billing_document_id = document.billing_document_id
        and not document.is_removed and document.document_category in ('M', 'P')
left join {{ ref('stg_sap_s4hana__products') }} as goods on line.connection = goods.connection and line.product_id = goods.product_id
where not line.is_removed

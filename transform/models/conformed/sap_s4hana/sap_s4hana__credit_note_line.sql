select
    line.connection,
    line.billing_document_id || ':' || line.billing_document_item as credit_note_line_id,
    line.billing_document_id as credit_note_id,
    -- what it was made from, where that is a billing document
    case when line.reference_document_category in ('M', 'P')
        then nullif(line.reference_document_id, '') || ':' || nullif(line.reference_document_item, '') end as invoice_line_id,
    coalesce(nullif(goods.old_id, ''), line.product_id) as sku,
    line.item_text as description,
    cast(null as {{ sql_type('boolean') }}) as is_charge,
    cast(abs(line.quantity) as {{ sql_type('decimal') }}) as quantity,
    {{ money('abs(line.net_amount)') }} as amount
from {{ ref('stg_sap_s4hana__billing_document_items') }} as line
inner join {{ ref('stg_sap_s4hana__billing_documents') }} as document
    on line.connection = document.connection and line.billing_document_id = document.billing_document_id
        and not document.is_removed and document.document_category = 'O'
left join {{ ref('stg_sap_s4hana__products') }} as goods on line.connection = goods.connection and line.product_id = goods.product_id
where not line.is_removed

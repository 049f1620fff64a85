select
    document.connection,
    document.subscription_item_id,
    document.subscription_id,
    document.product_id,
    cast(coalesce(document.quantity, 1) as {{ sql_type('decimal') }}) as quantity,
    {{ from_minor('document.unit_amount_minor * coalesce(document.quantity, 1)', 'unit.minor_size') }} as amount
from {{ ref('stg_stripe__subscription_items') }} as document
left join {{ ref('currency') }} as unit on unit.system = 'stripe' and document.currency = unit.currency
where not document.is_removed

with price as (
    select price.connection, price.item_price_id, coalesce(nullif(item.sku, ''), nullif(price.sku, '')) as sku
    from {{ ref('stg_chargebee__item_prices') }} as price
    left join {{ ref('stg_chargebee__items') }} as item on price.connection = item.connection and price.product_id = item.product_id
)

select
    document.connection,
    document.invoice_line_id,
    document.invoice_id,
    price.sku,
    document.description,
    cast(coalesce(cast(document.quantity_in_decimal as {{ sql_type('decimal') }}), document.quantity) as {{ sql_type('decimal') }}) as quantity,
    cast(null as {{ sql_type('string') }}) as unit_raw,
    {{ from_minor("(document.amount_minor - case when invoice.price_type = 'tax_inclusive' then coalesce(document.tax_minor, 0) else 0 end)",
        'unit.minor_size') }} as amount,
    {{ from_minor('coalesce(document.tax_minor, 0)', 'unit.minor_size') }} as tax_amount
from {{ ref('stg_chargebee__invoice_lines') }} as document
inner join {{ ref('stg_chargebee__invoices') }} as invoice
    on document.connection = invoice.connection and document.invoice_id = invoice.invoice_id
left join price on document.connection = price.connection and document.entity_id = price.item_price_id
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and invoice.currency = unit.currency
where not document.is_removed and not invoice.is_removed

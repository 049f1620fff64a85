with price as (
    select price.connection, price.item_price_id, coalesce(nullif(item.sku, ''), nullif(price.sku, '')) as sku
    from {{ ref('stg_chargebee__item_prices') }} as price
    left join {{ ref('stg_chargebee__items') }} as item on price.connection = item.connection and price.product_id = item.product_id
)

select
    line.connection,
    line.credit_note_line_id,
    line.credit_note_id,
    line.reference_line_item_id as invoice_line_id,
    price.sku,
    line.description,
    line.entity_type = 'adhoc' as is_charge,
    cast(coalesce(cast(line.quantity_in_decimal as {{ sql_type('decimal') }}), line.quantity) as {{ sql_type('decimal') }}) as quantity,
    {{ from_minor("(line.amount_minor - case when document.price_type = 'tax_inclusive' then coalesce(line.tax_minor, 0) else 0 end)",
        'unit.minor_size') }} as amount
from {{ ref('stg_chargebee__credit_note_lines') }} as line
inner join {{ ref('stg_chargebee__credit_notes') }} as document
    on line.connection = document.connection and line.credit_note_id = document.credit_note_id and not document.is_removed
left join price on line.connection = price.connection and line.entity_id = price.item_price_id
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and document.currency = unit.currency
where not line.is_removed

select
    document.connection,
    document.subscription_id || '|' || document.item_price_id as subscription_item_id,
    document.subscription_id,
    price.product_id,
    cast(coalesce(cast(document.quantity_in_decimal as {{ sql_type('decimal') }}), document.quantity, 1) as {{ sql_type('decimal') }}) as quantity,
    -- a charge is paid once and belongs to no period; an addon may be billed more often than its plan
    case when coalesce(document.item_type_raw, '') <> 'charge' then
        {{ from_minor('coalesce(document.amount_minor, document.unit_amount_minor * coalesce(document.quantity, 1)) * coalesce('
            ~ chargebee_months('agreement') ~ ' / nullif(' ~ chargebee_months('document') ~ ', 0), 1)', 'unit.minor_size') }}
    end as amount
from {{ ref('stg_chargebee__subscription_items') }} as document
inner join {{ ref('stg_chargebee__subscriptions') }} as agreement
    on document.connection = agreement.connection and document.subscription_id = agreement.subscription_id
left join {{ ref('stg_chargebee__item_prices') }} as price
    on document.connection = price.connection and document.item_price_id = price.item_price_id
left join {{ ref('currency') }} as unit on unit.system = 'chargebee' and agreement.currency = unit.currency
where not document.is_removed and not agreement.is_removed

{%- set policy = contract()['credit_note_line'] -%}
with lines as (
    select
        line.*,
        document.number as credit_note_number,
        document.customer_id,
        document.customer_record_id,
        document.currency,
        document.issued_at as cancelled_at
    from {{ ref('credit_note_line') }} as line
    inner join {{ ref('credit_note') }} as document on line.credit_note_key = document.credit_note_key
    where coalesce(document.status, 'issued') not in ('draft', 'void')
),

matches as (
    select
        credit_note_line_key,
        min(method) as method,
        count(*) as sale_count,
        max(candidate_count) as candidate_count,
        sum(quantity) as matched_quantity,
        sum(amount) as matched_amount,
        max(sold_at) as sold_at
    from {{ ref('cancellation_match') }}
    group by credit_note_line_key
),

nearest as (
    select credit_note_line_key, invoice_line_key
    from {{ ref('cancellation_match') }}
    qualify row_number() over (partition by credit_note_line_key order by sold_at desc, invoice_line_key desc) = 1
),

sales as (
    select
        line.connection,
        line.sku,
        document.customer_record_id,
        line.invoice_line_key,
        line.quantity,
        line.amount,
        cast(round(line.amount / line.quantity, {{ policy['price_decimals'] }}) as {{ sql_type('decimal') }}) as unit_price,
        coalesce(document.finalized_at, document.created_at, cast(document.invoice_date as {{ sql_type('timestamp') }})) as sold_at
    from {{ ref('invoice_line') }} as line
    inner join {{ ref('invoice') }} as document on line.invoice_key = document.invoice_key
    inner join (select distinct connection from lines) as asked on line.connection = asked.connection
    where line.quantity > 0
),

sold as (
    select connection, customer_record_id, sku, min(sold_at) as first_sold_at
    from sales
    where customer_record_id is not null
    group by connection, customer_record_id, sku
),

sold_at_price as (
    select connection, customer_record_id, sku, unit_price, min(sold_at) as first_sold_at
    from sales
    where customer_record_id is not null
    group by connection, customer_record_id, sku, unit_price
),

beginnings as (
    select connection, min(sold_at) as first_sold_at from sales group by connection
),

articles as (
    select distinct connection, sku from sales
),

judged as (
    select
        line.*,
        match.method,
        match.candidate_count,
        match.sale_count,
        coalesce(match.matched_quantity, 0) as matched_quantity,
        coalesce(match.matched_amount, 0) as matched_amount,
        match.sold_at,
        nearest.invoice_line_key as sale_line_key,
        case
            when match.credit_note_line_key is null then 'none'
            when match.matched_quantity < line.quantity then 'exceeds'
            when match.candidate_count > 1 and match.method not in ('named_line', 'named_invoice') then 'ambiguous'
            when match.sale_count > 1 and match.candidate_count = 0 then 'spread'
            when match.sale_count > 1 and match.method not in ('named_line', 'named_invoice') then 'ambiguous'
            when match.sale_count > 1 then 'spread'
            when sale.quantity = line.quantity and (match.method not in ('named_line', 'named_invoice') or sale.amount = line.amount) then 'exact'
            else 'partial'
        end as class,
        case
            when match.matched_quantity < line.quantity then 'quantity_exceeds'
            when match.credit_note_line_key is not null then null
            when line.customer_record_id is null then 'no_customer'
            when line.sku is null then 'no_article'
            when coalesce(line.quantity, 0) <= 0 then 'no_quantity'
            when priced.first_sold_at <= line.cancelled_at then 'quantity_exceeds'
            when sold.first_sold_at <= line.cancelled_at then 'price_differs'
            when line.is_charge then 'no_goods'
            when sold.first_sold_at is not null then 'sold_only_later'
            when {{ days_between('line.cancelled_at', 'beginning.first_sold_at') }} <= {{ policy['expected_within_days'] }} then 'before_data'
            when article.sku is null then 'article_never_sold'
            else 'never_sold_to_customer'
        end as reason
    from lines as line
    left join matches as match on line.credit_note_line_key = match.credit_note_line_key
    left join nearest on line.credit_note_line_key = nearest.credit_note_line_key
    left join sales as sale on nearest.invoice_line_key = sale.invoice_line_key
    left join sold on line.connection = sold.connection and line.customer_record_id = sold.customer_record_id and line.sku = sold.sku
    left join sold_at_price as priced
        on line.connection = priced.connection and line.customer_record_id = priced.customer_record_id and line.sku = priced.sku
            and cast(round(line.amount / nullif(line.quantity, 0), {{ policy['price_decimals'] }}) as {{ sql_type('decimal') }}) = priced.unit_price
    left join beginnings as beginning on line.connection = beginning.connection
    left join articles as article on line.connection = article.connection and line.sku = article.sku
)

select
    credit_note_line_key,
    credit_note_key,
    connection,
    credit_note_id,
    credit_note_number,
    customer_record_id,
    customer_id,
    sku,
    is_charge,
    class,
    reason,
    method,
    cast(case
        when class = 'none' then null
        when method in ('named_line', 'named_invoice') then {{ policy['confidence_named'] }}
        when class = 'exceeds' then {{ policy['confidence_exceeds'] }}
        when class = 'spread' then {{ policy['confidence_spread'] }}
        when method = 'same_quantity' then {{ policy['confidence_exact'] }} / greatest(candidate_count, 1)
        else {{ policy['confidence_partial'] }} / greatest(candidate_count, 1)
    end as decimal(5, 4)) as confidence,
    cast(coalesce(candidate_count, 0) as {{ sql_type('bigint') }}) as candidate_count,
    cast(coalesce(sale_count, 0) as {{ sql_type('bigint') }}) as sale_count,
    sale_line_key as invoice_line_key,
    quantity,
    cast(matched_quantity as {{ sql_type('decimal') }}) as matched_quantity,
    amount,
    {{ money('matched_amount') }} as matched_amount,
    {{ money('amount - matched_amount') }} as exposure,
    currency,
    sold_at,
    cancelled_at as since,
    {{ days_between('cancelled_at', 'sold_at') }} as days_after_sale,
    'finance' as owner_role,
    'credit_note:' || connection || ':' || credit_note_id as correlation_id
from judged

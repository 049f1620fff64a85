{%- set policy = contract()['credit_note_line'] -%}
with cancellations as (
    select
        line.credit_note_line_key,
        line.connection,
        line.invoice_line_key,
        document.billing_invoice_id,
        document.customer_record_id,
        line.sku,
        line.quantity,
        line.amount,
        cast(round(line.amount / line.quantity, {{ policy['price_decimals'] }}) as {{ sql_type('decimal') }}) as unit_price,
        document.issued_at
    from {{ ref('credit_note_line') }} as line
    inner join {{ ref('credit_note') }} as document on line.credit_note_key = document.credit_note_key
    where line.quantity > 0 and (line.sku is not null or line.invoice_line_key is not null) and coalesce(document.status, 'issued') not in ('draft', 'void')
),

-- the invoices that a cancellation may take from: of its customer, or named by it; all others are left unread
sale_documents as (
    select document.invoice_key
    from {{ ref('invoice') }} as document
    inner join (select distinct connection, customer_record_id from cancellations) as of_customer
        on document.connection = of_customer.connection and document.customer_record_id = of_customer.customer_record_id
    union
    select connection || ':' || billing_invoice_id from cancellations where billing_invoice_id is not null
    union
    select line.invoice_key
    from {{ ref('invoice_line') }} as line
    inner join (select distinct invoice_line_key from cancellations) as named on line.invoice_line_key = named.invoice_line_key
),

sales as (
    select
        line.invoice_line_key,
        line.connection,
        document.invoice_id,
        document.customer_record_id,
        line.sku,
        line.quantity,
        cast(round(line.amount / line.quantity, {{ policy['price_decimals'] }}) as {{ sql_type('decimal') }}) as unit_price,
        coalesce(document.finalized_at, document.created_at, cast(document.invoice_date as {{ sql_type('timestamp') }})) as sold_at
    from {{ ref('invoice_line') }} as line
    inner join {{ ref('invoice') }} as document on line.invoice_key = document.invoice_key
    inner join sale_documents on document.invoice_key = sale_documents.invoice_key
    where line.quantity > 0 and coalesce(document.status, 'open') not in ('draft', 'void', 'rejected')
),

-- 1. the line names the line that it takes back
line_exits as (
    select credit_note_line_key as move_key, invoice_line_key as stack_key, quantity, issued_at as moved_at
    from cancellations
    where invoice_line_key is not null
),

line_moves as (
    select move_key, stack_key, true as is_exit, quantity, moved_at from line_exits
    union all
    -- what names a sale cannot be earlier than it, whatever the clocks say
    select sale.invoice_line_key, sale.invoice_line_key, false, sale.quantity, least(sale.sold_at, leaving.moved_at)
    from sales as sale
    inner join (select stack_key, min(moved_at) as moved_at from line_exits group by stack_key) as leaving
        on sale.invoice_line_key = leaving.stack_key
),

{{ latest_first('line', 'line_moves') }},

-- 2. the credit note names its invoice: lines of that invoice with the same article
named_exits as (
    select
        credit_note_line_key as move_key, connection || '|' || billing_invoice_id || '|' || sku as stack_key, quantity, issued_at as moved_at
    from cancellations as cancellation
    where billing_invoice_id is not null and sku is not null
        and not exists (select 1 from line_taken as taken where taken.exit_key = cancellation.credit_note_line_key and taken.quantity > 0)
),

named_moves as (
    select move_key, stack_key, true as is_exit, quantity, moved_at from named_exits
    union all
    select
        sale.invoice_line_key, leaving.stack_key, false, sale.quantity - coalesce(used.quantity, 0), least(sale.sold_at, leaving.moved_at)
    from sales as sale
    inner join (select stack_key, min(moved_at) as moved_at from named_exits group by stack_key) as leaving
        on sale.connection || '|' || sale.invoice_id || '|' || sale.sku = leaving.stack_key
    left join (select entry_key, sum(quantity) as quantity from line_taken group by entry_key) as used on sale.invoice_line_key = used.entry_key
),

{{ latest_first('named', 'named_moves') }},

named_used as (
    select entry_key, sum(quantity) as quantity
    from (select entry_key, quantity from line_taken union all select entry_key, quantity from named_taken) as taken
    group by entry_key
),

open_cancellations as (
    select
        cancellation.*,
        cancellation.connection || '|' || cancellation.customer_record_id || '|' || cancellation.sku || '|'
            || cast(cancellation.unit_price as {{ sql_type('string') }}) as stack_key
    from cancellations as cancellation
    where cancellation.customer_record_id is not null and cancellation.sku is not null
        and not exists (select 1 from line_taken as taken where taken.exit_key = cancellation.credit_note_line_key and taken.quantity > 0)
        and not exists (select 1 from named_taken as taken where taken.exit_key = cancellation.credit_note_line_key and taken.quantity > 0)
),

cancelled_stacks as (
    select distinct stack_key from open_cancellations
),

open_sales as (
    select
        sale.invoice_line_key,
        sale.invoice_id,
        sale.quantity,
        sale.quantity - coalesce(used.quantity, 0) as quantity_left,
        sale.sold_at,
        stack.stack_key
    from sales as sale
    inner join cancelled_stacks as stack
        on sale.connection || '|' || sale.customer_record_id || '|' || sale.sku || '|' || cast(sale.unit_price as {{ sql_type('string') }}) = stack.stack_key
    left join named_used as used on sale.invoice_line_key = used.entry_key
    where sale.quantity > coalesce(used.quantity, 0)
),

-- 3. the whole of one sale: same customer, article, price and quantity; each line counts as one
exact_moves as (
    select
        credit_note_line_key as move_key, stack_key || '|' || cast(quantity as {{ sql_type('string') }}) as stack_key, true as is_exit,
        cast(1 as {{ sql_type('decimal') }}) as quantity, issued_at as moved_at
    from open_cancellations
    union all
    select
        invoice_line_key, stack_key || '|' || cast(quantity as {{ sql_type('string') }}), false, cast(1 as {{ sql_type('decimal') }}), sold_at
    from open_sales
    where quantity_left = quantity
),

{{ latest_first('exact', 'exact_moves') }},

-- 4. parts of a sale, or of several: same customer, article and price
part_moves as (
    select cancellation.credit_note_line_key as move_key, cancellation.stack_key, true as is_exit, cancellation.quantity, cancellation.issued_at as moved_at
    from open_cancellations as cancellation
    where not exists (select 1 from exact_taken as taken where taken.exit_key = cancellation.credit_note_line_key and taken.quantity > 0)
    union all
    select sale.invoice_line_key, sale.stack_key, false, sale.quantity_left, sale.sold_at
    from open_sales as sale
    where not exists (select 1 from exact_taken as taken where taken.entry_key = sale.invoice_line_key and taken.quantity > 0)
),

{{ latest_first('part', 'part_moves') }},

-- an alternative is another invoice that would have fitted as well
taken as (
    select 'named_line' as method, exit_key, entry_key, quantity, wanted, true as fits from line_taken
    union all
    select 'named_invoice' as method, exit_key, entry_key, quantity, wanted, true as fits from named_taken
    union all
    select 'same_quantity', taken.exit_key, taken.entry_key, taken.quantity * cancellation.quantity, cancellation.quantity, true
    from exact_taken as taken
    inner join cancellations as cancellation on taken.exit_key = cancellation.credit_note_line_key
    union all
    select 'latest_earlier', exit_key, entry_key, quantity, wanted, remaining >= wanted from part_taken
),

counted as (
    select
        taken.*,
        sale.invoice_id,
        sale.sold_at,
        dense_rank() over (partition by taken.exit_key, taken.method, taken.fits order by sale.invoice_id)
            + dense_rank() over (partition by taken.exit_key, taken.method, taken.fits order by sale.invoice_id desc) - 1 as invoices_alike
    from taken
    inner join sales as sale on taken.entry_key = sale.invoice_line_key
),

alternatives as (
    select exit_key, max(case when fits then invoices_alike else 0 end) as candidate_count
    from counted
    group by exit_key
),

paired as (
    select
        pair.*,
        alternative.candidate_count,
        sum(pair.quantity) over (partition by pair.exit_key order by pair.sold_at desc, pair.entry_key desc rows between unbounded preceding and current row)
            as quantity_so_far
    from counted as pair
    inner join alternatives as alternative on pair.exit_key = alternative.exit_key
    where pair.quantity > 0
)

select
    pair.exit_key || '>' || pair.entry_key as match_key,
    pair.exit_key as credit_note_line_key,
    pair.entry_key as invoice_line_key,
    cancellation.connection,
    pair.method,
    cast(pair.candidate_count as {{ sql_type('bigint') }}) as candidate_count,
    cast(pair.quantity as {{ sql_type('decimal') }}) as quantity,
    -- running sums are rounded, so that the parts add up to the line
    cast(round(cancellation.amount * (pair.quantity_so_far / cancellation.quantity), 6)
        - round(cancellation.amount * ((pair.quantity_so_far - pair.quantity) / cancellation.quantity), 6) as {{ sql_type('money') }}) as amount,
    pair.sold_at,
    cancellation.issued_at as cancelled_at
from paired as pair
inner join cancellations as cancellation on pair.exit_key = cancellation.credit_note_line_key

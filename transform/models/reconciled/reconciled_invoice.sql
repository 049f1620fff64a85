{%- set policy = contract()['invoice'] -%}
with billing as (
    select * from {{ ref('invoice') }} where role = 'billing'
),

ledger as (
    select * from {{ ref('invoice') }} where role = 'erp'
),

by_id as (
    select ledger.invoice_key as ledger_key, billing.invoice_key as billing_key, 1 as pass, 'id' as method
    from ledger inner join billing on ledger.billing_invoice_id = billing.invoice_id
),

by_number as (
    select ledger.invoice_key as ledger_key, billing.invoice_key as billing_key, 2 as pass, 'number' as method
    from ledger
    inner join billing on ledger.billing_number = billing.number
    left join by_id on ledger.invoice_key = by_id.ledger_key
    where by_id.ledger_key is null
),

referred as (
    select * from by_id
    union all
    select * from by_number
),

-- documents that name nothing: same customer, currency, amount and day, first with first
lone_billing as (
    select billing.*, row_number() over (
        partition by customer_id, currency, total_minor, invoice_date order by created_at, invoice_id) as place
    from billing
    left join referred on billing.invoice_key = referred.billing_key
    where referred.billing_key is null and billing.customer_id is not null and coalesce(billing.status, '') <> 'draft'
),

lone_ledger as (
    select ledger.*, row_number() over (
        partition by customer_id, currency, total_minor, invoice_date order by created_at, invoice_id) as place
    from ledger
    left join referred on ledger.invoice_key = referred.ledger_key
    where referred.ledger_key is null and ledger.customer_id is not null
),

by_content as (
    select lone_ledger.invoice_key as ledger_key, lone_billing.invoice_key as billing_key, 3 as pass, 'customer, amount, date' as method
    from lone_ledger
    inner join lone_billing
        on lone_ledger.customer_id = lone_billing.customer_id and lone_ledger.currency = lone_billing.currency
        and lone_ledger.total_minor = lone_billing.total_minor and lone_ledger.invoice_date = lone_billing.invoice_date
        and lone_ledger.place = lone_billing.place
),

-- a document that names nothing and repeats one that is already paired
repeated as (
    select lone.invoice_key as ledger_key, min(billing.invoice_key) as billing_key, 4 as pass, 'repeats' as method
    from lone_ledger as lone
    inner join billing
        on lone.customer_id = billing.customer_id and lone.currency = billing.currency
        and lone.total_minor = billing.total_minor and lone.invoice_date = billing.invoice_date
    inner join referred on billing.invoice_key = referred.billing_key
    left join by_content on lone.invoice_key = by_content.ledger_key
    where by_content.ledger_key is null and lone.billing_invoice_id is null and lone.billing_number is null
    group by lone.invoice_key
),

links as (
    select * from referred
    union all
    select * from by_content
    union all
    select * from repeated
),

ranked as (
    select
        links.*,
        row_number() over (
            partition by links.billing_key
            order by case when ledger.status = 'void' then 1 else 0 end, links.pass, ledger.created_at, length(ledger.invoice_id), ledger.invoice_id
        ) as place,
        ledger.status as ledger_status
    from links
    inner join ledger on links.ledger_key = ledger.invoice_key
),

-- what has been credited is not owed: a document settled by credit notes may be paid on one side only
credits as (
    select connection, billing_invoice_id, sum(total_amount) as credited_amount
    from {{ ref('credit_note') }}
    where role = 'billing' and status in ('issued', 'open', 'applied') and billing_invoice_id is not null
    group by connection, billing_invoice_id
),

billed_customers as (
    select customer_id, min(connection) as connection from {{ ref('crosswalk') }} where role = 'billing' group by customer_id
),

owner_connections as (
    select customer_id, owner_connection from {{ ref('customer') }}
),

documents as (
    select
        coalesce(billing.invoice_key, ledger.invoice_key) || coalesce(' / ' || ledger.invoice_key, '') as pair_key,
        coalesce(billing.customer_id, ledger.customer_id) as customer_id,
        case
            when coalesce(billing.erp_order_id, ledger.erp_order_id) is not null then 'order:' || coalesce(billing.erp_order_id, ledger.erp_order_id)
            when billing.subscription_id is not null then 'subscription:' || billing.subscription_id
            else 'invoice:' || coalesce(billing.invoice_id, ledger.invoice_id)
        end as correlation_id,
        coalesce(billing.connection, billed.connection) as billing_connection,
        billing.invoice_id as billing_invoice_id,
        coalesce(ledger.connection, owner.owner_connection) as ledger_connection,
        ledger.invoice_id as ledger_invoice_id,
        coalesce(billing.number, ledger.billing_number, ledger.number) as number,
        ranked.method,
        coalesce(ranked.place, 1) as place,
        billing.customer_id is not null as is_billing_customer_known,
        ledger.billing_invoice_id is not null or ledger.billing_number is not null as names_billing,
        billed.connection is not null as is_billed_customer,
        billing.status as billing_status,
        ledger.status as ledger_status,
        billing.currency as billing_currency,
        ledger.currency as ledger_currency,
        billing.total_amount as billing_total,
        ledger.total_amount as ledger_total,
        billing.tax_amount as billing_tax,
        ledger.tax_amount as ledger_tax,
        billing.open_amount as billing_open,
        ledger.open_amount as ledger_open,
        coalesce(credits.credited_amount, 0) as credited_amount,
        cast(greatest(
            coalesce(billing.line_count, ledger.line_count) * {{ policy['tolerance_minor_per_line'] }} * coalesce(unit.minor_size, 0.01),
            abs(coalesce(billing.total_amount, 0)) * {{ policy['tolerance_share'] }}
        ) as {{ sql_type('money') }}) as tolerance,
        coalesce(billing.invoice_date, ledger.invoice_date) as invoice_date,
        coalesce(billing.due_date, ledger.due_date) as due_date,
        billing.finalized_at,
        coalesce(billing.status_changed_at, ledger.created_at) as since
    from billing
    full outer join ranked on billing.invoice_key = ranked.billing_key
    full outer join ledger on ranked.ledger_key = ledger.invoice_key
    left join {{ ref('currency') }} as unit
        on coalesce(billing.system, ledger.system) = unit.system and coalesce(billing.currency, ledger.currency) = unit.currency
    left join credits on billing.connection = credits.connection and billing.invoice_id = credits.billing_invoice_id
    left join billed_customers as billed on ledger.customer_id = billed.customer_id
    left join owner_connections as owner on billing.customer_id = owner.customer_id
),

differences as (
    select
        *,
        {{ age_seconds(as_of(), 'since') }} > {{ policy['grace_seconds'] }} as is_past_grace,
        abs(billing_total - ledger_total) as total_difference,
        abs(billing_tax - ledger_tax) as tax_difference,
        abs((billing_total - billing_tax) - (ledger_total - ledger_tax)) as net_difference
    from documents
),

classified as (
    select
        *,
        case
            when ledger_invoice_id is null and not is_billing_customer_known then 'customer_unknown'
            when ledger_invoice_id is null and (finalized_at is null or coalesce(billing_status, '') in ('draft', 'void') or billing_total = 0)
                then 'not_expected'
            when ledger_invoice_id is null and not is_past_grace then 'timing'
            when ledger_invoice_id is null then 'missing_in_erp'
            when billing_invoice_id is null and (not names_billing or ledger_status in ('void', 'rejected')) then 'not_expected'
            when billing_invoice_id is null and not is_billed_customer then 'customer_unknown'
            when billing_invoice_id is null and not is_past_grace then 'timing'
            when billing_invoice_id is null then 'missing_in_billing'
            when place > 1 and ledger_status = 'void' then 'not_expected'
            when place > 1 then 'duplicate'
            when not is_past_grace then 'timing'
            when billing_currency <> ledger_currency then 'currency'
            when billing_status in ('draft', 'void') or ledger_status = 'void' then 'matched'
            when net_difference > tolerance then 'amount'
            when tax_difference > tolerance then 'tax'
            when total_difference > tolerance then 'amount'
            else 'matched'
        end as class
    from differences
)

select
    *,
    case
        when billing_invoice_id is null or ledger_invoice_id is null or place > 1 or not is_past_grace then 'not_compared'
        when billing_status is null or ledger_status is null or billing_status = 'draft' then 'not_compared'
        {%- for owner_status, allowed in policy['allowed_pairs'].items() %}
        when billing_status = '{{ owner_status }}' and ledger_status in ({{ quoted(allowed) }}) then 'matched'
        {%- endfor %}
        when credited_amount > 0 and greatest(coalesce(billing_open, 0), coalesce(ledger_open, 0)) <= credited_amount + tolerance then 'matched'
        else 'status'
    end as status_class
from classified

{#- What the reconciliations of orders, credits, returns and shipments share. Pairing rules are in their models, policy in contracts/. -#}

{#- The difference that a contract allows: the greater of `units` minor units and a share of the amount. -#}
{% macro allowed_difference(amount, size, units, share) -%}
    {{ money('greatest(coalesce(' ~ size ~ ', 0.01) * ' ~ units ~ ', abs(coalesce(' ~ amount ~ ', 0)) * ' ~ share ~ ')') }}
{%- endmacro %}

{#-
  What has been credited is not owed: an invoice settled by credit notes may be paid, or booked net of them, on one side only. A credit note
  credits the invoice that it names, but for what of it was applied to others.
-#}
{% macro credited_invoices() -%}
    with notes as (
        select connection, credit_note_id, billing_invoice_id, currency, total_amount, total_minor
        from {{ ref('credit_note') }}
        where role = 'billing' and status in ('issued', 'open', 'applied')
    ),

    elsewhere as (
        select
            note.connection,
            note.credit_note_id,
            application.invoice_id,
            application.amount,
            {{ to_minor('application.amount', 'unit.minor_units') }} as minor
        from {{ ref('payment_application') }} as application
        inner join notes as note on application.connection = note.connection and application.credit_note_id = note.credit_note_id
        left join ({{ minor_units() }}) as unit on note.currency = unit.currency
        where application.invoice_id is not null and application.invoice_id is distinct from note.billing_invoice_id
    ),

    credited as (
        select connection, billing_invoice_id, total_amount as amount, total_minor as minor
        from notes
        where billing_invoice_id is not null
        union all
        select note.connection, note.billing_invoice_id, -elsewhere.amount as amount, -elsewhere.minor as minor
        from elsewhere
        inner join notes as note on elsewhere.connection = note.connection and elsewhere.credit_note_id = note.credit_note_id
        where note.billing_invoice_id is not null
        union all
        select connection, invoice_id as billing_invoice_id, amount, minor
        from elsewhere
    )

    select connection, billing_invoice_id, sum(amount) as credited_amount, cast(sum(minor) as bigint) as credited_minor
    from credited
    group by connection, billing_invoice_id
    having sum(amount) <> 0
{%- endmacro %}

{#- Size of the smallest unit of an invoice's currency. -#}
{% macro invoice_units() -%}
    select currency, cast(minor_size as decimal(9, 6)) as minor_size from ({{ minor_units() }}) as unit
{%- endmacro %}

{#- The business chain of an invoice: `billing` and `ledger` are its two documents, one of them may be missing. -#}
{% macro invoice_correlation() -%}
    case
            when billing.erp_order_id is not null then 'order:' || billing.erp_order_id
            when ledger.erp_order_id is not null then 'order:' || ledger.erp_order_id
            when billing.subscription_id is not null then 'subscription:' || billing.subscription_id
            else 'invoice:' || coalesce(billing.invoice_id, ledger.invoice_id)
        end
{%- endmacro %}

{#-
  What a row of the reconciliation says of its two invoices, whatever came of comparing them. `pair` is the row of invoice_pair, `billing` and
  `ledger` are its documents, `credits` what billing's has been credited.
-#}
{% macro paired_invoices() -%}
    {{ invoice_correlation() }} as correlation_id,
        billing.invoice_id as billing_invoice_id,
        ledger.invoice_id as ledger_invoice_id,
        coalesce(billing.number, ledger.billing_number, ledger.number) as number,
        {%- for column in ['method', 'confidence', 'cardinality', 'group_key', 'member', 'place'] %}
        pair.{{ column }},
        {%- endfor %}
        {%- for side in ['billing', 'ledger'] %}
        {{ side }}.status as {{ side }}_status,
        {{ side }}.currency as {{ side }}_currency,
        {{ side }}.total_amount as {{ side }}_total,
        {{ side }}.tax_amount as {{ side }}_tax,
        {{ side }}.open_amount as {{ side }}_open,
        {%- endfor %}
        coalesce(credits.credited_amount, 0) as credited_amount,
        coalesce(billing.invoice_date, ledger.invoice_date) as invoice_date,
        coalesce(billing.due_date, ledger.due_date) as due_date,
        billing.finalized_at,
        coalesce(billing.status_changed_at, ledger.created_at) as since,
        coalesce(billing.region, ledger.region) as region
{%- endmacro %}

{#- The difference allowed in an invoice's amounts; `unit` is its currency's. -#}
{% macro invoice_tolerance(lines, total_minor, policy) -%}
    cast({{ tolerance_minor(lines, total_minor, policy) }} * coalesce(unit.minor_size, 0.01) as {{ sql_type('money') }})
{%- endmacro %}

{#- Two documents of one customer, as far as both know theirs: ids of different accounts may be the same. -#}
{% macro same_customer(left, right) -%}
    ({{ left }}.customer_id = {{ right }}.customer_id or {{ left }}.customer_id is null or {{ right }}.customer_id is null)
{%- endmacro %}

{#- A case that its desk marks with one of these words: as its type or among its tags. -#}
{% macro is_case_marked(words, case_) -%}
    (coalesce(lower({{ case_ }}.type_raw) in ({{ quoted(words.split()) }}), false)
        {%- for word in words.split() %} or {{ has_item(case_ ~ '.tags', "'" ~ word ~ "'") }}{% endfor %})
{%- endmacro %}

{#- The day as a moment: its midnight. -#}
{% macro midnight(day) -%} cast({{ day }} as {{ sql_type('timestamp') }}) {%- endmacro %}

{#- Hash of the domain, the class and both sides: the same exception has the same id in every build. -#}
{% macro exception_id() -%}
    md5(concat_ws('|', domain, class, coalesce(left_connection, ''), coalesce(left_id, ''), coalesce(right_connection, ''), coalesce(right_id, ''),
        exception_key))
{%- endmacro %}

{#- The team that owns the systems of a role, as text. -#}
{% macro team(role) -%} '{{ finding_kinds()['teams'][role] }}' {%- endmacro %}

{#- The order that a case names, one a case: two ERPs, or two companies of one, may give out the same number, and the customer's own is meant. -#}
{% macro case_orders() -%}
    select document.case_key, sale.order_key, sale.connection, sale.order_id
    from {{ ref('support_case') }} as document
    inner join {{ ref('sales_order') }} as sale on document.order_number = sale.number
    qualify row_number() over (
        partition by document.case_key
        order by case when document.customer_id = sale.customer_id then 0 else 1 end, sale.connection, sale.order_key) = 1
{%- endmacro %}

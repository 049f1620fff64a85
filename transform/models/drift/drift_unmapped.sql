{%- set carriers = [
    ('sales_order', 'order', 'order_id', 'status', 'status_raw', 'updated_at', 'total_amount'),
    ('invoice', 'invoice', 'invoice_id', 'status', 'status_raw', 'updated_at', 'total_amount'),
    ('payment', 'payment', 'payment_id', 'status', 'status_raw', 'paid_at', 'amount'),
    ('credit_note', 'credit_note', 'credit_note_id', 'status', 'status_raw', 'issued_at', 'total_amount'),
    ('refund', 'refund', 'refund_id', 'status', 'status_raw', 'refunded_at', 'amount'),
    ('subscription', 'subscription', 'subscription_id', 'status', 'status_raw', 'updated_at', 'period_amount'),
    ('opportunity', 'opportunity', 'opportunity_id', 'stage', 'stage_raw', 'updated_at', 'amount'),
    ('contract', 'contract', 'contract_id', 'status', 'status_raw', 'updated_at', none),
    ('contract', 'contract', 'contract_id', 'tier', 'tier_raw', 'updated_at', none),
    ('product', 'product', 'product_id', 'tier', 'tier_raw', 'created_at', none),
    ('support_case', 'case', 'case_id', 'status', 'status_raw', 'updated_at', none),
    ('support_case', 'case', 'case_id', 'priority', 'priority_raw', 'updated_at', none),
    ('dispute', 'dispute', 'dispute_id', 'status', 'status_raw', 'updated_at', 'amount'),
    ('shipment', 'shipment', 'shipment_id', 'status', 'status_raw', 'updated_at', none),
    ('return_order', 'return', 'return_id', 'status', 'status_raw', 'updated_at', 'amount'),
    ('asset', 'asset', 'asset_id', 'status', 'status_raw', 'updated_at', none),
    ('entitlement_record', 'entitlement_record', 'entitlement_id', 'status', 'status_raw', 'updated_at', none),
    ('entitlement_record', 'entitlement_record', 'entitlement_id', 'tier', 'tier_raw', 'updated_at', none),
] -%}
with companies as (
    {{ conformed('customer_record') }}
),

accounts as (
    {{ conformed('erp_customer') }}
),

company_words as (
    select
        connection, record_id, updated_at, 'account_type' as field, type_raw as raw_value,
        {{ decoded('customer', 'account_type', 'system', 'type_raw') }} as value
    from companies
    union all
    select connection, record_id, updated_at, 'stage', stage_raw, {{ decoded('customer', 'stage', 'system', 'upper(stage_raw)') }}
    from companies
    union all
    -- an unknown word is no hold until somebody maps it: that must not go unseen
    select connection, record_id, updated_at, 'hold', hold_raw, {{ decoded('customer', 'hold', 'system', 'hold_raw') }}
    from accounts
),

rows_without_value as (
    {%- for model, entity, id, field, raw, since, amount in carriers %}
    select
        '{{ entity }}' as entity, {{ 'customer_id' if model != 'product' else 'cast(null as varchar)' }} as customer_id, connection, {{ id }} as record_id,
        '{{ field }}' as field, {{ raw }} as raw_value, {{ since }} as since,
        cast({{ amount if amount is not none else 'null' }} as {{ sql_type('money') }}) as exposure,
        {{ 'currency' if amount is not none else 'cast(null as varchar)' }} as currency
    from {{ ref(model) }}
    where {{ field }} is null and nullif({{ raw }}, '') is not null
    union all
    {%- endfor %}
    select
        'shipment_line', cast(null as varchar), connection, shipment_line_id, 'freight_terms', freight_terms_raw, cast(null as {{ sql_type('timestamp') }}),
        freight_amount, currency
    from {{ ref('shipment_line') }}
    where freight_terms is null and nullif(freight_terms_raw, '') is not null
    union all
    -- a code is unknown whether or not the record has found its customer; where it has, the customer's money is at risk
    select
        'customer', state.customer_id, state.connection, state.record_id, 'credit_status', state.credit_status_raw, state.changed_at,
        judged.exposure, judged.currency
    from {{ ref('account_state') }} as state
    left join {{ ref('reconciled_credit_status') }} as judged
        on state.connection = judged.observer_connection and state.record_id = judged.observer_record_id
    where state.credit_status is null and nullif(state.credit_status_raw, '') is not null
    union all
    select
        'entitlement', state.customer_id, state.connection, state.record_id, 'tier', state.entitlement_tier_raw, state.changed_at,
        judged.exposure, judged.currency
    from {{ ref('account_state') }} as state
    left join {{ ref('reconciled_entitlement') }} as judged
        on state.connection = judged.support_connection and state.record_id = judged.support_record_id
    where state.entitlement_tier is null and nullif(state.entitlement_tier_raw, '') is not null
    union all
    select 'customer', link.customer_id, record.connection, record.record_id, record.field, record.raw_value, record.updated_at, null, null
    from company_words as record
    left join {{ ref('crosswalk') }} as link on record.connection = link.connection and record.record_id = link.record_id
    where record.value is null and nullif(record.raw_value, '') is not null
)

select
    'D5' as drift_id, 'unmapped' as class, entity, 'error' as severity,
    case entity {% for name, told in contract().items() %}when '{{ name }}' then '{{ told['owner'] }}' {% endfor %}end as owner_role,
    customer_id, entity || ':' || record_id as correlation_id,
    connection as left_connection, entity as left_entity, record_id as left_id,
    cast(null as varchar) as right_connection, cast(null as varchar) as right_entity, cast(null as varchar) as right_id,
    field, cast(null as varchar) as left_value, raw_value as right_value, exposure, currency, since,
    'the value map does not know ' || raw_value as detail
from rows_without_value

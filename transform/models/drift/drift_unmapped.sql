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
with rows_without_value as (
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
    select 'customer', customer_id, observer_connection, observer_record_id, 'credit_status', observed_status_raw, observed_at, exposure, currency
    from {{ ref('reconciled_credit_status') }} where class = 'unmapped'
    union all
    select 'entitlement', customer_id, support_connection, support_record_id, 'tier', observed_tier_raw, observed_at, exposure, currency
    from {{ ref('reconciled_entitlement') }} where class = 'unmapped'
    union all
    select 'customer', customer_id, connection, record_id, 'account_type', type_raw, changed_at, null, null
    from {{ ref('account_state') }}
    where role = 'crm' and type_raw is not null and account_type is null
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

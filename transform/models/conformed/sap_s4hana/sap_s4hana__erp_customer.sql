with area as (
    select
        connection,
        customer_id,
        min(nullif(currency, '')) as currency,
        max(case when coalesce(order_block, '') <> '' then 1 else 0 end) as blocked,
        max({{ known_since('record', 'stg_sap_s4hana__customer_sales_areas', 'null') }}) as changed_at
    from {{ ref('stg_sap_s4hana__customer_sales_areas') }} as record
    where not is_removed
    group by connection, customer_id
),

ledger as (
    select connection, customer_id, min(nullif(payment_terms, '')) as payment_terms
    from {{ ref('stg_sap_s4hana__customer_companies') }}
    where not is_removed
    group by connection, customer_id
),

credit as (
    select
        connection,
        business_partner_id,
        sum(credit_limit) as credit_limit,
        max(case when is_blocked then 1 else 0 end) as blocked,
        max({{ known_since('record', 'stg_sap_s4hana__credit_accounts', 'null') }}) as changed_at
    from {{ ref('stg_sap_s4hana__credit_accounts') }} as record
    where not is_removed
    group by connection, business_partner_id
)

select
    record.connection,
    record.customer_id as record_id,
    record.customer_id as customer_number,
    ledger.payment_terms as terms,
    not coalesce(partner.is_blocked, false) as is_active,
    coalesce(record.order_block, '') <> '' or coalesce(area.blocked, 0) = 1 or coalesce(credit.blocked, 0) = 1 as is_on_hold,
    cast(null as {{ sql_type('string') }}) as hold_raw,
    {{ money('credit.credit_limit') }} as credit_limit,
    cast(null as {{ sql_type('money') }}) as balance,
    cast(null as {{ sql_type('money') }}) as overdue_amount,
    area.currency,
    cast(null as {{ sql_type('string') }}) as company_id,
    coalesce(partner.created_at, cast(record.created_date as {{ sql_type('timestamp') }})) as created_at,
    -- SAP stamps none of these: a change is known since it was seen
    greatest(
        {{ known_since('record', 'stg_sap_s4hana__customers', "coalesce(partner.created_at, cast(record.created_date as " ~ sql_type('timestamp') ~ "))") }},
        area.changed_at, credit.changed_at
    ) as updated_at
from {{ ref('stg_sap_s4hana__customers') }} as record
left join {{ ref('stg_sap_s4hana__business_partners') }} as partner
    on record.connection = partner.connection and record.customer_id = partner.business_partner_id and not partner.is_removed
left join area on record.connection = area.connection and record.customer_id = area.customer_id
left join ledger on record.connection = ledger.connection and record.customer_id = ledger.customer_id
left join credit on record.connection = credit.connection and record.customer_id = credit.business_partner_id
where not record.is_removed

with versions as (
    select
        *,
        row_number() over (partition by connection, subscription_id order by version desc, updated_at desc) as place
    from {{ ref('stg_zuora__subscriptions') }}
    where not is_removed
),

billed as (
    select
        connection,
        subscription_version_id,
        max(charged_through_date) as charged_through_date,
        max({{ zuora_months('billing_period') }}) as period_months
    from ({{ zuora_charges() }}) as charge
    where charge_type = 'Recurring'
    group by connection, subscription_version_id
)

select
    agreement.connection,
    agreement.subscription_id,
    agreement.account_id as customer_record_id,
    nullif(agreement.crm_contract_id, '') as contract_id,
    agreement.status_raw,
    agreement.currency,
    cast(coalesce(agreement.contract_effective_date, agreement.subscription_start_date) as {{ sql_type('timestamp') }}) as started_at,
    case
        when agreement.status_raw = 'Cancelled'
            then cast(coalesce(agreement.subscription_end_date, agreement.cancelled_date) as {{ sql_type('timestamp') }})
    end as ended_at,
    cast(billed.period_months as bigint) as period_months,
    cast(coalesce(billed.charged_through_date, agreement.term_end_date) as {{ sql_type('timestamp') }}) as period_ends_at,
    coalesce(agreement.created_at, agreement.version_created_at) as created_at,
    agreement.updated_at
from versions as agreement
left join billed
    on agreement.connection = billed.connection and agreement.subscription_version_id = billed.subscription_version_id
where agreement.place = 1

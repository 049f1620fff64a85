{{ config(unique_key=['connection', 'subscription_id']) }}

with source as (
    {{ landing('stripe', 'subscriptions') }}
),

renamed as (
    select
        _connection as connection,
        id as subscription_id,
        customer as customer_id,
        contract_id,
        schedule as subscription_schedule_id,
        discount_id,
        coupon as coupon_id,
        status as status_raw,
        upper(currency) as currency,
        cancel_at_period_end as is_cancelling_at_period_end,
        start_date as started_at,
        cancel_at as cancels_at,
        canceled_at,
        ended_at,
        trial_end as trial_ends_at,
        current_period_start as period_started_at,
        current_period_end as period_ends_at,
        created as created_at,
        _changed_at as changed_at,
        coalesce(_changed_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

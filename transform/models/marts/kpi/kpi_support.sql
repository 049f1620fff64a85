{% set status_fields = contract()['case_event']['status_fields'].split() %}
-- cases: linked to their order, opened with context, solved at the first contact, decided in time
with cases as (
    select
        document.*,
        -- the desk's own legal entity, else that of the ERP that keeps the customer
        {{ legal_entity_of('document.company_id', 'customer.owner_connection') }} as served_company_id,
        {{ region_of_connection('document.connection') }} as served_region,
        {{ speaks_of(kpi_policy()['order_case_words'], 'document.type_raw', 'document.tags') }} as needs_order,
        shown.record_key is not null and shown.erp_customer_id is not null and shown.credit_status is not null as has_context
    from {{ ref('support_case') }} as document
    left join {{ ref('customer') }} as customer on document.customer_id = customer.customer_id
    left join {{ ref('account_state') }} as shown on document.connection = shown.connection and document.customer_record_id = shown.record_id
    where document.created_at is not null
),

named_orders as (
    {{ case_orders() }}
),

linkage as (
    select cases.*, sale.order_key is not null as is_linked, cases.connection || coalesce('>' || sale.connection, '') as system_pair
    from cases
    left join named_orders as sale on cases.case_key = sale.case_key
    where cases.needs_order
),

-- desks whose comments are read and told apart; of others nobody knows who touched a case
answers as (
    select case_key, connection, count(*) as touches
    from {{ ref('case_comment') }}
    where is_from_agent and is_public
    group by case_key, connection
),

reopenings as (
    select event.case_key, min(event.changed_at) as reopened_at
    from {{ ref('case_event') }} as event
    inner join {{ ref('support_case') }} as document on event.case_key = document.case_key
    where event.field in ({{ quoted(status_fields) }})
        and coalesce({{ decoded('case', 'status', 'document.system', 'event.old_value') }}, event.old_value) in ('solved', 'closed')
        and coalesce({{ decoded('case', 'status', 'document.system', 'event.new_value') }}, event.new_value) not in ('solved', 'closed')
    group by event.case_key
),

-- a case is judged once it has stayed solved for as long as the policy asks
solved as (
    select
        cases.*,
        coalesce(answers.touches, 0) = 1
            and (reopening.reopened_at is null or reopening.reopened_at > {{ dbt.dateadd('day', kpi_policy()['reopen_days'] | int, 'cases.solved_at') }}) as is_first_contact
    from cases
    inner join (select distinct connection from answers) as desk on cases.connection = desk.connection
    left join answers on cases.case_key = answers.case_key
    left join reopenings as reopening on cases.case_key = reopening.case_key
    where cases.status in ('solved', 'closed') and {{ dbt.dateadd('day', kpi_policy()['reopen_days'] | int, 'cases.solved_at') }} <= {{ as_of() }}
),

-- the first that Concord said about a case's cover: its mark on the case, or the finding that there is none
decisions as (
    select customer_case.case_key, min(decided.decided_at) as decided_at
    from (
        select connection, record_id as case_id, created_at as decided_at
        from {{ ref('stg_deliveries') }}
        where priority = 2
        union all
        select exception.right_connection as connection, exception.right_id as case_id, step.happened_at as decided_at
        from {{ ref('stg_exceptions') }} as exception
        inner join {{ ref('stg_exception_events') }} as step on exception.exception_id = step.exception_id and step.event = 'opened'
        where exception.class = 'case_without_cover'
    ) as decided
    inner join cases as customer_case on decided.connection = customer_case.connection and decided.case_id = customer_case.case_id
    group by customer_case.case_key
)

select {{ observed('case_to_order_linkage', 'created_at', 'sum(case when is_linked then 1 else 0 end)', 'count(*)', 'count(*)', 'served_company_id', 'served_region', pair='system_pair') }}
from linkage
group by cast(created_at as date), served_company_id, served_region, system_pair
union all
select {{ observed('missing_context', 'created_at', 'sum(case when has_context then 0 else 1 end)', 'count(*)', 'count(*)', 'served_company_id', 'served_region', pair='connection') }}
from cases
group by cast(created_at as date), served_company_id, served_region, connection
union all
select {{ observed('first_contact_resolution', 'solved_at', 'sum(case when is_first_contact then 1 else 0 end)', 'count(*)', 'count(*)', 'served_company_id', 'served_region', pair='connection',
    segment="case when has_context then 'with synced context' else 'without' end") }}
from solved
group by cast(solved_at as date), served_company_id, served_region, connection, case when has_context then 'with synced context' else 'without' end
union all
select {{ observed('entitlement_validation', 'decisions.decided_at', seconds_between('decisions.decided_at', 'cases.created_at'), company='cases.served_company_id', region='cases.served_region', pair='cases.connection') }}
from decisions
inner join cases on decisions.case_key = cases.case_key
where decisions.decided_at >= cases.created_at

{#- What the two account-like targets have in common: owned fields, their canonical source, priority and approval. -#}

{#-
  fields of a target: key -> column of `state` and of `observed`, and kind. `names`: canonical name -> key in the target.
  A customer who never subscribed but shows a cover has it emptied, if the entitlement contract says so.
-#}
{% macro target_fields(names) %}
    {%- set clears = contract()['entitlement']['clears'] -%}
    {%- set kinds = {
        'erp_customer_id': 'text', 'credit_status': 'text', 'credit_limit': 'number', 'erp_balance': 'number', 'overdue_amount': 'number',
        'overdue_days': 'number', 'tier': 'text', 'start_date': 'text', 'end_date': 'text',
    } -%}
    {%- set fields = {} -%}
    {%- for name, key in names.items() -%}
        {%- do fields.update({key: {
            'desired': 'desired.' ~ name, 'observed': 'observed.' ~ name, 'kind': kinds[name],
            'clears_when': 'desired.never_subscribed' if name in clears else '',
        }}) -%}
    {%- endfor -%}
    {{ return(fields) }}
{% endmacro %}

{#-
  A target that shows a customer's state (an account, an organization, a company). names: canonical name -> the target's field.
  Words are written as the target spells them: its value map read backwards.
-#}
{% macro account_sync(system, object, names) %}
    {%- set fields = target_fields(names) -%}
    {%- set cover = [] -%}
    {%- for name in ['tier', 'start_date', 'end_date'] if name in names -%}{%- do cover.append(names[name]) -%}{%- endfor -%}
with desired as (
    select
        state.* exclude (credit_status, tier),
        {{ spelled('customer', 'credit_status', system, 'state.credit_status') }} as credit_status,
        {{ spelled('entitlement', 'tier', system, 'state.tier') }} as tier
    from {{ ref('desired_customer_state') }} as state
),

observed as (
    select
        customer_id,
        connection,
        record_id,
        erp_customer_id,
        credit_status_raw as credit_status,
        credit_limit,
        erp_balance,
        overdue_amount,
        overdue_days,
        entitlement_tier_raw as tier,
        entitlement_start_date as start_date,
        entitlement_end_date as end_date,
        version
    from {{ ref('account_state') }}
    where system = '{{ system }}' and is_primary
)

select
    observed.connection,
    '{{ object }}' as object,
    observed.record_id,
    {{ json_fields(fields, 'desired') }} as desired_fields,
    {{ json_fields(fields, 'observed') }} as observed_fields,
    observed.version as observed_version,
    desired.source_commit_at,
    'customer:' || desired.customer_id as correlation_id,
    desired.customer_id as golden_customer_id,
    case
        when {{ any_differs(fields, [names['credit_status']]) }} then 1
        when {{ any_differs(fields, cover) }} then 2
        else 3
    end as priority,
    desired.is_over_approval_limit and {{ any_differs(fields, [names['credit_status']]) }} as needs_approval,
    desired.exposure,
    desired.currency
from desired
inner join observed on desired.customer_id = observed.customer_id
{% endmacro %}

{#- A target that warns on open cases: a mark for a credit hold and one for lapsed cover, with a note for the agent. -#}
{% macro case_sync(system, object) %}
    {%- set fields = {
        'tag_credit_hold': {'desired': 'has_hold', 'observed': 'shows_hold', 'kind': 'boolean'},
        'tag_lapsed_cover': {'desired': 'has_lapsed', 'observed': 'shows_lapsed', 'kind': 'boolean'},
    } -%}
with open_cases as (
    select
        document.connection,
        document.case_id as record_id,
        state.customer_id,
        state.credit_status = 'hold' as has_hold,
        -- null where no subscription says anything: the mark is then left as it is
        case when state.is_covered is not null then not state.is_covered when state.never_subscribed then false end as has_lapsed,
        document.has_hold_flag as shows_hold,
        document.has_lapsed_flag as shows_lapsed,
        state.end_date,
        state.source_commit_at,
        state.exposure,
        state.currency,
        document.version
    from {{ ref('support_case') }} as document
    inner join {{ ref('desired_customer_state') }} as state on document.customer_id = state.customer_id
    where document.is_open and document.system = '{{ system }}'
)

select
    connection,
    '{{ object }}' as object,
    record_id,
    {{ json_fields(fields, 'desired') }} as desired_fields,
    {{ json_fields(fields, 'observed') }} as observed_fields,
    nullif(concat_ws(' ',
        case when has_hold and not shows_hold then 'Credit hold: the ERP blocks goods and credit for this customer. Ask finance before you promise either.' end,
        case when has_lapsed and not shows_lapsed
            then 'Cover has lapsed' || coalesce(' on ' || cast(end_date as varchar), '') || ': check with billing before work that needs a contract.' end,
        case when not has_hold and shows_hold then 'The credit hold has been lifted.' end,
        case when not has_lapsed and shows_lapsed then 'The customer is covered again.' end
    ), '') as note,
    version as observed_version,
    source_commit_at,
    'customer:' || customer_id as correlation_id,
    customer_id as golden_customer_id,
    case when {{ any_differs(fields, ['tag_credit_hold']) }} then 1 when {{ any_differs(fields, ['tag_lapsed_cover']) }} then 2 else 3 end as priority,
    false as needs_approval,  -- a mark and a note change nothing for the customer
    exposure,
    currency
from open_cases
{% endmacro %}

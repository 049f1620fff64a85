{%- set fields = {
    'tag_credit_hold': {'desired': 'has_hold', 'observed': 'shows_hold', 'kind': 'boolean'},
    'tag_lapsed_cover': {'desired': 'has_lapsed', 'observed': 'shows_lapsed', 'kind': 'boolean'},
} -%}
with open_cases as (
    select
        ticket.connection,
        ticket.case_id as record_id,
        state.customer_id,
        state.credit_status = 'hold' as has_hold,
        -- null where no subscription says anything: the tag is then left as it is
        case when state.is_covered is not null then not state.is_covered when state.never_subscribed then false end as has_lapsed,
        {{ has_item('ticket.tags', "'concord_credit_hold'") }} as shows_hold,
        {{ has_item('ticket.tags', "'concord_lapsed_cover'") }} as shows_lapsed,
        state.end_date,
        state.source_commit_at,
        state.exposure,
        state.currency,
        ticket.updated_at
    from {{ ref('support_case') }} as ticket
    inner join {{ ref('desired_customer_state') }} as state on ticket.customer_id = state.customer_id
    where ticket.is_open
)

select
    connection,
    'ticket' as object,
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
    {{ iso_text('updated_at', '%Y-%m-%dT%H:%M:%SZ') }} as observed_version,
    source_commit_at,
    'customer:' || customer_id as correlation_id,
    customer_id as golden_customer_id,
    case when {{ any_differs(fields, ['tag_credit_hold']) }} then 1 when {{ any_differs(fields, ['tag_lapsed_cover']) }} then 2 else 3 end as priority,
    false as needs_approval,  -- a tag and a note change nothing for the customer
    exposure,
    currency
from open_cases

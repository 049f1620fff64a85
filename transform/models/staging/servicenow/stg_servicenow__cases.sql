{{ config(unique_key=['connection', 'case_id']) }}

with source as (
    {{ landing('servicenow', 'cases') }}
),

renamed as (
    select
        _connection as connection,
        id as case_id,
        nullif(number, '') as number,
        nullif(account_id, '') as account_id,
        nullif(contact_id, '') as contact_id,
        nullif(consumer_id, '') as consumer_id,
        nullif(partner_id, '') as partner_id,
        nullif(contract_id, '') as contract_id,
        nullif(entitlement_id, '') as entitlement_id,
        nullif(asset_id, '') as asset_id,
        nullif(product_id, '') as product_id,
        nullif(install_base_item_id, '') as install_base_item_id,
        nullif(sold_product_id, '') as sold_product_id,
        nullif(parent_id, '') as parent_id,
        nullif(problem_id, '') as problem_id,
        nullif(change_id, '') as change_id,
        nullif(subject, '') as subject,
        nullif(description, '') as description,
        nullif(state, '') as status_raw,
        nullif(priority, '') as priority_raw,
        nullif(urgency, '') as urgency,
        nullif(impact, '') as impact,
        nullif(escalation, '') as escalation,
        nullif(category, '') as category_raw,
        nullif(subcategory, '') as subcategory,
        nullif(contact_type, '') as contact_type,
        nullif(major_case_state, '') as major_case_state,
        is_active,
        is_made_sla,
        needs_attention,
        nullif(assignee_id, '') as assignee_id,
        nullif(assignment_group_id, '') as assignment_group_id,
        nullif(opened_by_id, '') as opened_by_id,
        nullif(resolved_by_id, '') as resolved_by_id,
        nullif(closed_by_id, '') as closed_by_id,
        nullif(resolution_code, '') as resolution_code,
        nullif(cause, '') as cause,
        nullif(close_notes, '') as close_notes,
        nullif(watch_list, '') as watch_list,
        reassignment_count,
        nullif(correlation_id, '') as correlation_id,
        nullif(correlation_display, '') as correlation_display,
        nullif(order_number, '') as order_number,
        has_credit_hold,
        has_lapsed_cover,
        opened_at,
        first_response_at,
        resolved_at,
        closed_at,
        due_at,
        sla_due_at,
        follow_up_at,
        business_duration as business_duration_since_epoch,
        calendar_duration as calendar_duration_since_epoch,
        time_worked as time_worked_since_epoch,
        created_at,
        nullif(created_by, '') as created_by,
        updated_at,
        nullif(updated_by, '') as updated_by,
        mod_count,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

select
    deal.connection || ':' || deal.opportunity_id as opportunity_key,
    deal.connection,
    deal.opportunity_id,
    link.customer_id,
    deal.name,
    {{ value_of('opportunity', 'stage', 'salesforce', 'deal.stage_raw') }} as stage,
    deal.stage_raw,
    deal.is_won,
    deal.erp_sales_order_id as erp_order_id,
    deal.currency,
    {{ money('deal.amount') }} as amount,
    deal.close_date,
    deal.created_at,
    deal.last_modified_at as updated_at
from {{ ref('stg_salesforce__opportunities') }} as deal
left join {{ ref('crosswalk') }} as link on deal.connection = link.connection and deal.account_id = link.record_id
where not deal.is_removed

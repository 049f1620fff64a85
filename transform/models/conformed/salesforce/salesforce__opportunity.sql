select
    connection,
    opportunity_id,
    account_id as customer_record_id,
    name,
    stage_raw,
    is_won,
    nullif(erp_sales_order_id, '') as erp_order_id,
    currency,
    {{ money('amount') }} as amount,
    close_date,
    created_at,
    last_modified_at as updated_at
from {{ ref('stg_salesforce__opportunities') }}
where not is_removed

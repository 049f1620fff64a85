{#- Fusion lists no users here: those who changed something last, by the user name that the records carry. -#}
with users as (
    select connection, updated_by from {{ ref('stg_oracle_fusion__customers') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__persons') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__customer_profiles') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__items') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__orders') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__invoices') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__receipts') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__credit_memos') }} where updated_by is not null
    union
    select connection, updated_by from {{ ref('stg_oracle_fusion__shipments') }} where updated_by is not null
)

select
    connection,
    updated_by as agent_id,
    updated_by as login,
    cast(null as {{ sql_type('string') }}) as name,
    cast(null as {{ sql_type('string') }}) as email,
    true as is_active
from users

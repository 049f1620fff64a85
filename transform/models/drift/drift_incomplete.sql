-- by load: a vendor's clock shows whole seconds, too coarse to order two looks
with newest as (
    select *
    from {{ ref('stg_audits') }}
    qualify row_number() over (partition by connection, resource, method order by load_id desc, checked_at desc) = 1
),

short as (
    select connection, resource, max(expected) as expected, min(actual) as actual, min(checked_at) as since, string_agg(distinct detail, '; ' order by detail) as detail
    from newest
    where not is_complete
    group by connection, resource
)

select
    'D14' as drift_id, 'short' as class, resource as entity, 'error' as severity,
    {{ role_of_connection('connection') }} as owner_role,
    cast(null as varchar) as customer_id, 'resource:' || connection || '.' || resource as correlation_id,
    connection as left_connection, resource as left_entity, cast(null as varchar) as left_id,
    cast(null as varchar) as right_connection, cast(null as varchar) as right_entity, cast(null as varchar) as right_id,
    'count' as field, cast(expected as varchar) as left_value, cast(actual as varchar) as right_value,
    cast(null as {{ sql_type('money') }}) as exposure, cast(null as varchar) as currency, since,
    connection || ' ' || resource || ': ' || coalesce(detail, 'the vendor counts more than was landed') as detail
from short

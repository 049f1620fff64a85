-- one finding a column, whatever ingestion noticed about it: a retyped column also fills the quarantine
with systems as (
    {{ no_rows({'connection': 'string', 'system': 'string'}) }}
    {%- for system, names in var('connections', {}).items() %}{% for name in names %}
    union all select '{{ name }}', '{{ system }}'
    {%- endfor %}{% endfor %}
),

declared as (
    select systems.connection, told.resource, told.landed_column
    from systems
    inner join {{ ref('landed_column') }} as told on systems.system = told.system
),

observed as (
    select noticed.connection, noticed.resource, noticed.column_name, noticed.change as class, noticed.detail, noticed.observed_at
    from {{ ref('stg_schema_observations') }} as noticed
    left join declared
        on noticed.connection = declared.connection and noticed.resource = declared.resource and noticed.column_name = declared.landed_column
    -- a new column is settled once the system file names it
    where noticed.change <> 'added' or declared.connection is null

    union all

    select connection, resource, column_name, 'quarantined' as class, reason as detail, extracted_at as observed_at
    from {{ ref('stg_quarantine') }}
    where column_name is not null
),

ranked as (
    select
        *,
        case class when 'retyped' then 1 when 'removed' then 2 when 'nullability' then 3 when 'quarantined' then 4 else 5 end as rank
    from observed
),

columns as (
    select
        connection, resource, column_name,
        min_by(class, rank) as class, min_by(detail, (rank, observed_at)) as detail, min(observed_at) as since, count(*) as observations
    from ranked
    group by connection, resource, column_name
)

select
    'D10' as drift_id, class, resource as entity,
    case when class = 'added' then 'warn' else 'error' end as severity, 'erp' as owner_role,
    cast(null as varchar) as customer_id, 'resource:' || connection || '.' || resource as correlation_id,
    connection as left_connection, resource as left_entity, cast(null as varchar) as left_id,
    cast(null as varchar) as right_connection, cast(null as varchar) as right_entity, cast(null as varchar) as right_id,
    column_name as field, cast(null as varchar) as left_value, class as right_value,
    cast(null as {{ sql_type('money') }}) as exposure, cast(null as varchar) as currency, since,
    connection || ' ' || resource || '.' || column_name || ': ' || detail || ' (' || cast(observations as varchar) || ' times)' as detail
from columns

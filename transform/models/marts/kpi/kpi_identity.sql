-- records of customers that are there more than once in one system, as of the end of each day
with {{ level_days() }},

records as (
    select
        record.connection,
        cast(record.created_at as date) as created_on,
        -- of a golden customer's records in one connection the first is the record, the others are too many
        case when link.customer_id is not null and row_number() over (
            partition by record.connection, link.customer_id order by record.created_at, record.record_id) > 1 then 1 else 0 end as is_too_many
    from {{ ref('customer_record') }} as record
    left join {{ ref('crosswalk') }} as link on record.record_key = link.record_key
),

-- a record that does not say when it was made has always been there
by_day as (
    select records.connection, greatest(coalesce(records.created_on, clock.first_day), clock.first_day) as day, count(*) as records, sum(records.is_too_many) as too_many
    from records
    cross join clock
    group by records.connection, greatest(coalesce(records.created_on, clock.first_day), clock.first_day)
),

standing as (
    select days.day, by_day.connection, sum(by_day.too_many) as too_many, sum(by_day.records) as records
    from days
    inner join by_day on by_day.day <= days.day
    group by days.day, by_day.connection
)

select {{ observed('duplicate_records', 'day', 'too_many', 'records', 'records', legal_entity_of_connection('connection'), region_of_connection('connection'), 'connection') }}
from standing

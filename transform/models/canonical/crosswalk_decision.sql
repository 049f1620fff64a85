-- the steward's word that counts: of several about a record and a customer the newest, of several homes of a record the newest
with judged as (
    select *, case when action = 'split' then 'apart' else 'together' end as verdict
    from {{ ref('crosswalk_overrides') }}
),

-- a home that a newer one replaced stays replaced, also when that one is taken back
told as (
    select *, rank() over (partition by connection, native_id, verdict order by decided_at desc, golden_id, action, decided_by, reason) as place
    from judged
),

newest as (
    select *
    from told
    qualify row_number() over (
        partition by connection, native_id, golden_id order by decided_at desc, verdict desc, action, decided_by, reason
    ) = 1
),

standing as (
    select * from newest where verdict = 'apart' or place = 1
),

-- a record of the ERP that is gone, the golden id that it gave, and the company that it belonged to last
gone as (
    select
        {{ stable_id("'customer'", 'seen.record_key') }} as golden_id,
        coalesce(seen.customer_id, seen.accepted_customer_id) as customer_id
    from {{ ref('stg_crosswalk_seen') }} as seen
    left join {{ ref('customer_record') }} as record on seen.record_key = record.record_key
    where record.record_key is null
),

-- a golden id means the ERP record that gave it, or, where that is gone, the one that was published under it, or under the company
-- that the record belonged to
owners as (
    select record_key, {{ golden_id('connection', 'record_id') }} as golden_id, 0 as place
    from {{ ref('customer_record') }}
    where role = 'erp'

    union all

    select record.record_key, seen.customer_id, 1
    from {{ ref('customer_record') }} as record
    inner join {{ ref('stg_crosswalk_seen') }} as seen on record.record_key = seen.record_key
    where record.role = 'erp' and seen.customer_id is not null

    union all

    select record.record_key, gone.golden_id, case when {{ golden_id('record.connection', 'record.record_id') }} = gone.customer_id then 2 else 3 end
    from gone
    inner join {{ ref('stg_crosswalk_seen') }} as seen on gone.customer_id = seen.customer_id
    inner join {{ ref('customer_record') }} as record on seen.record_key = record.record_key
    where record.role = 'erp'
),

owner as (
    select * from owners
    qualify row_number() over (partition by golden_id order by place, record_key) = 1
)

select
    standing.connection || ':' || standing.native_id as record_key,
    standing.golden_id,
    owner.record_key as owner_key,
    standing.verdict,
    standing.action,
    standing.decided_by,
    standing.decided_at,
    standing.reason
from standing
left join owner on standing.golden_id = owner.golden_id
-- a home that went from the ERP with all its records waits until it is back; a golden id that nobody ever had is a mistake, which a test finds
where standing.verdict = 'apart' or owner.record_key is not null or standing.golden_id not in (select golden_id from gone)

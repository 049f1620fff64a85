-- the steward's word that counts: of several about a record and a customer the newest, of several homes of a record the newest
with told as (
    select *, case when action = 'split' then 'apart' else 'together' end as verdict
    from {{ ref('crosswalk_overrides') }}
),

newest as (
    select *
    from told
    qualify row_number() over (
        partition by connection, native_id, golden_id order by decided_at desc, verdict desc, action, decided_by, reason
    ) = 1
),

standing as (
    select *
    from newest
    qualify verdict = 'apart' or row_number() over (
        partition by connection, native_id, verdict order by decided_at desc, golden_id
    ) = 1
),

-- a golden id means the ERP record that gave it, or, where that is gone, the one that was published under it
owners as (
    select record_key, {{ golden_id('connection', 'record_id') }} as golden_id, 0 as place
    from {{ ref('customer_record') }}
    where role = 'erp'

    union all

    select record.record_key, seen.customer_id, 1
    from {{ ref('customer_record') }} as record
    inner join {{ ref('stg_crosswalk_seen') }} as seen on record.record_key = seen.record_key
    where record.role = 'erp' and seen.customer_id is not null
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

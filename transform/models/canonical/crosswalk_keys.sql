-- what the keys say, record by record: which record of the ERP a record names or shares a key with. Nothing is decided here.
with records as (
    select record.*, coalesce(parent.name_key, record.parent_record_id, '') as parent_name
    from {{ ref('customer_record') }} as record
    left join {{ ref('customer_record') }} as parent
        on record.connection = parent.connection and record.parent_record_id = parent.record_id
),

decisions as (
    select * from {{ ref('crosswalk_decision') }} where verdict = 'together'
),

owners as (
    select * from records where role = 'erp'
),

-- The same company entered twice in the ERP. A declared parent is a hierarchy, not a duplicate.
same_tax_id as (
    select
        record_key,
        'tax id ' || tax_key as evidence,
        first_value(record_key) over (partition by tax_key, parent_name order by {{ seniority() }}) as owner_key
    from owners
    where tax_key is not null
),

-- Only a record without a tax id follows by name or domain, and only where all others there may be one company:
-- so no chain of records ever joins two tax ids.
same_place as (
    {%- for key, method in (('name_key', 'name_address'), ('domain', 'domain')) %}
    select
        record_key,
        tax_key,
        '{{ method }}' as method,
        {{ 6 if method == 'name_address' else 5 }} as pass,
        '{{ key | replace('_key', '') }} ' || {{ key }} || ', ' || postcode_key as evidence,
        first_value(record_key) over (
            partition by country, postcode_key, {{ key }}, parent_name
            order by case when tax_key is null then 1 else 0 end, {{ seniority() }}
        ) as owner_key,
        coalesce(
            min(tax_key) over (partition by country, postcode_key, {{ key }}, parent_name)
            = max(tax_key) over (partition by country, postcode_key, {{ key }}, parent_name), true
        ) as is_one_company
    from owners
    where country is not null and postcode_key is not null and {{ key }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

among_owners as (
    select record_key, owner_key, 'override' as method, 0 as pass, reason as evidence
    from decisions
    where record_key in (select record_key from owners) and record_key <> owner_key

    union all

    select record_key, owner_key, 'tax_id', 4, evidence from same_tax_id where record_key <> owner_key

    union all

    select record_key, owner_key, method, pass, evidence
    from same_place
    where tax_key is null and is_one_company and record_key <> owner_key
),

observers as (
    select * from records where role <> 'erp'
),

shared_keys as (
    select observer.record_key, owner.record_key as owner_key, 'erp_id' as method, 1 as pass, 'erp id ' || observer.erp_link as evidence
    from observers as observer
    inner join owners as owner on observer.erp_link = owner.record_id

    union all

    select observer.record_key, owner.record_key, 'erp_external_id', 2, 'named by ' || owner.record_key
    from observers as observer
    inner join owners as owner on observer.role = 'crm' and observer.record_id = owner.crm_link

    union all

    select observer.record_key, owner.record_key, 'tax_id', 4, 'tax id ' || observer.tax_key
    from observers as observer
    inner join owners as owner on observer.tax_key = owner.tax_key

    union all

    -- one domain may serve a whole group: where neither tax id nor name agrees, it is worth a look and no more
    select
        observer.record_key, owner.record_key, 'domain',
        case when {{ contradicts('observer', 'owner') }} and coalesce(observer.name_key <> owner.name_key, true) then 9 else 5 end,
        'domain ' || observer.domain
    from observers as observer
    inner join owners as owner on observer.domain = owner.domain

    union all

    select observer.record_key, owner.record_key, 'name_address', 6, 'name ' || observer.name_key || ', ' || observer.postcode_key
    from observers as observer
    inner join owners as owner
        on observer.name_key = owner.name_key and observer.country = owner.country and observer.postcode_key = owner.postcode_key

    union all

    -- a name alone is not enough to link, but worth a look
    select observer.record_key, owner.record_key, 'name', 9, 'name ' || observer.name_key
    from observers as observer
    inner join owners as owner on observer.name_key = owner.name_key
)

select * from among_owners
union all
select * from shared_keys
union all
select record_key, owner_key, 'override', 0, reason
from decisions
where record_key in (select record_key from observers)

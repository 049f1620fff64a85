-- what records are compared by, and which of them the keys left open: a record of the ERP without a tax id that follows no other,
-- and any other record that names nobody or several
with keys as (
    select * from {{ ref('crosswalk_keys') }} where pass < 9
),

first_pass as (
    select record_key, min(pass) as pass from keys group by record_key
),

named as (
    select keys.record_key, count(distinct keys.owner_key) as owners
    from keys
    inner join first_pass on keys.record_key = first_pass.record_key and keys.pass = first_pass.pass
    group by keys.record_key
),

records as (
    select
        record.*,
        case
            when record.role = 'erp' then record.tax_key is null and named.record_key is null
            else coalesce(named.owners, 0) <> 1
        end as lacks_key,
        {%- for column in ('record_key', 'source', 'name', 'tax_id', 'domain', 'email', 'phone', 'street', 'city', 'postcode', 'country', 'parent_key') %}
        {%- set told = {'source': 'record.connection', 'parent_key': "record.connection || ':' || record.parent_record_id"}.get(column, 'record.' ~ column) %}
        coalesce(replace({{ told }}, '|', '\|'), '') {{ "|| '|' ||" if not loop.last else 'as compared' }}
        {%- endfor %}
    from {{ ref('customer_record') }} as record
    left join named on record.record_key = named.record_key
)

select
    record.record_key,
    record.connection as source,
    record.name,
    record.tax_id,
    record.domain,
    record.email,
    record.phone,
    record.street,
    record.city,
    record.postcode,
    record.country,
    record.connection || ':' || record.parent_record_id as parent_key,
    md5(record.compared || '{{ var("identity_model_digest", "") }}') as fingerprint,
    record.lacks_key and account.record_key is null as is_open
from records as record
-- one equality and nothing beside it: with more, every record would be compared with every account
left join (select record_id, record_key from records where role = 'crm' and not lacks_key) as account
    on case when record.role = 'support' then record.crm_link end = account.record_id

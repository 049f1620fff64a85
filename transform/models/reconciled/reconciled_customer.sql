{%- set roles = var('roles', {}) -%}
-- a role is expected to know a customer only once one of its connections has been read
with expected_roles as (
    {{ no_rows({'role': 'string', 'connection': 'string'}) }}
    {%- for name, role in roles.items() if role in contract()['customer']['expected_in'] and name in var('landed', {}) %}
    union all select '{{ role }}', '{{ name }}'
    {%- endfor %}
),

roles as (
    select role, min(connection) as connection from expected_roles group by role
),

records as (
    select record.*, link.customer_id, link.method, link.score, link.is_primary
    from {{ ref('customer_record') }} as record
    inner join {{ ref('crosswalk') }} as link on record.record_key = link.record_key
),

owners as (
    select customer.customer_id, customer.owner_connection, customer.owner_record_id, record.*
    from {{ ref('customer') }} as customer
    inner join {{ ref('customer_record') }} as record
        on customer.owner_connection = record.connection and customer.owner_record_id = record.record_id
),

compared as (
    select
        record.*,
        owner.connection as owner_connection,
        owner.record_id as owner_record_id,
        first.connection as first_connection,
        first.record_id as first_record_id,
        first.name as first_name,
        owner.name as owner_name,
        owner.tax_id as owner_tax_id,
        owner.country as owner_country,
        owner.currency as owner_currency,
        -- compared as identity compares: case, accents, punctuation and legal forms say nothing; what one side does not keep cannot differ
        record.is_primary and record.role <> 'erp' and coalesce(record.name_key <> owner.name_key
            and {{ similarity('record.name_key', 'owner.name_key') }} < 0.9, false) as differs_in_name,
        record.is_primary and record.role <> 'erp' and coalesce(record.tax_key <> owner.tax_key, false) as differs_in_tax_id,
        record.is_primary and record.role <> 'erp' and coalesce(upper(record.country) <> upper(owner.country), false) as differs_in_country,
        record.is_primary and record.role <> 'erp' and coalesce(upper(record.currency) <> upper(owner.currency), false) as differs_in_currency
    from records as record
    inner join owners as owner on record.customer_id = owner.customer_id
    left join records as first
        on record.customer_id = first.customer_id and record.connection = first.connection and first.is_primary
    where record.record_key <> owner.record_key
),

{% set fields = ['name', 'tax_id', 'country', 'currency'] -%}
linked as (
    select
        customer_id,
        case when not is_primary then 'duplicate' else 'matched' end as class,
        role,
        coalesce(case when not is_primary then first_connection end, owner_connection) as left_connection,
        coalesce(case when not is_primary then first_record_id end, owner_record_id) as left_id,
        connection as right_connection,
        record_id as right_id,
        method,
        'name' as field,
        case when is_primary then owner_name else first_name end as left_value,
        name as right_value,
        created_at as since,
        method || ' ' || cast(score as varchar) as detail
    from compared
    where not ({% for field in fields %}{{ 'or ' if not loop.first }}differs_in_{{ field }} {% endfor %})
    {%- for field in fields %}

    union all

    select
        customer_id,
        'field_mismatch' as class,
        role,
        owner_connection as left_connection,
        owner_record_id as left_id,
        connection as right_connection,
        record_id as right_id,
        method,
        '{{ field }}' as field,
        owner_{{ field }} as left_value,
        {{ field }} as right_value,
        coalesce(updated_at, created_at) as since,
        connection || ' has another {{ field | replace('_', ' ') }} than the owner' as detail
    from compared
    where differs_in_{{ field }}
    {%- endfor %}
),

missing as (
    select
        owner.customer_id,
        'missing' as class,
        expected.role,
        owner.connection as left_connection,
        owner.record_id as left_id,
        expected.connection as right_connection,
        cast(null as varchar) as right_id,
        cast(null as varchar) as method,
        'name' as field,
        owner.name as left_value,
        cast(null as varchar) as right_value,
        owner.created_at as since,
        'no record of this customer in ' || expected.connection as detail
    from owners as owner
    cross join roles as expected
    left join records as record on owner.customer_id = record.customer_id and expected.role = record.role
    where record.record_key is null and owner.is_active and owner.is_customer
),

-- records whose owner cannot be found, one row a company: the CRM's record speaks for the others that name it or look the same
unmatched as (
    select *
    from {{ ref('crosswalk_unmatched') }}
    where is_customer and not is_in_review
),

companies as (
    select
        record.*,
        coalesce(
            (select min(crm.record_key) from unmatched as crm where crm.role = 'crm' and crm.connection || ':' || record.crm_link = crm.record_key),
            (select min(crm.record_key) from unmatched as crm where crm.role = 'crm' and crm.tax_key = record.tax_key),
            (select min(crm.record_key) from unmatched as crm where crm.role = 'crm' and crm.erp_link = record.erp_link),
            (select min(crm.record_key) from unmatched as crm where crm.role = 'crm' and crm.domain = record.domain),
            (select min(bill.record_key) from unmatched as bill where bill.role = 'billing' and bill.tax_key = record.tax_key),
            (select min(bill.record_key) from unmatched as bill where bill.role = 'billing' and bill.erp_link = record.erp_link),
            record.record_key
        ) as speaker_key
    from unmatched as record
),

orphan as (
    select
        cast(null as varchar) as customer_id,
        'orphan' as class,
        speaker.role,
        -- the owner's connection, which may have landed nothing yet
        {% set owners = [] %}{% for name, role in var('roles', {}).items() if role == 'erp' %}{% do owners.append(name) %}{% endfor -%}
        '{{ (owners | sort | first) or 'erp' }}' as left_connection,
        cast(null as varchar) as left_id,
        speaker.connection as right_connection,
        speaker.record_id as right_id,
        cast(null as varchar) as method,
        'name' as field,
        cast(null as varchar) as left_value,
        speaker.name as right_value,
        speaker.created_at as since,
        'the owner knows none of: ' || string_agg(member.record_key, ', ' order by member.record_key) as detail
    from companies as member
    inner join unmatched as speaker on member.speaker_key = speaker.record_key
    group by speaker.role, speaker.connection, speaker.record_id, speaker.name, speaker.created_at
)

select * from linked
union all
select * from missing
union all
select * from orphan

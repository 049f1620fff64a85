with contacts as (
    {{ conformed('contact') }}
),

placed as (
    select
        document.connection || ':' || document.contact_id as contact_key,
        document.*,
        link.customer_id,
        lower(trim(document.email)) as email_key,
        {{ strip_accents('lower(trim(document.name))') }} as name_key,
        {{ phone_key('document.phone') }} as phone_key
    from contacts as document
    left join {{ ref('crosswalk') }} as link on document.connection = link.connection and document.customer_record_id = link.record_id
),

-- one person at one customer: the same address, or, without one, the same name with the same phone, or a name that only one there has
people as (
    select *, count(*) over (partition by customer_id, name_key) as namesakes
    from (
        select customer_id, email_key, name_key, min(phone_key) as phone_key
        from placed
        where customer_id is not null and email_key is not null
        group by customer_id, email_key, name_key
    ) as addressed
),

known as (
    select
        placed.*,
        coalesce(
            placed.email_key,
            case when person.namesakes = 1 or placed.phone_key = person.phone_key then person.email_key end,
            'name ' || placed.name_key || ' ' || coalesce(placed.phone_key, '')
        ) as person_key
    from placed
    -- equalities alone, and the rest asked of what they join: with more, every contact would be compared with every person
    left join people as person
        on case when placed.email_key is null then placed.customer_id end = person.customer_id and placed.name_key = person.name_key
    qualify row_number() over (
        partition by placed.contact_key order by case when placed.phone_key = person.phone_key then 0 else 1 end, person.email_key
    ) = 1
),

led as (
    select
        *,
        first_value(contact_key) over (
            partition by customer_id, person_key
            order by coalesce(created_at, cast('9999-01-01' as {{ sql_type('timestamp') }})), contact_key
        ) as leader_key
    from known
)

select
    contact_key,
    connection,
    contact_id,
    customer_id,
    case when customer_id is not null and person_key is not null then {{ stable_id("'contact'", 'leader_key') }} end as golden_contact_id,
    name,
    lower(email) as email,
    phone,
    is_active,
    created_at,
    updated_at
from led

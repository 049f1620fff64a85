with linked as (
    select
        *,
        row_number() over (partition by connection, person_id order by relationship_number) as place
    from {{ ref('stg_sap_s4hana__business_partner_contacts') }}
    where not is_removed
)

select
    person.connection,
    person.business_partner_id as contact_id,
    linked.company_partner_id as customer_record_id,
    nullif(person.full_name, '') as name,
    nullif(linked.email, '') as email,
    nullif(linked.phone, '') as phone,
    not coalesce(person.is_blocked, false) as is_active,
    person.created_at,
    coalesce(person.updated_at, person.created_at) as updated_at
from {{ ref('stg_sap_s4hana__business_partners') }} as person
inner join linked on person.connection = linked.connection and person.business_partner_id = linked.person_id and linked.place = 1
where not person.is_removed

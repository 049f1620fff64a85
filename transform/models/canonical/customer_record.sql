with records as (
    {{ conformed('customer_record') }}
),

placed as (
    select *, {{ role_of_connection('connection') }} as role
    from records
)

select
    connection || ':' || record_id as record_key,
    connection,
    system,
    role,
    record_id,
    erp_link,
    crm_link,
    parent_record_id,
    name,
    tax_id,
    coalesce({{ normalised_domain('website') }}, {{ normalised_domain('email') }}) as domain,
    lower(trim(email)) as email,
    phone,
    street,
    city,
    country,
    postcode,
    currency,
    is_active,
    case role
        when 'erp' then coalesce({{ decoded('customer', 'stage', 'system', 'upper(stage_raw)') }}, 'customer') = 'customer'
        -- an account of a type that the map does not know may be a customer: better to ask for its owner than to miss it
        when 'crm' then erp_link is not null
            or coalesce({{ decoded('customer', 'account_type', 'system', 'type_raw') }}, case when type_raw is null then 'other' else 'customer' end) = 'customer'
        else true
    end as is_customer,
    created_at,
    updated_at,
    {{ normalised_name('name') }} as name_key,
    {{ normalised_tax_id('tax_id') }} as tax_key,
    upper(regexp_replace(postcode, '[^A-Za-z0-9]', '', {{ all_matches() }})) as postcode_key
from placed

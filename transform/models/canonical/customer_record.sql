with erp as (
    select
        record.connection,
        'netsuite' as system,
        'erp' as role,
        record.customer_id as record_id,
        record.customer_id as erp_link,
        record.external_id as crm_link,
        record.parent_customer_id as parent_record_id,
        record.name,
        record.tax_id,
        coalesce({{ normalised_domain('record.website') }}, {{ normalised_domain('record.email') }}) as domain,
        upper(address.country) as country,
        address.postcode,
        money.currency,
        not coalesce(record.is_inactive, false) as is_active,
        coalesce(upper(record.stage), 'CUSTOMER') = 'CUSTOMER' as is_customer,
        record.created_at,
        record.updated_at
    from {{ ref('stg_netsuite__customers') }} as record
    left join {{ ref('stg_netsuite__addresses') }} as address
        on record.connection = address.connection and record.billing_address_id = address.address_id
    left join {{ ref('stg_netsuite__currencies') }} as money
        on record.connection = money.connection and record.currency_id = money.currency_id
    where not record.is_removed
),

crm as (
    select
        connection,
        'salesforce' as system,
        'crm' as role,
        account_id as record_id,
        nullif(erp_customer_id, '') as erp_link,
        account_id as crm_link,
        parent_id as parent_record_id,
        name,
        tax_id,
        {{ normalised_domain('website') }} as domain,
        upper(country) as country,
        postcode,
        currency,
        true as is_active,
        -- an account of a type that the map does not know may be a customer: better to ask for its owner than to miss it
        coalesce({{ value_of('customer', 'account_type', 'salesforce', 'type_raw') }}, case when type_raw is null then 'other' else 'customer' end) = 'customer'
            or nullif(erp_customer_id, '') is not null as is_customer,
        created_at,
        last_modified_at as updated_at
    from {{ ref('stg_salesforce__accounts') }}
    where not is_removed
),

billing as (
    select
        connection,
        'stripe' as system,
        'billing' as role,
        customer_id as record_id,
        nullif(erp_customer_id, '') as erp_link,
        cast(null as {{ dbt.type_string() }}) as crm_link,
        cast(null as {{ dbt.type_string() }}) as parent_record_id,
        name,
        tax_id,
        coalesce({{ normalised_domain('domain') }}, {{ normalised_domain('email') }}) as domain,
        upper(country) as country,
        postcode,
        currency,
        true as is_active,
        true as is_customer,
        created_at,
        coalesce(changed_at, created_at) as updated_at
    from {{ ref('stg_stripe__customers') }}
    where not is_removed
),

support as (
    select
        connection,
        'zendesk' as system,
        'support' as role,
        organization_id as record_id,
        nullif(erp_customer_id, '') as erp_link,
        nullif(external_id, '') as crm_link,
        cast(null as {{ dbt.type_string() }}) as parent_record_id,
        name,
        tax_id,
        {{ normalised_domain(first_item('domain_names')) }} as domain,
        cast(null as {{ dbt.type_string() }}) as country,
        cast(null as {{ dbt.type_string() }}) as postcode,
        cast(null as {{ dbt.type_string() }}) as currency,
        true as is_active,
        true as is_customer,
        created_at,
        updated_at
    from {{ ref('stg_zendesk__organizations') }}
    where not is_removed
),

records as (
    select * from erp
    union all
    select * from crm
    union all
    select * from billing
    union all
    select * from support
)

select
    connection || ':' || record_id as record_key,
    *,
    {{ normalised_name('name') }} as name_key,
    {{ normalised_tax_id('tax_id') }} as tax_key,
    upper(regexp_replace(postcode, '[^A-Za-z0-9]', '', {{ all_matches() }})) as postcode_key
from records

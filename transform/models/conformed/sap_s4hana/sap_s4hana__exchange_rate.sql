with rated as (
    select
        document.connection,
        document.currency,
        document.exchange_rate,
        ledger.currency as base_currency,
        document.billing_document_date,
        row_number() over (
            partition by document.connection, document.currency
            order by document.billing_document_date desc, document.billing_document_id desc
        ) as place
    from {{ ref('stg_sap_s4hana__billing_documents') }} as document
    inner join {{ ref('stg_sap_s4hana__company_codes') }} as ledger
        on document.connection = ledger.connection and document.company_id = ledger.company_id
    where not document.is_removed and document.exchange_rate > 0
)

select
    connection,
    currency,
    cast(exchange_rate as {{ sql_type('decimal') }}) as rate,
    base_currency,
    billing_document_date as valid_from
from rated
where place = 1

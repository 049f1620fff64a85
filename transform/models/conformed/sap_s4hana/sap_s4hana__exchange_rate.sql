-- the rates that billing documents were booked at, one a day
select
    document.connection,
    document.currency,
    cast(document.exchange_rate as {{ sql_type('decimal') }}) as rate,
    ledger.currency as base_currency,
    document.billing_document_date as valid_from
from {{ ref('stg_sap_s4hana__billing_documents') }} as document
inner join {{ ref('stg_sap_s4hana__company_codes') }} as ledger
    on document.connection = ledger.connection and document.company_id = ledger.company_id
where not document.is_removed and document.exchange_rate > 0
qualify row_number() over (
    partition by document.connection, document.currency, ledger.currency, document.billing_document_date order by document.billing_document_id desc
) = 1

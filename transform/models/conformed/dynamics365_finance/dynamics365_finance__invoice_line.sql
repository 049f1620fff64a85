-- an invoice number may repeat over companies and vouchers: the first keeps it, the others are named with both
with shared_invoices as (
    select connection, invoice_number, company_id || '|' || ledger_voucher as first_place
    from {{ ref('stg_dynamics365_finance__invoices') }}
    qualify row_number() over (
        partition by connection, invoice_number order by invoice_date, company_id, ledger_voucher
    ) = 1 and count(*) over (partition by connection, invoice_number) > 1
)

select
    line.connection,
    case when repeated.first_place <> document.company_id || '|' || document.ledger_voucher
        then document.company_id || '|' || document.invoice_number || '|' || document.ledger_voucher else document.invoice_number end || ':' || cast(line.line_sequence as {{ dbt.type_string() }}) as invoice_line_id,
    case when repeated.first_place <> document.company_id || '|' || document.ledger_voucher
        then document.company_id || '|' || document.invoice_number || '|' || document.ledger_voucher else document.invoice_number end as invoice_id,
    nullif(line.product_number, '') as sku,
    coalesce(nullif(line.product_description, ''), line.product_name) as description,
    line.quantity,
    nullif(line.unit, '') as unit_raw,
    {{ money('line.amount') }} as amount,
    {{ money('coalesce(line.tax_amount, 0)') }} as tax_amount
from {{ ref('stg_dynamics365_finance__invoice_lines') }} as line
inner join {{ ref('stg_dynamics365_finance__invoices') }} as document
    on line.connection = document.connection and line.company_id = document.company_id
        and line.invoice_number = document.invoice_number and line.invoice_date = document.invoice_date
        and line.ledger_voucher = document.ledger_voucher and not document.is_removed and document.total_amount >= 0
left join shared_invoices as repeated
    on document.connection = repeated.connection and document.invoice_number = repeated.invoice_number
where not line.is_removed

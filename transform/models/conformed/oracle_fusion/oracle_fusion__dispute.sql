{#- The list of disputes cannot be read: what is disputed stands on the installments. -#}
select
    installment.connection,
    installment.installment_id as dispute_id,
    document.customer_id as customer_record_id,
    cast(null as {{ sql_type('string') }}) as payment_id,
    installment.invoice_id,
    'Open' as status_raw,
    cast(null as {{ sql_type('string') }}) as reason,
    document.currency,
    {{ money('abs(installment.disputed_amount)') }} as amount,
    cast(installment.disputed_date as {{ sql_type('timestamp') }}) as opened_at,
    cast(null as {{ sql_type('timestamp') }}) as due_at,
    installment.updated_at
from {{ ref('stg_oracle_fusion__invoice_installments') }} as installment
inner join {{ ref('stg_oracle_fusion__invoices') }} as document
    on installment.connection = document.connection and installment.invoice_id = document.invoice_id
where not installment.is_removed and not document.is_removed and installment.disputed_amount <> 0

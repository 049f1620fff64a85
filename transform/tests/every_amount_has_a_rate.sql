{{ config(severity='warn', meta={'blocking': false, 'owner': 'erp'}) }}
-- a document whose amount no rate turns into the reporting currency: it is missing from every total in that currency
{%- set amounts = {'sales_order': ('order_key', 'total_amount'), 'invoice': ('invoice_key', 'total_amount'), 'payment': ('payment_key', 'amount'),
    'credit_note': ('credit_note_key', 'total_amount'), 'refund': ('refund_key', 'amount')} %}
{%- for document, (key, amount) in amounts.items() %}
select '{{ document }}' as document, {{ key }} as document_key, currency
from {{ ref(document) }}
where reporting_amount is null and {{ amount }} is not null
{{ 'union all' if not loop.last }}
{%- endfor %}

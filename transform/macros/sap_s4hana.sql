{#- What several columns of SAP say together. -#}

{#- The state of a sales order in one word of contracts/systems/sap_s4hana.yml; `document` names the row with its dot, or nothing. -#}
{% macro sap_s4hana_order_status(document='') -%}
    case
        -- a letter that the vendor does not list is not guessed at, whatever the others say
        when {{ document }}process_status not in ('', 'A', 'B', 'C') then {{ document }}process_status
        when {{ document }}rejection_status not in ('', 'A', 'B', 'C') then {{ document }}rejection_status
        when {{ document }}approval_status not in ('', 'A', 'B', 'C') then {{ document }}approval_status
        when {{ document }}billing_status not in ('', 'A', 'B', 'C') then {{ document }}billing_status
        when {{ document }}delivery_status not in ('', 'A', 'B', 'C') then {{ document }}delivery_status
        when {{ document }}rejection_status = 'C' then 'rejected'
        when {{ document }}approval_status = 'A' then 'in_approval'
        when {{ document }}approval_status = 'C' then 'approval_refused'
        when {{ document }}process_status = 'C' and {{ document }}billing_status = 'C' then 'billed'
        when {{ document }}process_status = 'C' then 'completed'
        when {{ document }}delivery_status = 'C' then 'delivered'
        when {{ document }}delivery_status = 'B' and {{ document }}billing_status = 'B' then 'partially_delivered_and_billed'
        when {{ document }}delivery_status = 'B' then 'partially_delivered'
        else 'not_delivered'
    end
{%- endmacro %}

{#-
  The customers' lines of money that came in or went out, each with the posting that it is a line of: what a customer paid or was paid in one
  document. A part payment has a line for each invoice and a residual item takes back some of it, so lines are added; lines that name
  different payments of billing, as a payout of a payment provider has them, stay apart. The first keeps the document's number as its id.
-#}
{% macro sap_s4hana_money_lines() -%}
    select
        *,
        company_id || ':' || fiscal_year || ':' || accounting_document_id
        || case when posting_item <> min(posting_item) over (partition by connection, company_id, fiscal_year, accounting_document_id)
            then ':' || posting_item else '' end as posting_id,
        sum(case when debit_credit_code = 'H' then abs(amount) else -abs(amount) end)
            over (partition by connection, company_id, fiscal_year, accounting_document_id, posting_item) as received_amount
    from (
        select
            *,
            min(accounting_document_item)
                over (partition by connection, company_id, fiscal_year, accounting_document_id, customer_id, posting_text) as posting_item
        from (
            select
                *,
                case
                    when min(nullif(item_text, '')) over (partition by connection, company_id, fiscal_year, accounting_document_id, customer_id)
                        <> max(nullif(item_text, '')) over (partition by connection, company_id, fiscal_year, accounting_document_id, customer_id)
                        then coalesce(item_text, '')
                    else ''
                end as posting_text
            from {{ ref('stg_sap_s4hana__accounting_items') }}
            where not is_removed and document_type = 'DZ' and not coalesce(is_reversal, false)
        ) as told
    ) as parted
{%- endmacro %}

{#- Money that customers paid (side 'H') or were paid ('S'), one row a posting, in the words of contracts/systems/sap_s4hana.yml. -#}
{% macro sap_s4hana_money_postings(side) -%}
    select
        connection,
        posting_id,
        company_id,
        fiscal_year,
        accounting_document_id,
        min(nullif(item_text, '')) as item_text,
        min(customer_id) as customer_id,
        -- what is left of the money may stay open on a line of its own: the lines that settle something say how far it is
        case
            when max(case when is_reversed then 1 else 0 end) = 1 then 'reversed'
            when max(nullif(payment_blocking_reason, '')) is not null then max(nullif(payment_blocking_reason, ''))
            when min(case when is_cleared or debit_credit_code <> '{{ side }}' then 1 else 0 end) = 1 then 'cleared'
            else 'posted'
        end as status_raw,
        min(currency) as currency,
        min(abs(received_amount)) as amount,
        min(posting_date) as posting_date
    from ({{ sap_s4hana_money_lines() }}) as lines
    where received_amount {{ '>' if side == 'H' else '<' }} 0
    group by connection, posting_id, company_id, fiscal_year, accounting_document_id
{%- endmacro %}

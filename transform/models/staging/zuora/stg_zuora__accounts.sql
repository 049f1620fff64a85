{{ config(unique_key=['connection', 'account_id']) }}

with source as (
    {{ landing('zuora', 'accounts') }}
),

renamed as (
    select
        _connection as connection,
        id as account_id,
        bill_to_id as bill_to_contact_id,
        crm_id as crm_account_id,
        default_payment_method_id,
        organization_id,
        parent_id as parent_account_id,
        ship_to_id as ship_to_contact_id,
        sold_to_id as sold_to_contact_id,
        vat_id,
        created_by_id,
        updated_by_id,
        erp_customer_id,
        account_number,
        additional_email_addresses,
        auto_pay as is_auto_pay,
        batch,
        bcd_setting_option,
        bill_cycle_day,
        upper(currency) as currency,
        last_invoice_date,
        name,
        notes,
        payment_gateway,
        payment_term,
        purchase_order_number,
        sales_rep_name,
        status as status_raw,
        tax_exempt_status,
        domain,
        balance,
        credit_balance,
        monthly_recurring_revenue,
        total_debit_memo_balance,
        total_invoice_balance,
        unapplied_balance,
        unapplied_credit_memo_amount,
        created_at,
        updated_at,
        coalesce(updated_at, _extracted_at) as version_at,
        {{ staged_columns() }}
    from source
),

latest as (
    {{ latest_version('renamed') }}
)

select * from latest

{#- What several rows of Oracle Fusion say together. -#}

{#-
  Orders as they stand. A change of a submitted order makes a revision: a header of its own with lines of its own, and the one before stays as
  it was. `header_id` is the newest revision's that is in effect, `order_id` the first's, by which billing and the CRM know the order.
-#}
{% macro oracle_fusion_orders() -%}
    select
        connection, order_id as header_id, first_order_id as order_id, number, source_number, source_system, customer_id, ordered_at, currency,
        legal_entity_id, status_raw, first_created_at as created_at, updated_at
    from (
        select
            *,
            first_value(order_id) over (
                partition by connection, order_name order by coalesce(revision, 0), created_at, order_id
                rows between unbounded preceding and unbounded following
            ) as first_order_id,
            min(created_at) over (partition by connection, order_name) as first_created_at,
            row_number() over (
                partition by connection, order_name
                order by case when status_raw = 'DOO_DRAFT' then 1 else 0 end, coalesce(revision, 0) desc, created_at desc, order_id desc
            ) as place
        from (
            select *, coalesce(nullif(source_system, '') || ':' || nullif(source_id, ''), 'number:' || number, order_id) as order_name
            from {{ ref('stg_oracle_fusion__orders') }}
            where not is_removed
        ) as named
    ) as placed
    where place = 1
{%- endmacro %}

{#- Exchange rates: the installation's own table, the newest rate of a ledger, and amounts in the reporting currency. -#}

{#- The days from one to another, both included, a row each. -#}
{% macro days_from(first, last) -%}
    unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day))
{%- endmacro %}

{#- The rows of the installation's own table of rates (transform/rates.py has checked it); none where there is no such file. -#}
{% macro own_rates() -%}
    {%- set path = var('exchange_rates', '') -%}
    {%- if path %}
    select currency, base_currency, rate, valid_from, valid_to
    from read_csv(
        '{{ path | replace("'", "''") }}', header = true, delim = ',', quote = '"',
        columns = {currency: 'varchar', base_currency: 'varchar', rate: 'decimal(18,12)', valid_from: 'date', valid_to: 'date'}
    )
    {%- else %}{{ no_rates() }}{% endif %}
{%- endmacro %}
{% macro no_rates() %}
    select
        cast(null as {{ sql_type('string') }}) as currency, cast(null as {{ sql_type('string') }}) as base_currency, cast(null as decimal(18, 12)) as rate,
        cast(null as date) as valid_from, cast(null as date) as valid_to
    where 1 = 0
{%- endmacro %}

{#- One row a ledger and currency: its newest rate, to the ledger's base currency. -#}
{% macro newest_rates() %}
    select connection, currency, cast(rate as {{ sql_type('decimal') }}) as rate, base_currency, valid_from
    from {{ ref('exchange_rate') }}
    where connection is not null
    qualify row_number() over (partition by connection, currency order by valid_from desc nulls last, base_currency) = 1
{%- endmacro %}

{#- What an amount in a document's currency is in the reporting currency, in its minor units. Needs `reporting_joins` after the model's own joins. -#}
{% macro in_reporting_currency(amount, currency, rate='reporting_rate') -%}
    {%- set converted = 'cast(' ~ amount ~ ' as decimal(20, 6)) * ' ~ rate ~ '.rate' -%}
    case
        when {{ currency }} = reporting.currency then
            case reporting.minor_units
                {%- for units in (0, 3) %}
                when {{ units }} then {{ rounded(amount, units) }}
                {%- endfor %}
                else {{ rounded(amount, 2) }}
            end
        when abs({{ amount }}) < 100000000000000 then
            {{ rounded_to_coin(converted, 'reporting.minor_units') }}
    end
{%- endmacro %}

{#- An amount with so many digits after the point. -#}
{% macro rounded(amount, digits) -%}
    {{ if_narrow(amount, 18, 6, 'cast(round(narrow, ' ~ digits ~ ') as ' ~ sql_type('money') ~ ')',
        'cast(round(cast(' ~ amount ~ ' as decimal(38, 18)), ' ~ digits ~ ') as ' ~ sql_type('money') ~ ')') }}
{%- endmacro %}

{% macro reporting_joins(currency, day) -%}
left join {{ ref('reporting_currency') }} as reporting on 1 = 1
{{ rate_join(currency, day) }}
{%- endmacro %}

{% macro rate_join(currency, day, rate='reporting_rate') -%}
left join {{ ref('reporting_rate') }} as {{ rate }}
    on {{ currency }} = {{ rate }}.currency and cast({{ day }} as date) = {{ rate }}.rate_date
{%- endmacro %}

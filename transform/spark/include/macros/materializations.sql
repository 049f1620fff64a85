{#- Every model is a table that is written anew, whatever it is in DuckDB: a folder of Parquet files holds neither views nor merges. -#}

{% materialization table, adapter='concord_spark', supported_languages=['sql', 'python'] %}
    {{ return(concord_spark_table()) }}
{% endmaterialization %}

{% materialization incremental, adapter='concord_spark', supported_languages=['sql', 'python'] %}
    {{ return(concord_spark_table()) }}
{% endmaterialization %}

{% materialization view, adapter='concord_spark' %}
    {{ return(concord_spark_table()) }}
{% endmaterialization %}

{% macro concord_spark_table() %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- do adapter.write_model(relation.identifier, compiled_code, model['language'], model['columns']) -%}
    {%- call noop_statement('main', 'OK') -%} {{ compiled_code }} {%- endcall -%}
    {{ return({'relations': [relation]}) }}
{% endmacro %}

{% materialization seed, adapter='concord_spark' %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set rows = load_agate_table() -%}
    {%- do store_result('agate_table', response='OK', agate_table=rows) -%}
    {%- do adapter.write_seed(relation.identifier, rows, config.get('column_types', {})) -%}
    {%- call noop_statement('main', 'OK') -%} {%- endcall -%}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{#-
  Tables and views put in place by one statement. The adapter's own way makes each under another name, renames the old one away and the new one
  in, and drops the old one: seven calls of macros for one, each of which prepares all macros again. That was a third of the time of a
  build on little data. DuckDB replaces within the transaction: whoever fails keeps what was there.
-#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {% do return(put_in_place('table')) %}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {% do return(put_in_place('view')) %}
{% endmaterialization %}

{#- In few macros: each call of another one costs more than what it does. -#}
{% macro put_in_place(kind) %}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type=kind) -%}
    {%- if pre_hooks -%}{{ run_hooks(pre_hooks, inside_transaction=False) }}{{ run_hooks(pre_hooks, inside_transaction=True) }}{%- endif -%}
    {%- if existing is not none and existing.type != kind -%}{% do adapter.drop_relation(existing) %}{%- endif -%}
    {%- if config.get('contract').enforced -%}{%- do assert_contract_kept(sql) -%}{%- endif -%}
    {%- if kind == 'view' -%}
        {%- set written = 'create or replace view ' ~ target ~ ' as (\n' ~ sql ~ '\n)' -%}
    {%- else -%}
        {%- set written = table_statement(target, sql) -%}
    {%- endif -%}
    {%- do return(carried_out(target, written)) -%}
{% endmacro %}

{#- Carries out what a model has written down, and closes the model. -#}
{% macro carried_out(target, written) %}
    {%- do write(written) -%}
    {%- set response, found = adapter.execute(written, auto_begin=True, fetch=False) -%}
    {%- do store_result('main', response=response) -%}
    {%- if post_hooks -%}{{ run_hooks(post_hooks, inside_transaction=True) }}{%- endif -%}
    {%- if config.get('persist_docs') -%}{%- do persist_docs(target, model) -%}{%- endif -%}
    {%- do adapter.commit() -%}
    {%- if post_hooks -%}{{ run_hooks(post_hooks, inside_transaction=False) }}{%- endif -%}
    {%- do return({'relations': [target]}) -%}
{% endmacro %}

{#- DuckDB keeps the constraints of a contract itself: it refuses a null where there may be none, and names table and column. -#}
{% macro table_statement(target, sql) %}
    {%- if not config.get('contract').enforced -%}{%- do return('create or replace table ' ~ target ~ ' as (\n' ~ sql ~ '\n)') -%}{%- endif -%}
    {%- set names = [] -%}
    {%- for column in model['columns'].values() -%}{%- do names.append(adapter.quote(column['name']) if column.get('quote') else column['name']) -%}{%- endfor -%}
    {%- set listed = names | join(', ') -%}
    {%- set shape = (adapter.render_raw_columns_constraints(raw_columns=model['columns']) + adapter.render_raw_model_constraints(raw_constraints=model['constraints'])) | join(', ') -%}
    {%- do return('create or replace table ' ~ target ~ ' (' ~ shape ~ ');\ninsert into ' ~ target ~ ' (' ~ listed ~ ') (\nselect ' ~ listed ~ ' from (\n' ~ sql ~ '\n) as model_subq\n)') -%}
{% endmacro %}

{#-
  A contract is kept when the query's columns are those of the schema file, by name and type: one question where dbt asks two and compares in macros.
  Where the answer is not plainly yes (a type may have two names), dbt judges, and words the error.
-#}
{% macro assert_contract_kept(sql) %}
    {%- set declared = [] -%}
    {%- for column in model['columns'].values() -%}
        {%- do declared.append(column['name'] | lower ~ ' ' ~ (column['data_type'] or '') | lower | replace(' ', '')) -%}
    {%- endfor -%}
    {%- set delivered = [] -%}
    {%- for column in adapter.get_column_schema_from_query('select * from (\n' ~ sql ~ '\n) limit 0') -%}
        {%- do delivered.append(column.name | lower ~ ' ' ~ column.dtype | lower | replace(' ', '')) -%}
    {%- endfor -%}
    {%- if declared | sort != delivered | sort -%}{%- do get_assert_columns_equivalent(sql) -%}{%- endif -%}
{% endmacro %}

{#-
  An increment whose columns may not change: `delete+insert` by key, or `replace` for a model that delivers all its rows. Three statements, where
  the adapter's own way asks for the columns of both tables four times and looks for tables to drop that it never made.
-#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set keys = config.get('unique_key') or [] -%}
    {%- set strategy = config.get('incremental_strategy') or 'delete+insert' -%}
    {%- if config.get('on_schema_change') != 'fail' or not (strategy == 'replace' or (strategy == 'delete+insert' and keys)) -%}
        {%- do exceptions.raise_compiler_error('increments here are by replace, or by delete+insert with a unique_key, and fail on a change of columns') -%}
    {%- endif -%}
    {%- set language = model['language'] -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set from_nothing = existing is none or existing.is_view or should_full_refresh() -%}
    {#- what a model in Python writes cannot be a temporary table: it is one of the transaction -#}
    {%- set arrived = api.Relation.create(identifier=this.identifier ~ '__dbt_tmp', type='table') if language == 'sql'
        else this.incorporate(path={'identifier': this.identifier ~ '__dbt_tmp'}, type='table') -%}
    {%- if pre_hooks -%}{{ run_hooks(pre_hooks, inside_transaction=False) }}{{ run_hooks(pre_hooks, inside_transaction=True) }}{%- endif -%}
    {%- if existing is not none and existing.is_view -%}{% do adapter.drop_relation(existing) %}{%- endif -%}
    {%- if from_nothing and language == 'sql' -%}
        {%- if config.get('contract').enforced -%}{%- do assert_contract_kept(sql) -%}{%- endif -%}
        {%- set written = table_statement(target, sql) -%}
    {%- else -%}
        {%- if language == 'sql' -%}
            {%- do adapter.execute('create or replace temporary table ' ~ arrived ~ ' as (\n' ~ sql ~ '\n)', auto_begin=True, fetch=False) -%}
        {%- else -%}
            {%- call statement('arrived', language=language) -%}{{ py_write_table(False, arrived, compiled_code) }}{%- endcall -%}
        {%- endif -%}
        {%- if from_nothing -%}
            {%- set written = 'create or replace table ' ~ target ~ ' as select * from ' ~ arrived ~ ';\ndrop table ' ~ arrived -%}
        {%- else -%}
            {%- do fail_on_other_columns(target, arrived) -%}
            {%- set same = [] -%}
            {%- for key in ([keys] if keys is string else keys) -%}{%- do same.append('known.' ~ key ~ ' = arrived.' ~ key) -%}{%- endfor -%}
            {%- set older = ' using ' ~ arrived ~ ' as arrived where ' ~ same | join(' and ') if strategy == 'delete+insert' else '' -%}
            {%- set written = 'delete from ' ~ target ~ ' as known' ~ older ~ ';\ninsert into ' ~ target ~ ' by name select * from ' ~ arrived ~ ';\ndrop table ' ~ arrived -%}
        {%- endif -%}
    {%- endif -%}
    {%- do return(carried_out(target, written)) -%}
{% endmaterialization %}

{% macro fail_on_other_columns(known, found) %}
    {%- set response, changed = adapter.execute(
        'select column_name, known.column_type, found.column_type from (describe ' ~ known ~ ') as known'
        ' full join (describe ' ~ found ~ ') as found using (column_name) where known.column_type is distinct from found.column_type', fetch=True) -%}
    {%- set told = [] -%}
    {%- for row in changed.rows -%}{%- do told.append(row[0] ~ ' was ' ~ (row[1] or 'not there') ~ ' and is ' ~ (row[2] or 'gone')) -%}{%- endfor -%}
    {%- if told -%}
        {%- do exceptions.raise_compiler_error('the columns of ' ~ known.identifier ~ ' have changed: ' ~ told | join(', ') ~ '; rebuild it from scratch') -%}
    {%- endif -%}
{% endmacro %}

{#- A test only reads: it needs no transaction, and nothing of it is kept. -#}
{% materialization test, adapter='duckdb' %}
    {%- if should_store_failures() -%}{%- do return(dbt.materialization_test_default()) -%}{%- endif -%}
    {%- set limit = config.get('limit') -%}
    {%- set failures = config.get('fail_calc') -%}
    {%- set written = 'select ' ~ failures ~ ' as failures, ' ~ failures ~ ' ' ~ config.get('warn_if') ~ ' as should_warn, ' ~ failures ~ ' ' ~ config.get('error_if')
        ~ ' as should_error from (\n' ~ sql ~ ('\nlimit ' ~ limit if limit is not none else '') ~ '\n) as found' -%}
    {%- do write(written) -%}
    {%- set response, found = adapter.execute(written, auto_begin=False, fetch=True) -%}
    {%- do store_result('main', response=response, agate_table=found) -%}
    {%- do return({'relations': []}) -%}
{% endmaterialization %}

{#-
  Relations by schema and name, without the file that they lie in: a view keeps these words, and has to find its tables in the published
  copy, too, which is another file under another name. Takes what dbt's own `ref` takes.
-#}
{% macro ref() %}
    {%- if kwargs.get('v') or kwargs.get('version') %}{% do return(builtins.ref(*varargs, **kwargs).include(database=false)) %}{% endif -%}
    {%- do return(builtins.ref(*varargs).include(database=false)) -%}
{% endmacro %}

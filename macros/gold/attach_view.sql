{#- A view of this name in a schema of the run's database over what a function of a plugin answers; its
    error stops the run of `whose` tables in one line. -#}
{% macro attach_view(schema, name, answer, whose) %}
    {%- set sql = run_query('select ' ~ answer).rows[0][0] -%}
    {%- if sql.startswith('error: ') -%}
        {{ exceptions.raise_compiler_error(whose ~ ': ' ~ sql[7:]) }}
    {%- endif -%}
    {%- do run_query('create or replace view ' ~ own(schema ~ '.' ~ name) ~ ' as ' ~ sql) -%}
{% endmacro %}

{#- Every var that decides a number, as one JSON object: part of a build's fingerprint. Their names
    come from dbt_project.yml by way of the plugin, because Jinja can ask for a var but not for all;
    empty while parsing. -#}
{% macro project_vars_json() -%}
    {%- set values = {} -%}
    {%- if execute -%}
        {%- for name in run_query('select unnest(project_var_names())').columns[0] -%}
            {%- do values.update({name: var(name)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ tojson(values, sort_keys=true) | replace("'", "''") }}
{%- endmacro %}

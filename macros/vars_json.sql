{#- Every var that decides a number, as one JSON object: part of a fingerprint. Their names come from
    dbt_project.yml by way of the plugin's function `names`, because Jinja can ask for a var but not
    for all; empty while parsing. -#}
{% macro vars_json(names) -%}
    {%- set values = {} -%}
    {%- if execute -%}
        {%- for name in run_query('select unnest(' ~ names ~ '())').columns[0] -%}
            {%- do values.update({name: var(name)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ tojson(values, sort_keys=true) | replace("'", "''") }}
{%- endmacro %}

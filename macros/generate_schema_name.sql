{#- A layer's schema is its plain name: the database file already belongs to one build. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}

{#- A sum of doubles that is the same in whatever order they come: of their first 18 decimals. -#}
{% macro exact_sum(value) -%}
    sum(({{ value }})::decimal(38, 18))
{%- endmacro %}

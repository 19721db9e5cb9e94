{#- Window frame of the current row and those before it, `count` rows in all. -#}
{% macro last_rows(count) -%}
    rows between {{ (count | int(1)) - 1 }} preceding and current row
{%- endmacro %}

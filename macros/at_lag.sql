{#- The position `lag_s` seconds before the anchor, from rows of one event, one row per lag. -#}
{% macro at_lag(lag_s) -%}
    max(position) filter (lag_s = {{ lag_s }})
{%- endmacro %}

{#- The first minute mark at or after a time: the first at which a record of that time is known. -#}
{% macro mark_ns(ns, session) -%}
    greatest(
        {{ bar_start_ns('(' ~ ns ~ ' + 59999999999)', 1) }}, {{ session }}.rth_start_ns + 60000000000
    )
{%- endmacro %}

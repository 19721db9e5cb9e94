{#- The columns of the labels at barriers in units of volatility, for each of `scaled_barriers`. -#}
{% macro scaled_columns() -%}
    {%- for multiple in list_var('scaled_barriers') %}
    {%- set x = '%03d' | format((100 * (multiple | float)) | round | int) %}
    {%- if not loop.first %},
    {% endif -%}
    scaled_barrier_{{ x }},
    scaled_outcome_{{ x }},
    scaled_time_{{ x }},
    scaled_null_p_break_{{ x }},
    scaled_null_p_bounce_{{ x }},
    scaled_null_p_chop_{{ x }}
    {%- endfor %}
{%- endmacro %}

{#- The tick of an ES future, index points, as the seed contract_specs has it; committed sessions do not
    carry it. -#}
{% macro tick_size_points() -%}
    0.25
{%- endmacro %}

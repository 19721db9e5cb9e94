{#- Of fewer effective events nothing but their number is shown. -#}
{% macro fewest_effective_events() -%}
    50
{%- endmacro %}

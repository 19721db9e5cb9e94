{#- The suffixes of the ten price levels, best first: '00' to '09'. -#}
{% macro book_levels() %}
    {%- set suffixes = [] -%}
    {%- for level in range(10) -%}
        {%- do suffixes.append('%02d' | format(level)) -%}
    {%- endfor -%}
    {{ return(suffixes) }}
{% endmacro %}

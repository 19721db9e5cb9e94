{#- Whether it is the raw symbol of a future of the product `root`: the root, a month, the last digits
    of a year. A spread's and another product's are not. -#}
{% macro is_outright_symbol(symbol, root) -%}
    regexp_full_match({{ symbol }}, {{ root }} || '[FGHJKMNQUVXZ][0-9]{1,2}')
{%- endmacro %}

{#- The t of the mean of a list of numbers; NULL below two, or if they are all the same. -#}
{% macro mean_t(numbers) -%}
    list_avg({{ numbers }}) * sqrt(len({{ numbers }})) / nullif(list_stddev_samp({{ numbers }}), 0)
{%- endmacro %}

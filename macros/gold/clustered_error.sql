{#- Standard error of a mean of `size` things, clustered by session, from lists of each session's sum and
    size: of what a session has more than its share. NULL below two sessions. -#}
{% macro clustered_error(sums, sizes, mean, size) -%}
    sqrt(
        len({{ sums }}) / nullif(len({{ sums }}) - 1, 0)
        * list_sum(list_transform(
            list_zip({{ sums }}, {{ sizes }}), lambda pair: (pair[1] - {{ mean }} * pair[2]) ** 2
        ))
    ) / {{ size }}
{%- endmacro %}

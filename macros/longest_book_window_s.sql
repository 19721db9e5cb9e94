{#- The longest stretch of the book, seconds, that any feature looks back over. -#}
{% macro longest_book_window_s() -%}
    greatest(
        60, {{ var('barrier_window_s') }}, {{ var('wall_baseline_s') }},
        {{ list_var('ofi_windows_s') | join(', ') }}
    )
{%- endmacro %}

{#- Where the book begins to be read: the longest look back before the open, or the session's grid. -#}
{% macro book_start_ns(session) -%}
    least(
        {{ session }}.grid_start_ns,
        {{ session }}.rth_start_ns - (
            greatest(
                60, {{ var('barrier_window_s') }}, {{ var('wall_baseline_s') }},
                {{ list_var('ofi_windows_s') | join(', ') }}
            ) * 1000000000::bigint
        )::bigint
    )
{%- endmacro %}

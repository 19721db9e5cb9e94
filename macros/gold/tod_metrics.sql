{#- The columns of session_grid that have a profile by time of day. -#}
{% macro tod_metrics() %}
    {{ return(['volume', 'mean_depth', 'mean_spread_ticks', 'realized_variance', 'ofi_best']) }}
{% endmacro %}

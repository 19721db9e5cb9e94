{#- Whether two rows are of one stratum, of which NULL is every kind, direction or phase. -#}
{% macro is_same_stratum(one, other) -%}
    {{ one }}.level_kind is not distinct from {{ other }}.level_kind
    and {{ one }}.direction is not distinct from {{ other }}.direction
    and {{ one }}.session_phase is not distinct from {{ other }}.session_phase
{%- endmacro %}

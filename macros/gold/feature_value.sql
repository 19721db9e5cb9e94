{#- A feature of event_matrix by its row of the seed feature_sets, direction taken out: what is
    positive upwards becomes positive in the direction of approach, above becomes ahead. One word of
    several becomes a flag of its own. -#}
{% macro feature_value(set) -%}
    {%- set sources = set.source.split('|') -%}
    {%- set one_of = {'barrier_state': 'barrier_state_', 'fuel_effect': 'fuel_effect_',
        'level_kind': 'level_family_'} -%}
    {%- if set.feature == 'level_is_outward' -%}
        level_is_outward::double
    {%- elif set.source in one_of -%}
        ({{ 'level_family' if set.source == 'level_kind' else set.source }}
        = '{{ set.feature[one_of[set.source] | length:] | upper }}')::double
    {%- elif set.orientation in ['side', 'mirror'] -%}
        if(dir_sign = 1, {{ sources[0] }}::double, {{ '-' if set.orientation == 'mirror' }}{{ sources[1] }}::double)
    {%- elif set.orientation == 'up' -%}
        if(dir_sign = 1, {{ set.source }}::double, -{{ set.source }}::double)
    {%- else -%}
        {{ set.source }}::double
    {%- endif -%}
{%- endmacro %}

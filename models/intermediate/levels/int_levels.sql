{%- set models = ['int_levels_range', 'int_levels_sma'] -%}
{%- set own_models = level_kinds() | map(attribute='model') | select | unique | list -%}

with

int_levels as (
    {%- for model in models + own_models %}
    select
        level_kind,
        level_price,
        valid_from_ns,
        valid_to_ns
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from int_levels
order by level_kind, valid_from_ns

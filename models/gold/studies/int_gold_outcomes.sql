{%- set targets = {
    'fixed': {
        'outcome': 'outcome',
        'null_p': 'null_p_%s',
        'barrier': 'params.outcome_threshold',
        'time': "if(outcome = 'BREAK', time_to_break_2, time_to_bounce_2)",
    },
    'scaled_050': {
        'outcome': 'scaled_outcome_050',
        'null_p': 'scaled_null_p_%s_050',
        'barrier': 'scaled_barrier_050',
        'time': 'scaled_time_050',
    },
    'scaled_100': {
        'outcome': 'scaled_outcome_100',
        'null_p': 'scaled_null_p_%s_100',
        'barrier': 'scaled_barrier_100',
        'time': 'scaled_time_100',
    },
} %}

with

entries as (
    select * from {{ ref('int_gold_entries') }}
),

params as (
    select * from {{ ref('gold_params') }}
),

labels as (
    select * from {{ ref('stg_silver__level_event_labels') }}
    union all by name
    select * from {{ ref('stg_silver__placebo_labels') }}
),

outcomes as (
    {%- for target, column in targets.items() %}
    select
        entries.*,
        '{{ target }}' as target,
        labels.uniqueness as weight,
        labels.{{ column.outcome }} as result,
        {%- for class in ['break', 'bounce', 'chop'] %}
        labels.{{ column.null_p | format(class) }} as p_null_{{ class }},
        {%- endfor %}
        {{ column.barrier }} - entries.position_points as to_break_points,
        {{ column.barrier }} + entries.position_points as to_bounce_points,
        {{ column.time }} as touched_s,
        60 * params.horizon_minutes as horizon_s,
        -- A window without any trade ends as it begins.
        coalesce((labels.label_last_source_ts_ns - entries.event_ts_ns) / 1e9, 0) as last_trade_s
    from labels
    inner join entries using (event_id)
    cross join params
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

weighed as (
    select
        *,
        -- Where the random walk is certain at the anchor there is nothing to compare.
        p_null_break is not null
        and p_null_bounce is not null
        and p_null_chop is not null
        and greatest(p_null_break, p_null_bounce, p_null_chop) < 1 - 1e-12 as is_open
    from outcomes
),

int_gold_outcomes as (
    select
        * exclude (touched_s, horizon_s, last_trade_s),
        case result
            when 'UNDEFINED' then last_trade_s
            when 'CHOP' then horizon_s
            else touched_s
        end as end_s,
        coalesce(is_open and result <> 'UNDEFINED' and not near_real_level, false) as is_counted
    from weighed
)

select * from int_gold_outcomes
order by event_id, target

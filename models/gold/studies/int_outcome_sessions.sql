with

outcomes as (
    select * from {{ ref('int_gold_outcomes') }}
    where is_counted
),

by_class as (
    {%- for class in ['break', 'bounce', 'chop'] %}
    select
        *,
        '{{ class }}' as class,
        if(result = '{{ class | upper }}', weight, 0) as weight_if_it_happened,
        p_null_{{ class }} as p_null
    from outcomes
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

int_outcome_sessions as (
    select
        is_placebo,
        level_kind,
        direction,
        session_phase,
        target,
        class,
        session_date,
        count(*) as events,
        {{ exact_sum('weight') }} as weight,
        {{ exact_sum('weight_if_it_happened') }} as happened,
        {{ exact_sum('weight * p_null') }} as expected,
        {{ exact_sum('weight * weight * p_null * (1 - p_null)') }} as variance
    from by_class
    group by is_placebo, target, class, session_date, cube (level_kind, direction, session_phase)
)

select * from int_outcome_sessions
order by target, class, is_placebo, level_kind, direction, session_phase, session_date

{{ config(schema='gold', access='public') }}

{%- set measures = [
    'share', 'share_low', 'share_high', 'null_p', 'excess', 'se', 't', 'q',
    'placebo_difference', 'placebo_difference_se', 'placebo_difference_t',
] %}

with

outcomes as (
    select * from {{ ref('int_gold_outcomes') }}
),

excesses as (
    select * from {{ ref('int_outcome_excesses') }}
),

significance as (
    select * from {{ ref('int_gold_outcome_q') }}
),

differences as (
    select * from {{ ref('int_placebo_differences') }}
),

strata as (
    select
        is_placebo,
        level_kind,
        direction,
        session_phase,
        target,
        count(*) as entries,
        count_if(is_counted)::bigint as events
    from outcomes
    group by is_placebo, target, cube (level_kind, direction, session_phase)
),

by_class as (
    select
        excesses.*,
        {{ wilson_bound('excesses.share', 'excesses.weight', -1) }} as share_low,
        {{ wilson_bound('excesses.share', 'excesses.weight', 1) }} as share_high,
        significance.q,
        differences.paired_sessions,
        differences.difference as placebo_difference,
        differences.se as placebo_difference_se,
        differences.t as placebo_difference_t
    from excesses
    left join significance
        on
            excesses.target = significance.target
            and excesses.class = significance.class
            and not excesses.is_placebo
            and {{ is_same_stratum('excesses', 'significance') }}
    left join differences
        on
            excesses.target = differences.target
            and excesses.class = differences.class
            and not excesses.is_placebo
            and {{ is_same_stratum('excesses', 'differences') }}
),

classes as (
    select
        is_placebo,
        level_kind,
        direction,
        session_phase,
        target,
        any_value(weight) as effective_n,
        any_value(sessions) as sessions,
        any_value(paired_sessions) as paired_sessions
        {%- for class in ['break', 'bounce', 'chop'] %}
        {%- for measure in measures %},
        any_value({{ measure }}) filter (where class = '{{ class }}') as {{ measure }}_{{ class }}
        {%- endfor %}
        {%- endfor %}
    from by_class
    group by all
),

level_outcomes as (
    select
        strata.is_placebo,
        strata.level_kind,
        strata.direction,
        strata.session_phase,
        strata.target,
        strata.events,
        coalesce(classes.effective_n, 0) as effective_n,
        coalesce(classes.sessions, 0) as sessions,
        1 - strata.events / strata.entries as left_out_share,
        if(strata.is_placebo, null, coalesce(classes.paired_sessions, 0)) as paired_sessions
        {%- for class in ['break', 'bounce', 'chop'] %}
        {%- for measure in measures %},
        classes.{{ measure }}_{{ class }}
        {%- endfor %}
        {%- endfor %}
    from strata
    left join classes
        on
            strata.is_placebo = classes.is_placebo
            and strata.target = classes.target
            and {{ is_same_stratum('strata', 'classes') }}
)

select * from level_outcomes
order by target, is_placebo, level_kind, direction, session_phase

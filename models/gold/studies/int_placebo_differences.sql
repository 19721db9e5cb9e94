with

sessions as (
    select * from {{ ref('int_outcome_sessions') }}
),

-- Real and placebo entries of a session saw the same market: compared are sessions that have both.
paired as (
    select
        level_kind,
        direction,
        session_phase,
        target,
        class,
        session_date,
        {%- for kind in ['real', 'placebo'] %}
        {%- set is_kind = 'is_placebo' if kind == 'placebo' else 'not is_placebo' %}
        any_value(weight) filter (where {{ is_kind }}) as {{ kind }}_weight,
        any_value(happened - expected) filter (where {{ is_kind }}) as {{ kind }}_surplus,
        any_value(variance) filter (where {{ is_kind }}) as {{ kind }}_variance
        {{- ',' if not loop.last }}
        {%- endfor %}
    from sessions
    group by all
    having count(*) = 2
),

strata as (
    select
        level_kind,
        direction,
        session_phase,
        target,
        class,
        count(*) as paired_sessions,
        {%- for kind in ['real', 'placebo'] %}
        sum({{ kind }}_weight)::double as sum_{{ kind }}_weight,
        sum({{ kind }}_surplus)::double / sum({{ kind }}_weight)::double as {{ kind }}_excess,
        sum({{ kind }}_variance)::double / sum({{ kind }}_weight)::double ** 2
            as {{ kind }}_squared_se
        {{- ',' if not loop.last }}
        {%- endfor %}
    from paired
    group by all
),

residuals as (
    select
        strata.*,
        {%- for kind in ['real', 'placebo'] %}
        (
            paired.{{ kind }}_surplus::double
            - strata.{{ kind }}_excess * paired.{{ kind }}_weight::double
        ) / strata.sum_{{ kind }}_weight
        {{- ' -' if not loop.last }}
        {%- endfor %} as residual
    from paired
    inner join strata
        on
            paired.target = strata.target
            and paired.class = strata.class
            and {{ is_same_stratum('paired', 'strata') }}
),

squares as (
    select
        * exclude (residual),
        {{ exact_sum('residual * residual') }}::double as squares
    from residuals
    group by all
),

errors as (
    select
        * exclude (squares),
        sqrt(paired_sessions / nullif(paired_sessions - 1, 0) * squares) as clustered_se
    from squares
),

int_placebo_differences as (
    select
        level_kind,
        direction,
        session_phase,
        target,
        class,
        paired_sessions,
        real_excess - placebo_excess as difference,
        case
            when paired_sessions >= {{ fewest_sessions() }}
                then greatest(clustered_se, sqrt(real_squared_se + placebo_squared_se))
        end as se,
        difference / nullif(se, 0) as t
    from errors
)

select * from int_placebo_differences
order by target, class, level_kind, direction, session_phase

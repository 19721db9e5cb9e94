with

sessions as (
    select * from {{ ref('int_outcome_sessions') }}
),

strata as (
    select
        is_placebo,
        level_kind,
        direction,
        session_phase,
        target,
        class,
        sum(events)::bigint as events,
        count(*) as sessions,
        sum(weight)::double as weight,
        sum(happened)::double / sum(weight)::double as share,
        sum(expected)::double / sum(weight)::double as null_p,
        sum(happened - expected)::double / sum(weight)::double as excess,
        sqrt(sum(variance)::double) / sum(weight)::double as binomial_se
    from sessions
    group by all
),

-- What a session has more of than its stratum.
residuals as (
    select
        strata.*,
        (sessions.happened - sessions.expected)::double
        - strata.excess * sessions.weight::double as residual
    from sessions
    inner join strata
        on
            sessions.is_placebo = strata.is_placebo
            and sessions.target = strata.target
            and sessions.class = strata.class
            and {{ is_same_stratum('sessions', 'strata') }}
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
        sqrt(sessions / nullif(sessions - 1, 0) * squares) / weight as clustered_se
    from squares
),

int_outcome_excesses as (
    select
        *,
        case
            when sessions >= {{ fewest_sessions() }} then greatest(clustered_se, binomial_se)
        end as se,
        excess / nullif(se, 0) as t
    from errors
)

select * from int_outcome_excesses
order by target, class, is_placebo, level_kind, direction, session_phase

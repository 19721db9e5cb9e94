with

windows as (
    select * from {{ ref('int_incidence_windows') }}
),

in_strata as (
    select
        target,
        unnest(['ALL', stratum]) as stratum,
        end_s,
        result
    from windows
),

ends as (
    select
        target,
        stratum,
        end_s,
        count(*) as ended,
        count_if(result = 'BREAK') as broke,
        count_if(result = 'BOUNCE') as bounced
    from in_strata
    group by target, stratum, end_s
),

-- What ends at a time, censored or not, was at risk until then.
at_risk as (
    select
        *,
        sum(ended) over later as at_risk,
        sum(ended) over (partition by target, stratum) as events
    from ends
    window later as (
        partition by target, stratum
        order by end_s
        rows between current row and unbounded following
    )
),

survival as (
    select
        *,
        coalesce(product(1 - (broke + bounced) / at_risk) over earlier, 1) as surviving
    from at_risk
    window earlier as (
        partition by target, stratum
        order by end_s
        rows between unbounded preceding and 1 preceding
    )
),

-- The estimate of Aalen & Johansen (1978), Scandinavian Journal of Statistics 5.
int_incidence_steps as (
    select
        target,
        stratum,
        end_s,
        events::bigint as events,
        sum(surviving * broke / at_risk) over until_now as break_incidence,
        sum(surviving * bounced / at_risk) over until_now as bounce_incidence
    from survival
    window until_now as (
        partition by target, stratum
        order by end_s
        rows between unbounded preceding and current row
    )
)

select * from int_incidence_steps
order by target, stratum, end_s

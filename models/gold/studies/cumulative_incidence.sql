{{ config(schema='gold', access='public') }}

with

steps as (
    select * from {{ ref('int_incidence_steps') }}
),

nulls as (
    select * from {{ ref('int_gold_null_incidence') }}
),

params as (
    select * from {{ ref('gold_params') }}
),

strata as (
    select
        target,
        stratum,
        any_value(events) as events
    from steps
    group by target, stratum
),

seconds as (
    select
        strata.*,
        unnest(range((60 * params.horizon_minutes)::bigint + 1)) as second
    from strata
    cross join params
),

reached as (
    select
        seconds.*,
        steps.break_incidence,
        steps.bounce_incidence
    from seconds
    asof left join steps
        on
            seconds.target = steps.target
            and seconds.stratum = steps.stratum
            and seconds.second >= steps.end_s
),

by_cause as (
    {%- for cause in ['break', 'bounce'] %}
    select
        target,
        stratum,
        second,
        '{{ cause | upper }}' as cause,
        events,
        coalesce({{ cause }}_incidence, 0) as incidence
    from reached
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

cumulative_incidence as (
    select
        by_cause.*,
        nulls.null_incidence
    from by_cause
    left join nulls using (target, stratum, second, cause)
)

select * from cumulative_incidence
order by target, stratum, second, cause

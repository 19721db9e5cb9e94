{{ config(schema='gold', access='public') }}

with

earlier as (
    select * from {{ ref('int_prior_sessions') }}
),

sessions as (
    select * from {{ ref('int_gold_sessions') }}
),

grid as (
    select * from {{ ref('stg_silver__session_grid') }}
),

steps as (
    select
        grid.session_date,
        (grid.grid_start_ns - sessions.rth_start_ns) // 300000000000 as bucket,
        grid.volume::double as volume,
        grid.mean_depth,
        grid.mean_spread_ticks,
        grid.realized_variance,
        grid.ofi_best::double as ofi_best
    from grid
    inner join sessions using (session_date)
    where grid.grid_start_ns >= sessions.rth_start_ns
),

lists as (
    select
        earlier.session_date,
        steps.bucket,
        {%- for metric in tod_metrics() %}
        list(steps.{{ metric }}) filter (steps.{{ metric }} is not null) as {{ metric }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from earlier
    inner join steps on earlier.prior_date = steps.session_date
    group by earlier.session_date, steps.bucket
),

long as (
    {%- for metric in tod_metrics() %}
    select
        session_date,
        bucket,
        '{{ metric }}' as metric,
        {{ metric }} as known
    from lists
    where {{ metric }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

medians as (
    select
        *,
        list_aggregate(known, 'median') as median
    from long
),

-- A day's own steps are in none of its profiles: they are made of earlier sessions alone.
tod_profiles as (
    select
        session_date,
        bucket,
        metric,
        median,
        list_aggregate(list_transform(known, lambda x: abs(x - median)), 'median') as mad,
        len(known) as n
    from medians
)

select * from tod_profiles
order by session_date, metric, bucket

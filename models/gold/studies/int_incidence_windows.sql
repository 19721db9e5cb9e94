with

outcomes as (
    select * from {{ ref('int_gold_outcomes') }}
),

-- Real entries of which the random walk has something to say; a window that ends early is one too.
int_incidence_windows as (
    select
        event_id,
        target,
        stratum,
        result,
        end_s,
        to_break_points,
        to_bounce_points,
        rth_volatility
    from outcomes
    where
        not is_placebo
        and is_open
        and result is not null
        and target in ('fixed', 'scaled_100')
)

select * from int_incidence_windows
order by target, event_id

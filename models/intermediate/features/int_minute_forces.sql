with

marks as (
    select * from {{ ref('int_minute_marks') }}
),

prices as (
    select * from {{ ref('int_front_prices') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

lookups as (
    select
        mark_ns,
        unnest([0, 60, 120]) as lag_s,
        mark_ns - unnest([0, 60, 120])::bigint * 1000000000 as at_ns
    from marks
),

mark_prices as (
    select
        lookups.mark_ns,
        lookups.lag_s,
        prices.price as position
    from lookups
    asof left join prices on lookups.at_ns >= prices.ts_ns
),

motions as (
    select
        mark_ns,
        ({{ at_lag(0) }} - {{ at_lag(60) }}) / 60 as velocity,
        ({{ at_lag(0) }} - 2 * {{ at_lag(60) }} + {{ at_lag(120) }}) / 3600 as acceleration
    from mark_prices
    group by mark_ns
),

-- Up-positive: the same physics whichever way a level is approached.
int_minute_forces as (
    select
        motions.mark_ns,
        motions.velocity,
        motions.acceleration,
        windows.ofi_integrated / 60 / nullif(windows.both_size_per_level, 0) as force_mass_ratio
    from motions
    left join windows
        on
            motions.mark_ns = windows.anchor_ts_ns
            and windows.window_s = 60
)

select * from int_minute_forces
order by mark_ns

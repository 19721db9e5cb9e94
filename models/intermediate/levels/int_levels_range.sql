with

session as (
    select * from {{ ref('int_session') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

ranges as (
    select
        'PM' as range_name,
        premarket_start_ns as from_ns,
        rth_start_ns as to_ns,
        trade_date_end_ns
    from session
    where has_rth
    union all
    select
        'OR' as range_name,
        rth_start_ns as from_ns,
        opening_range_end_ns as to_ns,
        trade_date_end_ns
    from session
    where has_rth
),

extremes as (
    select
        ranges.range_name,
        ranges.to_ns as valid_from_ns,
        ranges.trade_date_end_ns as valid_to_ns,
        max(trades.price) as high,
        min(trades.price) as low
    from ranges
    inner join trades on ranges.from_ns <= trades.ts_ns and ranges.to_ns > trades.ts_ns
    group by all
),

-- A range is known, and a level valid, from the moment it is complete.
int_levels_range as (
    select
        range_name || '_HIGH' as level_kind,
        high as level_price,
        valid_from_ns,
        valid_to_ns
    from extremes
    union all
    select
        range_name || '_LOW' as level_kind,
        low as level_price,
        valid_from_ns,
        valid_to_ns
    from extremes
)

select * from int_levels_range

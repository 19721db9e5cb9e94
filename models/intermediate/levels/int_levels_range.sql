with

session as (
    select * from {{ ref('int_session') }}
),

kinds as (
    select * from {{ ref('int_level_kinds') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

extremes as (
    select
        kinds.level_kind,
        if(kinds.extreme = 'high', max(trades.price), min(trades.price)) as level_price,
        kinds.valid_from_ns
    from kinds
    inner join trades on kinds.from_ns <= trades.ts_ns and kinds.to_ns > trades.ts_ns
    group by kinds.level_kind, kinds.extreme, kinds.valid_from_ns
),

int_levels_range as (
    select
        extremes.level_kind,
        extremes.level_price,
        extremes.valid_from_ns,
        session.trade_date_end_ns as valid_to_ns
    from extremes
    cross join session
    where session.has_rth
)

select * from int_levels_range

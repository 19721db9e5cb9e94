with

session as (
    select * from {{ ref('int_session') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

bars as (
    select
        {{ bar_start_ns('trades.ts_ns', 1) }} as bar_start_ns,
        {{ bar_start_ns('trades.ts_ns', 1) }} + 60000000000 as bar_end_ns,
        arg_min(trades.price, trades.trade_nr) as open,
        max(trades.price) as high,
        min(trades.price) as low,
        arg_max(trades.price, trades.trade_nr) as close,
        sum(trades.size)::bigint as volume,
        -- Prices are multiples of a quarter, so this sum is exact in any order.
        sum(trades.price * trades.size) / nullif(sum(trades.size), 0) as vwap,
        count(*) as trade_count,
        coalesce(sum(trades.size) filter (trades.aggressor_side = 'B'), 0)::bigint as buy_volume,
        coalesce(sum(trades.size) filter (trades.aggressor_side = 'A'), 0)::bigint as sell_volume
    from trades
    inner join session
        on
            trades.ts_ns >= session.premarket_start_ns
            and trades.ts_ns < session.rth_end_ns
    group by all
),

int_bars_1m as (
    select
        bars.*,
        session.has_rth and bars.bar_start_ns >= session.rth_start_ns as is_rth
    from bars
    cross join session
)

select * from int_bars_1m
order by bar_start_ns

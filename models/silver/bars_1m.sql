with

session as (
    select * from {{ ref('int_session') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

bars as (
    select * from {{ ref('int_bars_1m') }}
),

volatility as (
    select * from {{ ref('int_rth_volatility') }}
),

bars_1m as (
    select
        -- keys
        session.session_date,
        front_month.front_month as contract,
        bars.bar_start_ns,
        bars.bar_end_ns,
        {{ new_york_timestamp('bars.bar_start_ns') }} as bar_start_et,
        bars.is_rth,

        -- prices, points
        bars.open,
        bars.high,
        bars.low,
        bars.close,
        bars.vwap,

        -- volume, contracts
        bars.volume,
        bars.buy_volume,
        bars.sell_volume,
        bars.trade_count,

        -- volatility, points, known at the bar's end
        volatility.true_range,
        volatility.atr,
        volatility.rth_volatility
    from bars
    cross join session
    inner join front_month using (session_date)
    left join volatility using (bar_end_ns)
)

select * from bars_1m
order by bar_start_ns

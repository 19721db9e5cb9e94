with

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

events as (
    select * from {{ ref('int_events') }}
),

-- The session's and those of the dates before it, whose closes enter the averages.
front_trades as (
    select
        trades.ts_ns,
        {{ bar_start_ns('trades.ts_ns', 1) }} as minute_ns,
        trades.price
    from trades
    inner join front_month on trades.symbol = front_month.front_month
    where trades.price is not null
),

medians as (
    select
        minute_ns,
        median(price) as price,
        count(*) as trade_count
    from front_trades
    group by minute_ns
),

-- Its own minute's counts where one print cannot be it, the neighbours' always. What lies between
-- any two of them is on the way of a market that moves, however fast.
neighbours as (
    select
        minute_ns,
        lag(price) over (order by minute_ns) as before,
        lead(price) over (order by minute_ns) as after,
        least(if(trade_count >= 3, price, null), before, after) as lowest,
        greatest(if(trade_count >= 3, price, null), before, after) as highest
    from medians
),

deviations as (
    select
        front_trades.ts_ns,
        front_trades.price,
        greatest(
            front_trades.price / neighbours.highest - 1,
            1 - front_trades.price / neighbours.lowest,
            0
        ) as deviation
    from front_trades
    inner join neighbours using (minute_ns)
),

worst as (
    select
        max(deviation) as measured,
        arg_max(price, deviation) as price,
        arg_max(ts_ns, deviation) as ts_ns,
        count(*) filter (deviation > {{ var('max_price_deviation_share') }}) as trade_count
    from deviations
),

unpriced as (
    select count(*) as trade_count
    from trades
    inner join front_month on trades.symbol = front_month.front_month
    where trades.price is null
),

int_gate_prices as (
    select
        'prices_are_plausible' as gate,
        worst.measured,
        {{ var('max_price_deviation_share') }}::double as threshold,
        concat_ws(
            ', ',
            case
                when worst.measured > {{ var('max_price_deviation_share') }}
                    then
                        format('{} trades, the worst at {:.2f}', worst.trade_count, worst.price)
                        || strftime(
                            {{ new_york_timestamp('worst.ts_ns') }}, ' on %Y-%m-%d %H:%M:%S ET'
                        )
            end,
            case
                when unpriced.trade_count > 0
                    then unpriced.trade_count || ' trades without a price are left out'
            end
        ) as detail
    from worst
    cross join unpriced
    union all
    select
        'atr_is_plausible' as gate,
        max(atr / nullif(spot, 0)) as measured,
        {{ var('max_atr_share') }}::double as threshold,
        arg_max(event_id, atr / nullif(spot, 0)) as detail
    from events
)

select
    gate,
    measured,
    threshold,
    nullif(detail, '') as detail
from int_gate_prices

with

session as (
    select * from {{ ref('int_session') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

marks as (
    select * from {{ ref('int_minute_marks') }}
),

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

futures as (
    select underlying as symbol
    from chain
    where underlying is not null
    union
    select front_month as symbol
    from front_month
    where front_month is not null
),

last_prices as (
    select
        trades.symbol,
        {{ mark_ns('trades.ts_ns', 'session') }} as mark_ns,
        arg_max(trades.price, trades.row_nr) as price,
        max(trades.ts_ns) as ts_ns
    from trades
    inner join session
        on
            trades.trade_date = session.session_date
            and trades.ts_ns >= session.trade_date_start_ns
            and trades.ts_ns <= session.event_end_ns
    inner join futures on trades.symbol = futures.symbol
    where trades.price is not null
    group by all
),

-- Weekly options deliver the nearest future, in roll week the expiring one; the calendar basis
-- carries their strikes to the front month, where the volume is.
int_option_underlyings as (
    select
        marks.mark_ns,
        futures.symbol as underlying,
        last_value(last_prices.price ignore nulls) over so_far as price,
        (marks.mark_ns - max(last_prices.ts_ns) over so_far) / 1e9 as price_age_s,
        futures.symbol = front_month.front_month as is_front_month
    from marks
    cross join futures
    cross join front_month
    left join last_prices
        on
            marks.mark_ns = last_prices.mark_ns
            and futures.symbol = last_prices.symbol
    window so_far as (partition by futures.symbol order by marks.mark_ns)
)

select * from int_option_underlyings
order by mark_ns, underlying

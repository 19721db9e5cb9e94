with

session as (
    select * from {{ ref('int_session') }}
),

clock as (
    select * from {{ ref('int_session_clock') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

-- The session and the trade dates before it, by calendar: a missing partition adds no bars and
-- does not pull in an older date.
dates as (
    select clock.*
    from clock
    inner join session on clock.trade_date <= session.session_date
    order by clock.trade_date desc
    limit {{ var('sma_warmup_days') }} + 1
),

-- This session's contract on every date, by symbol: ids may change, contracts are not spliced.
int_bars_2m as (
    select
        {{ bar_start_ns('trades.ts_ns', 2) }} as bar_start_ns,
        {{ bar_start_ns('trades.ts_ns', 2) }} + 120000000000 as bar_end_ns,
        last(trades.price order by trades.ts_ns, trades.row_nr) as close
    from trades
    inner join front_month on trades.symbol = front_month.front_month
    inner join dates
        on
            trades.trade_date = dates.trade_date
            and trades.ts_ns >= dates.trade_date_start_ns
            and trades.ts_ns < dates.trade_date_end_ns
    where trades.price is not null
    group by all
)

select * from int_bars_2m
order by bar_start_ns

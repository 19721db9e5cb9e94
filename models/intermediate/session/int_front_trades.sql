with

session as (
    select * from {{ ref('int_session') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

int_front_trades as (
    select
        -- One dense order of the session's trades, so that nothing downstream orders by two keys.
        row_number() over (order by trades.ts_ns, trades.row_nr) as trade_nr,
        trades.ts_ns,
        trades.ts_event_ns,
        trades.price,
        trades.size,
        trades.aggressor_side,
        trades.symbol
    from trades
    inner join session on trades.trade_date = session.session_date
    inner join front_month on trades.symbol = front_month.front_month
    where
        trades.ts_ns >= session.trade_date_start_ns
        and trades.ts_ns < session.trade_date_end_ns
        -- A trade without a price says nothing of where the market was.
        and trades.price is not null
)

select * from int_front_trades
order by trade_nr

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

in_order as (
    select
        trades.ts_ns,
        trades.ts_event_ns,
        trades.price,
        trades.size,
        trades.aggressor_side
    from trades
    inner join session on trades.trade_date = session.session_date
    inner join front_month on trades.symbol = front_month.front_month
    where
        trades.ts_ns >= session.trade_date_start_ns
        and trades.ts_ns < session.trade_date_end_ns
        -- A trade without a price says nothing of where the market was.
        and trades.price is not null
    order by trades.ts_ns, trades.row_nr
),

-- One dense order of the session's trades, so that nothing downstream orders by two keys. They are
-- sorted once: a window without an order goes through the rows as they come.
int_front_trades as (
    select
        row_number() over as_sorted as trade_nr,
        *,
        (sum(
            case aggressor_side when 'B' then size when 'A' then -size else 0 end
        ) over (as_sorted rows between unbounded preceding and current row))::bigint
            as signed_volume_so_far,
        coalesce(lead(ts_ns) over as_sorted <> ts_ns, true) as is_last_of_moment
    from in_order
    window as_sorted as ()  -- noqa: PRS
)

select * from int_front_trades

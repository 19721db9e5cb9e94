with

session as (
    select * from {{ ref('int_session') }}
),

outrights as (
    select * from {{ ref('int_outrights') }}
),

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

int_outright_volumes as (
    select
        outrights.symbol,
        min(outrights.expiration_ns) as expiration_ns,
        coalesce(sum(trades.size) filter (
            trades.ts_ns >= session.rth_start_ns and trades.ts_ns <= session.event_end_ns
        ), 0)::bigint as window_volume,
        coalesce(sum(trades.size) filter (
            trades.ts_ns >= session.trade_date_start_ns and trades.ts_ns < session.rth_start_ns
        ), 0)::bigint as overnight_volume
    from trades
    inner join session on trades.trade_date = session.session_date
    -- An id that names another contract by its definition is not this one's.
    inner join outrights using (instrument_id, symbol)
    group by outrights.symbol
)

select * from int_outright_volumes

with

session as (
    select * from {{ ref('int_session') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

trades as (
    select * from {{ ref('stg_databento__options_trades') }}
),

-- Whoever trades against the aggressor is taken to be a dealer; a trade without a side moves none.
int_option_flows as (
    select
        trades.instrument_id,
        {{ mark_ns('trades.ts_ns', 'session') }} as mark_ns,
        sum(
            case
                when trades.aggressor_side = 'B' then trades.size
                when trades.aggressor_side = 'A' then -trades.size
                else 0
            end
        )::bigint as customer_net_volume,
        max(trades.ts_ns) as ts_ns
    from trades
    inner join session
        on
            trades.trade_date = session.session_date
            and trades.ts_ns >= session.trade_date_start_ns
            and trades.ts_ns <= session.event_end_ns
    inner join chain using (instrument_id)
    group by all
)

select * from int_option_flows
order by mark_ns, instrument_id

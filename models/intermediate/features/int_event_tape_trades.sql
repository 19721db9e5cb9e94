with

events as (
    select * from {{ ref('int_events') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

int_event_tape_trades as (
    select
        events.event_id,
        trades.trade_nr,
        trades.ts_ns,
        trades.ts_event_ns,
        trades.ts_ns - events.event_ts_ns as ts_from_anchor_ns,
        trades.price,
        trades.price - events.spot as price_from_spot,
        trades.size,
        trades.aggressor_side,
        abs(trades.price - events.level_price) <= {{ var('tape_band') }} as is_near
    from events
    inner join trades
        on
            events.event_ts_ns - {{ var('tape_window_s') }} * 1000000000::bigint < trades.ts_ns
            and events.event_ts_ns >= trades.ts_ns
)

select * from int_event_tape_trades

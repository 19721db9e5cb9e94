with

events as (
    select * from {{ ref('int_zone_entries') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- What aggressors took out of the zone: buyers from a barrier above, sellers from one below.
int_event_passive_volume as (
    select
        events.event_id,
        coalesce(sum(trades.size) filter (
            trades.aggressor_side = if(events.dir_sign = 1, 'B', 'A')
            and trades.price >= events.level_price - {{ barrier_reach() }}
            and trades.price <= events.level_price + {{ barrier_reach() }}
        ), 0)::bigint as passive_volume
    from events
    cross join session
    inner join trades
        on
            events.event_ts_ns - {{ barrier_window_ns() }} < trades.ts_ns
            and events.event_ts_ns >= trades.ts_ns
    group by events.event_id
)

select * from int_event_passive_volume

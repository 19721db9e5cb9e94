with

events as (
    select * from {{ ref('int_events') }}
),

session as (
    select * from {{ ref('int_session') }}
),

int_barrier_zones as (
    select
        events.event_id,
        events.event_ts_ns - {{ barrier_window_ns() }} as start_ns,
        events.event_ts_ns as end_ns,
        events.level_price - {{ barrier_reach() }} as low,
        events.level_price + {{ barrier_reach() }} as high,
        if(events.dir_sign = 1, 'ask', 'bid') as side
    from events
    cross join session
)

select * from int_barrier_zones
order by event_id

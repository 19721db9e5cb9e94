with

moves as (
    select * from {{ ref('int_book_moves') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

events as (
    select * from {{ ref('int_zone_entries') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- The newest state at or before the anchor ends a cell, and those states are all among the moves.
last_times as (
    select
        events.event_id,
        any_value(events.dir_sign) as dir_sign,
        any_value(events.level_price - {{ barrier_reach() }}) as zone_low,
        any_value(events.level_price + {{ barrier_reach() }}) as zone_high,
        max(cells.last_ts_ns) as ts_ns
    from events
    cross join session
    inner join cells on events.event_ts_ns >= cells.last_ts_ns
    group by events.event_id
),

last_states as (
    select
        last_times.*,
        last(moves.prices order by moves.row_nr) as prices,
        last(moves.sizes order by moves.row_nr) as sizes
    from last_times
    inner join moves using (ts_ns)
    group by all
),

levels as (
    select
        event_id,
        ts_ns,
        unnest(range(20)) % 2 = if(dir_sign = -1, 0, 1) as is_defending,
        unnest(prices) between zone_low and zone_high as is_in_zone,
        unnest(sizes) as size
    from last_states
),

int_event_last_book as (
    select
        event_id,
        any_value(ts_ns) as book_source_ts_ns,
        coalesce(sum(size) filter (is_defending and is_in_zone), 0)::bigint
            as depth_in_zone,
        avg(size) filter (is_defending and is_in_zone) as zone_size_per_level
    from levels
    group by event_id
)

select * from int_event_last_book
order by event_id

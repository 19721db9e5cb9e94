with

pairs as (
    select * from {{ ref('int_barrier_pairs') }}
),

seconds as (
    select * from {{ ref('int_book_seconds') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

events as (
    select * from {{ ref('int_events') }}
),

session as (
    select * from {{ ref('int_session') }}
),

event_cells as (
    select
        events.event_id,
        events.dir_sign,
        events.level_price - {{ barrier_reach() }} as zone_low,
        events.level_price + {{ barrier_reach() }} as zone_high,
        session.tick_size_points,
        {{ replenishment_bucket('events.event_ts_ns', 'boundaries.boundary_ns') }} as bucket,
        boundaries.boundary_nr as cell_nr
    from events
    cross join session
    inner join boundaries
        on
            events.event_ts_ns >= boundaries.boundary_ns
            and events.event_ts_ns - {{ barrier_window_ns() }} < boundaries.boundary_ns
),

pairs_in_cells as (
    select
        {{ book_cell_nr('pairs.ts_ns') }} as cell_nr,
        pairs.*
    from pairs
    inner join seconds on pairs.ts_ns // 1000000000 = seconds.second
),

-- Only prices that both rows show can have changed: a ladder of ten levels ends at its tenth.
event_pairs as (
    select
        event_cells.*,
        pairs_in_cells.* exclude (cell_nr),
        least(zone_high, ask_px_09, earlier_ask_px_09) as ask_high,
        greatest(zone_low, bid_px_09, earlier_bid_px_09) as bid_low
    from pairs_in_cells
    inner join event_cells using (cell_nr)
),

changes as (
    select
        event_id,
        bucket,
        is_pair and if(
            dir_sign = 1,
            ceil(zone_low / tick_size_points) <= floor(ask_high / tick_size_points),
            ceil(bid_low / tick_size_points) <= floor(zone_high / tick_size_points)
        ) as shows_zone,
        case
            when not is_pair then 0
            when dir_sign = 1
                then
                    {{ zone_size('ask', 'zone_low', 'ask_high') }}
                    - {{ zone_size('ask', 'zone_low', 'ask_high', 'earlier_') }}
            else
                {{ zone_size('bid', 'bid_low', 'zone_high') }}
                - {{ zone_size('bid', 'bid_low', 'zone_high', 'earlier_') }}
        end as depth_change
    from event_pairs
),

-- Where no pair of the bucket shows any price of the zone, nothing of it is known.
int_event_barrier_flow as (
    select
        event_id,
        bucket,
        sum(greatest(depth_change, 0))::bigint as added,
        sum(greatest(-depth_change, 0))::bigint as removed
    from changes
    group by event_id, bucket
    having count(*) filter (shows_zone) > 0
)

select * from int_event_barrier_flow
order by event_id, bucket

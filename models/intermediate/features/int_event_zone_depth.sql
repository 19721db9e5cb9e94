with

events as (
    select * from {{ ref('int_events') }}
),

ladders as (
    select * from {{ ref('int_anchor_ladders') }}
),

session as (
    select * from {{ ref('int_session') }}
),

zones as (
    select
        events.event_id,
        events.dir_sign,
        events.level_price - {{ barrier_reach() }} as zone_low,
        events.level_price + {{ barrier_reach() }} as zone_high,
        ladders.prices,
        ladders.sizes,
        if(events.dir_sign = 1, 2, 1) as best,
        session.tick_size_points
    from events
    cross join session
    inner join ladders on events.event_ts_ns = ladders.anchor_ts_ns
),

-- A tick is live if it is not better than the side's best price: at a better one nobody could stand
-- without being the best. Signed by the direction the best is the lowest.
ticks as (
    select
        event_id,
        dir_sign,
        if(dir_sign = 1, ceil(zone_low / tick_size_points), -floor(zone_high / tick_size_points))
            as first_tick,
        if(dir_sign = 1, floor(zone_high / tick_size_points), -ceil(zone_low / tick_size_points))
            as last_tick,
        dir_sign * round(prices[best] / tick_size_points) as best_tick,
        dir_sign * round(prices[best + 18] / tick_size_points) as tenth_tick
    from zones
),

shares as (
    select
        event_id,
        greatest(last_tick - greatest(first_tick, best_tick) + 1, 0) as live,
        -- A ladder of fewer than ten levels shows all there is.
        greatest(
            least(last_tick, coalesce(tenth_tick, last_tick))
            - greatest(first_tick, best_tick) + 1, 0
        ) as shown,
        best_tick is not null as has_best
    from ticks
),

levels as (
    select
        event_id,
        unnest(range(20)) % 2 = if(dir_sign = -1, 0, 1) as is_defending,
        unnest(prices) between zone_low and zone_high as is_in_zone,
        unnest(sizes) as size
    from zones
),

depths as (
    select
        event_id,
        coalesce(sum(size) filter (is_defending and is_in_zone), 0)::bigint as depth_in_zone,
        avg(size) filter (is_defending and is_in_zone) as zone_size_per_level
    from levels
    group by event_id
),

-- Of a zone out of sight nothing is known, not that it is empty.
int_event_zone_depth as (
    select
        depths.event_id,
        case when shares.has_best then shares.shown / nullif(shares.live, 0) end
            as barrier_visible_share,
        case when barrier_visible_share > 0 or barrier_visible_share is null
            then depths.depth_in_zone end as depth_in_zone,
        case when barrier_visible_share > 0 or barrier_visible_share is null
            then depths.zone_size_per_level end as zone_size_per_level
    from depths
    inner join shares using (event_id)
)

select * from int_event_zone_depth
order by event_id

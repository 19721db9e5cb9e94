{{ config(severity='error') }}

-- At the anchor the sizes of the defending side in the barrier's zone add up to depth_in_zone, and
-- the row they are of is the one that the features read.
with

sizes as (
    select
        event_id,
        lowest_price,
        book_source_ts_ns,
        unnest(bid_sizes) as bid_size,
        unnest(ask_sizes) as ask_size,
        unnest(range(len(bid_sizes))) as tick
    from {{ ref('event_book') }}
    where offset_s = 0
),

depths as (
    select
        events.event_id,
        any_value(sizes.book_source_ts_ns) as book_source_ts_ns,
        sum(if(events.dir_sign = 1, sizes.ask_size, sizes.bid_size)) filter (
            abs(sizes.lowest_price + sizes.tick * session.tick_size_points - events.level_price)
            <= {{ barrier_reach() }}
        ) as depth_in_zone
    from {{ ref('level_events') }} as events
    cross join {{ ref('int_session') }} as session
    left join sizes using (event_id)
    group by events.event_id
)

select
    depths.*,
    features.depth_in_zone as depth_of_features,
    features.book_source_ts_ns as source_of_features
from depths
inner join {{ ref('level_event_features') }} as features using (event_id)
where
    depths.depth_in_zone is distinct from features.depth_in_zone
    or depths.book_source_ts_ns is distinct from features.book_source_ts_ns

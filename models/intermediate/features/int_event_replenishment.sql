with

events as (
    select * from {{ ref('int_events') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

session as (
    select * from {{ ref('int_session') }}
),

buckets as (
    select
        event_id,
        unnest(range(1, {{ replenishment_buckets() }} + 1)) as bucket
    from events
),

parts as (
    select
        cell_nr,
        unnest(zone_flows) as part
    from cells
),

-- A bucket is a whole number of cells. Where no pair of it shows any price of the zone, nothing of
-- it is known.
flows as (
    select
        events.event_id,
        {{ replenishment_bucket('events.event_ts_ns', 'boundaries.boundary_ns') }} as bucket,
        sum(parts.part.added)::bigint as added,
        sum(parts.part.removed)::bigint as removed
    from parts
    inner join events on parts.part.event_id = events.event_id
    inner join boundaries on parts.cell_nr = boundaries.boundary_nr
    group by all
    having sum(parts.part.pair_count) > 0
),

-- What aggressors took out of the zone: buyers from a barrier above, sellers from one below.
passive as (
    select
        events.event_id,
        {{ replenishment_bucket('events.event_ts_ns', 'trades.ts_ns') }} as bucket,
        sum(trades.size)::bigint as passive_volume
    from events
    cross join session
    inner join trades
        on
            events.event_ts_ns - {{ barrier_window_ns() }} < trades.ts_ns
            and events.event_ts_ns >= trades.ts_ns
    where
        trades.aggressor_side = if(events.dir_sign = 1, 'B', 'A')
        and trades.price between
        events.level_price - {{ barrier_reach() }}
        and events.level_price + {{ barrier_reach() }}
    group by all
),

int_event_replenishment as (
    select
        buckets.event_id,
        buckets.bucket,
        flows.added,
        flows.removed,
        coalesce(passive.passive_volume, 0) as passive_volume
    from buckets
    left join flows using (event_id, bucket)
    left join passive using (event_id, bucket)
)

select * from int_event_replenishment
order by event_id, bucket

with

cells as (
    select * from {{ ref('int_book_cells') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

events as (
    select * from {{ ref('int_events') }}
),

parts as (
    select
        cell_nr,
        unnest(zone_flows) as part
    from cells
),

-- A bucket is a whole number of cells. Where no pair of it shows any price of the zone, nothing of
-- it is known.
int_event_barrier_flow as (
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
)

select * from int_event_barrier_flow
order by event_id, bucket

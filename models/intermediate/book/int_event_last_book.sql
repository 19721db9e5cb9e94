{%- set barrier_reach = "(" ~ var('barrier_zone_ticks') ~ " * specs.tick_size_points)" -%}

with

book as (
    select * from {{ ref('int_book_rows') }}
),

events as (
    select * from {{ ref('int_zone_entries') }}
),

specs as (
    select * from {{ ref('contract_specs') }}
),

span as (
    select * from {{ ref('int_book_span') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

-- The newest row of the cells up to the anchor; before the first boundary there is only the state
-- at the start of the span.
last_times as (
    select
        events.event_id,
        any_value(events.dir_sign) as dir_sign,
        any_value(events.level_price - {{ barrier_reach }}) as zone_low,
        any_value(events.level_price + {{ barrier_reach }}) as zone_high,
        coalesce(max(cells.last_ts_ns), max(span.from_ns)) as ts_ns
    from events
    cross join specs
    inner join boundaries on events.event_ts_ns = boundaries.boundary_ns
    inner join span on events.event_ts_ns >= span.from_ns
    left join cells on boundaries.boundary_nr >= cells.cell_nr
    group by events.event_id
),

last_rows as (
    select
        last_times.event_id,
        last_times.ts_ns as book_source_ts_ns,
        case
            when last_times.dir_sign = 1 then {{ zone_size('ask', 'zone_low', 'zone_high') }}
            else {{ zone_size('bid', 'zone_low', 'zone_high') }}
        end as depth_in_zone,
        case
            when last_times.dir_sign = 1 then {{ zone_count('ask', 'zone_low', 'zone_high') }}
            else {{ zone_count('bid', 'zone_low', 'zone_high') }}
        end as levels_in_zone
    from book
    inner join last_times using (ts_ns)
    qualify row_number() over (partition by last_times.event_id order by book.row_nr desc) = 1
),

int_event_last_book as (
    select
        event_id,
        book_source_ts_ns,
        depth_in_zone,
        depth_in_zone / nullif(levels_in_zone, 0) as zone_size_per_level
    from last_rows
)

select * from int_event_last_book

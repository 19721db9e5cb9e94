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

book_times as (
    select distinct ts_ns from book
),

last_times as (
    select
        events.event_id,
        events.dir_sign,
        events.level_price - {{ barrier_reach }} as zone_low,
        events.level_price + {{ barrier_reach }} as zone_high,
        book_times.ts_ns
    from events
    cross join specs
    asof join book_times on events.event_ts_ns >= book_times.ts_ns
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

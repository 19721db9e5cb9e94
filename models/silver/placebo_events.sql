with

entries as (
    select * from {{ ref('int_zone_entries') }}
),

near as (
    select * from {{ ref('int_placebo_neighbours') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

clock as (
    select * from {{ ref('int_event_clock') }}
),

placebo_events as (
    select
        {{ entry_columns() }},

        -- which placebo, and what may make it a real one
        entries.placebo_nr,
        near.near_real_level
    from entries
    inner join front_month using (session_date)
    inner join clock using (event_id)
    inner join near using (event_id)
)

select * from placebo_events
order by event_ts_ns, event_id

with

entries as (
    select * from {{ ref('int_zone_entries') }}
),

level_minutes as (
    select * from {{ ref('int_level_minutes') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

clock as (
    select * from {{ ref('int_event_clock') }}
),

near as (
    select
        entries.event_id,
        coalesce(
            bool_or(abs(level_minutes.level_price - entries.level_price) <= entries.zone_width),
            false
        ) as near_real_level
    from entries
    inner join level_minutes
        on {{ bar_start_ns('entries.event_ts_ns', 1) }} = level_minutes.minute_ns
    where entries.placebo_nr > 0
    group by entries.event_id
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

with

session as (
    select * from {{ ref('int_session') }}
),

entries as (
    select * from {{ ref('int_zone_entries') }}
),

phases as (
    select * from {{ ref('session_phases') }}
),

minutes as (
    select
        entries.event_id,
        (entries.event_ts_ns - session.rth_start_ns) / 60e9 as minutes_since_open
    from entries
    cross join session
),

int_event_clock as (
    select
        minutes.event_id,
        minutes.minutes_since_open,
        floor(minutes.minutes_since_open)::integer as bars_since_open,
        phases.session_phase,
        phases.session_phase = 1 as is_first_15m
    from minutes
    asof left join phases on minutes.minutes_since_open >= phases.from_minutes
)

select * from int_event_clock

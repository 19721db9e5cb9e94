with

events as (
    select * from {{ ref('int_events') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- Book rows are read up to the last anchor: what the book showed later is not known.
int_event_steps as (
    select
        events.event_id,
        offsets.offset_s,
        events.event_ts_ns + offsets.offset_s * 1000000000::bigint as step_ns,
        step_ns <= session.event_end_ns as has_book
    from events
    cross join range(-600, 481, 5) as offsets (offset_s)
    cross join session
)

select * from int_event_steps
order by event_id, offset_s

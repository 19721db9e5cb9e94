with

session as (
    select * from {{ ref('int_session') }}
),

int_clock_minutes as (
    select unnest(range(rth_start_ns + 60000000000, event_end_ns + 1, 60000000000)) as mark_ns
    from session
)

select * from int_clock_minutes
order by mark_ns

with

session as (
    select * from {{ ref('int_session') }}
),

int_minute_marks as (
    select unnest(range(rth_start_ns + 60000000000, event_end_ns + 1, 60000000000)) as mark_ns
    from session
    where has_rth
)

select * from int_minute_marks
order by mark_ns

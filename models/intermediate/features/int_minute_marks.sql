with

session as (
    select * from {{ ref('int_session') }}
),

minutes as (
    select * from {{ ref('int_clock_minutes') }}
),

int_minute_marks as (
    select minutes.mark_ns
    from minutes
    cross join session
    where session.has_rth
)

select * from int_minute_marks
order by mark_ns

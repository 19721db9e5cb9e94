{{ config(severity='error', tags=['gate']) }}

-- Gate 2, clock: on every date of the calendar the clock's zero is 09:30 New York, derived here
-- from the daylight saving rule in force since 2007 (second Sunday of March to first Sunday of
-- November) and not from a time zone library; and minutes_since_open counts from it.
with

clock as (
    select * from {{ ref('int_session_clock') }}
),

months as (
    select
        *,
        make_date(year(trade_date), 3, 1) as march,
        make_date(year(trade_date), 11, 1) as november
    from clock
),

expected as (
    select
        trade_date,
        rth_start_ns,
        (epoch(trade_date)::bigint + 14 * 3600 + 30 * 60 - if(
            trade_date >= march + (7 - dayofweek(march)::integer) % 7 + 7
            and trade_date < november + (7 - dayofweek(november)::integer) % 7,
            3600,
            0
        )) * 1000000000 as expected_ns
    from months
),

events as (
    select * from {{ ref('level_events') }}
)

select
    trade_date::varchar as place,
    rth_start_ns as found,
    expected_ns as expected
from expected
where rth_start_ns <> expected_ns
union all
select
    event_id as place,
    minutes_since_open as found,
    (event_ts_ns - expected_ns) / 60e9 as expected
from events
inner join expected on events.session_date = expected.trade_date
where minutes_since_open <> (event_ts_ns - expected_ns) / 60e9

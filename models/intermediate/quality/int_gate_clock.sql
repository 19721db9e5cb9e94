with

clock as (
    select * from {{ ref('int_session_clock') }}
),

entries as (
    select * from {{ ref('int_events') }}
),

event_clock as (
    select * from {{ ref('int_event_clock') }}
),

months as (
    select
        *,
        make_date(year(trade_date), 3, 1) as march,
        make_date(year(trade_date), 11, 1) as november
    from clock
),

-- From the daylight saving rule in force since 2007, second Sunday of March to first Sunday of
-- November, and not from a time zone library.
expected as (
    select
        trade_date,
        rth_start_ns,
        (epoch(trade_date + time '{{ clock_var("rth_start") }}')::bigint + 5 * 3600 - if(
            trade_date >= march + (7 - dayofweek(march)::integer) % 7 + 7
            and trade_date < november + (7 - dayofweek(november)::integer) % 7,
            3600,
            0
        )) * 1000000000 as expected_ns
    from months
),

wrong as (
    select trade_date::varchar as place
    from expected
    where rth_start_ns <> expected_ns
    union all
    select entries.event_id as place
    from entries
    inner join event_clock using (event_id)
    inner join expected on entries.session_date = expected.trade_date
    where event_clock.minutes_since_open <> (entries.event_ts_ns - expected.expected_ns) / 60e9
),

int_gate_clock as (
    select
        'clock_is_zero_at_the_open' as gate,
        count(wrong.place)::double as measured,
        0::double as threshold,
        min(wrong.place) as detail
    from wrong
)

select * from int_gate_clock

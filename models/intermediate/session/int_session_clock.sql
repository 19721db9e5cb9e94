with

calendar as (
    select * from {{ ref('session_calendar') }}
),

clock as (
    select
        trade_date,
        has_rth,
        reason,
        (trade_date - 1) + time '{{ clock_var("trade_date_start") }}'
            as trade_date_start_et,
        trade_date + time '{{ clock_var("trade_date_end") }}' as trade_date_end_et,
        trade_date + time '{{ clock_var("premarket_start") }}' as premarket_start_et,
        trade_date + time '{{ clock_var("rth_start") }}' as rth_start_et,
        trade_date + time '{{ clock_var("event_end") }}' as event_end_et,
        trade_date + time '09:00:00' as grid_start_et,
        -- A half day closes earlier than the calendar's usual close; a closed day keeps the usual
        -- clock.
        trade_date + case
            when rth_end_et < max(rth_end_et) over ()
                then least(rth_end_et, time '{{ clock_var("rth_end") }}')
            else time '{{ clock_var("rth_end") }}'
        end as rth_end_et
    from calendar
),

int_session_clock as (
    select
        trade_date,
        has_rth,
        reason,
        {{ new_york_ns('trade_date_start_et') }} as trade_date_start_ns,
        {{ new_york_ns('trade_date_end_et') }} as trade_date_end_ns,
        {{ new_york_ns('premarket_start_et') }} as premarket_start_ns,
        {{ new_york_ns('grid_start_et') }} as grid_start_ns,
        {{ new_york_ns('rth_start_et') }} as rth_start_ns,
        {{ new_york_ns('rth_start_et') }}
        + {{ var('opening_range_minutes') }} * 60000000000 as opening_range_end_ns,
        {{ new_york_ns('least(event_end_et, rth_end_et)') }} as event_end_ns,
        {{ new_york_ns('rth_end_et') }} as rth_end_ns
    from clock
)

select * from int_session_clock

with

events as (
    select * from {{ ref('int_events') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

-- From the last state before the window, which its first change is measured against.
windows as (
    select
        events.event_ts_ns - {{ barrier_window_ns() }} as window_start_ns,
        coalesce(max(cells.last_ts_ns), window_start_ns) as from_ns,
        events.event_ts_ns as to_ns
    from events
    left join cells on events.event_ts_ns - {{ barrier_window_ns() }} >= cells.last_ts_ns
    group by events.event_ts_ns
),

marked as (
    select
        *,
        coalesce(from_ns > max(to_ns) over (
            order by to_ns rows between unbounded preceding and 1 preceding
        ), true) as begins_stretch
    from windows
),

numbered as (
    select
        *,
        count(*) filter (begins_stretch) over (order by to_ns) as stretch_nr
    from marked
),

int_barrier_stretches as (
    select
        min(from_ns) as from_ns,
        max(to_ns) as to_ns
    from numbered
    group by stretch_nr
)

select * from int_barrier_stretches
order by from_ns

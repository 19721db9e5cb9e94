with

events as (
    select * from {{ ref('int_events') }}
),

states as (
    select distinct tau_ns from {{ ref('int_level_states') }}
),

minutes as (
    select * from {{ ref('int_clock_minutes') }}
),

steps as (
    select * from {{ ref('int_grid_steps') }}
),

looks as (
    select * from {{ ref('int_event_steps') }}
),

session as (
    select * from {{ ref('int_session') }}
),

-- Both ends of every window that a feature looks at, and every moment at which one looks.
ends as (
    select event_ts_ns - (unnest([
        0,
        60,
        {%- for window in list_var('ofi_windows_s') %}
        {{ window }},
        {%- endfor %}
        {{ var('barrier_window_s') }},
        {{ var('wall_baseline_s') }}
    ]) * 1000000000::bigint)::bigint as boundary_ns
    from events
    union
    select
        event_ts_ns - unnest(range(1, {{ replenishment_buckets() }}))
        * {{ replenishment_bucket_ns() }} as boundary_ns
    from events
    union
    select tau_ns - unnest([
        0, 60, {{ list_var('ofi_windows_s') | join(', ') }}
    ]) * 1000000000::bigint as boundary_ns
    from states
    union
    select mark_ns - unnest([0, 60]) * 1000000000::bigint as boundary_ns
    from minutes
    union
    select unnest([grid_start_ns, grid_end_ns]) as boundary_ns
    from steps
    where has_book_columns
    union
    select step_ns as boundary_ns
    from looks
    where has_book
    union
    -- Where the span of the book begins, so that every later row lies in a cell.
    select {{ book_start_ns('session') }} as boundary_ns
    from session
),

int_book_boundaries as (
    select
        boundary_ns,
        row_number() over (order by boundary_ns) as boundary_nr
    from ends
)

select * from int_book_boundaries
order by boundary_ns

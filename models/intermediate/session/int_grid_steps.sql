{%- set step_ns = var('state_cadence_s') ~ ' * 1000000000::bigint' -%}

with

session as (
    select * from {{ ref('int_session') }}
),

steps as (
    select
        unnest(range(grid_start_ns, rth_end_ns - {{ step_ns }} + 1, {{ step_ns }}))
            as grid_start_ns,
        event_end_ns
    from session
),

int_grid_steps as (
    select
        grid_start_ns,
        grid_start_ns + {{ step_ns }} as grid_end_ns,
        grid_end_ns <= event_end_ns as has_book_columns
    from steps
)

select * from int_grid_steps
order by grid_start_ns

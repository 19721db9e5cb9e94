with

session as (
    select * from {{ ref('int_session') }}
),

steps as (
    select * from {{ ref('int_session_grid') }}
),

session_grid as (
    select
        session.session_date,
        steps.*
    from steps
    cross join session
)

select * from session_grid
order by grid_start_ns

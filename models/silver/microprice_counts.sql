with

session as (
    select * from {{ ref('int_session') }}
),

counts as (
    select * from {{ ref('int_microprice_counts') }}
),

microprice_counts as (
    select
        session.session_date,
        counts.*
    from counts
    cross join session
)

select * from microprice_counts
order by i_from, spread_from, dh, i_to, spread_to

with

session as (
    select * from {{ ref('int_session') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

parts as (
    select unnest(steps) as part
    from cells
),

counts as (
    select
        part.i_from,
        part.spread_from,
        part.dh,
        part.i_to,
        part.spread_to,
        sum(part.n)::bigint as n
    from parts
    group by all
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

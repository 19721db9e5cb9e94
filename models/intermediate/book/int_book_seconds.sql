with

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

span as (
    select * from {{ ref('int_book_span') }}
),

-- The state that the book begins with may be older than the first boundary.
seconds as (
    select unnest(range(
        least(min(boundaries.boundary_ns), min(span.from_ns)) // 1000000000,
        max(boundaries.boundary_ns) // 1000000000 + 1
    )) as second
    from boundaries
    cross join span
),

within as (
    select
        boundary_ns // 1000000000 as second,
        list(boundary_ns order by boundary_ns) as boundaries_within
    from boundaries
    group by all
),

int_book_seconds as (
    select
        seconds.second,
        within.boundaries_within,
        coalesce(sum(len(within.boundaries_within)) over (
            order by seconds.second rows between unbounded preceding and 1 preceding
        ), 0)::bigint as boundaries_before
    from seconds
    left join within using (second)
)

select * from int_book_seconds
order by second

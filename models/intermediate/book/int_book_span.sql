with

session as (
    select * from {{ ref('int_session') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

-- Read twice below, each time but a part of it: a kept copy would be all of it.
book as not materialized (
    select * from {{ ref('stg_databento__futures_mbp10') }}
),

states as not materialized (
    select
        book.ts_ns,
        {{ book_start_ns('session') }} as start_ns
    from book
    inner join session on book.trade_date = session.session_date
    inner join front_month on book.symbol = front_month.front_month
    where {{ is_book_state('book') }}
),

first_state as (
    select ts_ns
    from states
    order by ts_ns
    limit 1
),

last_before as (
    select max(ts_ns) as ts_ns
    from states
    where ts_ns <= start_ns
),

-- No window reaches back further than the longest one before the open; the last state before that
-- is what its first change is measured against.
int_book_span as (
    select
        front_month.front_month,
        coalesce(last_before.ts_ns, first_state.ts_ns) as from_ns,
        session.event_end_ns as to_ns
    from session
    cross join front_month
    cross join first_state
    cross join last_before
)

select * from int_book_span

with

session as (
    select * from {{ ref('int_session') }}
),

front_month as (
    select * from {{ ref('int_front_month') }}
),

book as (
    select * from {{ ref('stg_databento__futures_mbp10') }}
),

-- No window reaches back further than the longest one before the open; the last state before that
-- is what its first change is measured against.
int_book_span as (
    select
        front_month.front_month,
        coalesce(
            max(book.ts_ns) filter (
                book.ts_ns
                <= session.rth_start_ns - {{ longest_book_window_s() }} * 1000000000::bigint
            ),
            min(book.ts_ns)
        ) as from_ns,
        any_value(session.event_end_ns) as to_ns
    from book
    inner join session on book.trade_date = session.session_date
    inner join front_month on book.symbol = front_month.front_month
    where {{ is_book_state('book') }}
    group by front_month.front_month
)

select * from int_book_span

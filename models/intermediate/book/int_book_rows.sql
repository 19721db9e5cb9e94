{{ config(materialized='view') }}

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

-- A trade row shows the book before the trade, an N row none of its own, and flag 4
-- (F_MAYBE_BAD_BOOK) one the vendor does not vouch for.
int_book_rows as (
    select book.*
    from book
    inner join session on book.trade_date = session.session_date
    inner join front_month on book.symbol = front_month.front_month
    where
        book.action not in ('T', 'N')
        and book.flags & 4 = 0
)

select * from int_book_rows

with

session as (
    select * from {{ ref('int_session') }}
),

cells as (
    select * from {{ ref('int_book_cells') }}
),

book as (
    select * from {{ ref('int_book_rows') }}
),

-- The first state from the open on need not have moved a price.
opening as (
    select book.ts_ns
    from book
    inner join session on book.ts_ns between session.rth_start_ns and session.event_end_ns
    order by book.ts_ns
    limit 1
),

quotes as (
    select unnest(quotes) as quote
    from cells
),

mids as (
    select
        greatest(quotes.quote.ts_ns, opening.ts_ns) as ts_ns,
        quotes.quote.row_nr,
        case
            when quotes.quote.bid < quotes.quote.ask
                then round((quotes.quote.bid + quotes.quote.ask) * 1e9)::bigint
        end as doubled_mid_nano
    from quotes
    inner join session on quotes.quote.ts_ns <= session.event_end_ns
    cross join opening
),

-- Between two of these no best price changes, so the last is what the last row of its time shows.
int_future_mids as (
    select
        ts_ns,
        arg_max_null(doubled_mid_nano, row_nr) as doubled_mid_nano
    from mids
    group by ts_ns
)

select * from int_future_mids
order by ts_ns

with

session as (
    select * from {{ ref('int_session') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

quotes as (
    select * from {{ ref('stg_databento__options_nbbo') }}
),

-- The order of the files is the order of time (gate files_lie_in_time_order), so the largest row_nr
-- is the last quote. One of NULLs is a quote too: it says that nobody bids or offers.
int_option_quotes as (
    select
        quotes.instrument_id,
        {{ mark_ns('quotes.ts_ns', 'session') }} as mark_ns,
        arg_max_null(quotes.bid_price_nano, quotes.row_nr) as bid_price_nano,
        arg_max_null(quotes.ask_price_nano, quotes.row_nr) as ask_price_nano,
        max(quotes.ts_ns) as ts_ns
    from quotes
    inner join session
        on
            quotes.trade_date = session.session_date
            and quotes.ts_ns <= session.event_end_ns
    inner join chain using (instrument_id)
    group by all
)

select * from int_option_quotes
order by mark_ns, instrument_id

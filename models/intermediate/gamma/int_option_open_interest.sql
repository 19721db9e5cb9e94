with

session as (
    select * from {{ ref('int_session') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

statistics as (
    select * from {{ ref('stg_databento__options_statistics') }}
),

-- stat_type 9 is open interest; a row without a quantity says nothing.
int_option_open_interest as (
    select
        statistics.instrument_id,
        {{ mark_ns('statistics.ts_ns', 'session') }} as mark_ns,
        last(statistics.quantity order by statistics.ts_ns, statistics.row_nr) as open_interest,
        max(statistics.ts_ns) as ts_ns
    from statistics
    inner join session
        on
            statistics.trade_date = session.session_date
            and statistics.ts_ns <= session.event_end_ns
    inner join chain using (instrument_id)
    where
        statistics.stat_type = 9
        and statistics.quantity is not null
    group by all
)

select * from int_option_open_interest
order by mark_ns, instrument_id

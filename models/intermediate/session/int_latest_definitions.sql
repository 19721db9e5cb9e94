with

session as (
    select * from {{ ref('int_session') }}
),

futures as (
    select * from {{ ref('stg_databento__futures_definitions') }}
),

options as (
    select * from {{ ref('stg_databento__options_definitions') }}
),

definitions as (
    select
        'futures' as market,
        *
    from futures
    union all by name
    select
        'options' as market,
        *
    from options
),

-- Definitions repeat during the day. One that gives an id another symbol defines another instrument
-- and leaves what was recorded under the first as it was.
int_latest_definitions as (
    select definitions.* exclude (trade_date)
    from definitions
    inner join session on definitions.trade_date = session.session_date
    qualify row_number() over (
        partition by definitions.market, definitions.instrument_id, definitions.symbol
        order by definitions.ts_ns desc, definitions.row_nr desc
    ) = 1
)

select * from int_latest_definitions
order by market, instrument_id, symbol

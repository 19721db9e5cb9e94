with

session as (
    select * from {{ ref('int_session') }}
),

definitions as (
    select * from {{ ref('stg_databento__futures_definitions') }}
),

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

-- Definitions repeat during the day: the latest per instrument counts.
latest_definitions as (
    select definitions.*
    from definitions
    inner join session on definitions.trade_date = session.session_date
    qualify row_number() over (
        partition by definitions.instrument_id
        order by definitions.ts_ns desc, definitions.row_nr desc
    ) = 1
),

defined as (
    select
        instrument_id,
        symbol,
        expiration_ns
    from latest_definitions
    where
        instrument_class = 'F'
        and user_defined_instrument is distinct from 'Y'
),

traded as (
    select distinct
        trades.instrument_id,
        trades.symbol,
        year(trades.trade_date) as trade_year,
        strpos('FGHJKMNQUVXZ', trades.symbol[-2]) as expiration_month,
        trades.symbol[-1]::integer as expiration_year_digit
    from trades
    inner join session on trades.trade_date = session.session_date
    where
        not session.has_futures_definitions
        and regexp_full_match(trades.symbol, session.product_root || '[FGHJKMNQUVXZ][0-9]')
),

-- Without any definition the symbol is all there is. Its year is the first from the trade date's
-- year on that ends in the symbol's digit; the first of its month serves to order expirations.
parsed as (
    select
        instrument_id,
        symbol,
        epoch_us(make_timestamp(
            trade_year + (expiration_year_digit - trade_year % 10 + 10) % 10,
            expiration_month, 1, 0, 0, 0
        )) * 1000 as expiration_ns
    from traded
),

int_outrights as (
    select * from defined
    union all
    select * from parsed
)

select * from int_outrights

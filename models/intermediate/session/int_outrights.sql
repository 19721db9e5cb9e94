with

session as (
    select * from {{ ref('int_session') }}
),

definitions as (
    select * from {{ ref('int_latest_definitions') }}
),

trades as (
    select * from {{ ref('stg_databento__futures_trades') }}
),

defined as (
    select
        definitions.instrument_id,
        definitions.symbol,
        definitions.expiration_ns
    from definitions
    cross join session
    where
        definitions.market = 'futures'
        and definitions.instrument_class = 'F'
        and definitions.user_defined_instrument is distinct from 'Y'
        and {{ is_outright_symbol('definitions.symbol', 'session.product_root') }}
),

traded as (
    select distinct
        trades.instrument_id,
        trades.symbol,
        year(trades.trade_date) as trade_year,
        strpos('FGHJKMNQUVXZ', trades.symbol[len(session.product_root) + 1]) as expiration_month,
        trades.symbol[len(session.product_root) + 2:] as year_digits
    from trades
    inner join session on trades.trade_date = session.session_date
    where
        not session.has_futures_definitions
        and {{ is_outright_symbol('trades.symbol', 'session.product_root') }}
),

-- Without any definition the symbol is all there is. Its year is the first from the trade date's
-- year on that ends in the symbol's digits; the first of its month serves to order expirations.
parsed as (
    select
        instrument_id,
        symbol,
        if(len(year_digits) = 1, 10, 100) as years,
        epoch_us(make_timestamp(
            trade_year + (year_digits::integer - trade_year % years + years) % years,
            expiration_month, 1, 0, 0, 0
        )) * 1000 as expiration_ns
    from traded
),

int_outrights as (
    select * from defined
    union all
    select * exclude (years) from parsed
)

select * from int_outrights

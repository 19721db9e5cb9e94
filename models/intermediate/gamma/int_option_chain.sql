with

session as (
    select * from {{ ref('int_session') }}
),

definitions as (
    select * from {{ ref('stg_databento__options_definitions') }}
),

-- Definitions repeat during the day: the latest per instrument counts.
latest_definitions as (
    select
        definitions.*,
        session.session_date
    from definitions
    inner join session on definitions.trade_date = session.session_date
    qualify row_number() over (
        partition by definitions.instrument_id
        order by definitions.ts_ns desc, definitions.row_nr desc
    ) = 1
),

-- What expires today by its definition; a symbol's text never decides it. Without a strike it is no
-- option that could be priced.
int_option_chain as (
    select
        instrument_id,
        symbol,
        underlying,
        expiration_ns,
        strike_price_nano,
        strike_price as strike,
        instrument_class as "right",
        multiplier
    from latest_definitions
    where
        instrument_class in ('C', 'P')
        and user_defined_instrument = 'N'
        and strike_price_nano is not null
        and {{ new_york_timestamp('expiration_ns') }}::date = session_date
)

select * from int_option_chain
order by instrument_id

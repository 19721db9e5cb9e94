with

session as (
    select * from {{ ref('int_session') }}
),

definitions as (
    select * from {{ ref('int_latest_definitions') }}
),

-- What expires today by its definition; a symbol's text never decides it. Without a strike it is no
-- option that could be priced; one that delivers another product's future is not of this market.
int_option_chain as (
    select
        definitions.instrument_id,
        definitions.symbol,
        definitions.underlying,
        definitions.expiration_ns,
        definitions.strike_price_nano,
        definitions.strike_price as strike,
        definitions.instrument_class as "right",
        definitions.multiplier
    from definitions
    cross join session
    where
        definitions.market = 'options'
        and definitions.instrument_class in ('C', 'P')
        and definitions.user_defined_instrument = 'N'
        and definitions.strike_price_nano is not null
        and {{ new_york_timestamp('definitions.expiration_ns') }}::date = session.session_date
        and coalesce(
            {{ is_outright_symbol('definitions.underlying', 'session.product_root') }}, true
        )
    -- Records know an option by its id alone: of two under one id, the one that was defined first.
    qualify row_number() over (
        partition by definitions.instrument_id
        order by definitions.ts_ns, definitions.row_nr
    ) = 1
)

select * from int_option_chain
order by instrument_id

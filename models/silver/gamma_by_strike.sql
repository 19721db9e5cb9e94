with

session as (
    select * from {{ ref('int_session') }}
),

chain as (
    select * from {{ ref('int_option_chain') }}
),

exposures as (
    select * from {{ ref('int_gamma_exposures') }}
),

-- New York's clock once a mark, not once an option.
marks as (
    select
        mark_ns,
        {{ new_york_timestamp('mark_ns') }} as mark_et
    from {{ ref('int_minute_marks') }}
),

gamma_by_strike as (
    select
        -- keys
        session.session_date,
        exposures.mark_ns as tau_ns,
        marks.mark_et as tau_et,
        instrument_id,

        -- contract
        chain.symbol,
        chain.underlying,
        exposures.expiration_ns as expiration,
        exposures.strike,
        exposures."right",
        exposures.multiplier,

        -- prices, index points
        exposures.underlying_price,
        exposures.calendar_basis,
        exposures.bid_price_nano / 1e9 as bid_price,
        exposures.ask_price_nano / 1e9 as ask_price,
        exposures.quote_age_s,
        exposures.quote_status,

        -- volatility and what follows from it
        exposures.iv_status,
        exposures.iv,
        exposures.total_vol,
        exposures.gamma,
        exposures.delta,
        exposures.charm_per_minute,
        exposures.vanna_per_vol_percent,

        -- exposure, USD of delta per 1 % move
        exposures.unit_gex,
        exposures.open_interest,
        exposures.oi_gex,
        exposures.dealer_net_position,
        exposures.flow_gex,

        -- provenance
        exposures.option_source_ts_ns
    from exposures
    inner join marks using (mark_ns)
    inner join chain using (instrument_id)
    cross join session
)

select * from gamma_by_strike

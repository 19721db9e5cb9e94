{{ config(materialized='view') }}

with

marks as (
    select * from {{ ref('int_option_marks') }}
),

volatilities as (
    select * from {{ ref('int_option_volatilities') }}
),

units as (
    select
        marks.* exclude (strike_price_nano),
        marks.strike + marks.calendar_basis as front_month_strike,
        volatilities.* exclude (mark_ns, instrument_id),
        -- USD of delta that one contract gains when the underlying moves by 1 %.
        volatilities.gamma * marks.multiplier * marks.underlying_price ** 2 * 0.01 as unit_gex
    from marks
    inner join volatilities using (mark_ns, instrument_id)
),

-- Without knowing who holds what, dealers are taken to be long calls and short puts.
int_gamma_exposures as (
    select
        *,
        unit_gex * if("right" = 'C', open_interest, -open_interest) as oi_gex,
        unit_gex * dealer_net_position as flow_gex,
        gamma * dealer_net_position as hedge_contracts_per_point,
        charm_per_minute * dealer_net_position as charm_contracts_per_minute,
        vanna_per_vol_percent * dealer_net_position as vanna_contracts_per_vol_percent
    from units
)

select * from int_gamma_exposures

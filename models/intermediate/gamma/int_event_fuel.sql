{%- set near_level = 'abs(points_above_level) <= ' ~ var('fuel_strike_range') -%}

with

strikes as (
    select * from {{ ref('int_event_strikes') }}
),

fuel as (
    select
        event_id,
        {{ band_sum('hedge_contracts_per_point', near_level) }} as gamma_exposure,
        {{ band_sum('charm_contracts_per_minute', near_level) }} as dealer_charm,
        {{ band_sum('vanna_contracts_per_vol_percent', near_level) }} as dealer_vanna,
        -- Of several series still alive, the one that expires first.
        first(calendar_basis order by expiration_ns, instrument_id) filter (is_alive)
            as calendar_basis,
        max(option_source_ts_ns) as option_source_ts_ns
    from strikes
    group by event_id
),

-- Dealers short of gamma hedge with the move and feed it; long of it, they dampen it.
int_event_fuel as (
    select
        event_id,
        gamma_exposure,
        case
            when gamma_exposure < -{{ var('fuel_threshold_contracts_per_point') }} then 'AMPLIFY'
            when gamma_exposure > {{ var('fuel_threshold_contracts_per_point') }} then 'DAMPEN'
            when gamma_exposure is not null then 'NEUTRAL'
        end as fuel_effect,
        dealer_charm,
        dealer_vanna,
        calendar_basis,
        option_source_ts_ns
    from fuel
)

select * from int_event_fuel

{%- set near_level = 'abs(points_above_level) <= ' ~ var('fuel_strike_range') -%}

with

strikes as (
    select * from {{ ref('int_event_strikes') }}
),

-- Exposures in USD of delta per 1 % move, the numbers in their names count strikes. Dealers short
-- of gamma hedge with the move and feed it; long of it, they dampen it.
int_event_gamma as (
    select
        event_id,
        {%- for n in [1, 2, 3] %}
        {{ band_sum('oi_gex', strikes_above(n)) }} as gex_above_{{ n }}strike,
        {{ band_sum('oi_gex', strikes_below(n)) }} as gex_below_{{ n }}strike,
        {%- endfor %}
        {%- for right, name in [('C', 'call'), ('P', 'put')] %}
        {%- for n in [1, 2, 3] %}
        {{ band_sum('oi_gex', strikes_above(n) ~ ' and "right" = ' ~ "'" ~ right ~ "'") }}
            as {{ name }}_gex_above_{{ n }}strike,
        {{ band_sum('oi_gex', strikes_below(n) ~ ' and "right" = ' ~ "'" ~ right ~ "'") }}
            as {{ name }}_gex_below_{{ n }}strike,
        {%- endfor %}
        {%- endfor %}
        {%- for n in [2, 3] %}
        {{ band_sum('oi_gex', strikes_around(n)) }} as net_gex_{{ n }}strike,
        {%- endfor %}
        gex_above_3strike - gex_below_3strike as gex_asymmetry,
        gex_above_3strike / nullif(abs(gex_below_3strike), 0) as gex_ratio,
        {%- for n in [1, 2, 3] %}
        {{ band_sum('flow_gex', strikes_above(n)) }} as flow_gex_above_{{ n }}strike,
        {{ band_sum('flow_gex', strikes_below(n)) }} as flow_gex_below_{{ n }}strike,
        {%- endfor %}
        {%- for n in [2, 3] %}
        {{ band_sum('flow_gex', strikes_around(n)) }} as flow_net_gex_{{ n }}strike,
        {%- endfor %}
        flow_gex_above_3strike - flow_gex_below_3strike as flow_gex_asymmetry,
        {{ band_sum('hedge_contracts_per_point', near_level) }} as gamma_exposure,
        case
            when gamma_exposure < -{{ var('fuel_threshold_contracts_per_point') }} then 'AMPLIFY'
            when gamma_exposure > {{ var('fuel_threshold_contracts_per_point') }} then 'DAMPEN'
            when gamma_exposure is not null then 'NEUTRAL'
        end as fuel_effect,
        {{ band_sum('charm_contracts_per_minute', near_level) }} as dealer_charm,
        {{ band_sum('vanna_contracts_per_vol_percent', near_level) }} as dealer_vanna,
        -- Of several series still alive, the one that expires first.
        first(calendar_basis order by expiration_ns, instrument_id) filter (is_alive)
            as calendar_basis,
        max(option_source_ts_ns) as option_source_ts_ns
    from strikes
    group by event_id
)

select * from int_event_gamma

with

exposures as (
    select * from {{ ref('int_gamma_exposures') }}
),

strikes as (
    select * from {{ ref('int_nearest_strikes') }}
),

profiles as (
    select * from {{ ref('int_chain_profiles') }}
),

-- Sums in a fixed order, so that the last digit does not depend on threads.
chains as (
    select
        mark_ns,
        first(
            struct_pack(expiration_ns, underlying_price, calendar_basis)
            order by expiration_ns, instrument_id
        ) filter (expiration_ns > mark_ns) as nearest,
        sum(oi_gex order by instrument_id) filter (expiration_ns > mark_ns) as oi_gex_total,
        sum(flow_gex order by instrument_id) filter (expiration_ns > mark_ns) as flow_gex_total,
        max(option_source_ts_ns) filter (expiration_ns > mark_ns) as option_source_ts_ns
    from exposures
    group by mark_ns
),

-- Of equal walls the one nearest the price, then the lower.
walls as (
    select
        mark_ns,
        first(strike order by call_oi_gex desc, abs(strike - underlying_price) asc, strike asc)
            filter (call_oi_gex > 0) as call_wall,
        first(strike order by put_oi_gex, abs(strike - underlying_price), strike)
            filter (put_oi_gex < 0) as put_wall
    from strikes
    where underlying_price is not null
    group by mark_ns
),

int_chain_minutes as (
    select
        chains.mark_ns,
        chains.nearest.expiration_ns,
        chains.nearest.underlying_price,
        chains.nearest.calendar_basis,
        chains.oi_gex_total,
        chains.flow_gex_total,
        profiles.atm_iv,
        profiles.skew_25_delta as skew_25d,
        walls.call_wall,
        walls.put_wall,
        profiles.zero_gamma,
        chains.option_source_ts_ns
    from chains
    left join walls using (mark_ns)
    left join profiles using (mark_ns)
)

select * from int_chain_minutes
order by mark_ns

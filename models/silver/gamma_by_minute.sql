with

session as (
    select * from {{ ref('int_session') }}
),

minutes as (
    select * from {{ ref('int_chain_minutes') }}
),

gamma_by_minute as (
    select
        -- keys
        session.session_date,
        minutes.mark_ns as tau_ns,
        {{ new_york_timestamp('minutes.mark_ns') }} as tau_et,

        -- the series that expires next
        minutes.expiration_ns as expiration,
        minutes.underlying_price,
        minutes.calendar_basis,

        -- exposure of the whole chain, USD of delta per 1 % move
        minutes.oi_gex_total,
        minutes.flow_gex_total,

        -- smile
        minutes.atm_iv,
        minutes.skew_25d,

        -- walls and flip, points of the underlying
        minutes.call_wall,
        minutes.put_wall,
        minutes.zero_gamma,

        -- provenance
        minutes.option_source_ts_ns
    from minutes
    cross join session
)

select * from gamma_by_minute
order by tau_ns

with

session as (
    select * from {{ ref('int_session') }}
),

prices as (
    select * from {{ ref('int_front_prices') }}
),

level_minutes as (
    select * from {{ ref('int_level_minutes') }}
),

grid as (
    select unnest(range(
        rth_start_ns + {{ var('state_cadence_s') }} * 1000000000::bigint,
        event_end_ns + 1,
        {{ var('state_cadence_s') }} * 1000000000::bigint
    )) as tau_ns
    from session
    where has_rth
),

spots as (
    select
        grid.tau_ns,
        prices.price as spot,
        prices.ts_ns as trade_source_ts_ns
    from grid
    asof inner join prices on grid.tau_ns >= prices.ts_ns
),

-- Levels and bars only change on whole minutes, so what holds at a minute's start holds in it.
int_level_states as (
    select
        spots.tau_ns || '_' || level_minutes.level_kind as state_id,
        spots.tau_ns,
        level_minutes.level_kind,
        level_minutes.level_price,
        if(spots.spot < level_minutes.level_price, 1, -1) as dir_sign,
        spots.spot,
        level_minutes.atr,
        level_minutes.rth_volatility,
        spots.trade_source_ts_ns
    from spots
    inner join level_minutes
        on {{ bar_start_ns('spots.tau_ns', 1) }} = level_minutes.minute_ns
    where level_minutes.level_price is not null
)

select * from int_level_states
order by tau_ns, level_kind

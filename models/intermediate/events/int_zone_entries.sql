with

session as (
    select * from {{ ref('int_session') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

level_minutes as (
    select * from {{ ref('int_level_minutes') }}
),

offsets as (
    select * from {{ ref('int_level_offsets') }}
),

-- Trades before the open do not count, not even as the previous trade.
window_trades as (
    select
        trades.trade_nr,
        trades.ts_ns,
        trades.price,
        lag(trades.price) over (order by trades.trade_nr) as previous_price,
        {{ bar_start_ns('trades.ts_ns', 1) }} as minute_ns
    from trades
    inner join session
        on trades.ts_ns >= session.rth_start_ns and trades.ts_ns <= session.event_end_ns
),

ranges as (
    select
        minute_ns,
        min(price) as low,
        max(price) as high,
        min(trade_nr) as first_trade_nr
    from window_trades
    group by minute_ns
),

placed as (
    select
        level_minutes.* exclude (level_price),
        offsets.placebo_nr,
        level_minutes.level_price + offsets.offset_points as level_price
    from level_minutes
    inner join offsets using (level_kind)
),

-- In most minutes every trade is outside twice the zone, or the kind is not valid: one trade then
-- says what all of them would.
minutes as (
    select
        placed.*,
        ranges.first_trade_nr,
        case
            when placed.level_price is null then 'unknown'
            when
                greatest(ranges.low - placed.level_price, placed.level_price - ranges.high)
                > {{ var('zone_rearm_multiple') }} * placed.zone_width
                then 'out'
        end as state
    from placed
    inner join ranges using (minute_ns)
),

-- Each trade against each level. Between the zone and twice its width nothing is decided and the
-- last state holds; a trade at which the kind is not valid makes the state unknown.
states as (
    select
        first_trade_nr as trade_nr,
        level_kind,
        placebo_nr,
        state
    from minutes
    where state is not null
    union all
    select
        window_trades.trade_nr,
        minutes.level_kind,
        minutes.placebo_nr,
        case
            when abs(window_trades.price - minutes.level_price) <= minutes.zone_width then 'in'
            when
                abs(window_trades.price - minutes.level_price)
                > {{ var('zone_rearm_multiple') }} * minutes.zone_width
                then 'out'
        end as trade_state
    from window_trades
    inner join minutes using (minute_ns)
    where
        minutes.state is null
        and trade_state is not null
        -- A trade at the price of the one before it leaves the state what it is.
        and (
            window_trades.price <> window_trades.previous_price
            or window_trades.trade_nr = minutes.first_trade_nr
        )
),

-- The trades left out above keep the state they found, so the last decided trade before this one
-- carries the state of the trade before this one. Only what that needs is sorted.
entered as (
    select
        trade_nr,
        level_kind,
        placebo_nr
    from states
    qualify
        state = 'in'
        and lag(state) over (
            partition by level_kind, placebo_nr order by trade_nr
        ) = 'out'
),

entries as (
    select
        window_trades.* exclude (minute_ns),
        minutes.*
    from entered
    inner join window_trades using (trade_nr)
    inner join minutes using (minute_ns, level_kind, placebo_nr)
),

int_zone_entries as (
    select
        strftime(session.session_date, '%Y%m%d')
        || if(entries.placebo_nr = 0, '', '_PLACEBO' || entries.placebo_nr)
        || '_' || entries.level_kind
        || '_' || floor(entries.level_price * 100 + 0.5)::bigint
        || '_' || entries.ts_ns
        || '_' || if(entries.previous_price < entries.level_price, 'UP', 'DOWN') as event_id,
        session.session_date,
        entries.ts_ns as event_ts_ns,
        entries.level_kind,
        entries.placebo_nr,
        entries.level_price,
        if(entries.previous_price < entries.level_price, 'UP', 'DOWN') as direction,
        if(entries.previous_price < entries.level_price, 1, -1) as dir_sign,
        entries.price as spot,
        entries.zone_width,
        entries.atr,
        entries.rth_volatility,
        entries.trade_nr
    from entries
    cross join session
)

select * from int_zone_entries
order by event_ts_ns, event_id

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

-- Trades before the open do not count, not even as the previous trade.
window_trades as (
    select
        trades.trade_nr,
        trades.ts_ns,
        trades.price,
        lag(trades.price) over (order by trades.trade_nr) as previous_price,
        {{ bar_start_ns('trades.ts_ns', 1) }} as minute_ns,
        trades.symbol as contract
    from trades
    inner join session
        on trades.ts_ns >= session.rth_start_ns and trades.ts_ns <= session.event_end_ns
),

-- Each trade against each kind. Between the zone and twice its width nothing is decided and the
-- last state holds; a trade at which the kind is not valid makes the state unknown.
states as (
    select
        window_trades.trade_nr,
        level_minutes.level_kind,
        case
            when level_minutes.level_price is null then 'unknown'
            when
                abs(window_trades.price - level_minutes.level_price) <= level_minutes.zone_width
                then 'in'
            when
                abs(window_trades.price - level_minutes.level_price)
                > {{ var('zone_rearm_multiple') }} * level_minutes.zone_width
                then 'out'
        end as state
    from window_trades
    inner join level_minutes using (minute_ns)
    where state is not null
),

-- The trades left out above keep the state they found, so the last decided trade before this one
-- carries the state of the trade before this one. Only what that needs is sorted.
entered as (
    select
        trade_nr,
        level_kind
    from states
    qualify state = 'in' and lag(state) over (partition by level_kind order by trade_nr) = 'out'
),

entries as (
    select
        window_trades.* exclude (minute_ns),
        level_minutes.*
    from entered
    inner join window_trades using (trade_nr)
    inner join level_minutes using (minute_ns, level_kind)
),

int_zone_entries as (
    select
        strftime(session.session_date, '%Y%m%d')
        || '_' || entries.level_kind
        || '_' || floor(entries.level_price * 100 + 0.5)::bigint
        || '_' || entries.ts_ns
        || '_' || if(entries.previous_price < entries.level_price, 'UP', 'DOWN') as event_id,
        session.session_date,
        entries.ts_ns as event_ts_ns,
        entries.contract,
        entries.level_kind,
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

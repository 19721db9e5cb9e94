with

entries as (
    select * from {{ ref('int_zone_entries') }}
),

phases as (
    select * from {{ ref('session_phases') }}
),

level_events as (
    select
        -- keys
        entries.event_id,
        entries.session_date,
        entries.event_ts_ns,
        {{ new_york_timestamp('entries.event_ts_ns') }} as event_ts_et,
        entries.contract,

        -- level
        entries.level_kind,
        entries.level_price,
        entries.direction,
        entries.dir_sign,

        -- state at the anchor, points
        entries.spot,
        entries.zone_width,
        entries.atr,
        entries.rth_volatility,

        -- session clock
        entries.minutes_since_open,
        floor(entries.minutes_since_open)::integer as bars_since_open,
        phases.session_phase,
        phases.session_phase = 1 as is_first_15m
    from entries
    asof left join phases on entries.minutes_since_open >= phases.from_minutes
)

select * from level_events
order by event_ts_ns, event_id

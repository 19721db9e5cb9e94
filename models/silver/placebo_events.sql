with

entries as (
    select * from {{ ref('int_zone_entries') }}
),

near as (
    select * from {{ ref('int_placebo_neighbours') }}
),

clock as (
    select * from {{ ref('int_event_clock') }}
),

placebo_events as (
    select
        -- keys
        entries.event_id,
        entries.session_date,
        entries.event_ts_ns,
        {{ new_york_timestamp('entries.event_ts_ns') }} as event_ts_et,
        entries.contract,

        -- level
        entries.level_kind,
        entries.placebo_nr,
        entries.level_price,
        entries.direction,
        entries.dir_sign,

        -- state at the anchor, points
        entries.spot,
        entries.zone_width,
        entries.atr,
        entries.rth_volatility,

        -- session clock
        clock.minutes_since_open,
        clock.bars_since_open,
        clock.session_phase,
        clock.is_first_15m,

        -- what may make it a real one
        near.near_real_level
    from entries
    inner join clock using (event_id)
    inner join near using (event_id)
)

select * from placebo_events
order by event_ts_ns, event_id

with

events as (
    select * from {{ ref('int_events') }}
),

states as (
    select * from {{ ref('int_level_states') }}
),

-- A time, a level and a direction are all that most features need to know: where a market entered
-- a zone, and where it stood on a regular grid of times.
int_anchors as (
    select
        event_id as anchor_id,
        event_ts_ns as anchor_ts_ns,
        true as is_event,
        level_kind,
        level_price,
        dir_sign,
        spot,
        atr
    from events
    union all
    select
        state_id as anchor_id,
        tau_ns as anchor_ts_ns,
        false as is_event,
        level_kind,
        level_price,
        dir_sign,
        spot,
        atr
    from states
)

select * from int_anchors

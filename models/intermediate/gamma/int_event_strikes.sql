with

events as (
    select * from {{ ref('int_events') }}
),

marks as (
    select * from {{ ref('int_minute_marks') }}
),

exposures as (
    select * from {{ ref('int_gamma_exposures') }}
),

event_marks as (
    select
        events.event_id,
        events.level_price,
        marks.mark_ns
    from events
    asof inner join marks on events.event_ts_ns >= marks.mark_ns
),

-- The chain at the last minute mark, its strikes in the front month's points from the level.
int_event_strikes as (
    select
        event_marks.event_id,
        exposures.instrument_id,
        exposures.expiration_ns,
        exposures.expiration_ns > exposures.mark_ns as is_alive,
        exposures."right",
        exposures.calendar_basis,
        exposures.front_month_strike - event_marks.level_price as points_above_level,
        exposures.oi_gex,
        exposures.flow_gex,
        exposures.hedge_contracts_per_point,
        exposures.charm_contracts_per_minute,
        exposures.vanna_contracts_per_vol_percent,
        exposures.option_source_ts_ns
    from event_marks
    inner join exposures using (mark_ns)
)

select * from int_event_strikes
order by event_id, instrument_id

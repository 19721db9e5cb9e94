with

events as (
    select * from {{ ref('int_zone_entries') }}
),

minutes as (
    select * from {{ ref('int_chain_minutes') }}
),

-- The chain as a whole at the last minute mark, its prices carried to the front month.
int_event_chain as (
    select
        events.event_id,
        events.spot - (minutes.zero_gamma + minutes.calendar_basis) as dist_to_zero_gamma,
        events.spot - (minutes.call_wall + minutes.calendar_basis) as dist_to_call_wall,
        events.spot - (minutes.put_wall + minutes.calendar_basis) as dist_to_put_wall,
        minutes.atm_iv,
        minutes.skew_25d
    from events
    asof inner join minutes on events.event_ts_ns >= minutes.mark_ns
)

select * from int_event_chain
order by event_id

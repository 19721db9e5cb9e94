with

events as (
    select * from {{ ref('int_events') }}
),

flows as (
    select * from {{ ref('int_event_barrier_flow') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

session as (
    select * from {{ ref('int_session') }}
),

buckets as (
    select
        event_id,
        unnest(range(1, {{ replenishment_buckets() }} + 1)) as bucket
    from events
),

-- What aggressors took out of the zone: buyers from a barrier above, sellers from one below.
passive as (
    select
        events.event_id,
        {{ replenishment_bucket('events.event_ts_ns', 'trades.ts_ns') }} as bucket,
        sum(trades.size)::bigint as passive_volume
    from events
    cross join session
    inner join trades
        on
            events.event_ts_ns - {{ barrier_window_ns() }} < trades.ts_ns
            and events.event_ts_ns >= trades.ts_ns
    where
        trades.aggressor_side = if(events.dir_sign = 1, 'B', 'A')
        and trades.price between
        events.level_price - {{ barrier_reach() }}
        and events.level_price + {{ barrier_reach() }}
    group by all
),

int_event_replenishment as (
    select
        buckets.event_id,
        buckets.bucket,
        flows.added,
        flows.removed,
        coalesce(passive.passive_volume, 0) as passive_volume
    from buckets
    left join flows using (event_id, bucket)
    left join passive using (event_id, bucket)
)

select * from int_event_replenishment
order by event_id, bucket

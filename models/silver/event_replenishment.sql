with

session as (
    select * from {{ ref('int_session') }}
),

buckets as (
    select * from {{ ref('int_event_replenishment') }}
),

event_replenishment as (
    select
        -- keys
        session.session_date,
        buckets.event_id,
        buckets.bucket,

        -- contracts
        buckets.added,
        buckets.removed,
        buckets.passive_volume
    from buckets
    cross join session
)

select * from event_replenishment
order by event_id, bucket

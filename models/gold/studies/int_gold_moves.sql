with

events as (
    select * from {{ ref('stg_silver__level_events') }}
),

features as (
    select * from {{ ref('stg_silver__level_event_features') }}
),

labels as (
    select * from {{ ref('stg_silver__level_event_labels') }}
),

int_gold_moves as (
    select
        events.event_id,
        events.dir_sign * (labels.future_price - events.spot) as move_points,
        60 * features.velocity_60s as past_move_points
    from events
    inner join labels using (event_id)
    inner join features using (event_id)
)

select * from int_gold_moves
order by event_id

{{ config(contract={'enforced': columns_are_described()}) }}

with

events as (
    select * from {{ ref('level_events') }}
),

features as (
    select * from {{ ref('level_event_features') }}
),

labels as (
    select * from {{ ref('level_event_labels') }}
),

level_interactions as (
    select
        events.*,
        features.* exclude (event_id, session_date),
        labels.* exclude (event_id, session_date)
    from events
    inner join features using (event_id)
    inner join labels using (event_id)
)

select * from level_interactions
order by event_ts_ns, event_id

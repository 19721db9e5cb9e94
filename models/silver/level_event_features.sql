{{ config(contract={'enforced': columns_are_described()}) }}

with

level_event_features as (
    select * from {{ ref('int_event_features') }}
)

select * from level_event_features
order by event_id

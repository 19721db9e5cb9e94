-- depends_on: {{ ref('level_event_features') }}
select * from {{ committed('level_event_features') }}

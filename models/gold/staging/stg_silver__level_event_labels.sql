-- depends_on: {{ ref('level_event_labels') }}
select * from {{ committed('level_event_labels') }}

-- depends_on: {{ ref('event_paths') }}
select * from {{ committed('event_paths') }}

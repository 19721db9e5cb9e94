-- depends_on: {{ ref('level_events') }}
select * from {{ committed('level_events') }}

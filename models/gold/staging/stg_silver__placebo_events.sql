-- depends_on: {{ ref('placebo_events') }}
select * from {{ committed('placebo_events') }}

-- depends_on: {{ ref('placebo_labels') }}
select * from {{ committed('placebo_labels') }}

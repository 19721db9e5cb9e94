-- depends_on: {{ ref('lead_lag') }}
select * from {{ committed('lead_lag') }}

-- depends_on: {{ ref('session_grid') }}
select * from {{ committed('session_grid') }}

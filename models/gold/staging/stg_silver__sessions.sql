-- depends_on: {{ ref('sessions') }}
select * from {{ committed('sessions') }}

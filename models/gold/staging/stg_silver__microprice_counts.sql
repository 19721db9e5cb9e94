-- depends_on: {{ ref('microprice_counts') }}
select * from {{ committed('microprice_counts') }}

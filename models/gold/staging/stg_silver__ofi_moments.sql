-- depends_on: {{ ref('ofi_moments') }}
select * from {{ committed('ofi_moments') }}

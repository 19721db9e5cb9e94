select * from {{ evaluated('trials') }}

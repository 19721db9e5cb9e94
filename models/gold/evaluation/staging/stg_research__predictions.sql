select * from {{ evaluated('predictions') }}

select * from {{ evaluated('neighbours') }}

select * from {{ evaluated('folds') }}

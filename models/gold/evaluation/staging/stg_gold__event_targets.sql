select * from {{ evaluated('event_targets') }}

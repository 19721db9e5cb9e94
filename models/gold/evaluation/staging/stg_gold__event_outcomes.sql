select * from {{ evaluated('event_outcomes') }}

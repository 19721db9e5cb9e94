with

session as (
    select * from {{ ref('int_session') }}
),

steps as (
    select * from {{ ref('int_event_book') }}
),

event_book as (
    select
        -- keys
        session.session_date,
        steps.event_id,
        steps.offset_s,

        -- displayed around the level, contracts
        steps.lowest_price,
        steps.bid_sizes,
        steps.ask_sizes,

        -- provenance
        steps.book_source_ts_ns
    from steps
    cross join session
)

select * from event_book
order by event_id, offset_s

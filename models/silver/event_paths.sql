with

session as (
    select * from {{ ref('int_session') }}
),

paths as (
    select * from {{ ref('int_event_paths') }}
),

event_paths as (
    select
        -- keys
        session.session_date,
        paths.event_id,
        paths.offset_s,
        paths.is_placebo,

        -- from the anchor, in the direction of approach
        paths.move,
        paths.signed_volume,

        -- provenance
        paths.path_source_ts_ns
    from paths
    cross join session
)

select * from event_paths
order by event_id, offset_s

with

session as (
    select * from {{ ref('int_session') }}
),

intervals as (
    select * from {{ ref('int_levels') }}
),

levels as (
    select
        session.session_date,
        intervals.level_kind,
        intervals.valid_from_ns,
        intervals.valid_to_ns,
        {{ new_york_timestamp('intervals.valid_from_ns') }} as valid_from_et,
        intervals.level_price
    from intervals
    cross join session
)

select * from levels
order by level_kind, valid_from_ns

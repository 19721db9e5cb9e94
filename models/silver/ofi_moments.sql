with

session as (
    select * from {{ ref('int_session') }}
),

moments as (
    select * from {{ ref('int_ofi_moments') }}
),

ofi_moments as (
    select
        session.session_date,
        moments.*
    from moments
    cross join session
)

select * from ofi_moments
order by m, n

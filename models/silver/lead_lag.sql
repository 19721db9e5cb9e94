with

session as (
    select * from {{ ref('int_session') }}
),

displacements as (
    select * from {{ ref('int_lead_lag') }}
),

-- Of a feed that was never asked for nothing is known, not even that nothing changed.
lead_lag as (
    select
        session.session_date,
        displacements.pair,
        displacements.theta_ms,
        displacements.rho,
        case
            when displacements.pair = 'spx' and session.has_spx then displacements.y_changes
            when
                displacements.pair = 'implied'
                and session.has_options_definitions
                and session.has_options_quotes
                then displacements.y_changes
        end as y_changes
    from displacements
    cross join session
)

select * from lead_lag
order by pair, theta_ms

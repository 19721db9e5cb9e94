with

sessions as (
    select * from {{ ref('int_gold_sessions') }}
),

-- The latest sessions before a date, whatever happened in them; with too few nothing is known.
int_prior_sessions as (
    select
        sessions.session_date,
        earlier.session_date as prior_date
    from sessions
    inner join sessions as earlier
        on
            sessions.session_nr > earlier.session_nr
            and sessions.session_nr <= earlier.session_nr + {{ var('prior_sessions') }}
    qualify count(*) over (partition by sessions.session_date) >= {{ var('prior_min') }}
)

select * from int_prior_sessions
order by session_date, prior_date

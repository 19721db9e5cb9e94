{%- set drift_sessions = 5 -%}
with

sessions as (
    select * from {{ ref('int_gold_sessions') }}
),

-- The last sessions, the stamped one too, against those before them; only where all are there.
int_drift_windows as (
    select
        sessions.session_date,
        earlier.session_date as window_date,
        sessions.session_nr - earlier.session_nr < {{ drift_sessions }} as is_current
    from sessions
    inner join sessions as earlier
        on
            sessions.session_nr >= earlier.session_nr
            and sessions.session_nr
            < earlier.session_nr + {{ drift_sessions }} + {{ var('prior_sessions') }}
    where sessions.session_nr >= {{ drift_sessions }} + {{ var('prior_sessions') }}
)

select * from int_drift_windows
order by session_date, window_date

{{ config(schema='scores') }}

with

candidates as (
    select * from {{ ref('int_candidates') }}
    where full_nr is not null
),

sessions as (
    select * from {{ ref('int_session_gains') }}
    where stratum_kind = 'all'
),

intervals as (
    select * from {{ ref('int_skill_intervals') }}
    where stratum_kind = 'all'
),

-- Over the sessions of both.
paired as (
    select
        candidates.candidate_nr,
        sum(own.events)::bigint as events,
        sum(own.weight order by own.session_date) as effective_n,
        count(*) as sessions,
        1 - sum(own.loss order by own.session_date)
        / sum(own.loss_null_calibrated order by own.session_date) as skill,
        1 - sum(whole.loss order by own.session_date)
        / sum(whole.loss_null_calibrated order by own.session_date) as skill_full
    from candidates
    inner join sessions as own on candidates.candidate_nr = own.candidate_nr
    inner join sessions as whole
        on candidates.full_nr = whole.candidate_nr and own.session_date = whole.session_date
    group by candidates.candidate_nr
    having sum(own.weight order by own.session_date) >= {{ fewest_effective_events() }}
),

ablations as (
    select
        candidates.run_id,
        candidates.target,
        candidates.model,
        candidates.feature_set,
        paired.events,
        paired.effective_n,
        paired.sessions,
        paired.skill,
        paired.skill_full,
        paired.skill - paired.skill_full as difference,
        intervals.difference_low,
        intervals.difference_high
    from paired
    inner join candidates using (candidate_nr)
    inner join intervals using (candidate_nr)
)

select * from ablations
order by run_id, target, model, feature_set

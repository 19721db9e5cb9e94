{{ config(schema='scores') }}

with

candidates as (
    select * from {{ ref('int_candidates') }}
),

sessions as (
    select * from {{ ref('int_session_gains') }}
),

gains as (
    select * from {{ ref('int_stratum_gains') }}
),

classes as (
    select * from {{ ref('int_stratum_classes') }}
),

intervals as (
    select * from {{ ref('int_skill_intervals') }}
),

trials as (
    select * from {{ ref('int_candidate_trials') }}
),

deflated as (
    select * from {{ ref('int_skill_deflated') }}
),

counted as (
    select
        candidate_nr,
        stratum_kind,
        stratum,
        sum(events)::bigint as events,
        sum(weight order by session_date) as effective_n,
        count(*) as sessions
    from sessions
    group by candidate_nr, stratum_kind, stratum
),

scores as (
    select
        candidates.run_id,
        candidates.target,
        candidates.model,
        candidates.feature_set,
        counted.stratum_kind,
        counted.stratum,
        counted.events,
        counted.effective_n,
        counted.sessions,
        gains.log_loss,
        gains.log_loss_base_rate,
        gains.log_loss_null,
        gains.log_loss_null_calibrated,
        gains.brier,
        {%- for measure in ['auc', 'ece', 'lift'] %}
        {%- for class in score_classes() %}
        classes.{{ measure }}_{{ class }},
        {%- endfor %}
        {%- endfor %}
        classes.ece,
        classes.ece_null_calibrated,
        gains.skill,
        intervals.skill_low,
        intervals.skill_high,
        gains.skill_t,
        gains.skill_z,
        gains.detectable,
        gains.gain_move,
        gains.move_t,
        gains.gain_side,
        gains.side_t,
        if(gains.skill_t is not null, deflated.deflated, null) as deflated,
        trials.trials
    from counted
    inner join candidates using (candidate_nr)
    inner join trials using (candidate_nr)
    left join gains using (candidate_nr, stratum_kind, stratum)
    left join classes using (candidate_nr, stratum_kind, stratum)
    left join intervals using (candidate_nr, stratum_kind, stratum)
    left join deflated using (candidate_nr, stratum_kind, stratum)
)

select * from scores
order by run_id, target, model, feature_set, stratum_kind, stratum

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
    select * from {{ ref('int_class_scores') }}
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

by_class as (
    select
        candidate_nr,
        predictor_nr,
        stratum_kind,
        stratum,
        sum(ece order by class) / count(*) as ece
        {%- for measure in ['auc', 'ece', 'lift'] %}
        {%- for class in score_classes() %},
        any_value({{ measure }}) filter (where class = '{{ class }}') as {{ measure }}_{{ class }}
        {%- endfor %}
        {%- endfor %}
    from classes
    group by candidate_nr, predictor_nr, stratum_kind, stratum
),

-- On the same events: where a candidate lacks none, as it is by itself.
baselines as (
    select
        own.candidate_nr,
        own.stratum_kind,
        own.stratum,
        coalesce(same.ece, whole.ece) as ece
    from by_class as own
    inner join candidates using (candidate_nr)
    left join by_class as same
        on
            own.candidate_nr = same.candidate_nr
            and candidates.null_calibrated_nr = same.predictor_nr
            and own.stratum_kind = same.stratum_kind
            and own.stratum = same.stratum
    left join by_class as whole
        on
            candidates.null_calibrated_nr = whole.candidate_nr
            and whole.candidate_nr = whole.predictor_nr
            and own.stratum_kind = whole.stratum_kind
            and own.stratum = whole.stratum
    where own.candidate_nr = own.predictor_nr
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
        by_class.{{ measure }}_{{ class }},
        {%- endfor %}
        {%- endfor %}
        by_class.ece,
        baselines.ece as ece_null_calibrated,
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
    left join by_class
        on
            counted.candidate_nr = by_class.candidate_nr
            and by_class.candidate_nr = by_class.predictor_nr
            and counted.stratum_kind = by_class.stratum_kind
            and counted.stratum = by_class.stratum
    left join baselines using (candidate_nr, stratum_kind, stratum)
    left join intervals using (candidate_nr, stratum_kind, stratum)
    left join deflated using (candidate_nr, stratum_kind, stratum)
)

select * from scores
order by run_id, target, model, feature_set, stratum_kind, stratum

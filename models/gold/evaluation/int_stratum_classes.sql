with

candidates as (
    select * from {{ ref('int_candidates') }}
),

classes as (
    select * from {{ ref('int_class_scores') }}
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

-- The baseline on the same events: where a candidate lacks none, as it is by itself.
int_stratum_classes as (
    select
        own.* exclude (predictor_nr),
        coalesce(same.ece, whole.ece) as ece_null_calibrated
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
)

select * from int_stratum_classes
order by candidate_nr, stratum_kind, stratum

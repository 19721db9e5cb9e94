{{ config(severity='error', enabled=target.name == 'evaluation') }}

{%- set candidate = ['run_id', 'target', 'model', 'feature_set'] %}
{%- set stratum = ['candidate_nr', 'stratum_kind', 'stratum'] %}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL. Of predictions: an event is predicted once by each model, in one fold.
{{ rows_off_the_grain([
    (ref('stg_research__predictions'), candidate + ['event_id', 'class']),
    (ref('stg_research__neighbours'), ['run_id', 'target', 'feature_set', 'event_id', 'rank']),
    (ref('int_candidates'), ['candidate_nr']),
    (ref('int_candidates'), candidate),
    (ref('int_event_strata'), ['event_id', 'stratum_kind']),
    (ref('int_event_losses'), ['candidate_nr', 'event_id']),
    (ref('int_session_gains'), stratum + ['session_date']),
    (ref('int_stratum_gains'), stratum),
    (ref('int_session_draws'), ['resample', 'place']),
    (ref('int_skill_intervals'), stratum),
    (ref('int_candidate_trials'), ['candidate_nr']),
    (ref('int_skill_deflated'), stratum),
    (ref('int_ranked_predictions'), ['candidate_nr', 'predictor_nr']),
    (ref('int_class_ranks'), stratum + ['predictor_nr', 'class', 'p']),
    (ref('int_class_bins'), stratum + ['predictor_nr', 'class', 'bin']),
    (ref('int_class_scores'), stratum + ['predictor_nr', 'class']),
    (ref('int_stratum_classes'), stratum),
    (ref('int_event_trades'), ['candidate_nr', 'event_id']),
    (ref('int_neighbour_quartiles'), ['run_id', 'target', 'feature_set', 'event_id']),
    (ref('session_gains'), candidate + ['session_date']),
    (ref('scores'), candidate + ['stratum_kind', 'stratum']),
    (ref('reliability'), candidate + ['class', 'bin']),
    (ref('ablations'), candidate),
    (ref('edge'), candidate),
    (ref('similarity'), ['run_id', 'target', 'feature_set', 'quartile']),
    (ref('calibration'), candidate + ['fold']),
]) }}

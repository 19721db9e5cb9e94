{{ config(severity='error', enabled=target.name == 'gold') }}

{%- set stratum = ["coalesce(level_kind, 'ALL')", "coalesce(direction, 'ALL')",
                   'coalesce(session_phase, -1)'] %}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL, but in a stratum, where NULL is all of them.
{{ rows_off_the_grain([
    (ref('int_gold_entries'), ['event_id']),
    (ref('int_gold_outcomes'), ['event_id', 'target']),
    (ref('int_outcome_sessions'), stratum + ['is_placebo', 'target', 'class', 'session_date']),
    (ref('int_outcome_excesses'), stratum + ['is_placebo', 'target', 'class']),
    (ref('int_placebo_differences'), stratum + ['target', 'class']),
    (ref('int_gold_outcome_q'), ['level_kind', 'direction', 'session_phase', 'target', 'class']),
    (ref('level_outcomes'), stratum + ['is_placebo', 'target']),
    (ref('int_incidence_windows'), ['event_id', 'target']),
    (ref('int_incidence_steps'), ['target', 'stratum', 'end_s']),
    (ref('int_gold_null_incidence'), ['target', 'stratum', 'second', 'cause']),
    (ref('cumulative_incidence'), ['target', 'stratum', 'second', 'cause']),
    (ref('event_curves'), ['stratum', 'is_placebo', 'offset_s']),
    (ref('int_gold_moves'), ['event_id']),
    (ref('int_gold_correlations'), ['feature']),
    (ref('univariate'), ['feature']),
    (ref('int_drift_windows'), ['session_date', 'window_date']),
    (ref('int_gold_drift'), ['session_date', 'feature']),
    (ref('feature_drift'), ['session_date', 'feature']),
]) }}

{{ config(severity='error', enabled=target.name == 'gold') }}

-- Each table of gold has the grain that its description names: no two rows share a key, and no part
-- of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_gold_sessions'), ['session_date']),
    (ref('int_prior_sessions'), ['session_date', 'prior_date']),
    (ref('tod_profiles'), ['session_date', 'bucket', 'metric']),
    (ref('int_prior_ofi_moments'), ['session_date', 'm', 'n']),
    (ref('ofi_weights'), ['session_date', 'm']),
    (ref('int_prior_microprice_counts'), [
        'session_date', 'i_from', 'spread_from', 'dh', 'i_to', 'spread_to'
    ]),
    (ref('microprice'), ['session_date', 'i', 'spread']),
    (ref('lead_lag_summary'), ['pair', 'theta_ms']),
    (ref('int_event_tod'), ['event_id']),
    (ref('int_event_values'), ['event_id']),
    (ref('int_head_nulls'), ['event_id']),
    (ref('event_matrix'), ['event_id']),
    (ref('event_targets'), ['event_id', 'target']),
    (ref('event_sequences'), ['event_id']),
    (ref('event_outcomes'), ['event_id']),
    (ref('int_feature_sets'), ['feature']),
    (ref('folds'), ['fold', 'session_date']),
]) }}

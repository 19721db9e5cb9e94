{{ config(severity='error') }}

-- Each published table has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('sessions'), ['session_date']),
    (ref('bars_1m'), ['session_date', 'bar_start_ns']),
    (ref('levels'), ['session_date', 'level_kind', 'valid_from_ns']),
    (ref('gamma_by_strike'), ['tau_ns', 'instrument_id']),
    (ref('gamma_by_minute'), ['tau_ns']),
    (ref('level_events'), ['event_id']),
    (ref('level_event_features'), ['event_id']),
    (ref('level_event_labels'), ['event_id']),
    (ref('level_interactions'), ['event_id']),
    (ref('session_grid'), ['grid_start_ns']),
    (ref('ofi_moments'), ['m', 'n']),
    (ref('microprice_counts'), ['i_from', 'spread_from', 'dh', 'i_to', 'spread_to']),
    (ref('lead_lag'), ['pair', 'theta_ms']),
    (ref('event_replenishment'), ['event_id', 'bucket']),
    (ref('event_book'), ['event_id', 'offset_s']),
    (ref('event_paths'), ['event_id', 'offset_s']),
    (ref('placebo_events'), ['event_id']),
    (ref('placebo_labels'), ['event_id']),
    (ref('level_states'), ['tau_ns', 'level_kind']),
    (ref('qa_gate_results'), ['gate']),
    (ref('bronze_quality'), ['feed']),
]) }}

{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_book_span'), ['front_month']),
    (ref('int_book_boundaries'), ['boundary_ns']),
    (ref('int_book_cells'), ['cell_nr']),
    (ref('int_barrier_zones'), ['event_id']),
    (ref('int_book_windows'), ['anchor_ts_ns', 'window_s']),
    (ref('int_future_mids'), ['ts_ns']),
    (ref('int_parity_legs'), ['minute_start_ns', 'leg_nr']),
    (ref('int_implied_prices'), ['ts_ns']),
    (ref('int_lead_lag_prices'), ['series', 'ts_ns']),
    (ref('int_lead_lag'), ['pair', 'theta_ms']),
    (ref('int_event_steps'), ['event_id', 'offset_s']),
    (ref('int_event_book'), ['event_id', 'offset_s']),
    (ref('int_anchor_ladders'), ['anchor_ts_ns']),
]) }}

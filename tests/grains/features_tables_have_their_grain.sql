{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_minute_marks'), ['mark_ns']),
    (ref('int_minute_forces'), ['mark_ns']),
    (ref('int_force_mass_fits'), ['mark_ns']),
    (ref('int_event_tape_trades'), ['event_id', 'trade_nr']),
    (ref('int_event_sweeps'), ['event_id']),
    (ref('int_anchor_kinematics'), ['anchor_id']),
    (ref('int_anchor_approach'), ['anchor_id']),
    (ref('int_anchor_level_distances'), ['anchor_id']),
    (ref('int_anchor_ofi'), ['anchor_id']),
    (ref('int_event_tape'), ['event_id']),
    (ref('int_anchor_book_state'), ['anchor_id']),
    (ref('int_event_near_ofi'), ['event_id']),
    (ref('int_event_depth_profile'), ['event_id']),
    (ref('int_event_zone_depth'), ['event_id']),
    (ref('int_event_sweep_orders'), ['event_id', 'order_nr']),
    (ref('int_event_sweep_clusters'), ['event_id', 'cluster_nr']),
    (ref('int_event_sweep_pressure'), ['event_id']),
    (ref('int_event_replenishment'), ['event_id', 'bucket']),
    (ref('int_event_replenishment_rates'), ['event_id']),
    (ref('int_event_path_shape'), ['event_id']),
    (ref('int_event_barrier'), ['event_id']),
    (ref('int_event_force_mass'), ['event_id']),
    (ref('int_event_basis'), ['event_id']),
    (ref('int_event_features'), ['event_id']),
    (ref('int_state_features'), ['state_id']),
]) }}

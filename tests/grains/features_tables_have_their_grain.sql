{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_minute_marks'), ['mark_ns']),
    (ref('int_minute_forces'), ['mark_ns']),
    (ref('int_force_mass_fits'), ['mark_ns']),
    (ref('int_event_tape_trades'), ['event_id', 'trade_nr']),
    (ref('int_event_sweeps'), ['event_id']),
    (ref('int_event_kinematics'), ['event_id']),
    (ref('int_event_approach'), ['event_id']),
    (ref('int_event_level_distances'), ['event_id']),
    (ref('int_event_ofi'), ['event_id']),
    (ref('int_event_tape'), ['event_id']),
    (ref('int_event_passive_volume'), ['event_id']),
    (ref('int_event_barrier'), ['event_id']),
    (ref('int_event_force_mass'), ['event_id']),
    (ref('int_event_basis'), ['event_id']),
    (ref('int_event_features'), ['event_id']),
]) }}

{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_zone_entries'), ['event_id']),
    (ref('int_events'), ['event_id']),
    (ref('int_level_states'), ['state_id']),
    (ref('int_anchors'), ['anchor_id']),
    (ref('int_placebo_neighbours'), ['event_id']),
    (ref('int_event_paths'), ['event_id', 'offset_s']),
    (ref('int_event_clock'), ['event_id']),
    (ref('int_event_labels'), ['event_id']),
]) }}
